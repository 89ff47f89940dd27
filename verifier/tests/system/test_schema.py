"""`every object is there`: what is lost from a restored database beside rows, and from a table of contents."""

import hashlib
import json
import os
import re
import subprocess

import pytest

from old_archives import without
from running import FIXTURES, Place, today
from servers import BIN

CHECK = "every object is there"

# One of each kind that pg_dump describes.
EVERY_KIND = """
create extension pg_trgm;
create extension hstore;
create schema app;
create schema empty;
create collation app.german (provider = icu, locale = 'de');
create type app.mood as enum ('good', 'bad');
create type app.pair as (a int, b text);
create type app.span as range (subtype = int);
create type app.shell;
create domain app.short as varchar(10) check (value in ('a', 'b'));
create function app.touch() returns trigger language plpgsql as $f$begin return new; end$f$;
create function app.twice(integer) returns integer language sql immutable as 'select $1 * 2';
create function app.quick(integer) returns integer language sql begin atomic; select ($1 + 1)::bigint::integer; end;
create procedure app.work(x integer) language sql as 'select 1';
create aggregate app.total(integer) (sfunc = int4pl, stype = integer, initcond = '0');
create operator app.<+> (function = app.twice, rightarg = integer);
create operator app.<+> (function = int4pl, leftarg = integer, rightarg = integer);
create operator family app.family using btree;
create operator class app.opclass for type integer using btree as function 1 btint4cmp(integer, integer);
create cast (app.pair as text) with inout;
create conversion app.conversion for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
create text search dictionary app.dictionary (template = simple);
create text search configuration app.configuration (copy = pg_catalog.english);
create foreign data wrapper wrapper;
create server remote foreign data wrapper wrapper;
create user mapping for public server remote options (password 'x');
create foreign table app.far (id int) server remote;
create access method heapish type table handler heap_tableam_handler;
create transform for money language sql (from sql with function prsd_lextype(internal));
create table app.parent (id serial primary key, name varchar(20) default 'x' constraint named check (name in ('a', 'b', 'x')),
    mood app.mood, at timestamptz default '2024-05-01 12:00+02', doubled int generated always as (id * 2) stored);
create table app.child (id int generated always as identity, parent_id int constraint child_parent references app.parent,
    amount numeric(10, 2) default 1.5, note text, size int);
alter table app.child add constraint positive check (amount > 0) not valid;
create unique index child_note on app.child (lower(note)) where note in ('a', 'b');
create table app.parts (id int not null, at timestamptz not null, kind varchar(5)) partition by range (at);
create table app.part_1 partition of app.parts for values from ('2024-01-01 00:00+00') to ('2024-07-01 00:00+02');
create table app.part_2 partition of app.parts for values from ('2024-07-01 00:00+02') to ('2025-01-01 00:00+00');
create index parts_id on app.parts (id);
create statistics app.stats (dependencies) on id, kind from app.parts;
create view app.active as select p.*, c.note from app.parent p join app.child c on c.parent_id = p.id
    where p.name in ('a', 'b') and (p.mood = 'good' or (c.note is null and c.amount > 1::bigint));
create materialized view app.frozen as select count(*) from app.parent;
create unique index frozen_count on app.frozen (count);
create view app.settable as select 1 as one;
create rule ignored as on insert to app.settable do instead nothing;
create trigger touched before update on app.parent for each row when (old.name in ('a', 'b')) execute function app.touch();
create role policy_b; create role policy_a;
create policy mine on app.parent for select to policy_b, policy_a using (name in ('a', 'b'));
alter table app.parent enable row level security;
comment on table app.child is 'children';
comment on column app.child.note is 'a note';
create function app.watch() returns event_trigger language plpgsql as $f$begin end$f$;
create event trigger watched on sql_drop execute function app.watch();
alter event trigger watched disable;
create publication published for table app.child;
create publication all_of_app for tables in schema app;
create sequence app.alone as smallint increment 5;
insert into app.parent(name) select 'a' from generate_series(1, 5);
insert into app.child(parent_id, note) values (1, 'a');
insert into app.parts values (1, '2024-02-01', 'x'), (2, '2024-08-01', 'y');
"""
POLICY_ROLES = ("policy_a", "policy_b")

