"""Proves that `prune` deletes what is old and proven to be dispensable, with what lies beside it, and
nothing else: above all never the last good backup."""

import hashlib
import json
import os
import subprocess
import time

import pytest

from running import BAD_BACKUP, CANNOT_VERIFY, NOBODY, PASSED, ROOT, Report, needs_root, today, utc

NAME = "bugspark_%Y%m%d.dump.gz"


@pytest.fixture
def pruned(place):
    path = place.scenario(backups="keep: 30d")

    def run(*options, code=PASSED):
        ran = place.run("prune", "--reports", place.reports, *options, path)
        assert ran.code == code, str(ran)
        return ran

    return run


def put(place, days_ago, verified=False, reports=False, manifest=False, name=NAME, **changes):
    """A backup that nobody will read, and the record that `verify` would have left."""
    backup = place.backups / today(name, days_ago)
    backup.write_bytes(b"backup of %d days ago" % days_ago)
    moment = int(time.time()) - days_ago * 86400
    os.utime(backup, (moment, moment))
    sha256 = hashlib.sha256(backup.read_bytes()).hexdigest()
    if manifest:
        (place.backups / f"{backup.name}.manifest.json").write_text(json.dumps({
            "format": "restore-verifier manifest", "version": 1, "backup": backup.name, "size_bytes": backup.stat().st_size,
            "sha256": sha256, "began": utc(moment), "ended": utc(moment), "program": "p", "pg_dump": "15",
            "source": {"host": "self-hosted", "server": "15", "encoding": "UTF8", "database_bytes": 1, "extensions": [],
                       "alembic": [], "counted": True, "tables": {}}}))
    if verified:
        record = {"format": "restore-verifier record", "version": 1, "backup": backup.name, "verified": utc(moment + 60),
                  "size_bytes": backup.stat().st_size, "modified": utc(moment), "sha256": sha256, "program": "p",
                  "server": "15", "checks": 4, "warnings": 0, "tables": {}, **changes}
        where = place.reports / f"bugspark.{backup.name}" if reports else backup
        where.with_name(where.name + ".verified.json").write_text(json.dumps(record))
    return backup


def names(place):
    return sorted(os.listdir(place.backups))


def test_what_is_old_goes_with_what_lies_beside_it(place, pruned):
    kept = [put(place, 0, verified=True, manifest=True), put(place, 30)]
    gone = [put(place, 32, verified=True, manifest=True), put(place, 40), put(place, 400, verified=True, reports=True)]
    before = names(place)
    dry = pruned("--dry-run")
    assert names(place) == before
    for backup in gone:
        assert f"would delete {backup.name}" in dry.err
    run = pruned()
    for backup in gone:
        assert f"deleted {backup.name}" in run.err
    assert "deleted 3 of 5 backups" in run.err
    assert names(place) == sorted([kept[0].name, kept[0].name + ".manifest.json", kept[0].name + ".verified.json", kept[1].name])
    assert not os.listdir(place.reports), "records among the reports go as well"
    assert "nothing to delete: 2 backups" in pruned().err


STORIES = {
    "the dump stopped": [(40, True), (41, True), (42, False)],
    "the dump writes rubbish": [(0, False), (1, False), (40, True), (41, True)],
    "nothing ever verified": [(0, False), (40, False), (41, False)],
    "one old one": [(40, False)],
    "verified in the future": [(-400, True), (40, True)],
}


@pytest.mark.parametrize("story", STORIES)
def test_nothing_goes_while_nothing_young_has_verified(place, pruned, story):
    backups = [put(place, days_ago, verified) for days_ago, verified in STORIES[story]]
    before = names(place)
    run = pruned()
    assert names(place) == before
    old = sum(days_ago > 30 for days_ago, _ in STORIES[story])
    every = "all " if old == len(backups) else ""
    assert "no backup younger than 30 d has verified" in run.err
    assert f"`find -mtime +30 -delete` would have deleted {every}{old} of {len(backups)} backups" in run.err
    good = [backup for backup, (days_ago, verified) in zip(backups, STORIES[story]) if verified and days_ago > 0]
    if good and story != "verified in the future":
        assert f"stays: {good[0].name}" in run.err and "it is the newest backup that verified" in run.err


