"""Proves what `schema:` in a scenario says: the definitions against the last backup that verified, a file of
the project, and the manifest of the dump."""

import json
import subprocess

import pytest

from running import BAD_BACKUP, BIN, CANNOT_VERIFY, PASSED, today

PATTERN = "shop_%F.dump"
SQL = """
create table alembic_version (version_num varchar(32) primary key); insert into alembic_version values ('a1');
create table items (id int primary key, name text not null, price int check (price > 0)); insert into items values (1, 'one', 1);
create index items_name on items (name);
create view cheap as select * from items where price < 10;
create schema audit; create table audit.log_2024 (x int); create index tmp_x on items (price);
"""
LAST, FILE = "schema: same as last verified", "schema: same as {file}"
ALEMBIC = "alembic:\n  version: {version}\n"


@pytest.fixture
def nights(place, server, database):
    """nights(days_ago, sql) changes the database and makes the backup of that day; gives its path."""
    name = database(SQL)

    def night(days_ago, sql=""):
        if sql:
            server.sql(sql, name)
        return server.dump(name, place.backups / today(PATTERN, days_ago))

    night.name = name
    return night


def scenario(place, schema, version=None):
    body = "schema:\n" + schema + (ALEMBIC.format(version=version) if version else "")
    return place.scenario(body, pattern=PATTERN, backups="max_age: 80d")


# What somebody does to the database by hand, the verdict, and what is said of it.
CHANGES = {
    "nothing": ("", "pass", []),
    "an index lost": ("drop index items_name", "fail", ["1 gone: - INDEX public.items_name"]),
    "a table more": ("create table extra (x int)", "fail", ["1 new: + TABLE public.extra"]),
    "a view changed": ("create or replace view cheap as select * from items where price < 20", "fail", ["1 changed: ~ VIEW public.cheap"]),
    "a constraint lost": ("alter table items drop constraint items_price_check", "fail", ["1 changed: ~ TABLE public.items"]),
    "several": ("drop index items_name; drop view cheap; create table z ()", "fail", ["2 gone, 1 new: - INDEX public.items_name, - VIEW public.cheap, + TABLE public.z"]),
    "a row": ("insert into items values (2, 'two', 2)", "pass", []),
}


@pytest.mark.often("nothing", "several")
@pytest.mark.parametrize("change", CHANGES)
def test_same_as_last_verified(place, nights, change):
    sql, verdict, words = CHANGES[change]
    path = scenario(place, "  - same as last verified\n")
    nights(1)
    first = place.expect("pass", LAST, ["no earlier backup has verified"], path)
    assert "WARN" in first.err
    nights(0, sql)
    run = place.expect(verdict, LAST, words, path)
    assert run.code == (PASSED if verdict == "pass" else BAD_BACKUP), str(run)
    if verdict == "fail":
        warned = place.expect("pass", LAST, [today(PATTERN, 1), *words], scenario(place, "  - warn: same as last verified\n"))
        assert warned.code == PASSED and "WARN" in warned.err


def test_migrations_may_change_it(place, nights):
    path = scenario(place, "  - same as last verified\n", version="a1")
    nights(1)
    assert place.verify(path).code == PASSED
    nights(0, "drop index items_name; update alembic_version set version_num = 'b2'")
    run = place.expect("pass", LAST, ["1 gone: - INDEX public.items_name, as the migrations have changed since"], scenario(place, "  - same as last verified\n", version="b2"))
    assert run.code == PASSED and "- INDEX public.items_name" in run.report().text


def test_what_is_ignored(place, nights):
    path = scenario(place, "  - same as last verified\n  - ignore: [TABLE audit.*_2024, INDEX tmp_*]\n")
    nights(1)
    assert place.verify(path).code == PASSED
    nights(0, "drop table audit.log_2024; drop index tmp_x")
    assert "7 objects" in place.expect("pass", LAST, [], path).err
    place.expect("fail", LAST, ["- INDEX public.tmp_x"], scenario(place, "  - same as last verified\n  - ignore: [TABLE audit.*]\n"))


