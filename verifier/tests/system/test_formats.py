"""Proves that good backups are green whatever their format and whatever features of PostgreSQL they use,
and that real archives, written by other people's pg_dump, restore or say what they need."""

import gzip
import re
import shutil
import subprocess
import tarfile

import pytest

import servers
from running import BAD_BACKUP, CANNOT_VERIFY, FIXTURES, PASSED, today

ROWS, RESTORES, INTACT = "every table has its rows", "backup restores", "backup is intact"
SCENARIO = "tables:\n  users:\n    - row_count = 25\n  reports:\n    - row_count = 100\n"


def as_gzip(source, target):
    target.write_bytes(gzip.compress(source.read_bytes()))
    return target


def as_tar_gz(source, target):
    with tarfile.open(target, "w:gz") as archive:
        archive.add(source, arcname=source.name)
    return target


def compressed_by(program):
    def compress(source, target):
        with open(target, "wb") as out:
            subprocess.run([program, "-c", "-q", source], stdout=out, check=True)
        return target

    return compress


@pytest.mark.often("-Fc-x.dump.gz-as_gzip", "-Fc --rows-per-insert=7", "-Ft-x.tar-None", "-Fd -j2", "-Fp-x.sql.gz", "-Fc --clean --create")
@pytest.mark.parametrize(
    "options, name, pack",
    [
        (["-Fc"], "x.dump", None),
        (["-Fc"], "x.dump.gz", as_gzip),
        (["-Fc"], "x.dump.zst", compressed_by("zstd")),
        (["-Fc", "-Z0"], "x.dump", None),
        (["-Fc", "-Z9", "--inserts"], "x.dump", None),
        (["-Fc", "--rows-per-insert=7"], "x.dump", None),
        (["-Fc", "--column-inserts"], "x.dump.gz", as_gzip),
        (["-Ft"], "x.tar", None),
        (["-Ft"], "x.tar.gz", as_gzip),
        (["-Fd"], "x.dir", None),
        (["-Fd", "-Z0"], "x.dir", None),
        (["-Fd", "-j2"], "x.dir.tar.gz", as_tar_gz),
        (["-Fp"], "x.sql", None),
        (["-Fp"], "x.sql.gz", as_gzip),
        (["-Fp", "--inserts"], "x.sql", None),
        (["-Fp", "--clean", "--if-exists"], "x.sql", None),
        (["-Fc", "--no-owner", "--no-privileges"], "x.dump", None),
        (["-Fc", "--clean", "--create"], "x.dump", None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_every_format(place, server, options, name, pack):
    made = place.directory / ("made.dir" if "-Fd" in options else "made")
    server.dump("bugspark", made, *options)
    backup = pack(made, place.directory / name) if pack else made
    if pack is None:
        backup = made.rename(place.directory / name)
    run = place.verify("--backup", backup, place.scenario(SCENARIO))
    assert run.code == PASSED, str(run)
    report = run.report()
    assert set(report.verdicts().values()) == {"pass"} and len(report.cases) == 7
    assert report.properties["restored.rows"] == "398"


def test_a_custom_archive_through_standard_output(place, server):
    """pg_dump since 16 opens its standard output for appending, as `>>` does here for all versions: then
    the table of contents that should take the place of the first one comes to stand behind the data."""
    backup = place.directory / "x.dump"
    with open(backup, "ab") as out:
        subprocess.run([servers.BIN / "pg_dump", "-Fc", server.url("bugspark")], stdout=out, check=True)
    assert backup.stat().st_size > server.dump("bugspark", place.directory / "once").stat().st_size
    run = place.verify("--backup", backup, place.scenario("restore:\n  contents: true\n" + SCENARIO))
    assert run.code == PASSED, str(run)
    with open(backup, "ab") as out:
        out.truncate(backup.stat().st_size - 1)
    place.expect("fail", INTACT, "second table of contents", "--backup", backup, place.scenario(""))


def test_a_compression_that_is_not_read(place, good):
    backup = compressed_by("lz4")(good.dump, place.directory / "x.dump.lz4")
    place.expect("error", INTACT, ["lz4", "unpack it first"], "--backup", backup, place.scenario(SCENARIO))


def test_an_archive_of_one_schema(place, server):
    """pg_restore says that `public` exists already, and exits 1: that is harmless."""
    server.dump("bugspark", place.directory / "public.dump", "-Fc", "-n", "public")
    run = place.verify("--backup", place.directory / "public.dump", place.scenario("", pattern="x_%Y%m%d.dump"))
    # pg_trgm belongs to no schema's dump, so its indexes cannot be made: that is the backup's fault.
    assert run.code == BAD_BACKUP, str(run)
    assert "gin_trgm_ops" in run.report()[RESTORES].text


FEATURES = {
    "policies":
        "create role seer;"
        "create table t (x int); insert into t values (1), (2); alter table t enable row level security;"
        "alter table t force row level security; create policy p on t to seer using (x > 1)",
    "large objects": "create table t (x oid); insert into t values (7); select lo_from_bytea(0, 'abc'), lo_from_bytea(0, decode(repeat('00ff', 100000), 'hex'))",
    "partitions":
        "create table t (x int, y text) partition by range (x); create table t1 partition of t for values from (0) to (10);"
        "create table t2 partition of t for values from (10) to (20) partition by list (y); create table t2a partition of t2 for values in ('a');"
        "create table t2d partition of t2 default; insert into t select n, case when n % 2 = 0 then 'a' else 'b' end from generate_series(0, 19) n",
    "inheritance": "create table t (x int); create table u () inherits (t); insert into t values (1); insert into u values (2), (3)",
    "materialized view": "create table t (x int); insert into t values (1), (2); create materialized view m as select * from t; create unique index on m (x)",
    "generated columns": "create table t (x int, y int generated always as (x * 2) stored, z int generated always as identity); insert into t (x) values (1), (2)",
    "domains and types": "create domain d as int check (value > 0); create type c as (a int, b d); create table t (x c, r int4range); insert into t values ((1, 2), '[1,5)')",
    "unlogged and empty": "create unlogged table t (x int); insert into t values (1); create table e ()",
    "triggers and rules":
        "create table t (x int); create table log (x int); insert into t values (1);"
        "create function f() returns trigger language plpgsql as 'begin insert into log values (new.x); return new; end';"
        "create trigger g after insert on t for each row execute function f(); create rule r as on delete to t do also select 1",
    "sequences": "create table t (x serial, y bigserial); insert into t default values; create sequence s start 100; select setval('s', 4711)",
    "quotes": 'create schema "a.b"; create table "a.b"."c""d" ("e f" text); insert into "a.b"."c""d" values (E\'a\\tb\\nc\\\\d\'), (null), (\'\'), (\'\\N\'), (\'\\.\')',
    "extensions with data": "create extension hstore; create extension citext; create extension unaccent; create table t (x hstore, y citext); insert into t values ('a=>1', 'B')",
    "comments and grants": "create table t as select 1 as x; comment on table t is 'it''s -- a; comment'; grant select on t to public; comment on schema public is 'mine'",
    "text search": "create text search dictionary d (template = simple); create text search configuration c (copy = simple); create table t (x tsvector); insert into t values ('a b')",
    "many tables": "do $$ begin for n in 1..300 loop execute format('create table t%s (x int primary key)', n); execute format('insert into t%s select generate_series(1, %s)', n, n); end loop; end $$",
}
# Which only a superuser restores.
FEATURES_OF_SUPERUSERS = {
    "event trigger":
        "create table t (x int); insert into t values (1); create function f() returns event_trigger language plpgsql as "
        "'begin end'; create event trigger e on ddl_command_start execute function f()",
    "foreign data": "create extension postgres_fdw; create server s foreign data wrapper postgres_fdw; create foreign table f (x int) server s; create table t as select 1 as x",
    "publication": "create table t as select 1 as x; create publication p for table t; create publication a for all tables",
}


@pytest.mark.parametrize("features, who", [(FEATURES, "without special rights"), (FEATURES_OF_SUPERUSERS, "superuser")], ids=["of all", "of superusers"])
def test_features(place, server, database, features, who):
    server.dump(database(servers.together(features)), place.directory / "x.dump", "-Fc")
    policies = "tables:\n  policies.t:\n    - row_count = 2\n" if "policies" in features else ""
    run = place.verify("--backup", place.directory / "x.dump", place.scenario(policies))
    assert run.code == PASSED, str(run)
    assert who in run.report().properties["server.restored_as"]


def test_a_dump_of_the_schema_public(place, server, database):
    server.dump(database("create table t (x int); insert into t values (1)"), place.directory / "x.dump", "-Fc", "-n", "public")
    assert place.verify("--backup", place.directory / "x.dump", place.scenario()).code == PASSED


# (the first version that has it, SQL)
NEWER_FEATURES = {
    "a trigger on login that writes": (17,
        "create table log (who text); create table t (x int); insert into t values (1); create function f() returns event_trigger language plpgsql as "
        "'begin insert into public.log values (session_user); end'; create event trigger e on login execute function f()"),
    "a trigger on login that lets in pg_dump only": (17,
        "create table t (x int); insert into t values (1); create function f() returns event_trigger language plpgsql as "
        "'begin if current_setting(''application_name'') !~ ''^p(g_dump|sql)'' then raise exception ''no''; end if; end'; create event trigger e on login execute function f()"),
    "builtin collations": (17, "create collation c (provider = builtin, locale = 'C.UTF-8'); create table t (x text collate c primary key); insert into t values ('b'), ('B'), ('ä')"),
    "the right to maintain": (17, "create table t (x int); insert into t values (1); grant maintain on t to pg_read_all_data"),
    "identity of a partitioned table": (17,
        "create table t (x bigint generated always as identity, y int) partition by range (y); create table t1 partition of t for values from (0) to (10);"
        "insert into t (y) values (1), (2)"),
    "virtual columns": (18, "create table t (x int, y int generated always as (x * 2) virtual, z int generated always as (x * 3) stored); insert into t (x) values (1), (2)"),
    "keys over time": (18,
        "create table t (x int4range, during daterange, primary key (x, during without overlaps)); insert into t values ('[1,2)', '[2026-01-01,2026-02-01)');"
        "create table u (x int4range, during daterange, foreign key (x, period during) references t (x, period during)); insert into u values ('[1,2)', '[2026-01-05,2026-01-06)')"),
    "constraints that do not hold": (18,
        "create table t (x int, y int); insert into t values (null, -1); alter table t add constraint n not null x not valid; alter table t add constraint c check (y > 0) not enforced"),
}


@pytest.mark.parametrize("feature", NEWER_FEATURES)
def test_newer_features(place, server, database, feature):
    since, sql = NEWER_FEATURES[feature]
    if servers.MAJOR < since:
        pytest.skip(f"needs PostgreSQL {since}, and the newest here is {servers.MAJOR}: name another one in RESTORE_VERIFIER_PGBIN")
    name = database(sql)
    for options in (["-Fc"], ["-Fp"]):
        backup = server.dump(name, place.directory / "x", *options)
        run = place.verify("--backup", backup, place.scenario("restore:\n  contents: true\n"))
        assert run.code == PASSED, str(run)


@pytest.mark.skipif(servers.MAJOR > 16, reason="since 17 the server itself makes such an index with an empty search_path, and refuses it")
def test_an_empty_search_path_breaks_functions(place, server, database):
    """A real failure that users want to know about: a function used in an index that finds its table
    only by search_path."""
    name = database(
        "create table words (w text); insert into words values ('a');"
        "create function f(text) returns bool immutable language plpgsql as 'begin return exists (select from words where w = $1); end';"
        "create table t (x text); insert into t values ('a'); create index on t (f(x))"
    )
    server.dump(name, place.directory / "x.dump")
    run = place.expect("fail", RESTORES, ['relation "words" does not exist'], "--backup", place.directory / "x.dump", place.scenario(""))
    assert run.report()[INTACT].verdict == "pass"


# --- extensions -----------------------------------------------------------------------------------------


@pytest.fixture
def with_unknown_extension(place, server, database):
    """An uncompressed archive in which pg_trgm has become pg_trgx, which nobody has installed."""
    name = database("create extension pg_trgm; create table t (x text); insert into t values ('a')")
    content = server.dump(name, place.directory / "x.dump", "-Z0").read_bytes()
    (place.directory / "x.dump").write_bytes(content.replace(b"pg_trgm", b"pg_trgx"))
    return place.directory / "x.dump"


def test_a_missing_extension(place, with_unknown_extension):
    run = place.expect("error", RESTORES, ["extension pg_trgx", "not installed", "restore.exclude", "EXTENSION pg_trgx"],
                       "--backup", with_unknown_extension, place.scenario(""))
    assert run.report()[INTACT].verdict == "pass"
    assert run.code == CANNOT_VERIFY


@pytest.mark.often("-options0")
@pytest.mark.parametrize(
    "sql, options, words",
    [
        ("", [], "holds no table at all"),
        ("create table t (x int); insert into t values (1)", ["--schema-only"], "--schema-only"),
        ("create table t (x int); insert into t values (1)", ["-Fp", "--schema-only"], "--schema-only"),
    ],
)
def test_a_backup_of_nothing_is_bad(place, server, database, sql, options, words):
    backup = server.dump(database(sql), place.directory / "x.dump", *options)
    place.expect("fail", ROWS, [words], "--backup", backup, place.scenario(""))


@pytest.mark.parametrize("options", [["--clean"], ["--clean", "--create"]], ids=" ".join)
def test_a_plain_dump_that_drops_first(place, server, database, options):
    """psql without ON_ERROR_STOP restores it, so it is not called bad."""
    backup = server.dump(database("create table t (x int primary key)"), place.directory / "x.sql", "-Fp", *options)
    run = place.expect("error", RESTORES, ["--clean", "--if-exists", "does not exist"], "--backup", backup, place.scenario(""))
    assert run.report()[ROWS].verdict == "skip"


def test_a_whole_cluster_that_drops_first(place, server):
    """It drops the database postgres as well."""
    backup = place.directory / "all.sql"
    others = [f'--exclude-database="{name}"' for name in server.databases() - {"postgres", "bugspark"}]  # of other tests
    command = [servers.BIN / "pg_dumpall", "--clean", "--if-exists", *others, "-d", server.url(), "-f", backup]
    subprocess.run(command, check=True, capture_output=True)
    assert "\nDROP DATABASE postgres;" in backup.read_text()
    run = place.verify("--backup", backup, place.scenario(SCENARIO))
    assert run.code == PASSED, str(run)


@pytest.mark.skipif(servers.MAJOR < 16, reason="needs PostgreSQL 16: since then pg_dumpall says who granted a role")
def test_a_whole_cluster_that_grants_roles(place, server):
    server.sql('create role granted; create role " GRANTED BY you;"; grant granted to " GRANTED BY you;"; create role taker; grant " GRANTED BY you;" to taker')
    backup = place.directory / "all.sql"
    command = [servers.BIN / "pg_dumpall", "--exclude-database=test*", "-d", server.url(), "-f", backup]
    subprocess.run(command, check=True, capture_output=True)
    before = backup.read_bytes()
    assert before.count(b" GRANTED BY postgres;") == 2
    run = place.verify("--backup", backup, place.scenario(SCENARIO))
    assert run.code == PASSED, str(run)
    assert backup.read_bytes() == before


def test_a_missing_extension_that_is_excluded(place, with_unknown_extension):
    body = "restore:\n  exclude:\n    - EXTENSION pg_trgx\n"
    run = place.verify("--backup", with_unknown_extension, place.scenario(body))
    assert run.code == PASSED, str(run)
    assert run.report().properties["restore.left_out_entries"] == "2"  # it and its comment
    assert "left out on request" in run.err


def test_plain_sql_is_restored_whole(place, server, database):
    """Nothing can be left out of it, and nobody is advised to."""
    backup = server.dump(database("create extension pg_trgm; create table t (x text); insert into t values ('a')"), place.directory / "x.sql", "-Fp")
    scenario = place.scenario("restore:\n  exclude:\n    - EXTENSION pg_trgm\n    - EXTENSION pg_trgx\n")
    run = place.expect("pass", RESTORES, "leaves nothing out of plain SQL", "--backup", backup, scenario)
    backup.write_text(backup.read_text().replace("pg_trgm", "pg_trgx"))
    run = place.expect("error", RESTORES, ["extension pg_trgx", "dump in custom format"], "--backup", backup, scenario)
    assert "under restore.exclude" not in run.report()[RESTORES].text


def test_all_missing_extensions_are_named(place, server, database):
    """At once, and with their packages where these are known, so that one installation does."""
    name = database("create extension hstore; create extension citext; create extension pg_trgm; create extension seg; create table t (x int)")
    content = server.dump(name, place.directory / "x.dump", "-Z0").read_bytes()
    for real, missing in ((b"hstore", b"vector"), (b"citext", b"hypopg"), (b"pg_trgm", b"pg_trgx")):
        content = content.replace(real, missing)
    (place.directory / "x.dump").write_bytes(content)
    run = place.expect("error", RESTORES, [f"vector (package postgresql-{servers.MAJOR}-pgvector)", f"hypopg (package postgresql-{servers.MAJOR}-hypopg)",
                                           "pg_trgx", "are not installed"], "--backup", place.directory / "x.dump", place.scenario(""))
    assert "seg" not in run.report()[RESTORES].text
    body = "restore:\n  exclude:\n    - EXTENSION vector\n    - EXTENSION pg_trgx\n"
    run = place.expect("error", RESTORES, ["extension hypopg", "is not installed"], "--backup", place.directory / "x.dump", place.scenario(body))
    assert "vector" not in run.report()[RESTORES].message


@pytest.mark.parametrize(
    "entry, verdict, words",
    [
        ("TABLE public comments", "pass", ["6 archive entries were left out"]),  # with its data, keys and indexes
        ("EXTENSION pg_trgmm", "pass", ["does not have", "pg_trgmm"]),
        ("INDEX public {index}", "pass", ["1 archive entry was left out"]),
    ],
)
def test_exclude(place, good, server, entry, verdict, words):
    place.put(good.gz)
    if entry.startswith("INDEX"):
        index = server.sql("select indexname from pg_indexes where indexdef like '%gin_trgm_ops%' limit 1", "bugspark")
        entry = entry.format(index=index)
    run = place.verify(place.scenario(f"restore:\n  exclude:\n    - {entry}\n"))
    case = run.report()[RESTORES]
    assert case.verdict == verdict, str(run)
    for word in words:
        assert word in case.message + case.output + run.err, str(run)


# --- archives from elsewhere ----------------------------------------------------------------------------


def corpus():
    lines = (FIXTURES / "archives/corpus/index.tsv").read_text().split("\n")
    header = lines[0].split("\t")
    return [dict(zip(header, line.split("\t"))) for line in lines[1:] if line]


def rows_of(entry):
    """Table -> rows, as counted without this program."""
    path = FIXTURES / f"archives/corpus/{entry['file'][:3]}.rows.tsv"
    counted = {}
    for line in path.read_text().split("\n"):
        parts = line.split("\t")
        if len(parts) >= 2 and parts[-1].isdigit():
            counted[".".join(parts[:-1])] = int(parts[-1])
    return counted


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["file"]) for entry in corpus()])
def test_real_archives(place, entry):
    # A copy, because a record of what was verified is left beside it.
    backup = shutil.copy(FIXTURES / "archives/corpus" / entry["file"], place.directory)
    run = place.verify("--backup", backup, place.scenario(""))
    report = run.report()
    if entry["archive version"].endswith("(1.16)") and servers.MAJOR < 17:
        assert run.code == CANNOT_VERIFY, str(run)
        assert report[INTACT].verdict == "pass"
        assert report[RESTORES].verdict == "error" and "PostgreSQL 17" in report[RESTORES].message
        assert report.properties["backup.row_count"] == entry["rows"]
        return
    assert run.code == PASSED, str(run)
    assert report[RESTORES].verdict == "pass" and report[ROWS].verdict == "pass"
    assert int(report.properties["restored.rows"]) == int(entry["rows"])
    assert int(report.properties["backup.table_count"]) == int(entry["tables"])


