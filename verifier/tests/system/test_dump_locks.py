"""Proves that a dump waits for nobody for ever, and says what was in its way: locks, tables that are dropped,
too few connections; and that a standby can be dumped from."""

import contextlib
import shlex
import subprocess
import time

import pytest

from running import CANNOT_VERIFY, PASSED, today, wait_until
from servers import BIN, Server

LOCKED = ["no backup was made", "holds a lock on a table", "at another time"]
QUICK = 'case $1 in --version) exec "$real/pg_dump" --version;; esac\n'
# A second stands for the minute that pg_dump is told to wait.
IMPATIENT = QUICK + 'for argument; do shift; set -- "$@" "${argument/--lock-wait-timeout=1min/--lock-wait-timeout=1s}"; done\nexec "$real/pg_dump" "$@"'


def scenario(place, url, counts="exact"):
    return place.scenario(f"source:\n  database: {url!r}\n  counts: {counts}\ntables:\n  t:\n    - row_count = 9\n")


@contextlib.contextmanager
def session(url, sql):
    """A session in which `sql` is being run, until the end."""
    asking = subprocess.Popen([BIN / "psql", "-XAtq", url], stdin=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL)
    try:
        asking.stdin.write(sql)
        asking.stdin.flush()
        yield asking
    finally:
        asking.kill()
        asking.wait()


def is_locked(server, name, mode):
    return server.sql(f"select 1 from pg_locks where relation = 't'::regclass and mode = '{mode}' and pid <> pg_backend_pid()", name)


NINE = "create table t (x int); insert into t select generate_series(1, 9);"


def test_a_table_that_is_locked(place, server, database):
    name = database(NINE + "create table a as select 1 as x")  # in which a row is found before t is looked at
    with session(server.url(name), "begin; lock table t in access exclusive mode;\n"):
        wait_until(lambda: is_locked(server, name, "AccessExclusiveLock"), "the lock")
        dump = place.run("dump", scenario(place, server.url(name), counts="none"), environment=place.stand_in(pg_dump=IMPATIENT))
    assert dump.code == CANNOT_VERIFY, str(dump)
    for word in LOCKED:
        assert word in dump.err, str(dump)
    assert not list(place.backups.glob("bugspark*"))


def test_somebody_who_waits_for_the_dump(place, server, database):
    """They wait for the transaction that has counted the table, and pg_dump behind them."""
    name = database(NINE)
    wait = f'''touch $place/counted
while [[ -z $("$real/psql" -XAtc "select 1 from pg_locks where mode = 'AccessExclusiveLock' and not granted" "{server.url(name)}") ]]; do
    sleep 0.05
done
'''
    stand_in = IMPATIENT.replace(QUICK, QUICK + wait)
    running = place.start("dump", scenario(place, server.url(name)), environment=place.stand_in(pg_dump=stand_in))
    wait_until(lambda: (place.directory / "counted").exists() or running.process.poll() is not None, "the count")
    with session(server.url(name), "alter table t add y int;\n"):
        dump = running.wait(30)
        assert dump.code == CANNOT_VERIFY, str(dump)
        for word in LOCKED:
            assert word in dump.err, str(dump)
        wait_until(lambda: server.sql("select 1 from pg_attribute where attrelid = 't'::regclass and attname = 'y'", name), "their turn")


def test_how_long_pg_dump_waits(place, server, database):
    said = QUICK + 'echo "$@" >$place/arguments\nexec "$real/pg_dump" "$@"'
    path = scenario(place, server.url(database(NINE)))
    assert place.run("dump", path, environment=place.stand_in(pg_dump=said)).code == PASSED
    assert "--lock-wait-timeout=1min" in (place.directory / "arguments").read_text()


@pytest.mark.parametrize("sql, words", [
    ("drop table t", ["t\" does not exist", "dropped or renamed", "dump again"]),
    ("alter table t rename to u", ["t\" does not exist", "dropped or renamed", "dump again"]),
    ("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()", ["has ended", "dump again"]),
    ("do $$ begin execute format('alter database %I connection limit 0', current_database()); end $$", ["too many connections", "two connections at once"]),
], ids=["dropped", "renamed", "thrown out", "no connection left"])
def test_what_changes_while_the_dump_begins(place, server, database, sql, words):
    name, role = database(NINE), f"reader{place.directory.name}"
    server.sql(f"create role {role} login in role pg_read_all_data")
    script = QUICK + f'"$real/psql" -Xqc {shlex.quote(sql)} "{server.url(name)}" >/dev/null || exit 9\nexec "$real/pg_dump" "$@"'
    dump = place.run("dump", scenario(place, server.url(name, role), counts="none"), environment=place.stand_in(pg_dump=script))
    assert dump.code == CANNOT_VERIFY, str(dump)
    for word in words:
        assert word in dump.err, str(dump)