# What is lost: the statement that loses it, and the words that name it, all of them.
LOST = {
    "index": ("drop index app.child_note", ["index app child_note"]),
    "primary key and what needs it": (
        "alter table app.child drop constraint child_parent; alter table app.parent drop constraint parent_pkey",
        ["constraint app parent parent_pkey", "fk constraint app child child_parent"]),
    "constraint": ("alter table app.child drop constraint positive", ["check constraint app child positive"]),
    "trigger": ("drop trigger touched on app.parent", ["trigger app parent touched"]),
    "view": ("drop view app.active", ["view app active"]),
    "rule": ("drop rule ignored on app.settable", ["rule app settable ignored"]),
    "materialized view": ("drop materialized view app.frozen", ["materialized view app frozen", "index app frozen_count"]),
    "function": ("drop function app.quick", ["function app quick(integer)"]),
    "procedure": ("drop procedure app.work", ["procedure app work(integer)"]),
    "aggregate": ("drop aggregate app.total(integer)", ["aggregate app total(integer)"]),
    "operator of two": ("drop operator app.<+> (none, integer)", ["operator app <+>"]),
    "operator class": ("drop operator class app.opclass using btree", ["operator class app opclass"]),
    "operator family": ("drop operator family app.family using btree", ["operator family app family"]),
    "cast": ("drop cast (app.pair as text)", ["cast cast (app.pair as text)"]),
    "conversion": ("drop conversion app.conversion", ["conversion app conversion"]),
    "dictionary": ("drop text search dictionary app.dictionary", ["text search dictionary app dictionary"]),
    "configuration": ("drop text search configuration app.configuration", ["text search configuration app configuration"]),
    "transform": ("drop transform for money language sql", ["transform"]),
    "foreign table": ("drop foreign table app.far", ["foreign table app far"]),
    "user mapping": ("drop user mapping for public server remote", ["user mapping user mapping public server remote"]),
    "access method": ("drop access method heapish", ["access method heapish"]),
    "type": ("drop type app.span", ["type app span"]),
    "shell type": ("drop type app.shell", ["type app shell"]),
    "domain": ("drop domain app.short", ["domain app short"]),
    "collation": ("drop collation app.german", ["collation app german"]),
    "policy": ("drop policy mine on app.parent", ["policy app parent mine"]),
    "row security": ("alter table app.parent disable row level security", ["row security app parent"]),
    "sequence": ("drop sequence app.alone", ["sequence app alone"]),
    "identity": ("alter table app.child alter id drop identity", ["sequence app child_id_seq"]),
    "default": ("alter table app.parent alter id drop default", ["default app parent id"]),
    "owner of a sequence": ("alter sequence app.parent_id_seq owned by none", ["sequence owned by app parent_id_seq"]),
    "comment": ("comment on table app.child is null", ["comment app table child"]),
    "comment on a column": ("comment on column app.child.note is null", ["comment app column child.note"]),
    "extension": ("drop extension hstore", ["extension hstore"]),
    "schema": ("drop schema empty", ["schema empty"]),
    "event trigger": ("drop event trigger watched", ["event trigger watched"]),
    "statistics": ("drop statistics app.stats", ["statistics app stats"]),
    "table of a publication": ("alter publication published drop table app.child", ["publication table app published child"]),
    "publication": ("drop publication all_of_app", ["publication all_of_app", "publication tables in schema app all_of_app app"]),
    "partition": ("alter table app.parts detach partition app.part_1", ["table attach app part_1", "index attach app part_1_id_idx"]),
}

