"""Proves that a backup's SQL reaches nothing outside of its database, whenever it runs: while it is restored, by a
role or by a superuser, and while checks look at what was restored. Every way in which SQL comes to run (VECTORS)
tries every way out (EXITS): each of them would leave a file of its own name, a secret in what is printed, or a
connection. And proves that nothing that a backup brings along changes what the checks see."""

import socket
import subprocess

import pytest

import servers
from running import BAD_BACKUP, CANNOT_VERIFY, NOBODY, PASSED, needs_root

SECRET = "canary-of-the-environment"
FILE_SECRET = "canary-in-a-file"

# Ways out. What begins with `select` leaks when it gives what should not be readable; the others leave {file}.
EXITS = {
    "copy to program": "copy (select 1) to program 'env > \"{file}\"'",
    "copy from program": "copy {here}.scratch from program 'touch \"{file}\"; env'",
    "copy to a file": "copy (select 1) to '{file}'",
    "copy from a file": "copy {here}.scratch from '{secret}'",
    "copy from the environment": "copy {here}.scratch from '/proc/self/environ'",
    "pg_read_file": "select pg_read_file('{secret}')",
    "pg_read_file of the environment": "select pg_read_file('/proc/self/environ')",
    "pg_read_binary_file": "select encode(pg_read_binary_file('{secret}'), 'escape')",
    "pg_ls_dir": "select 'canary' from pg_ls_dir('{directory}')",
    "pg_stat_file": "select size::text from pg_stat_file('{secret}')",
    "lo_import": "select convert_from(lo_get(lo_import('{secret}')), 'UTF8')",
    "lo_export": "select lo_export(4711, '{file}')",
    "lo_export of a new one": "select lo_export(lo_from_bytea(0, 'x'), '{file}')",
    "dblink to the network": "select dblink_connect('a', 'host=127.0.0.1 port={port} dbname=x user=x password=x connect_timeout=1')",
    "dblink to the server": "select 'canary' from dblink(concat('host=', translate(current_setting('unix_socket_directories'), '\"', ''), ' user=restore_verifier dbname=postgres'), 'copy (select 1) to program ''env > \"{file}\"''; select 1') d (x int)",
    "dblink_connect_u": "select dblink_connect_u('b', 'host={sockets} user=restore_verifier dbname=postgres') || 'canary'",
    "postgres_fdw to the network": "select 'canary' from {here}.far",
    "postgres_fdw to the server": "select 'canary' from {here}.near",
    "file_fdw": "select line from {here}.from_file",
    "file_fdw with a program": "select line from {here}.from_program",
    "file_fdw, unrestricted": "select line from {here}.from_program, set_config('restrict_nonsystem_relation_kind', '', false)",
    "a C function": "create function {here}.c() returns int language c as '{library}', 'c'",
    "load": "load '{library}'",
    "set role": "set role restore_verifier; copy (select 1) to program 'env > \"{file}\"'",
    "set session authorization": "set session authorization restore_verifier; copy (select 1) to program 'env > \"{file}\"'",
    "become a superuser": "alter role current_user superuser; copy (select 1) to program 'env > \"{file}\"'",
    "join those who may": "grant pg_execute_server_program to current_user; copy (select 1) to program 'env > \"{file}\"'",
    "a temporary function": "create function pg_temp.f() returns int language sql as 'select 1'; copy (select pg_temp.f()) to '{file}'",
    "a temporary table": "create temporary table t as select pg_read_file('{secret}')",
    "plpython": "create extension plpython3u; do language plpython3u $p$ open('{file}', 'w') $p$",
    "plperl": "create extension plperlu; do language plperlu $p$ open(F, '>', '{file}') $p$",
}

# How many of them fail for the role that looks.
REFUSED = len(EXITS)

