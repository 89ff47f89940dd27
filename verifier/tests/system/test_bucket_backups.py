"""Backups in a bucket: `dump`, `verify` and `prune` do there what they do in a directory, and what a store or
the way to it does wrong never makes a wrong verdict. The store is a real Ceph gateway behind a proxy."""

import gzip
import hashlib
import itertools
import os
import random
import re
import signal
import threading
import time

import pytest

import s3_faults
from backup_bucket import NAME, PREFIX, Bucket, environment_of, put_good
from running import BAD_BACKUP, CANNOT_VERIFY, PASSED, Place, ended, flip_bit, today, wait_until
from s3_proxy import Answer


def dump(bucket, path, *options, code=PASSED, **more):  # pylint: disable=redefined-outer-name
    run = bucket.place.run("dump", *options, path, **more)
    assert run.code == code, str(run)
    return run


# --- as in a directory ----------------------------------------------------------------------------


@pytest.mark.often("bugspark_%Y%m%d.dump.gz", "b-%s.dump.zst")
@pytest.mark.parametrize("pattern", [NAME, "b-%Y-%m-%d.dump", "b-%s.dump.zst"])
def test_dump_verify_prune(bucket, server, pattern):
    checks = "tables:\n  users:\n    - row_count same as dump\n    - 'warn: change for row_count >= -5%'\n"
    path = bucket.scenario(checks, pattern=pattern, backups="max_age: 26h\n  keep: 30d", source=server.url("bugspark"))
    run = dump(bucket, path)
    names = bucket.keys()
    backup = next(name for name in names if not name.endswith(".json"))
    assert names == [backup, backup + ".manifest.json"]
    assert bucket.path(backup) in run.err
    manifest = bucket.json(backup + ".manifest.json")
    content = bucket.get(backup)
    assert manifest["backup"] == backup and manifest["size_bytes"] == len(content)
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()

    run = bucket.place.verify(path)
    assert run.code == PASSED, str(run)
    report = run.report()
    assert {"backup is recent", "backup is intact", "backup restores", "users: row_count same as dump"} <= set(report.verdicts())
    assert bucket.path(backup) in report.text and "as its manifest says" in run.err
    record = bucket.json(backup + ".verified.json")
    assert record["sha256"] == manifest["sha256"] and record["size_bytes"] == len(content)

    old = [today("bugspark_%Y%m%d.dump.gz", days_ago) for days_ago in (31, 40)]
    if pattern == NAME:
        for name in old:
            bucket.put(name, b"old")
            bucket.put(name + ".manifest.json", b"{}")
    run = bucket.place.run("prune", path)
    assert run.code == PASSED, str(run)
    assert bucket.keys() == sorted([backup, backup + ".manifest.json", backup + ".verified.json"])
    if pattern == NAME:
        assert "deleted 2 of 3 backups" in run.err


def test_the_latest_is_the_one_with_the_latest_date(bucket, good):
    put_good(bucket, good, "db-%d-%m-%Y.dump.gz")
    for days_ago in (1, 40, 300):  # written later, and in the order of names some of them behind it
        bucket.put(today("db-%d-%m-%Y.dump.gz", days_ago), b"old")
    run = bucket.place.verify(bucket.scenario(pattern="db-%d-%m-%Y.dump.gz"))
    assert run.code == PASSED and today("db-%d-%m-%Y.dump.gz") in run.err, str(run)


def test_what_is_no_backup_is_passed_over(bucket, good):
    name = put_good(bucket, good, days_ago=0)
    tomorrow = today(NAME, -1)
    bucket.put(tomorrow, b"")
    bucket.put(today(NAME, -2) + "/toc.dat", b"PGDMP")
    bucket.put(today(NAME, -2) + "/1234.dat.gz", b"x")
    bucket.put(today(NAME, -3) + "/", b"")
    bucket.put(today(NAME, -3) + ".part", b"x")
    run = bucket.place.verify(bucket.scenario())
    assert run.code == PASSED and name in run.err, str(run)
    said = run.report()["backup is recent"].output
    assert f"{tomorrow} is empty" in said
    assert f"{today(NAME, -2)} is a folder" in said and "packed with tar" in said
    assert f"{today(NAME, -3)}.part is no backup" in said


