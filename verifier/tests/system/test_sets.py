"""Proves that a backup may be a set of files: those of `supabase db dump`, of pg_dump --section, of pg_dumpall
beside a dump; one pattern a part or a directory a night; and that what is missing or cut is seen, as far as
each kind of file can tell."""

import gzip
import json
import subprocess

import pytest

import supabase_files
from backup_bucket import Bucket
from running import BAD_BACKUP, CANNOT_VERIFY, PASSED, today
from servers import BIN

INTACT, RECENT, RESTORES, ROWS = "backup is intact", "backup is recent", "backup restores", "every table has its rows"
SUPABASE = "{roles: roles_%F.sql, platform: platform_%F.sql, schema: schema_%F.sql, data: data_%F.sql}"
WITHOUT_EXTENSION = "restore: {exclude: [EXTENSION citext]}\n"

# Roles with settings, and policies for them; triggers that would write rows of their own; keys in a circle; an
# identity column; rows that look like comments; and what the host brings: a schema that the project refers to,
# one that extensions are in, and a publication.
ROLES = """
create role anon; create role authenticated; create role service_role; create role supabase_admin superuser;
create role app_reader; create role app_writer in role app_reader;
grant authenticated to postgres;
alter role anon set statement_timeout = '3s'; alter role app_reader set search_path = 'public';
alter role authenticated set "pgrst.db_schemas" = 'public';
"""
PROJECT = """
create schema extensions; create schema auth authorization supabase_admin;
create extension pg_trgm with schema extensions; create extension citext with schema extensions;
create table auth.users (id uuid primary key default gen_random_uuid(), email text);
create function auth.uid() returns uuid language sql as 'select null::uuid';
create publication supabase_realtime;
create schema private;
create type public.mood as enum ('good', 'bad');
create table public.teams (id bigint generated always as identity primary key, leader bigint, note text);
create table public.people (id bigserial primary key, team bigint references public.teams, mood public.mood, bio text,
  account uuid references auth.users);
alter table public.teams add foreign key (leader) references public.people;
create table private.log (at timestamptz default now(), what text);
create table public.nothing (id int);
create index on public.people using gin (bio extensions.gin_trgm_ops);
create function public.noted() returns trigger language plpgsql as $$
begin insert into private.log (what) values (tg_table_name); return new; end $$;
create trigger noting after insert on public.people for each row execute function public.noted();
create view public.moods as select mood, count(*) from public.people group by mood;
insert into auth.users (email) values ('-- a@example.com');
insert into public.teams (note) select '-- ' || i from generate_series(1, 10) i;
insert into public.people (team, mood, bio, account)
  select i % 10 + 1, 'good', repeat('b', i), (select id from auth.users) from generate_series(1, 40) i;
update public.teams set leader = id;
alter table public.people enable row level security;
create policy own on public.people for select to authenticated using (account = auth.uid());
alter publication supabase_realtime add table public.people;
grant select on public.people to anon, app_reader; grant usage on schema private to service_role;
alter default privileges for role postgres in schema public grant all on tables to anon, authenticated;
"""
ROWS_OF_PROJECT = "91"


@pytest.fixture(scope="module")
def project(server):
    server.sql(ROLES)
    server.create("project", PROJECT)
    yield "project"
    server.drop("project")


def put_supabase(place, server, project, days_ago=0, **options):
    return supabase_files.written(server, project, place.backups, today("{part}_%F.sql", days_ago), **options)


def files_of(place):
    return sorted(path.name for path in place.backups.iterdir())


def test_supabase_db_dump(place, server, project):
    """Every row is back, triggers or not, with the roles, and without an extension that is left out; it is one
    backup for its record, and for prune."""
    parts = put_supabase(place, server, project)
    assert parts["data"].read_text().startswith("SET session_replication_role = replica;")
    assert not parts["schema"].read_text().strip().startswith("--")
    for name in (today("{part}_%F.sql", 40), today("{part}_%F.sql", 41)):
        for part in parts:
            (place.backups / name.format(part=part)).write_text("old")
    (place.backups / today("roles_%F.sql", 42)).write_text("what a killed prune left")
    body = (
        "tables:\n  people: [row_count = 40]\nrestore: {contents: true, exclude: [EXTENSION citext]}\n"
        "queries: [{name: roles, sql: \"select count(*) from pg_roles where rolname in ('anon', 'app_writer')\", expect: '= 2'}]\n"
    )
    scenario = place.scenario(body, pattern=SUPABASE, backups="max_age: 26h\n  keep: 2d")
    run = place.verify(scenario)
    assert run.code == PASSED, str(run)
    report = run.report()
    assert set(report.verdicts().values()) == {"pass"} and "WARN" not in run.err, str(run)
    assert report.properties["restored.rows"] == ROWS_OF_PROJECT
    assert report.properties["restore.left_out_entries"] == "1" and "the one entry" in run.err
    record = json.loads((place.backups / (parts["data"].name + ".verified.json")).read_text())
    assert record["backup"] == parts["data"].name
    assert record["size_bytes"] == sum(path.stat().st_size for path in parts.values())
    run = place.run("prune", scenario)
    assert run.code == PASSED and files_of(place) == sorted(
        [path.name for path in parts.values()] + [parts["data"].name + ".verified.json"]
    ), str(run)
    assert today("deleted platform_%F.sql", 40) not in run.err and today("data_%F.sql", 40) in run.err