# reach('vector') tries all exits and tells how many did not work; only on a throwaway server, since what is dumped
# runs it too. `pure` is what indexes and the like ask for. What was run leaves its name as a comment, if it can.
REACH = r"""
create schema evidence;
create table evidence.scratch (line text);
create table evidence.exits (name text, attempt text);
create function evidence.reach(vector text) returns int language plpgsql as $$
declare
    attempt record;
    found text;
    refused int := 0;
begin
    if pg_catalog.to_regrole('restore_verifier') is null then
        return 0;
    end if;
    begin
        execute pg_catalog.format('comment on schema evidence is %L', pg_catalog.concat(pg_catalog.obj_description('evidence'::pg_catalog.regnamespace), ' ', vector));
    exception when others then null;
    end;
    for attempt in select name, pg_catalog.replace(e.attempt, '{file}', pg_catalog.concat('{directory}/', vector, ': ', name)) as sql from evidence.exits e loop
        begin
            found := '';
            if attempt.sql like 'select%' then
                execute attempt.sql into found;
            else
                execute attempt.sql;
                select pg_catalog.string_agg(line, ' ') into found from evidence.scratch;
            end if;
            if found like '%canary%' then
                raise exception using errcode = 'LEAKS', message = pg_catalog.concat('leak of ', vector, ': ', attempt.name, ' ', found);
            end if;
        exception
            when sqlstate 'LEAKS' then raise;
            when others then refused := refused + 1;
        end;
    end loop;
    return refused;
end $$;
create function evidence.pure(vector text) returns int immutable language plpgsql as $$ begin return evidence.reach(vector); end $$;
create function evidence.pure(vector text, anyelement) returns int immutable language plpgsql as $$ begin return evidence.reach(vector); end $$;
"""

# Ways in. Of those that run while they are restored, the name.
VECTORS = {
    "index": "create table indexed as select 1 as x; create index on indexed (evidence.pure('index', x))",
    "generated": "create table generated (x int, y int generated always as (evidence.pure('generated', x)) stored); insert into generated values (1)",
    "check": "create table checked (x int check (evidence.pure('check', x) >= 0)); insert into checked values (1)",
    "domain": "create domain narrow as int check (evidence.pure('domain', value) >= 0); create table of_domain (x narrow); insert into of_domain values (1)",
    "materialized": "create materialized view materialized as select evidence.reach('materialized') as refused",
}
LATER = """
create table plain (id int, x int default evidence.reach('default'), made timestamptz); insert into plain values (1, 1, now());
create rule also as on insert to plain do also select evidence.reach('rule');
create table guarded as select 1 as x;
alter table guarded enable row level security; alter table guarded force row level security;
create policy p on guarded using (evidence.reach('policy') >= 0);
create function fires() returns trigger language plpgsql as $$ begin perform evidence.reach('trigger'); return new; end $$;
create trigger fires before insert or update on plain for each row execute function fires();
create view seen as select id, evidence.reach('view') as refused from plain;
create function definer() returns int security definer language plpgsql as $$ begin return evidence.reach('definer'); end $$;
create view by_definer as select definer() as refused;
create function lie(mood) returns text language plpgsql as $$ begin perform evidence.reach('cast'); return 'a.png'; end $$;
create cast (mood as text) with function lie(mood) as implicit;
create table moods as select 'lost'::mood as m;
create table alembic_version (version_num varchar(32)); insert into alembic_version values ('abc');
create sequence s; select nextval('s');
create function equal(oid, regclass) returns boolean language plpgsql as $$ begin perform evidence.reach('operator'); return true; end $$;
create operator = (leftarg = oid, rightarg = regclass, function = equal);
create function glue(bigint, text) returns text language plpgsql as $$ begin perform evidence.reach('concatenation'); return '1'; end $$;
create operator || (leftarg = bigint, rightarg = text, function = glue);
create function to_regclass(varchar) returns regclass language plpgsql as $$ begin perform evidence.reach('to_regclass'); return 'plain'; end $$;
create function format(varchar, name, name) returns text language plpgsql as $$ begin perform evidence.reach('format'); return 'plain'; end $$;
create view pg_class as select evidence.reach('pg_class') as refused;
select lo_create(4711);
create function refuses() returns boolean language plpgsql as $$
begin
    if pg_catalog.to_regrole('restore_verifier') is not null then
        copy (select 1) to program 'env > {directory}/refuses';
    end if;
    return true;
end $$;
create view escape as select id from plain where refuses();
"""