@pytest.mark.often("dump")
@pytest.mark.parametrize("ending, options", [("sql", ["-Fp"]), ("dump", ["-Fc"]), ("stripped.sql", ["-Fp", "--no-comments"])])
def test_same_as_a_file(place, server, nights, ending, options):
    file = place.directory / f"schema.{ending}"
    server.dump(nights.name, file, "--schema-only", *options)
    name = FILE.format(file=file)
    nights(0)
    path = scenario(place, f"  - same as {file}\n")
    assert place.verify(path).code == PASSED
    nights(0, "drop index items_name; create or replace view cheap as select * from items where price < 20")
    run = place.expect("fail", name, [f"compared with {file}, 1 gone, 1 changed: - INDEX public.items_name, ~ VIEW public.cheap"], path)
    assert run.code == BAD_BACKUP


def test_one_of_several_databases(place, server, database):
    """The record of one says nothing of the objects of others."""
    first, second = database(SQL), database("create table other (x int); insert into other values (1)")
    path = place.scenario("schema:\n  - same as last verified\n", pattern="all_%F.sql", backups=f"max_age: 80d\n  database: {first}")
    command = [BIN / "pg_dumpall", "--no-role-passwords", "--exclude-database=bugspark", "--exclude-database=large", "-d", server.url()]
    for days_ago in (1, 0):
        subprocess.run([*command, "-f", place.backups / today("all_%F.sql", days_ago)], check=True, capture_output=True)
        run = place.verify(path)
        assert run.code == PASSED, str(run) + run.report().text
        server.sql("create table if not exists more (x int)", second)
    assert "9 objects" in run.err, str(run)


def test_names_alone_are_told(place, server, nights):
    """Without pg_dump's comments only names are known, and a pass says so."""
    file = place.directory / "schema.sql"
    server.dump(nights.name, file, "--schema-only", "-Fp")
    file.write_text("\n".join(line for line in file.read_text().splitlines() if not line.startswith("--")) + "\n")
    nights(0, "create or replace view cheap as select * from items where price < 20")
    run = place.expect("pass", FILE.format(file=file), ["only kinds and names were compared", "one that is not known"], scenario(place, f"  - same as {file}\n"))
    assert run.code == PASSED


def test_a_file_that_is_none(place, nights):
    nights(0)
    missing = place.directory / "missing.sql"
    run = place.expect("error", FILE.format(file=missing), ["cannot be read", "missing.sql"], scenario(place, f"  - same as {missing}\n"))
    assert run.code == CANNOT_VERIFY
    empty = place.directory / "empty.sql"
    empty.write_text("--\n-- PostgreSQL database dump\n--\n\n--\n-- PostgreSQL database dump complete\n--\n\n")
    place.expect("error", FILE.format(file=empty), ["defines nothing", "--schema-only"], scenario(place, f"  - same as {empty}\n"))


def test_same_as_dump(place, server, nights):
    body = f"source: {{database: \"{server.url(nights.name)}\"}}\nschema:\n  - same as dump\n"
    path = place.scenario(body, pattern=PATTERN)
    assert place.run("dump", path).code == PASSED
    run = place.expect("pass", "schema: same as dump", [], path)
    assert "entries of the table of contents" in run.err
    manifest = place.backups / (today(PATTERN) + ".manifest.json")
    document = json.loads(manifest.read_text())
    document["schema"]["INDEX"]["count"] += 1
    manifest.write_text(json.dumps(document))
    place.expect("fail", "schema: same as dump", ["INDEX", "what was dumped is no longer in it"], "--always-restore", path)
    manifest.unlink()
    place.expect("error", "schema: same as dump", ["no manifest"], path)


# What is made of a table with a serial key, the verdict of `sequences behind = 0`, and what is said of it.
BEHIND = {
    "none": ("insert into numbered default values", "pass", ""),
    "one": ("insert into numbered values (5)", "fail", "expected sequences behind = 0, found 1 (public.numbered_id_seq stands at 1, and public.numbered.id reaches 5)"),
    "two": ("insert into numbered values (5); create table more (id serial unique); insert into more values (9)", "fail", "found 2 (public.more_id_seq stands at 1, and public.more.id reaches 9, ...)"),
}


