"""Proves that the checks of a scenario's objects hold when bucket, copy and rows agree, and that each tells
what is wrong, and whose fault it is, when one of them does not."""

import json
import os
import shutil
import time

import pytest

from running import BAD_BACKUP, CANNOT_VERIFY, PASSED
from objects_world import COLUMNS, KEYS, NAME, PREFIX, REFERENCES, SIZE, Bucket, Directory, literal, objects_of


# --- all is well ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Directory, Bucket])
def test_all_agree(make_world, kind):
    world = make_world(kind)
    run = world.verify()
    assert run.code == PASSED, str(run)
    cases = objects_of(run)
    assert list(cases) == world.checks
    assert all(case.verdict == "pass" for case in cases.values())
    report = run.report()
    values = report.properties
    assert values["objects: object_count"] == str(len(KEYS)), values
    assert values["objects: total_size of copy"] == str(SIZE)
    assert values[f"objects: missing({COLUMNS})"] == "0"
    assert float(values["stage.objects_seconds"]) >= 0
    assert f"0 of {REFERENCES} references" in run.err and "objects 0." in run.err, run.err
    assert world.settings.get("secret_key", "none") not in report.text + run.err


def test_each_store_is_listed_once(make_world):
    """However many checks there are, and only what they ask for."""
    world = make_world(Bucket)
    world.store.proxy.reset()
    assert world.verify().code == PASSED
    assert len([request for request in world.store.proxy.seen if request.is_listing]) == 1
    world.store.proxy.reset()
    assert world.verify("--only", "objects: object_count in *").code == PASSED
    assert all("live%2Fscreenshots" in request.target for request in world.store.proxy.seen)
    world.store.proxy.reset()
    assert world.verify("--only", "backup*").code == PASSED
    assert "stage.objects_seconds" not in world.verify("--only", "backup*").report().properties
    assert not world.store.proxy.seen


# --- what is wrong is told ------------------------------------------------------------------------


def lose(world):
    world.bucket.delete("owner/project/1.png")
    world.copied("owner/project/1.png").unlink()


def delete_live(world):
    world.bucket.delete("owner/project/1.png")


def shorten_copy(world):
    path = world.copied("owner/project/2.png")
    path.write_bytes(path.read_bytes()[:-1])


def add_to_bucket(world):
    time.sleep(0.01)
    world.bucket.put("screenshots/new.png", b"new")


def change_in_bucket(world):
    time.sleep(0.01)
    world.bucket.put("screenshots/old.png", b"other")


def add_orphan(world):
    world.bucket.put("owner/project/orphan.png", b"orphan")
    world.sync()
    world.put_backup(world.dumped)


def add_later(world):
    world.put_backup(world.dumped, time.time() - 600)
    world.bucket.put("owner/project/orphan.png", b"orphan")


def lose_copy_only(world):
    world.copied("owner/project/3.png").unlink()


def lose_many(world):
    for number in range(8):
        world.bucket.delete(f"owner/project/{number}.png")
        world.copied(f"owner/project/{number}.png").unlink()
    for key in ("screenshots/a b+c.png", "shots/annotated.webp", "screenshots/old.png"):
        world.bucket.delete(key)
        world.copied(key).unlink()
    world.bucket.put("left", b"")


MISSING = f"missing({COLUMNS}) = 0"
ORPHANED = f"orphaned({COLUMNS}) = 0"
SAME = "object_count same as copy"

