"""Expectations that are held against earlier nights: what the history remembers of them makes a verdict, and what
cannot be known of them is said."""

import json
import time

import pytest

from nights import DAY, night, utc
from objects_world import KEYS, Directory
from running import BAD_BACKUP, CANNOT_VERIFY, PASSED, today

# Held against nights that were all as tonight, and against others: twice as many rows and bytes, a restore of ten minutes.
# What is said then.
USERS = 25  # of the good backups
OF_USERS = {
    "change avg last 7 for row_count >= -10%": "-25 rows (-50.0%): 25, and 50 on average of the last 7 verified nights",
    "change avg last 2 for row_count between -5 and 5": "25, and 50 on average of the last 2 verified nights",
    "change avg last 100 for row_count = 0%": "on average of the last 40 verified nights",
    "anomaly for row_count": "unusual: 25 rows, and between 45 and 55 is usual (median 50 of the last 30 verified nights)",
}
OF_RUN = {
    "restore_time > 1ms": None,
    "change for restore_time >= -98%": ", and 10 min in bugspark_",
    "change for restore_time >= -30s": ", and 10 min in bugspark_",
    "change avg last 7 for restore_time > -20s": ", and 10 min on average of the last 7 verified nights",
    "anomaly for restore_time": ", and between 9 min and 11 min is usual",
    "backup_size >= 1kB": None,
    "change for backup_size >= -20%": "(-50.0%): ",
    "change avg last 30 for backup_size > -1kB": "on average of the last 30 verified nights",
    "anomaly for backup_size": "unusual: ",
}


def body(tables=None, checks=(), more=""):
    parts = {**({"tables": tables} if tables else {}), **({"checks": list(checks)} if checks else {})}
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in parts.items()) + more


def history_of(place):
    return place.backups / "history/bugspark.jsonl"


def remember(place, lines):
    history_of(place).parent.mkdir(exist_ok=True)
    history_of(place).write_text("".join(json.dumps(line) + "\n" for line in lines))


def earlier(line, days_ago, **changes):
    """The line of a run as that of an earlier night, of another backup."""
    moment = time.time() - days_ago * DAY
    return {**line, "id": f"{days_ago:016x}", "began": utc(moment), "backup_time": utc(moment - 3600),
            "backup": today(days_ago=days_ago), **changes}


def shop_nights(count, tables=None):
    return [night(days_ago * DAY, tables={"public": tables or {"users": USERS}}) for days_ago in range(count, 0, -1)]


def test_as_usual_and_not(place, good):
    path = place.scenario(body({"users": list(OF_USERS)}, OF_RUN), history=None)
    place.put(good.gz)
    names = {f"users: {text}": words for text, words in OF_USERS.items()} | OF_RUN
    held = {name: words for name, words in names.items() if words}

    first = place.verify(path)
    assert first.code == PASSED, str(first)
    for name in held:
        said = first.report()[name].output
        assert f"nothing to compare with: the history {history_of(place)} knows no earlier backup that verified" in said, said

    line = json.loads(history_of(place).read_text())
    assert line["tables"]["public"]["users"] == USERS
    remember(place, [earlier(line, days_ago) for days_ago in range(40, 0, -1)])
    same = place.verify(path)
    assert same.code == PASSED, str(same)
    for name in names:
        case = same.report()[name]
        assert case.verdict == "pass" and "warning" not in case.output, case
    assert "before, the latest first: 25, 25, " in same.report()["users: anomaly for row_count"].output

    changes = {"tables": {"public": {"users": 2 * USERS}}, "stages": {"restore": 600.0}, "size_bytes": 2 * line["size_bytes"]}
    remember(place, [earlier(line, days_ago, **changes) for days_ago in range(40, 0, -1)])
    other = place.verify(path)
    assert other.code == BAD_BACKUP, str(other)
    for name, words in names.items():
        case = other.report()[name]
        assert case.verdict == ("fail" if words else "pass"), case
        assert (words or "") in case.message, case
    assert "write `warn:` in front of the expectation" in other.report()["users: anomaly for row_count"].text