# What is there, and is another one.
CHANGED = {
    "type of a column": ("alter table app.child alter size type bigint", "table app child"),
    "default of a column": ("alter table app.child alter amount set default 2", "table app child"),
    "check": ("alter table app.parent drop constraint named, add constraint named check (name in ('a', 'x'))", "table app parent"),
    "condition of an index": (
        "drop index app.child_note; create unique index child_note on app.child (lower(note)) where note in ('a', 'c')",
        "index app child_note"),
    "body of a function": ("create or replace function app.twice(integer) returns integer language sql immutable as 'select $1 * 3'", "function app twice(integer)"),
    "roles of a policy": ("alter policy mine on app.parent to policy_a", "policy app parent mine"),
    "value of an enum": ("alter type app.mood add value 'fair'", "type app mood"),
    "one of two operators": (
        "drop operator app.<+> (none, integer); create operator app.<+> (function = int2pl, leftarg = smallint, rightarg = smallint)",
        "operator app <+>"),
    "text of a comment": ("comment on table app.child is 'others'", "comment app table child"),
    "a trigger that is off": ("alter table app.parent disable trigger touched", "trigger app parent touched"),
}


def after_restore(place, sql, program="pg_restore"):
    """Programs with which a restore ends well, and then loses something."""
    for name, content in (("lose.sql", sql), ("lost", "")):
        (place.directory / name).write_text(content)
        (place.directory / name).chmod(0o666)
    return place.stand_in(**{program: """
"$real/$(basename "$0")" "$@" || exit
for argument; do
    if [[ $argument = --dbname=* ]]; then
        "$real/psql" -XAtq -v ON_ERROR_STOP=1 -d "${argument#--dbname=}" -f "$place/lose.sql" >>"$place/lost" 2>&1 || exit 3
    fi
done"""})


def details(run, name="bugspark"):
    case = run.report(name)[CHECK]
    return f"{case.message}\n{case.text}\n{case.output}"


def told(run, what):
    return sorted(re.findall(rf"^{what}: (.*)$", details(run).lower(), re.M))


@pytest.fixture(scope="module")
def every_kind(server, base):
    """A database with one of each, dumped: every.dump, every.sql."""
    directory = base / "every_kind"
    directory.mkdir()
    server.create("every_kind", EVERY_KIND)
    server.dump("every_kind", directory / "every.dump")
    server.dump("every_kind", directory / "every.sql", "-Fp")
    yield directory
    server.drop("every_kind")
    server.sql("".join(f"drop role {role};" for role in POLICY_ROLES))


@pytest.mark.parametrize("ending", ["dump", "sql"])
def test_one_of_each_kind_is_there(place, every_kind, ending):
    backup = place.put(every_kind / f"every.{ending}")
    run = place.verify("--backup", backup, place.scenario())
    case = run.report()[CHECK]
    assert case.verdict == "pass", f"{case}\n{run}"
    assert "missing" not in details(run) and "otherwise" not in details(run)


@pytest.mark.parametrize("ending", ["dump", "sql"])
def test_what_is_lost_is_named(place, every_kind, ending):
    """Each of them by itself, and nothing else."""
    environment = after_restore(place, ";\n".join(sql for sql, _ in LOST.values()) + ";", "pg_restore" if ending == "dump" else "psql")
    run = place.verify("--backup", place.put(every_kind / f"every.{ending}"), place.scenario(), environment=environment)
    case = run.report()[CHECK]
    assert case.verdict == "fail", f"{case}\n{run}\n{(place.directory / 'lost').read_text()}"
    missing = told(run, "missing")
    for name, (_, words) in LOST.items():
        for word in words:
            found = [label for label in missing if label == word or (word == "transform" and label.startswith(word))]
            assert found, f"{name}: `{word}` is not among {missing}"
            missing.remove(found[0])
    # What a lost column of keys takes along, and what an extension or a detached partition does.
    assert missing == [], missing
    assert case.message.startswith(f"{len(told(run, 'missing'))} of ") and case.message.endswith(" more")


