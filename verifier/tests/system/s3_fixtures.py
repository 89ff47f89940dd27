"""Stores, buckets and runs of sync for the tests of objects."""
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from running import Report, printed
from s3_client import S3
from s3_proxy import Proxy

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = pathlib.Path(os.environ.get("RESTORE_VERIFIER", ROOT / "build/release/restore-verifier"))
PAGE = 20
PLAIN = [f"{n % 16:x}{n % 7:x}/shots/{n:04}.png" for n in range(101)]

AWKWARD = [
    "a b", "a+b", "a&b=c%d", "a%20b", "%2E%2E", "//", "/leading", "trailing/", "a//b", "<>\"'", "😀",
    "caf\u00e9", "cafe\u0301", "line\nbreak", "..", "../../outside", "a/../b", ".", "./x", "Case", "case",
    "folder", "folder/inside", "folder/inside/deeper", "x" * 1024, "y/" * 500 + "z", "ü" * 400 + "/" + "n" * 200,
    ".restore-verifier-sync.json", ".restore-verifier-part.1", "50%", "a%~", "%_", "back\\slash", "*?[",
    " ", "tab\t", "\x7f", "~", "-", "+", "=", "&amp;", "]]>", "<!DOCTYPE", "${HOME}",
]


class Store:
    def __init__(self, kind, directory, page):
        self.directory = directory
        done = subprocess.run([ROOT / "scripts/s3-server", "start", kind, directory], check=True,
                              stdout=subprocess.PIPE, text=True, timeout=120,
                              env={**os.environ, "S3_PAGE": str(page)})
        self.endpoint, self.access_key, self.secret_key = done.stdout.split()
        self.port = int(self.endpoint.rsplit(":", 1)[1])
        self.client = S3(self.port, self.access_key, self.secret_key)
        self.proxy = Proxy(self.port)

    def stop(self):
        self.proxy.stop()
        subprocess.run([ROOT / "scripts/s3-server", "stop", self.directory], check=True, timeout=60)

    def fill(self, bucket, objects):
        self.client.make_bucket(bucket)
        self.client.put_many(bucket, objects)


def content_of(key):
    return key.encode() * 3


@pytest.fixture(scope="session")
def s3_base():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="rvs3.", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def ceph(s3_base):
    store = Store("ceph", s3_base / "ceph", PAGE)
    try:
        store.fill("plain", ((key, content_of(key)) for key in PLAIN))
        store.fill("awkward", ((key, content_of(key)) for key in AWKWARD))
        store.fill("few", ((key, content_of(key)) for key in PLAIN[:8]))
        store.fill("empty", ())
        yield store
    finally:
        store.stop()


@pytest.fixture(scope="session")
def swift(s3_base):
    store = Store("swift", s3_base / "swift", PAGE)
    try:
        store.fill("plain", ((key, content_of(key)) for key in PLAIN[:101]))
        store.fill("awkward", ((key, content_of(key)) for key in AWKWARD))
        yield store
    finally:
        store.stop()


class Run:
    def __init__(self, done, secrets):
        self.code, self.output, self.errors = done.returncode, done.stdout, done.stderr
        for secret in secrets:
            assert secret not in self.output + self.errors

    @property
    def result(self):
        return printed(self.output)["scenarios"][0]["sync"]


class Copy:
    """A scenario with a bucket and a copy."""

    def __init__(self, directory, store, name, **fields):
        self.directory = directory
        directory.mkdir()
        self.path = directory / "copy"
        self.scenario = directory / "scenario.yaml"
        self.reports = directory.parent / f"{directory.name}-reports"
        self.secret_key = fields.get("secret_key", store.secret_key)
        values = {"bucket": f"s3://{name}", "endpoint": store.proxy.endpoint, "region": "auto",
                  "access_key": store.access_key, "secret_key": store.secret_key,
                  "copy": str(self.path), **fields}
        lines = "".join(f"  {name}: {json.dumps(value)}\n" for name, value in values.items()
                        if value is not None)
        self.scenario.write_text(
            f"scenario: test\nbackups:\n  location: {directory}\n  name: x_%Y%m%d.dump\nhistory: none\n"
            f"objects:\n{lines}", encoding="utf-8")

    def command(self, *arguments):
        return [PROGRAM, "sync", self.scenario, "--quiet", "--format", "json", "--reports", self.reports, *arguments]

    def report(self):
        return Report(self.reports / "test.sync.xml")

    def environment(self, **more):
        kept = {name: value for name, value in os.environ.items()
                if not re.match(r"(S3|AWS)_|.*_proxy$", name, re.IGNORECASE)}
        return {**kept, "HOME": str(self.directory), **more}

    def sync(self, *arguments, timeout=60, **environment):
        done = subprocess.run(self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=timeout, check=False,
                              env=self.environment(**environment))
        assert done.returncode in (0, 2), done.stderr
        return Run(done, [self.secret_key] if len(self.secret_key) > 3 else [])

    def count(self, *arguments, **more):
        """Lists only: how many objects, or None when it failed."""
        run = self.sync("--dry-run", *arguments, **more)
        if run.code != 0:
            assert run.errors.strip() and "sync" not in printed(run.output)["scenarios"][0]
            print(run.errors)
            return None
        return run.result["bucket"]["object_count"]

    def held(self):
        """Keys and contents of the copy, by the rule that its documentation gives."""
        found = {}
        for path in self.path.rglob("*"):
            name = str(path.relative_to(self.path))
            if path.is_dir() or name.startswith(".restore-verifier"):
                continue
            key = key_of(name)
            assert key not in found
            found[key] = path.read_bytes()
        return found


def key_of(name):
    name = re.sub(r"%~$", "", name)
    name = re.sub(r"%-/", "", name)
    parts = ["" if part == "%_" else part for part in name.split("/")]
    raw = os.fsencode("/".join(parts))
    return re.sub(rb"%([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), raw).decode()


_numbers = itertools.count()


@pytest.fixture
def make_copy(s3_base):
    made = []

    def make(store, name, **fields):
        made.append(Copy(s3_base / f"copy{next(_numbers)}", store, name, **fields))
        return made[-1]

    yield make
    for copy in made:
        shutil.rmtree(copy.directory, ignore_errors=True)
