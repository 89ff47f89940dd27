"""Proves that a backup that is replaced or deleted between the moment it was found and the moment it
was restored is an error, to run again, and never called bad or good."""

import shutil

import pytest

from running import today

INTACT, RESTORES, RECENT = "backup is intact", "backup restores", "backup is recent"
NAME = "bugspark_%Y%m%d.dump"


def before(program, change):
    """The program, before which something happens to the backup $b, once."""
    return {program: f'b=$place/backups/{today(NAME)}\nif [[ $1 != --version ]] && mkdir "$place/once" 2>/dev/null; then {change}; fi\nexec "$real/{program}" "$@"'}


def kept(place, good, kind):
    """A backup, and another of the same database beside it, which is to take its place."""
    source = good.gz if kind == "gz" else good.dump
    if kind == "directory":
        source = good.directory / "dir"
        if not source.exists():
            good.server.dump("bugspark", source, "-Fd")
    target = place.put(source, NAME)
    for directory in (place.directory, place.backups):
        directory.chmod(0o777)  # for the servers' user
    other = place.directory / "new"
    if source.is_dir():
        shutil.copytree(source, other)
        (other / "toc.dat").touch()  # an exact copy would not matter
        other.chmod(0o777)
        target.chmod(0o777)
    else:
        shutil.copyfile(source, other)
    return target


@pytest.mark.often("deleted under pg_restore", "a directory", "with its manifest")
@pytest.mark.parametrize(
    "kind, program, change, words",
    [
        ("bare", "pg_restore", 'mv "$place/new" "$b"', "replaced"),
        ("bare", "pg_restore", 'rm "$b"', "deleted"),
        ("directory", "pg_restore", 'mv "$b" "$place/old"; mv "$place/new" "$b"', "replaced"),
        ("gz", "initdb", 'mv "$place/new" "$b"; echo rubbish >"$b.manifest.json"', "replaced"),
    ],
    ids=["replaced under pg_restore", "deleted under pg_restore", "a directory", "with its manifest"],
)
def test_a_backup_that_is_replaced(place, good, server, kind, program, change, words):
    good.server = server
    target = kept(place, good, kind)
    scenario = place.scenario("tables:\n  users:\n    - row_count >= 1\n", pattern=NAME)
    environment = place.stand_in(**before(program, change))
    run = place.expect("error", INTACT, f"{target}: it was {words} while it was read", scenario, environment=environment)
    assert "run again" in run.report()[INTACT].message
    assert run.report().verdicts() == {
        RECENT: "pass", INTACT: "error", RESTORES: "skip", "every table has its rows": "skip", "every object is there": "skip", "users: row_count >= 1": "skip",
    }
    assert not list(place.backups.glob("*.verified.json"))


def test_the_same_without_a_change(place, good):
    kept(place, good, "bare")
    environment = place.stand_in(**before("pg_restore", ":"))
    assert place.verify(place.scenario(pattern=NAME), environment=environment).code == 0
    assert (place.directory / "once").exists()