# damage, with the rows that are looked at in one run: name, what is checked, verdict, words. What holds only
# while nothing else has the bucket listed is looked at alone.
DAMAGES = {
    "none": (None, [
        ("nothing in either", "object_count in nowhere/ same as copy", "pass", ["there is no object in nowhere/", "neither in"]),
        ("orphans of one column", "orphaned(reports.screenshot_url) = 0", "fail", ["shots/annotated.webp"]),
        ("no such table", "missing(nothing.screenshot_url) = 0", "fail", ["no table nothing"]),
        ("no such column", "missing(reports.nothing) = 0", "error", ["reports has no column nothing"]),
        ("no such column among others", f"orphaned({COLUMNS}, reports.nothing) = 0", "error", ["reports has no column nothing"]),
        ("no row refers to anything", "missing(reports.annotated_screenshot_url) in nowhere/ = 0", "pass", ["no row refers to any object in nowhere/"]),
    ]),
    "deleted": (delete_live, [
        ("fewer objects", f"object_count = {len(KEYS)}", "fail", [f"expected object_count = {len(KEYS)}, found {len(KEYS) - 1}"]),
        ("fewer bytes", f"total_size = {SIZE}", "fail", [f"expected total_size = {SIZE}, found"]),
        ("elsewhere than below a prefix", "object_count in screenshots/ = 2", "pass", []),
        ("a warning", f"warn: object_count >= {len(KEYS)}", "pass", ["found 10"]),
        ("deleted after the dump", MISSING, "pass", []),
        ("only in the copy", SAME, "fail", ["1 only in", "owner/project/1.png: in", "sync --delete"]),
    ]),
    "deleted, and the copy asked alone": (delete_live, [
        ("deleted, and the copy asked alone", f"missing({COLUMNS}) of copy = 0", "pass", []),
    ]),
    "lost from the copy": (lose_copy_only, [
        ("fewer in the copy", f"object_count of copy = {len(KEYS)}", "fail", [f"found {len(KEYS) - 1}", "copy"]),
        ("a referenced object is lost, of the copy", f"missing({COLUMNS}) of copy = 0", "fail", ["owner/project/3.png", "1 not in"]),
    ]),
    "lost": (lose, [
        ("a referenced object is lost", MISSING, "fail", [f"found 1 of {REFERENCES} references: owner/project/1.png", "neither in", "nor in"]),
        ("elsewhere than asked for", f"missing({COLUMNS}) in screenshots/ = 0", "pass", []),
        ("below what is asked for", f"missing({COLUMNS}) in owner/ = 0", "fail", ["owner/project/1.png", "do not begin with owner/ left out"]),
    ]),
    "many lost": (lose_many, [
        ("many are lost", MISSING, "fail", [f"{REFERENCES} of {REFERENCES}", "the first 10:", "4 of these are URLs"]),
    ]),
    "added": (add_to_bucket, [
        ("more below a prefix", "object_count in screenshots/ = 2", "fail", ["found 3"]),
        ("only in the bucket", SAME, "fail", ["1 only in", "screenshots/new.png", "1 of these changed after the last sync: run sync right before verify"]),
    ]),
    "shortened in the copy": (shorten_copy, [
        ("a byte short in the copy", SAME, "fail", ["1 of another size", "owner/project/2.png: 102 bytes in", "101 in"]),
        ("the same below a prefix", "object_count in screenshots/ same as copy", "pass", []),
    ]),
    "changed": (change_in_bucket, [
        ("changed after the sync", SAME, "fail", ["1 of another size", "changed after the last sync"]),
        ("another below a prefix", "total_size in screenshots/ same as copy", "fail", ["screenshots/old.png"]),
    ]),
    "an orphan": (add_orphan, [
        ("an orphan", ORPHANED, "fail", [f"found 1 of {len(KEYS) + 1} objects: owner/project/orphan.png", "that no row refers to"]),
        ("an orphan below another prefix", f"orphaned({COLUMNS}) in screenshots/ = 0", "pass", []),
    ]),
    "an orphan that is younger than the backup": (add_later, [
        ("younger than the backup", ORPHANED, "pass", []),
    ]),
}


def name_of(check):
    return check.removeprefix("warn: ")


@pytest.mark.parametrize("kind", [Directory, Bucket])
def test_what_damages_are_seen_by_passes_before(make_world, kind):
    world = make_world(kind)
    world.only(*sorted({check for damage, rows in DAMAGES.values() if damage for _, check, _, _ in rows}))
    run = world.verify()
    assert run.code == PASSED and {case.verdict for case in objects_of(run).values()} == {"pass"}, str(run)
    assert set(objects_of(run)) == set(map(name_of, world.checks))


@pytest.mark.often("none", "deleted-Bucket", "lost-Directory", "added-Bucket", "shortened in the copy-Directory", "changed-Bucket", "an orphan-Directory")
@pytest.mark.parametrize("kind", [Directory, Bucket])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damages(make_world, kind, damage):
    change, rows = DAMAGES[damage]
    world = make_world(kind)
    world.only(*(check for _, check, _, _ in rows))
    if change:
        change(world)
    run = world.verify()
    cases = objects_of(run)
    for name, check, verdict, words in rows:
        case = cases[name_of(check)]
        assert case.verdict == verdict, f"{name}: {case}\n{run}"
        said = f"{case.message}\n{case.text}\n{case.output}".lower()
        assert not [word for word in words if word.lower() not in said], f"{name}: {said}\n{run}"
    verdicts = [verdict for _, _, verdict, _ in rows]
    assert run.code == (CANNOT_VERIFY if "error" in verdicts else BAD_BACKUP if "fail" in verdicts else PASSED), str(run)