@pytest.mark.often("none", "one")
@pytest.mark.parametrize("state", BEHIND)
def test_sequences_behind(place, nights, state):
    sql, verdict, words = BEHIND[state]
    nights(0, "create table numbered (id serial primary key);" + sql)
    run = place.expect(verdict, "schema: sequences behind = 0", [words], scenario(place, "  - sequences behind = 0\n"))
    assert run.code == (PASSED if verdict == "pass" else BAD_BACKUP), str(run)
    if state == "one":
        warned = place.expect("pass", "schema: sequences behind < 1", [words.replace("= 0", "< 1")], scenario(place, "  - warn: sequences behind < 1\n"))
        assert warned.code == PASSED and "WARN" in warned.err


# --- grants -------------------------------------------------------------------------------------------------------

GRANTED = """
do $$ begin
    if to_regrole('reader') is null then create role reader; create role "odd ; name"; end if;
end $$;
grant select on items to reader; grant select (name) on items to "odd ; name"; grant usage on schema audit to reader;
alter default privileges grant select on tables to reader;
"""
# What somebody changes, the verdict, and what is said of it.
REGRANTED = {
    "nothing": ("", "pass", ["4 statements"]),
    "an index": ("drop index items_name", "pass", ["4 statements"]),
    "one gone": ("revoke usage on schema audit from reader", "fail", ["1 gone: - GRANT USAGE ON SCHEMA audit TO reader"]),
    "one more": ('grant delete on items to "odd ; name"', "fail", ['1 new: + GRANT DELETE ON TABLE public.items TO "odd ; name"']),
    "one changed": ("grant insert on items to reader", "fail", ["1 gone, 1 new: - GRANT SELECT ON TABLE public.items TO reader; + GRANT SELECT,INSERT ON TABLE public.items TO reader"]),
    "a default": ("alter default privileges revoke select on tables from reader", "fail", ["1 gone: - ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO reader"]),
    "on the database": ("grant temporary on database {name} to reader", "pass", ["4 statements"]),
}


def with_grants(place, file, warn=""):
    return scenario(place, f"  - {warn}grants same as {file}\n")


def expect_grants(place, verdict, file, words, path, *more):
    """They are read from the backup, so that no server is needed."""
    name = f"schema: grants same as {file}"
    run = place.expect(verdict, name, [] if verdict == "pass" and "WARN" not in words else words, *more, path, "--only", name, environment={"RESTORE_VERIFIER_PGBIN": "/nowhere"})
    assert not [each for each in words if each not in run.err + run.report()[name].text + run.report()[name].output], str(run)
    return run


@pytest.mark.parametrize("change", REGRANTED)
def test_grants(place, server, nights, change):
    sql, verdict, words = REGRANTED[change]
    server.sql(GRANTED, nights.name)
    file = server.dump(nights.name, place.directory / "schema.sql", "--schema-only", "-Fp")
    nights(0, sql.format(name=nights.name))
    expect_grants(place, verdict, file, words, with_grants(place, file))
    if verdict == "fail":
        warned = expect_grants(place, "pass", file, words, with_grants(place, file, "warn: "))
        assert "WARN" in warned.err


def test_grants_of_plain_backups(place, server, nights):
    """They are read as well, and an archive as a reference; where one side has none, that is asked about."""
    server.sql(GRANTED, nights.name)
    file = server.dump(nights.name, place.directory / "schema.dump", "--schema-only")
    plain = server.dump(nights.name, place.directory / "x.sql", "-Fp")
    path = with_grants(place, file)
    expect_grants(place, "pass", file, ["4 statements"], path, "--backup", plain)
    without = server.dump(nights.name, place.directory / "without.sql", "-Fp", "--no-privileges")
    expect_grants(place, "fail", file, ["4 gone: - ALTER DEFAULT PRIVILEGES", "the backup names no rights at all: was it dumped with --no-privileges?"], path, "--backup", without)
    none = place.directory / "none"
    expect_grants(place, "error", none, ["the rights in", "cannot be read"], with_grants(place, none), "--backup", plain)
    data = server.dump(nights.name, place.directory / "data.sql", "-Fp", "--data-only")
    expect_grants(place, "error", data, ["defines nothing, and names no rights", "--schema-only"], with_grants(place, data), "--backup", without)
    run = place.verify("--backup", plain, with_grants(place, file))
    assert run.code == PASSED and f"PASS   schema: grants same as {file}" in run.err, str(run)


