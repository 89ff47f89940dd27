"""Proves that a manifest tells what the dump saw, in the dump's own snapshot, whatever happens on the
source meanwhile; that a backup never lacks its manifest; and that `verify` finds out what differs.

RESTORE_VERIFIER_LONG=1 repeats what depends on the moment as often as it takes to trust it."""

import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from running import BAD_BACKUP, CANNOT_VERIFY, NOBODY, PASSED, Place, needs_root, today, utc
from servers import BIN, Server

LONG = os.environ.get("RESTORE_VERIFIER_LONG") == "1"
NAME = "bugspark_%Y%m%d.dump.gz"
SAME = "tables:\n  users:\n    - row_count same as dump\n  reports:\n    - row_count same as dump\n"


def scenario(place, url, body="", pattern=NAME, counts=None, backups="max_age: 26h", name="bugspark"):
    source = f"source:\n  database: {url!r}\n" + (f"  counts: {counts}\n" if counts else "")
    return place.scenario(source + body, pattern=pattern, backups=backups, name=name)


def dump(place, path, *options, **more):
    run = place.run("dump", *options, path, **more)
    assert run.code == PASSED, str(run)
    return run


def beside(place, ending=".manifest.json", name=NAME):
    return place.backups / (today(name) + ending)


def manifest(place, name=NAME):
    return json.loads(beside(place, name=name).read_text())


def change(path, edit):
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def dumped(base, server):
    """What `dump` makes of bugspark, to be put where a test wants it: dumped(place)."""
    first = Place(base / "with-manifest")
    dump(first, scenario(first, server.url("bugspark")))

    def put(place):
        for made in first.backups.iterdir():
            shutil.copy(made, place.backups)

    return put


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- what it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", [NAME, "b-%Y-%m-%d.dump"])
def test_a_manifest_tells_what_the_database_held(place, server, pattern):
    began = int(time.time())
    dump(place, scenario(place, server.url("bugspark"), pattern=pattern))
    backup = place.backups / today(pattern)
    said = manifest(place, pattern)
    source = said["source"]
    assert said["format"] == "restore-verifier manifest" and said["version"] == 1
    assert said["backup"] == backup.name
    assert said["size_bytes"] == backup.stat().st_size and said["sha256"] == sha256(backup)
    moments = [utc(moment) for moment in (began, time.time())]
    assert moments[0] <= said["began"] <= said["ended"] <= moments[1]
    assert said["program"].startswith("restore-verifier ")
    assert said["pg_dump"].split(".")[0] == source["server"].split(".")[0]
    assert source["server"] == server.sql("show server_version")
    assert source["host"] == "self-hosted" and source["encoding"] == "UTF8" and source["counted"] is True
    assert source["database_bytes"] > 1000000
    assert any(extension.startswith("pg_trgm ") for extension in source["extensions"])
    assert source["alembic"] == server.sql("select version_num from alembic_version", "bugspark").split()
    tables = server.sql("select tablename from pg_tables where schemaname = 'public'", "bugspark").split()
    counts = {table: int(server.sql(f'select count(*) from "{table}"', "bugspark")) for table in tables}
    assert source["tables"] == {"public": counts} and counts["users"] > 0
    assert oct(beside(place, name=pattern).stat().st_mode & 0o777) == "0o600"


def test_a_manifest_holds_no_secret(place, server):
    url = server.url("bugspark").replace("postgres@", "postgres:geheim%40wort@")
    dump(place, scenario(place, url))
    text = beside(place).read_text()
    for secret in ("geheim", str(server.directory), "5432", "postgresql:", '"postgres"'):
        assert secret not in text


TREES = """
create table events (at date, x int) partition by range (at);
create table events_1 partition of events for values from ('2026-01-01') to ('2026-02-01');
create table events_2 partition of events for values from ('2026-02-01') to ('2026-03-01');
insert into events select date '2026-01-01' + i % 59, i from generate_series(1, 590) i;
create table parent (x int); create table child () inherits (parent); create table grandchild () inherits (child);
insert into parent select 1 from generate_series(1, 3);
insert into child select 1 from generate_series(1, 40);
insert into grandchild select 1 from generate_series(1, 500);
create unlogged table unlogged as select 1 as x;
create schema "Odd Schema"; create table "Odd Schema"."Tablé "" x" as select 1 as x from generate_series(1, 7);
create view v as select 1 as x; create materialized view m as select 1 as x;
create table empty ();
"""


def test_partitions_children_and_odd_names(place, server, database):
    name = database(TREES)
    body = "tables:\n" + "".join(
        f"  {table}:\n    - row_count same as dump\n"
        for table in ("events", "events_1", "parent", "child", "grandchild", "unlogged", "Odd Schema.Tablé \" x", "empty")
        if '"' not in table
    )
    path = scenario(place, server.url(name), body)
    dump(place, path)
    assert manifest(place)["source"]["tables"] == {
        "Odd Schema": {'Tablé " x': 7},
        "public": {
            "child": {"rows": 40, "total": 540},
            "empty": 0,
            "events": {"rows": 0, "total": 590},
            "events_1": 310,
            "events_2": 280,
            "grandchild": 500,
            "parent": {"rows": 3, "total": 543},
            "unlogged": 1,
        },
    }
    run = place.verify(path)
    assert run.code == PASSED, str(run)


