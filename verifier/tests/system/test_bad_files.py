"""Proves that what is no backup, or no whole one, is red and says why: files that are missing, old,
cut, changed or something else entirely. Each row damages a good backup that passes undamaged."""

import gzip
import os
import random
import re
import struct
import zlib

import pytest

import servers
from running import PASSED, flip_bit, today

NO_SERVER = {"RESTORE_VERIFIER_PGBIN": "/nonexistent"}
RECENT, INTACT, RESTORES = "backup is recent", "backup is intact", "backup restores"


# --- which file is the latest backup --------------------------------------------------------------


def nothing(place, good):
    pass


def only_old(place, good):
    place.put(good.gz, "bugspark_20200101.dump.gz")


def from_the_future(place, good):
    place.put(good.gz, today(days_ago=-30))


def empty(place, good):
    place.put_bytes(b"", "bugspark_%Y%m%d.dump.gz")


def half_named(place, good):
    for name in ("bugspark_%Y%m%d.dump.gz.part", "bugspark_%Y%m%d.dump", "bugspark_%Y%m.dump.gz", ".bugspark_%Y%m%d.dump.gz.tmp"):
        place.put(good.gz, name)


@pytest.mark.parametrize(
    "prepare, verdict, words",
    [
        (nothing, "fail", ["no backup", "bugspark_%Y%m%d.dump.gz", "dump"]),
        (empty, "fail", ["no backup", "is empty"]),
        (half_named, "fail", ["no backup", ".part"]),
    ],
)
def test_no_backup(place, good, prepare, verdict, words):
    prepare(place, good)
    run = place.expect(verdict, RECENT, words, place.scenario())
    assert {case.verdict for case in run.report().cases} <= {"fail", "skip"}


@pytest.mark.parametrize(
    "prepare, words",
    [(only_old, ["max_age", "old"]), (from_the_future, ["future"])],
)
def test_a_backup_of_another_time(place, good, prepare, words):
    prepare(place, good)
    # What the archive says itself would contradict the name, so its header is made to agree.
    path = next(place.backups.iterdir())
    year, month, day = (int(part) for part in (path.name[9:13], path.name[13:15], path.name[15:17]))
    content = bytearray(gzip.decompress(path.read_bytes()))
    set_creation(content, year, month, day)
    path.write_bytes(gzip.compress(bytes(content)))
    run = place.expect("fail", RECENT, words, place.scenario())
    assert run.report()[INTACT].verdict == "pass"


def set_creation(content, year, month, day):
    """Writes a date into the header of a custom archive: after magic, version, two sizes and the format
    come the compression (a byte since archive version 1.15) and seconds, minutes, hours, day, month,
    year, each a sign and four bytes, as the compression was before."""
    position = 11 + (1 if content[6] >= 15 else 5)
    for value in (0, 0, 12, day, month - 1, year - 1900, 0):
        content[position : position + 5] = b"\0" + struct.pack("<i", value)
        position += 5


def test_the_backup_of_today_passes_where_the_others_fail(place, good):
    only_old(place, good)
    place.put(good.gz)
    assert place.verify(place.scenario()).code == 0


def test_the_date_in_the_name_decides_not_the_time_of_the_file(place, good):
    new = place.put(good.gz, "bugspark_%Y%m%d.dump.gz")
    old = place.put(good.gz, today(days_ago=1))
    os.utime(new, (1, 1))
    run = place.verify(place.scenario())
    assert run.report().properties["backup.file"] == str(new), old


def test_a_file_that_is_being_written_is_no_backup_yet(place, good):
    place.put(good.gz, today(days_ago=1))
    newest = place.put(good.gz)
    with open(newest, "ab") as writer:
        run = place.verify(place.scenario(backups="max_age: 72h"))
        assert writer
    assert run.report().properties["backup.file"].endswith(today(days_ago=1))
    assert f"{newest.name} is still being written" in run.report()[RECENT].output
    assert run.code == 0, str(run)
    newest_again = place.verify(place.scenario(backups="max_age: 72h"))
    assert newest_again.report().properties["backup.file"] == str(newest)


def test_only_a_file_that_is_being_written(place, good):
    newest = place.put(good.gz)
    with open(newest, "ab"):
        place.expect("fail", RECENT, ["no backup", "still being written"], place.scenario())


