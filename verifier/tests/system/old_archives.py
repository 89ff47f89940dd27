"""Writes archives as PostgreSQL from before 9.0 wrote them, from those of later pg_dumps: the same entries and
data, with the fields that their version had."""

import struct


class _Reader:
    def __init__(self, content):
        self.content, self.at = content, 0

    def take(self, length):
        self.at += length
        return self.content[self.at - length:self.at]

    def integer(self):
        sign, value = struct.unpack("<BI", self.take(5))
        return -value if sign else value

    def string(self):
        length = self.integer()
        return None if length < 0 else self.take(length)


def _integer(value):
    return struct.pack("<BI", value < 0, abs(value))


def _string(text):
    return _integer(-1) if text is None else _integer(len(text)) + text


def _entry(reader, minor):
    """(is it wanted, everything before its offset, its offset)"""
    dump_id, has_data, table_oid, oid, tag, description, section = (
        reader.integer(), reader.integer(), reader.string(), reader.string(), reader.string(), reader.string(), reader.integer())
    definition, drop, copy, schema, tablespace, _, owner, oids = (reader.string() for _ in range(8))
    dependencies = []
    while (dependency := reader.string()) is not None:
        dependencies.append(dependency)
    where, offset = struct.unpack("<BQ", reader.take(9))
    before = [_integer(dump_id), _integer(has_data)]
    before += [_string(table_oid)] if minor >= 8 else []
    before += [_string(oid), _string(tag), _string(description)]
    before += [_integer(section)] if minor >= 11 else []
    before += [_string(definition), _string(drop), _string(copy), _string(schema)]
    before += [_string(tablespace)] if minor >= 10 else []
    before += [_string(owner)]
    before += [_string(oids)] if minor >= 9 else []
    before += [_string(dependency) for dependency in dependencies] + [_string(None)]
    # What is known of large objects stood with their data.
    wanted = description != b"BLOB" and not tag.startswith(b"LARGE OBJECT ")
    return wanted, b"".join(before), where, offset


def rewritten(content, minor):
    """The archive of version 1.14, with 32-bit integers and 64-bit offsets, as one of version 1.minor."""
    assert content[:8] == b"PGDMP\1\x0e\0" and content[8:11] == b"\4\x08\1"
    reader = _Reader(content)
    reader.take(11)
    head = b"PGDMP" + bytes([1, minor, 0]) + content[8:11] + b"".join(_integer(reader.integer()) for _ in range(8))
    head += _string(reader.string())
    versions = [reader.string(), reader.string()]
    head += b"".join(_string(b"8.4.22") for _ in versions) if minor >= 10 else b""
    entries = [_entry(reader, minor) for _ in range(reader.integer())]
    entries = [entry[1:] for entry in entries if entry[0]]
    size = len(head) + 5 + sum(len(before) + 9 for before, _, _ in entries)
    moved = size - reader.at
    toc = b"".join(before + struct.pack("<BQ", where, offset + moved if where == 2 else 0) for before, where, offset in entries)
    return head + _integer(len(entries)) + toc + content[reader.at:]


def without(content, description, tag):
    """The archive of version 1.14, and in its table of contents one entry less."""
    assert content[:11] == b"PGDMP\1\x0e\0\4\x08\1"
    reader = _Reader(content)
    reader.take(11)
    for _ in range(8):
        reader.integer()
    for _ in range(3):
        reader.string()
    head, count = content[11:reader.at], reader.integer()
    entries, lost = [], 0
    for _ in range(count):
        begin = reader.at
        _, before, where, offset = _entry(reader, 14)
        if content[begin:reader.at].count(_string(tag) + _string(description)):
            lost += 1
        else:
            entries.append((content[begin:reader.at - 9], where, offset))
    assert lost == 1, f"{lost} entries are {description} {tag}"
    size = 11 + len(head) + 5 + sum(len(before) + 9 for before, _, _ in entries)
    moved = size - reader.at
    toc = b"".join(before + struct.pack("<BQ", where, offset + moved if where == 2 else 0) for before, where, offset in entries)
    return content[:11] + head + _integer(len(entries)) + toc + content[reader.at:]
