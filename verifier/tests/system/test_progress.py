"""Proves what is shown while a run goes on: one live line for each scenario on a terminal, as wide as it is, with
what the server tells of the restore; plain lines now and then elsewhere; and that looking on stands in nobody's way."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

import nights
from running import PASSED, PATIENCE_S, inhabitants, processes, wait_until

ROWS = 30
# Each row takes its time, when it is copied and when it is indexed: but only where it is restored.
SLOW = f"""
create function slow(x int) returns int language plpgsql immutable as 'begin return x; end';
create table t (x int check (slow(x) > 0)); insert into t select generate_series(1, {ROWS});
create index slow_one on t (slow(x));
create or replace function slow(x int) returns int language plpgsql immutable as
    'begin perform pg_catalog.pg_sleep(0.05); return x; end';
"""


class Terminal:
    """A run that writes to a terminal: what it has written so far, and how wide that is."""

    def __init__(self, place, *arguments, columns=100, environment=None):
        self.master, slave = pty.openpty()
        self.place = place
        self.resize(columns)
        self.process = subprocess.Popen(
            [str(argument) for argument in (place._program(), *arguments)], cwd=place.directory, close_fds=True,
            stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, start_new_session=True,
            env={**place.environment, "TERM": "xterm", **(environment or {})})
        os.close(slave)
        self.written = ""

    def resize(self, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))

    def read(self, timeout_s=0.1):
        """False: nothing will come any more."""
        if select.select([self.master], [], [], timeout_s)[0]:
            try:
                self.written += os.read(self.master, 65536).decode()
            except OSError:  # as Linux tells the end
                return False
        return True

    def until(self, words):
        deadline = time.monotonic() + PATIENCE_S
        while not re.search(words, self.written):
            assert self.read() and time.monotonic() < deadline, f"waited for: {words}\n{self.written}"

    def end(self):
        deadline = time.monotonic() + PATIENCE_S
        while self.read():
            assert time.monotonic() < deadline, self.written
        os.close(self.master)
        return self.process.wait(PATIENCE_S)

    def lines(self, text=None):
        """What was drawn, line by line, without what only paints or moves."""
        plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self.written if text is None else text)
        return [line.strip("\r") for line in plain.split("\n")]


@pytest.fixture
def slow(place, server, database):
    name = database(SLOW)
    server.dump(name, place.backups / "slow.dump")
    backup = place.put(place.backups / "slow.dump", "bugspark_%Y%m%d.dump")
    (place.backups / "slow.dump").unlink()
    return backup


def scenario(place, history="none"):
    return place.scenario("restore:\n  jobs: 1\n", pattern="bugspark_%Y%m%d.dump", history=history)


def test_a_live_line_tells_where_the_restore_stands(place, slow):
    terminal = Terminal(place, "verify", "--reports", place.reports, scenario(place))
    terminal.until(rf"restoring, \d+ %, \d+ of {ROWS} rows, \d+ B")
    terminal.until(r"building slow_one")
    terminal.resize(40)
    before = len(terminal.written)
    terminal.until(r"PASS")
    assert terminal.end() == PASSED, terminal.written
    after = terminal.written[before:]
    assert all(len(line) < 100 for line in terminal.lines(terminal.written[:before]))
    narrow = [line for line in terminal.lines(after)[2:] if "bugspark: restoring" in line]
    assert narrow and all(len(line) < 40 for line in narrow), narrow
    # Nothing of it stays: the results begin where the live line stood.
    assert re.search(r"\x1b\[\d+A\x1b\[J\x1b\[32mPASS", after), after
    assert "left" not in terminal.written, "nobody knows how long it takes"


def test_the_time_left_is_that_of_earlier_nights(place, slow):
    night = nights.night(86400)
    night["stages"] = {"find": 0.1, "read": 0.1, "start": 1, "restore": 500, "check": 100, "stop": 0.1}
    night["size_bytes"] = slow.stat().st_size
    history = place.backups / "history"
    history.mkdir()
    (history / "bugspark.jsonl").write_text(json.dumps(night) + "\n")
    terminal = Terminal(place, "verify", "--reports", place.reports, scenario(place, history=None))
    terminal.until(r"about (9|10) min \d+ s left")
    assert terminal.end() == PASSED, terminal.written


@pytest.mark.often("no terminal")
@pytest.mark.parametrize("options", [["--quiet"], []], ids=["quiet", "no terminal"])
def test_where_no_line_is_live(place, slow, options):
    """A run of some seconds says nothing before its end."""
    run = place.verify(*options, scenario(place))
    assert run.code == PASSED and "\x1b" not in run.err and "restoring" not in run.err, str(run)
    assert bool(run.err) == (not options)


def test_a_session_that_hangs_keeps_nobody_waiting(place, slow):
    """The one that looks on does not answer any more: the restore goes on, and the run ends as it would have."""
    terminal = Terminal(place, "verify", "--reports", place.reports, scenario(place))
    terminal.until(r"restoring, \d+ %")
    sessions = [pid for pid, what in inhabitants(place.tmp).items() if "postgres: restore_verifier postgres [local]" in what]
    assert len(sessions) == 2, [what.strip()[:90] for what in inhabitants(place.tmp).values()]
    os.kill(max(sessions), signal.SIGSTOP)
    try:
        restoring = lambda: [what for _, _, _, what in processes().values() if "pg_restore" in what and str(place.backups) in what]
        wait_until(lambda: terminal.read() and not restoring(), "the end of the restore")
    finally:
        os.kill(max(sessions), signal.SIGCONT)
    assert terminal.end() == PASSED, terminal.written
    place.check_nothing_left()


@pytest.mark.parametrize("columns", [60, 140])
def test_results_are_as_wide_as_the_terminal(place, good, columns):
    place.put(good.gz)
    path = place.scenario("queries:\n  - {name: größe 数据库 of it, sql: select count(*) from users, expect: '>= 1'}\n")
    terminal = Terminal(place, "verify", "--reports", place.reports, path, columns=columns)
    assert terminal.end() == PASSED
    lines = [line for line in terminal.lines() if line]
    assert max(len(line) for line in lines) <= columns, lines
    assert columns < 100 or max(len(line) for line in lines) > 100, lines
    assert not any("..." in line for line in lines), lines
    narrow = Terminal(place, "verify", "--reports", place.reports, path, columns=140, environment={"COLUMNS": "70"})
    assert narrow.end() == PASSED
    assert max(len(line) for line in narrow.lines()) <= 70


# A stand-in that waits where a dump does: it is reached, and goes on when it is told to.
WAITS = 'while [ ! -e $place/go ]; do sleep 0.02; done\nexec $real/pg_dump "$@"\n'


def test_a_dump_tells_where_it_stands(place, server):
    """And what it says at its end stands where the live line was."""
    path = place.scenario(f"source:\n  database: {server.url('bugspark')!r}\n")
    environment = place.stand_in(pg_dump=f'case "$1" in --version) exec $real/pg_dump "$@";; esac\n{WAITS}')
    terminal = Terminal(place, "dump", "--reports", place.reports, path, environment=environment)
    terminal.until(r"bugspark\x1b\[0m: dumping, 0 B \(\d")
    (place.directory / "go").touch()
    assert terminal.end() == PASSED, terminal.written
    assert re.search(r"\x1b\[\d+A\x1b\[Jbugspark: /\S+, .* in ", terminal.written), terminal.written


def test_a_sync_tells_where_it_stands(place, ceph, make_copy):
    """One that tells of every object needs no line beside it."""
    ceph.proxy.reset(delay_s=0.6)
    ceph.fill("progress", [(f"k{i}", b"x" * 1024) for i in range(40)])
    copy = make_copy(ceph, "progress")
    terminal = Terminal(place, "sync", "--reports", place.reports, copy.scenario, environment=copy.environment())
    terminal.until(r"test\x1b\[0m: copying, \d+ %, \d+ of 40 objects, [0-9.]+ KiB of 40.0 KiB")
    assert terminal.end() == PASSED, terminal.written
    assert "\x1b[Jtest: 40 objects" in terminal.written
    for path in copy.path.glob("k*"):
        path.unlink()
    ceph.proxy.reset()
    told = Terminal(place, "sync", "--verbose", "--reports", place.reports, copy.scenario, environment=copy.environment())
    assert told.end() == PASSED and "test: copied k1" in told.written and "copying" not in told.written


@pytest.mark.parametrize("options", [["--quiet"], []], ids=["quiet", "no terminal"])
def test_a_dump_where_no_line_is_live(place, server, options):
    run = place.run("dump", "--reports", place.reports, *options, place.scenario(f"source:\n  database: {server.url('bugspark')!r}\n"))
    assert run.code == PASSED and "\x1b" not in run.err and "dumping" not in run.err and run.err.count("\n") == (not options), str(run)