def test_files_without_an_end(place, server, project):
    """Whose comments were taken away, and that no RESET ALL ends."""
    parts = put_supabase(place, server, project, keep_comments=False)
    for path in parts.values():
        path.write_text(path.read_text().removesuffix("RESET ALL;\n"))
    words = "has no end mark: whether it was cut off can be told only by a row_count under `tables`, or by a manifest"
    run = place.expect("pass", INTACT, [parts["data"].name, words], place.scenario(WITHOUT_EXTENSION, pattern=SUPABASE))
    assert "WARN" in run.err and run.report()[ROWS].verdict == "pass", str(run)


def test_a_newer_night_that_is_not_complete(place, server, project):
    """As an empty newest backup: the older one is verified, and what is missing is told."""
    put_supabase(place, server, project, days_ago=1)
    parts = put_supabase(place, server, project)
    parts["data"].unlink()
    scenario = place.scenario(WITHOUT_EXTENSION, pattern=SUPABASE, backups="max_age: 50h")
    words = today("the backup of %F is not complete: data_%F.sql is missing")
    run = place.expect("pass", RECENT, words, scenario)
    assert "WARN" in run.err and run.report()[ROWS].verdict == "pass", str(run)
    run = place.verify("--backup", parts["schema"], scenario)
    assert run.code == CANNOT_VERIFY and words in run.report().text
    run = place.run("dump", place.scenario("source: {database: postgresql://127.0.0.1/x}\n", pattern=SUPABASE))
    assert run.code == CANNOT_VERIFY and "backups.name is a set of files, and dump writes one file" in run.err


def test_a_directory_a_night(place, server, project):
    directory = place.backups / today("night_%F")
    directory.mkdir()
    parts = supabase_files.written(server, project, directory, options=["--column-inserts", "--rows-per-insert=100000"])
    parts["data"].with_suffix(".sql.gz").write_bytes(gzip.compress(parts["data"].read_bytes()))
    parts["data"].unlink()
    run = place.verify(place.scenario(WITHOUT_EXTENSION, pattern="night_%F"))
    assert run.code == PASSED and run.report().properties["restored.rows"] == ROWS_OF_PROJECT, str(run)
    run = place.run("inspect", directory)
    assert run.code == PASSED and "it ends as the files of `supabase db dump` do" in run.out
    run = place.run("inspect", parts["schema"])
    assert run.code == PASSED and "definitions alone" in run.out
    host = parts["platform"].rename(place.backups / "platform.sql")
    words = ["auth.users", "none of its files creates the schema", "part `platform`"]
    place.expect("error", RESTORES, words, place.scenario(WITHOUT_EXTENSION, pattern="night_%F"))
    host.rename(parts["platform"])
    run = place.run("inspect", "--format", "json", directory)
    assert [part["part"] for part in json.loads(run.out)["archive"]["parts"]] == ["roles", "platform", "schema", "data"]


@pytest.mark.parametrize("options, ending", [(["-Fc"], "dump"), (["-Fp"], "sql")])
def test_sections(place, server, project, options, ending):
    parts = {"pre_data": "pre", "data": "data", "post_data": "post"}
    for part, name in parts.items():
        server.dump(project, place.backups / today(f"{name}_%F.{ending}"), *options, f"--section={part.replace('_', '-')}")
    pattern = "{" + ", ".join(f"{part}: {name}_%F.{ending}" for part, name in parts.items()) + "}"
    run = place.verify(place.scenario("restore: {contents: true, jobs: 2}\n", pattern=pattern))
    assert run.code == PASSED and run.report().properties["restored.rows"] == ROWS_OF_PROJECT, str(run)
    assert ("without special rights" in " ".join(run.err.split())) == (ending == "dump")


def pg_dumpall(server, path, *options):
    with open(path, "wb") as out:
        subprocess.run([BIN / "pg_dumpall", *options, "-d", server.url()], stdout=out, check=True)


def test_globals_beside_a_dump(place, server, project):
    """The roles are made as they were, by the superuser; the dump needs none."""
    server.sql("set allow_in_place_tablespaces = on; create tablespace slow location ''")
    pg_dumpall(server, place.backups / today("globals_%F.sql"), "--globals-only")
    server.sql("drop tablespace slow")
    server.dump(project, place.backups / today("app_%F.dump"))
    body = "queries: [{name: settings, sql: \"select count(*) from pg_roles where rolname = 'anon' and rolconfig is not null\", expect: '= 1'},\n"
    body += "  {name: spaces, sql: \"select count(*) from pg_tablespace where spcname = 'slow'\", expect: '= 1'}]\n"
    run = place.verify(place.scenario(body, pattern="{globals: globals_%F.sql, dump: app_%F.dump}"))
    assert run.code == PASSED and "globals and dump, custom" in run.err, str(run)
    assert "without special rights" in " ".join(run.err.split())


