"""Proves that a night does what its scenarios ask for, once and again, and that nothing fails in silence: neither a
server that stopped answering, nor a file of variables, nor a night that was ended."""

import fcntl
import os
import signal
import socket
import subprocess
import time

import pytest

from running import BAD_BACKUP, CANNOT_VERIFY, PASSED, PROGRAM, ROOT, Report, today, wait_until
from servers import BIN

NAME = "bugspark_%Y%m%d.dump.gz"
SLEEPER = '[[ $* != --version ]] || exec "$real/pg_dump" --version\ntouch "$place/dumping"; sleep 600'


def scenario(place, url, body="", backups="keep: 30d"):
    return place.scenario(f"source:\n  database: {url!r}\n" + body, backups=backups)


def codes(place):
    return {path.name: Report(path).exit_code for path in place.reports.glob("*.xml")}


def test_a_night_done_twice(place, server):
    """From another directory, with variables from a file in which nothing is the shell's."""
    url = server.url("bugspark").replace("?", "?connect_timeout=10&") + "&application_name='$HOME \"x\"'"
    variables = place.directory / "environment"
    variables.write_text(f"# the night's\n\nNIGHT_URL={url}\nNIGHT_DIR={place.backups}\n")
    variables.chmod(0o600)
    path = place.scenario("source:\n  database: ${NIGHT_URL}\n", location="${NIGHT_DIR}", backups="keep: {daily: 7, weekly: 5}")
    arguments = ("nightly", "--chdir", place.directory, "--env-file", "environment", "--reports", "reports", os.path.basename(path))
    assert "&" in url
    run = place.run(*arguments, cwd="/")
    assert run.code == PASSED, str(run)
    backup = place.backups / today(NAME)
    before = backup.stat()
    assert codes(place) == {"bugspark.xml": PASSED, "bugspark.dump.xml": PASSED}
    assert (place.backups / (today(NAME) + ".verified.json")).exists() and "nothing to delete: 1 backup" in run.err

    run = place.run(*arguments, cwd="/")
    assert run.code == PASSED and f"{backup} is there already, and is left as it is" in run.err, str(run)
    assert (backup.stat().st_ino, backup.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    run = place.run(*arguments, "--force", cwd="/")
    assert run.code == PASSED and backup.stat().st_mtime_ns != before.st_mtime_ns, str(run)


def test_only_what_is_asked_for(place, good):
    """Neither a source, nor a copy, nor `keep`: there is something to verify all the same."""
    place.put(good.gz)
    run = place.run("nightly", "--quiet", place.scenario())
    assert run.code == PASSED and codes(place) == {"bugspark.xml": PASSED}, str(run)


def test_a_page_that_cannot_be_written(place, good):
    """That of last night, on which all was good, is there still."""
    place.put(good.gz)
    run = place.run("nightly", "--metrics", place.directory / "nowhere/m.prom", place.scenario())
    assert run.code == CANNOT_VERIFY and "nowhere/m.prom" in run.err, str(run)
    (place.reports / "index.html").unlink()
    (place.reports / "index.html").mkdir()
    run = place.run("nightly", place.scenario())
    assert run.code == CANNOT_VERIFY and "index.html" in run.err, str(run)


@pytest.mark.parametrize(
    "content, mode, words",
    [
        (None, 0o600, ["the environment file", "No such file"]),
        ("A=1\n", 0o640, ["is open to others", "chmod 600"]),
        ("A=1\nexport B=geheim\n", 0o600, ["line 2", "is not NAME=value"]),
        ("geheim\n", 0o600, ["line 1", "is not NAME=value"]),
        ("1A=geheim\n", 0o600, ["line 1", "is not NAME=value"]),
    ],
)
def test_a_file_of_variables_that_cannot_be_used(place, content, mode, words):
    variables = place.directory / "environment"
    if content is not None:
        variables.write_text(content)
        variables.chmod(mode)
    run = place.run("lint", "--env-file", variables, place.scenario())
    assert run.code == CANNOT_VERIFY and str(variables) in run.err and "geheim" not in run.err
    for word in words:
        assert word in run.err, run.err
    assert place.run("lint", "--chdir", place.directory / "nowhere", place.scenario()).code == CANNOT_VERIFY


def test_a_server_that_does_not_answer(place, server, database):
    """Once from the beginning, once by refusing, once while it is asked, and once while pg_dump waits for it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        run = place.run("nightly", "--timeout", "2s", scenario(place, f"postgresql://night@127.0.0.1:{silent.getsockname()[1]}/night"))
        assert run.code == CANNOT_VERIFY and "no answer within 2 s" in run.err and time.monotonic() - began < 15, str(run)
        assert "verify was not begun, because the night's time is over" in run.err
    run = place.run("dump", scenario(place, "postgresql://night@127.0.0.1:1/night"))
    assert run.code == CANNOT_VERIFY and "Connection refused; check host and port" in run.err and run.err.count("\n") == 1, str(run)
    name = database("create table t as select 1 as x")
    path = scenario(place, server.url(name))
    with subprocess.Popen([BIN / "psql", "-XAtq", "-d", server.url(name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        other.stdin.write("begin; lock table t in access exclusive mode; select 'locked';\n")
        other.stdin.flush()
        assert other.stdout.readline() == "locked\n"
        run = place.run("dump", "--timeout", "2s", path)
        other.stdin.close()
        assert run.code == CANNOT_VERIFY and "the server did not answer in time" in run.err, str(run)
    environment = {**place.environment, **place.stand_in(pg_dump=SLEEPER)}
    run = place.run("dump", scenario(place, server.url(name), "  timeout: 2s\n"), environment=environment)
    assert run.code == CANNOT_VERIFY and "pg_dump did not end in time" in run.err and "source.timeout" in run.err, str(run)
    assert Report(place.reports / "bugspark.dump.xml").exit_code == CANNOT_VERIFY and not list(place.backups.iterdir())


def test_an_interrupted_night(place, server):
    """Its dump says what is left of it, and no green report of the last night stays."""
    path = scenario(place, server.url("bugspark"))
    assert place.run("nightly", path).code == PASSED
    assert codes(place) == {"bugspark.xml": PASSED, "bugspark.dump.xml": PASSED}
    (place.backups / today(NAME)).unlink()
    environment = {**place.environment, **place.stand_in(pg_dump=SLEEPER)}
    running = place.start("nightly", "--reports", place.reports, path, environment=environment)
    wait_until((place.directory / "dumping").exists, "pg_dump")
    running.signal(signal.SIGTERM)
    run = running.wait()
    assert run.code == CANNOT_VERIFY and "interrupted: pg_dump was stopped, and nothing of the backup is left" in run.err, str(run)
    assert "verify was not begun, because the night was interrupted" in run.err
    assert codes(place) == {"bugspark.xml": CANNOT_VERIFY, "bugspark.dump.xml": CANNOT_VERIFY}
    assert not list(place.backups.glob("*.gz"))


def test_a_night_whose_time_is_over(place, server):
    environment = {**place.environment, **place.stand_in(pg_dump=SLEEPER)}
    run = place.run("nightly", "--timeout", "2s", scenario(place, server.url("bugspark")), environment=environment)
    assert run.code == CANNOT_VERIFY and "pg_dump did not end in time" in run.err, str(run)
    assert "verify was not begun, because the night's time is over" in run.err


def test_a_night_by_cron(place, server):
    """The crontab's line as cron runs it; and again while it is still at work."""
    lines = [line for line in (ROOT / "scripts/ci/crontab").read_text().splitlines() if line and line[0] in "0123456789*"]
    command = lines[0].split(None, 5)[5]
    assert len(lines) == 1 and "%" not in command
    command = command.replace("/usr/local/bin/restore-verifier", PROGRAM).replace("/srv/backups", str(place.directory))
    variables = place.directory / "environment"
    variables.write_text(f"DATABASE_URL={server.url('bugspark')}\nXDG_CACHE_HOME={place.environment['XDG_CACHE_HOME']}\n")
    variables.chmod(0o600)
    scenarios = place.directory / "scenarios"
    scenarios.mkdir()
    (scenarios / "shop.yaml").write_text("scenario: shop\nsource:\n  database: ${DATABASE_URL}\n")
    cron = {"PATH": "/usr/bin:/bin", "HOME": "/", "SHELL": "/bin/sh", "TMPDIR": str(place.tmp)}

    def night():
        return subprocess.run(["/bin/sh", "-c", command], cwd="/", env=cron, capture_output=True, text=True)

    ran = night()
    assert ran.returncode == PASSED, ran.stderr
    assert codes(place) == {"shop.xml": PASSED, "shop.dump.xml": PASSED}
    with open(place.reports / ".nightly.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = night()
    assert ran.returncode == CANNOT_VERIFY and f"another night that writes to {place.reports} is still at work" in ran.stderr, ran.stderr
    assert codes(place)["shop.xml"] == PASSED


def test_a_bad_night(place, server):
    run = place.run("nightly", scenario(place, server.url("bugspark"), "tables:\n  users:\n    - row_count >= 1000000\n"))
    assert run.code == BAD_BACKUP and "nothing was pruned, because the newest backup did not verify tonight" in run.err, str(run)
