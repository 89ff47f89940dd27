"""Whoever tells the program to stop is not kept waiting by a store that does not answer, at whatever request it
went silent; and what was begun in the bucket is taken away all the same, as long as the store answers to that."""

import signal
import threading
import time

import pytest

from backup_bucket import NAME, environment_of, put_good
from running import CANNOT_VERIFY, ended, today
from s3_proxy import Answer

PROMPTLY_S = 3.5  # two seconds that the store has, and what a busy machine takes
SILENCE_S = 600


class Silence:
    """A store that falls silent at the first request that `which` says yes to; `after` chooses those that get
    no answer from then on, which is that one alone if it is not given."""

    def __init__(self, proxy, which, after=None):
        self.which, self.after = which, after
        self.fallen = threading.Event()
        proxy.reset(rewrite=self)

    def __call__(self, request):
        silent = self.which(request) or (self.fallen.is_set() and self.after and self.after(request))
        if not silent:
            return None
        self.fallen.set()
        answer = Answer(200, [], b"")
        answer.ending = SILENCE_S
        return answer

    def end(self, running, number):
        """How the program ends that is told to stop then."""
        assert self.fallen.wait(60), running.said()
        time.sleep(0.3)
        began = time.monotonic()
        running.signal(number)
        run = running.wait(60)
        assert time.monotonic() - began < PROMPTLY_S, str(run)
        return run


DUMPING = [
    ("the uploads of killed dumps", lambda request: request.method == "GET" and "uploads=" in request.target),
    ("the beginning", lambda request: request.method == "POST" and "uploads=" in request.target),
    ("a part", lambda request: "partNumber=1" in request.target),
    ("a later part", lambda request: "partNumber=2" in request.target),
    ("the completion", lambda request: request.method == "POST" and "uploadId=" in request.target),
    ("the manifest", lambda request: request.method == "PUT" and request.target.endswith("manifest.json")),
]


@pytest.mark.slow
@pytest.mark.parametrize("all_else, number", [(False, signal.SIGTERM), (True, signal.SIGINT)], ids=["alone", "and all that follows"])
@pytest.mark.parametrize("which", [which for _, which in DUMPING], ids=[name for name, _ in DUMPING])
def test_a_dump(bucket, large, which, all_else, number):  # pylint: disable=redefined-outer-name
    path = bucket.scenario(source=large, pattern="bugspark_%Y%m%d.dump.zst")
    silence = Silence(bucket.store.proxy, which, (lambda request: True) if all_else else None)
    with ended(bucket.place.start("dump", path)) as running:
        assert silence.end(running, number).code == -number
    bucket.store.proxy.reset()
    if not all_else:
        assert bucket.keys() == [] and bucket.unfinished() == 0
    # A manifest whose backup is gone is what `prune` removes and the next dump writes over.
    assert set(bucket.keys()) <= {today("bugspark_%Y%m%d.dump.zst.manifest.json")}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
@pytest.mark.parametrize("content", [False, True], ids=["listing", "object"])
def test_a_sync(bucket, number, content):
    copy = bucket.place.directory / "copy"
    fields = f"objects:\n  bucket: s3://{bucket.name}\n  copy: {copy}\n"
    silence = Silence(bucket.store.proxy, lambda request: request.method == "GET" and request.is_listing != content)
    with ended(bucket.place.start("sync", bucket.scenario(fields), environment=environment_of(bucket.store))) as running:
        assert silence.end(running, number).code == -number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
@pytest.mark.parametrize("target", ["encoding-type=", today(NAME)], ids=["listing", "object"])
def test_a_verification(bucket, good, number, target):
    put_good(bucket, good)
    path = bucket.scenario()
    silence = Silence(bucket.store.proxy, lambda request: request.method == "GET" and target in request.target)
    with ended(bucket.place.start("verify", "--reports", bucket.place.reports, path)) as running:
        run = silence.end(running, number)
    assert run.code == CANNOT_VERIFY and "interrupted" in run.err, str(run)
    bucket.place.check_nothing_left()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_pruning(bucket, good, number, method):
    for days_ago in (0, 40, 50):
        put_good(bucket, good, days_ago=days_ago)
    path = bucket.scenario(backups="keep: 30d")
    assert bucket.place.verify(path).code == 0
    silence = Silence(bucket.store.proxy, lambda request: request.method == method)
    with ended(bucket.place.start("prune", path)) as running:
        assert silence.end(running, number).code == -number
