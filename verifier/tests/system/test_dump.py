"""Proves that a backup made by `dump` is there whole or not at all, under the name of the scenario, and
that an older one is never touched; and that what was dumped verifies."""

import gzip
import hashlib
import os
import random
import signal
import time

import pytest

from running import CANNOT_VERIFY, NOBODY, PASSED, ended, needs_root, today, wait_until

NAME = "bugspark_%Y%m%d.dump.gz"


def scenario(place, url, pattern=NAME):
    return place.scenario(f"source:\n  database: {url!r}\ntables:\n  users:\n    - row_count = 25\n", pattern=pattern)


def names(place):
    """The backups; manifests and records, which lie beside them, are test_manifest.py's."""
    return sorted(path.name for path in place.backups.iterdir() if not path.name.endswith(".json"))


@pytest.mark.parametrize("pattern", [NAME, "bugspark_%Y%m%d.dump", "b-%Y-%m-%dT%H:%M:%SZ.dump.gz"])
def test_a_dump_verifies(place, server, pattern):
    path = scenario(place, server.url("bugspark"), pattern)
    dump = place.run("dump", path)
    assert dump.code == PASSED, str(dump)
    (name,) = names(place)
    content = (place.backups / name).read_bytes()
    assert content[:2] == b"\x1f\x8b" if pattern.endswith(".gz") else content[:5] == b"PGDMP"
    if pattern.endswith(".gz"):
        assert gzip.decompress(content)[:5] == b"PGDMP"
    assert name in dump.err
    report = dump.report("bugspark.dump")
    assert report.verdicts() == {"a backup is made": "pass"} and report.suites[0].get("name") == "bugspark.dump"
    said = report.properties
    assert said["headline"] == "a backup was made" and said["backup.file"] == str(place.backups / name)
    assert said["backup.size_bytes"] == str(len(content)) and said["backup.sha256"] == hashlib.sha256(content).hexdigest()
    run = place.verify(path)
    assert run.code == PASSED
    for measured in ("table_count", "row_count", "pg_dump_version", "encoding"):
        assert said[f"backup.{measured}"] == run.report().properties[f"backup.{measured}"]


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url,
        lambda url: url.replace("postgresql://", "postgresql+asyncpg://"),
        lambda url: url.replace("postgresql://", "postgresql+psycopg2://"),
        lambda url: url.replace("postgresql://", "postgres://"),
        lambda url: url + "&application_name=x",
    ],
    ids=["postgresql", "asyncpg", "psycopg2", "postgres", "parameter"],
)
def test_urls_as_people_have_them(place, server, change):
    path = scenario(place, change(server.url("bugspark")))
    dump = place.run("dump", path)
    assert dump.code == PASSED, str(dump)
    assert names(place) == [today(NAME)]


def test_a_name_that_exists_is_not_overwritten(place, server, good):
    existing = place.put(good.gz)
    before = existing.read_bytes()
    path = scenario(place, server.url("bugspark"))
    dump = place.run("dump", path)
    assert dump.code == CANNOT_VERIFY
    assert "--force" in dump.err and existing.name in dump.err
    assert existing.read_bytes() == before
    forced = place.run("dump", "--force", path)
    assert forced.code == PASSED, str(forced)
    assert existing.read_bytes() != before and names(place) == [existing.name]


@pytest.mark.parametrize("named", [False, True], ids=["the only database", "a database that is named"])
def test_a_backup_is_not_replaced_by_less(place, server, database, named):
    """A URL that has lost its database's name leads to the one that is named like the user, which is empty."""
    name = database("create table t as select 1 as x; create table u (x int)")

    backups = f"max_age: 26h\n  database: {name}" if named else "max_age: 26h"

    def dump(url, *options, counts="exact"):
        return place.run("dump", *options, place.scenario(f"source:\n  database: {url!r}\n  counts: {counts}\n", backups=backups))

    lost = server.url("").replace("/?", "?")
    assert dump(server.url(name)).code == PASSED and place.verify(place.scenario(backups=backups)).code == PASSED
    assert (place.backups / today(f"bugspark_%Y%m%d.dump.gz.verified{f'-{name}' if named else ''}.json")).exists()
    kept = {path: path.read_bytes() for path in place.backups.iterdir()}
    assert len(kept) == 3
    for url, counts, sql, words in (
        (lost, "exact", "", ["names no database", "the user's name, postgres", "no tables", "a backup that verified", "--force=empty"]),
        (server.url(name), "exact", "truncate t", ["no rows"]),
        (server.url(name), "none", "", ["no rows"]),
        (server.url(name), "none", "drop table t; insert into u values (1)", ["1 table", "lost public.t", "--force=empty"]),
    ):
        server.sql(sql, name)
        run = dump(url, "--force", counts=counts)
        assert run.code == CANNOT_VERIFY and not [word for word in words if word not in run.err], str(run)
        assert {path: path.read_bytes() for path in place.backups.iterdir()} == kept, str(run)
    assert dump(lost, "--force=empty").code == PASSED
    assert not list(place.backups.glob("*.verified*.json"))
    assert dump(lost, "--force").code == PASSED, "as empty as before"