def test_find_would_have_deleted_them(place, pruned):
    """What the words above say is true."""
    for days_ago in (40, 41, 42):
        put(place, days_ago, verified=True)
    found = subprocess.run(["find", place.backups, "-name", "*.dump.gz", "-mtime", "+30"], capture_output=True, text=True, check=True)
    assert len(found.stdout.split()) == 3
    pruned()
    assert len([name for name in names(place) if name.endswith(".gz")]) == 3


def test_only_what_the_name_pattern_describes(place, pruned):
    put(place, 0, verified=True)
    old = put(place, 50)
    others = [
        f"other_{today('%Y%m%d', 50)}.dump.gz", f"bugspark_{today('%Y%m%d', 50)}.dump", f"{old.name}.asc", f"x{old.name}",
        "bugspark_20230230.dump.gz", "bugspark_.dump.gz", "notes.txt", f"other_{today('%Y%m%d', 50)}.dump.gz.manifest.json",
    ]
    for name in others:
        (place.backups / name).write_text("x")
        os.utime(place.backups / name, (0, 0))
    directory = place.backups / today(NAME, 60)
    directory.mkdir()
    (directory / "toc.dat").write_text("x")
    precious = place.directory / "precious"
    precious.write_text("x")
    link = place.backups / today(NAME, 61)
    link.symlink_to(precious)
    run = pruned()
    assert not old.exists()
    for name in others:
        assert (place.backups / name).exists(), name
    assert (directory / "toc.dat").exists() and link.is_symlink() and precious.exists()
    for left in (directory, link):
        assert f"{left} is left alone" in run.err


def test_what_lies_beside_backups_that_are_gone(place, pruned):
    put(place, 0, verified=True)
    for days_ago in (5, 50):
        for ending in (".manifest.json", ".next.manifest.json", ".verified.json"):
            (place.backups / (today(NAME, days_ago) + ending)).write_text("x")
    dry = pruned("--dry-run")
    assert dry.err.count("whose backup is gone") == 3 and len(names(place)) == 8
    pruned()
    assert [name for name in names(place) if today(NAME, 50) in name] == []
    assert len([name for name in names(place) if today(NAME, 5) in name]) == 3


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"size_bytes": 1}, "was changed after it verified"),
        ({"modified": "2020-01-01T00:00:00Z"}, "was changed after it verified"),
        ({"backup": "another.dump.gz"}, "is about another.dump.gz"),
        ({"sha256": "0" * 64}, "name different sha256"),
        ({"checks": "all"}, "is damaged"),
        ({"version": 2}, "newer version"),
        ({"format": "x"}, "is damaged"),
    ],
    ids=["size", "modified", "name", "sha256", "type", "version", "format"],
)
def test_a_record_of_something_else_proves_nothing(place, pruned, changes, words):
    put(place, 0, verified=True, manifest=True, **changes)
    old = put(place, 40)
    run = pruned()
    assert old.exists() and words in run.err, str(run)
    put(place, 0, verified=True, manifest=True)
    pruned()
    assert not old.exists()


def test_a_backup_that_was_replaced_is_not_verified(place, pruned):
    young = put(place, 0, verified=True)
    old = put(place, 40)
    young.write_bytes(b"x" * young.stat().st_size)
    os.utime(young, (time.time() + 5, time.time() + 5))
    pruned()
    assert old.exists()


def test_scenarios_without_keep(place):
    put(place, 400)
    path = place.scenario()
    run = place.run("prune", path)
    assert run.code == PASSED and "no backups.keep" in run.err
    assert len(names(place)) == 1


def test_what_cannot_be_pruned_is_an_error(place, pruned):
    os.rmdir(place.backups)
    assert str(place.backups) in pruned(code=CANNOT_VERIFY).err
    run = place.run("prune", place.directory / "nowhere.yaml")
    assert run.code == CANNOT_VERIFY and "nowhere.yaml" in run.err
    run = place.run("prune")
    assert run.code == CANNOT_VERIFY and "no scenario file" in run.err