@pytest.mark.often("dump")
@pytest.mark.parametrize("ending", ["dump", "sql"])
def test_what_is_another_one_is_named(place, every_kind, ending):
    environment = after_restore(place, ";\n".join(sql for sql, _ in CHANGED.values()) + ";", "pg_restore" if ending == "dump" else "psql")
    run = place.verify("--backup", place.put(every_kind / f"every.{ending}"), place.scenario(), environment=environment)
    assert run.report()[CHECK].verdict == "fail", f"{run}\n{(place.directory / 'lost').read_text()}"
    assert told(run, "defined otherwise") == sorted({label for _, label in CHANGED.values()})
    assert told(run, "missing") == []


@pytest.mark.often("index", "policy")
@pytest.mark.parametrize("name", ["index", "trigger", "policy", "statistics"])
def test_one_lost_object_is_a_failure(place, every_kind, name):
    sql, words = LOST[name]
    place.put(every_kind / "every.dump", "bugspark_%Y%m%d.dump")
    run = place.expect(
        "fail", CHECK, ["1 of ", " objects is not in the restored database: ", words[0]],
        place.scenario(pattern="bugspark_%Y%m%d.dump"), environment=after_restore(place, sql))
    assert "FAIL   bugspark: the backup is bad" in run.err + run.out


def test_what_the_restore_added_is_told(place, every_kind):
    environment = after_restore(place, "create function app.more() returns int language sql as 'select 1'; create schema audit")
    run = place.expect("pass", CHECK, "2 objects are in the restored database that the backup does not name: function app more(), schema audit",
                       "--backup", place.put(every_kind / "every.dump"), place.scenario(), environment=environment)
    assert run.report()[CHECK].output


def test_the_untouched_fixture_has_all(place, good):
    place.put(good.gz, "bugspark_%Y%m%d.dump.gz")
    run = place.verify(place.scenario())
    assert run.report()[CHECK].verdict == "pass" and run.code == 0, run
    assert re.search(f"PASS   {CHECK} +[0-9]+ objects\n", run.err), run


# What restores of the shape that users have can lose: (what happens to it, the name that is told).
LOST_OF_FIXTURE = {
    "trigram index": ("drop index ix_reports_title_trgm", "missing: index public ix_reports_title_trgm"),
    "partial index": ("drop index ix_background_tasks_pending", "missing: index public ix_background_tasks_pending"),
    "foreign key": ("alter table projects drop constraint projects_owner_id_fkey", "missing: fk constraint public projects projects_owner_id_fkey"),
    "unique": ("alter table project_members drop constraint uq_project_members_project_email", "missing: constraint public project_members uq_project_members_project_email"),
    "check": ("alter table app_settings drop constraint ck_app_settings_one_row", "defined otherwise: table public app_settings"),
    "not null": ("alter table users alter email drop not null", "defined otherwise: table public users"),
    "default": ("alter table project_members alter role drop default", "defined otherwise: table public project_members"),
    "enum": ("alter type status_enum add value 'lost'", "defined otherwise: type public status_enum"),
}


@pytest.mark.often("trigram index", "foreign key", "not null")
@pytest.mark.parametrize("name", LOST_OF_FIXTURE)
def test_what_a_restore_of_the_fixture_loses_is_named(place, good, name):
    sql, words = LOST_OF_FIXTURE[name]
    place.put(good.gz, "bugspark_%Y%m%d.dump.gz")
    place.expect("fail", CHECK, words, place.scenario(), environment=after_restore(place, f"set search_path = public; {sql}"))


# Of archives by older versions of pg_dump kinds and names are known.
LOST_OF_CORPUS = {
    "001_chinook.dump": ("alter table track drop constraint fk_track_album_id", "missing: fk constraint public track fk_track_album_id"),
    "002_northwind.dump": ("alter table region drop constraint pk_region", "missing: constraint public region pk_region"),
    "008_northwind.tar": ("alter table orders drop constraint fk_orders_shippers", "missing: fk constraint public orders fk_orders_shippers"),
    "011_exercises.tar": ("alter table cd.bookings drop constraint fk_bookings_memid", "missing: fk constraint cd fk_bookings_memid"),
    "031_employees.dump": ("alter table employees drop constraint employees_pkey", "missing: constraint public employees employees_pkey"),
    "057_disney_psql.sql": ("drop table voice_actor", "missing: table public voice_actor"),
}