def test_limits_on_the_run(place, good):
    """A slow restore is red, and no fault of the backup: what was proven of it stays."""
    place.put(good.gz)
    path = place.scenario(body(checks=["restore_time < 30m", "backup_size >= 1kB"]))
    assert place.verify(path).code == PASSED
    record = place.backups / (today() + ".verified.json")
    assert record.exists()
    path = place.scenario(body(checks=["restore_time < 1ms", "warn: backup_size < 10B"]))
    run = place.expect("fail", "restore_time < 1ms", "expected restore_time < 1ms, found ", path)
    assert "the restore did not take the expected time" in run.err and record.exists()
    assert "warning: expected backup_size < 10B, found " in run.report()["backup_size < 10B"].output
    path = place.scenario(body(checks=["backup_size between 1 and 10"]))
    run = place.expect("fail", "backup_size between 1 and 10", "expected backup_size between 1 and 10, found", path)
    assert "the data is not as expected" in run.err and not record.exists()


def test_the_size_alone_needs_no_restore(place, good):
    place.put(good.gz)
    remember(place, shop_nights(8))
    path = place.scenario(body(checks=["change for backup_size > -1%", "restore_time < 1m"]), history=None)
    run = place.verify("--only", "change for backup_size*", path)
    assert run.code == BAD_BACKUP and run.report()["change for backup_size > -1%"].verdict == "fail", str(run)
    assert "restored into" not in run.err
    assert "restored into" in place.verify("--only", "restore_time*", path).err


# Tables of 500 rows each: how many rows each of nine nights tells of one, the latest last (None: it does not tell), an
# expectation, the verdict and words.
TABLES = {
    "constant": ([500] * 9, "change avg last 7 for row_count = 0%", "pass", "+0 rows (+0.0%): 500, and 500 on average of the last 7"),
    "grew": ([250] * 9, "change avg last 3 for row_count < 100%", "fail", "+250 rows (+100.0%): 500, and 250 on average of the last 3"),
    "by_half": ([499, 500, 501] * 3, "change avg last 2 for row_count < -0.5", "fail", "-0.5 rows (-0.1%): 500, and 500.5 on average"),
    "of_nothing": ([0] * 9, "change avg last 7 for row_count <= 1000000%", "fail", "+500 rows (+inf%): 500, and 0 on average"),
    "once_nothing": ([500] * 8 + [0], "change avg last 2 for row_count <= 100%", "pass", "+250 rows (+100.0%): 500, and 250 on average"),
    "one_row_more": ([499] * 9, "anomaly for row_count", "pass", "500 rows, and between 450 and 548 is usual (median 499 of the last 9"),
    "one_odd_night": ([500] * 8 + [99999], "anomaly for row_count", "pass", "between 450 and 550 is usual"),
    "odd": ([5] * 9, "anomaly for row_count", "fail", "unusual: 500 rows, and between 4 and 6 is usual"),
    "vanished": ([5000] * 9, "anomaly for row_count", "fail", "unusual: 500 rows, and between 4500 and 5500 is usual"),
    "lively": ([300, 400, 500, 600, 700, 500, 400, 600, 500], "anomaly for row_count", "pass", "and between 1 and 1241 is usual"),
    "warned_of": ([5] * 9, "warn: anomaly for row_count", "pass", "warning: unusual: 500 rows"),
    "six_nights": ([None] * 3 + [500] * 6, "anomaly for row_count", "pass",
                   "nobody knows yet what is usual: that takes 7 verified nights, and 6 are known; of others it is not told, because"),
    "a_gap": ([500] * 7 + [None, 250], "change avg last 3 for row_count > 0", "pass", "1 of the last 3 verified nights does not tell it, because"),
    "new": ([None] * 9, "change avg last 7 for row_count >= 0%", "pass",
            "500 rows, and nothing to compare with: the last 7 verified nights do not tell it, because it was not there"),
}


@pytest.fixture
def five_hundred(place, server, database):
    """The scenario of a backup with all these tables, its history still to be written."""
    name = database("".join(f"create table {table} as select generate_series(1, 500) as x; " for table in TABLES))
    server.dump(name, place.backups / today("bugspark_%Y%m%d.dump"))

    def scenario(tables):
        return place.scenario(body({table: [TABLES[table][1]] for table in tables}), pattern="bugspark_%Y%m%d.dump", history=None)

    return scenario


def told(case):
    return f"{case.message}\n{case.text}\n{case.output}"


