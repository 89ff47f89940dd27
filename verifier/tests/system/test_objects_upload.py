"""What is written to a bucket is there whole or not at all."""
import base64
import hashlib
import os
import random
import subprocess

import pytest

import s3_faults
from s3_proxy import Answer
from s3_fixtures import AWKWARD, PROGRAM, ROOT, content_of

PACKAGES = "libcurl libxml-2.0 libcrypto libxxhash jansson".split()
LONG = random.Random(7).randbytes(17_000_000)  # two parts


@pytest.fixture(scope="session")
def driver(s3_base):
    """The program in s3_driver.c, built with what this build is built with."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", *PACKAGES], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split()
    path = s3_base / "driver"
    source = ROOT / "verifier/tests/system/s3_driver.c"
    extra = {"sanitize": ["-fsanitize=address,undefined"], "coverage": ["--coverage"]}.get(PROGRAM.parent.name, [])
    subprocess.run(["cc", "-D_GNU_SOURCE", "-I", ROOT / "verifier", "-o", path, source,
                    PROGRAM.parent / "library.a", *flags, "-lm", "-pthread", *extra], check=True)
    return path


class Driver:
    def __init__(self, path, store, bucket):
        self.path, self.store, self.bucket = path, store, bucket

    def __call__(self, command, key="", body=b"", timeout_ms=None, location=None):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("S3_", "AWS_"))}
        if timeout_ms:
            environment["DRIVER_TIMEOUT_MS"] = str(timeout_ms)
        return subprocess.run(
            [self.path, self.store.proxy.endpoint, self.store.access_key, self.store.secret_key,
             location or f"s3://{self.bucket}", command, key], input=body, capture_output=True,
            timeout=60, check=False, env=environment)


@pytest.fixture(params=["ceph", "swift"])
def objects(request, driver):
    store = request.getfixturevalue(request.param)
    store.proxy.reset()
    try:
        store.client.make_bucket("written")
    except Exception:  # pylint: disable=broad-except
        pass  # it is there already
    return Driver(driver, store, "written")


@pytest.fixture
def uploads(driver, ceph):
    ceph.proxy.reset()
    ceph.client.make_bucket("written")
    return Driver(driver, ceph, "written")


def unfinished(store):
    return store.client.request("GET", "written", query={"uploads": ""})[1].count(b"<UploadId>")


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_short_objects(objects, size):
    body = LONG[:size]
    put = objects("put", "a b+c", body)
    assert put.returncode == 0, put.stderr
    assert put.stdout.decode().split() == [str(size), hashlib.md5(body).hexdigest()]
    assert objects("get", "a b+c").stdout == body
    assert objects("head", "a b+c").stdout == put.stdout
    assert objects("delete", "a b+c").returncode == 0
    assert objects("head", "a b+c").stdout == b"missing\n"
    assert objects("delete", "a b+c").returncode == 0
    missing = objects("get", "a b+c")
    assert missing.returncode == 2 and missing.stderr


@pytest.mark.slow
def test_awkward_keys(objects):
    for key in AWKWARD:
        body = content_of(key)
        assert objects("put", key, body).returncode == 0, key
        assert objects("get", key).stdout == body, key
    assert objects("measure").stdout.split()[0] == str(len(AWKWARD)).encode()
    for key in AWKWARD:
        assert objects("delete", key).returncode == 0, key
    assert objects("measure").stdout == b"0 0\n"


def test_a_bucket_that_is_missing_is_no_missing_object(objects):
    for command in ("head", "get", "put"):
        run = objects(command, "key", location="s3://nowhere")
        assert run.returncode == 2 and b"there is no bucket `nowhere`" in run.stderr, run


def test_long_objects_go_in_parts(uploads, ceph):
    before = unfinished(ceph)
    put = uploads("put", "long", LONG)
    assert put.returncode == 0, put.stderr
    size, etag = put.stdout.decode().split()
    assert int(size) == len(LONG) and etag.endswith("-2")
    assert uploads("get", "long").stdout == LONG
    parts = [request for request in ceph.proxy.seen if "partNumber" in request.target]
    assert len(parts) == 2
    for part in parts:  # without it a bucket with a lock takes nothing
        assert ("Content-MD5", base64.b64encode(hashlib.md5(part.body).digest()).decode()) in part.headers
    assert unfinished(ceph) == before
    uploads("delete", "long")


FAULTS = [s3_faults.error_500, s3_faults.closed, s3_faults.reset_halfway]


@pytest.mark.often("reset_halfway")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_at_each_request_changes_nothing(uploads, ceph, fault):
    for number in range(5):
        at = s3_faults.At(fault, number, lambda request: True)
        ceph.proxy.reset(at)
        put = uploads("put", "long", LONG)
        assert put.returncode == 0, put.stderr
        assert at.applied == 1
        ceph.proxy.reset()
        assert hashlib.md5(uploads("get", "long").stdout).digest() == \
            hashlib.md5(LONG).digest()
        if number > 0:  # one that was begun, and whose answer was lost, is known to nobody
            assert unfinished(ceph) == before
        before = unfinished(ceph)
    uploads("delete", "long")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_upload_that_fails_leaves_nothing(uploads, ceph, number):
    """At its first part, its second, and its completion."""
    def refuse(request):
        if len(ceph.proxy.seen) <= number or request.method not in ("PUT", "POST"):
            return None
        return Answer(403, [], b"<Error><Code>AccessDenied</Code></Error>")
    before = unfinished(ceph)
    ceph.proxy.reset(rewrite=refuse)
    put = uploads("put", "long", LONG)
    assert put.returncode == 2 and b"denied" in put.stderr
    ceph.proxy.reset()
    assert uploads("head", "long").stdout == b"missing\n"
    assert unfinished(ceph) == before


def end_with(etag):
    """A store whose ETag of an object in parts is that."""
    def fault(_number, request, answer):
        if request.method == "HEAD":
            answer.headers = [(name, etag if name.lower() == "etag" else value) for name, value in answer.headers]
    return fault


@pytest.mark.parametrize("etag, stored", [('"CKicn4fknY4DEAE="', True), ('"-CKicn4fknY4DEAE=-2"', True), ('"0123456789abcdef0123456789abcdef"', True),
                                          ('"0123456789abcdef0123456789abcdef-2"', False)])
def test_stores_that_make_other_etags_of_parts(uploads, ceph, etag, stored):
    """Only one of S3's form says that the store holds something else."""
    ceph.proxy.reset(end_with(etag))
    put = uploads("put", "other", LONG)
    assert put.returncode == (0 if stored else 2), put.stderr
    assert stored or b"holds another object" in put.stderr
    ceph.proxy.reset()
    uploads("delete", "other")


