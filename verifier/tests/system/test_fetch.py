"""Proves that `fetch` gets a backup out of its place whole and checked, or not at all, and that the commands that it
prints restore just that."""

import gzip
import hashlib
import json
import os
import shutil
import subprocess

import pytest

from running import BAD_BACKUP, BIN, CANNOT_VERIFY, FIXTURES, PASSED, flip_bit, today

ODD = FIXTURES / "archives/odd"


def fetched(place, scenario, *options, code=PASSED, into="here", **how):
    run = place.run("fetch", scenario, place.directory / into, *options, **how)
    assert run.code == code, str(run)
    return run


def restored(place, server, run):
    """Runs what was printed, as a person would."""
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "PGHOST": str(server.directory), "PGUSER": "postgres", "PGPORT": str(server.port)}
    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", run.out], cwd=place.directory, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, run.out + ran.stderr


@pytest.fixture
def dumped(place, server, database):
    """Two nights of `dump`, with their manifests."""
    name = database("create table t as select generate_series(1, 9) as i")
    scenario = place.scenario(f"source:\n  database: {server.url(name)!r}\n", pattern="it's $x_%Y%m%d.dump.gz")
    assert place.run("dump", scenario).code == PASSED
    return name, scenario, today("it's $x_%Y%m%d.dump.gz")


def test_the_latest_with_its_manifest_and_its_recipe(place, server, dumped):
    name, scenario, backup = dumped
    run = fetched(place, scenario)
    there, here = place.backups, place.directory / "here"
    assert sorted(path.name for path in here.iterdir()) == [backup, backup + ".manifest.json"]
    assert (here / backup).read_bytes() == (there / backup).read_bytes()
    assert json.loads((here / (backup + ".manifest.json")).read_text()) == json.loads((there / (backup + ".manifest.json")).read_text())
    assert (here / backup).stat().st_mode & 0o777 == 0o600
    assert "1 table, 9 rows, read to its end and intact; it is the file that its manifest speaks of" in run.err
    server.sql(f'drop database "{name}"')
    restored(place, server, run)
    assert server.sql("select count(*) from t", name) == "9"


def test_without_the_variables_that_only_a_run_needs(place, dumped):
    """On the day of a disaster nobody has the database's address."""
    _, scenario, backup = dumped
    lines = open(scenario).read().split("\n")
    text = "\n".join("  database: ${DATABASE_URL}" if line.startswith("  database:") else line for line in lines)
    open(scenario, "w").write(text + "tables:\n  t: ['row_count >= ${LEAST}']\nrestore:\n  server: ${SERVER}\nnotify:\n  success: https://${PING}\n"
                              "migration:\n  command: [alembic, upgrade, '${REVISION}']\n  environment: {DATABASE_URL: '${migration.url}'}\n"
                              "commands:\n  - {name: smoke, run: ['${SMOKE}', '${restored.url}']}\n")
    fetched(place, scenario)
    assert (place.directory / "here" / backup).exists()
    run = place.run("list", scenario)
    assert (run.code, backup in run.out) == (PASSED, True), str(run)
    assert "is not set" not in place.run("gate", scenario).err
    run = place.run("verify", scenario)
    assert run.code == CANNOT_VERIFY and run.err.count("the environment variable `") == 6, str(run)


def test_one_that_is_named(place, good, dumped):
    _, scenario, _ = dumped
    shutil.copyfile(good.dump, place.backups / "other.dump")
    for number, named in enumerate(("other.dump", place.backups / "other.dump")):
        run = fetched(place, scenario, "--backup", named, into=f"to{number}")
        assert (place.directory / f"to{number}/other.dump").read_bytes() == good.dump.read_bytes()
        assert "it has no manifest, so that only its own structure was checked" in run.err


def test_what_is_there_stays_unless_forced(place, dumped):
    _, scenario, backup = dumped
    fetched(place, scenario)
    (place.directory / "here" / backup).write_text("mine")
    run = fetched(place, scenario, code=CANNOT_VERIFY)
    assert "exists already: --force replaces it" in run.err and (place.directory / "here" / backup).read_text() == "mine"
    fetched(place, scenario, "--force", "--quiet")
    assert (place.directory / "here" / backup).read_bytes() == (place.backups / backup).read_bytes()