# --- migrations -----------------------------------------------------------------------------------

MIGRATIONS = "schema: same as migrations"


def with_migrations(place, migrations, schema="  - same as migrations\n", more=""):
    """A scenario whose migration is a file of SQL; psql reads it."""
    (place.directory / "migrations.sql").write_text(migrations)
    place.give_to(place.user)
    command = [str(BIN / "psql"), "-Xq", "-v", "ON_ERROR_STOP=1", "-f", str(place.directory / "migrations.sql"), "${migration.url}"]
    return scenario(place, schema + f"migration: {{command: {json.dumps(command)}{more}}}\n")


# What the migrations are, given those that the database was made by; the verdict, and what is said.
MIGRATED = {
    "the same": (lambda sql: sql, "pass", []),
    "in another order": (lambda sql: "create schema audit;\n" + sql.replace("create schema audit; ", ""), "pass", []),
    "of an index more": (lambda sql: sql + "create index more on items (price);", "fail", ["compared with the migrations, 1 gone: - INDEX public.more"]),
    "of a table less": (lambda sql: sql.replace("create table audit.log_2024 (x int);", ""), "fail", ["1 new: + TABLE audit.log_2024"]),
    "of another view": (lambda sql: sql.replace("price < 10", "price < 11"), "fail", ["1 changed: ~ VIEW public.cheap"]),
    "that fail": (lambda sql: sql + "create table items ();", "error", ["the migrations cannot be applied to an empty database", 'relation "items" already exists']),
    "that need a superuser": (lambda sql: sql + "create extension pageinspect;", "error", ["permission denied to create extension"]),
    "that do nothing": (lambda sql: "select 1;", "error", ["made nothing of an empty database"]),
}


@pytest.mark.often("the same", "of a table less", "that fail", "that need a superuser")
@pytest.mark.parametrize("name", MIGRATED)
def test_same_as_migrations(place, nights, name):
    change, verdict, words = MIGRATED[name]
    nights(0)
    place.expect(verdict, MIGRATIONS, words, with_migrations(place, change(SQL)))


def test_migrations_are_ignored_and_allowed_as_asked(place, nights):
    nights(0)
    path = with_migrations(place, SQL + "create index more on items (price);", "  - warn: same as migrations\n  - ignore: [INDEX more]\n")
    assert "WARN" not in place.expect("pass", MIGRATIONS, [], path).err
    path = with_migrations(place, SQL + "create index more on items (price);", "  - warn: same as migrations\n")
    assert "WARN" in place.expect("pass", MIGRATIONS, ["1 gone: - INDEX public.more"], path).err
    path = with_migrations(place, SQL + "create extension pageinspect;", "  - warn: same as migrations\n", ", superuser: true")
    place.expect("pass", MIGRATIONS, ["1 gone: - EXTENSION pageinspect"], path)


def test_migrations_that_do_not_end(place, nights):
    nights(0)
    place.expect("error", MIGRATIONS, ["did not end in time on an empty database: raise migration.timeout"],
                 with_migrations(place, SQL + "select pg_sleep(600);", more=", timeout: 2s"))


PROBLEMS = {
    "  - same as migrations\n": "`same as migrations` needs `migration`, whose command makes the schema of an empty database",
    "  - same as migrations\nmigration: {command: [x, '${migration.url}'], tcp: true}\n": "`same as migrations` hands the command a unix socket",
    "  - equal to x\n": "`schema` expects same as dump, same as last verified, same as migrations, same as FILE, grants same as FILE, sequences behind = 0, or ignore: [...], not `equal to x`",
    "  - ignore: [audit.*]\n": "`ignore` expects a kind in capitals and a pattern, such as TABLE audit.*",
    "  - ignore: TABLE x\n": "a list",
    "  - warn: [x]\n": "`schema` expects",
    "  - fail: same as dump\n": "`schema` expects",
    "  - {}\n": "`schema` expects",
    "  - same as dump\n  - same as dump\n": "stands here twice",
}


@pytest.mark.parametrize("schema", PROBLEMS)
def test_what_is_refused(place, schema):
    run = place.run("lint", scenario(place, schema))
    assert run.code == CANNOT_VERIFY and PROBLEMS[schema] in run.err, str(run)