def test_every_format_is_read_as_a_stream(bucket, server, good):
    """Also what in a file would be read from several places at once; a directory packed with tar."""
    directory = server.dump("bugspark", bucket.place.directory / "d", "-Fd", "-j2")
    packed = bucket.place.directory / "d.dir.tar.gz"
    os.system(f"tar -C {bucket.place.directory} -czf {packed} {directory.name}")
    plain = server.dump("bugspark", bucket.place.directory / "p.sql", "-Fp")
    tar = server.dump("bugspark", bucket.place.directory / "t.tar", "-Ft")
    for source, pattern in [(good.dump, "a_%Y%m%d.dump"), (packed, "b_%Y%m%d.dir.tar.gz"), (plain, "c_%Y%m%d.sql"), (tar, "d_%Y%m%d.tar")]:
        bucket.put(today(pattern), source.read_bytes())
        run = bucket.place.verify(bucket.scenario("restore:\n  contents: true\n", pattern=pattern))
        assert run.code == PASSED, str(run)
        assert run.report()["contents are identical"].verdict == "pass"


def test_one_that_is_named(bucket, good):
    bucket.put("mine.bin", good.gz.read_bytes())
    path = bucket.scenario()
    run = bucket.place.verify("--backup", bucket.path("mine.bin"), path)
    assert run.code == PASSED and bucket.path("mine.bin") in run.report().text, str(run)
    assert bucket.keys() == ["mine.bin"], "no record of what prune does not know"
    run = bucket.place.verify("--backup", bucket.path("other.bin"), path)
    assert run.code == CANNOT_VERIFY and "there is no backup" in run.report()["backup is recent"].message, str(run)
    run = bucket.place.verify("--backup", "s3://" + bucket.name, path)
    assert run.code == CANNOT_VERIFY and "names no backup" in run.report()["backup is recent"].message, str(run)


def test_inspect(bucket, good):
    bucket.put("mine.bin", good.gz.read_bytes())
    run = bucket.place.run("inspect", bucket.path("mine.bin"), environment=environment_of(bucket.store))
    file = bucket.place.run("inspect", good.gz)
    end = "\nto restore it for real"
    assert run.code == PASSED and run.out.split(end)[0].replace(bucket.path("mine.bin"), str(good.gz)) == file.out.split(end)[0]
    assert f"s3 cp '{bucket.path('mine.bin')}' mine.bin\n  gunzip --stdout mine.bin | pg_restore" in run.out
    bucket.put("cut.bin", good.gz.read_bytes()[:-1000])
    run = bucket.place.run("inspect", bucket.path("cut.bin"), environment=environment_of(bucket.store))
    assert run.code == BAD_BACKUP and "cut off" in run.err
    run = bucket.place.run("inspect", bucket.path("mine.bin"))
    assert run.code == CANNOT_VERIFY, str(run)


# --- who asks -------------------------------------------------------------------------------------

NO_KEYS = {"endpoint": None, "region": None, "access_key": None, "secret_key": None}


def test_as_whom(bucket, good):
    """The keys of `backups`; else, when there are none at all, those of `objects`; else the environment."""
    put_good(bucket, good)
    store = bucket.store
    assert bucket.place.verify(bucket.scenario(**NO_KEYS), environment=environment_of(store)).code == PASSED
    wrong = {**environment_of(store), "S3_SECRET_KEY": "wrong", "S3_ACCESS_KEY": "wrong"}
    assert bucket.place.verify(bucket.scenario(**NO_KEYS), environment=wrong).code == CANNOT_VERIFY
    assert bucket.place.verify(bucket.scenario(), environment=wrong).code == PASSED

    keys = f"  endpoint: {store.proxy.endpoint}\n  access_key: {store.access_key}\n  secret_key: {store.secret_key}\n"
    objects = "objects:\n  bucket: s3://uploads\n" + keys
    def pruned(body, **more):
        return bucket.place.run("prune", bucket.scenario(body, backups="keep: 30d", **more), environment=wrong).code
    assert pruned(objects, **NO_KEYS) == PASSED
    assert pruned(objects, **{**NO_KEYS, "region": "us-east-1"}) == CANNOT_VERIFY, "half of each would be neither's"
    assert pruned(objects.replace("s3://uploads", "/tmp"), **NO_KEYS) == CANNOT_VERIFY