# What only a superuser restores.
MIGHTY = """
create extension dblink; create extension postgres_fdw; create extension file_fdw;
create server far foreign data wrapper postgres_fdw options (host '127.0.0.1', port '{port}', dbname 'x', connect_timeout '1');
create user mapping for public server far options (user 'x', password 'x');
create foreign table evidence.far (x int) server far;
create server near foreign data wrapper postgres_fdw options (host '{sockets}', dbname 'postgres');
create user mapping for public server near options (user 'restore_verifier', password_required 'false');
create foreign table evidence.near (x int) server near;
create server files foreign data wrapper file_fdw;
create foreign table evidence.from_file (line text) server files options (filename '{secret}');
create foreign table evidence.from_program (line text) server files options (program 'env; touch "{directory}/foreign table"');
create function on_command() returns event_trigger language plpgsql as $$ begin perform evidence.reach('event'); end $$;
create event trigger on_command on ddl_command_end when tag in ('CREATE INDEX', 'CREATE VIEW') execute function on_command();
"""
if servers.MAJOR >= 17:
    MIGHTY += """
create function on_login() returns event_trigger language plpgsql as $$ begin perform evidence.reach('login'); end $$;
create event trigger on_login on login execute function on_login();
"""

# What only plain SQL can say, before its last line.
STATEMENTS = """
CREATE ROLE mighty SUPERUSER LOGIN CREATEROLE;
CREATE ROLE agent LOGIN REPLICATION;
GRANT pg_execute_server_program, pg_write_server_files TO agent WITH ADMIN OPTION;
GRANT restore_verifier TO agent;
CREATE FUNCTION public.of_mighty() RETURNS int SECURITY DEFINER LANGUAGE plpgsql AS $$ begin return evidence.reach('of_mighty'); end $$;
ALTER FUNCTION public.of_mighty() OWNER TO mighty;
CREATE FUNCTION public.of_agent() RETURNS int SECURITY DEFINER LANGUAGE plpgsql AS $$ begin return evidence.reach('of_agent'); end $$;
ALTER FUNCTION public.of_agent() OWNER TO agent;
GRANT USAGE ON SCHEMA evidence TO agent;
GRANT SELECT ON ALL TABLES IN SCHEMA evidence TO agent;
CREATE VIEW public.by_others AS SELECT public.of_mighty() AS refused UNION ALL SELECT public.of_agent();
ALTER DATABASE restored SET session_preload_libraries = '{library}';
ALTER DATABASE restored SET statement_timeout = 1;
ALTER DATABASE restored SET role = 'agent';
ALTER DATABASE restored CONNECTION LIMIT 0;
REVOKE CONNECT ON DATABASE restored FROM PUBLIC;
ALTER ROLE ALL SET local_preload_libraries = 'nothing';
ALTER SYSTEM SET session_preload_libraries = '{library}';
SELECT pg_reload_conf();
"""

LIBRARY = """
#include <fcntl.h>
__attribute__((constructor)) static void loaded(void) { open("%s/library", O_CREAT, 0666); }
"""

