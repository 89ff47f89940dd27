"""A listing is right or an error, whatever the store or the way to it does."""
import random
import re

import pytest

import s3_faults
from s3_proxy import Answer
from s3_client import quote
from s3_fixtures import AWKWARD, PAGE, PLAIN


def is_listing(request):
    return request.is_listing


@pytest.mark.often("slow_down", "cut_to_objects", "token_of_before", "portal")
@pytest.mark.parametrize("fault", s3_faults.LISTING, ids=lambda fault: fault.__name__)
def test_a_fault_at_each_request_changes_no_count(ceph, make_copy, fault):
    copy = make_copy(ceph, "plain")
    applied = 0
    for number in range(1000):
        at = s3_faults.At(fault, number, is_listing)
        ceph.proxy.reset(at)
        assert copy.count() == len(PLAIN), f"at request {number}"
        if at.count <= number:
            break
        applied += at.applied
    assert number >= len(PLAIN) // 20 and applied >= 1


# Tokens are not needed where there are keys, and pages that are sent to all come below.
HARMLESS = (s3_faults.repeated, s3_faults.no_token, s3_faults.token_of_before)
PERSISTENT = [fault for fault in s3_faults.LISTING if fault not in HARMLESS]


# Each is waited for until it is given up.
@pytest.mark.often("reset", "cut_to_objects", "no_end", "portal")
@pytest.mark.parametrize("fault", PERSISTENT, ids=lambda fault: fault.__name__)
def test_a_fault_that_stays_is_an_error(ceph, make_copy, fault):
    at = s3_faults.At(fault, 5, is_listing, always=True)
    ceph.proxy.reset(at)
    copy = make_copy(ceph, "plain")
    assert copy.count("--timeout", "2s") is None
    assert at.applied > 1


def test_a_page_that_comes_again_and_again_is_an_error(ceph, make_copy):
    """The same page to whatever is asked, as a cache would have it."""
    first = {}

    def stuck(_number, request, answer):
        if request.is_listing:
            answer.body = first.setdefault("page", answer.body)

    ceph.proxy.reset(stuck)
    run = make_copy(ceph, "plain").sync("--dry-run", "--timeout", "5s")
    assert run.code == 2 and "page" in run.errors


def test_the_page_of_another_range_is_an_error(ceph, make_copy):
    """An empty last page to a question in the middle would end that range early."""
    _, last = ceph.client.request("GET", "plain", query={"list-type": "2", "start-after": "zzz"})
    assert b"<Contents>" not in last and b"<IsTruncated>false" in last
    done = []

    def swapped(number, request, answer):
        if number >= 2 and "start-after" in request.target and not done:
            answer.body = last
            done.append(request)

    ceph.proxy.reset(swapped)
    assert make_copy(ceph, "plain").count() == len(PLAIN)
    assert done


def test_a_stall_is_not_waited_for(ceph, make_copy):
    copy = make_copy(ceph, "plain")
    for number, send in ((0, None), (4, 100)):
        def stall(_request, answer, _memory):
            answer.send, answer.ending = send, 60  # pylint: disable=cell-var-from-loop
        at = s3_faults.At(stall, number, is_listing)
        ceph.proxy.reset(at)
        assert copy.count("--timeout", "8s", timeout=20) == len(PLAIN)
        assert at.applied == 1


def test_a_store_that_is_silent_is_an_error_in_time(ceph, make_copy):
    def silence(_number, _request, answer):
        answer.ending = 60
    ceph.proxy.reset(silence)
    assert make_copy(ceph, "plain").count("--timeout", "3s", timeout=10) is None


# A store that is near is asked for a few pages at a time, one that is far for many.
near_and_far = pytest.mark.parametrize("delay_s", [0, 0.035], ids=["near", "far"])


def random_keys(seed, shape):
    chance = random.Random(seed)
    pieces = {"hex": "0123456789abcdef", "text": "abcdefghijklmnopqrstuvwxyz/-_.", "any": " !+%&/09AZaz~äß😀\n",
              "two": "ab"}[shape]
    return {"".join(chance.choice(pieces) for _ in range(chance.randrange(1, 40)))
            for _ in range(250)}


@pytest.mark.often("hex-far", "text-near", "any-near")
@near_and_far
@pytest.mark.parametrize("shape", ["hex", "text", "any", "two"])
def test_each_key_is_listed_once_whatever_the_keys(ceph, make_copy, shape, delay_s):
    bucket = f"shape-{shape}"
    keys = random_keys(shape, shape)
    ceph.fill(bucket, ((key, b"") for key in keys))
    ceph.proxy.reset(delay_s=delay_s)
    copy = make_copy(ceph, bucket)
    run = copy.sync()
    assert run.code == 0, run.errors
    assert set(copy.held()) == keys