def test_no_directory_of_backups(place):
    place.expect("error", RECENT, ["does not exist", "backups.location"], place.scenario(location="/nonexistent/backups"))


# --- cut, changed -----------------------------------------------------------------------------------


def lengths(size):
    """Twenty places to cut at: the ends and their neighbours, and places in between."""
    close = [1, 2, 5, 9, 10, 11, 18, 40, size - 1, size - 4, size - 8, size - 9]
    return close + [size * part // 9 for part in range(1, 9)]


@pytest.mark.often("0", "5", "10", "15", "19")
@pytest.mark.parametrize("place_number", range(20))
def test_a_cut_gzip_fails(place, good, place_number):
    content = good.gz.read_bytes()
    place.put_bytes(content[: lengths(len(content))[place_number]], "bugspark_%Y%m%d.dump.gz")
    run = place.verify(place.scenario(), "--only", "backup*")
    report = run.report()
    assert run.code == 1, str(run)
    assert report[INTACT].verdict == "fail", str(run)
    assert report[RESTORES].verdict in ("skip", "fail")


def test_cuts_are_twenty_places(good):
    size = good.gz.stat().st_size
    assert len({length for length in lengths(size) if 0 < length < size}) == 20


def looked_at(place, content, name):
    """The verdict of `backup is intact` alone, without a server, which takes a hundredth of the time."""
    place.put_bytes(content, name)
    pattern = name
    run = place.verify(place.scenario(pattern=pattern), "--only", INTACT, environment=NO_SERVER)
    case = run.report()[INTACT]
    assert case.verdict in ("pass", "fail"), f"{case}\n{run}"
    assert "killed" not in case.message and "signal" not in case.message, str(run)
    assert run.code == (0 if case.verdict == "pass" else 1), str(run)
    return case


def test_the_undamaged_file_is_intact(place, good):
    assert looked_at(place, good.gz.read_bytes(), "bugspark_%Y%m%d.dump.gz").verdict == "pass"
    assert looked_at(place, good.dump.read_bytes(), "bugspark_%Y%m%d.dump").verdict == "pass"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_one_bit_flipped_in_a_gzip(place, good, part):
    """200 places in four parts; the header of gzip is one of them whole."""
    content = good.gz.read_bytes()
    size = len(content) * 8
    bits = sorted({*range(0, 80, 2), *random.Random(15).sample(range(80, size), 160)})
    assert len(bits) == 200
    harmless = 0
    for bit in bits[part::4]:
        damaged = flip_bit(content, bit)
        case = looked_at(place, damaged, "bugspark_%Y%m%d.dump.gz")
        if case.verdict == "pass":
            assert gzip.decompress(damaged) == good.dump.read_bytes(), f"bit {bit} went unnoticed"
            harmless += 1
    assert harmless < 15


def blocks(content):
    """Where the data of a custom archive begins: behind the last entry of its table of contents,
    which is where the offset of its first data block points."""
    first = min(offset for offset in data_offsets(content))
    return first


def data_offsets(content):
    """Offsets of data blocks are eight bytes behind a byte 2 (K_OFFSET_POS_SET)."""
    found = []
    position = content.find(b"\x02")
    while position >= 0:
        offset = int.from_bytes(content[position + 1 : position + 9], "little")
        if position < offset < len(content) and content[offset : offset + 1] == b"\x01" and content[offset + 1 : offset + 2] == b"\0":
            identifier = int.from_bytes(content[offset + 2 : offset + 6], "little")
            if 0 < identifier < 100000:
                found.append(offset)
        position = content.find(b"\x02", position + 1)
    assert found
    return found


@pytest.mark.often("0")
@pytest.mark.parametrize("part", range(4))
def test_one_bit_flipped_in_the_data_of_an_archive(place, good, part):
    """Outside gzip, the rows of an archive still have checksums of their own."""
    content = good.dump.read_bytes()
    bits = random.Random(5).sample(range(blocks(content) * 8, len(content) * 8), 100)
    for bit in bits[part::4]:
        case = looked_at(place, flip_bit(content, bit), "bugspark_%Y%m%d.dump")
        assert case.verdict == "fail", f"bit {bit} went unnoticed"


@pytest.mark.often("0")
@pytest.mark.parametrize("part", range(4))
def test_one_bit_flipped_in_the_table_of_contents(place, good, part):
    """A bare archive has no checksum over its table of contents, so that a changed letter in a
    comment cannot be noticed; but nothing there may stop the program from coming to a verdict."""
    content = good.dump.read_bytes()
    failed = 0
    for bit in random.Random(6).sample(range(0, blocks(content) * 8), 100)[part::4]:
        place.put_bytes(flip_bit(content, bit), "bugspark_%Y%m%d.dump")
        run = place.verify(place.scenario(pattern="bugspark_%Y%m%d.dump"), "--only", INTACT, environment=NO_SERVER)
        case = run.report()[INTACT]
        assert "killed" not in case.message and "worker" not in case.message, str(run)
        failed += case.verdict != "pass"
    assert failed > 0


@pytest.mark.parametrize("bit", [81, 4000, 99991, 200003, -60, -1])
def test_a_flipped_bit_in_a_whole_run(place, good, bit):
    content = good.gz.read_bytes()
    place.put_bytes(flip_bit(content, bit % (len(content) * 8)), "bugspark_%Y%m%d.dump.gz")
    run = place.expect("fail", INTACT, ["gzip stream is damaged"], place.scenario("tables:\n  users:\n    - row_count >= 1\n"))
    verdicts = run.report().verdicts()
    assert verdicts[RECENT] == "pass"
    assert verdicts["users: row_count >= 1"] == "skip"
    assert verdicts["every table has its rows"] in ("skip", "fail")


# --- something else under the name of a backup ------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 1, 1, 8, 2, 0, 0, 0, 0x907753DE)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 12345\n" % (b"4d7a" * 16)
MYSQL = (
    b"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n--\n-- Host: localhost    Database: shop\n"
    b"/*!40101 SET NAMES utf8 */;\nCREATE TABLE `users` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  PRIMARY KEY (`id`)\n"
    b") ENGINE=InnoDB;\nINSERT INTO `users` VALUES (1),(2);\n-- Dump completed on 2026-01-01  0:00:00\n"
)
HTML = b"<!DOCTYPE html><html><head><title>403 Forbidden</title></head><body>no</body></html>\n"


def mangled(good):
    """What PowerShell's `>` makes of an archive: UTF-16 with a mark."""
    return b"\xff\xfe" + good.dump.read_bytes().decode("latin-1").encode("utf-16-le")


@pytest.mark.often("bare", "text-in gzip", "twice-in gzip")
@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "in gzip"])
@pytest.mark.parametrize(
    "content, words",
    [
        (lambda good: b"this is a text about something else\n" * 50, ["it is text"]),
        (lambda good: POINTER, ["git lfs"]),
        (mangled, ["utf-16"]),
        (lambda good: PNG, ["png"]),
        (lambda good: HTML, ["html"]),
        (lambda good: b"\0" * 100000, ["zeros"]),
        (lambda good: b"PGDMP", ["cut off"]),
        (lambda good: b"\x80\x81\xfe" * 1000, ["no backup of pg_dump"]),
        (lambda good: good.dump.read_bytes() + b"x", ["byte"]),
        (lambda good: good.dump.read_bytes() * 2, ["byte"]),
    ],
    ids=["text", "git lfs", "utf-16", "png", "html", "zeros", "only magic", "noise", "one byte more", "twice"],
)
def test_something_else(place, good, content, words, wrapped):
    data = content(good)
    place.put_bytes(gzip.compress(data) if wrapped else data, "bugspark_%Y%m%d.dump.gz")
    place.expect("fail", INTACT, words, place.scenario())