def test_what_passes_tells_what_it_left_out(make_world):
    """A pass has no text in JUnit: it is in the JSON."""
    world = make_world(Bucket)
    world.only(MISSING, ORPHANED)
    delete_live(world)
    add_later(world)
    run = world.verify("--format", "json")
    assert run.code == PASSED, str(run)
    details = {check["name"]: check["details"] for check in json.loads(run.out)["scenarios"][0]["checks"] if "objects" in check["name"]}
    assert "1 only in" in details["objects: " + MISSING] and "owner/project/1.png" in details["objects: " + MISSING]
    assert "deleted from the bucket after the copy was made" in details["objects: " + MISSING]
    assert "more are younger than the backup" in details["objects: " + ORPHANED]


def test_of_the_copy_is_of_the_copy_alone(make_world):
    """Also where another check has had the bucket listed."""
    world = make_world(Directory)
    of_copy = f"missing({COLUMNS}) of copy = 0"
    world.only(MISSING, of_copy)
    lose_copy_only(world)
    cases = objects_of(world.verify())
    assert (cases[MISSING].verdict, cases[of_copy].verdict) == ("pass", "fail")


def test_without_a_copy_what_was_deleted_is_missing(make_world):
    world = make_world(Directory)
    world.only(MISSING)
    delete_live(world)
    world.copy = None
    world.place.expect("fail", "objects: " + MISSING, ["owner/project/1.png", "not in", "deleted after the dump"], world.scenario())


# --- what cannot be looked at ---------------------------------------------------------------------


def wrong_secret(world):
    world.settings["secret_key"] = "wrong"


def no_bucket(world):
    world.bucket.location = f"s3://{world.bucket.name}-nowhere/live"
    # Rows hold URLs with the name of the bucket that there is.
    world.checks = [check for check in world.checks if not check.startswith(("missing", "orphaned")) or "of copy" not in check]


def no_endpoint(world):
    world.settings["endpoint"] = "http://127.0.0.1:1"


def same_page(world):
    """The same page to whatever is asked, as a broken cache would have it."""
    for number in range(60):
        world.bucket.put(f"more/{number:02}", b"")
    first = {}

    def stuck(_number, request, answer):
        if request.is_listing:
            answer.body = first.setdefault("page", answer.body)

    world.store.proxy.reset(stuck)
    world.tables = "restore:\n  timeout: 8s\n"


ERRORS = [
    ("the secret is wrong", wrong_secret, "the secret key is wrong"),
    ("no such bucket", no_bucket, "there is no bucket"),
    ("nobody answers", no_endpoint, "cannot be talked to"),
    ("a page comes twice", same_page, "page"),
]


@pytest.mark.often("the secret is wrong", "nobody answers")
@pytest.mark.parametrize("damage, words", [error[1:] for error in ERRORS], ids=[error[0] for error in ERRORS])
def test_a_bucket_that_cannot_be_listed_is_an_error(make_world, damage, words):
    """Of each check that needs it, and of no other."""
    world = make_world(Bucket)
    damage(world)
    run = world.verify()
    assert run.code == CANNOT_VERIFY, str(run)
    for name, case in objects_of(run).items():
        of_copy = "of copy" in name
        assert case.verdict == ("pass" if of_copy else "error"), f"{name}: {case}"
        assert of_copy or words in case.message, f"{name}: {case}"
    assert run.report()["every table has its rows"].verdict == "pass"
    assert words in run.report().properties["stage.objects_error"]
    assert world.settings["secret_key"] not in run.report().text.replace("the secret key is wrong", "")


def test_a_copy_that_is_not_there_is_an_error(make_world):
    world = make_world(Directory)
    shutil.rmtree(world.copy)
    run = world.verify()
    assert run.code == CANNOT_VERIFY, str(run)
    for name, case in objects_of(run).items():
        needs = "copy" in name or name.startswith("missing")
        assert case.verdict == ("error" if needs else "pass"), f"{name}: {case}"
        assert not needs or "run `restore-verifier sync` first" in case.message


