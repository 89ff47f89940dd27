"""Proves that backups of odd but legitimate databases are green: as `dump` makes them, and as pg_dump does in
an archive and as plain SQL."""

import subprocess

import pytest

from running import PASSED
from servers import BIN, together

ROWS, RESTORES, CONTENTS = "every table has its rows", "backup restores", "contents are identical"
HASHED = (
    "create type kind as enum ('a', 'b', 'c', 'd');"
    "create table t (x kind, y int, z int generated always as (y + 1) stored) partition by {};"
    "{}"
    "insert into t select (array['a', 'b', 'c', 'd']::kind[])[1 + n % 4], n from generate_series(1, 19) n"
)
SHAPES = {
    "names with dots": 'create schema "a.b"; create schema a; create table "a.b".c (x int); create table a."b.c" (x int);'
    'insert into "a.b".c values (1); insert into a."b.c" values (1), (2)',
    "a leakproof function": "create table t (x int); insert into t values (1); create function f() returns bool language sql leakproof as 'select true'",
    "tablespaces": 'create table t (x int) tablespace fast; insert into t values (1); create index on t (x) tablespace "Fast x"',
    # Where a row goes depends on the oid of its label, which is another one after a restore.
    "hash partitions of an enum": HASHED.format(
        "hash (x)",
        "create table t0 partition of t for values with (modulus 2, remainder 0);"
        "create table t1 partition of t for values with (modulus 2, remainder 1);",
    ),
    "hash partitions below others": HASHED.format(
        "range (y)",
        "create table t0 partition of t for values from (0) to (10);"
        "create table t1 partition of t for values from (10) to (100) partition by hash (x);"
        "create table t10 partition of t1 for values with (modulus 2, remainder 0);"
        "create table t11 partition of t1 for values with (modulus 2, remainder 1);",
    ),
    "settings of the database": "do $$ begin execute format('alter database %I set bytea_output = escape', current_database());"
    "execute format('alter database %I set timezone = %L', current_database(), 'Asia/Tokyo'); end $$;"
    "create table t (x bytea, y timestamptz); insert into t values ('\\x00ff41', now()); create table u (x bytea); insert into u select x from t",
}


@pytest.fixture(scope="module")
def tablespaces(server):
    for name in ("fast", '"Fast x"'):
        server.sql(f"set allow_in_place_tablespaces = on; \n create tablespace {name} location ''")


CONTENTS_TOO = "restore:\n  contents: true\n"


def dumped(place, url, body):
    path = place.scenario(f"source:\n  database: {url!r}\n" + body)
    dump = place.run("dump", path)
    assert dump.code == PASSED, str(dump)
    return path


SUPERUSERS = {"a leakproof function": SHAPES.pop("a leakproof function")}


@pytest.mark.often("all-dump", "of superusers--Fc", "all--Fp")
@pytest.mark.parametrize("way", ["dump", "-Fc", "-Fp"])
@pytest.mark.parametrize("shapes", [SHAPES, SUPERUSERS], ids=["all", "of superusers"])
def test_a_database_of_this_shape(place, server, database, tablespaces, shapes, way):
    name = database(together(shapes))
    if way == "dump":
        run = place.verify(dumped(place, server.url(name), CONTENTS_TOO))
    else:
        server.dump(name, place.directory / "x", way)
        run = place.verify("--backup", place.directory / "x", place.scenario(CONTENTS_TOO))
    assert run.code == PASSED, str(run)
    report = run.report()
    assert int(report.properties["restored.rows"]) > 0
    assert report[CONTENTS].verdict == "pass"
    if shapes is SHAPES and way != "-Fp":
        assert "without special rights" in report.properties["server.restored_as"]


PARTITIONED = [shape for shape in SHAPES if "partitions" in shape]


