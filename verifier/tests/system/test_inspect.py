"""Proves that `inspect` tells what a backup holds, in words and as JSON, without any server, and whose fault
it is when it cannot."""

import json
import shutil
import subprocess

import pytest

from running import BAD_BACKUP, BIN, CANNOT_VERIFY, FIXTURES, PASSED

CORPUS, ODD = FIXTURES / "archives/corpus", FIXTURES / "archives/odd"

# No PostgreSQL programs, and nothing else to call.
ALONE = {"PATH": "/nowhere", "RESTORE_VERIFIER_PGBIN": "/nowhere"}


def truth(path):
    return {table: int(rows) for table, rows in (line.split("\t") for line in path.read_text().splitlines())}


def rows_of(document):
    return {f"{table['schema']}.{table['name']}".lstrip("."): table["row_count"] for table in document["tables"]}


def inspected(place, backup, *options):
    run = place.run("inspect", "--format", "json", *options, backup, environment=ALONE)
    return run, json.loads(run.out)


@pytest.mark.parametrize(
    "backup, rows, format, container",
    [
        ("corpus/001_chinook.dump", "corpus/001.rows.tsv", "custom", "none"),
        ("corpus/008_northwind.tar", "corpus/008.rows.tsv", "tar", "none"),
        ("odd/custom.dump", "odd/rows.tsv", "custom", "none"),
        ("odd/directory", "odd/rows.tsv", "directory", "none"),
        ("odd/tar.tar", "odd/rows.tsv", "tar", "none"),
    ],
)
def test_the_tables_and_their_rows(place, backup, rows, format, container):
    run, document = inspected(place, FIXTURES / "archives" / backup)
    assert run.code == PASSED and run.err == "", str(run)
    assert rows_of(document) == truth(FIXTURES / "archives" / rows)
    assert document["archive"]["intact"] is True
    assert (document["archive"]["format"], document["archive"]["container"]) == (format, container)
    assert len(document["archive"]["sha256"]) == 64


AWKWARD = """
create role "it's"; create role "--help"; alter database :"name" set search_path = 'app', 'public';
alter role "it's" in database :"name" set statement_timeout = '3s'; create table t (x int); insert into t values (1), (2); create table "O'Neil" ();
alter table t owner to "it's"; grant select on t to "--help";
"""


def restored_by_its_recipe(place, server, backup):
    """Runs the commands that `inspect` prints, as a person would."""
    shown = place.run("inspect", backup, environment=ALONE)
    assert shown.code == PASSED, str(shown)
    _, _, recipe = shown.out.partition("\nto restore it for real")
    commands = [line[2:] for line in recipe.splitlines()[1:] if not line.startswith("  needs ")]
    _, document = inspected(place, backup)
    assert document["restore"]["commands"] == commands
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "PGHOST": str(server.directory), "PGUSER": "postgres", "PGPORT": str(server.port)}
    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(commands)], cwd=place.directory, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, "\n".join([*commands, ran.stderr])
    return recipe


def quoted(table):
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split(".", 1))


@pytest.mark.often("directory", "render.dir.tar.gz", "inserts.dump")
@pytest.mark.parametrize("backup", ["custom.dump", "directory", "tar.tar", "render.dir.tar.gz", "dump.sql", "inserts.dump"])
def test_what_it_says_restores_it(place, server, backup):
    name = "restored" if backup == "dump.sql" else "odd"
    before = server.roles()
    try:
        assert "PostgreSQL 15 or newer" in restored_by_its_recipe(place, server, ODD / backup)
        counts = {table: int(server.sql(f"select count(*) from only {quoted(table)}", name)) for table in truth(ODD / "rows.tsv")}
    finally:
        server.drop(name)
        for role in server.roles() - before:
            server.sql(f'drop role "{role}"')
    assert counts == truth(ODD / "rows.tsv")


def test_names_that_a_shell_or_sql_would_take_for_more(place, server):
    name = "-it's host=$(touch canary)\\; -x"
    server.create(name)
    escaped = name.replace("\\", "\\\\").replace("'", "''")
    server.sql(f"\\set name '{escaped}'\n" + AWKWARD, name)
    backup = place.directory / "it's $HOME.dump"
    server.dump(name, backup)
    server.drop(name)
    roles = ["it's", "--help"]
    for role in roles:
        server.sql(f'drop role "{role}"')
    recipe = restored_by_its_recipe(place, server, backup)
    assert "the roles --help and it's" in recipe or "the roles it's and --help" in recipe
    assert server.sql("select count(*) from t", name) == "2"
    assert server.sql("show search_path", name) == "app, public"
    assert not list(place.directory.rglob("canary"))
    server.drop(name)