def test_settings_that_are_wrong_are_an_error_of_references_too(make_world):
    """Without the bucket's name no reference can be read."""
    world = make_world(Bucket)
    world.settings["endpoint"] = "http://127.0.0.1:1/with?query"
    run = world.verify()
    cases = objects_of(run)
    assert run.code == CANNOT_VERIFY
    assert cases[f"missing({COLUMNS}) of copy = 0"].verdict == "error"
    assert cases[f"object_count of copy = {len(KEYS)}"].verdict == "pass"


# --- beside the backup ----------------------------------------------------------------------------


def cut_backup(world):
    backup = next(world.place.backups.iterdir())
    backup.write_bytes(backup.read_bytes()[:-50])


def no_backup(world):
    for path in world.place.backups.iterdir():
        path.unlink()


@pytest.mark.parametrize("damage, change", [(cut_backup, "pass"), (no_backup, "skip")])
def test_a_bad_backup_leaves_the_checks_of_the_bucket(make_world, damage, change):
    world = make_world(Directory)
    damage(world)
    run = world.verify()
    assert run.code == BAD_BACKUP, str(run)
    for name, case in objects_of(run).items():
        rows = name.startswith(("missing", "orphaned"))
        expected = "skip" if rows else change if name.startswith("change") else "pass"
        assert case.verdict == expected, f"{name}: {case}"


def record_of(world):
    return [path for path in world.place.backups.iterdir() if path.name.endswith(".verified.json")]


def test_a_bucket_proves_nothing_about_a_backup(make_world):
    """What verified stays so when the bucket loses something, and a good backup of such a night verifies."""
    world = make_world(Directory)
    assert world.verify().code == PASSED
    before = record_of(world)[0].read_bytes()
    lose(world)
    assert world.verify().code == BAD_BACKUP
    assert record_of(world)[0].read_bytes() == before
    world.put_backup(world.dumped)
    assert world.verify().code == BAD_BACKUP
    told = json.loads(record_of(world)[0].read_text())
    assert told["object_failures"] >= 1, told
    assert told.get("objects") == json.loads(before).get("objects") or "objects" not in told, "measured in a bad night"


def test_changes(make_world):
    world = make_world(Directory)
    world.only("change for object_count >= -1%", "change for total_size >= -50", "change for object_count in owner/ = 0",
               "change for total_size of copy = 0")
    world.put_backup(world.dumped, time.time() - 7200)
    first = world.verify()
    assert first.code == PASSED, str(first)
    for case in objects_of(first).values():
        assert "nothing to compare with: no earlier backup has verified" in case.output
    recorded = json.loads(record_of(world)[0].read_text())["objects"]
    assert recorded["object_count"] == len(KEYS) and recorded["total_size of copy"] == SIZE
    kept = {path.name: (path.read_bytes(), path.stat()) for path in world.place.backups.iterdir()}

    world.put_backup(world.dumped)
    for name, (content, stat) in kept.items():
        path = world.place.backups / name
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    second = world.verify()
    assert second.code == PASSED, str(second)
    assert all("nothing to compare" not in case.output for case in objects_of(second).values())

    world.bucket.delete("screenshots/old.png")
    world.bucket.put("owner/project/more.png", b"x" * 10)
    world.bucket.delete("owner/project/0.png")
    world.checks.append("change for object_count in screenshots/ >= -1%")
    run = world.verify()
    assert run.code == BAD_BACKUP
    said = {name: (case.verdict, case.message + case.output) for name, case in objects_of(run).items()}
    assert said["change for object_count >= -1%"][0] == "fail"
    assert "-1 objects (-9.1%): 10, and 11 in bugspark_" in said["change for object_count >= -1%"][1]
    assert said["change for total_size >= -50"][0] == "fail" and "-93 bytes" in said["change for total_size >= -50"][1]
    assert said["change for object_count in owner/ = 0"][0] == "pass"
    assert said["change for total_size of copy = 0"][0] == "pass"
    assert "its objects are not known from bugspark_" in said["change for object_count in screenshots/ >= -1%"][1]


def test_a_scenario_with_nothing_but_objects(make_world):
    world = make_world(Directory)
    world.only("object_count >= 1")
    run = world.verify("--only", "objects: *")
    assert run.code == PASSED, str(run)
    assert run.report().selected() == ["objects: object_count >= 1"]


def test_a_section_without_checks(make_world):
    world = make_world(Directory)
    path = world.place.scenario(f"objects:\n  bucket: {world.bucket.location}\n", pattern=NAME)
    assert world.place.verify(path).code == PASSED


