"""A bucket that backups lie in, and what the tests put there."""

import gzip
import hashlib
import itertools
import json
import os
import re

import pytest

from running import today

NAME = "bugspark_%Y%m%d.dump.gz"
PREFIX = "nightly/db"
# With as few bytes as possible for what no compression makes less of.
NOISE = "create table noise as select i, " + " || ".join(f"encode(sha512('{n}.' || i::text::bytea), 'base64')" for n in range(4)) + " as x from generate_series(1, 75000) i"
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

    def scenario(self, body="", pattern=NAME, backups="max_age: 26h", name="bugspark", source=None, location=None,
                 history="none", **keys):
        keys = {"endpoint": self.store.proxy.endpoint, "region": "us-east-1", "access_key": self.store.access_key,
                "secret_key": self.store.secret_key, **keys}
        lines = backups + "".join(f"\n  {key}: {value}" for key, value in keys.items() if value)
        source = f"source:\n  database: {source!r}\n" if source else ""
        return self.place.scenario(source + body, location=location or self.location, pattern=pattern, backups=lines, name=name,
                                   history=history)

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
        assert not name.endswith(".zst") or content[:4] == b"\x28\xb5\x2f\xfd"
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


@pytest.fixture(scope="session")
def large(source_server):
    """A database whose backup takes more than one part of 16 MiB."""
    source_server.create("large", NOISE, "template0")
    yield source_server.url("large")
    source_server.drop("large")


def environment_of(store):
    return {"S3_ENDPOINT_URL": store.proxy.endpoint, "S3_ACCESS_KEY": store.access_key, "S3_SECRET_KEY": store.secret_key}


def put_good(bucket, good, name=NAME, days_ago=0, source=None):
    bucket.put(today(name, days_ago), (source or good.gz).read_bytes())
    return today(name, days_ago)