def test_plain_sql_names_a_partitioned_table_too(place):
    """Its rows are those of its partitions, unless the dump loads them through it."""
    run, document = inspected(place, ODD / "dump.sql")
    assert run.code == PASSED, str(run)
    assert rows_of(document) == {**truth(ODD / "rows.tsv"), "public.parts": 0}
    assert document["archive"]["format"] == "plain"


def test_a_render_export_is_a_directory_in_a_tar_in_gzip(place):
    run, document = inspected(place, ODD / "render.dir.tar.gz")
    assert run.code == PASSED, str(run)
    assert (document["archive"]["format"], document["archive"]["container"]) == ("directory in tar", "gzip")


def test_what_a_person_reads(place):
    run = place.run("inspect", ODD / "custom.dump", environment=ALONE)
    assert run.code == PASSED, str(run)
    for words in (
        "archive version 1.14, compression gzip",
        "extensions     pg_trgm",
        "public.users",
        "public.Größe",
        "12 tables",
        "large objects",
    ):
        assert words in run.out, words


def test_threads_change_nothing(place):
    assert inspected(place, ODD / "custom.dump", "--jobs", "1")[1] == inspected(place, ODD / "custom.dump", "--jobs", "4")[1]


def test_a_name_commands_no_terminal(place, database, server):
    name = database('create table "red\x1b[31m" (id int); insert into "red\x1b[31m" values (1)')
    backup = server.dump(name, place.directory / "x.dump")
    run = place.run("inspect", backup, environment=ALONE)
    assert run.code == PASSED and "\x1b" not in run.out and r"red\x1b[31m" in run.out, str(run)
    assert "\x1b" not in inspected(place, backup)[0].out


def cut(backup, target):
    target.write_bytes(backup.read_bytes()[:-2000])
    return target


def text(backup, target):
    target.write_text("this is no backup\n")
    return target


def newer(backup, target):
    content = bytearray(backup.read_bytes())
    content[6] = 99
    target.write_bytes(content)
    return target


def empty(backup, target):
    target.touch()
    return target


# What gpg --symmetric begins with.
ENCRYPTED = b"\x8c\x0d\x04\x09\x03\x0a\xbd\x35\xf1\x02\x11\x22\x33\x44\xff\xd2\xc0\x7f\x01\x99"


def encrypted(backup, target):
    target.write_bytes(ENCRYPTED)
    return target


def encrypted_by_name(backup, target):
    return encrypted(backup, target.with_name("bad.dump.gpg"))


def base_backup(backup, target):
    (target / "global").mkdir(parents=True)
    (target / "PG_VERSION").write_text("15\n")
    return target


def missing(backup, target):
    return target


@pytest.mark.parametrize(
    "damage, code, fault, words",
    [
        (cut, BAD_BACKUP, "backup", "cut off"),
        (text, BAD_BACKUP, "backup", "no backup"),
        (newer, CANNOT_VERIFY, "machine", "archive version is 1.99"),
        (empty, BAD_BACKUP, "backup", "empty"),
        (encrypted, BAD_BACKUP, "backup", "named like a dump"),
        (encrypted_by_name, CANNOT_VERIFY, "machine", "decrypt it first (gpg --decrypt)"),
        (base_backup, CANNOT_VERIFY, "machine", "physical backup"),
        (missing, CANNOT_VERIFY, "machine", "cannot open"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_whose_fault_it_is(place, damage, code, fault, words):
    good = place.directory / "good.dump"
    shutil.copy(ODD / "custom.dump", good)
    assert inspected(place, good)[0].code == PASSED
    bad = damage(good, place.directory / "bad.dump")
    run, document = inspected(place, bad)
    assert run.code == code, str(run)
    assert document["archive"]["intact"] is False and document["tables"] == []
    assert document["error"]["fault"] == fault and words in document["error"]["text"], document["error"]
    assert words in run.err
    run = place.run("inspect", bad, environment=ALONE)
    assert run.code == code and "rows" not in run.out, str(run)


@pytest.mark.parametrize("arguments", [[], ["one.dump", "two.dump"]])
def test_one_backup_is_named(place, arguments):
    run = place.run("inspect", *arguments, environment=ALONE)
    assert run.code == CANNOT_VERIFY and f"name one backup, not {len(arguments)}" in run.err, str(run)


def test_a_full_disk_is_told(place):
    run = place.run("inspect", ODD / "custom.dump", environment=ALONE, before=["/bin/sh", "-c", 'exec "$@" >/dev/full', "sh"])
    assert run.code == CANNOT_VERIFY and "standard output" in run.err, str(run)