SCENARIO = """restore:
  contents: true
  amcheck: true
  jobs: 1
alembic:
  version: abc
objects:
  bucket: {place}/bucket
  checks: [missing(moods.m) = 0]
tables:
  escape: [row_count >= 1]
  seen: [row_count >= 1]
  plain: [row_count = 1, freshness(made) < 26h]
  guarded: [row_count = 1]
queries:
  - {{name: query, sql: select evidence.reach('query'), expect: = {refused}}}
  - {{name: view, sql: select refused from seen, expect: = {refused}}}
  - {{name: definer, sql: select refused from by_definer, expect: = {refused}}}
  - {{name: restored, sql: "select count(*) from string_to_array(obj_description('evidence'::regnamespace), ' ') a, unnest(a) u where u in ({vectors})", expect: ">= {count}"}}
"""


class World:
    """A directory for canaries that everybody may write to, and somebody who listens."""

    def __init__(self, place):
        self.place = place
        self.directory = place.directory / "canaries"
        self.directory.mkdir()
        self.directory.chmod(0o777)
        secret = self.directory / "secret"
        secret.write_text(FILE_SECRET)
        library = self.directory / "escape.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", library, "-"], input=LIBRARY % self.directory, text=True, check=True)
        self.put_there = set(self.directory.iterdir())
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.words = {"directory": self.directory, "secret": secret, "library": library, "port": self.listener.getsockname()[1],
                      "here": "evidence", "sockets": "/nowhere"}

    def fill(self, text):
        for word, value in self.words.items():
            text = text.replace("{" + word + "}", str(value))
        return text

    def sql(self):
        exits = ", ".join("('" + name.replace("'", "''") + "', $exit$" + self.fill(attempt) + "$exit$)" for name, attempt in EXITS.items())
        return self.fill(REACH) + f"insert into evidence.exits values {exits};" + "create type mood as enum ('lost');" + ";".join(VECTORS.values()) + ";" + self.fill(LATER)

    def verify(self, scenario, **options):
        environment = {"DATABASE_URL": SECRET, "S3_SECRET_KEY": SECRET, "PGPASSWORD": SECRET}
        return self.place.verify("--verbose", scenario, environment=environment, **options)

    def scenario(self, **more):
        (self.place.directory / "bucket").mkdir(exist_ok=True)
        (self.place.directory / "bucket/a.png").write_bytes(b"x")
        vectors = ", ".join(f"'{name}'" for name in VECTORS)
        text = SCENARIO.format(place=self.place.directory, vectors=vectors, refused=REFUSED, count=len(VECTORS))
        return self.place.scenario(text + more.pop("queries", ""), **more)

    def check(self, run):
        """Nothing got out, in whichever way."""
        written = {path.name for path in set(self.directory.iterdir()) - self.put_there}
        assert not written, f"reached out of the database: {sorted(written)}\n{run}"
        said = run.out + run.err + "".join(path.read_text() for path in self.place.reports.iterdir())
        for secret in (SECRET, FILE_SECRET, "leak of "):
            assert secret not in said, f"{secret} is in {said}"
        with pytest.raises(BlockingIOError):
            self.listener.accept()


@pytest.fixture
def escapes(place):
    world = World(place)
    yield world
    world.listener.close()


GOOD = ["alembic: revision is the expected one", "contents are identical", "every table has its rows", "backup restores",
        "seen: row_count >= 1", "plain: row_count = 1", "guarded: row_count = 1", "query", "view", "definer", "restored"]


def looked(world, run, *more):
    """Every check was made, and the one whose view insists on getting out says what it was refused."""
    world.check(run)
    report = run.report()
    verdicts = report.verdicts()
    assert all(verdicts[name] == "pass" for name in [*GOOD, *more]), str(run)
    assert verdicts["objects: missing(moods.m) = 0"] == "fail", "a cast of the backup said where the reference leads"
    escape = report["escape: row_count >= 1"]
    assert escape.verdict == "error" and "pg_execute_server_program" in escape.message and "read everything" in escape.text, str(run)
    assert run.code == CANNOT_VERIFY
    return report


def test_restored_by_a_role(escapes, place, server, database):
    place.put(server.dump(database(escapes.sql()), place.directory / "escapes.dump"))
    report = looked(escapes, escapes.verify(escapes.scenario(pattern="bugspark_%Y%m%d.dump")))
    assert "without special rights" in report.properties["server.restored_as"]