def test_what_nights_tell(place, five_hundred):
    """A line that is damaged among them is passed over, and told."""
    lines = [night((9 - index) * DAY, tables={"public": {table: told[0][index] for table, told in TABLES.items() if told[0][index] is not None},
                                              "other": {"new": 1}}) for index in range(9)]
    remember(place, lines)
    with open(history_of(place), "a", encoding="utf-8") as file:
        file.write("{\"format\": \"resto\n")
    report = place.verify(five_hundred(TABLES)).report()
    for table, (_, text, verdict, words) in TABLES.items():
        case = report[f"{table}: {text.removeprefix('warn: ')}"]
        assert case.verdict == verdict and words in told(case), case
        assert f"passed over: line 10 of {history_of(place)} is damaged" in told(case)


def test_an_emptied_table_is_never_usual(place, server, database):
    name = database("create table emptied (x int); create table once_empty (x int); create table other as select 1 as x")
    server.dump(name, place.backups / today("bugspark_%Y%m%d.dump"))
    lively = [300, 400, 500, 600, 700, 500, 400, 600, 500]
    remember(place, [night((9 - index) * DAY, tables={"public": {"emptied": rows, "once_empty": rows if index else 0}}) for index, rows in enumerate(lively)])
    tables = {"emptied": ["anomaly for row_count"], "once_empty": ["anomaly for row_count"]}
    run = place.expect("fail", "emptied: anomaly for row_count", "unusual: 0 rows, and between 1 and 1241 is usual",
                       place.scenario(body(tables), pattern="bugspark_%Y%m%d.dump", history=None))
    assert run.report()["once_empty: anomaly for row_count"].verdict == "pass", str(run)


# Nights that tell of no more than a part, what is said of a table that is not there; and lines of others.
PASTS = {
    "too many tables": ([night(DAY, tables={"public": {"x": 1}}, tables_left_out=3)], "pass",
                        "the last verified night does not tell it, because only the 200 largest tables of a night are remembered"),
    "no record": ([night(DAY, tables={})], "pass", "because no record was written"),
    "a newer program": ([night(DAY), night(3600) | {"version": 99}], "error", "a newer version of this program wrote 1 line of the history "),
    "none that can be read": (["resto"], "error", "can be read: put back a good copy of it, or delete it to begin anew"),
}


@pytest.mark.parametrize("name", PASTS)
def test_what_nights_do_not_tell(place, five_hundred, name):
    lines, verdict, words = PASTS[name]
    remember(place, lines)
    place.expect(verdict, f"new: {TABLES['new'][1]}", words, five_hundred(["new"]))


def test_a_damaged_history_that_the_dump_went_on_with(place, server, database):
    """The line of tonight's dump is one that can be read, and says nothing of earlier nights."""
    name = database("create table t as select generate_series(1, 9) as x")
    path = place.scenario(f"source:\n  database: {server.url(name)!r}\n" + body({"t": ["anomaly for row_count"]}), history=None)
    history_of(place).parent.mkdir()
    history_of(place).write_text("resto\n")
    run = place.run("nightly", path)
    assert run.code == CANNOT_VERIFY and "can be read: put back a good copy of it, or delete it" in " ".join(run.err.split()), str(run)


def test_a_history_that_cannot_be_read(place, good):
    """It is an error of what asks for it, and of nothing else."""
    place.put(good.gz)
    history_of(place).mkdir(parents=True)
    path = place.scenario(body({"users": [f"row_count = {USERS}", "anomaly for row_count"]}, ["restore_time < 10m"]), history=None)
    run = place.expect("error", "users: anomaly for row_count",
                       ["nobody knows what was before, because the history cannot be read: ", "name another place for it under `history`"], path)
    verdicts = run.report().verdicts()
    assert verdicts.pop("users: anomaly for row_count") == "error" and set(verdicts.values()) == {"pass"}, verdicts
    path = place.scenario(body({"users": [f"row_count = {USERS}"]}), history=None)
    run = place.verify(path)
    assert run.code == PASSED and "the history goes on in" in run.err, "nothing asks for it"


def test_without_a_history(place):
    path = place.scenario(body({"users": ["anomaly for row_count"]}))
    run = place.run("lint", path)
    assert run.code == CANNOT_VERIFY
    assert "`anomaly for row_count` compares with earlier nights, and with `history: none` nothing remembers them" in run.err


