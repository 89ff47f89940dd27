"""A copy holds exactly what the bucket holds, however often it was interrupted, and nothing is written
outside of it."""
import fcntl
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time

import pytest

import s3_faults
from s3_proxy import Answer
from s3_fixtures import AWKWARD, PLAIN, content_of


def expected(keys):
    return {key: content_of(key) for key in keys}


def outcome(run):
    assert run.code == 0, run.errors
    return tuple(run.result[name]["object_count"] for name in ("bucket", "copied", "deleted", "extra"))


@pytest.mark.parametrize("store", ["ceph", "swift"])
def test_awkward_keys_are_copied_inside_the_directory(request, make_copy, store):
    store = request.getfixturevalue(store)
    store.proxy.reset()
    copy = make_copy(store, "awkward")
    assert outcome(copy.sync()) == (len(AWKWARD), len(AWKWARD), 0, 0)
    assert copy.held() == expected(AWKWARD)
    assert sorted(path.name for path in copy.directory.iterdir()) == ["copy", "scenario.yaml"]
    assert outcome(copy.sync()) == (len(AWKWARD), 0, 0, 0)
    record = json.loads((copy.path / ".restore-verifier-sync.json").read_text(encoding="utf-8"))
    assert record["object_count"] == len(record["objects"]) == len(AWKWARD)
    assert {item["etag"] for item in record["objects"]} == {hashlib.md5(content_of(key)).hexdigest() for key in AWKWARD}
    assert record["total_size"] == sum(len(content_of(key)) for key in AWKWARD)


def test_only_what_changed_is_copied(ceph, make_copy):
    ceph.proxy.reset()
    ceph.fill("changing", [(key, b"first") for key in ("same", "content", "longer", "gone", "new/a")])
    copy = make_copy(ceph, "changing")
    assert outcome(copy.sync()) == (5, 5, 0, 0)
    ceph.client.put("changing", "content", b"other")
    ceph.client.put("changing", "longer", b"longer than it was")
    ceph.client.put("changing", "new/b", b"new")
    ceph.client.delete("changing", "gone")
    before = copy.report().text
    assert outcome(copy.sync("--dry-run")) == (5, 3, 0, 1)
    assert outcome(copy.sync("--dry-run", "--delete")) == (5, 3, 1, 0)
    assert copy.report().text == before, "nothing was done that could be reported"
    assert copy.held()["content"] == b"first"
    assert outcome(copy.sync()) == (5, 3, 0, 1)
    assert copy.held() == {"same": b"first", "content": b"other", "longer": b"longer than it was",
                           "gone": b"first", "new/a": b"first", "new/b": b"new"}
    assert outcome(copy.sync("--delete")) == (5, 0, 1, 0)
    assert "gone" not in copy.held()
    report = copy.report()
    assert report.verdicts() == {"the copy is complete": "pass"} and report.suites[0].get("name") == "test.sync"
    counted = {name: report.properties[f"sync.{name}.object_count"] for name in ("bucket", "copied", "deleted", "extra")}
    assert counted == {"bucket": "5", "copied": "0", "deleted": "1", "extra": "0"}
    # A copy that is no longer asked for is reported on no longer.
    copy.scenario.write_text("scenario: test\n")
    assert copy.sync().code == 0 and not list(copy.reports.iterdir())


def test_what_happened_to_the_copy_is_repaired(ceph, make_copy):
    ceph.proxy.reset()
    copy = make_copy(ceph, "few")
    keys = PLAIN[:8]
    assert outcome(copy.sync()) == (8, 8, 0, 0)
    os.truncate(copy.path / keys[0], 3)
    (copy.path / keys[1]).unlink()
    (copy.path / keys[2]).write_bytes(b"x" * len(content_of(keys[2])))
    left = copy.path / ".restore-verifier-part.1.1"
    left.write_bytes(b"of a sync that was killed")
    assert outcome(copy.sync()) == (8, 3, 0, 0)
    assert copy.held() == expected(keys) and not left.exists()


def test_one_that_was_replaced_in_the_same_second(ceph, make_copy):
    """By another one of its size: stores tell seconds, and only the ETag tells the two apart."""
    def stop_the_clock(_number, request, answer):
        if request.is_listing:
            answer.body = re.sub(rb"(<LastModified>).*?Z", rb"\g<1>2026-11-22T10:00:00.000Z", answer.body)
    ceph.proxy.reset(stop_the_clock)
    ceph.fill("replaced", [("a", b"one"), ("b", b"two")])
    copy = make_copy(ceph, "replaced")
    assert outcome(copy.sync()) == (2, 2, 0, 0)
    ceph.client.put("replaced", "a", b"six")
    assert outcome(copy.sync()) == (2, 1, 0, 0)
    assert copy.held() == {"a": b"six", "b": b"two"}