def test_a_pg_dump_that_appends_to_its_output(place, server):
    """As pg_dump does since 16: the offsets of the data have to come into the archive all the same."""
    append = 'case $1 in --version) exec "$real/pg_dump" --version;; esac\nexec >>/proc/self/fd/1\nexec "$real/pg_dump" "$@"\n'
    path = scenario(place, server.url("bugspark"), "bugspark_%Y%m%d.dump")
    dump = place.run("dump", path, environment=place.stand_in(pg_dump=append))
    assert dump.code == PASSED, str(dump)
    once = server.dump("bugspark", place.directory / "once", "--no-owner")
    assert (place.backups / today("bugspark_%Y%m%d.dump")).stat().st_size == once.stat().st_size


@pytest.mark.often("force", "new-dies in the middle")
@pytest.mark.parametrize(
    "script, words",
    [
        ("exit 1\n", ["pg_dump"]),
        ("kill -SEGV $$\n", ["signal 11"]),
        ('"$real/pg_dump" "$@" | head -c 20000; kill -TERM $$\n', ["signal"]),
        ('"$real/pg_dump" "$@" | head -c 20000; exit 1\n', []),
        ('"$real/pg_dump" "$@"; echo "pg_dump: error: no luck today" >&2; exit 1\n', ["no luck today"]),
        ("exit 0\n", []),
        ("echo this is no archive; exit 0\n", []),
    ],
    ids=["fails", "crashes", "dies in the middle", "stops in the middle", "fails at the end", "writes nothing", "writes nonsense"],
)
@pytest.mark.parametrize("force", [False, True], ids=["new", "force"])
def test_a_dump_that_fails_leaves_nothing(place, server, good, script, words, force):
    older = place.put(good.gz, today(days_ago=1))
    if force:
        place.put(good.gz)
    before = {name: (place.backups / name).read_bytes() for name in names(place)}
    environment = place.stand_in(pg_dump='case $1 in --version) exec "$real/pg_dump" --version;; esac\n' + script)
    dump = place.run("dump", *(["--force"] if force else []), scenario(place, server.url("bugspark")), environment=environment)
    assert dump.code == CANNOT_VERIFY, str(dump)
    case = dump.report("bugspark.dump")["a backup is made"]
    assert case.verdict == "error"
    for word in ["no backup was made", *words]:
        assert word in dump.err and word in case.text, str(dump)
    assert {name: (place.backups / name).read_bytes() for name in names(place)} == before
    assert older.exists()


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda url: url.replace("source", "sauce"), ["sauce", "server runs"]),
        (lambda url: url.replace("/bugspark", "/nothing_here"), ["nothing_here"]),
        (lambda url: "mysql://localhost/x", ["postgresql://"]),
    ],
    ids=["server down", "no database", "mysql"],
)
def test_a_source_that_is_not_there(place, server, good, change, words):
    place.put(good.gz, today(days_ago=1))
    dump = place.run("dump", scenario(place, change(server.url("bugspark"))))
    assert dump.code == CANNOT_VERIFY, str(dump)
    for word in words:
        assert word in dump.err, str(dump)
    assert names(place) == [today(days_ago=1)]


def test_no_source_in_the_scenario(place):
    dump = place.run("dump", place.scenario())
    assert dump.code == CANNOT_VERIFY and "source.database" in dump.err