ODD = FIXTURES / "archives/odd"


@pytest.mark.often("directory", "render.dir.tar.gz", "toc_last.dir.tar", "dump.sql")
@pytest.mark.parametrize(
    "name",
    sorted(path.name for path in ODD.iterdir() if path.name not in ("make", "odd.sql", "rows.tsv", "schema_only.dump", "no_blobs.dump")),
)
def test_odd_archives(place, name):
    copy = shutil.copytree if (ODD / name).is_dir() else shutil.copy
    run = place.verify("--backup", copy(ODD / name, place.directory / name), place.scenario(""))
    assert run.code == PASSED, str(run)
    counted = sum(int(line.split("\t")[-1]) for line in (ODD / "rows.tsv").read_text().split("\n") if re.search(r"\t\d+$", line))
    assert int(run.report().properties["restored.rows"]) == counted


NEWER = FIXTURES / "archives/newer"


@pytest.mark.parametrize("name", sorted(path.name for path in NEWER.iterdir() if path.suffix in (".dump", ".sql", ".gz") and path.name != "newer.sql"))
def test_archives_of_newer_versions(place, name):
    """They restore where their version, or a newer one, is installed; elsewhere they are tried if they can be
    read, and it is named. Those of 17 and 18 hold what no older version takes."""
    backup = shutil.copy(NEWER / name, place.directory)
    major = int(name[:2])
    run = place.verify("--backup", backup, place.scenario(""))
    report = run.report()
    assert report[INTACT].verdict == "pass", str(run)
    readable = name.endswith(".sql") or servers.MAJOR >= min(major, 17)
    assert ("server.version" in report.properties) == readable
    if servers.MAJOR < major and (major > 16 or not readable):
        assert run.code == CANNOT_VERIFY and f"postgresql-{major}" in report[RESTORES].message, str(run)
        return
    assert run.code == PASSED, str(run)
    counted = sum(int(line.split("\t")[-1]) for line in (NEWER / f"{major}.rows.tsv").read_text().split("\n") if line)
    assert int(report.properties["restored.rows"]) == counted