@pytest.mark.often("hash partitions of an enum--Fc", "hash partitions below others--Fp")
@pytest.mark.parametrize("way", [["-Fc"], ["-Fp"], ["-Ft", "--load-via-partition-root"]], ids="".join)
@pytest.mark.parametrize("shape", PARTITIONED)
def test_partitions_whose_rows_are_inserts(place, server, database, shape, way):
    server.dump(database(SHAPES[shape]), place.directory / "x", *way, "--inserts")
    run = place.verify("--backup", place.directory / "x", place.scenario())
    assert run.code == PASSED, str(run)
    assert run.report().properties["restored.rows"] == "19"


SPOILING = '''"$real/pg_restore" "$@" || exit
for argument; do case $argument in --dbname=*) database=${argument#*=};; esac; done
"$real/psql" -Xqc "%s" "$database"'''


@pytest.mark.often("hash partitions below others")
@pytest.mark.parametrize("shape", PARTITIONED)
def test_inserts_that_are_not_whole(place, server, database, shape):
    server.dump(database(SHAPES[shape]), place.directory / "x", "--inserts")
    spoilt = place.stand_in(pg_restore=SPOILING % "delete from t where y = 7")
    place.expect("fail", ROWS, "1 row is missing from public.t: 18 of 19 came back", "--backup", place.directory / "x", place.scenario(), environment=spoilt)


@pytest.mark.parametrize("sql, check, words", [
    ("delete from t where y = 7", ROWS, "1 row is missing from public.t: 18 of 19 came back"),
    ("update t set y = 8 where y = 7", CONTENTS, "first public.t"),
])
def test_a_tree_of_partitions_that_is_not_whole(place, server, database, sql, check, words):
    path = dumped(place, server.url(database(SHAPES["hash partitions below others"])), CONTENTS_TOO)
    spoilt = place.stand_in(pg_restore=SPOILING % sql)
    place.expect("fail", check, words, path, environment=spoilt)


SEQUENCES = ('create schema "a.b"; create table "a.b"."T" ("I d" serial, y int); insert into "a.b"."T" (y) values (1), (2), (3);'
             "create sequence down increment -1; select nextval('down'); create sequence unused start 5; create table t (x int generated always as identity);"
             "insert into t default values; create sequence far; select setval('far', 9223372036854775807)")


@pytest.mark.often("as it was", "ahead")
@pytest.mark.parametrize("sql, words", [
    ("select 1", None),
    ("select setval('t_x_seq', 2)", ["public.t_x_seq", "at 1 in the archive", "restored at 2"]),
    ("select setval('unused', 5, true)", ["public.unused", "at 5, not yet used in the archive", "restored at 5"]),
    ("""alter sequence \\"a.b\\".\\"T_I d_seq\\" restart""", ["a.b.T_I d_seq", "at 3 in the archive", "restored at 1, not yet used"]),
    ("drop sequence unused", ["public.unused", "was not restored"]),
], ids=["as it was", "ahead", "used", "begun again", "gone"])
def test_sequences_go_on_where_they_were(place, server, database, sql, words):
    path = dumped(place, server.url(database(SEQUENCES)), "")
    spoilt = place.stand_in(pg_restore=SPOILING % sql)
    place.expect("fail" if words else "pass", ROWS, words or [], path, environment=spoilt)


def test_a_sequence_that_is_left_out(place, server, database):
    path = dumped(place, server.url(database(SEQUENCES)), "restore:\n  exclude:\n    - SEQUENCE SET public far\n")
    place.expect("pass", ROWS, [], path)


def test_a_security_label(place, server, database):
    """Its provider is loaded by the server that was dumped. psql cannot leave it out."""
    name = database("create table t (x int); insert into t values (1); insert into pg_seclabel values ('t'::regclass, 'pg_class'::regclass, 0, 'anon', 'MASKED')")
    server.dump(name, place.directory / "x")
    assert place.verify("--backup", place.directory / "x", place.scenario()).code == PASSED
    server.dump(name, place.directory / "x", "-Fp")
    place.expect("error", RESTORES, ["security label provider"], "--backup", place.directory / "x", place.scenario())