def test_a_view_is_not_remembered(place, server, database):
    name = database("create table t as select generate_series(1, 9) as x; create view v as select * from t")
    text = "change avg last 7 for row_count >= 0%"
    path = place.scenario(f"source:\n  database: {server.url(name)!r}\n" + body({"v": [text], "t": [text]}), history=None)
    assert place.run("dump", path).code == PASSED
    place.expect("error", f"v: {text}", "v is no table, and only the rows of tables are remembered", path)


def test_a_backup_that_is_named_is_held_against_those_before_it(place, good):
    """And its run is no night that later ones are held against, nor is it held against itself."""
    text = "change avg last 7 for row_count >= -1%"
    path = place.scenario(body({"users": [text]}), history=None)
    backup = place.put(good.gz)
    assert place.verify("--backup", backup, path).code == PASSED
    assert json.loads(history_of(place).read_text())["given"]
    place.expect("pass", f"users: {text}", "knows no earlier backup that verified", path)
    history_of(place).write_text(json.dumps(night(DAY, tables={"public": {"users": 900}})) + "\n" +
                                 json.dumps(night(-3000, tables={"public": {"users": 100}})) + "\n")
    place.expect("fail", f"users: {text}", "25, and 900 in the last verified night", "--backup", backup, path)


def test_of_a_bucket_of_objects(make_world):
    world = make_world(Directory)
    count = len(KEYS)
    average, unusual = "change avg last 7 for object_count >= -1%", "anomaly for total_size in screenshots/"
    world.only("object_count >= 1", average, unusual)
    path = world.scenario()
    text = open(path, encoding="utf-8").read().replace("history: none", f"history: {world.place.directory}/kept")
    open(path, "w", encoding="utf-8").write(text)
    kept = world.place.directory / "kept/bugspark.jsonl"
    run = world.place.verify(path)
    assert run.code == PASSED and "nothing to compare with" in run.report()[f"objects: {average}"].output, str(run)
    line = json.loads(kept.read_text())
    assert line["objects"]["object_count"] == count
    for more, verdict in (({}, "pass"), ({"object_count": count + 1, "total_size in screenshots/": 9999}, "fail")):
        objects = {**line["objects"], **more}
        kept.write_text("".join(json.dumps(earlier(line, ago, objects=objects)) + "\n" for ago in range(8, 0, -1)))
        report = world.place.verify(path).report()
        for name in (average, unusual):
            case = report[f"objects: {name}"]
            assert case.verdict == verdict and "warning" not in case.output, case
    assert f"-1 objects (-8.3%): {count}, and {count + 1} on average" in report[f"objects: {average}"].message


def test_a_history_in_a_bucket(bucket, good):
    """A machine that knows nothing else compares, and one that does not come there says so."""
    text = "change avg last 7 for row_count >= -10%"
    bucket.put(today(), good.gz.read_bytes())
    for line in shop_nights(9):
        bucket.put(f"history/bugspark.{line['began'].translate({ord(c): None for c in '-:'})}-{line['id']}.json", json.dumps(line).encode())
    path = bucket.scenario(body({"users": [text]}, ["anomaly for restore_time"]), history=None)
    run = bucket.place.verify(path)
    assert run.code == BAD_BACKUP, str(run)
    assert "25, and 25 on average of the last 7 verified nights" in run.report()[f"users: {text}"].output
    assert "is usual (median 12 s of the last 9 verified nights)" in run.report()["anomaly for restore_time"].message
    path = bucket.scenario(body({"users": [text]}), history="s3://not-there/history")
    bucket.place.expect("error", f"users: {text}", "the history cannot be read: ", path)


@pytest.mark.slow
def test_sabotage_is_noticed_by_what_is_unusual(place, server, database):
    name = database("create table t as select generate_series(1, 500) as x; create table u as table t")
    server.dump(name, place.backups / today("bugspark_%Y%m%d.dump"))
    remember(place, shop_nights(9, {"t": 500, "u": 500}))
    path = place.scenario(body({table: ["anomaly for row_count"] for table in "tu"}, ["change for restore_time < 1h"]), pattern="bugspark_%Y%m%d.dump", history=None)
    run = place.run("sabotage", "--reports", place.reports, "--only", "a table emptied", path)
    case = run.reports()[0]["a table emptied"]
    assert case.verdict == "pass" and any(f"seen by `{table}: anomaly for row_count`: public.{table} has lost its 500 rows" in told(case) for table in "tu"), str(run)
