"""Proves that what `dump` compresses is what the usual tools unpack and restore, that it says so when it
is damaged, and that compressing takes every processor and little memory."""

import gzip
import os
import shlex
import subprocess
import zlib

import pytest

import servers
from running import BAD_BACKUP, CANNOT_VERIFY, PASSED, Place, ended, flip_bit, today, wait_until

PATTERNS = ["bugspark_%Y%m%d.dump.gz", "bugspark_%Y%m%d.dump.zst", "bugspark_%Y%m%d.dump"]
UNPACK = {"gz": "gunzip -c", "zst": "zstd -qdc", "dump": "cat"}


def long(noise_bytes, lines):
    """A pg_dump whose output begins like an archive of the custom format."""
    return ('case $1 in --version) exec "$real/pg_dump" --version;; esac\n'
            rf"printf 'PGDMP\001\016\000\004\010\001'; head -c {noise_bytes} /dev/urandom; seq 1 {lines}" + "\n")


def scenario(place, url, pattern):
    return place.scenario(f"source:\n  database: {url!r}\ntables:\n  users:\n    - row_count = 25\n", pattern=pattern)


@pytest.fixture(scope="module")
def backups(base, server):
    """What `dump` makes of bugspark: {pattern: content}."""
    place = Place(base / "compressed")
    for pattern in PATTERNS:
        run = place.run("dump", scenario(place, server.url("bugspark"), pattern))
        assert run.code == PASSED, str(run)
    return {pattern: (place.backups / today(pattern)).read_bytes() for pattern in PATTERNS}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_shell_restores_it(place, server, database, backups, pattern):
    """The line of the README: gunzip -c FILE | pg_restore -d DATABASE."""
    backup = place.put_bytes(backups[pattern], pattern)
    name = database()
    unpack = UNPACK[backup.suffix[1:]]
    line = f"set -o pipefail; {unpack} {shlex.quote(str(backup))} | {servers.BIN}/pg_restore -d {shlex.quote(server.url(name))}"
    subprocess.run(["bash", "-c", line], check=True, capture_output=True)
    count = "select (select count(*) from users), (select count(*) from reports), (select count(*) from comments)"
    assert server.sql(count, name) == server.sql(count, "bugspark")
    run = place.verify(scenario(place, server.url("bugspark"), pattern))
    assert run.code == PASSED, str(run)


def test_gzip_is_one_plain_member(place, server):
    run = place.run("dump", scenario(place, server.url("bugspark"), PATTERNS[0]), environment=place.stand_in(pg_dump=long(6_000_000, 1_000_000)))
    assert run.code == PASSED, str(run)
    content = (place.backups / today(PATTERNS[0])).read_bytes()
    decoder = zlib.decompressobj(31)
    whole = decoder.decompress(content)
    assert decoder.eof and decoder.unused_data == b""
    assert whole.endswith(b"\n1000000\n") and len(whole) > 12_000_000
    assert gzip.decompress(content) == whole


@pytest.mark.often("0.5-bugspark_%Y%m%d.dump.gz", "0.999-bugspark_%Y%m%d.dump.zst", "0.02-bugspark_%Y%m%d.dump")
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("place_of_damage", [0.02, 0.5, 0.999])
def test_damage_is_found(place, server, backups, pattern, place_of_damage):
    """Without the manifest's SHA-256: by what is in the file alone."""
    content = backups[pattern]
    place.put_bytes(flip_bit(content, int(len(content) * place_of_damage) * 8), pattern)
    run = place.verify(scenario(place, server.url("bugspark"), pattern))
    assert run.code in (BAD_BACKUP, CANNOT_VERIFY) if pattern.endswith(".dump") else run.code == BAD_BACKUP, str(run)


@pytest.mark.often("bugspark_%Y%m%d.dump.zst")
@pytest.mark.parametrize("pattern", PATTERNS[:2])
def test_it_takes_every_processor_and_little_memory(place, server, pattern):
    """70 MB go through; the process never holds 64 MiB. With --quiet no thread is there to show where it stands."""
    path = scenario(place, server.url("bugspark"), pattern)
    wait = long(30_000_000, 5_000_000) + 'touch "$place/tmp/reached"; exec sleep 600\n'
    running = place.start("dump", "--quiet", path, environment=place.stand_in(pg_dump=wait))
    with ended(running):
        wait_until(lambda: (place.tmp / "reached").exists(), "all of the dump")
        with open(f"/proc/{running.pid}/status", encoding="utf-8") as file:
            status = dict(line.split(":", 1) for line in file.read().splitlines())
    assert int(status["Threads"]) == 1 + min(8, len(os.sched_getaffinity(0)))
    assert int(status["VmHWM"].split()[0]) < 64 * 1024


@pytest.mark.parametrize("ending", [".lz4", ".xz", ".tar.zst", ".sql.gz"])
def test_what_cannot_be_written_is_refused(place, server, ending):
    run = place.run("dump", scenario(place, server.url("bugspark"), f"bugspark_%Y%m%d{ending}"))
    assert run.code == CANNOT_VERIFY
    assert f"ends in {ending}" in run.err and ".dump.zst" in run.err
    assert list(place.backups.iterdir()) == []


def test_room_for_the_last_backup_is_looked_for(place, server):
    """A last backup larger than any disk: a file with a hole."""
    path = scenario(place, server.url("bugspark"), PATTERNS[0])
    last = place.backups / today(PATTERNS[0], days_ago=1)
    with open(last, "wb") as file:
        file.truncate(8 << 40)
    run = place.run("dump", path)
    assert run.code == CANNOT_VERIFY and "takes 8.0 TiB" in run.err and "free" in run.err, str(run)


def test_two_dumps_at_once(place, server):
    path = scenario(place, server.url("bugspark"), PATTERNS[0])
    wait = 'case $1 in --version) exec "$real/pg_dump" --version;; esac\ntouch "$place/tmp/reached"; exec sleep 600\n'
    running = place.start("dump", path, environment=place.stand_in(pg_dump=wait))
    with ended(running):
        wait_until(lambda: (place.tmp / "reached").exists(), "a dump at work")
        run = place.run("dump", path)
        assert run.code == CANNOT_VERIFY, str(run)
        assert f"process {running.pid}" in run.err, str(run)
    assert place.run("dump", path).code == PASSED