def test_an_end_that_comes_too_early_is_not_believed(ceph, make_copy):
    """Once an empty last page where the one before has said that there are more keys."""
    done = []

    def end(request):
        if request.is_listing and len(ceph.proxy.seen) > 3 and not done:
            done.append(request)
            return Answer(200, [], b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        return None
    ceph.fill("plain-too", ((f"a/{n:04}", b"") for n in range(100)))
    ceph.proxy.reset(rewrite=end)
    assert make_copy(ceph, "plain-too").count() in (100, None)
    assert done


@near_and_far
def test_clumps_of_keys(ceph, make_copy, delay_s):
    """Few owners with many objects each, as applications have them."""
    chance = random.Random(3)
    owners = [f"{chance.getrandbits(64):016x}" for _ in range(12)]
    keys = {f"{chance.choice(owners)}/{chance.getrandbits(64):016x}.png" for _ in range(400)}
    ceph.fill("clumps", ((key, b"") for key in keys))
    ceph.proxy.reset(delay_s=delay_s)
    assert make_copy(ceph, "clumps").count() == len(keys)
    starts = [request for request in ceph.proxy.seen if "start-after" in request.target]
    assert len(starts) < 3 * len(keys) / PAGE


def test_a_far_store_is_asked_for_many_pages_at_a_time(ceph, make_copy):
    chance = random.Random(4)
    keys = {f"{chance.getrandbits(128):032x}.png" for _ in range(600)}
    ceph.fill("even", ((key, b"") for key in keys))
    ceph.proxy.reset(delay_s=0.1)
    assert make_copy(ceph, "even").count() == len(keys)
    assert ceph.proxy.most_under_way > 8
    # Keys at the very places where the ranges were divided.
    starts = [re.search("start-after=([0-9a-f]*)", request.target) for request in ceph.proxy.seen]
    places = {start[1] for start in starts if start} - keys
    assert len(places) > 8
    ceph.fill("even", ((key, b"") for key in places))
    assert make_copy(ceph, "even").count() == len(keys | places)


def test_pages_of_any_length(ceph, make_copy):
    """Shorter pages than asked for, also empty ones, as long as they lead on."""
    def shorten(request):
        if not request.is_listing:
            return
        path, query = request.target.split("?")
        resign(ceph, request, path, re.sub("max-keys=[0-9]+", f"max-keys={random.choice([1, 3, 20])}", query))
    ceph.proxy.reset(rewrite=shorten)
    assert make_copy(ceph, "plain").count() == len(PLAIN)


def resign(store, request, path, query):
    import datetime
    headers = store.client.sign(request.method, path, query, request.body,
                                datetime.datetime.now(datetime.timezone.utc))
    request.target = f"{path}?{query}"
    request.headers = [("Host", headers.pop("host")), *headers.items()]


@pytest.mark.parametrize("refuses", [False, True])
def test_stores_of_the_first_version(ceph, make_copy, refuses):
    """One that ignores what it does not know, and one that refuses it."""
    def forget(request):
        path, _, query = request.target.partition("?")
        known = [pair for pair in query.split("&")
                 if not re.match("list-type|continuation-token|start-after", pair)]
        if request.is_listing and not refuses:
            resign(ceph, request, path, "&".join(sorted(known)))

    def refuse(_number, request, answer):
        if refuses and "list-type=2" in request.target:
            answer.replace(501, b"<Error><Code>NotImplemented</Code></Error>")

    ceph.proxy.reset(refuse, forget)
    assert make_copy(ceph, "plain").count() == len(PLAIN)
    assert any("marker=" in request.target for request in ceph.proxy.seen)


def forget_start(store):
    """As some stores do: where to begin is ignored, the way on is the token's alone."""
    def forget(request):
        path, _, query = request.target.partition("?")
        kept = [pair for pair in query.split("&") if not pair.startswith("start-after=")]
        if request.is_listing:
            resign(store, request, path, "&".join(sorted(kept)))
    return forget


def test_a_store_that_ignores_where_to_begin(ceph, make_copy):
    for bucket, count in (("plain", len(PLAIN)), ("awkward", len(AWKWARD)), ("few", 8), ("empty", 0)):
        ceph.proxy.reset(rewrite=forget_start(ceph))
        assert make_copy(ceph, bucket).count() == count
    assert make_copy(ceph, "plain/00").count() == len([key for key in PLAIN if key.startswith("00/")])


@pytest.mark.slow
@pytest.mark.parametrize("fault", s3_faults.LISTING, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("always", [False, True], ids=["once", "always"])
def test_faults_of_a_store_that_ignores_where_to_begin(ceph, make_copy, fault, always):
    """No fault makes the count smaller there, and one that stays is an error."""
    copy = make_copy(ceph, "plain")
    seen = []

    def after_the_first_token(request):
        if "continuation-token" in request.target:
            seen.append(request)
        return request.is_listing and len(seen) > 0

    # Those give each page once it is asked for again.
    heals = fault in (s3_faults.repeated, s3_faults.token_of_before)
    for number in (1,) if always else (0, 3):
        seen.clear()
        at = s3_faults.At(fault, number, after_the_first_token, always)
        ceph.proxy.reset(at, forget_start(ceph))
        count = copy.count("--timeout", "4s")
        assert at.count > number and at.applied
        assert count == len(PLAIN) or (always and count is None)
        assert not always or heals or count is None


@pytest.mark.parametrize("store", ["ceph", "swift"])
def test_real_stores_list_awkward_keys(request, make_copy, store):
    store = request.getfixturevalue(store)
    store.proxy.reset()
    assert make_copy(store, "awkward").count() == len(AWKWARD)


def test_swift_lists_in_parallel(swift, make_copy):
    swift.proxy.reset()
    assert make_copy(swift, "plain").count() == 101


def test_prefixes(ceph, make_copy):
    ceph.proxy.reset()
    wanted = [key for key in PLAIN if key.startswith("00/shots/")]
    assert make_copy(ceph, "plain/00").count() == len(wanted)
    assert make_copy(ceph, "plain/00/shots/").count() == len(wanted)
    assert make_copy(ceph, "plain/none").count() == 0
    assert all(quote("00/") in request.target or "none" in request.target
               for request in ceph.proxy.seen)


def test_an_empty_bucket(ceph, make_copy):
    ceph.proxy.reset()
    assert make_copy(ceph, "empty").count() == 0
