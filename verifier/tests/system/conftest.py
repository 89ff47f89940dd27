"""What the system tests share. A source server and good backups are made once in each pytest worker;
tests copy the backups. Directories are in /tmp, where user nobody, who runs servers for root, can
reach them and the paths of sockets stay short."""

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


@pytest.fixture(scope="session")
def base():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="rvt.", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def server(base):
    """The server that backups come from, with a BugSpark-shaped database."""
    source = servers.Server(base / "source")
    try:
        source.load_bugspark()
        yield source
    finally:
        source.stop()


@pytest.fixture(scope="session")
def good(base, server):
    """Good backups of the database: good.dump, good.gz, good.tar, good.dir, good.sql."""
    directory = base / "good"
    directory.mkdir()
    good = type("Good", (), {})()
    good.directory = directory
    good.dump = server.dump("bugspark", directory / "good.dump")
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