@pytest.mark.often("cut_content-True")
@pytest.mark.parametrize("fault, always", [(s3_faults.cut_content, False), (s3_faults.cut_content, True), (s3_faults.cut_the_rest, True)])
def test_without_an_md5_the_length_tells(ceph, make_copy, fault, always):
    body = bytes(range(256)) * 400
    ceph.client.make_bucket("parts")
    ceph.client.put_in_parts("parts", "object", body)
    copy = make_copy(ceph, "parts")
    ceph.proxy.reset(s3_faults.At(fault, 0, is_content, always))
    run = copy.sync("--timeout", "5s")
    whole = {"object": body}
    assert run.code == (2 if always else 0), run.errors
    case = copy.report()["the copy is complete"]
    assert case.verdict == ("error" if always else "pass") and (case.message in run.errors or not always)
    assert copy.held() == ({} if always else whole)
    ceph.proxy.reset()
    assert copy.sync().code == 0 and copy.held() == whole
    (copy.path / "object").write_bytes(body[::-1])
    assert outcome(copy.sync()) == (1, 1, 0, 0) and copy.held() == whole


def test_a_copy_without_a_record_is_compared_by_content(ceph, make_copy):
    """As another program left it, or a sync that was killed: nothing is fetched that is there."""
    ceph.proxy.reset()
    copy = make_copy(ceph, "few")
    for key in PLAIN[:8]:
        (copy.path / key).parent.mkdir(parents=True, exist_ok=True)
        (copy.path / key).write_bytes(content_of(key))
    wrong = copy.path / PLAIN[0]
    wrong.write_bytes(bytes(byte ^ 1 for byte in wrong.read_bytes()))
    assert outcome(copy.sync("--dry-run")) == (8, 1, 0, 0)
    assert outcome(copy.sync()) == (8, 1, 0, 0)
    assert copy.held() == expected(PLAIN[:8])
    (copy.path / ".restore-verifier-sync.json").write_text('{"key":\n[[[[', encoding="utf-8")
    assert outcome(copy.sync()) == (8, 0, 0, 0)


def test_no_mixture_of_two_objects_is_copied(ceph, make_copy):
    """Replaced by one as long, while it is read: neither a length nor an MD5 tells the halves apart."""
    ceph.client.make_bucket("mixed")
    ceph.client.put_in_parts("mixed", "object", b"1" * 100_000)

    def replace(_request, answer, _memory):
        answer.send, answer.ending = 50_000, "reset"
        ceph.client.put_in_parts("mixed", "object", b"2" * 100_000)
    ceph.proxy.reset(s3_faults.At(replace, 0, is_content))
    copy = make_copy(ceph, "mixed")
    assert outcome(copy.sync()) == (1, 1, 0, 0)
    assert copy.held() == {"object": b"2" * 100_000}


def test_two_files_of_one_key_are_an_error(ceph, make_copy):
    """As somebody may have made them: which of them is the object cannot be known."""
    ceph.proxy.reset()
    copy = make_copy(ceph, "few")
    copy.path.mkdir()
    for name in ("a", "a%~"):
        (copy.path / name).write_bytes(b"x")
    run = copy.sync()
    assert run.code == 2 and "holds one object twice, in a" in run.errors and sorted(os.listdir(copy.path)) == ["a", "a%~"]


def test_files_and_folders_of_one_name_change_places(ceph, make_copy):
    ceph.proxy.reset()
    copy = make_copy(ceph, "turning")
    ceph.client.make_bucket("turning")
    states = [{"a": b"1"}, {"a": b"1", "a/b": b"2"}, {"a": b"changed", "a/b": b"2", "a/b/c": b"3"},
              {"a/b/c": b"3"}, {"a": b"4"}, {"a/b": b"5"}, {"a/b": b"5", "a": b"6"}]
    held = {}
    for state in states:
        for key in held.keys() - state.keys():
            ceph.client.delete("turning", key)
        for key, body in state.items():
            if held.get(key) != body:
                ceph.client.put("turning", key, body)
        held = state
        run = copy.sync("--delete")
        assert run.code == 0, run.errors
        assert copy.held() == state
        assert outcome(copy.sync("--dry-run", "--delete")) == (len(state), 0, 0, 0)


def test_an_empty_bucket_empties_no_copy(ceph, make_copy):
    ceph.proxy.reset()
    ceph.fill("emptied", [("precious", b"x")])
    copy = make_copy(ceph, "emptied")
    assert copy.sync().code == 0
    ceph.client.delete("emptied", "precious")
    run = copy.sync("--delete")
    assert run.code == 2 and "is empty" in run.errors and "nothing was deleted" in run.errors
    assert copy.held() == {"precious": b"x"}