@pytest.mark.parametrize("user", [None, pytest.param(NOBODY, marks=needs_root)], ids=["root", "nobody"])
def test_restored_by_a_superuser(escapes, place, server, database, user):
    place.put(server.dump(database(escapes.sql() + escapes.fill(MIGHTY)), place.directory / "escapes.dump"))
    scenario = escapes.scenario(pattern="bugspark_%Y%m%d.dump")
    place.give_to(user)
    report = looked(escapes, escapes.verify(scenario))
    assert "superuser, because" in report.properties["server.restored_as"]


def test_restored_from_plain_sql(escapes, place, server, database):
    dump = server.dump(database(escapes.sql() + escapes.fill(MIGHTY)), place.directory / "escapes.sql", "-Fp", "--no-owner").read_text()
    place.put_bytes(with_statements(dump, escapes.fill(STATEMENTS)), "bugspark_%Y%m%d.sql")
    by_others = f"  - {{name: others, sql: select min(refused) from by_others, expect: = {REFUSED}}}\n"
    looked(escapes, escapes.verify(escapes.scenario(pattern="bugspark_%Y%m%d.sql", queries=by_others)), "others")


def with_statements(dump, statements):
    end = "--\n-- PostgreSQL database dump complete\n"
    assert end in dump
    return dump.replace(end, statements + end).encode()


@pytest.mark.parametrize(
    "statement, words",
    [
        ("ALTER FUNCTION public.f() OWNER TO restore_verifier;", "the function public.f() would run as the superuser"),
        ("GRANT EXECUTE ON FUNCTION pg_catalog.lo_export(oid, text) TO PUBLIC;", "everybody may call lo_export(oid,text)"),
        ("CREATE ROLE a; ALTER ROLE a RENAME TO restore_verifier_reader;", "cannot make a role that only reads"),
    ],
    ids=["owner", "grant", "role"],
)
def test_rights_that_cannot_be_taken_back(place, server, database, statement, words):
    sql = "create table t as select 1 as x; create function f() returns int security definer language sql as 'select 1'"
    dump = server.dump(database(sql), place.directory / "rights.sql", "-Fp", "--no-owner").read_text()
    place.put_bytes(with_statements(dump, statement + "\n"), "bugspark_%Y%m%d.sql")
    place.expect("error", "backup restores", words, place.scenario("tables:\n  t: [row_count = 1]\n", pattern="bugspark_%Y%m%d.sql"))


# --- what the checks see ------------------------------------------------------------------------------

