"""Proves that a healthy backup is green whatever version of PostgreSQL wrote it, and whatever it does to
what every fresh database has; and that one which this machine's version cannot take is no bad backup."""

import re
import subprocess

import pytest

import servers
from old_archives import rewritten
from running import BAD_BACKUP, CANNOT_VERIFY, FIXTURES, PASSED

RESTORES, ROWS = "backup restores", "every table has its rows"
ROWS_OF_IT = "create table t (x int primary key); insert into t select generate_series(1, 7); create view v as select * from t"
OWNER = "do $$ begin create role app; exception when duplicate_object then null; end $$; alter schema public owner to app;"

# {name: (SQL before the rows, options of pg_dump)}
PUBLIC = {
    "of another owner": (OWNER, ["-Fc"]),
    "of another owner, with comment and grants": (OWNER + "comment on schema public is 'mine'; grant all on schema public to app; revoke all on schema public from public;", ["-Ft"]),
    "made again": ("drop schema public; create schema public;", ["-Fc"]),
    "dropped": ("drop schema public; create schema s; set search_path = s;", ["-Fc"]),
    "another one": ("alter schema public rename to old; create schema public; create table old.o (x int);", ["-Fc"]),
    "alone": ("", ["-Fp", "-n", "public"]),
    "alone and dropped first": ("", ["-Fp", "-n", "public", "--clean", "--if-exists"]),
}


@pytest.fixture(scope="module")
def given(server):
    """What a scenario says to restore into somebody's server: given(options of pg_dump). Plain SQL sets
    owners, which only a superuser may; for archives a role does that may only create databases."""
    server.sql("create role maker login createdb")

    def scenario(options):
        user, trust = ("postgres", "  trust: true\n") if "-Fp" in options else ("maker", "")
        return f"restore:\n  server: {server.url('postgres', user)}\n{trust}"

    return scenario


def is_whole(run):
    assert run.code == PASSED, str(run)
    assert run.report().properties["restored.rows"] == "7"


@pytest.mark.often("of another owner, with comment and grants", "dropped", "alone", "made again")
@pytest.mark.parametrize("way", PUBLIC)
def test_the_schema_public(place, server, database, way):
    sql, options = PUBLIC[way]
    backup = server.dump(database(sql + ROWS_OF_IT), place.directory / "x", *options)
    is_whole(place.verify("--backup", backup, place.scenario()))


@pytest.mark.parametrize("way", ["of another owner", "alone"])
def test_the_schema_public_on_somebodys_server(place, server, database, given, way):
    sql, options = PUBLIC[way]
    backup = server.dump(database(sql + ROWS_OF_IT), place.directory / "x", *options)
    is_whole(place.verify("--backup", backup, place.scenario(given(options))))


OLDER = sorted((FIXTURES / "archives/older").glob("1*"))


@pytest.mark.parametrize("backup", OLDER, ids=lambda path: path.name)
def test_the_schema_public_of_older_versions(place, backup):
    (place.directory / backup.name).write_bytes(backup.read_bytes())
    is_whole(place.verify("--backup", place.directory / backup.name, place.scenario()))


# --- a newer version than those here ------------------------------------------------------------------------


def of_99(server, name, path, *options, more=""):
    """A dump as PostgreSQL 99 would write it."""
    backup = server.dump(name, path, *options)
    content = backup.read_bytes()
    if options == ("-Fp",):
        content = re.sub(rb"(Dumped \w+ (?:database|pg_dump) version) \d+", rb"\1 99", content)
        content = content.replace(b"\nSET transaction_timeout = 0;\n", b"\n").replace(b"\nSET lock_timeout", b"\nSET transaction_timeout = 0;\nSET lock_timeout")
        content = content.replace(b"\n-- PostgreSQL database dump complete", more.encode() + b"\n-- PostgreSQL database dump complete")
    else:
        assert content.count(b"%d." % servers.MAJOR) >= 2
        content = content.replace(b"%d." % servers.MAJOR, b"99.", 2)
    backup.write_bytes(content)
    return backup


@pytest.mark.parametrize("option, elsewhere", [("-Fp", False), ("-Fc", False), ("-Fp", True)])
def test_an_older_server_takes_it(place, server, database, given, option, elsewhere):
    backup = of_99(server, database(ROWS_OF_IT), place.directory / "x", option)
    before = backup.read_bytes()
    run = place.verify("--backup", backup, place.scenario(given([option]) if elsewhere else ""))
    is_whole(run)
    case = run.report()[RESTORES]
    assert "  WARN   backup restores" in str(run), str(run)
    assert re.search(rf"restored into PostgreSQL {servers.MAJOR}\.\d+, dumped from 99\.\d+", case.output), str(run)
    assert backup.read_bytes() == before