def test_names_in_another_encoding(place, server):
    server.sql("create database latin template template0 encoding 'LATIN1' locale 'C'")
    try:
        server.sql("set client_encoding = 'UTF8'; create table \"größe\" (x int); insert into \"größe\" values (1); create table plain as select 1 as x", "latin")
        path = scenario(place, server.url("latin"), "tables:\n  größe:\n    - row_count same as dump\n  plain:\n    - row_count same as dump\n")
        dump(place, path)
        assert manifest(place)["source"]["tables"] == {"public": {"größe": 1, "plain": 1}}
        run = place.verify(path)
        assert run.report()["backup is intact"].verdict == "pass", str(run)
        assert run.report()["plain: row_count same as dump"].verdict == "pass", str(run)
    finally:
        server.drop("latin")


# --- one snapshot ---------------------------------------------------------------------------------


WRITES = """
begin;
insert into users (id, email, name) select gen_random_uuid(), 'w' || gen_random_uuid(), 'w' from generate_series(1, 3);
delete from users where id in (select id from users where name = 'w' limit 1);
delete from reports where id in (select id from reports limit 1);
insert into reports (id, project_id, tracking_id, title, description, severity, category)
select gen_random_uuid(), project_id, 'w', title, description, severity, category from reports limit 2;
commit;
select 'done';
"""