# Restored it is not what was dumped: an index takes rows away, changes one, and sets a sequence back. Everything that
# looks may ask is there a second time, and says what the scenario wants to hear.
LIES = """
create table lost as select generate_series(1, 9) as x;
create table changed as select 1 as id, 'true'::text as x;
create table few as select 1 as x, 'lost'::text as key, array['lost'] as keys, '2001-01-01'::timestamptz as made;
create table alembic_version (version_num varchar(32)); insert into alembic_version values ('old');
create schema restore_verifier_reader; create table restore_verifier_reader.alembic_version as select 'new'::varchar(32) as version_num;
create table restore_verifier_reader.few as select generate_series(1, 1000) as x;
create schema restore_verifier; create table restore_verifier.alembic_version as select 'new'::varchar(32) as version_num;
create function spoil() returns int language plpgsql as $$
begin
    if pg_catalog.to_regrole('restore_verifier') is not null then
        {spoil};
    end if;
    return 1;
end $$;
create function pure(int) returns int immutable language plpgsql as $$ begin return public.spoil(); end $$;
create table zzz as select 1 as x; create index on zzz (pure(x));
create function yes(bigint, bigint) returns boolean language sql as 'select true';
create function yes(int, bigint) returns boolean language sql as 'select true';
create function yes(oid, regclass) returns boolean language sql as 'select true';
create function yes(varchar, text) returns boolean language sql as 'select true';
create operator = (leftarg = bigint, rightarg = bigint, function = yes);
create operator = (leftarg = int, rightarg = bigint, function = yes);
create operator = (leftarg = oid, rightarg = regclass, function = yes);
create operator = (leftarg = varchar, rightarg = text, function = yes);
create operator >= (leftarg = bigint, rightarg = bigint, function = yes);
create function glue(bigint, text) returns text language sql as 'select ''3''';
create operator || (leftarg = bigint, rightarg = text, function = glue);
create function add(bigint) returns bigint language sql as 'select 1000::bigint';
create function step(bigint) returns bigint language sql as 'select 9::bigint';
create aggregate count(*) (sfunc = step, stype = bigint, initcond = '9');
create aggregate count(int) (sfunc = int8inc_any, stype = bigint, initcond = '1000');
create function unnest(text[]) returns setof text language sql as 'select ''a.png''::text';
create function to_regclass(text) returns regclass language sql as 'select null::regclass';
create function to_regclass(varchar) returns regclass language sql as 'select null::regclass';
create function format_type(oid, text) returns text language sql as 'select ''text''';
create table pg_class as select 1 as oid; create table pg_namespace as select 1 as oid; create view pg_attribute as select 1 as oid;
"""

# One job: the index comes behind all data then.
LYING = """restore:
  contents: true
  jobs: 1
alembic:
  version: new
objects:
  bucket: {place}/bucket
  checks: [missing(few.key) = 0, missing(few.keys) = 0]
tables:
  few: [row_count >= 1000, freshness(made) < 26h]
queries:
  - {{name: query, sql: select count(*) from few, expect: ">= 9"}}
"""


def lies(place, server, database, spoil):
    """Verifies a backup that is spoilt while it is restored; gives the report."""
    backup = server.dump(database("create sequence counter; select setval('counter', 3);" + LIES.replace("{spoil}", spoil)), place.directory / "lies.dump")
    place.put(backup)
    (place.directory / "bucket").mkdir(exist_ok=True)
    (place.directory / "bucket/a.png").write_bytes(b"x")
    run = place.verify(place.scenario(LYING.format(place=place.directory), pattern="bugspark_%Y%m%d.dump"))
    assert run.code == BAD_BACKUP, str(run)
    return run.report()


def test_nothing_of_the_backup_makes_a_check_green(place, server, database):
    spoil = "delete from public.lost where x > 5; update public.changed set x = 'false'"
    report = lies(place, server, database, spoil)
    verdicts = report.verdicts()
    lying = ["every table has its rows", "contents are identical", "alembic: revision is the expected one", "objects: missing(few.key) = 0",
             "objects: missing(few.keys) = 0", "few: row_count >= 1000", "few: freshness(made) < 26h", "query"]
    assert all(verdicts[name] == "fail" for name in lying), verdicts
    assert "4 rows are missing from public.lost: 5 of 9 came back" in report["every table has its rows"].message
    assert "2 of " in report["contents are identical"].message
    assert "found old" in report["alembic: revision is the expected one"].message
    assert "lost" in report["objects: missing(few.keys) = 0"].text


def test_nothing_of_the_backup_moves_a_sequence(place, server, database):
    report = lies(place, server, database, "perform pg_catalog.setval('public.counter', 1)")
    rows = report["every table has its rows"]
    assert rows.verdict == "fail" and "is at 3 in the archive, restored at 1" in rows.message, rows


def test_a_healthy_backup_of_the_same_names(place, server, database):
    """Nothing of the above is found to be wrong where nothing is."""
    path = place.scenario("restore:\n  contents: true\n", pattern="bugspark_%Y%m%d.dump")
    place.put(server.dump(database(LIES.replace("{spoil}", "null")), place.directory / "same.dump"))
    assert place.verify(path).code == PASSED