def test_none_without_its_manifest(place, dumped):
    _, scenario, backup = dumped
    (place.directory / "here" / (backup + ".manifest.json") / "x").mkdir(parents=True)
    assert "exists already" in fetched(place, scenario, code=CANNOT_VERIFY).err
    run = fetched(place, scenario, "--force", code=CANNOT_VERIFY)
    assert "manifest.json" in run.err and not (place.directory / "here" / backup).exists()


def test_no_manifest_of_another_stays_beside_it(place, dumped):
    _, scenario, backup = dumped
    fetched(place, scenario)
    (place.backups / (backup + ".manifest.json")).unlink()
    other = place.backups / backup
    other.write_bytes(gzip.compress(gzip.decompress(other.read_bytes()), 1))
    fetched(place, scenario, "--force")
    assert [path.name for path in (place.directory / "here").iterdir()] == [backup]


def test_never_into_its_own_place(place, dumped):
    """What then went wrong would cost the only one there is."""
    _, scenario, backup = dumped
    before = (place.backups / backup).stat().st_ino
    run = fetched(place, scenario, "--force", code=CANNOT_VERIFY, into=place.backups)
    assert "lies: name another directory" in run.err and (place.backups / backup).stat().st_ino == before


def test_two_at_once_do_not_share_a_directory(place):
    name = today("odd_%Y%m%d.dir")
    place.put(ODD / "directory", name)
    scenario = place.scenario(pattern="odd_%Y%m%d.dir")
    hidden = place.directory / f"here/.{name}.partial"
    hidden.mkdir(parents=True)
    with subprocess.Popen(["flock", hidden, "sh", "-c", "echo locked; read end"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        run = fetched(place, scenario, code=CANNOT_VERIFY)
        assert "another run is fetching it" in run.err and hidden.is_dir(), str(run)
        other.stdin.close()
    fetched(place, scenario)
    assert [path.name for path in hidden.parent.iterdir()] == [name]


def partial(place, name):
    """What a killed run leaves of a directory-format dump."""
    hidden = place.directory / f"here/.{name}.partial"
    hidden.mkdir(parents=True)
    (hidden / "3001.dat.gz").write_text("x")
    return hidden


def test_what_a_killed_run_left_goes(place, good):
    """Of last night's backup too, which nobody will fetch again; not what has another name, and not what is being written."""
    place.put(ODD / "directory", today("odd_%Y%m%d.dir"))
    scenario = place.scenario(pattern="odd_%Y%m%d.dir")
    before = partial(place, today("odd_%Y%m%d.dir", days_ago=1))
    others = {partial(place, name) for name in ("photos", "odd_20261399.dir")}
    busy = partial(place, today("odd_%Y%m%d.dir", days_ago=2))
    link = busy.parent / f".{today('odd_%Y%m%d.dir', days_ago=3)}.partial"
    link.symlink_to(place.backups)
    with subprocess.Popen(["flock", busy, "sh", "-c", "echo locked; read end"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        fetched(place, scenario)
        other.stdin.close()
    assert not before.exists()
    assert set(before.parent.glob(".*.partial")) == {*others, busy, link}
    fetched(place, scenario, "--force")
    assert not busy.exists() and list(place.backups.iterdir())


def other_backup(path):
    path.write_bytes(gzip.compress((ODD / "custom.dump").read_bytes(), 1))


def same_size(path):
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\1" + content[5:])  # of its header: a time, which changes nothing


# name: (what is done to it, words)
BAD = {
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:-40]), "cut off"),
    "a flipped bit": (lambda path: path.write_bytes(flip_bit(path.read_bytes(), path.stat().st_size * 4)), "the backup is bad"),
    "another backup": (other_backup, "and its manifest says"),
    "one of the same size": (same_size, "has the SHA-256"),
    "no backup": (lambda path: path.write_text("<html>not found</html>"), "the backup is bad"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_one_leaves_nothing(place, dumped, name):
    _, scenario, backup = dumped
    breaking, words = BAD[name]
    breaking(place.backups / backup)
    run = fetched(place, scenario, code=BAD_BACKUP)
    assert words in run.err and "nothing was fetched" in run.err and "/proc/" not in run.err, str(run)
    assert list((place.directory / "here").iterdir()) == [] and run.out == ""


@pytest.mark.parametrize("form", ["directory", "tar.tar", "dump.sql", "render.dir.tar.gz"])
def test_every_format(place, form):
    source = ODD / form
    name = f"odd_{today('%Y%m%d')}.{'dir' if form == 'directory' else form.partition('.')[2]}"
    place.put(source, name)
    scenario = place.scenario(pattern=name.replace(today("%Y%m%d"), "%Y%m%d"))
    run = fetched(place, scenario)
    target = place.directory / "here" / name
    assert [path.name for path in target.parent.iterdir()] == [name] and str(target) in run.out
    if source.is_dir():
        assert {path.name: path.read_bytes() for path in target.iterdir()} == {path.name: path.read_bytes() for path in source.iterdir()}
        assert fetched(place, scenario, code=CANNOT_VERIFY).err.count("exists already") == 1
        fetched(place, scenario, "--force")
        next(place.backups.glob("*/*.dat*")).unlink()
        shutil.rmtree(target)
        fetched(place, scenario, code=BAD_BACKUP)
        assert list(target.parent.iterdir()) == []
    else:
        assert target.read_bytes() == source.read_bytes()


SETS = {
    "side by side": ("{schema: schema_%F.sql, data: data_%F.sql}", "{part}_%Y-%m-%d.sql"),
    "in a directory": ("night_%F", "night_%Y-%m-%d/{part}.sql"),
}


@pytest.mark.parametrize("name", SETS)
def test_a_set_of_files(place, server, database, name):
    pattern, path = SETS[name]
    made = database("create table t (i int); insert into t select generate_series(1, 9)")
    files = [today(path.format(part=part)) for part in ("schema", "data")]
    for file, option in zip(files, ("--schema-only", "--data-only")):
        (place.backups / file).parent.mkdir(exist_ok=True)
        server.dump(made, place.backups / file, "-Fp", option)
    scenario = place.scenario(pattern=pattern)
    run = fetched(place, scenario)
    found = {str(path.relative_to(place.directory / "here")) for path in (place.directory / "here").rglob("*.sql")}
    assert found == set(files)
    restored(place, server, run)
    assert server.sql("select count(*) from t", "restored") == "9"
    server.drop("restored")
    (place.backups / files[1]).write_text((place.backups / files[1]).read_text()[:-60])
    fetched(place, scenario, code=BAD_BACKUP, into="there")
    assert list((place.directory / "there").iterdir()) == []


def test_out_of_a_bucket(place, server, bucket):  # noqa: F811
    scenario = bucket.scenario(source=server.url("bugspark"))
    assert place.run("dump", scenario).code == PASSED
    name = today("bugspark_%Y%m%d.dump.gz")
    run = fetched(place, scenario)
    target = place.directory / "here" / name
    assert hashlib.sha256(target.read_bytes()).hexdigest() == bucket.json(name + ".manifest.json")["sha256"]
    assert "its manifest speaks of" in run.err and str(target) in run.out and "aws" not in run.out
    bucket.put(name, bucket.get(name)[:-5000])
    fetched(place, scenario, code=BAD_BACKUP, into="there")
    assert list((place.directory / "there").iterdir()) == []
    fetched(place, scenario, "--backup", bucket.path("nothing.dump"), code=CANNOT_VERIFY)


REFUSED = {
    "no directory": ([], "name one scenario and the directory to fetch into"),
    "a directory of no name": ([""], "name one scenario and the directory to fetch into"),
    "a directory that cannot be made": (["/nowhere/at/all"], "cannot make the directory /nowhere/at/all"),
    "a file": (["/etc/passwd"], "is not a directory"),
    "no such backup": (["{place}/here", "--backup", "nothing.dump"], "nothing.dump"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_cannot_do(place, good, name):
    arguments, words = REFUSED[name]
    place.put(good.gz)
    run = place.run("fetch", place.scenario(), *(word.format(place=place.directory) for word in arguments))
    assert (run.code, words in run.err) == (CANNOT_VERIFY, True), str(run)


def test_where_there_is_no_backup(place):
    run = fetched(place, place.scenario(), code=BAD_BACKUP)
    assert "nothing was fetched: no backup in" in run.err and not os.path.exists(place.directory / "here")