@pytest.mark.often("008_northwind.tar", "057_disney_psql.sql")
@pytest.mark.parametrize("name", LOST_OF_CORPUS)
def test_what_a_restore_of_an_old_archive_loses_is_named(place, name):
    sql, words = LOST_OF_CORPUS[name]
    environment = after_restore(place, f"set search_path = public; {sql}", "psql" if name.endswith(".sql") else "pg_restore")
    run = place.verify("--backup", place.put(FIXTURES / "archives/corpus" / name), place.scenario(), environment=environment)
    assert run.report()[CHECK].verdict == "fail" and words in details(run).lower(), f"{details(run)}\n{run}\n{(place.directory / 'lost').read_text()}"


def verify_json(place, *arguments, **options):
    """The check, with the details that reports of a plain pass leave out."""
    run = place.run("verify", "--reports", place.reports, "--format", "json", *arguments, **options)
    (scenario,) = json.loads(run.out)["scenarios"]
    return run, next(check for check in scenario["checks"] if check["name"] == CHECK)


def test_what_is_left_out_is_counted(place, every_kind):
    body = "restore:\n  exclude: [SCHEMA empty, VIEW app active, TABLE app child]\n"
    run, case = verify_json(place, "--backup", place.put(every_kind / "every.dump"), place.scenario(body))
    assert run.code == 0 and case["message"] == "58 objects", case
    (line,) = [line for line in case["details"].split("\n") if line.startswith("not compared, on purpose: ")]
    assert re.search(r"[0-9]+ data, which .*; 3 settings of the session; 1 the database itself; 2 comments on extensions; [0-9]+ what restore.exclude leaves out$", line), line


def test_another_time_zone_and_quotes_of_the_dump_change_nothing(place, server, every_kind):
    """Nor does another minor version, say of somebody's Docker image: what it prints otherwise says the same."""
    backup = place.backups / "other.dump"
    subprocess.run(
        [BIN / "pg_dump", "-Fc", "--quote-all-identifiers", "--disable-dollar-quoting", "-f", backup, server.url("every_kind")],
        check=True, env={**os.environ, "PGTZ": "Asia/Kathmandu"})
    backup.chmod(0o644)
    run, case = verify_json(place, "--backup", backup, place.scenario())
    assert run.code == 0 and case["verdict"] == "pass", case
    assert "definitions say the same in another text" in case["details"]


OTHERWISE_WRITTEN = """
create table docs (i int primary key, body text, code text default 'a\\b' check (code ~ '^\\w\\\\b$'),
                   words tsvector generated always as (to_tsvector('english', coalesce(body, ''))) stored)
    with (fillfactor = 70, toast.autovacuum_enabled = off);
create index on docs using gin (to_tsvector('simple', body)) with (fastupdate = off);
create view seen with (security_barrier = true) as select i from docs;
create function named(a regclass default 'docs', b regtype default 'integer', c regproc default 'now') returns int language sql as 'select 1';
insert into docs (i, body) values (1, 'a b');
"""


@pytest.mark.parametrize("form", ["-Fc", "-Fp"])
@pytest.mark.parametrize("way", ["--quote-all-identifiers", "standard_conforming_strings=off"])
def test_what_the_dump_writes_otherwise_says_the_same(place, server, database, way, form):
    name = database(OTHERWISE_WRITTEN)
    options = [way] if way.startswith("--") else []
    environment = {} if options else {"PGOPTIONS": f"-c {way}"}
    backup = place.backups / "other.dump"
    subprocess.run([BIN / "pg_dump", form, *options, "-f", backup, server.url(name)], check=True, env={**os.environ, **environment})
    backup.chmod(0o644)
    run, case = verify_json(place, "--backup", backup, place.scenario())
    assert run.code == 0 and case["verdict"] == "pass", case


