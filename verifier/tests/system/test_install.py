"""Proves that `make install` installs everything that belongs together, where it is told to, and `make uninstall`
takes all of it away again; and that the systemd units are sound and leave the program few rights."""

import os
import re
import shutil
import subprocess

import pytest

from running import PROGRAM, ROOT

UNITS = ROOT / "scripts/systemd"

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")


def make(*arguments):
    """One at a time: each worker of the tests may be the first that needs what it makes."""
    (ROOT / "build").mkdir(exist_ok=True)
    command = ["flock", ROOT / "build/install.lock", "make", "--silent", "-C", ROOT, *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir())


@pytest.mark.parametrize("prefix", ["/usr/local", "/opt/restore-verifier"])
def test_what_is_installed_is_taken_away_again(tmp_path, prefix):
    where = tmp_path / prefix.lstrip("/")
    made = make("install", f"DESTDIR={tmp_path}", f"PREFIX={prefix}")
    assert made.returncode == 0, made.stderr
    commands = re.findall(r"^(\S+)\t", subprocess.run([PROGRAM, "--describe"], capture_output=True, text=True).stdout, re.MULTILINE)
    scenarios = [path.relative_to(ROOT) for path in (ROOT / "scenarios").rglob("*.yaml")]
    ready = [path.name for directory in ("ci", "monitoring") for path in (ROOT / "scripts" / directory).iterdir()]
    expected = [
        "bin/restore-verifier",
        "lib/systemd/system/restore-verifier@.service",
        "lib/systemd/system/restore-verifier@.timer",
        "lib/sysusers.d/restore-verifier.conf",
        "share/bash-completion/completions/restore-verifier",
        "share/doc/restore-verifier/CHANGELOG.md",
        "share/doc/restore-verifier/README.md",
        "share/doc/restore-verifier/reference.md",
        *(f"share/doc/restore-verifier/examples/{name}" for name in (*ready, *scenarios)),
        "share/fish/vendor_completions.d/restore-verifier.fish",
        *(f"share/man/man1/restore-verifier-{command}.1" for command in commands),
        "share/man/man1/restore-verifier.1",
        "share/man/man5/restore-verifier-scenario.5",
        "share/restore-verifier/output.schema.json",
        "share/restore-verifier/scenario.schema.json",
        "share/zsh/site-functions/_restore-verifier",
    ]
    assert len(commands) >= 9 and files(where) == sorted(expected)
    assert subprocess.run([where / "bin/restore-verifier", "--version"], capture_output=True).returncode == 0
    assert f"ExecStart={prefix}/bin/restore-verifier nightly" in (where / "lib/systemd/system/restore-verifier@.service").read_text()
    assert "@BINDIR@" not in "".join((where / name).read_text() for name in files(where) if not name.startswith("bin/"))
    assert all((where / name).stat().st_mode & 0o777 == (0o755 if name.startswith("bin/") else 0o644) for name in files(where))
    # What somebody else has there stays.
    (where / "share/man/man1/other.1").touch()
    assert make("uninstall", f"DESTDIR={tmp_path}", f"PREFIX={prefix}").returncode == 0
    assert files(tmp_path) == [f"{prefix.lstrip('/')}/share/man/man1/other.1"]


def test_without_what_it_takes_to_build(tmp_path):
    run = make("install", f"DESTDIR={tmp_path}/root", f"BUILD={tmp_path}/build", "CC=no-such-compiler")
    assert run.returncode != 0 and "not on this machine: run ./scripts/setup" in run.stderr, run.stderr
    assert files(tmp_path) == []


# --- units ----------------------------------------------------------------------------------------


@pytest.fixture
def units(tmp_path):
    for name in ("restore-verifier@.service", "restore-verifier@.timer"):
        (tmp_path / name).write_text((UNITS / name).read_text().replace("@BINDIR@/restore-verifier", PROGRAM))
    return tmp_path


@needs_systemd
def test_the_units_are_sound(units):
    named = [units / f"restore-verifier@shop.{kind}" for kind in ("service", "timer")]

    def verify():
        environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"}
        run = subprocess.run(["systemd-analyze", "verify", "--man=no", *named], capture_output=True, text=True, env=environment)
        return "\n".join(line for line in run.stderr.splitlines() if "restore-verifier" in line)

    assert verify() == ""
    service = units / "restore-verifier@.service"
    service.write_text(service.read_text().replace("ProtectHome=yes", "ProtectHome=perhaps"))
    assert "perhaps" in verify()


@needs_systemd
@pytest.mark.parametrize("without, sound", [(None, True), ("CapabilityBoundingSet|SystemCall|Protect|Restrict", False)])
def test_the_service_has_few_rights(units, without, sound):
    """Below 4.0 of 10, in tenths."""
    service = units / "restore-verifier@.service"
    if without:
        service.write_text(re.sub(rf"^({without})\w*=.*\n", "", service.read_text(), flags=re.MULTILINE))
    run = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=39", service], capture_output=True, text=True)
    assert "Overall exposure level" in run.stdout, run.stderr
    assert (run.returncode == 0) == sound, run.stdout[-200:]