ORDERED = {
    "partitions": "create table t (x text) partition by range (x); create table t1 partition of t for values from ('a') to ('C');"
                  "insert into t values ('b'); create table u (x text, y text, check (x < y)); insert into u values ('a', 'B')",
    "rows of partitions": "create table t (x text) partition by range (x); create table t1 partition of t for values from (minvalue) to ('b');"
                          "create table t2 partition of t for values from ('b') to (maxvalue); insert into t values ('a'), ('B'), ('C'), ('d')",
    "a check": "create table u (x text, y text, check (x < y)); insert into u values ('a', 'B')",
}


@pytest.fixture
def in_icu(request, place, server):
    """A database whose texts are in an order in which C's are not: in C, b comes after C, and there is no
    such partition."""
    name = f"icu{place.directory.name}"
    server.sql(f"create database {name} template template0 locale_provider icu icu_locale 'en-US'")
    try:
        server.sql(together(ORDERED) if request.param == "all" else ORDERED[request.param], name)
        yield name
    finally:
        server.drop(name)


@pytest.mark.parametrize("in_icu", ["all"], indirect=True)
@pytest.mark.parametrize("way", [["-Fc"], ["-Fp", "--create"], ["-Fp", "--create", "--load-via-partition-root"]], ids=" ".join)
def test_the_order_of_texts_is_the_databases(place, server, in_icu, way):
    server.dump(in_icu, place.directory / "x", *way)
    run = place.verify("--backup", place.directory / "x", place.scenario(CONTENTS_TOO))
    assert run.code == PASSED, str(run)


@pytest.mark.often("--inserts-a check", "-partitions")
@pytest.mark.parametrize("in_icu", ORDERED, indirect=True)
@pytest.mark.parametrize("way", [[], ["--inserts"]], ids=" ".join)
def test_plain_sql_that_names_no_locale(place, server, in_icu, way):
    """Nobody can say whether it restores in its own."""
    server.dump(in_icu, place.directory / "x", "-Fp", *way)
    run = place.expect("error", RESTORES, ["names no locale", "--create", "custom format"], "--backup", place.directory / "x", place.scenario())
    assert run.report()[ROWS].verdict == "skip"


def test_a_locale_that_is_not_here(place, server, database):
    """What may be because of it is not said to be the backup's fault."""
    name = database("create table u (x text, y text, check (x < y)); insert into u values ('B', 'a')")
    server.dump(name, place.directory / "x")
    content = (place.directory / "x").read_bytes()
    changed = content.replace(b"LC_COLLATE = 'C.UTF-8'", b"LC_COLLATE = 'x.UTF-8'").replace(b"LOCALE = 'C.UTF-8'", b"LOCALE = 'x.UTF-8'")
    assert changed != content
    (place.directory / "x").write_bytes(changed)
    run = place.verify("--backup", place.directory / "x", place.scenario())
    assert run.code == PASSED and "in the locale C" in run.err and "x.UTF-8" in run.report().properties["server.locale_missing"], str(run)
    changed = changed.replace(b"CHECK ((x < y))", b"CHECK ((x > y))")
    (place.directory / "x").write_bytes(changed)
    place.expect("error", RESTORES, ["violates check constraint", "x.UTF-8", "install it"], "--backup", place.directory / "x", place.scenario())


def test_a_check_that_looks_into_another_table(place, server, database):
    """It restores in the order of the archive; several jobs may come to the second table too soon."""
    name = database(
        "create table a (x int); insert into a select generate_series(1, 600000);"
        "create function f(int) returns bool language sql stable as 'select exists (select from public.a where x = $1)';"
        "create table b (x int check (public.f(x))); insert into b values (600000)")
    server.dump(name, place.directory / "x", "-Z1")
    run = place.verify("--backup", place.directory / "x", place.scenario("restore:\n  jobs: 4\n"))
    assert run.code == PASSED and "pg_restore --jobs=1" in run.report()[RESTORES].output, str(run)
    run = place.verify("--backup", place.directory / "x", place.scenario("restore:\n  jobs: 1\n"))
    assert run.code == PASSED and "--jobs=1" not in run.report()[RESTORES].output, str(run)


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP"])
def test_names_in_another_encoding(place, server, encoding):
    name, table = f"enc{place.directory.name}", {"LATIN1": "größe", "EUC_JP": "表"}[encoding]
    server.sql(f"create database {name} template template0 encoding '{encoding}' lc_collate 'C' lc_ctype 'C'")
    try:
        server.sql(f'set client_encoding = utf8; create table "{table}" (x text); insert into "{table}" values (\'{table}\')', name)
        body = f"tables:\n  {table}:\n    - row_count = 1\n    - row_count same as dump\n"
        path = dumped(place, server.url(name), body + CONTENTS_TOO)
    finally:
        server.drop(name)
    run = place.verify(path)
    assert run.code == PASSED, str(run)