@pytest.mark.parametrize("elsewhere", [False, True], ids=["throwaway", "given"])
def test_an_older_server_does_not_take_it(place, server, database, given, elsewhere):
    """Never the backup's fault, and it says what is needed."""
    backup = of_99(server, database(ROWS_OF_IT), place.directory / "x", "-Fp", more="\nALTER TABLE t SET FLYING;\n")
    body = given(["-Fp"]) if elsewhere else ""
    words = ["the backup asks for 99", "syntax error", "name a newer server" if elsewhere else "install the package postgresql-99"]
    run = place.expect("error", RESTORES, words, "--backup", backup, place.scenario(body + "tables:\n  t:\n    - row_count = 8\n"))
    assert "fail" not in run.report().verdicts().values(), str(run)


def test_an_older_server_does_not_bring_every_row(place, server, database):
    backup = of_99(server, database(ROWS_OF_IT), place.directory / "x", "-Fp")
    spoilt = place.stand_in(psql='"$real/psql" "$@" || exit\nfor argument; do case $argument in --dbname=*) database=${argument#*=};; esac; done\n'
                                 '"$real/psql" -Xqc "delete from t where x = 3" "$database"')
    place.expect("error", ROWS, ["6 of 7 came back", "asks for 99"], "--backup", backup, place.scenario(), environment=spoilt)


def test_a_psql_that_does_not_know_restrict(place, server, database):
    name = database(ROWS_OF_IT)
    backup = server.dump(name, place.directory / "x", "-Fp")
    assert backup.read_text().count("restrict ") == 2
    old = place.stand_in(
        postgres=f'case $1 in --version) echo "postgres (PostgreSQL) {servers.MAJOR}.0"; exit;; esac\nexec "$real/postgres" "$@"',
        psql='for argument; do case $argument in --file=*) grep -q "restrict " "${argument#*=}" && { echo "psql:x.sql:5: error: invalid command \\\\restrict" >&2; exit 3; };; esac; done\n'
             'exec "$real/psql" "$@"')
    is_whole(place.verify("--backup", backup, place.scenario(), environment=old))


# --- archives from before 9.0 --------------------------------------------------------------------------------


@pytest.mark.parametrize("minor", [7, 11])
def test_archives_of_old_versions(place, minor):
    odd = FIXTURES / "archives/odd"
    backup = place.directory / "old.dump"
    backup.write_bytes(rewritten((odd / "custom.dump").read_bytes(), minor))
    listed = subprocess.run([servers.BIN / "pg_restore", "-l", backup], capture_output=True, text=True, check=True).stdout
    assert f"Dump Version: 1.{minor}-0" in listed
    run = place.verify("--backup", backup, place.scenario("restore:\n  contents: true\n"))
    assert run.code == PASSED, str(run)
    counted = sum(int(line.split("\t")[-1]) for line in (odd / "rows.tsv").read_text().split("\n") if re.search(r"\t\d+$", line))
    assert int(run.report().properties["restored.rows"]) == counted
    if minor != 11:
        return
    backup.write_bytes(backup.read_bytes()[:-100])
    assert place.verify("--backup", backup, place.scenario()).code == BAD_BACKUP


def test_into_the_version_that_is_asked_for(place, server, database):
    """To try an upgrade: that version, and no other that would do."""
    backup = server.dump(database(ROWS_OF_IT), place.directory / "x", "-Fc")
    scenario = place.scenario(f"restore: {{version: {servers.MAJOR}}}\n")
    is_whole(place.verify("--backup", backup, scenario))
    is_whole(place.verify("--backup", backup, "--postgresql", str(servers.MAJOR), place.scenario("restore: {version: 99}\n")))
    words = ["PostgreSQL 99, into which the backup is to be restored, is not installed here", "postgresql-99"]
    place.expect("error", RESTORES, words, "--backup", backup, place.scenario("restore: {version: 99}\n"))
    older = place.scenario(f"restore: {{version: {servers.MAJOR - 1}}}\n")
    place.expect("error", RESTORES, f"PostgreSQL {servers.MAJOR - 1}, into which", "--backup", backup, older)
    for options, said in ((["--postgresql", "new"], "a major version such as 17"), (["--postgresql", "17", "--server", "postgresql://h"], "leave out --server")):
        run = place.run("verify", *options, scenario)
        assert run.code == CANNOT_VERIFY and said in run.err, str(run)