REFUSALS = {
    "good": ({}, None),
    "wrong secret": ({"secret_key": "AAAAwrongAAAA"}, "secret"),
    "unknown key": ({"access_key": "nobody"}, "access key"),
    "no bucket": ({"location": "s3://there-is-none/x"}, "bucket"),
    "nobody answers": ({"endpoint": "http://127.0.0.1:1"}, "127.0.0.1"),
    "no such host": ({"endpoint": "http://nowhere.invalid"}, "nowhere.invalid"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_bucket_that_cannot_be_asked(bucket, server, good, case):
    keys, words = REFUSALS[case]
    put_good(bucket, good)
    path = bucket.scenario("tables:\n  users:\n    - row_count >= 1\n", backups="max_age: 26h\n  keep: 30d", source=server.url("bugspark"), **keys)
    run = bucket.place.verify(path)
    if not words:
        assert run.code == PASSED
        return
    case = run.report()["backup is recent"]
    assert run.code == CANNOT_VERIFY and case.verdict == "error" and words in case.message.lower(), str(run)
    assert {"pass", "fail"}.isdisjoint(run.report().verdicts().values())
    for command in ("dump", "prune"):
        run = bucket.place.run(command, path)
        assert run.code == CANNOT_VERIFY and words in run.err.lower(), str(run)
    assert bucket.keys() == [today(NAME)]


def refuse(*methods, ending=""):
    """As a store refuses what credentials do not allow."""
    def rewrite(request):
        if request.method in methods and request.target.endswith(ending):
            return Answer(403, [("Content-Type", "application/xml")], b"<Error><Code>AccessDenied</Code></Error>")
        return None
    return rewrite


def test_credentials_that_may_only_read(bucket, good):
    """The record lies among the reports then, and prune and `change for` find it there."""
    old = put_good(bucket, good, days_ago=1)
    bucket.store.proxy.reset(rewrite=refuse("PUT", "POST", "DELETE"))
    path = bucket.scenario("tables:\n  users:\n    - change for row_count >= -5%\n", backups="keep: 30d")
    run = bucket.place.verify(path)
    assert run.report()["users: change for row_count >= -5%"].verdict in ("pass", "skip"), str(run)
    assert (bucket.place.reports / f"bugspark.{old}.verified.json").exists(), str(run)
    put_good(bucket, good)
    run = bucket.place.verify(path)
    assert run.code == PASSED, str(run)
    assert f"25, and 25 in {old[:17]}" in " ".join(run.err.split()), str(run)
    assert bucket.keys() == [old, today(NAME)]
    run = bucket.place.run("prune", "--reports", bucket.place.reports, path)
    assert run.code == PASSED and "nothing to delete: 2 backups" in run.err, str(run)


def test_a_change_that_cannot_be_looked_at(bucket, good):
    """What is there to compare with is not known then: that is no "nothing to compare with"."""
    put_good(bucket, good, days_ago=1)
    put_good(bucket, good)
    path = bucket.scenario("tables:\n  users:\n    - change for row_count >= -5%\n")
    change = "users: change for row_count >= -5%"
    assert "no earlier backup has verified" in bucket.place.verify(path).report()[change].output
    refused = refuse("GET")

    def once_it_is_read(request):
        if is_backup(request):
            bucket.store.proxy.rewrite = lambda later: refused(later) if later.is_listing else None

    bucket.store.proxy.reset(rewrite=once_it_is_read)
    bucket.place.expect("error", change, ["the earlier backups", "is denied"], path)


def test_prune_that_may_not_delete(bucket, good):
    put_good(bucket, good)
    old = put_good(bucket, good, days_ago=40)
    path = bucket.scenario(backups="keep: 30d")
    assert bucket.place.verify(path).code == PASSED
    bucket.store.proxy.reset(rewrite=refuse("DELETE"))
    run = bucket.place.run("prune", "--reports", bucket.place.reports, path)
    assert run.code == CANNOT_VERIFY and "cannot remove" in run.err and old in run.err, str(run)
    bucket.store.proxy.reset()
    assert old in bucket.keys()
    assert bucket.place.run("prune", "--reports", bucket.place.reports, path).code == PASSED
    assert old not in bucket.keys()


@pytest.mark.parametrize("ending", ["", ".gz", ".json"], ids=["anything", "the backup", "its manifest"])
def test_a_dump_that_may_not_write(bucket, server, ending):
    bucket.store.proxy.reset(rewrite=refuse("PUT", "POST", ending=ending))
    path = bucket.scenario(source=server.url("bugspark"))
    run = dump(bucket, path, code=CANNOT_VERIFY)
    assert "cannot write" in run.err and bucket.keys() == [], str(run)
    bucket.store.proxy.reset()
    dump(bucket, path)
    before = bucket.get(today(NAME))
    bucket.store.proxy.reset(rewrite=refuse("PUT", "POST", ending=ending))
    run = dump(bucket, path, "--force", code=CANNOT_VERIFY)
    assert bucket.check_whole(today(NAME)) and bucket.get(today(NAME)) == before


def test_a_dump_that_may_not_delete(bucket, server):
    """It need not, unless it replaces a backup; then it tells, and the backup is whole all the same."""
    bucket.store.proxy.reset(rewrite=refuse("DELETE"))
    path = bucket.scenario(source=server.url("bugspark"))
    dump(bucket, path)
    run = dump(bucket, path, "--force", code=CANNOT_VERIFY)
    assert "the backup is written, but" in run.err and "cannot remove" in run.err, str(run)
    assert bucket.check_whole(today(NAME)) and bucket.place.verify(path).code == PASSED


# --- what is bad, and what is the way's fault -----------------------------------------------------


DAMAGE = {
    "none": (lambda content: content, "pass", "as its manifest says"),
    "cut": (lambda content: content[:-1000], "fail", "cut off"),
    "cut to half": (lambda content: content[:len(content) // 2], "fail", "cut off"),
    "a bit": (lambda content: flip_bit(content, 8 * len(content) // 2), "fail", ""),
    "packed again": (lambda content: gzip.compress(gzip.decompress(content), 1), "fail", "not the one that dump wrote"),
    "bytes behind": (lambda content: content + b"x", "fail", "behind its end"),
    "no archive": (lambda content: b"<html>" * 1000, "fail", ""),
}


@pytest.fixture(scope="session")
def dumped(base, ceph, source_server):  # noqa: F811 pylint: disable=redefined-outer-name
    """What `dump` has written into a bucket: the backup and its manifest."""
    place = Place(base / "dumped")
    made = Bucket(place, ceph)
    dump(made, made.scenario(source=source_server.url("bugspark")))
    return made.get(today(NAME)), made.get(today(NAME) + ".manifest.json")


@pytest.mark.often("none", "cut to half", "a bit", "packed again")
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_backup_that_is_damaged_is_the_backups_fault(bucket, dumped, damage):
    change, verdict, words = DAMAGE[damage]
    content, manifest = dumped
    bucket.put(today(NAME), change(content))
    bucket.put(today(NAME) + ".manifest.json", manifest)
    bucket.put(today(NAME) + ".verified.json", b"{}")
    run = bucket.place.expect(verdict, "backup is intact", [] if verdict == "pass" else [words], bucket.scenario())
    assert words in run.err or verdict == "fail", str(run)
    keys = bucket.keys()
    assert (today(NAME) + ".verified.json" in keys) == (verdict == "pass"), "no record of a backup that is bad"


def is_backup(request):
    return request.method == "GET" and request.target.partition("?")[0].endswith((".gz", ".dump"))


# Once, and where the store soon gives up, always.
ON_THE_WAY = [(None, False), *((fault, False) for fault in s3_faults.CONTENT), (s3_faults.other_bytes, True), (s3_faults.cut_content, True)]


@pytest.mark.often("None", "reset_halfway", "cut_content-False", "other_bytes-True")
@pytest.mark.parametrize("fault, always", ON_THE_WAY, ids=lambda value: getattr(value, "__name__", str(value)))
def test_what_goes_wrong_on_the_way_is_never_the_backups_fault(bucket, good, fault, always):
    pattern = "bugspark_%Y%m%d.dump"
    put_good(bucket, good, pattern, source=good.dump)
    at = s3_faults.At(fault or (lambda *_: None), 0, is_backup, always)
    bucket.store.proxy.reset(fault=at)
    run = bucket.place.verify(bucket.scenario(pattern=pattern), timeout_s=200)
    case = run.report()["backup is intact"]
    assert at.count > 0 and (at.applied > 0 or not fault), "the fault was not met"
    assert case.verdict in ("pass", "error"), str(run)
    assert run.code == (PASSED if case.verdict == "pass" else CANNOT_VERIFY)
    if not fault or (not always and fault not in (s3_faults.other_bytes, s3_faults.cut_content)):
        assert case.verdict == "pass", str(run)
    if fault and always:
        assert case.verdict == "error", str(run)


def test_a_store_that_ignores_ranges(bucket, good):
    """After the connection broke it sends the whole again, of which the half is known."""
    put_good(bucket, good)

    def forget(request):
        request.headers = [pair for pair in request.headers if pair[0].lower() != "range"]

    cut = s3_faults.At(s3_faults.reset_halfway, 0, is_backup)
    bucket.store.proxy.reset(cut, forget)
    run = bucket.place.verify(bucket.scenario())
    assert run.code == PASSED and cut.count == 2, str(run)


@pytest.mark.often("cut_content")
@pytest.mark.parametrize("fault", [s3_faults.cut_content, s3_faults.cut_the_rest])
def test_one_of_parts_that_comes_short_is_not_to_blame(bucket, good, fault):
    """Its ETag is no MD5: the length alone tells."""
    bucket.client.put_in_parts(bucket.name, f"{PREFIX}/{today(NAME)}", good.gz.read_bytes())
    path = bucket.scenario()
    assert bucket.place.verify(path).code == PASSED
    bucket.store.proxy.reset(fault=s3_faults.At(fault, 0, is_backup, True))
    bucket.place.expect("error", "backup is intact", [], path)


def test_one_that_is_replaced_while_it_is_read(bucket, good):
    """The connection breaks, and what lies there then is another one."""
    name = put_good(bucket, good)

    def replace(request, answer, memory):
        answer.send, answer.ending = len(answer.body) // 2, "reset"
        bucket.put(name, gzip.compress(good.dump.read_bytes(), 1))

    bucket.store.proxy.reset(fault=s3_faults.At(replace, 0, is_backup))
    bucket.place.expect("error", "backup is intact", "replaced while it was read: run again", bucket.scenario())


def test_one_that_is_replaced_between_looking_and_reading(bucket, good):
    name = put_good(bucket, good)
    bucket.store.proxy.reset(rewrite=lambda request: bucket.put(name, good.gz.read_bytes()[:-500]) and None if is_backup(request) else None)
    bucket.place.expect("error", "backup is intact", "replaced while it was read: run again", bucket.scenario())


@pytest.mark.often("none", "too_many", "reset_halfway", "cut_to_objects", "no_token", "portal", "error_with_200")
@pytest.mark.parametrize("fault", [None, *s3_faults.LISTING], ids=lambda fault: fault.__name__ if fault else "none")
def test_a_listing_that_is_wrong_never_hides_a_backup(bucket, fault):
    """`prune` would take the newest that it sees for the newest that there is."""
    young = [today(NAME, days_ago) for days_ago in range(20)]
    old = [today(NAME, days_ago) for days_ago in range(40, 60)]
    for name in young + old:
        bucket.put(name, b"x")
    path = bucket.scenario(backups="keep: 30d")
    at = s3_faults.At(fault or (lambda *_: None), 1, lambda request: request.is_listing)
    bucket.store.proxy.reset(fault=at)
    run = bucket.place.run("prune", path)
    assert at.count > 1 and run.code in (PASSED, CANNOT_VERIFY), str(run)
    if run.code == PASSED:
        assert "would have deleted 20 of 40 backups" in run.err, str(run)
    assert fault or run.code == PASSED


# --- dump -----------------------------------------------------------------------------------------

QUICK = "bugspark_%Y%m%d.dump.zst"  # where the compression does not matter


@pytest.mark.often("bugspark_%Y%m%d.dump")
@pytest.mark.parametrize("pattern", [NAME, "bugspark_%Y%m%d.dump"])
def test_a_backup_of_several_parts(bucket, large, pattern):
    path = bucket.scenario(source=large, pattern=pattern)
    dump(bucket, path)
    size = len(bucket.get(today(pattern)))
    assert size > 17 * 2**20 and bucket.check_whole(today(pattern)) and bucket.unfinished() == 0
    run = bucket.place.verify(path)
    assert run.code == PASSED and "75,000 rows" in run.err, str(run)


def test_a_name_that_exists(bucket, server):
    path = bucket.scenario(source=server.url("bugspark"))
    bucket.put(today(NAME), b"theirs")
    ran = bucket.place.directory / "ran"
    script = f'case $1 in --version) exec "$real/pg_dump" --version;; esac\ntouch {ran}\nexec "$real/pg_dump" "$@"\n'
    run = dump(bucket, path, code=CANNOT_VERIFY, environment=bucket.place.stand_in(pg_dump=script))
    assert f"{bucket.path(today(NAME))} exists already: --force replaces it" in run.err
    assert not ran.exists() and bucket.keys() == [today(NAME)] and bucket.get(today(NAME)) == b"theirs"
    bucket.put(today(NAME) + ".verified.json", b"{}")
    dump(bucket, path, "--force", environment=bucket.place.stand_in(pg_dump=script))
    assert ran.exists() and bucket.keys() == [today(NAME), today(NAME) + ".manifest.json"]
    assert bucket.check_whole(today(NAME)) and bucket.place.verify(path).code == PASSED
    before = {key: bucket.get(key) for key in bucket.keys()}
    run = dump(bucket, bucket.scenario(source=server.url("postgres")), "--force", code=CANNOT_VERIFY)
    assert "no tables" in run.err and len(before) == 3 and before == {key: bucket.get(key) for key in bucket.keys()}


@pytest.mark.often("new-killed", "force-pg_dump fails", "force-no archive")
@pytest.mark.parametrize("which", ["pg_dump fails", "no archive", "killed"])
@pytest.mark.parametrize("force", [False, True], ids=["new", "force"])
def test_a_dump_that_fails_leaves_what_was_there(bucket, large, which, force):
    """Also when parts of it are in the store already."""
    ends = {"pg_dump fails": '"$real/pg_dump" "$@"\nexit 1', "no archive": "head -c 20000000 /dev/urandom", "killed": '"$real/pg_dump" "$@"\nkill -9 $$'}
    path = bucket.scenario(source=large, pattern=QUICK)
    if force:
        bucket.put(today(QUICK), b"theirs")
    before = bucket.keys()
    script = f'case $1 in --version) exec "$real/pg_dump" --version;; esac\n{ends[which]}\n'
    dump(bucket, path, *["--force"] * force, code=CANNOT_VERIFY, environment=bucket.place.stand_in(pg_dump=script))
    assert any("partNumber=1" in request.target for request in bucket.store.proxy.seen), "nothing was sent"
    assert bucket.keys() == before and bucket.unfinished() == 0
    assert not force or bucket.get(before[0]) == b"theirs"


UPLOAD_FAULTS = [s3_faults.error_500, s3_faults.slow_down, s3_faults.reset, s3_faults.closed, s3_faults.error_with_200]


@pytest.mark.slow
@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("fault", UPLOAD_FAULTS, ids=lambda fault: fault.__name__)
def test_what_goes_wrong_while_dumping(bucket, server, large, fault, size):
    """At each request that a dump makes: it is made whole, or an error is told and what was there stays."""
    pattern = QUICK if size == "large" else NAME
    path = bucket.scenario(source=large if size == "large" else server.url("bugspark"), pattern=pattern)
    dump(bucket, path)
    count = bucket.store.proxy.passed
    assert count >= (12 if size == "large" else 8)
    for number in range(count + 2) if size == "small" else random.Random(fault.__name__).sample(range(count), 4):
        at = s3_faults.At(fault, number, lambda request: True)
        bucket.store.proxy.reset(fault=at)
        run = bucket.place.run("dump", "--force", path)
        bucket.store.proxy.reset()
        assert bucket.check_whole(today(pattern)), str(run)
        if run.code == PASSED:
            assert bucket.keys() == [today(pattern), today(pattern) + ".manifest.json"], f"request {number}"
        else:
            assert run.code == CANNOT_VERIFY and "no backup was made" in run.err, str(run)
    assert at.count > 0
    assert bucket.place.verify(path).code == PASSED


@pytest.mark.slow
@pytest.mark.parametrize("force", [False, True], ids=["new", "force"])
def test_a_dump_that_is_killed_at_any_request(bucket, large, force):
    """Before each request, and again after another dump that was killed: two in a row is what once lost a manifest."""
    path = bucket.scenario(source=large, pattern=QUICK)
    name = today(QUICK)
    dump(bucket, path)
    outcomes = {True: 0, False: 0}
    for number in range(100):
        if not force:
            for key in bucket.keys():
                bucket.delete(key)
        before = bucket.get(name) if force else None
        running = bucket.place.start("dump", *["--force"] * force, path)
        count = itertools.count()

        def kill(_request):
            if next(count) == number:  # pylint: disable=cell-var-from-loop
                running.signal(signal.SIGKILL)  # pylint: disable=cell-var-from-loop
                running.process.wait()  # pylint: disable=cell-var-from-loop

        bucket.store.proxy.reset(rewrite=kill)
        code = running.wait().code
        wait_until(lambda: bucket.store.proxy.asking == 0, "the store to be done with what it was asked")
        bucket.store.proxy.reset()
        there = bucket.check_whole(name)
        assert there or not force, f"request {number}: the old one is gone and the new one is not there"
        if code == PASSED:
            break
        outcomes[there and bucket.get(name) != before] += 1
    assert 10 <= number < 100 and min(outcomes.values()) > 0, f"{number} requests, {outcomes}"
    assert there and bucket.keys() == [name, name + ".manifest.json"] and bucket.place.verify(path).code == PASSED


@pytest.mark.slow
@pytest.mark.parametrize("kills", [5])
def test_a_dump_that_is_killed_at_any_moment(bucket, large, kills):
    path = bucket.scenario(source=large, pattern=QUICK)
    began = time.monotonic()
    dump(bucket, path)
    took_s = time.monotonic() - began
    moments = random.Random(5)
    for _ in range(kills):
        running = bucket.place.start("dump", "--force", path)
        time.sleep(took_s * moments.random() * 1.1)  # the moment is the point here
        running.signal(signal.SIGKILL)
        running.process.wait()
        assert bucket.check_whole(today(QUICK))
    dump(bucket, path, "--force")
    assert bucket.place.verify(path).code == PASSED


def test_a_dump_that_is_told_to_stop_takes_its_parts_away(bucket, large):
    path = bucket.scenario(source=large, pattern=QUICK)
    sent = threading.Event()
    bucket.store.proxy.reset(rewrite=lambda request: sent.set() if "partNumber=1" in request.target else None)
    script = 'case $1 in --version) exec "$real/pg_dump" --version;; esac\n"$real/pg_dump" "$@"\nsleep 60\n'
    with ended(bucket.place.start("dump", path, environment=bucket.place.stand_in(pg_dump=script))) as running:
        assert sent.wait(60), running.said()
        running.signal(signal.SIGTERM)
        assert running.wait(30).code == -signal.SIGTERM
    assert bucket.keys() == [] and bucket.unfinished() == 0


@pytest.mark.slow
def test_two_dumps_at_once_are_never_taken_for_good(bucket, server, large):
    """A bucket has no locks: what each request of one meets of the other, in both orders."""
    path = bucket.scenario(source=large, pattern=QUICK)
    name = today(QUICK)
    number = 0
    seen = set()
    while True:
        for key in bucket.keys():
            bucket.delete(key)
        running = bucket.place.start("dump", path)
        count = itertools.count()
        other = []

        def run_other(_request):
            if next(count) == number and not other:  # pylint: disable=cell-var-from-loop
                other.append(None)  # pylint: disable=cell-var-from-loop
                direct = {"S3_ENDPOINT_URL": bucket.client.endpoint, "S3_ACCESS_KEY": bucket.store.access_key, "S3_SECRET_KEY": bucket.store.secret_key}
                second = bucket.scenario(source=server.url("bugspark"), pattern=QUICK, name="second", **NO_KEYS)
                other[0] = bucket.place.run("dump", second, environment=direct).code  # pylint: disable=cell-var-from-loop

        bucket.store.proxy.reset(rewrite=run_other)
        one = running.wait().code
        bucket.store.proxy.reset()
        if not other:
            break
        keys = bucket.keys()
        said = bucket.json(name + ".manifest.json")["sha256"] if name + ".manifest.json" in keys else None
        whole = said == hashlib.sha256(bucket.get(name)).hexdigest()
        assert whole or CANNOT_VERIFY in (one, other[0]), f"request {number}: neither told"
        seen.add((one, other[0], whole))
        number += 1
    assert number > 8 and (CANNOT_VERIFY, PASSED, True) in seen, seen


def test_the_next_dump_removes_what_a_killed_one_left(bucket, server):
    """Parts that no listing shows, and that are paid for: after a day, and ours alone."""
    def begin(key):
        bucket.client.request("POST", bucket.name, f"{PREFIX}/{key}", query={"uploads": ""})

    def left():
        listed = bucket.client.request("GET", bucket.name, query={"uploads": ""})[1].decode()
        return sorted(key.rpartition("/")[2] for key in re.findall("<Key>(.*?)</Key>", listed))

    def two_days_later(_number, request, answer):
        if "uploads=" in request.target:
            answer.body = re.sub(rb"<Initiated>.*?</Initiated>", time.strftime("<Initiated>%Y-%m-%dT%H:%M:%S.000Z</Initiated>", time.gmtime(time.time() - 2 * 86400)).encode(), answer.body)

    others = ["bugspark_notes.gz", "other_20261122.dump.gz"]
    for key in (*others, today(NAME), today(NAME, 3)):
        begin(key)
    path = bucket.scenario(source=server.url("bugspark"))
    dump(bucket, path)
    assert left() == sorted([*others, today(NAME), today(NAME, 3)]), "another dump may be at work"
    bucket.store.proxy.reset(fault=two_days_later)
    dump(bucket, path, "--force")
    assert left() == others
    bucket.store.proxy.reset(fault=lambda _number, request, answer: answer.replace(403, b"") if "uploads=" in request.target else None)
    dump(bucket, path, "--force")
