"""Proves that a machine that is short of something gets an error that says what: space, rights, a place
for reports; and that unusual places for temporary files work."""

import gzip
import os
import pathlib
import shutil
import subprocess

import pytest

from running import CANNOT_VERIFY, NOBODY, PASSED, needs_root, wait_until

SCENARIO = "tables:\n  users:\n    - row_count = 25\n"
RESTORES = "backup restores"


@pytest.mark.often("separators", "long")
@pytest.mark.parametrize(
    "name",
    ["with space,comma;semicolon", "with'quote\"double\\backslash%percent$HOME größer", "-dash\nline", "x" * 200],
    ids=["separators", "quotes", "line", "long"],
)
def test_odd_places_for_temporary_files(place, good, name):
    place.put(good.gz)
    odd = place.tmp / name
    odd.mkdir()
    odd.chmod(0o755)
    for options in ([], ["--no-cache"]):
        run = place.verify(*options, place.scenario(SCENARIO), environment={"TMPDIR": str(odd)})
        assert run.code == PASSED, str(run)
    assert list(odd.iterdir()) == []


def test_a_place_whose_name_is_too_long_for_a_socket(place, good):
    """120 characters: more than the 107 that the path of a socket may have."""
    place.put(good.gz)
    long = str(place.tmp) + "/"
    long += "d" * (120 - len(long))
    os.mkdir(long)
    assert len(long) == 120
    before = {path for path in pathlib.Path("/tmp").glob("restore-verifier.*")}
    running = place.start("verify", "--reports", place.reports, place.scenario(SCENARIO), environment={"TMPDIR": long})
    run = running.wait()
    assert run.code == PASSED, str(run)
    assert os.listdir(long) == []
    left = [path for path in pathlib.Path("/tmp").glob(f"restore-verifier.{running.pid}.*") if path not in before]
    assert not left, "the directory of the socket stayed behind"


@needs_root
def test_a_place_that_the_user_of_the_server_cannot_enter(place, good):
    place.put(good.gz)
    closed = place.tmp / "closed"
    (closed / "tmp").mkdir(parents=True)
    closed.chmod(0o700)
    run = place.verify(place.scenario(SCENARIO), environment={"TMPDIR": str(closed / "tmp")})
    said = run.report()[RESTORES]
    assert run.code == CANNOT_VERIFY and said.verdict == "error", str(run)
    assert f"may not enter the directory {closed}," in said.message and "set TMPDIR" in said.message, str(run)
    assert "nobody" in said.message or "restore-verifier" in said.message, str(run)


@pytest.mark.parametrize(
    "make",
    [lambda path: path.touch(), lambda path: None, lambda path: path.symlink_to("/nonexistent")],
    ids=["a file", "nothing", "a link to nothing"],
)
def test_no_place_for_temporary_files(place, good, make):
    place.put(good.gz)
    make(place.directory / "no place")
    run = place.verify(place.scenario(SCENARIO), environment={"TMPDIR": str(place.directory / "no place")})
    assert run.code == CANNOT_VERIFY
    case = run.report().worst()
    assert case.verdict == "error" and "TMPDIR" in case.message, str(run)


def test_odd_places_for_backups_and_reports(place, good):
    odd = place.directory / "a b'c\"d,e$f"
    odd.mkdir()
    odd.chmod(0o755)
    shutil.copyfile(good.gz, odd / pathlib.Path(place.put(good.gz)).name)
    location = "'" + str(odd).replace("'", "''") + "'"
    run = place.run("verify", "--reports", odd / "reports", place.scenario(SCENARIO, location=location))
    assert run.code == PASSED, str(run)
    assert (odd / "reports/bugspark.xml").exists()


def test_what_the_environment_says_about_other_servers(place, good):
    place.put(good.gz)
    environment = {
        "PGHOST": "nowhere.invalid", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGUSER": "x", "PGDATABASE": "x", "PGSERVICE": "x", "PGTZ": "Mars",
        "PGOPTIONS": "-c statement_timeout=1 -c search_path=x", "PGTARGETSESSIONATTRS": "standby", "PGREQUIREPEER": "x", "PGDATA": "x",
    }
    run = place.verify(place.scenario(SCENARIO), environment=environment)
    assert run.code == PASSED, str(run)


# --- reports ----------------------------------------------------------------------------------------------


def test_a_file_in_the_place_of_reports(place, good):
    place.put(good.gz)
    (place.directory / "in the way").touch()
    run = place.run("verify", "--reports", place.directory / "in the way", place.scenario(SCENARIO))
    assert run.code == CANNOT_VERIFY, str(run)
    assert "in the way" in run.err and "--reports" in run.err


def test_a_directory_in_the_place_of_a_report(place, good):
    place.put(good.gz)
    os.mkdir(place.reports / "bugspark.xml")
    run = place.run("verify", "--reports", place.reports, place.scenario(SCENARIO))
    assert run.code == CANNOT_VERIFY, str(run)
    assert "bugspark.xml" in run.err


def as_nobody(place):
    """From here on the program runs as user nobody, who owns the place."""
    place.give_to(NOBODY)


