"""What the system tests share. A source server and good backups are made once in each pytest worker;
tests copy the backups. Directories are in /dev/shm or /tmp, where user nobody, who runs servers for
root, can reach them and the paths of sockets stay short."""

import gzip
import itertools
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import running
import servers
# Fixtures that are named here serve every test; made in each module, stores would start in each.
from backup_bucket import bucket, large  # noqa: F401 pylint: disable=unused-import
from objects_world import dump_of, make_world  # noqa: F401 pylint: disable=unused-import
from s3_fixtures import ceph, make_copy, s3_base, swift  # noqa: F401 pylint: disable=unused-import


def roomy():
    """Memory where there is enough: a cluster is a thousand files, and each test makes one and deletes it."""
    memory = pathlib.Path("/dev/shm")
    if not memory.is_dir() or not os.access(memory, os.W_OK) or os.statvfs(memory).f_flag & os.ST_NOEXEC:
        return "/tmp"
    return memory if shutil.disk_usage(memory).free >= 4 << 30 else "/tmp"


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="run what is slow by nature too: many kills, long faults")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: runs with --all only")
    config.addinivalue_line("markers", "often(id, ...): of a table, the rows that run always; the others are slow")


def mark_rows(config, items):
    """A name stands for a whole id or for a part of it between dashes. One that no row has would leave out a row
    unseen."""
    unknown = {}
    for item in items:
        for mark in item.iter_markers("often"):
            names = unknown.setdefault((item.path, item.originalname), set(mark.args))
            found = {name for name in mark.args if f"-{name}-" in f"-{item.callspec.id}-"}
            names -= found
            if not found:
                item.add_marker(pytest.mark.slow)
    named_alone = any("::" in word for word in config.args)
    for (path, test), names in unknown.items():
        if names and not named_alone:
            raise pytest.UsageError(f"{path.name}: {test} has no row {sorted(names)}")


@pytest.hookimpl(hookwrapper=True)
def pytest_collection_modifyitems(config, items):
    """What is named by itself, or by -k, runs, slow or not."""
    mark_rows(config, items)
    yield
    slow = [item for item in items if item.get_closest_marker("slow")]
    if config.getoption("--all") or len(slow) == len(items):
        return
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="session")
def base():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="rvt.", dir=roomy()))
    directory.chmod(0o755)
    (directory / "cache").mkdir()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def source_server(base):
    source = servers.Server(base / "source")
    try:
        source.load_bugspark()
        yield source
    finally:
        source.stop()


@pytest.fixture(scope="module")
def server(source_server):
    """The server that backups come from, with a BugSpark-shaped database. Roles belong to a whole server: those
    of one module are gone before the next, which may make some of the same names."""
    before = source_server.roles()
    yield source_server
    for role in source_server.roles() - before:
        source_server.sql(f'drop role "{role}"')


@pytest.fixture(scope="session")
def good(base, source_server):
    """Good backups of the database: good.dump, good.gz, good.tar, good.dir, good.sql."""
    directory = base / "good"
    directory.mkdir()
    good = type("Good", (), {})()
    good.directory = directory
    good.dump = source_server.dump("bugspark", directory / "good.dump")
    good.gz = directory / "good.dump.gz"
    good.gz.write_bytes(gzip.compress(good.dump.read_bytes(), 6, mtime=0))
    return good


_numbers = itertools.count()


@pytest.fixture
def place(base, request):
    """A test's own directories; when it has passed they are gone, and nothing runs in them."""
    directory = base / str(next(_numbers))
    made = running.Place(directory)
    yield made
    left = running.inhabitants(directory)
    for pid in left:
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            pass
    subprocess.run(["rm", "-rf", str(directory)], check=False)


@pytest.fixture
def database(server, request):
    """Makes databases on the source server that are dropped afterwards: database(sql) -> name."""
    made = []

    def make(sql="", template="template0"):
        name = f"test{next(_numbers)}"
        made.append(name)
        server.create(name, sql, template)
        return name

    yield make
    for name in made:
        server.drop(name)
