"""Proves that a run that is ended from outside ends well: after SIGINT and SIGTERM, at any stage, nothing
stays behind and the report says `interrupted`; after SIGKILL the server is gone at once and the next run
removes the rest. What --keep leaves is left alone."""

import gzip
import os
import shlex
import signal
import subprocess
import time

import pytest

from running import CANNOT_VERIFY, PASSED, ended, inhabitants, processes, wait_until

SCENARIO = "tables:\n  users:\n    - row_count >= 1\n"

# How to hold a run at a stage: programs to replace, and a scenario. A stand-in says where it is by a file.
REACHED = "touch $place/tmp/reached\nexec sleep 600\n"
HOLDS = {
    "start": ({"initdb": REACHED}, SCENARIO),
    "restore": ({"pg_restore": REACHED}, SCENARIO),
    "check": ({}, "queries:\n  - name: sleep\n    sql: select 1 from pg_sleep(600)\n    expect: = 1\n"),
}


def everything_of(running):
    """The pids of a program and all that it has started."""
    table = processes()
    found = {running.pid}
    while True:
        more = {pid for pid, (parent, *_) in table.items() if parent in found} - found
        if not more:
            return found
        found |= more


def alive(pids):
    return [pid for pid, (_, state, *_) in processes().items() if pid in pids and state != "Z"]


def is_sleeping(place):
    for _, (_, _, where, arguments) in processes().items():
        if "pg_sleep" in arguments or (where.startswith(str(place.tmp)) and "SELECT" in arguments):
            return True
    return False


@pytest.fixture
def held(place, good):
    """Starts a run and holds it at a stage: held(stage) -> the run."""
    runs = []

    def hold(stage, *arguments):
        place.tmp.chmod(0o777)  # a stand-in leaves its mark there as another user
        programs, body = HOLDS[stage]
        place.put(good.gz)
        environment = place.stand_in(**programs) if programs else {}
        running = place.start("verify", "--reports", place.reports, *arguments, place.scenario(body), environment=environment)
        runs.append(running)
        if stage == "check":
            wait_until(lambda: is_sleeping(place) or running.process.poll() is not None, "the query that sleeps")
        else:
            wait_until(lambda: (place.tmp / "reached").exists() or running.process.poll() is not None, f"stage {stage}")
        assert running.process.poll() is None, running.said()
        return running

    yield hold
    for running in runs:
        with ended(running):
            pass


@pytest.mark.often("start-INT", "restore-TERM", "check-HUP")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["INT", "TERM", "HUP"])
@pytest.mark.parametrize("stage", ["start", "restore", "check"])
def test_interrupted(place, held, stage, number):
    running = held(stage)
    started = everything_of(running)
    assert len(started) > 1
    running.signal(number)
    run = running.wait(20)
    assert run.code == CANNOT_VERIFY, str(run)
    place.check_nothing_left()
    assert not alive(started)
    report = run.report()
    assert any("interrupted" in case.message for case in report.cases if case.verdict == "error"), report.text
    assert report.exit_code == CANNOT_VERIFY
    assert sum("interrupted" in case.message for case in report.cases) > 1
    assert run.err.count("the run was told to end") == 1, run.err
    assert "interrupted" in run.err and "What to do about bugspark: run it again: it was ended before" in " ".join(run.err.split())


def test_interrupted_while_a_backup_is_read(place):
    """A plain dump of which each piece of gzip holds 64 MB, so that reading it takes a while."""
    rows = gzip.compress(b"1\n" * (32 << 20), 1)
    begin = b"--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.1\n-- Dumped by pg_dump version 15.1\n\n"
    begin += b"CREATE TABLE public.t (\n    x integer\n);\n\nCOPY public.t (x) FROM stdin;\n"
    end = b"\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n"
    place.put_bytes(gzip.compress(begin) + rows * 30 + gzip.compress(end), "bugspark_%Y%m%d.sql.gz")
    running = place.start("verify", "--reports", place.reports, place.scenario(pattern="bugspark_%Y%m%d.sql.gz"))
    with ended(running):
        unpacked = lambda: any(path.stat().st_size > 1 << 20 for path in place.tmp.glob("restore-verifier.*/backup"))
        wait_until(lambda: unpacked() or running.process.poll() is not None, "the backup to be read")
        assert running.process.poll() is None, running.said()
        running.signal(signal.SIGINT)
        run = running.wait(20)
    assert run.code == CANNOT_VERIFY, str(run)
    assert "interrupted" in run.report()["backup is intact"].message
    place.check_nothing_left()