def test_names_in_no_encoding(place, server):
    """In SQL_ASCII a name is bytes; those that are no UTF-8 are in no manifest, and in the backup."""
    name = f"enc{place.directory.name}"
    server.sql(f"create database {name} template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'")
    try:
        subprocess.run(
            [BIN / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", server.url(name)], check=True,
            input=b'set client_encoding = SQL_ASCII; create table "gr\xf6\xdfe" (x text); insert into "gr\xf6\xdfe" values (\'\xe4\'); create table t (x text); insert into t values (\'\xff\')')
        path = dumped(place, server.url(name), "tables:\n  t:\n    - row_count same as dump\n" + CONTENTS_TOO)
    finally:
        server.drop(name)
    run = place.verify(path)
    assert run.code == PASSED, str(run)
    assert run.report().properties["restored.rows"] == "2"


@pytest.mark.parametrize("settings", [
    ["statement_timeout = 5", "idle_in_transaction_session_timeout = 1", "lock_timeout = 1", "default_transaction_isolation = serializable"],
    ["default_transaction_read_only = on", "search_path = nowhere", "client_encoding = latin1", "datestyle = german",
     "standard_conforming_strings = off", "quote_all_identifiers = on", "intervalstyle = iso_8601"],
], ids=["how long", "in which form"])
def test_settings_of_the_role(place, server, database, settings):
    """Whatever the administrator gave it, as long as it may read everything."""
    role = f"role{place.directory.name}"
    name = database("create table t (x date, y interval, z text);"
                    "insert into t select '2020-02-03', '1 day 2 h', 'a\\b' from generate_series(1, 1000)")
    server.sql(f"create role {role} login in role pg_read_all_data;" + ";".join(f"alter role {role} set {setting}" for setting in settings))
    path = dumped(place, server.url(name, role), "tables:\n  t:\n    - row_count same as dump\n" + CONTENTS_TOO)
    run = place.verify(path)
    assert run.code == PASSED, str(run)


@pytest.mark.parametrize("way, said", [(["-Fc", "--schema-only"], "--schema-only"), (["-Fp", "--schema-only"], "--schema-only"),
                                       (["-Fp", "--inserts", "--exclude-table-data=t"], "--inserts")], ids=lambda value: "".join(value))
def test_no_data_at_all(place, server, database, way, said):
    server.dump(database("create table t (x int); insert into t values (1)"), place.directory / "x", *way)
    run = place.expect("fail", ROWS, ["the data of none", said], "--backup", place.directory / "x", place.scenario())
    assert run.report()[RESTORES].verdict == "pass"


@pytest.mark.parametrize("way", [["-Fc"], ["-Fp"], ["-Fp", "--inserts"]], ids="".join)
def test_tables_that_are_empty(place, server, database, way):
    """They prove nothing, however they were dumped, unless the scenario expects it."""
    server.dump(database("create table t (x int)"), place.directory / "x", *way)
    place.expect("fail", ROWS, "may_be_empty: true", "--backup", place.directory / "x", place.scenario())
    if way != ["-Fp"]:
        run = place.expect("pass", ROWS, [], "--backup", place.directory / "x", place.scenario(backups="may_be_empty: true"))
        assert "0 rows in 1 table" in run.err and "warning" not in run.err, str(run)