ORDERS = {
    "before": ("create table a_needed", "create table b_needs", "pass", []),
    "behind": ("create table b_needed", "create table a_needs", "fail", ["violates check constraint"]),
}


@pytest.mark.parametrize("form", [["-Fc"], ["-Fp", "--create"]], ids=["custom", "plain"])
@pytest.mark.parametrize("order", ORDERS)
def test_a_check_that_looks_into_another_table(place, server, database, order, form):
    """It comes back by the commands that are printed where that table stands before it, and not where it stands behind; whatever
    is the larger one, with which several jobs would begin."""
    needed, needs, verdict, words = ORDERS[order]
    size = 1 if order == "before" else 3000
    name = database(f"{needed} (i int, pad text); insert into {needed.split()[-1]} select 1, repeat('y', 100) from generate_series(1, {size});"
                    f"create function known(i int) returns bool language sql as 'select exists (select from public.{needed.split()[-1]} n where n.i = $1)';"
                    f"{needs} (i int check (known(i)), pad text); insert into {needs.split()[-1]} select 1, repeat('x', 100) from generate_series(1, {3001 - size})")
    backup = place.backups / "x.dump"
    server.dump(name, backup, *form)
    run = place.expect(verdict, "backup restores", words, "--backup", backup, place.scenario())
    assert "WARN" not in run.err, str(run)