def test_a_run_that_waits_for_a_bucket_says_so(make_world):
    world = make_world(Bucket)

    def silence(_number, _request, answer):
        answer.ending = 60

    world.store.proxy.reset(silence)
    run = world.verify("--timeout", "3s", "--only", "objects: object_count in *")  # without anything else to do
    assert run.code == CANNOT_VERIFY
    report = run.report()
    assert report.selected() and all("stopped at stage `objects`" in report[name].message for name in report.selected()), str(run)


def test_databases_and_names_of_other_kinds(place, server):
    """Keys are UTF-8 whatever the database is; names are as they are stored; values may be of any length."""
    keys = {"Bilder/Größe é.png": b"1", "50%.png": b"2", "it's": b"3", " blank": b"4"}
    bucket = Directory(place, None)
    for key, body in keys.items():
        bucket.put(key, body)
    server.sql("create database latin encoding 'LATIN1' template template0 locale 'C'")
    try:
        rows = ", ".join(f"({literal(key)})" for key in keys)
        server.sql('set client_encoding = \'UTF8\'; create schema "Odd"; create table "Odd"."Shots" ("The URL" text); '
                   f'insert into "Odd"."Shots" values {rows}; insert into "Odd"."Shots" values (repeat(\'x\', 3000000))', "latin")
        dumped = server.dump("latin", place.directory / "dumped")
    finally:
        server.drop("latin")
    shutil.copy(dumped, place.backups / time.strftime(NAME, time.gmtime(time.time() + 1)))
    checks = ["missing(Odd.Shots.The URL) = 1", "orphaned(Odd.Shots.The URL) = 0"]
    path = place.scenario(f"objects:\n  bucket: {bucket.location}\n  checks: {json.dumps(checks)}\n", pattern=NAME)
    run = place.verify("--format", "json", path)
    assert run.code == PASSED, str(run)
    assert "1 of 5 references" in run.err and "0 of 4 objects" in run.err
    assert "x" * 400 + " ..." in run.out and "x" * 500 not in run.out


# --- many -----------------------------------------------------------------------------------------

MANY = 2001  # of which a page holds 20


@pytest.mark.slow
def test_many_objects(make_world, place, server, database):
    """A bucket of many pages, its copy, and rows that refer to each object: all is well, then four things
    are not."""
    world = make_world(Bucket, keys={}, rows=[(None, None)])
    keys = [f"{number % 97:02x}/project/{number:06}.png" for number in range(MANY)]
    world.client = world.bucket.client
    world.settings["endpoint"] = world.store.endpoint  # without the proxy, where there is no fault
    world.client.put_many(world.bucket.name, ((PREFIX + key, b"12345") for key in keys), threads=16)
    sql = ("create table reports (screenshot_url text); insert into reports select lpad(to_hex(n % 97), 2, '0') || '/project/' || "
           f"lpad(n::text, 6, '0') || '.png' from generate_series(0, {MANY - 1}) n")
    world.put_backup(server.dump(database(sql), place.directory / "many"))
    same, missing, orphaned = "object_count same as copy", "missing(reports.screenshot_url) = 0", "orphaned(reports.screenshot_url) = 0"
    world.only(f"object_count = {MANY}", f"total_size = {5 * MANY}", same, missing, orphaned)
    world.sync()
    run = world.verify()
    assert run.code == PASSED, str(run)
    assert f"0 of {MANY} references" in run.err and f"0 of {MANY} objects" in run.err

    world.client.delete(world.bucket.name, PREFIX + keys[1234])
    world.copied(keys[1234]).unlink()
    world.copied(keys[471]).write_bytes(b"1234")
    run = world.verify()
    assert run.code == BAD_BACKUP
    report = run.report()
    assert f"found 1 of {MANY} references: {keys[1234]}" in report["objects: " + missing].message
    assert "1 of another size" in report["objects: " + same].message
    assert f"{keys[471]}: 5 bytes in s3://{world.bucket.name}/live, 4 in" in report["objects: " + same].text

    world.settings["endpoint"] = world.store.proxy.endpoint
    same_page(world)
    run = world.verify()
    assert run.code == CANNOT_VERIFY
    assert {case.verdict for case in objects_of(run).values()} == {"error"}
    world.store.proxy.reset()
    wrong_secret(world)
    run = world.verify()
    assert run.code == CANNOT_VERIFY
    assert all(case.verdict == "error" and "the secret key is wrong" in case.message for case in objects_of(run).values())
