"""Backups in a bucket: `dump`, `verify` and `prune` do there what they do in a directory, and what a store or
the way to it does wrong never makes a wrong verdict. The store is a real Ceph gateway behind a proxy."""

import gzip
import hashlib
import itertools
import json
import os
import random
import re
import signal
import time

import pytest

import s3_faults
from running import BAD_BACKUP, CANNOT_VERIFY, PASSED, ended, today
from s3_fixtures import ceph, s3_base  # noqa: F401 pylint: disable=unused-import

NAME = "bugspark_%Y%m%d.dump.gz"
PREFIX = "nightly/db"
_numbers = itertools.count()


class Bucket:
    """A bucket of its own for a test, with other people's objects in it, and a scenario whose backups lie there."""

    def __init__(self, place, store):
        self.place, self.store, self.client = place, store, store.client
        self.name = f"backups{next(_numbers)}-{os.getpid()}"
        store.proxy.reset()
        self.client.make_bucket(self.name)
        self.others = {"nightly/dbs": b"x", f"nightly/{today(NAME)}": b"no backup of ours", today(NAME): b"nor this",
                       f"{PREFIX}/deeper/{today(NAME)}": b"nor this", f"{PREFIX}/notes.txt": b"x"}
        for key, content in self.others.items():
            self.client.put(self.name, key, content)

    @property
    def location(self):
        return f"s3://{self.name}/{PREFIX}"

    def path(self, name):
        return f"{self.location}/{name}"

    def scenario(self, body="", pattern=NAME, backups="max_age: 26h", name="bugspark", source=None, location=None, **keys):
        keys = {"endpoint": self.store.proxy.endpoint, "region": "us-east-1", "access_key": self.store.access_key,
                "secret_key": self.store.secret_key, **keys}
        lines = backups + "".join(f"\n  {key}: {value}" for key, value in keys.items() if value)
        source = f"source:\n  database: {source!r}\n" if source else ""
        return self.place.scenario(source + body, location=location or self.location, pattern=pattern, backups=lines, name=name)

    def put(self, name, content):
        self.client.put(self.name, f"{PREFIX}/{name}", content)

    def get(self, name):
        return self.client.get(self.name, f"{PREFIX}/{name}")

    def delete(self, name):
        self.client.delete(self.name, f"{PREFIX}/{name}")

    def keys(self):
        """Of this test: not those of other people, which must all still be there."""
        found, marker = [], ""
        while True:
            page = self.client.request("GET", self.name, query={"marker": marker} if marker else {})[1].decode()
            keys = re.findall("<Key>(.*?)</Key>", page)
            found += keys
            if "<IsTruncated>true" not in page:
                break
            marker = keys[-1]
        assert set(self.others) <= set(found)
        return sorted(key[len(PREFIX) + 1:] for key in found if key not in self.others)

    def json(self, name):
        return json.loads(self.get(name))

    def unfinished(self):
        return self.client.request("GET", self.name, query={"uploads": ""})[1].count(b"<UploadId>")

    def check_whole(self, name):
        """Nothing under the name, or a whole backup with a manifest that speaks of it."""
        keys = self.keys()
        if name not in keys:
            return False
        content = self.get(name)
        if name.endswith(".gz"):
            assert gzip.decompress(content)[:5] == b"PGDMP"
        said = [self.json(key)["sha256"] for key in (f"{name}.manifest.json", f"{name}.next.manifest.json") if key in keys]
        assert hashlib.sha256(content).hexdigest() in said, keys
        return True


@pytest.fixture
def bucket(place, ceph):  # noqa: F811 pylint: disable=redefined-outer-name
    made = Bucket(place, ceph)
    yield made
    ceph.proxy.reset()
    secret = ceph.secret_key
    for left in place.directory.rglob("*"):
        if left.is_file() and left.suffix != ".yaml" and left.name != "restore-verifier":
            assert secret.encode() not in left.read_bytes(), f"the secret key is in {left}"


def dump(bucket, path, *options, code=PASSED, **more):  # pylint: disable=redefined-outer-name
    run = bucket.place.run("dump", *options, path, **more)
    assert run.code == code, str(run)
    return run


# --- as in a directory ----------------------------------------------------------------------------


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