def test_a_plain_dump_that_makes_its_language(place):
    """As pg_dump did before 9.1."""
    backup = place.backups / "old.sql"
    backup.write_text("--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = off;\n\n"
                      "CREATE PROCEDURAL LANGUAGE plpgsql;\n\nCREATE TABLE t (i integer);\n\nCOPY t (i) FROM stdin;\n1\n\\.\n\n"
                      "--\n-- PostgreSQL database dump complete\n--\n\n")
    run = place.verify("--backup", backup, place.scenario())
    assert run.code == PASSED, str(run)


LARGE = {"as it was": False, "one without its content": True}


@pytest.mark.parametrize("form", ["whole", "created", "sections"])
@pytest.mark.parametrize("name", LARGE)
def test_a_large_object_that_somebody_emptied(place, server, database, name, form):
    """pg_dump opens empty ones too."""
    warns = LARGE[name]
    source = database("create table t as select 1 as x; select lo_from_bytea(4711, 'one'), lo_from_bytea(4712, 'two'), lo_create(4713)")
    sections = form == "sections"
    parts = ["pre-data", "data", "post-data"] if sections else [""]
    for part in parts:
        path = place.backups / today(f"{part.replace('-', '_') or 'whole'}_%F.sql")
        server.dump(source, path, "-Fp", *([f"--section={part}"] if part else []), *(["--create"] if form == "created" else []))
        path.write_text(re.sub(r"(?s)SELECT pg_catalog.lo_open\('4711'.*?lo_close\(0\);\n", "", path.read_text()) if warns else path.read_text())
    names = "{pre_data: pre_data_%F.sql, data: data_%F.sql, post_data: post_data_%F.sql}" if sections else "whole_%F.sql"
    run = place.expect("pass", ROWS, ["the archive makes 1 large object and has no content of it"] if warns else [], place.scenario(pattern=names))
    assert ("WARN" in run.err) == warns, str(run)