@pytest.mark.parametrize("record", ["none", "garbled", "of another bucket", "of another prefix"])
@pytest.mark.parametrize("dry_run", [False, True], ids=["", "dry run"])
def test_only_a_copy_of_the_same_bucket_loses_anything(ceph, make_copy, record, dry_run):
    """A wrong `bucket` or `copy` takes no backup away, nor somebody's files."""
    ceph.proxy.reset()
    copy = make_copy(ceph, "few")
    if record == "of another prefix":
        copy.scenario.write_text(copy.scenario.read_text().replace("s3://few", f"s3://few/{PLAIN[0].split('/')[0]}"))
    elif record == "of another bucket":
        copy.scenario.write_text(copy.scenario.read_text().replace("s3://few", "s3://plain"))
    if record in ("none", "garbled"):
        copy.path.mkdir()
    else:
        assert copy.sync().code == 0
    copy.scenario.write_text(re.sub("s3://[^\"]*", "s3://few", copy.scenario.read_text()))
    if record == "garbled":
        (copy.path / ".restore-verifier-sync.json").write_text('{"format":1,\n"source":"s3://f', encoding="utf-8")
    (copy.path / "precious").write_bytes(b"x")
    held = copy.held()
    run = copy.sync("--delete", *(["--dry-run"] if dry_run else []))
    assert run.code == 2 and "nothing was deleted" in run.errors and "without --delete" in run.errors, run.errors
    assert held.items() <= copy.held().items()
    # What it says to do helps.
    assert copy.sync().code == 0
    assert copy.sync("--delete").code == 0
    assert copy.held() == expected(PLAIN[:8])


def test_a_slash_makes_no_other_bucket(ceph, make_copy):
    ceph.proxy.reset()
    copy = make_copy(ceph, "few/")
    assert copy.sync().code == 0
    (copy.path / "extra").write_bytes(b"x")
    copy.scenario.write_text(copy.scenario.read_text().replace("s3://few/", "s3://few"))
    assert outcome(copy.sync("--delete")) == (8, 0, 1, 0)


def test_an_object_that_is_listed_and_cannot_be_read_is_an_error(ceph, make_copy):
    """As a store that has lost its content, and not its name, answers."""
    def lost(request):
        if not request.is_listing and request.target.endswith(PLAIN[3]):
            return Answer(404, [], b"<Error><Code>NoSuchKey</Code></Error>")
        return None
    ceph.proxy.reset(rewrite=lost)
    copy = make_copy(ceph, "few")
    run = copy.sync()
    assert run.code == 2 and PLAIN[3] in run.errors and "lists it" in run.errors, run.errors
    assert set(copy.held()) == set(PLAIN[:8]) - {PLAIN[3]}


def archived(pattern):
    """As a store refuses what a lifecycle has moved into an archive."""
    def refuse(request):
        refused = not request.is_listing and re.search(pattern, request.target)
        return Answer(403, [], b"<Error><Code>InvalidObjectState</Code></Error>") if refused else None
    return refuse


def test_what_cannot_be_read_keeps_nothing_else_from_being_copied(ceph, make_copy):
    ceph.proxy.reset(rewrite=archived("[0-6].png"))
    copy = make_copy(ceph, "plain")
    run = copy.sync()
    refused = [key for key in PLAIN if key[-5] in "0123456"]
    assert run.code == 2 and f"{len(refused)} objects were not copied" in run.errors and "Glacier" in run.errors, run.errors
    assert "given up" not in run.errors and copy.held() == expected(set(PLAIN) - set(refused))


def test_where_nothing_can_be_read_it_gives_up(ceph, make_copy):
    ceph.proxy.reset(rewrite=archived("shots"))
    copy = make_copy(ceph, "plain")
    run = copy.sync()
    given_up = re.search("given up, because ([0-9]+) objects were not copied", run.errors)
    assert run.code == 2 and given_up and int(given_up[1]) < len(PLAIN), run.errors
    assert copy.held() == {}


def test_nothing_is_deleted_after_a_listing_that_failed(ceph, make_copy):
    copy = make_copy(ceph, "few")
    ceph.proxy.reset()
    copy.sync()
    (copy.path / "precious").write_bytes(b"x")
    ceph.proxy.reset(s3_faults.At(s3_faults.error_500, 0, lambda request: request.is_listing, True))
    assert copy.sync("--delete", "--timeout", "2s").code == 2
    assert "precious" in copy.held()


