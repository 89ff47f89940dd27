"""Proves that `restore.amcheck` sees what is wrong inside of indexes and tables, that nothing of a backup runs as a
superuser for it, and that it leaves no difference in what the other checks see."""

import pathlib
import shutil
import subprocess

import pytest

from running import BAD_BACKUP, BIN, CANNOT_VERIFY, PASSED
from servers import MAJOR

SOUND, OBJECTS = "indexes and tables are sound", "every object is there"
ASKED = "restore:\n  amcheck: true\n"

# Its functions tell in the error who runs them; the check of who they are is part of every index on them.
WORDS = """
create function plain(text) returns text language plpgsql immutable as $$
begin
    if (select rolsuper from pg_catalog.pg_roles where rolname = current_user) and pg_catalog.to_regrole('restore_verifier_reader') is not null then
        raise exception 'run as the superuser %', current_user;
    end if;
    return $1;
end $$;
create table words (id int primary key, w text, long text); alter table words alter long set storage external;
insert into words select i, repeat(chr(97 + i % 26), 8), repeat('x', 3000) from generate_series(1, 500) i;
create index words_w on words (w); create index words_plain on words (plain(w)); create unique index part on words (id) where id > 100;
create materialized view seen as select id from words; create index seen_id on seen (id); create index hashed on words using hash (w);
create table parts (id int primary key, w text) partition by range (id); create table part_1 partition of parts for values from (0) to (10);
insert into parts values (1, 'a');
"""


@pytest.fixture(scope="module")
def words(base, server):
    server.create("words", WORDS)
    yield server.dump("words", base / "words.dump")
    server.drop("words")


def test_what_is_sound(place, words):
    run = place.expect("pass", SOUND, [], "--backup", words, place.scenario(ASKED))
    assert run.code == PASSED and f"PASS   {OBJECTS}" in run.err, str(run)
    # With the indexes of toast tables, and without what is no B-tree and what belongs to the system.
    assert "8 indexes, 5 tables" in run.err, str(run)
    assert SOUND not in place.verify("--backup", words, place.scenario()).report().verdicts()