UNSOUND = {
    "not valid": (
        "create table t (a int); insert into t values (-1); alter table t add constraint positive check (a > 0) not valid;",
        "as in the source, the constraint public.t positive was never validated (NOT VALID)"),
    "foreign key": (
        "create table t (a int primary key); create table u (a int); insert into u values (1); "
        "alter table u add constraint known foreign key (a) references t not valid",
        "as in the source, the foreign key public.u known was never validated (NOT VALID)"),
    "domain": (
        "create domain d as int; create table t (a d); insert into t values (-1); alter domain d add constraint positive check (value > 0) not valid",
        "the constraint public.d positive was never validated"),
    "index without its partitions": (
        "create table t (a int) partition by list (a); create table u partition of t for values in (1); insert into t values (1); "
        "create index i on only t (a)",
        "as in the source, the index public.i is not valid"),
    "serial without its default": (
        "create table t (a serial); insert into t values (1); alter table t alter a drop default",
        "as in the source, the column public.t.a takes no values any more from its sequence public.t_a_seq"),
    "serial without its sequence": (
        "create table t (a serial); insert into t default values; alter sequence t_a_seq owned by none",
        "as in the source, the column public.t.a takes its values from the sequence public.t_a_seq, which does not belong to it any more (OWNED BY)"),
}

# Sequences that are shared, or called by the application.
TIED = """create table a (id serial, other int generated always as identity, nothing int); create table b (id int default nextval('a_id_seq'));
create sequence c_id_seq owned by a.nothing; create sequence free; create table d (id int default nextval('free')); create table e () inherits (a);
insert into a default values"""


def test_sequences_that_are_tied(place, server, database):
    backup = server.dump(database(TIED), place.backups / "tied.dump")
    backup.chmod(0o644)
    run = place.expect("pass", CHECK, ["objects"], "--backup", backup, place.scenario())
    assert f"PASS   {CHECK}" in run.err, str(run)


@pytest.mark.often("not valid", "foreign key", "serial without its default")
@pytest.mark.parametrize("name", UNSOUND)
def test_what_is_unsound_stays_so_and_is_told(place, server, database, name):
    sql, words = UNSOUND[name]
    backup = server.dump(database(sql), place.backups / "unsound.dump")
    backup.chmod(0o644)
    run = place.expect("pass", CHECK, words, "--backup", backup, place.scenario())
    assert f"WARN   {CHECK}" in run.err


def test_names_of_two_lines(place, server, database):
    """The comments of plain SQL have them on one, with a blank between."""
    name = database('create schema "s\np"; create table "s\np"."new\nline" (a int primary key); create index "i\r\nx" on "s\np"."new\nline" (a)')
    server.sql('insert into "s\np"."new\nline" values (1)', name)
    dump = server.dump(name, place.backups / "lines.sql", "-Fp")
    dump.chmod(0o644)
    place.expect("pass", CHECK, ["objects"], "--backup", dump, place.scenario())
    lost = after_restore(place, 'drop index "s\np"."i\r\nx";', "psql")
    place.expect("fail", CHECK, ["1 of"], "--backup", dump, place.scenario(), environment=lost)


def test_names_in_another_encoding(place, server):
    server.sql("create database latin_names template template0 encoding 'LATIN1' locale 'C'")
    try:
        server.sql("set client_encoding = 'UTF8'; create table \"Größe\" (a int); insert into \"Größe\" values (1); "
                   "create index \"über\" on \"Größe\" (a)", "latin_names")
        backup = server.dump("latin_names", place.backups / "latin.dump")
        backup.chmod(0o644)
        place.expect("pass", CHECK, [], "--backup", backup, place.scenario())
    finally:
        server.drop("latin_names")


def test_of_another_version_only_names_are_compared(place, base):
    archive = FIXTURES / "archives/older/13.alone.dump"
    run, case = verify_json(place, "--backup", archive, place.scenario())
    assert run.code == 0 and "only kinds and names were compared" in case["details"] and "dumped by pg_dump 13.16" in case["details"]
    environment = after_restore(place, "drop schema public cascade; create schema public")
    place.expect("fail", CHECK, "not in the restored database: ", "--backup", archive, place.scenario(backups="may_be_empty: true"),
                 environment=environment)