@needs_root
def test_what_cannot_be_deleted_is_an_error(place, pruned):
    put(place, 0, verified=True)
    old = put(place, 40)
    place.give_to(NOBODY)
    os.chown(place.backups, 0, 0)
    for number in range(1, 4):
        for stream in ("stdout", "stderr"):
            (place.directory / f"{stream}.{number}").touch()
    run = pruned(code=CANNOT_VERIFY)
    assert old.exists() and old.name in run.err and "Permission denied" in run.err


def test_verify_is_what_lets_old_backups_go(place, good, pruned):
    """From one end to the other, without any record made by a test."""
    place.put(good.gz)
    old = put(place, 40)
    pruned()
    assert old.exists()
    assert place.verify("--only", "backup*", place.scenario(backups="keep: 30d")).code == PASSED
    pruned()
    assert old.exists(), "some checks were left out"
    assert place.verify(place.scenario(backups="keep: 30d")).code == PASSED
    pruned()
    assert not old.exists()


# --- every night ----------------------------------------------------------------------------------


def nightly(place, path):
    environment = {**place.environment, "RESTORE_VERIFIER": os.environ.get("RESTORE_VERIFIER", str(ROOT / "build/release/restore-verifier"))}
    return subprocess.run(
        [ROOT / "scripts/nightly", "--reports", place.reports, path], capture_output=True, text=True, env=environment, cwd=place.directory
    )


def test_a_night(place, server):
    old = put(place, 40)
    path = place.scenario(f"source:\n  database: {server.url('bugspark')!r}\ntables:\n  users:\n    - row_count same as dump\n", backups="keep: 30d")
    ran = nightly(place, path)
    assert ran.returncode == PASSED, ran.stderr
    assert names(place) == [today(NAME), today(NAME) + ".manifest.json", today(NAME) + ".verified.json"], "dump, verify, prune"
    assert f"deleted {old.name}" in ran.stderr


def test_a_night_in_which_verify_fails(place, server):
    put(place, 1, verified=True)
    old = put(place, 40)
    path = place.scenario(f"source:\n  database: {server.url('bugspark')!r}\ntables:\n  users:\n    - row_count >= 1000\n", backups="keep: 30d")
    ran = nightly(place, path)
    assert ran.returncode == BAD_BACKUP, ran.stderr
    assert old.exists() and "nothing was pruned" in ran.stderr


def objects(place, bucket):
    return (f"objects:\n  bucket: {bucket}\n  copy: {place.directory / 'copy'}\n"
            "  checks:\n    - object_count same as copy\n    - object_count >= 1\n")


def test_a_night_with_a_bucket(place, server):
    """`sync` runs after `dump` and before `verify`, which finds the same in both."""
    bucket = place.directory / "bucket"
    bucket.mkdir()
    (bucket / "shot.png").write_bytes(b"x")
    path = place.scenario(f"source:\n  database: {server.url('bugspark')!r}\n" + objects(place, bucket), backups="keep: 30d")
    ran = nightly(place, path)
    assert ran.returncode == PASSED, ran.stderr
    assert (place.directory / "copy/shot.png").read_bytes() == b"x"
    steps = [ran.stderr.index(words) for words in ("bugspark_", "copied 1", "object_count same as copy")]
    assert steps == sorted(steps), ran.stderr


def test_a_night_in_which_sync_fails(place, server):
    path = place.scenario(f"source:\n  database: {server.url('bugspark')!r}\n" + objects(place, place.directory / "nowhere"), backups="keep: 30d")
    ran = nightly(place, path)
    assert ran.returncode == CANNOT_VERIFY, ran.stderr
    assert "sync ended with 2" in ran.stderr and names(place)[0] == today(NAME)
    codes = {path.name: Report(path).exit_code for path in place.reports.glob("*.xml")}
    assert codes == {"bugspark.dump.xml": PASSED, "bugspark.sync.xml": CANNOT_VERIFY, "bugspark.xml": CANNOT_VERIFY}