# An index whose order or contents are not those of its table: SQL, and the words.
LIES = {
    "an operator class that compares otherwise": (
        "create function compare(int, int) returns int language sql immutable as $$select case current_setting('application_name') when 'pg_restore' then 1 else -1 end * ($1 - $2)$$;"
        "create operator class otherwise for type int using btree as operator 1 <, operator 3 =, operator 5 >, function 1 compare(int, int);"
        "create index lying on t (x otherwise)",
        ["first index public.lying: ", "item order invariant violated"]),
    "expressions that change": (
        "create function lie(int) returns int language sql immutable as 'select (random() * 1e9)::int'; create index a on t (lie(x)); create index b on t (lie(x))",
        ["2 of 4 indexes and tables are not sound", "first index public.a:", "lacks matching index tuple", "index public.b:"]),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_index_that_lies(place, server, database, lie):
    sql, said = LIES[lie]
    backup = server.dump(database("create table t (x int not null); insert into t select generate_series(1, 100); alter table t add primary key (x);" + sql), place.directory / "x")
    run = place.expect("fail", SOUND, said, "--backup", backup, place.scenario(ASKED))
    assert run.code == BAD_BACKUP and run.report()[OBJECTS].verdict == "pass"


# The pages of a new index are written past the server's memory (small ones with that setting only), so that the next to
# read them finds what became of them on disk.
FLIP = """for argument; do case $argument in --dbname=*) database=${argument#--dbname=};; esac; done
PGOPTIONS='-c wal_skip_threshold=0' "$real/pg_restore" "$@" || exit
file=$("$real/psql" -XAtq -d "$database" -c "select pg_relation_filepath('words_w')")
for file in $place/tmp/restore-verifier.*/data/$file; do LC_ALL=C sed -i s/mmmmmmmm/zzzzmmmm/ "$file" || exit 7; done
"""


def test_an_index_that_was_damaged(place, words):
    run = place.expect("fail", SOUND, ["1 of 13 indexes and tables is not sound; first index public.words_w: "],
                       "--backup", words, place.scenario(ASKED), environment=place.stand_in(pg_restore=FLIP))
    assert run.report()[OBJECTS].verdict == "pass" and run.report()["every table has its rows"].verdict == "pass"


def test_a_table_that_was_damaged(place, server, words):
    """Rows that are older than the table says its oldest are."""
    plain = server.dump("words", place.directory / "words.sql", "-Fp")
    with open(plain, "a", encoding="utf-8") as file:
        file.write("\nupdate pg_class set relfrozenxid = (txid_current() % 4294967296)::text::xid where relname = 'words';\n")
    run = place.verify("--backup", plain, place.scenario(ASKED))
    assert run.code == BAD_BACKUP, str(run)
    case = run.report()[SOUND]
    assert "first table public.words: block 0, row 1: xmin" in case.message and "freeze" in case.message, case


# Nobody who is a superuser may be met by an event trigger, nor by an index's function.
TRAP = """
create function trap() returns event_trigger language plpgsql as $$ begin raise exception 'an event trigger ran as %', current_user; end $$;
create event trigger trap on ddl_command_start when tag in ('CREATE EXTENSION', 'GRANT') execute function trap();
"""


def test_event_triggers_are_not_met(place, server, database):
    backup = server.dump(database(WORDS + TRAP), place.directory / "x")
    run = place.expect("pass", SOUND, [], "--backup", backup, place.scenario(ASKED))
    assert f"PASS   {OBJECTS}" in run.err, str(run)


def test_every_database(place, server, database):
    names = [database(WORDS), database(WORDS)]
    file = place.backups / "all.sql"
    command = [BIN / "pg_dumpall", "--no-role-passwords", "--exclude-database=bugspark", "--exclude-database=large", "--exclude-database=words", "-d", server.url(), "-f", file]
    subprocess.run(command, check=True, capture_output=True)
    file.chmod(0o644)
    run = place.verify("--backup", file, place.scenario(ASKED, backups="databases: all"))
    assert run.code == PASSED, str(run)
    for name in names:
        assert f"PASS   {name}: {SOUND}" in run.err, str(run)


def test_on_somebodys_server(place, server, words):
    before = server.databases()
    url = server.url()
    run = place.expect("pass", SOUND, [], "--backup", words, place.scenario(f"restore:\n  amcheck: true\n  server: {url}\n  trust: true\n"))
    assert f"PASS   {OBJECTS}" in run.err
    server.sql("create role looker login createdb")
    url = server.url(user="looker")
    run = place.expect("error", SOUND, ["amcheck cannot be made there", "permission denied"], "--backup", words,
                       place.scenario(f"restore:\n  amcheck: true\n  server: {url}\n"))
    assert run.report()[OBJECTS].verdict == "pass" and server.databases() == before


def test_a_backup_that_brings_it(place, server, database):
    backup = server.dump(database("create extension amcheck;" + WORDS), place.directory / "x")
    run = place.expect("error", SOUND, ["brings the extension amcheck itself", "`EXTENSION amcheck` under restore.exclude"], "--backup", backup, place.scenario(ASKED))
    assert run.code == CANNOT_VERIFY and run.report()[OBJECTS].verdict == "pass"
    place.expect("pass", SOUND, [], "--backup", backup, place.scenario(ASKED + "  exclude: [EXTENSION amcheck]\n"))


def test_where_time_is_short(place, server, database):
    """An index whose function takes its time after the restore."""
    sql = """create function slow(int) returns int language plpgsql immutable as $$
        begin if current_setting('application_name') <> 'pg_restore' and pg_catalog.to_regrole('restore_verifier_reader') is not null then perform pg_catalog.pg_sleep(30); end if; return $1; end $$;
        create table t (x int primary key); insert into t values (1); create index z on t (slow(x))"""
    backup = server.dump(database(sql), place.directory / "x")
    place.expect("error", SOUND, ["only 1 of 3 indexes and tables could be looked at in time", "raise restore.timeout"], "--backup", backup,
                 place.scenario("restore:\n  amcheck: true\n  timeout: 4s\n"))


@pytest.fixture
def without_it(place):
    """The environment for a PostgreSQL that is not in its usual place, and lacks the extension. Its programs look for
    everything else from where they lie."""
    bin_directory = place.directory / "pg/lib/postgresql" / str(MAJOR) / "bin"
    share = place.directory / "pg/share/postgresql" / str(MAJOR)
    real = pathlib.Path(subprocess.run([BIN / "pg_config", "--sharedir"], capture_output=True, text=True, check=True).stdout.strip())
    if not str(real).endswith(f"share/postgresql/{MAJOR}"):
        pytest.skip("knows only where Debian has PostgreSQL's files")
    shutil.copytree(BIN, bin_directory)
    (bin_directory.parent / "lib").symlink_to(BIN.parent / "lib")
    shutil.copytree(real, share, symlinks=True, ignore=shutil.ignore_patterns("amcheck*", "man", "tsearch_data"))
    (share / "tsearch_data").symlink_to(real / "tsearch_data")
    return {"RESTORE_VERIFIER_PGBIN": str(bin_directory), "RESTORE_VERIFIER_PGFILES": f"{place.directory}/pg:{BIN.parent}:{real}"}


def test_where_it_is_not_installed(place, words, without_it):
    run = place.expect("error", SOUND, ["the extension amcheck is not installed for PostgreSQL", "Debian's package postgresql-"], "--backup", words,
                       place.scenario(ASKED), environment=without_it)
    assert run.report()[OBJECTS].verdict == "pass", str(run)