def test_plain_sql_without_comments(place, server, every_kind):
    """Kinds and names come from the statements; what is of no known statement is counted."""
    names = "{part}_%F.sql"
    for part, option in {"schema": "--schema-only", "data": "--data-only"}.items():
        name = today(names.format(part=part))
        dump = server.dump("every_kind", place.backups / f"{part}.raw", "-Fp", option).read_text()
        lines = [line for line in dump.split("\n") if not line.startswith("--")]
        (place.backups / name).write_text("\n".join(lines) + "\nRESET ALL;\n")
        (place.backups / name).chmod(0o644)
        (place.backups / f"{part}.raw").unlink()
    scenario = place.scenario(pattern="{schema: schema_%F.sql, data: data_%F.sql}")
    run, case = verify_json(place, scenario)
    assert run.code == 0 and case["verdict"] == "pass", case
    assert re.search("^[0-9]+ objects; as in the source, the constraint app.child positive was never", case["message"]) and "statements were not compared: nothing tells" in case["details"], case
    lost = ";".join(LOST[name][0] for name in ("index", "trigger", "policy", "view", "function"))
    environment = after_restore(place, re.sub(r"drop (\w+)", r"drop \1 if exists", lost), "psql")  # after each file
    run = place.verify(scenario, environment=environment)
    assert told(run, "missing") == ["function app quick(", "index app child_note", "policy app parent mine", "trigger app parent touched", "view app active"]


def test_without_pg_dump_nothing_is_known(place, good):
    place.put(good.gz)
    environment = place.stand_in(pg_dump='if [[ $1 = --version ]]; then exec "$real/pg_dump" --version; fi; echo "pg_dump: error: permission denied for table x" >&2; exit 1')
    place.expect("error", CHECK, ["the objects of the restored database cannot be listed: pg_dump exited with code 1: permission denied for table x"],
                 place.scenario(), environment=environment)
    environment = place.stand_in(pg_dump='if [[ $1 = --version ]]; then exec "$real/pg_dump" --version; fi; echo nonsense')
    place.expect("error", CHECK, "what pg_dump writes of it cannot be read", place.scenario(), environment=environment)


def test_a_large_schema_of_a_backup_costs_no_memory(place, good):
    """pg_dump is stopped where it writes more than any backup's table of contents may have."""
    place.put(good.gz)
    environment = place.stand_in(pg_dump='if [[ $1 = --version ]]; then exec "$real/pg_dump" --version; fi; exec head -c 200000000 /dev/zero')
    place.expect("error", CHECK, "cannot be listed", place.scenario(), environment=environment)


# --- what the dump knew ---------------------------------------------------------------------------

# Entries that a table of contents can lose, and nothing that is restored tells it.
TORN = {
    "index": (b"INDEX", b"child_note"),
    "foreign key": (b"FK CONSTRAINT", b"child child_parent"),
    "trigger": (b"TRIGGER", b"parent touched"),
    "view": (b"VIEW", b"active"),
    "function": (b"FUNCTION", b"quick(integer)"),
    "policy": (b"POLICY", b"parent mine"),
    "row security": (b"ROW SECURITY", b"parent"),
    "owner of a sequence": (b"SEQUENCE OWNED BY", b"parent_id_seq"),
    "default": (b"DEFAULT", b"parent id"),
    "comment": (b"COMMENT", b"TABLE child"),
    "statistics": (b"STATISTICS", b"stats"),
    "event trigger": (b"EVENT TRIGGER", b"watched"),
    "publication": (b"PUBLICATION TABLE", b"published child"),
    "partition": (b"TABLE ATTACH", b"part_2"),
}