def test_interrupted_before_anything_is_done(place, good):
    """Signals at any moment of the first tenths of a second."""
    place.put(good.gz)
    scenario = place.scenario(SCENARIO)
    for moment in range(8):
        running = place.start("verify", "--reports", place.reports, scenario)
        time.sleep(moment * 0.04)
        running.signal(signal.SIGTERM)
        run = running.wait(20)
        # Before main has blocked the signal, it simply ends the program.
        assert run.code in (CANNOT_VERIFY, -signal.SIGTERM), str(run)
        place.check_nothing_left()


@pytest.mark.parametrize("stage", ["start", "restore", "check"])
def test_killed(place, held, stage):
    running = held(stage)
    started = everything_of(running) - {running.pid}
    assert started
    postmasters = {pid for pid, arguments in inhabitants(place.tmp).items() if "/postgres -D" in arguments}
    assert stage == "start" or postmasters
    running.signal(signal.SIGKILL)
    running.process.wait()
    wait_until(lambda: not alive(postmasters), "the postmaster to be gone", 2)
    assert place.left_over(), "a killed run leaves its directory"
    report = (place.reports / "bugspark.xml").read_text()
    assert 'errors="6"' in report and "it was killed" in report, "the report of the last run is not left to be taken for this one's"
    wait_until(lambda: not alive(started), "everything to be gone", 10)
    # The next run, whatever comes of it, takes away what is left.
    run = place.verify("--only", "backup is recent", place.scenario(SCENARIO))
    assert run.code == PASSED, str(run)


def test_a_killed_worker_is_an_error(place, held):
    running = held("restore")
    workers = [pid for pid, (parent, *_) in processes().items() if parent == running.pid]
    assert len(workers) == 1
    os.kill(workers[0], signal.SIGKILL)
    run = running.wait(20)
    assert run.code == CANNOT_VERIFY
    assert "killed by signal 9" in run.report().worst().message
    assert "restore" in run.report().worst().message
    place.check_nothing_left()


def test_a_deadline_for_the_whole_run(place, held):
    running = held("start", "--timeout", "4s")
    run = running.wait(20)
    assert run.code == CANNOT_VERIFY
    assert "--timeout" in run.report().worst().message
    place.check_nothing_left()


def psql_of(run):
    line = next(line for line in run.err.split("\n") if "psql " in line)
    return shlex.split(line[line.index("psql ") :])


def test_what_is_kept_stays(place, good):
    place.put(good.gz)
    scenario = place.scenario(SCENARIO)
    run = place.verify("--keep", scenario, leaves_nothing=False)
    assert run.code == PASSED, str(run)
    postmasters = [pid for pid, arguments in inhabitants(place.tmp).items() if "/postgres -D" in arguments]
    assert len(postmasters) == 1
    try:
        again = place.verify(scenario, leaves_nothing=False)
        assert again.code == PASSED
        asked = subprocess.run([*psql_of(run), "-XAtc", "select count(*) from users"], capture_output=True, text=True)
        assert asked.stdout.strip() == "25", asked.stderr
        # And what it says about ending it is true.
        advice = next(line for line in run.err.split("\n") if "kill -QUIT" in line)
        assert str(postmasters[0]) in advice
        subprocess.run(["bash", "-c", advice[advice.index("kill -QUIT") :]], check=True)
        wait_until(lambda: not inhabitants(place.tmp), "the kept server to be gone")
    finally:
        for pid in postmasters:
            if pid in inhabitants(place.tmp):
                os.kill(pid, signal.SIGQUIT)


def test_kept_only_when_there_is_something_to_keep(place):
    place.put_bytes(b"no backup at all", "bugspark_%Y%m%d.dump.gz")
    run = place.verify("--keep", place.scenario(SCENARIO))
    assert "psql" not in run.err


def test_two_runs_at_the_same_time_leave_each_other_alone(place, good):
    place.put(good.gz)
    first = place.start("verify", "--reports", place.reports, place.scenario(SCENARIO, file="one.yaml"))
    second = place.start("verify", "--reports", place.reports, place.scenario(SCENARIO, name="other"))
    with ended(first), ended(second):
        assert first.wait().code == PASSED
        assert second.wait().code == PASSED
    place.check_nothing_left()
