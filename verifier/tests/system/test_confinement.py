"""Proves that what works on a backup reaches nothing but what it needs, whatever the backup's SQL tries, and
that nobody's password, token or URL is given to it."""

import json
import os
import socket

import pytest

from running import NOBODY, PASSED, needs_root

SECRETS = {
    "DATABASE_URL": "postgresql://u:canary@db.invalid/d",
    "S3_SECRET_KEY": "canary", "AWS_SECRET_ACCESS_KEY": "canary", "AWS_SESSION_TOKEN": "canary",
    "BACKUP_SECRET_KEY": "canary", "MY_OWN": "canary", "PGOPTIONS": "-c application_name=canary", "PGAPPNAME": "canary",
}
SHOW = 'env >"$place/tmp/environment.{name}.$$"\nexec "$real/{name}" "$@"\n'


def shown(place, name):
    """What a program was given, each time it ran."""
    return [path.read_text() for path in place.tmp.glob(f"environment.{name}.*")]


def test_no_program_sees_what_is_not_for_it(place, server, good):
    programs = ("initdb", "postgres", "pg_restore", "psql", "pg_dump")
    place.tmp.chmod(0o777)
    environment = {**SECRETS, **place.stand_in(**{name: SHOW.format(name=name) for name in programs}), "PGPASSWORD": "for the source"}
    plain = server.dump("bugspark", place.directory / "x.sql", "-Fp")
    path = place.scenario(f"source: {{database: '{server.url('bugspark')}'}}\n")
    assert place.run("dump", path, environment=environment).code == PASSED
    for arguments in ([path], ["--backup", plain, path]):
        run = place.verify(*arguments, environment=environment)
        assert run.code == PASSED, str(run)
    for name in programs:
        found = shown(place, name)
        assert found, f"{name} was never run"
        for text in found:
            # What libpq of pg_dump knows is for the server that the user names, and for no other.
            meant = ("PGOPTIONS=", "PGAPPNAME=", "PGPASSWORD=") if name == "pg_dump" else ()
            told = [line for line in text.splitlines() if ("canary" in line or line.startswith("PG")) and not line.startswith((*meant, "PGTZ="))]
            assert not told, f"{name}: {told}"
            assert "for the source" not in text or name == "pg_dump"


# Each is tried by a superuser, whom an archive with dblink needs, while a materialized view is filled.
ESCAPES = {
    "a program": "copy (select 1) to program 'touch {place}/canary'",
    "a program's output": "copy sink from program 'id'",
    "a file written": "copy (select 1) to '{place}/canary'",
    "a file written in the work directory": "copy (select 1) to '{place}/tmp/canary'",
    "a file in shared memory": "copy (select 1) to '{shared}'",
    "a large object written": "do $d$ declare new oid = lo_from_bytea(0, 'x'); begin perform lo_export(new, '{place}/canary'); end $d$",
    "a file read": "select pg_read_file('{place}/secret')",
    "a file read into a table": "copy sink from '{place}/secret'",
    "a large object read": "select lo_import('{place}/secret')",
    "the users": "select pg_read_file('/etc/passwd')",
    "its caller's environment": "select pg_read_binary_file('/proc/{pid}/environ')",
    "its own environment": "select pg_read_binary_file('/proc/self/environ')",
    "a list of files": "select pg_ls_dir('{place}')",
    "a library": "load '{place}/secret'",
    "the network": "select dblink_connect('n', 'host=127.0.0.1 port={port} user=postgres')",
    "a server of this machine": "select dblink_connect('s', 'host={socket} user=postgres dbname=postgres')",
}
HOSTILE = """
create extension dblink;
create table sink (x text);
create table t (x int); insert into t values (1);
create function try(sql text) returns text language plpgsql set search_path = public as $$ declare more text; begin
    if current_setting('data_directory') !~ 'restore-verifier' then return 'not here'; end if;
    execute sql;
    return 'got';
exception when others then
    get stacked diagnostics more = pg_exception_detail;
    return sqlerrm || more;
end $$;
create materialized view tried as select name, try(sql) as said from (values {values}) v (name, sql);
"""
COUNTS = """
queries:
  - name: everything was tried, and refused
    sql: select count(*) from tried where said ~ 'Permission denied|could not execute command'
    expect: = {count}
"""


@pytest.mark.parametrize("user", [None, pytest.param(NOBODY, marks=needs_root)], ids=["as ourselves", "as an ordinary user"])
def test_a_superuser_of_the_backup_reaches_nothing(place, server, database, user):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    shared = f"/dev/shm/canary.{os.getpid()}"
    words = {"place": place.directory, "shared": shared, "socket": server.directory, "port": listener.getsockname()[1], "pid": os.getpid()}
    quoted = (f"($n${name}$n$, $e${escape.format(**words)}$e$)" for name, escape in ESCAPES.items())
    backup = server.dump(database(HOSTILE.format(values=", ".join(quoted))), place.backups / "x.dump")
    (place.directory / "secret").write_text("secret\n")
    (place.directory / "secret").chmod(0o644)
    path = place.scenario(COUNTS.format(count=len(ESCAPES)))
    place.give_to(user)
    place.directory.chmod(0o777)
    run = place.verify("-v", "--backup", backup, path, environment=SECRETS)
    report = run.report()
    assert "superuser" in report.properties["server.restored_as"]
    held = report.properties["server.confined_by"]
    assert "no new privileges" in held and "limits" in held
    if "Landlock" not in held:
        pytest.skip(f"this machine has no Landlock: {report.properties['server.not_confined_by']}")
    assert report["everything was tried, and refused"].verdict == "pass", str(run)
    assert not list(place.directory.rglob("canary")) and not os.path.exists(shared)
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert "confined by no new privileges, Landlock" in " ".join(run.err.split()), run.err


def test_a_restore_that_reaches_out_is_no_bad_backup(place, database, server):
    """It may be a good one elsewhere: here it could not be verified."""
    source = database("create function f() returns text language plpgsql as $$ begin"
                      "  return case when pg_catalog.current_setting('data_directory') ~ 'restore-verifier' then pg_catalog.pg_read_file('/etc/hostname') end; end $$;"
                      "create extension dblink; create table t (x int); insert into t values (1); create materialized view v as select public.f()")
    backup = server.dump(source, place.backups / "x.dump")
    run = place.expect("error", "backup restores", ["/etc/hostname", "Permission denied", "its own files, and nothing else"], "--backup", backup, place.scenario())
    assert not [case for case in run.report().cases if case.verdict == "fail"]


def test_a_wrapper_is_not_held_to_files_and_the_report_says_so(place, good):
    place.put(good.gz)
    run = place.run("verify", "--reports", place.reports, "--format", "json", place.scenario(), environment=place.stand_in(pg_restore='exec "$real/pg_restore" "$@"\n'))
    assert run.code == PASSED, str(run)
    server = json.loads(run.out)["scenarios"][0]["server"]
    assert "Landlock" not in server["confined_by"] and "limits" in server["confined_by"]
    assert "Landlock (pg_restore is a script)" in server["not_confined_by"]