# What gpg --symmetric begins with.
GPG = b"\x8c\x0d\x04\x09\x03\x0a\xbd\x35\xf1\x02\x11\x22\x33\x44\xff\xd2\xc0\x7f\x01\x99"


@pytest.mark.parametrize(
    "name, content, verdict, words",
    [
        ("bugspark_%Y%m%d.dump.gz.gpg", GPG, "error", "decrypt it first (gpg --decrypt)"),
        ("bugspark_%Y%m%d.dump.gz", GPG, "fail", "find out who encrypted it"),
        ("bugspark_%Y%m%d.dump.gz", gzip.compress(GPG), "fail", "find out who encrypted it"),
        ("bugspark_%Y%m%d.sql.gz", gzip.compress(MYSQL), "error", "a dump of MySQL"),
        ("bugspark_%Y%m%d.dump.gz", b"\xfd7zXZ\0\0", "error", "compressed with xz"),
        ("bugspark_%Y%m%d", None, "error", "a physical backup"),
    ],
    ids=["gpg", "gpg as a dump", "gpg in gzip as a dump", "mysql", "xz", "pg_basebackup"],
)
def test_a_backup_of_another_kind(place, name, content, verdict, words):
    """What is of another kind may be good, and is for somebody else to say; encrypted under a name
    that promises a dump it is what nobody expected."""
    if content is None:
        (place.backups / today(name) / "global").mkdir(parents=True)
        (place.backups / today(name) / "PG_VERSION").write_text("15\n")
    else:
        place.put_bytes(content, name)
    run = place.verify(place.scenario(pattern=name), "--only", INTACT, environment=NO_SERVER)
    case = run.report()[INTACT]
    assert case.verdict == verdict and words in case.message, str(run)
    assert run.code == (1 if verdict == "fail" else 2), str(run)


