"""Proves that what rows hold is read as it is meant: columns of every type, keys and URLs of every shape. What is
there is found, what is not there is missed, and what cannot be read as references is an error."""

import json

from objects_world import Directory
from running import CANNOT_VERIFY

PRESENT = {"a/1.png": b"1", "a/2.png": b"2", "42": b"3", "b5f1a1c0-0000-4000-8000-000000000001": b"4"}

# name, SQL that makes shots.key, found of how many references: (lost, all); or the words of an error.
COLUMNS = [
    ("text[]", "create table shots (key text[]); insert into shots values ('{a/1.png,a/2.png}'), ('{}'), (null), (array[null, '', 'a/1.png'])", (0, 2)),
    ("text[], one lost", "create table shots (key text[]); insert into shots values ('{a/1.png,a/lost.png}')", (1, 2)),
    ("varchar[][]", "create table shots (key varchar(40)[]); insert into shots values ('{{a/1.png,a/2.png},{42,lost}}')", (1, 4)),
    ("text[] with awkward keys", "create table shots (key text[]); insert into shots values (array['{a/1.png}', 'a,\"b\"'])", (2, 2)),
    ("a domain over text[]", "create domain keys as text[]; create table shots (key keys); insert into shots values ('{a/1.png,lost}')", (1, 2)),
    ("an array of a domain", "create domain key as text; create table shots (key key[]); insert into shots values ('{a/1.png,lost}')", (1, 2)),
    ("a domain over varchar", "create domain key as varchar(9); create table shots (key key); insert into shots values ('a/1.png'), ('lost')", (1, 2)),
    ("char(n)", "create table shots (key char(30)); insert into shots values ('a/1.png'), ('lost')", (1, 2)),
    ("uuid", "create table shots (key uuid); insert into shots values ('B5F1A1C0-0000-4000-8000-000000000001')", (0, 1)),
    ("uuid[]", "create table shots (key uuid[]); insert into shots values ('{b5f1a1c0-0000-4000-8000-000000000001,b5f1a1c0-0000-4000-8000-000000000002}')", (1, 2)),
    ("bigint", "create table shots (key bigint); insert into shots values (42), (43)", (1, 2)),
    ("an enum", "create type key as enum ('a/1.png', 'lost'); create table shots (key key); insert into shots values ('a/1.png'), ('lost')", (1, 2)),
    ("a generated column", "create table shots (id int, key text generated always as ('a/' || id || '.png') stored); insert into shots values (1), (2), (3)", (1, 3)),
    ("a view", "create table t (meta jsonb); create view shots as select jsonb_array_elements_text(meta) as key from t; insert into t values ('[\"a/1.png\", \"lost\"]')", (1, 2)),
    ("a view of arrays", "create table t (keys text[]); create view shots as select keys as key from t; insert into t values ('{a/1.png,lost}')", (1, 2)),
    ("a materialized view", "create table t (key text); insert into t values ('a/1.png'), ('lost'); create materialized view shots as select key from t", (1, 2)),
    ("partitions", "create table shots (key text) partition by hash (key); create table p1 partition of shots for values with (modulus 1, remainder 0); "
     "insert into shots values ('a/1.png'), ('lost')", (1, 2)),
    ("no rows of arrays", "create table shots (key text[])", (0, 0)),
    ("json", "create table shots (key json); insert into shots values ('\"a/1.png\"')", "of type json"),
    ("jsonb", "create table shots (key jsonb); insert into shots values ('[\"a/1.png\"]')", "of type jsonb"),
    ("jsonb without rows", "create table shots (key jsonb)", "of type jsonb"),
    ("jsonb[]", "create table shots (key jsonb[]); insert into shots values (array['\"a/1.png\"'::jsonb])", "of type jsonb[]"),
    ("a domain over jsonb", "create domain meta as jsonb; create table shots (key meta)", "of type s22.meta"),
    ("bytea", "create table shots (key bytea); insert into shots values ('a/1.png')", "of type bytea"),
    ("xml", "create table shots (key xml); insert into shots values ('<a/>')", "of type xml"),
    ("a composite", "create type shot as (key text); create table shots (key shot); insert into shots values (row('a/1.png'))", "of type s25.shot"),
]


def what_is_wrong(missing, orphaned, expected):
    """Of the results of the two checks of a column; empty when they are as expected."""
    if isinstance(expected, str):
        return [check for check in (missing, orphaned)
                if check["verdict"] != "error" or any(words not in check["message"] for words in ("shots.key", expected, "view"))]
    lost, references = expected
    said = f"{lost} of {references} reference" if references else "no row refers to any object"
    right = missing["verdict"] == ("fail" if lost else "pass") and said in missing["message"] + missing["details"]
    return [] if right and orphaned["verdict"] == "pass" else [missing, orphaned]


def test_columns(make_world, place, server, database):
    """Each in a schema of its own, in one backup."""
    world = make_world(Directory, keys=PRESENT, rows=[(None, None)])
    sql = ";".join(f"create schema s{number}; set search_path = s{number}; {column[1]}" for number, column in enumerate(COLUMNS))
    world.put_backup(server.dump(database(sql), place.directory / "typed"))
    checks = [(f"missing(s{number}.shots.key) = 0", f"orphaned(s{number}.shots.key) <= 4") for number in range(len(COLUMNS))]
    world.only(*sum(checks, ()))
    run = world.verify("--format", "json")
    assert run.code == CANNOT_VERIFY, str(run)
    found = {check["name"].removeprefix("objects: "): check for check in json.loads(run.out)["scenarios"][0]["checks"]}
    wrong = {column[0]: what_is_wrong(found[missing], found[orphaned], column[2]) for column, (missing, orphaned) in zip(COLUMNS, checks)}
    assert not any(wrong.values()), json.dumps({name: what for name, what in wrong.items() if what}, indent=1)
