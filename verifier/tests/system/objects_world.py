"""A bucket or a directory, its copy, and a backup whose rows refer to what is in it: all of them agree."""

import itertools
import json
import shutil
import time

import pytest

from running import PASSED

NAME = "bugspark_%Y%m%dT%H%M%SZ.dump"
COLUMNS = "reports.screenshot_url, reports.annotated_screenshot_url"
PREFIX = "live/"

KEYS = {f"owner/project/{number}.png": b"x" * (100 + number) for number in range(8)} | {
    "screenshots/old.png": b"old", "screenshots/a b+c.png": b"blank", "shots/annotated.webp": b"annotated"}

# As applications leave them: keys, URLs in path style, of a host of its own, with a signature; nothing.
ROWS = [(f"owner/project/{number}.png", None) for number in range(5)] + [
    ("https://s3.example/{path}{prefix}owner/project/5.png", ""),
    ("https://{bucket}.s3.example/{prefix}owner/project/6.png?X-Amz-Signature=0", "   "),
    ("{prefix}owner/project/7.png", "shots/annotated.webp"),
    ("https://cdn.example/{prefix}screenshots/a%20b%2Bc.png", "owner/project/0.png"),
    ("screenshots/old.png", "https://cdn.example/{prefix}shots/annotated.webp"), ("", None), (None, None)]
REFERENCES = 12  # that differ and are not empty

SIZE = sum(map(len, KEYS.values()))
CHECKS = [
    f"object_count = {len(KEYS)}",
    f"total_size = {SIZE}",
    f"object_count of copy = {len(KEYS)}",
    f"total_size of copy between {SIZE} and {SIZE}",
    "object_count in screenshots/ = 2",
    "total_size of copy in \"screenshots/a b\" = 5",
    "object_count same as copy",
    "total_size in screenshots/ same as copy",
    "change for object_count >= -1%",
    "change for total_size in screenshots/ >= -1",
    f"missing({COLUMNS}) = 0",
    f"missing({COLUMNS}) of copy = 0",
    "missing(public.reports.screenshot_url) in screenshots/ = 0",
    f"orphaned({COLUMNS}) = 0",
    f"orphaned({COLUMNS}) of copy in owner/ = 0",
]


class Directory:
    def __init__(self, place, _store):
        self.path = place.directory / "bucket"
        self.location, self.settings = str(self.path), {}
        self.name, self.prefix, self.path_style = "bucket", "", ""

    def put(self, key, body):
        path = self.path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def delete(self, key):
        (self.path / key).unlink()


class Bucket:
    numbers = itertools.count()
    emptied = []  # names of buckets that tests have left as they were made

    def __init__(self, _place, store):
        self.client = store.client
        self.fresh = not self.emptied
        self.name, self.prefix = f"checks-{next(self.numbers)}" if self.fresh else self.emptied.pop(), PREFIX
        self.path_style = self.name + "/"
        self.location = f"s3://{self.name}/live"
        self.settings = {"endpoint": store.proxy.endpoint, "region": "auto", "access_key": store.access_key,
                         "secret_key": store.secret_key}
        self.keys = set()
        if self.fresh:
            self.client.make_bucket(self.name)
            self.client.put(self.name, "of-somebody-else", b"outside of the prefix")

    def put(self, key, body):
        self.client.put(self.name, self.prefix + key, body)
        self.keys.add(key)

    def delete(self, key):
        self.client.delete(self.name, self.prefix + key)
        self.keys.discard(key)

    def leave(self):
        for key in list(self.keys):
            self.delete(key)
        self.emptied.append(self.name)


class World:
    """A bucket, its copy, and a backup whose rows refer to it; all of them agree."""

    def __init__(self, place, store, kind):
        self.place, self.store = place, store
        self.bucket = kind(place, store)
        self.copy = place.directory / "copy"
        self.checks = list(CHECKS)
        self.settings = dict(self.bucket.settings)
        self.tables = ""

    def scenario(self):
        values = {"bucket": self.bucket.location, "copy": str(self.copy) if self.copy else None, **self.settings}
        lines = "".join(f"  {key}: {json.dumps(value)}\n" for key, value in values.items() if value is not None)
        checks = "".join(f"    - {json.dumps(check)}\n" for check in self.checks)
        return self.place.scenario(f"{self.tables}objects:\n{lines}  checks:\n{checks}", pattern=NAME)

    def only(self, *checks):
        self.checks = list(checks)

    def row(self, text):
        return None if text is None else text.format(bucket=self.bucket.name, path=self.bucket.path_style, prefix=self.bucket.prefix)

    def copied(self, key):
        return self.copy / key

    def sync(self, *arguments):
        run = self.place.run("sync", *arguments, self.scenario())
        assert run.code == PASSED, str(run)

    def verify(self, *arguments, **options):
        return self.place.verify(*arguments, self.scenario(), **options)

    def put_backup(self, dumped, when=None):
        """When it is said to be made: now, after everything there is."""
        made = time.time() + 1 if when is None else when
        for old in self.place.backups.iterdir():
            old.unlink()
        target = self.place.backups / time.strftime(NAME, time.gmtime(made))
        shutil.copy(dumped, target)
        return target


def literal(text):
    return "null" if text is None else "'" + text.replace("'", "''") + "'"


def rows_sql(rows):
    values = ", ".join(f"({literal(one)}, {literal(other)})" for one, other in rows)
    return f"create table reports (screenshot_url text, annotated_screenshot_url varchar(1000)); insert into reports values {values}"


@pytest.fixture(scope="session")
def dump_of(base, source_server):
    """dump_of(rows) -> a dump of them, made once."""
    made = {}

    def dump(rows):
        sql = rows_sql(rows)
        if sql not in made:
            made[sql] = base / f"rows{len(made)}.dump"
            source_server.create("rows", sql)
            source_server.dump("rows", made[sql])
            source_server.drop("rows")
        return made[sql]

    return dump


@pytest.fixture
def make_world(place, dump_of, request):  # pylint: disable=redefined-outer-name
    """make_world(kind) -> a world whose every check passes."""
    used = []

    def make(kind, keys=None, rows=None):
        store = request.getfixturevalue("ceph") if kind is Bucket else None
        if store:
            store.proxy.reset()
        world = World(place, store, kind)
        if store and keys is None:
            used.append(world.bucket)
        for key, body in (KEYS if keys is None else keys).items():
            world.bucket.put(key, body)
        world.sync()
        world.dumped = dump_of([tuple(map(world.row, row)) for row in (ROWS if rows is None else rows)])
        world.put_backup(world.dumped)
        return world

    yield make
    for bucket in used:
        bucket.leave()


def objects_of(run):
    return {case.name.removeprefix("objects: "): case for case in run.report().cases if case.group.endswith(".objects")}