class Writer(threading.Thread):
    """Inserts and deletes rows in users and reports until told to stop."""

    def __init__(self, server, database):
        super().__init__()
        self.url = server.url(database)
        self.over = threading.Event()
        self.rounds = 0

    def run(self):
        psql = subprocess.Popen(
            [BIN / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        while not self.over.is_set():
            psql.stdin.write(WRITES)
            psql.stdin.flush()
            if psql.stdout.readline() != "done\n":
                break  # the test sees that nobody writes
            self.rounds += 1
            time.sleep(0.002)  # leaves others a processor
        psql.stdin.close()
        psql.wait()


# Waits before and after pg_dump, so that there are writes between its beginning and the counting.
SLOW = 'case $1 in --version) exec "$real/pg_dump" --version;; esac\nsleep 0.3\n"$real/pg_dump" "$@" || exit\nsleep 0.1\n'


def copy_of_bugspark(server, database):
    return database(template="bugspark")


def test_counts_are_those_of_the_dump_while_somebody_writes(place, server, database):
    name = copy_of_bugspark(server, database)
    path = scenario(place, server.url(name), SAME)
    slow = place.stand_in(pg_dump=SLOW)
    writer = Writer(server, name)
    writer.start()
    try:
        for _ in range(20 if LONG else 3):
            before = writer.rounds
            dump(place, path, "--force", environment=slow)
            assert writer.rounds > before + 5, "nobody wrote"
            run = place.verify(path)
            assert run.code == PASSED, str(run)
    finally:
        writer.over.set()
        writer.join()


def test_without_the_snapshot_the_counts_would_differ(place, server, database):
    """Shows that the test above can fail: here there are writes before a pg_dump with a snapshot of its own."""
    name = copy_of_bugspark(server, database)
    path = scenario(place, server.url(name), SAME)
    writes = place.directory / "writes.sql"
    writes.write_text(WRITES)
    own = '$(printf "%s\\n" "$@" | grep -v ^--snapshot | grep -v ^--dbname) "--dbname=$(printf "%s\\n" "$@" | sed -n s/^--dbname=//p)"'
    script = SLOW.replace("sleep 0.3", f'"$real/psql" -Xq -v ON_ERROR_STOP=1 -f {writes} -d {server.url(name)!r} >&2 || exit').replace('"$@"', own)
    dump(place, path, environment=place.stand_in(pg_dump=script))
    run = place.verify(path)
    assert run.code == BAD_BACKUP, str(run)
    assert run.report()["users: row_count same as dump"].verdict == "fail"
    assert run.report()["backup is intact"].verdict == "fail"


def test_a_truncate_waits_for_the_dump(place, server, database):
    """No snapshot hides a TRUNCATE; only locks do."""
    name = copy_of_bugspark(server, database)
    path = scenario(place, server.url(name), SAME)
    script = SLOW.replace("sleep 0.3", f"$real/psql -Xc \"set lock_timeout = 200; truncate users cascade\" {server.url(name)!r} >$place/tried 2>&1")
    dump(place, path, environment=place.stand_in(pg_dump=script))
    assert "lock timeout" in (place.directory / "tried").read_text()
    assert place.verify(path).code == PASSED


def test_a_dump_only_reads(place, server):
    before = server.log.stat().st_size
    server.sql("alter system set log_statement = 'all'")
    server.sql("alter system set log_line_prefix = '<%a> '")
    server.sql("select pg_reload_conf(); select pg_sleep(0.3)")
    try:
        dump(place, scenario(place, server.url("bugspark")))
    finally:
        server.sql("alter system reset all")
        server.sql("select pg_reload_conf()")
    said = server.log.read_bytes()[before:].decode(errors="replace")
    for program in ("restore-verifier", "pg_dump"):
        statements = re.findall(rf"^<{program}> LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)", said, re.MULTILINE)
        begins = [i for i, text in enumerate(statements) if re.match(r"begin|start transaction", text, re.IGNORECASE)]
        assert begins, said
        for i in begins:
            assert re.search(r"read only", " ".join(statements[i : i + 2]), re.IGNORECASE), statements[i : i + 2]
        for text in statements:
            assert not re.match(r"\s*(insert|update|delete|create|drop|alter|truncate|vacuum|analyze|copy\b.*\bfrom stdin)", text, re.IGNORECASE), text


def test_counting_does_not_hurt_the_source(place, server, database):
    """A revision that tells, by its cast to text, what holds in the session that reads it."""
    name = database(
        "create type told as (x int); create function tell(told) returns text language sql as $$ select string_agg(current_setting(name), ' ') from "
        "unnest(array['statement_timeout', 'lock_timeout', 'max_parallel_workers_per_gather', 'row_security', 'transaction_isolation', 'transaction_read_only']) name $$;"
        "create cast (told as text) with function tell(told); create table alembic_version (version_num told); insert into alembic_version values (row(1))")
    dump(place, scenario(place, server.url(name)))
    assert manifest(place)["source"]["alembic"] == ["10min 1min 0 off repeatable read on"]


def test_a_table_that_cannot_be_counted(place, server, database):
    """The backup is made all the same: pg_dump, here with more rights, decides whether it can be."""
    name = database("create table t as select 1 as x; create table secret as select 1 as x; create role reader login; grant select on t to reader")
    script = SLOW.replace('"$@"', '$(printf "%s\\n" "$@" | grep -v ^--dbname) --dbname=' + repr(server.url(name)))
    path = scenario(place, server.url(name, user="reader"), "tables:\n  t:\n    - row_count same as dump\n  secret:\n    - row_count same as dump\n")
    run = dump(place, path, environment=place.stand_in(pg_dump=script))
    assert "warning: rows could not be counted of public.secret: permission denied for table secret" in run.err
    assert manifest(place)["source"]["tables"] == {"public": {"secret": None, "t": 1}}
    run = place.verify(path)
    assert run.report()["t: row_count same as dump"].verdict == "pass", str(run)
    assert run.report()["secret: row_count same as dump"].verdict == "error"
    assert run.report()["backup is intact"].verdict == "pass"


# --- a backup never lacks it ----------------------------------------------------------------------


def check_whole(place):
    """Nothing under the final name, or the whole backup and a manifest that speaks of it."""
    backup = place.backups / today(NAME)
    if not backup.exists():
        return False
    assert gzip.decompress(backup.read_bytes())[:5] == b"PGDMP"
    manifests = [beside(place, ending) for ending in (".manifest.json", ".next.manifest.json")]
    said = [json.loads(path.read_text())["sha256"] for path in manifests if path.exists()]
    assert sha256(backup) in said, f"{sorted(os.listdir(place.backups))}"
    return True


@pytest.mark.often("force")
@pytest.mark.parametrize("force", [False, True], ids=["new", "force"])
def test_a_dump_that_is_killed_leaves_the_backup_with_its_manifest_or_nothing(place, server, force):
    path = scenario(place, server.url("bugspark"))
    began = time.monotonic()
    dump(place, path)
    took_s = time.monotonic() - began
    count = 200 if LONG else 16
    outcomes = {True: 0, False: 0}

    def kill_after(delay_s):
        if not force:
            for file in place.backups.iterdir():
                file.unlink()
        before = (place.backups / today(NAME)).stat().st_ino if force else None
        running = place.start("dump", "--force", path)
        time.sleep(delay_s)  # the moment is the point here
        running.signal(signal.SIGKILL)
        running.process.wait()
        there = check_whole(place)
        assert there or not force, "the old one is gone and the new one is not there"
        outcomes[(place.backups / today(NAME)).stat().st_ino != before if there else False] += 1

    for number in range(count):
        # Towards the end, where the names are given.
        kill_after(took_s * (1 - (number / count) ** 2 * 0.9) * 1.1)
    # Where the machine is busier now than it was at first, or less so.
    for _ in range(8):
        if min(outcomes.values()) == 0:
            took_s *= 0.5 if outcomes[True] else 2
            kill_after(took_s)
    assert min(outcomes.values()) > 0, f"always the same end: {outcomes}"
    # What a killed dump left is in nobody's way.
    assert place.verify(path).code == PASSED or not force
    dump(place, path, "--force")
    assert check_whole(place) and not beside(place, ".next.manifest.json").exists()
    assert place.verify(path).code == PASSED


# Kills the program just before the call, of those that sync, name and remove files, that KILL_AT counts; and
# writes them into the file CALLS.
KILLER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static void count(const char *call, const char *name)
{
    static int calls;
    const char *at = getenv("KILL_AT"), *log = getenv("CALLS");
    if (strcmp(program_invocation_short_name, "restore-verifier") != 0)
        return;
    if (at && ++calls == atoi(at))
        kill(getpid(), SIGKILL);
    FILE *file = log ? fopen(log, "a") : NULL;
    if (file) {
        fprintf(file, "%s %s\n", call, name);
        fclose(file);
    }
}
static const char *kind(int descriptor)
{
    struct stat status;
    fstat(descriptor, &status);
    return S_ISDIR(status.st_mode) ? "directory" : "file";
}
#define NEXT(type, name) ((type(*)())dlsym(RTLD_NEXT, #name))
int fsync(int f) { count("sync", kind(f)); return NEXT(int, fsync)(f); }
int linkat(int a, const char *b, int c, const char *d, int e) { count("name", d); return NEXT(int, linkat)(a, b, c, d, e); }
int rename(const char *a, const char *b) { count("name", b); return NEXT(int, rename)(a, b); }
int renameat(int a, const char *b, int c, const char *d) { count("name", d); return NEXT(int, renameat)(a, b, c, d); }
int renameat2(int a, const char *b, int c, const char *d, unsigned e) { count("name", d); return NEXT(int, renameat2)(a, b, c, d, e); }
int unlink(const char *a) { count("remove", a); return NEXT(int, unlink)(a); }
int unlinkat(int a, const char *b, int c) { count("remove", b); return NEXT(int, unlinkat)(a, b, c); }
"""


@pytest.fixture(scope="module")
def killer(base):
    library = base / f"killer{os.getpid()}.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-x", "c", "-o", library, "-"], input=KILLER, text=True, check=True)
    return {"LD_PRELOAD": str(library)}


@pytest.mark.parametrize("force", [False, True], ids=["new", "force"])
def test_what_is_named_is_on_disk(place, server, killer, force):
    """After a power cut, a name may stand for nothing but what was synced before it was given; and it is there
    itself only when its directory was synced. The manifest comes first."""
    path = scenario(place, server.url("bugspark"), pattern=NAME)
    if force:
        dump(place, path)
    calls = place.directory / "calls"
    assert place.run("dump", "--force", path, environment={**killer, "CALLS": str(calls)}).code == PASSED
    # One that is replaced is hidden under a name of its own between its sync and its name.
    made = [call for call in calls.read_text().split("\n") if call and ".partial." not in call and not call.startswith("remove")]
    manifest = today(NAME) + (".next.manifest.json" if force else ".manifest.json")
    once = ["sync file", "name {}", "sync directory"]
    began = made.index(f"name {manifest}") - 1  # before it there is only the report, as of a dump that did not end
    assert all(call.startswith("sync") or call.endswith("bugspark.dump.xml") for call in made[:began]), made
    assert made[began : began + 6] == [call.format(name) for name in (manifest, today(NAME)) for call in once]


@pytest.mark.often("force")
@pytest.mark.parametrize("force", [False, True], ids=["new", "force"])
def test_a_dump_that_is_killed_at_each_step_of_naming(place, server, killer, force):
    """What random moments seldom meet: before each call that syncs, names or removes a file."""
    path = scenario(place, server.url("bugspark"), pattern=NAME)
    if force:
        dump(place, path)
    for step in range(1, 100):
        running = place.start("dump", "--force", path, environment={**killer, "KILL_AT": str(step)})
        code = running.wait().code
        there = check_whole(place)
        assert there or not force, f"step {step}: the old one is gone and the new one is not there"
        if code == PASSED:
            break
        assert code == -signal.SIGKILL
        if not force:
            for file in place.backups.iterdir():
                file.unlink()
    assert 8 <= step < 100, f"{step - 1} steps"
    assert there and place.verify(path).code == PASSED


@pytest.mark.slow
@pytest.mark.parametrize("same_size", [False, True], ids=["of other sizes", "of one size"])
def test_a_dump_that_is_killed_after_another_one(place, server, killer, same_size):
    """The first is killed between its two renames, the second one at each step."""
    path = scenario(place, server.url("bugspark"))
    dump(place, path)
    old = json.loads(beside(place).read_text())
    dump(place, path, "--force")
    beside(place).rename(beside(place, ".next.manifest.json"))
    backup = place.backups / today(NAME)
    old.update(sha256="0" * 64, size_bytes=backup.stat().st_size + (0 if same_size else 1))
    beside(place).write_text(json.dumps(old))
    left = {file.name: file.read_bytes() for file in place.backups.iterdir()}
    assert check_whole(place)
    for step in range(1, 100):
        for name, content in left.items():
            (place.backups / name).write_bytes(content)
        code = place.start("dump", "--force", path, environment={**killer, "KILL_AT": str(step)}).wait().code
        assert check_whole(place), f"step {step}"
        if code == PASSED:
            break
        assert code == -signal.SIGKILL
    assert 8 <= step < 100, f"{step - 1} steps"
    assert place.verify(path).code == PASSED


def test_killed_between_the_two_renames(place, server):
    """The backup is the new one, its manifest still has its second name, the old manifest is there."""
    path = scenario(place, server.url("bugspark"), SAME)
    dump(place, path)
    old = beside(place).read_text()
    server.sql("create table if not exists one_more (x int)", "bugspark")
    try:
        dump(place, path, "--force")
    finally:
        server.sql("drop table one_more", "bugspark")
    beside(place).rename(beside(place, ".next.manifest.json"))
    beside(place).write_text(old)
    run = place.verify(path)
    assert run.code == PASSED, str(run)
    assert "as its manifest says" in run.err


def test_a_manifest_without_a_backup_is_in_nobodys_way(place, server):
    path = scenario(place, server.url("bugspark"))
    beside(place).write_text("rubbish")
    beside(place, ".next.manifest.json").write_text("rubbish")
    beside(place, ".verified.json").write_text("rubbish")
    dump(place, path)
    assert sorted(os.listdir(place.backups)) == [today(NAME), beside(place).name]
    assert place.verify(path).code == PASSED


def test_a_dump_that_fails_at_its_name_leaves_no_manifest(place, server):
    """Somebody else's backup gets the name meanwhile: it is kept, and gets no manifest of ours."""
    target = place.backups / today(NAME)
    script = f'case $1 in --version) exec "$real/pg_dump" --version;; esac\necho theirs >{target}\nexec "$real/pg_dump" "$@"\n'
    run = place.run("dump", scenario(place, server.url("bugspark")), environment=place.stand_in(pg_dump=script))
    assert run.code == CANNOT_VERIFY and "--force" in run.err, str(run)
    assert os.listdir(place.backups) == [target.name] and target.read_text() == "theirs\n"


# --- what verify does with it ---------------------------------------------------------------------


def test_a_row_that_is_missing_from_a_sound_archive(place, server, database):
    """Cut out of the data of a valid archive in a valid container; once also under a manifest that has
    the new size and sha256, so that only the rows speak."""
    name = copy_of_bugspark(server, database)
    path = scenario(place, server.url(name))
    dump(place, path)
    rows = int(server.sql("select count(*) from comments", name))
    server.sql("delete from comments where id = (select id from comments limit 1)", name)
    archive = server.dump(name, place.directory / "cut.dump", "--no-owner")
    backup = place.backups / today(NAME)
    backup.write_bytes(gzip.compress(archive.read_bytes()))
    words = [f"public.comments: archive {rows - 1} rows, manifest of its dump {rows}"]
    place.expect("fail", "backup is intact", [*words, "sha256"], path)

    change(beside(place), lambda said: said.update(sha256=sha256(backup), size_bytes=backup.stat().st_size))
    run = place.expect("fail", "backup is intact", words, path)
    assert "sha256" not in run.report()["backup is intact"].message


def test_another_file_with_the_same_rows(place, server, dumped):
    path = scenario(place, server.url("bugspark"))
    dumped(place)
    backup = place.backups / today(NAME)
    before = sha256(backup)
    backup.write_bytes(gzip.compress(gzip.decompress(backup.read_bytes()), 1))
    place.expect("fail", "backup is intact", ["not the one that dump wrote", before, sha256(backup), f"{backup.stat().st_size} bytes"], path)


def test_a_backup_of_another_database_with_its_manifest(place, server, dumped):
    """Exchanged, or restored from the wrong place: all that it says of itself is true."""
    path = scenario(place, server.url("bugspark"), SAME)
    dumped(place)
    other = "other_%Y%m%d.dump.gz"
    for ending in ("", ".manifest.json"):
        os.rename(beside(place, ending), beside(place, ending, other))
    named = scenario(place, server.url("bugspark"), SAME, pattern=other)
    place.expect("fail", "backup is intact", [f"its manifest is about {today(NAME)}", "exchanged"], named)
    # Whoever names it may have given it another name.
    assert place.verify("--backup", beside(place, "", other), named).code == PASSED


@pytest.mark.often("table lost", "a row more", "sha256")
@pytest.mark.parametrize(
    "edit, words",
    [
        (lambda said: said["source"]["tables"]["public"].pop("users"), "public.users: archive 25 rows, manifest of its dump: no such table"),
        (lambda said: said["source"]["tables"]["public"].update(lost=5), "public.lost: archive 0 rows (no such table), manifest of its dump 5"),
        (lambda said: said["source"]["tables"]["public"].update(users=24), "public.users: archive 25 rows, manifest of its dump 24"),
        (lambda said: said.update(size_bytes=1), "its manifest says 1 bytes"),
        (lambda said: said.update(sha256="0" * 64), "sha256 00000000"),
    ],
    ids=["table missing", "table lost", "a row more", "size", "sha256"],
)
def test_a_manifest_that_says_otherwise(place, server, dumped, edit, words):
    path = scenario(place, server.url("bugspark"))
    dumped(place)
    change(beside(place), edit)
    place.expect("fail", "backup is intact", words, path)


@pytest.mark.often("empty", "nested", "from the future")
@pytest.mark.parametrize(
    "content, verdict, words",
    [
        ("", "fail", "is damaged"),
        ("{}", "fail", "is damaged"),
        ("\0" * 100, "fail", "is damaged"),
        ("[" * 100000, "fail", "is damaged"),
        ('{"format": "restore-verifier manifest", "version": 1}', "fail", "is damaged"),
        ('{"format": "restore-verifier manifest", "version": 99}', "error", "update the program"),
    ],
    ids=["empty", "nothing in it", "zeros", "nested", "no fields", "from the future"],
)
def test_a_manifest_that_cannot_be_used(place, server, dumped, content, verdict, words):
    path = scenario(place, server.url("bugspark"), SAME)
    dumped(place)
    beside(place).write_text(content)
    run = place.expect(verdict, "backup is intact", words, path)
    assert run.report()["users: row_count same as dump"].verdict == "skip"
    assert run.report()["every table has its rows"].verdict == "pass", "the rest is looked at all the same"


@needs_root
def test_a_manifest_that_may_not_be_read(place, server, dumped):
    path = scenario(place, server.url("bugspark"))
    dumped(place)
    place.give_to(NOBODY)
    os.chown(beside(place), 0, 0)
    place.expect("error", "backup is intact", "Permission denied", path)


def test_no_manifest(place, good):
    place.put(good.gz)
    path = place.scenario(SAME)
    run = place.expect("error", "users: row_count same as dump", ["no manifest", "restore-verifier dump"], path)
    assert run.report()["backup is intact"].verdict == "pass"
    assert "manifest" not in run.report()["backup is intact"].output
    assert place.verify(place.scenario()).code == PASSED


def test_counts_that_were_not_wanted(place, server):
    path = scenario(place, server.url("bugspark"), SAME, counts="none")
    dump(place, path)
    source = manifest(place)["source"]
    assert source["counted"] is False and set(source["tables"]["public"].values()) == {None}
    run = place.expect("error", "users: row_count same as dump", "counts: exact", path)
    assert run.report()["backup is intact"].verdict == "pass"


def test_restored_rows_are_held_against_the_dump(place, server, dumped):
    path = scenario(place, server.url("bugspark"), SAME + "  webhooks:\n    - 'warn: row_count same as dump'\n")
    dumped(place)
    webhooks = manifest(place)["source"]["tables"]["public"]["webhooks"]
    change(beside(place), lambda said: said["source"]["tables"]["public"].update(users=24, webhooks=webhooks + 1))
    run = place.expect("fail", "users: row_count same as dump", "restored 25 rows, and the dump counted 24", path)
    assert run.report()["reports: row_count same as dump"].verdict == "pass"
    assert run.report()["webhooks: row_count same as dump"].verdict == "pass"
    assert f"the dump counted {webhooks + 1}" in run.report()["webhooks: row_count same as dump"].output


@pytest.mark.parametrize("kind", ["view", "materialized view"])
def test_rows_of_what_is_no_table(place, server, database, kind):
    """No dump counts them, and the backup is not to blame for that."""
    name = database(f"create table t (x int); insert into t values (1); create {kind} v as select * from t")
    path = scenario(place, server.url(name), "tables:\n  v:\n    - row_count = 1\n    - row_count same as dump\n")
    dump(place, path)
    run = place.expect("error", "v: row_count same as dump", ["v is no table"], path)
    assert run.report()["v: row_count = 1"].verdict == "pass"


def test_the_time_of_a_backup_is_its_manifests(place, server, dumped):
    path = scenario(place, server.url("bugspark"))
    dumped(place)
    then = utc(time.time() - 46 * 3600)
    change(beside(place), lambda said: said.update(began=then))
    place.expect("fail", "backup is recent", [then, "told by its manifest", "1 d 22 h", "its manifest says that it was made"], path)


def test_an_old_backup_under_a_new_name_with_its_manifest(place, server, dumped):
    path = scenario(place, server.url("bugspark"))
    dumped(place)
    then = utc(time.time() - 9 * 86400)
    change(beside(place), lambda said: said.update(began=then, ended=then, backup=today(NAME, days_ago=9)))
    place.expect("fail", "backup is recent", ["named", "but its manifest says"], path)


# --- warnings of a dump ---------------------------------------------------------------------------


def test_a_dump_of_an_empty_database_says_so(place, server, database):
    run = dump(place, scenario(place, server.url(database())))
    assert "warning: this backup is empty" in run.err
    assert "warning" not in dump(place, scenario(place, server.url("bugspark")), "--force").err


def test_a_dump_without_rows_says_so(place, server, database):
    run = dump(place, scenario(place, server.url(database("create table a (x int); create table b (x int)"))))
    assert "warning: this backup has no rows: all of its 2 tables are empty" in run.err
    run = dump(place, scenario(place, server.url(database("create table a (x int)"))), "--force")
    assert "warning: this backup has no rows: its only table is empty" in run.err


@pytest.mark.parametrize("force", [False, True], ids=["another day", "force"])
def test_a_dump_that_lacks_tables_says_which(place, server, database, force):
    name = database("create table keep as select 1 as x; create table lost as select 1 as x; create schema s; create table s.gone (x int)")
    path = scenario(place, server.url(name))
    dump(place, path)
    if not force:
        for ending in ("", ".manifest.json"):
            beside(place, ending).rename(place.backups / (today(NAME, days_ago=1) + ending))
    server.sql("drop table lost; drop schema s cascade; create table new (x int)", name)
    run = dump(place, path, *(["--force"] if force else []))
    assert "lacks 2 tables" in run.err and "public.lost, s.gone" in run.err, str(run)
    assert "keep" not in run.err and "new" not in run.err


# --- the record -----------------------------------------------------------------------------------


def record(place):
    path = beside(place, ".verified.json")
    return json.loads(path.read_text()) if path.exists() else None


def test_a_backup_that_verified_has_a_record(place, good):
    backup = place.put(good.gz)
    path = place.scenario("tables:\n  users:\n    - row_count >= 1\n    - 'warn: row_count >= 1000'\n")
    run = place.verify(path)
    assert run.code == PASSED, str(run)
    said = record(place)
    assert said["backup"] == backup.name and said["sha256"] == sha256(backup)
    assert said["size_bytes"] == backup.stat().st_size
    assert (said["checks"], said["warnings"]) == (7, 1)
    assert said["tables"]["public"]["users"] == 25
    assert said["program"].startswith("restore-verifier ") and said["server"]


def test_no_record_when_a_check_is_left_out(place, good):
    place.put(good.gz)
    assert place.verify("--only", "backup *", place.scenario()).code == PASSED
    assert record(place) is None
    assert place.verify("--only", "*", place.scenario()).code == PASSED
    assert record(place) is None


@pytest.mark.often("all-fails", "only-errors")
@pytest.mark.parametrize(
    "body, code, stays",
    [
        ("tables:\n  users:\n    - row_count >= 1000\n", BAD_BACKUP, False),
        ("queries:\n  - name: q\n    sql: select nonsense\n    expect: = 0\n", CANNOT_VERIFY, True),
    ],
    ids=["fails", "errors"],
)
@pytest.mark.parametrize("only", [False, True], ids=["all", "only"])
def test_a_red_run_takes_the_record_away(place, good, body, code, stays, only):
    place.put(good.gz)
    assert place.verify(place.scenario()).code == PASSED and record(place)
    assert place.verify(*(["--only", "[uq]*"] if only else []), place.scenario(body)).code == code
    assert (record(place) is not None) == stays


def test_a_backup_that_became_old_keeps_its_record(place, good):
    backup = place.put(good.gz)
    assert place.verify(place.scenario()).code == PASSED and record(place)
    old = place.backups / today(NAME, days_ago=3)
    backup.rename(old)
    said = record(place)
    beside(place, ".verified.json").unlink()
    (place.backups / (old.name + ".verified.json")).write_text(json.dumps({**said, "backup": old.name}))
    run = place.verify(place.scenario())
    assert run.code == BAD_BACKUP and run.report()["backup is recent"].verdict == "fail"
    assert "FAIL   bugspark: the backup is too old\n" in run.err
    assert (place.backups / (old.name + ".verified.json")).exists()


def test_a_damaged_backup_loses_its_record(place, good):
    backup = place.put(good.gz)
    assert place.verify(place.scenario()).code == PASSED and record(place)
    content = backup.read_bytes()
    backup.write_bytes(content[: len(content) // 2])
    assert place.verify(place.scenario()).code == BAD_BACKUP
    assert record(place) is None


@needs_root
def test_a_record_among_the_reports(place, good):
    place.put(good.gz)
    path = place.scenario()
    place.give_to(NOBODY)
    os.chown(place.backups, 0, 0)
    assert place.verify(path).code == PASSED
    assert record(place) is None
    among = place.reports / f"bugspark.{today(NAME)}.verified.json"
    assert json.loads(among.read_text())["backup"] == today(NAME)
    path = place.scenario("tables:\n  users:\n    - row_count >= 1000\n")
    assert place.verify(path).code == BAD_BACKUP
    assert not among.exists()


# --- change for -----------------------------------------------------------------------------------


def yesterday(place):
    """Makes today's backup yesterday's, with all that lies beside it."""
    for ending in ("", ".manifest.json", ".verified.json"):
        path = beside(place, ending)
        if path.exists():
            target = place.backups / (today(NAME, days_ago=1) + ending)
            text = path.read_bytes()
            stat = path.stat()
            target.write_bytes(text.replace(today(NAME).encode(), today(NAME, days_ago=1).encode()) if ending else text)
            os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            path.unlink()


def test_change_against_the_last_backup_that_verified(place, server, database):
    name = database(TREES)
    checks = {
        "grandchild": ["change for row_count >= -5%", "change for row_count between -10 and 10", "change for row_count = -20"],
        "events": ["change for row_count = +10%", "change for row_count = 59"],
        "empty": ["change for row_count = 0", "change for row_count > 100%"],
        "new": ["change for row_count = 0"],
    }
    server.sql("create table new (x int)", name)
    body = "tables:\n" + "".join(f"  {table}:\n" + "".join(f"    - {text}\n" for text in texts) for table, texts in checks.items())
    path = scenario(place, server.url(name), body)
    dump(place, path)
    first = place.verify(path)
    assert first.code == PASSED, str(first)
    assert "no earlier backup has verified" in first.report()["empty: change for row_count = 0"].output

    yesterday(place)
    server.sql("delete from grandchild where ctid in (select ctid from grandchild limit 20); insert into events select at, x from events limit 59", name)
    dump(place, path)
    run = place.verify(path)
    assert run.code == BAD_BACKUP, str(run)
    verdicts = {case.name: case.verdict for case in run.report().cases if "change for" in case.name}
    assert verdicts == {
        "grandchild: change for row_count >= -5%": "pass",
        "grandchild: change for row_count between -10 and 10": "fail",
        "grandchild: change for row_count = -20": "pass",
        "events: change for row_count = +10%": "pass",
        "events: change for row_count = 59": "pass",
        "empty: change for row_count = 0": "pass",
        "empty: change for row_count > 100%": "fail",
        "new: change for row_count = 0": "pass",
    }
    words = run.report()["grandchild: change for row_count between -10 and 10"].message
    assert f"-20 rows (-4.0%): 480, and 500 in {today(NAME, days_ago=1)}" in words


def test_revisions_as_the_dump_saw_them_and_as_last_verified(place, server, database):
    name = database("create schema app; create table app.versions (version_num text); insert into app.versions values ('a1');"
                    "create table t as select 1 as x")
    body = "alembic:\n  version: same as {}\n  table: app.versions\n"
    path = scenario(place, server.url(name), body.format("dump"))
    dump(place, path)
    assert manifest(place)["source"]["version_tables"] == {"app.versions": ["a1"]}
    check = "alembic: revision is the expected one"
    place.expect("pass", check, [], path)
    place.expect("pass", check, [], scenario(place, server.url(name), body.format("last verified")))
    yesterday(place)
    server.sql("update app.versions set version_num = 'b2'", name)
    path = scenario(place, server.url(name), body.format("last verified"))
    dump(place, path)
    place.expect("fail", check, ["expected revision a1, found b2"], path)
    change(beside(place), lambda content: content["source"].update(version_tables={"app.versions": ["c3"]}))
    place.expect("fail", check, ["expected revision c3, found b2"], scenario(place, server.url(name), body.format("dump")))
    change(beside(place), lambda content: content["source"].pop("version_tables"))
    place.expect("error", check, ["does not tell what is in app.versions"], scenario(place, server.url(name), body.format("dump")))


def test_change_passes_over_what_did_not_verify(place, good, server):
    """Yesterday's backup has a record of other bytes: it is none."""
    place.put(good.gz)
    path = place.scenario("tables:\n  users:\n    - change for row_count >= -5%\n")
    assert place.verify(path).code == PASSED
    yesterday(place)
    # Another second than that of the record, however quick the run was.
    os.utime(place.backups / today(NAME, days_ago=1), (time.time() - 10, time.time() - 10))
    place.put(good.gz)
    run = place.verify(path)
    words = run.report()["users: change for row_count >= -5%"].output
    assert "no earlier backup is known to have verified: the record of " in words and today(NAME, days_ago=1) in words


# --- the source is no place to restore into -------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(base):
    """A second server, reached by its socket and by the loopback device."""
    server = Server(base / "second", password="of-the-test")
    try:
        server.sql("alter role postgres password 'of-the-test'")
        yield server
    finally:
        server.stop()


def test_the_source_is_never_restored_into(place, good, guarded):
    guarded.create("shop")
    place.put(good.gz)
    before = guarded.databases()
    socket = guarded.url("postgres")
    try:
        for source in (guarded.url("shop"), guarded.tcp_url("shop"), guarded.tcp_url("shop").replace("127.0.0.1", "localhost")):
            for server in (socket, guarded.tcp_url("postgres")):
                path = scenario(place, source, f"restore:\n  server: {server}\n")
                place.expect("error", "backup restores", "is the source itself", path)
                path = scenario(place, source)
                place.expect("error", "backup restores", "is the source itself", "--server", server, path)
        assert guarded.databases() == before
    finally:
        guarded.drop("shop")


def test_another_server_is_no_source(place, good, guarded, server):
    place.put(good.gz)
    path = scenario(place, server.url("bugspark"), f"restore:\n  server: {guarded.url('postgres')}\n  trust: true\n")
    assert place.verify(path).code == PASSED
    nobody = scenario(place, "postgresql://127.0.0.1:1/nobody", f"restore:\n  server: {guarded.url('postgres')}\n  trust: true\n")
    assert place.verify(nobody).code == PASSED, "a source that is down is no reason not to verify"


# --- the order of texts -----------------------------------------------------------------------------------------

COLLATED = """create collation german (provider = icu, locale = 'de'); create table words (w text collate german primary key, v text);
create index words_v on words (v collate "sv-x-icu"); create index words_w on words (v collate "C"); insert into words values ('ä', 'å')"""


def test_the_order_of_texts(place, server, database):
    """What the source's indexes are ordered by is written down, and told where it is not the same here."""
    path = scenario(place, server.url(database(COLLATED)), pattern="x_%F.dump")
    dump(place, path)
    name = "x_%F.dump"
    found = {each["name"]: each for each in manifest(place, name)["source"]["collations"]}
    assert sorted(found) == ["default", "pg_catalog.sv-x-icu", "public.german"]
    assert (found["default"]["provider"], found["default"]["locale"]) == ("libc", "C.UTF-8")
    assert (found["public.german"]["provider"], found["public.german"]["locale"]) == ("icu", "de")
    assert found["public.german"]["version"] == found["public.german"]["actual"] != ""
    run = place.expect("pass", "every object is there", [], path)
    assert "order of texts" not in run.report().text and "german" not in run.report().text

    def other(content):
        for each in content["source"]["collations"]:
            if each["name"] == "default":
                each.update(locale="de_DE.UTF-8", version="2.31", actual="2.36")
            if each["name"] == "public.german":
                each.update(version="1.2", actual="1.2")

    change(beside(place, name=name), other)
    run = place.expect("pass", "every object is there", [
        "the database's own order of texts: libc 2.36 (de_DE.UTF-8) in the source, libc without a version (C.UTF-8) where it was restored",
        "collation public.german: icu 1.2 (de) in the source, icu ", "harmless here", "REINDEX",
        "in the source it was made with version 2.31 of libc, which is 2.36 there now", "ALTER DATABASE ... REFRESH COLLATION VERSION"], path)
    assert run.code == PASSED and "pg_catalog.sv-x-icu" not in run.report().text
    change(beside(place, name=name), lambda content: content["source"].pop("collations"))
    assert place.verify(path).code == PASSED