# --- a standby ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair(base):
    """A primary, and a standby of it that waits for no query."""
    shared = {"wal_level": "replica", "max_wal_senders": 4, "synchronous_commit": "on"}
    primary = Server(base / "primary", **shared)
    try:
        standby = Server(base / "standby", standby_of=primary, max_standby_streaming_delay="100ms", **shared)
        try:
            yield primary, standby
        finally:
            standby.stop()
    finally:
        primary.stop()


def replayed(primary, standby):
    position = primary.sql("select pg_current_wal_lsn()")
    wait_until(lambda: standby.sql(f"select pg_last_wal_replay_lsn() >= '{position}'") == "t", "replay")


def test_a_standby(place, pair):
    primary, standby = pair
    primary.create("app", NINE + "create unlogged table u (x int generated always as identity, y int); insert into u (y) values (1)")
    replayed(primary, standby)
    path = place.scenario(f"source:\n  database: {standby.url('app')!r}\ntables:\n  t:\n    - row_count = 9\n    - row_count same as dump\n")
    dump = place.run("dump", path)
    assert dump.code == PASSED, str(dump)
    assert "standby" in dump.err and "unlogged" in dump.err and "1 (public.u" in dump.err
    assert place.verify(path).code == PASSED
    at_primary = place.run("dump", "--force", scenario(place, primary.url("app")))
    assert at_primary.code == PASSED and "unlogged" not in at_primary.err


def test_a_standby_that_goes_on(place, pair):
    primary, standby = pair
    primary.create("busy", NINE + "create table big (x int, y text); insert into big select n, repeat('x', 100) from generate_series(1, 100000) n")
    replayed(primary, standby)
    slow = QUICK + '"$real/pg_dump" "$@" | { head -c 100000; touch $place/half; while [[ ! -e $place/on ]]; do sleep 0.05; done; cat; }\nexit ${PIPESTATUS[0]}'
    running = place.start("dump", scenario(place, standby.url("busy")), environment=place.stand_in(pg_dump=slow))
    wait_until(lambda: (place.directory / "half").exists() or running.process.poll() is not None, "half a dump")
    # One that still sends would end at once.
    sending = "select 1 from pg_stat_activity where application_name = 'pg_dump' and wait_event = 'ClientWrite'"
    wait_until(lambda: standby.sql(sending) == "1", "a full pipe")
    primary.sql("drop table t", "busy")
    # The standby waits for its query, which it has told to end, and that one for us to read.
    waiting = "select 1 from pg_stat_activity where backend_type = 'startup' and wait_event_type = 'Lock'"
    wait_until(lambda: standby.sql(waiting) == "1", "the conflict")
    time.sleep(0.5)  # more than max_standby_streaming_delay
    (place.directory / "on").touch()
    dump = running.wait()
    assert dump.code == CANNOT_VERIFY, str(dump)
    for word in ("no backup was made", "conflict with recovery", "hot_standby_feedback", "from the primary"):
        assert word in dump.err, str(dump)
    assert today("bugspark_%Y%m%d.dump.gz") not in [path.name for path in place.backups.iterdir()]


@pytest.fixture(scope="module")
def few_locks(base):
    """A server that has room for the locks of so many tables, and not of all their indexes as well."""
    server = Server(base / "few_locks", max_locks_per_transaction=40, max_connections=10, autovacuum_max_workers=1, max_worker_processes=0)
    yield server
    server.stop()


def test_more_indexes_than_locks(place, few_locks):
    """Neither the server that is dumped nor one that is restored into runs out of them."""
    columns = ", ".join(f"c{column} int unique" for column in range(10))
    name = f"many{place.directory.name}"
    few_locks.create(name, "create table t (x int); insert into t values (1);" + "".join(f"create table t{table} ({columns});" for table in range(80)))
    dump = place.run("dump", scenario(place, few_locks.url(name)))
    assert dump.code == PASSED and "warning" not in dump.err, str(dump)
    body = f"restore:\n  server: {few_locks.url()!r}\n  trust: true\n  contents: true\ntables:\n  t:\n    - row_count same as dump\n"
    run = place.verify(place.scenario(body))
    assert run.code == PASSED, str(run)
    assert run.report().properties["restored.tables"] == "81"