def test_a_directory_that_is_not_there_is_made(place, server):
    path = scenario(place, server.url("bugspark"))
    os.rmdir(place.backups)
    dump = place.run("dump", path)
    assert dump.code == PASSED, str(dump)
    assert names(place) == [today(NAME)]


@needs_root
def test_a_directory_that_cannot_be_written(place, server):
    path = scenario(place, "postgresql://nowhere.invalid/x")
    place.user = NOBODY
    os.chmod(place.directory, 0o755)
    for file in (place.directory / "stdout.1", place.directory / "stderr.1"):
        file.touch()
    dump = place.run("dump", path)
    assert dump.code == CANNOT_VERIFY
    assert str(place.backups) in dump.err and "nowhere" not in dump.err, "said before the database is bothered"


def test_no_pg_dump(place, server):
    dump = place.run("dump", scenario(place, server.url("bugspark")), environment={"RESTORE_VERIFIER_PGBIN": "/nonexistent"})
    assert dump.code == CANNOT_VERIFY
    assert "postgresql-client" in dump.err
    assert names(place) == []


SLOW = 'case $1 in --version) exec "$real/pg_dump" --version;; esac\n"$real/pg_dump" "$@" | head -c 30000\ntouch "$place/tmp/reached"\nexec sleep 600\n'


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_dump_that_is_ended_in_the_middle(place, server, good, number):
    place.put(good.gz, today(days_ago=1))
    running = place.start("dump", scenario(place, server.url("bugspark")), environment=place.stand_in(pg_dump=SLOW))
    with ended(running):
        wait_until(lambda: (place.tmp / "reached").exists() or running.process.poll() is not None, "half a dump")
        assert running.process.poll() is None, running.said()
        running.signal(number)
        run = running.wait(20)
    assert run.code != PASSED
    words = "killed before its end" if number == signal.SIGKILL else "interrupted: pg_dump was stopped, and nothing of the backup is left"
    assert words in run.report("bugspark.dump")["a backup is made"].message
    assert today(NAME) not in names(place)
    if number != signal.SIGKILL:
        # Only the file that is locked may stay: the lock on it is gone, and the next dump takes it away.
        left = [name for name in names(place) if not name.startswith(".lock.")]
        assert left == [today(days_ago=1)], "a temporary file stayed behind"
    assert run.code in (CANNOT_VERIFY, -number)
    # The next dump is not in the way of what a killed one left, and takes it away.
    again = place.run("dump", scenario(place, server.url("bugspark")))
    assert again.code == PASSED, str(again)
    assert names(place) == sorted([today(days_ago=1), today(NAME)])


def test_a_dump_that_is_killed_at_any_moment(place, server):
    """Either the whole backup is there or nothing is; whole means that all of it decompresses."""
    path = scenario(place, server.url("bugspark"))
    moments = random.Random(3)
    whole = 0
    for _ in range(25):
        running = place.start("dump", "--force", path)
        time.sleep(moments.uniform(0, 0.25))  # the moment is the point here
        running.signal(signal.SIGKILL)
        running.process.wait()
        if today(NAME) in names(place):
            assert gzip.decompress((place.backups / today(NAME)).read_bytes())[:5] == b"PGDMP"
            (place.backups / today(NAME)).unlink()
            whole += 1
    assert place.run("dump", "--force", path).code == PASSED
    assert names(place) == [today(NAME)], f"{whole} dumps of 25 came to their end"


def test_two_dumps_at_the_same_time(place, server):
    path = scenario(place, server.url("bugspark"))
    runs = [place.start("dump", path) for _ in range(2)]
    codes = sorted(running.wait().code for running in runs)
    assert codes == [PASSED, CANNOT_VERIFY], "one makes it, the other finds it there"
    assert names(place) == [today(NAME)]
    assert place.verify(path).code == PASSED


def test_a_disk_that_is_not_mounted(place, server):
    """A link to where it would be is there, and leads nowhere."""
    place.backups.rmdir()
    place.backups.symlink_to(place.directory / "not mounted")
    run = place.run("dump", place.scenario(f"source:\n  database: {server.url('bugspark')!r}\n"))
    assert run.code == CANNOT_VERIFY and "is a disk not mounted?" in run.err and ".lock." not in run.err, str(run)
    assert not (place.directory / "not mounted").exists()
