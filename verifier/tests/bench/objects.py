"""Comparisons of listing and copying buckets, on a store of its own (scripts/s3-server)."""
import itertools
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import uuid

from comparing import WORK, Command, compare

ROOT = pathlib.Path(__file__).resolve().parents[3]
RELEASE = ROOT / "build" / "release"
DELAY_MS = 50
PACKAGES = "libcurl libxml-2.0 libcrypto libxxhash jansson".split()


def keys(count):
    """As BugSpark names its screenshots: owner, project, a UUID; and older ones in a folder."""
    chance = random.Random(count)

    def new():
        return str(uuid.UUID(int=chance.getrandbits(128)))

    owners = [(new(), [new() for _ in range(chance.randrange(1, 6))])
              for _ in range(max(1, count // 400))]
    for _ in range(count):
        owner, projects = chance.choice(owners)
        folder = "screenshots" if chance.random() < 0.05 else f"{owner}/{chance.choice(projects)}"
        yield f"{folder}/{new()}.png"


class Store:
    def __init__(self):
        sys.path.insert(0, str(ROOT / "verifier/tests/system"))
        from s3_client import S3  # pylint: disable=import-error,import-outside-toplevel
        self.directory = tempfile.mkdtemp(prefix="rv-bench.", dir="/tmp")
        os.chmod(self.directory, 0o755)
        done = subprocess.run([ROOT / "scripts/s3-server", "start", "ceph", f"{self.directory}/ceph"],
                              check=True, stdout=subprocess.PIPE, text=True)
        self.endpoint, self.access_key, self.secret_key = done.stdout.split()
        self.port = int(self.endpoint.rsplit(":", 1)[1])
        self.client = S3(self.port, self.access_key, self.secret_key)
        self.filled = set()
        self.proxy = None
        self.numbers = itertools.count()
        self.driver = WORK / "s3-driver"
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", *PACKAGES], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.split()
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-I", ROOT / "verifier", "-o", self.driver,
                        ROOT / "verifier/tests/system/s3_driver.c", RELEASE / "library.a", *flags,
                        "-lm", "-pthread"], check=True)

    def stop(self):
        if self.proxy:
            self.proxy.terminate()
            self.proxy.wait()
        subprocess.run([ROOT / "scripts/s3-server", "stop", f"{self.directory}/ceph"], check=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def bucket(self, count):
        """One with so many objects of 200 bytes."""
        name = f"bench-{count}"
        if name not in self.filled:
            print(f"filling a bucket with {count} objects ...", file=sys.stderr)
            self.client.make_bucket(name)
            self.client.put_many(name, ((key, b"x" * 200) for key in keys(count)))
            self.filled.add(name)
        return name

    def far_endpoint(self):
        """The same store, DELAY_MS away."""
        self.proxy = subprocess.Popen(
            [sys.executable, pathlib.Path(__file__).with_name("delay.py"), str(self.port),
             str(DELAY_MS)], stdout=subprocess.PIPE, text=True)
        return f"http://127.0.0.1:{self.proxy.stdout.readline().strip()}"

    def environment(self, **more):
        """Without what a developer has set for other stores."""
        kept = {name: value for name, value in os.environ.items()
                if not re.match(r"(S3|AWS|RCLONE)_|.*_proxy$", name, re.IGNORECASE)}
        return {**kept, "HOME": self.directory, **more}

    def measure(self, bucket, endpoint=None, connections=0):
        """Ours: counts the objects and adds up their sizes."""
        return Command([self.driver, endpoint or self.endpoint, self.access_key, self.secret_key,
                        f"s3://{bucket}", "measure"],
                       self.environment(DRIVER_CONNECTIONS=str(connections)))

    def rclone(self, *arguments):
        configuration = pathlib.Path(self.directory, "rclone.conf")
        configuration.write_text(
            f"[store]\ntype = s3\nprovider = Ceph\nendpoint = {self.endpoint}\n"
            f"access_key_id = {self.access_key}\nsecret_access_key = {self.secret_key}\n")
        return ["rclone", "--config", configuration, *arguments]

    def new_copy(self):
        """A directory that is not there yet: none is deleted before the end, because a file system
        that has just lost many files is slow at making new ones."""
        return f"{self.directory}/copy{next(self.numbers)}"

    def sync(self, bucket, copy):
        scenario = pathlib.Path(self.directory, "scenario.yaml")
        scenario.write_text(
            f"scenario: bench\nbackups:\n  location: {self.directory}\n  name: x_%Y%m%d.dump\n"
            f"objects:\n  bucket: s3://{bucket}\n  endpoint: {self.endpoint}\n"
            f"  access_key: {self.access_key}\n  secret_key: {self.secret_key}\n  copy: {copy}\n")
        return [RELEASE / "restore-verifier", "sync", "--quiet", scenario]


def count_rclone(store, name):
    bucket = store.bucket(20000)
    theirs = store.rclone("size", "--fast-list", f"store:{bucket}")
    compare(name, store.measure(bucket), Command(theirs, store.environment()), 7)


def count_aws(store, name):
    bucket = store.bucket(20000)
    theirs = ["aws", "--endpoint-url", store.endpoint, "s3", "ls", "--recursive", f"s3://{bucket}"]
    # A virtual environment may find its tools by the user's own home.
    environment = store.environment(HOME=os.environ.get("HOME", "/"), AWS_DEFAULT_REGION="us-east-1",
                                    AWS_ACCESS_KEY_ID=store.access_key,
                                    AWS_SECRET_ACCESS_KEY=store.secret_key)
    compare(name, store.measure(bucket), Command(theirs, environment), 5)


def count_s5cmd(store, name):
    bucket = store.bucket(20000)
    theirs = ["s5cmd", "--endpoint-url", store.endpoint, "du", f"s3://{bucket}/*"]
    environment = store.environment(AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID=store.access_key,
                                    AWS_SECRET_ACCESS_KEY=store.secret_key)
    compare(name, store.measure(bucket), Command(theirs, environment), 7)


def count_far(store, name):
    """Beside one request at a time."""
    bucket = store.bucket(20000)
    endpoint = store.far_endpoint()
    compare(name, store.measure(bucket, endpoint), store.measure(bucket, endpoint, 1), 7)


def count_many(store, name):
    """Peak memory must not grow with the number of objects."""
    compare(name, store.measure(store.bucket(200000)), store.measure(store.bucket(2000)), 3)


def sync_first(store, name):
    bucket = store.bucket(2000)
    compare(name, Command(lambda: store.sync(bucket, store.new_copy()), store.environment()),
            Command(lambda: store.rclone("copy", "--transfers", "16", f"store:{bucket}",
                                         store.new_copy()), store.environment()), 5)


def sync_again(store, name):
    """When there is nothing to do."""
    bucket = store.bucket(2000)
    ours, theirs = store.new_copy(), store.new_copy()
    compare(name, Command(store.sync(bucket, ours), store.environment()),
            Command(store.rclone("copy", "--transfers", "16", f"store:{bucket}", theirs),
                    store.environment()), 5)


# What each needs besides the store.
COMPARISONS = {
    "objects-rclone": (count_rclone, "rclone"),
    "objects-aws": (count_aws, "aws"),
    "objects-s5cmd": (count_s5cmd, "s5cmd"),
    "objects-far": (count_far, None),
    "objects-many": (count_many, None),
    "objects-sync": (sync_first, "rclone"),
    "objects-sync-again": (sync_again, "rclone"),
}


def run(names):
    wanted = []
    for name in names:
        program = COMPARISONS[name][1]
        if program and not shutil.which(program):
            print(f"{name}: skipped, because {program} is not installed", flush=True)
        elif not shutil.which("radosgw"):
            print(f"{name}: skipped, because radosgw is not installed (see scripts/s3-server)",
                  flush=True)
        else:
            wanted.append(name)
    if not wanted:
        return
    store = Store()
    try:
        for name in wanted:
            COMPARISONS[name][0](store, name)
    finally:
        store.stop()