@pytest.fixture(scope="module")
def dumped(every_kind, server, base):
    """What `dump` makes of it, and its manifest: {name: content}."""
    made = {}
    for ending in ("dump.gz", "dump.zst", "dump"):
        place = Place(base / f"every-{ending}")
        scenario = place.scenario(f"source:\n  database: {server.url('every_kind')!r}\n", pattern=f"every_%Y%m%d.{ending}")
        run = place.run("dump", scenario)
        assert run.code == 0, run
        made[ending] = ((place.backups / today(f"every_%Y%m%d.{ending}")).read_bytes(),
                        json.loads((place.backups / today(f"every_%Y%m%d.{ending}.manifest.json")).read_text()))
    return made


def put_with_manifest(place, content, manifest, agree):
    name = today("every_%Y%m%d.dump")
    (place.backups / name).write_bytes(content)
    manifest = manifest | {"backup": name}
    if agree:
        manifest |= {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (place.backups / f"{name}.manifest.json").write_text(json.dumps(manifest))
    return place.scenario(pattern="every_%Y%m%d.dump")


def test_a_manifest_tells_the_kinds(dumped):
    """However the archive is compressed, and whether pg_dump writes into a file or a pipe."""
    kinds = [made[1]["schema"] for made in dumped.values()]
    assert kinds[0] == kinds[1] == kinds[2]
    assert kinds[0]["EVENT TRIGGER"]["count"] == 1 and kinds[0]["TABLE"]["count"] == 5
    assert all(re.fullmatch("[0-9a-f]{64}", kind["sha256"]) for kind in kinds[0].values())


@pytest.mark.parametrize("name", TORN)
def test_an_entry_lost_from_the_contents_is_told(place, dumped, name):
    content, manifest = dumped["dump"]
    kind, tag = TORN[name]
    count = manifest["schema"][kind.decode()]["count"]
    words = f"its table of contents has {count - 1} of the kind {kind.decode()}, manifest of its dump {count}: what was dumped is no longer in it"
    scenario = put_with_manifest(place, without(content, kind, tag), manifest, agree=True)
    place.expect("fail", "backup is intact", words, scenario, "--only", "backup is intact")


def test_a_lost_entry_of_another_file_is_told_as_well(place, dumped):
    content, manifest = dumped["dump"]
    scenario = put_with_manifest(place, without(content, b"INDEX", b"child_note"), manifest, agree=False)
    place.expect("fail", "backup is intact", ["the file is not the one that dump wrote", "of the kind INDEX, manifest of its dump"],
                 scenario, "--only", "backup is intact")


def test_another_definition_in_the_contents_is_told(place, dumped):
    content, manifest = dumped["dump"]
    assert content.count(b"lower(note)") == 1
    scenario = put_with_manifest(place, content.replace(b"lower(note)", b"upper(note)"), manifest, agree=True)
    place.expect("fail", "backup is intact", "other objects of the kind INDEX than the manifest of its dump says, as many (",
                 scenario, "--only", "backup is intact")


def test_a_manifest_from_before_says_nothing_of_kinds(place, dumped):
    content, manifest = dumped["dump"]
    old = {key: value for key, value in manifest.items() if key != "schema"}
    place.expect("pass", "backup is intact", [], put_with_manifest(place, content, old, agree=False), "--only", "backup is intact")


@pytest.mark.parametrize("damage", [7, {"INDEX": 3}, {"INDEX": {"count": -1, "sha256": "0" * 64}}, {"INDEX": {"count": 1, "sha256": "x"}}])
def test_a_damaged_manifest_is_told(place, dumped, damage):
    content, manifest = dumped["dump"]
    scenario = put_with_manifest(place, content, manifest | {"schema": damage}, agree=False)
    place.expect("fail", "backup is intact", "manifest.json is damaged", scenario, "--only", "backup is intact")


def test_the_record_keeps_the_kinds(place, dumped):
    content, manifest = dumped["dump"]
    run = place.verify(put_with_manifest(place, content, manifest, agree=False))
    assert run.code == 0, run
    record = json.loads((place.backups / today("every_%Y%m%d.dump.verified.json")).read_text())
    assert record["schema"] == manifest["schema"]