def test_data_for_a_schema_with_triggers(place, server, project):
    """pg_dump --schema-only and --data-only, whose triggers would write rows again, and whose foreign keys go in a
    circle."""
    server.dump(project, place.backups / today("schema_%F.dump"), "--schema-only")
    server.dump(project, place.backups / today("data_%F.dump"), "--data-only")
    run = place.verify(place.scenario(pattern="{schema: schema_%F.dump, data: data_%F.dump}"))
    assert run.code == PASSED and run.report().properties["restored.rows"] == ROWS_OF_PROJECT, str(run)


# A name of two parts, of two partitions, and of a row that refers to one in its own table.
KEYS = """
create table "a b" (x int, "y z" text collate "C", primary key (x, "y z")); insert into "a b" values (1, 'one'), (2, 'two');
create table parted (x int primary key) partition by range (x);
create table parted_1 partition of parted for values from (0) to (10); insert into parted values (1), (2);
create table child (id int primary key, x int, y text, part int references parted, twin int references child,
                    foreign key (x, y) references "a b");
insert into child values (1, 1, 'one', 1, null), (2, 2, 'two', 2, 1), (3, 2, null, null, 3);
create table of_parts (x int references parted, at int) partition by list (at);
create table of_parts_1 partition of of_parts for values in (1); insert into of_parts values (1, 1);
"""
LOST = {
    "nothing": (None, "pass", []),
    "a key of two columns": ("2\ttwo", "fail", ['1 row of public.child refers to no row of public.a b (foreign key child_x_y_fkey): rows are missing']),
    "a row of its own table": ("1\t1\tone\t1\t\\N", "fail", ["1 row of public.child refers to no row of public.child (foreign key child_twin_fkey)"]),
    "a row of a partition": ("1", "fail", ["of public.child refers to no row of public.parted", "and other keys do not hold either"]),
}


def test_rows_that_are_left_out(place, server, database):
    source = database("create table a (id int primary key); insert into a values (1); create table b (id int references a); insert into b values (1)")
    for part in ("schema", "data"):
        server.dump(source, place.backups / today(part + "_%F.dump"), "-Fc", f"--{part}-only")
    names = "{schema: schema_%F.dump, data: data_%F.dump}"
    place.expect("pass", ROWS, [], place.scenario("restore:\n  exclude: [TABLE DATA public a]\n", pattern=names))
    server.sql("set session_replication_role = replica; delete from a", source)
    server.dump(source, place.backups / today("data_%F.dump"), "-Fc", "--data-only")
    place.expect("fail", ROWS, ["1 row of public.b refers to no row of public.a", "the source itself breaks its keys"], place.scenario(pattern=names))


def test_rows_that_are_elsewhere(place, server, database):
    """The schema as an archive and the data as plain SQL, of one schema alone: what that refers to is the host's."""
    source = database("create schema auth; create table auth.users (id int primary key); insert into auth.users values (1);"
                      "create table people (id int references auth.users); insert into people values (1)")
    server.dump(source, place.backups / today("schema_%F.dump"), "-Fc", "--schema-only")
    server.dump(source, place.backups / today("data_%F.sql"), "-Fp", "--data-only", "--schema=public")
    run = place.expect("pass", ROWS, [], place.scenario(pattern="{schema: schema_%F.dump, data: data_%F.sql}"))
    assert "the archive defines auth.users and holds no data of it" in " ".join(run.err.split()) and "public.people and holds" not in run.err, str(run)


@pytest.mark.parametrize("name", LOST)
def test_keys_that_nobody_asked_while_the_data_were_loaded(place, server, database, name):
    row, verdict, words = LOST[name]
    source = database(KEYS)
    for part in ("schema", "data"):
        subprocess.run([BIN / "pg_dump", f"--{part}-only", "-f", place.backups / today(part + "_%F.sql"), server.url(source)], check=True, capture_output=True)
        (place.backups / today(part + "_%F.sql")).chmod(0o644)
    data = place.backups / today("data_%F.sql")
    text = data.read_text()
    if row:
        assert f"\n{row}\n" in text
        data.write_text(text.replace(f"\n{row}\n", "\n", 1))
    place.expect(verdict, ROWS, words, place.scenario(pattern="{schema: schema_%F.sql, data: data_%F.sql}"))


def test_in_a_bucket(bucket, place, server, project):
    made = place.directory / "made"
    made.mkdir()
    for part, path in supabase_files.written(server, project, made).items():
        bucket.put(today(f"{part}_%F.sql"), path.read_bytes())
        bucket.put(today(f"night_%F/{part}.sql"), path.read_bytes())
    run = place.verify(bucket.scenario(WITHOUT_EXTENSION, pattern=SUPABASE))
    assert run.code == PASSED and run.report().properties["restored.rows"] == ROWS_OF_PROJECT, str(run)
    run = place.verify("--only", INTACT, bucket.scenario(pattern="night_%F"))
    assert run.code == PASSED, str(run)