@needs_root
def test_an_ordinary_user(place, good):
    place.put(good.gz)
    scenario = place.scenario(SCENARIO)
    as_nobody(place)
    run = place.verify(scenario)
    assert run.code == PASSED, str(run)
    assert (place.reports / "bugspark.xml").stat().st_uid == NOBODY


@needs_root
def test_reports_that_an_ordinary_user_cannot_write(place, good):
    place.put(good.gz)
    scenario = place.scenario(SCENARIO)
    as_nobody(place)
    os.chown(place.reports, 0, 0)
    run = place.run("verify", "--reports", place.reports, scenario)
    assert run.code == CANNOT_VERIFY
    assert str(place.reports) in run.err and "Permission denied" in run.err


@needs_root
def test_a_backup_that_an_ordinary_user_cannot_read(place, good):
    backup = place.put(good.gz)
    scenario = place.scenario(SCENARIO)
    as_nobody(place)
    os.chown(backup, 0, 0)
    backup.chmod(0o600)
    run = place.expect("error", "backup is recent", ["Permission denied", backup.name], scenario)
    assert run.code == CANNOT_VERIFY


@needs_root
@pytest.mark.parametrize("kind", ["gz", "bare", "directory"])
def test_a_backup_that_only_root_can_read(place, good, server, kind):
    """Root can read what the server's user cannot: the backup is given to it, and the original keeps
    its owner."""
    pattern = {"gz": "bugspark_%Y%m%d.dump.gz", "bare": "bugspark_%Y%m%d.dump", "directory": "bugspark_%Y%m%d.dir"}[kind]
    if kind == "directory":
        source = place.directory / "made.dir"
        server.dump("bugspark", source, "-Fd")
    else:
        source = good.gz if kind == "gz" else good.dump
    backup = place.put(source, pattern)
    everything = [backup, *(backup.iterdir() if backup.is_dir() else [])]
    for path in everything:
        path.chmod(0o700 if path.is_dir() else 0o600)
    place.backups.chmod(0o700)
    run = place.verify(place.scenario(SCENARIO, pattern=pattern))
    assert run.code == PASSED, str(run)
    assert all(path.stat().st_uid == 0 for path in everything)


# --- space --------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(place):
    """mount(megabytes) makes a directory, by default TMPDIR, a file system of that size."""
    mounted = []

    def mount(megabytes, directory=place.tmp):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", directory], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        mounted.append(directory)

    yield mount
    for path in mounted:
        wait_until(lambda path=path: subprocess.run(["umount", path], capture_output=True).returncode == 0, "the file system to be free", 10)


@needs_root
def test_a_disk_that_is_large_enough(place, good, small_disk):
    small_disk(300)
    place.put(good.gz)
    assert place.verify(place.scenario(SCENARIO)).code == PASSED


@pytest.mark.often("20")
@needs_root
@pytest.mark.parametrize("megabytes", [1, 20, 100])
def test_no_space_left(place, database, server, small_disk, megabytes):
    """Too small for the server, or for what a small archive, all but a bomb, becomes in it."""
    name = database("create table t (x text); insert into t select repeat('x', 960) from generate_series(1, 70000) n")
    backup = server.dump(name, place.backups / "x.dump")
    assert backup.stat().st_size < 1 << 20
    small_disk(megabytes)
    run = place.verify("--backup", place.backups / "x.dump", place.scenario(""))
    assert run.code == CANNOT_VERIFY, str(run)
    assert "no space left" in run.report().worst().text.lower(), str(run)
    assert megabytes < 100 or "set TMPDIR" in run.report()[RESTORES].message, str(run)
    assert not [case for case in run.report().cases if case.verdict == "fail"], str(run)


@needs_root
def test_a_bomb_that_is_larger_than_the_disk(place, small_disk):
    """200 MB of rows in 200 KB: some room is left to others, and all of it again afterwards."""
    begin, end = "--\n-- PostgreSQL database dump\n--\n\nCOPY t FROM stdin;\n", "\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n"
    (place.backups / "x.sql.gz").write_bytes(gzip.compress(begin.encode() + (b"x" * 999 + b"\n") * 200000 + end.encode(), 6))
    small_disk(160)
    run = place.expect("error", "backup is intact", ["no space left", "unpacks to more than", "set TMPDIR"], "--backup", place.backups / "x.sql.gz", place.scenario(""))
    assert "No space left on device" not in str(run)


@needs_root
def test_no_space_for_the_report(place, good, small_disk):
    """A green backup without a report is not green, and the report of the night before does not speak for it."""
    place.put(good.gz)
    small_disk(1, place.reports)
    assert place.run("verify", "--reports", place.reports, place.scenario(SCENARIO)).code == PASSED
    for ending in ("xml", "md"):
        (place.reports / f"bugspark.{ending}").write_bytes(b"")  # or its room would do for the new one
    with pytest.raises(OSError):
        (place.reports / "ballast").write_bytes(bytes(2 << 20))
    run = place.run("verify", "--reports", place.reports, place.scenario(SCENARIO))
    assert run.code == CANNOT_VERIFY, str(run)
    assert "no space left" in run.err.lower() and "bugspark.xml" in run.err, str(run)
    assert [path.name for path in place.reports.iterdir()] == ["ballast"]