def tell(method, header, other):
    """What the store says of what it has stored, as it would if that were something else."""
    def fault(_number, request, answer):
        if request.method == method:
            answer.headers = [(name, other(value) if name.lower() == header else value) for name, value in answer.headers]
    return fault


# name, what the store says, words
NOT_STORED = [
    ("another content", tell("PUT", "etag", lambda _: '"0123456789abcdef0123456789abcdef"'), b"has not stored what was sent"),
    ("a byte less", tell("HEAD", "content-length", lambda value: str(int(value) - 1)), b"bytes of the"),
    ("another one's", tell("HEAD", "etag", lambda value: value.translate({ord("a"): "b", ord("1"): "2"})), b"holds another object"),
    ("nothing", lambda _number, request, answer: request.method == "HEAD" and answer.replace(404, b""), b"does not have it"),
]


@pytest.mark.parametrize("size", [1000, len(LONG)], ids=["at once", "in parts"])
@pytest.mark.parametrize("fault, words", [case[1:] for case in NOT_STORED], ids=[case[0] for case in NOT_STORED])
def test_what_is_not_stored_as_it_was_sent(uploads, ceph, size, fault, words):
    before = unfinished(ceph)
    ceph.proxy.reset(fault)
    put = uploads("put", "other", LONG[:size])
    assert put.returncode == 2 and words in put.stderr, put
    ceph.proxy.reset()
    assert unfinished(ceph) == before
    uploads("delete", "other")


def test_an_object_that_was_there_before_is_not_taken_for_the_new_one(uploads, ceph):
    """A completion that is refused, of a store with other ETags, over an object of the same length."""
    assert uploads("put", "before", bytes(len(LONG))).returncode == 0

    def refuse(request):
        if request.method == "POST" and "uploadId=" in request.target:
            return Answer(403, [], b"<Error><Code>AccessDenied</Code></Error>")
        return None
    ceph.proxy.reset(end_with('"CKicn4fknY4DEAE="'), refuse)
    assert uploads("put", "before", LONG).returncode == 2
    ceph.proxy.reset()
    assert uploads("get", "before").stdout == bytes(len(LONG))
    uploads("delete", "before")