def test_a_directory_that_holds_backups_of_another_kind(place):
    (place.backups / "basebackups_005").mkdir()
    place.expect("error", RECENT, ["a repository of WAL-G"], place.scenario())


@pytest.mark.parametrize("format", ["-Fc", "-Fp"])
def test_a_data_only_dump(place, server, format):
    backup = server.dump("bugspark", place.directory / "data", format, "--data-only")
    run = place.expect("fail", RESTORES, "a data-only dump: it cannot be restored alone", "--backup", backup, place.scenario(""))
    assert run.report()[INTACT].verdict == "pass"


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content + b"\0\0",
        lambda content: content + b"x",
        lambda content: content[:-8] + zlib.crc32(b"x").to_bytes(4, "little") + content[-4:],
        lambda content: content[:-4] + b"\1\1\1\1",
        lambda content: content + gzip.compress(b"more"),
        lambda content: content[:1] + b"\x8c" + content[2:],
    ],
    ids=["zeros behind", "a byte behind", "another crc", "another length", "another member", "another magic"],
)
def test_gzip_that_does_not_hold(place, good, damage):
    place.put_bytes(damage(good.gz.read_bytes()), "bugspark_%Y%m%d.dump.gz")
    run = place.verify(place.scenario(), "--only", "backup*")
    assert run.code == 1, str(run)
    assert run.report()[INTACT].verdict == "fail"


# --- archives that this machine cannot read ---------------------------------------------------------


@pytest.mark.skipif(servers.MAJOR > 15, reason="makes a newer archive of one that PostgreSQL 15 wrote")
@pytest.mark.parametrize("minor, needed", [(15, "16"), (16, "17")])
def test_a_newer_archive_names_what_it_needs(place, good, minor, needed):
    """1.15 and 1.16 have an algorithm where 1.14 has a level of compression, so the bytes are moved
    apart: everything else is the same."""
    content = good.dump.read_bytes()
    assert content[:8] == b"PGDMP\x01\x0e\x00"
    newer = content[:6] + bytes([minor]) + content[7:11] + b"\x01" + content[16:]
    place.put_bytes(newer)
    run = place.verify(place.scenario(pattern="bugspark_%Y%m%d.dump"))
    assert run.code == 2, str(run)
    case = run.report()[RESTORES]
    assert case.verdict == "error", str(run)
    assert f"PostgreSQL {needed}" in case.message and f"postgresql-{needed}" in case.message


@pytest.mark.skipif(servers.MAJOR > 16, reason="needs a server older than what it asks for")
def test_plain_sql_of_a_newer_pg_dump(place, server):
    """It sets limits of time that servers before 17 do not have, whichever server was dumped."""
    backup = server.dump("bugspark", place.directory / "x.sql", "-Fp")
    sql = re.sub(r"(-- Dumped by pg_dump version) \d+\S*", r"\1 18.6", backup.read_text())
    backup.write_text(sql.replace("\nSET client_encoding", "\nSET transaction_timeout = 0;\nSET client_encoding"))
    run = place.verify("--backup", backup, place.scenario(""))
    assert run.code == PASSED and "WARN" not in str(run), str(run)


def test_an_archive_of_a_version_that_nobody_knows(place, good):
    content = good.dump.read_bytes()
    place.put_bytes(content[:6] + bytes([17]) + content[7:])
    run = place.expect("error", INTACT, ["1.17"], place.scenario(pattern="bugspark_%Y%m%d.dump"))
    assert "worker" not in run.report()[INTACT].message