def test_links_in_a_copy_lead_nowhere(ceph, make_copy):
    ceph.proxy.reset()
    copy = make_copy(ceph, "few")
    outside = copy.directory / "outside"
    outside.mkdir()
    copy.path.mkdir()
    (copy.path / PLAIN[0].split("/")[0]).symlink_to(outside)
    run = copy.sync()
    assert run.code == 2 and "neither a file nor a directory" in run.errors
    assert not list(outside.iterdir())


def test_two_syncs_do_not_meet(ceph, make_copy):
    ceph.proxy.reset()
    copy = make_copy(ceph, "few")
    copy.path.mkdir()
    descriptor = os.open(copy.path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    run = copy.sync()
    os.close(descriptor)
    assert run.code == 2 and "another sync" in run.errors
    assert outcome(copy.sync()) == (8, 8, 0, 0)


def is_content(request):
    return request.method == "GET" and not request.is_listing


@pytest.mark.often("reset_halfway", "other_bytes", "error_500", "short_body")
@pytest.mark.parametrize("fault", s3_faults.CONTENT, ids=lambda fault: fault.__name__)
def test_a_fault_at_each_content_changes_no_copy(ceph, make_copy, fault):
    for number in range(4):
        copy = make_copy(ceph, "few")
        at = s3_faults.At(fault, number, is_content)
        ceph.proxy.reset(at)
        run = copy.sync()
        assert run.code == 0, run.errors
        assert at.applied == 1
        assert copy.held() == expected(PLAIN[:8])


@pytest.mark.often("closed", "other_bytes")
@pytest.mark.parametrize("fault", s3_faults.CONTENT, ids=lambda fault: fault.__name__)
def test_a_fault_at_contents_that_stays_is_an_error(ceph, make_copy, fault):
    copy = make_copy(ceph, "few")
    at = s3_faults.At(fault, 3, is_content, always=True)
    ceph.proxy.reset(at)
    run = copy.sync("--timeout", "2s")
    assert run.code == 2 and at.applied > 1
    assert "not copied" in run.errors
    held = copy.held()
    assert all(content_of(key) == content for key, content in held.items()) and len(held) < 8
    ceph.proxy.reset()
    assert copy.sync().code == 0
    assert copy.held() == expected(PLAIN[:8])


def test_objects_that_vanish_or_change_meanwhile(ceph, make_copy):
    """Listed, and then deleted or replaced: what is copied is whole."""
    ceph.fill("moving", [("gone", b"1"), ("changed", b"old"), ("stays", b"3")])

    def move(_number, request, _answer):
        if request.is_listing:
            ceph.client.delete("moving", "gone")
            ceph.client.put("moving", "changed", b"newer and longer")
    ceph.proxy.reset(move)
    copy = make_copy(ceph, "moving")
    run = copy.sync()
    assert run.code == 0, run.errors
    assert copy.held() == {"changed": b"newer and longer", "stays": b"3"}
    ceph.proxy.reset()
    assert outcome(copy.sync()) == (2, 0, 0, 0)


def test_a_big_object_goes_on_where_it_was_cut(ceph, make_copy):
    body = random.Random(1).randbytes(3_000_000)
    ceph.fill("big", [("object", body)])
    served = []

    def cut(_number, request, answer):
        if is_content(request):
            served.append(len(answer.body))
            if len(served) < 4:
                answer.send, answer.ending = 800_000, "reset"
    ceph.proxy.reset(cut)
    copy = make_copy(ceph, "big")
    assert outcome(copy.sync()) == (1, 1, 0, 0)
    assert copy.held() == {"object": body}
    assert served[0] == len(body) > served[-1]


@pytest.mark.slow
def test_kills_at_random_moments_leave_whole_objects(ceph, make_copy):
    chance = random.Random(50)
    ceph.proxy.reset()
    objects = {f"{n % 5}/{n}": chance.randbytes(chance.randrange(30_000)) for n in range(150)}
    ceph.fill("killed", objects.items())
    copy = make_copy(ceph, "killed", endpoint=ceph.endpoint)
    began = time.monotonic()
    assert copy.sync().code == 0
    whole = time.monotonic() - began
    shutil.rmtree(copy.path)
    for _ in range(50):
        process = subprocess.Popen(copy.command(), stdout=subprocess.DEVNULL, env=copy.environment())
        time.sleep(chance.random() * whole * 0.6)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if copy.path.exists():
            held = copy.held()
            assert all(objects[key] == content for key, content in held.items())
            if len(held) > 140:
                shutil.rmtree(copy.path)
    assert copy.sync().code == 0
    assert copy.held() == objects
    assert [name for name in os.listdir(copy.path) if "part" in name] == []
