"""Proves that every run is remembered where the backups lie, and that `gate` and `list` answer by that alone."""

import json
import os
import shutil
import threading

import pytest

from backup_bucket import PREFIX
from nights import night
from running import BAD_BACKUP, CANNOT_VERIFY, PASSED, today

TABLES = "tables:\n  users: [row_count >= 1]\n"


def lines(place, directory=None):
    path = (directory or place.backups / "history") / "bugspark.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def gate(place, path, *options, code, reports=None):
    run = place.run("gate", "--reports", reports or place.reports, *options, path)
    assert run.code == code, str(run)
    return run.out + run.err


def answer(place, path, *options, code):
    run = place.run("gate", "--format", "json", "--reports", place.reports, *options, path)
    assert run.code == code, str(run)
    whole = json.loads(run.out)
    assert whole["exit_code"] == code
    return whole["scenarios"][0]


def test_nights_are_night(place, server):
    path = place.scenario(f"source:\n  database: {server.url('bugspark')!r}\n" + TABLES, history=None)
    assert "no verification that could look at a backup is on record" in gate(place, path, code=CANNOT_VERIFY)
    assert place.run("dump", "--reports", place.reports, path).code == PASSED
    assert answer(place, path, code=CANNOT_VERIFY)["state"] == "never"
    assert place.verify(path).code == PASSED
    dumped, verified = lines(place)
    assert (dumped["command"], dumped["exit_code"]) == ("dump", PASSED)
    assert dumped["backup"] == verified["backup"] == today() and dumped["sha256"] == verified["sha256"]
    assert verified["tables"]["public"]["users"] > 0 and verified["stages"]["restore"] > 0
    assert "contents_compared" not in verified and verified["checks"] == verified["passed"] and verified["server"] and verified["schema"]["TABLE"]["count"] > 0
    said = gate(place, path, code=PASSED)
    assert said.startswith("bugspark: verified ") and today() in said
    green = answer(place, path, "--rto", "1h", "--max-backup-age", "1h", code=PASSED)
    assert green["state"] == "proven" and green["restore_seconds"] > 0 and green["backup"] == today()
    # A partial run proves nothing, and is not remembered.
    assert place.verify("--only", "backup*", path).code == PASSED
    assert len(lines(place)) == 2

    backup = place.backups / today()
    backup.write_bytes(backup.read_bytes()[:5000])
    assert place.verify(path).code == BAD_BACKUP
    said = gate(place, path, code=BAD_BACKUP)
    assert "did not pass: the backup is bad: backup is intact: " in said and "the last that passed was " in said
    backup.unlink()
    assert place.verify(path).code == BAD_BACKUP
    assert "no backup was found" in lines(place)[-1]["headline"]


def test_a_night_leaves_a_page(place, server):
    path = place.scenario(f"source:\n  database: {server.url('bugspark')!r}\nrestore:\n  contents: true\n" + TABLES, history=None)
    metrics = place.directory / "night.prom"
    run = place.run("nightly", "--reports", place.reports, "--metrics", metrics, path)
    assert run.code == PASSED, str(run)
    assert [(line["command"], line.get("contents_compared")) for line in lines(place)] == [("dump", None), ("verify", True)]
    assert "The one is proven." in (place.reports / "index.html").read_text()
    assert 'restore_verifier_proven{scenario="bugspark"} 1' in metrics.read_text()


# What the last verification was, and what the gate is asked: its exit code and words.
GATES = {
    "young enough": (3600, [], PASSED, "verified 1 h"),
    "too old": (50 * 3600, [], CANNOT_VERIFY, "last verified 2 d 2 h ago, and at most 2 d is asked for: has the nightly run stopped?"),
    "old, as allowed": (50 * 3600, ["--max-age", "3d"], PASSED, "verified 2 d 2 h"),
    "restored too slowly": (3600, ["--rto", "10s"], BAD_BACKUP, "took too long: it was done in 12 s, and at most 10 s"),
    "restored fast enough": (3600, ["--rto", "2m"], PASSED, "restored in 12 s"),
    "of an old backup": (3600, ["--max-backup-age", "90m"], CANNOT_VERIFY, "has the dump stopped?"),
    "in the future": (-86400, [], CANNOT_VERIFY, "1 line of the history is dated in the future and does not count"),
}


@pytest.mark.parametrize("name", GATES)
def test_the_gate(place, name):
    ago, options, code, words = GATES[name]
    path = place.scenario(TABLES, history=None)
    (place.backups / "history").mkdir()
    (place.backups / "history/bugspark.jsonl").write_text(json.dumps(night(ago)) + "\n")
    assert words in gate(place, path, *options, code=code)


def test_what_the_gate_cannot_read(place):
    path = place.scenario(TABLES, history=None)
    history = place.backups / "history/bugspark.jsonl"
    history.parent.mkdir()
    history.write_text(json.dumps(night(7200)) + "\n{\"format\": \"resto\n" + json.dumps(night(3600)) + "\n")
    said = gate(place, path, code=PASSED)
    assert f"passed over: line 2 of {history} is damaged" in said and "verified 1 h" in said
    history.write_text(json.dumps(night(3600)) + "\n" + json.dumps(night(1800, exit_code=1))[:200])
    assert "cannot tell: the last line of " in gate(place, path, code=CANNOT_VERIFY), "it may have been red"
    newer = json.dumps(night(1800, exit_code=1) | {"version": 99})
    history.write_text(json.dumps(night(3600)) + "\n" + newer + "\n")
    said = answer(place, path, code=CANNOT_VERIFY)
    assert said["state"] == "unknown" and "a newer version of this program wrote 1 line" in said["message"]
    history.unlink()
    history.mkdir()
    assert "cannot tell: " in gate(place, path, code=CANNOT_VERIFY)
    wrong = place.scenario("nonsense: 1\n", file="wrong.yaml", name="wrong", history=None)
    assert "the scenario is wrong" in gate(place, wrong, code=CANNOT_VERIFY)


def test_a_scenario_that_keeps_no_history(place, good):
    path = place.scenario(TABLES)
    place.put(good.gz)
    assert place.verify(path).code == PASSED
    assert not (place.backups / "history").exists()
    assert "cannot tell: the scenario keeps no history (`history: none`)" in gate(place, path, code=CANNOT_VERIFY)


def test_a_directory_of_its_own(place, good):
    directory = place.directory / "kept"
    path = place.scenario(TABLES, history=str(directory))
    place.put(good.gz)
    assert place.verify(path).code == PASSED
    assert len(lines(place, directory)) == 1 and not (place.backups / "history").exists()
    assert "verified" in gate(place, path, code=PASSED)
    shutil.rmtree(directory)
    directory.write_text("no directory")
    run = place.verify(path)
    assert run.code == PASSED and "bugspark: this run is not in the history: cannot " in run.err, "a history that cannot be written changes no verdict"


@pytest.mark.parametrize("missing", [True, False])
def test_of_many_it_is_said_once(place, missing):
    """Whether the directory is not there, or a file in it cannot be written."""
    directory = place.directory / ("no/such" if missing else "history")
    paths = [place.scenario(name=f"s{i}", history=directory, location=place.directory / "nowhere") for i in range(4)]
    for i in range(0 if missing else 4):
        (directory / f"s{i}.jsonl").mkdir(parents=True)
    run = place.run("verify", "--reports", place.reports, *paths[:3])
    told = [line for line in run.err.splitlines() if "not in the history" in line]
    assert len(told) == 1 and told[0].startswith("restore-verifier: s0 and 2 other scenarios: this run is not in the history: "), run.err
    run = place.run("dump", "--reports", place.reports, *(place.scenario("source:\n  database: postgresql:///x?host=/nowhere\n", name=f"s{i}", history=directory) for i in range(2)))
    assert run.err.count("s0 and 1 other scenario: this run is not in the history") == 1 == run.err.count("history: cannot"), run.err


def test_where_it_cannot_lie_beside_the_backups(place, good):
    path = place.scenario(TABLES, history=None)
    place.put(good.gz)
    (place.backups / "history").write_text("in the way")
    run = place.verify(path)
    assert run.code == PASSED and f"the history goes on in {place.reports}/history, because it cannot be kept" in run.err, str(run)
    assert len(lines(place, place.reports / "history")) == 1
    (place.backups / "history").unlink()
    assert "verified" in gate(place, path, code=PASSED)


def test_before_the_first_dump_nothing_is_said_of_it(place, server):
    """The dump makes the place. A bucket is not made by anybody."""
    source = f"source:\n  database: {server.url('bugspark')!r}\n"
    place.backups.rmdir()
    run = place.verify(place.scenario(source + TABLES, history=None))
    assert run.code == CANNOT_VERIFY and "make the first backup (restore-verifier dump)" in " ".join(run.err.split()), str(run)
    assert "history goes on" not in run.err and len(lines(place, place.reports / "history")) == 1, str(run)
    keys = "endpoint: 'http://127.0.0.1:9'\n  region: x\n  access_key: x\n  secret_key: x"
    run = place.verify("--timeout", "60s", place.scenario(source + TABLES, history=None, location="s3://gone/x", backups=keys))
    assert run.code == CANNOT_VERIFY and f"the history goes on in {place.reports}/history" in run.err, str(run)


def test_a_report_that_cannot_be_written(place, good):
    """Said once, though it is tried before the run too; the last line tells why a green run ends with 2."""
    (place.reports / "bugspark.xml/in the way").mkdir(parents=True)
    place.put(good.gz)
    run = place.run("verify", "--reports", place.reports, place.scenario(TABLES))
    assert run.code == CANNOT_VERIFY and "1 scenario: 1 passed" in run.err, str(run)
    last = run.err.splitlines()[-1]
    assert last.startswith("The exit code is 2, because: the report could not be written: ") and "bugspark.xml" in last, str(run)
    assert run.err.count("the report could not be written") == 2, str(run)


def test_list(place, good):
    path = place.scenario(TABLES, backups="keep: 30d", history=None)
    place.put(good.gz)
    old = place.backups / today(days_ago=40)
    old.write_bytes(b"old")
    assert place.verify(path).code == PASSED
    run = place.run("list", "--reports", place.reports, path)
    assert run.code == PASSED, str(run)
    head, newest, oldest = run.out.splitlines()
    assert head == f"bugspark: 2 backups in {place.backups}"
    assert newest.split()[:2] == [today(), today("%Y-%m-%d")] and "  verified  " in newest, "the name tells no hour" and f"kept until {today('%Y-%m-%d', -30)}" in newest
    assert oldest.split()[0] == old.name and "  not verified  " in oldest and "kept no longer: prune deletes it" in oldest
    run = place.run("list", "--format", "json", "--reports", place.reports, path)
    first, second = json.loads(run.out)["scenarios"][0]["backups"]
    assert first["date"] == today("%Y-%m-%d") and "time" not in first
    assert first["verified"] and not second["verified"] and "kept_until" in first and "kept_until" not in second
    (place.backups / today()).write_bytes(b"something else")
    first = json.loads(place.run("list", "--format", "json", "--reports", place.reports, path).out)["scenarios"][0]["backups"][0]
    assert not first["verified"] and "changed after it verified" in first["not_verified_because"]
    assert place.verify(path).code == BAD_BACKUP
    told = place.run("list", "--reports", place.reports, path).out.splitlines()[1:3]
    assert "  not verified  " in told[0] and "    did not pass at " in told[1] and "the backup is bad: backup is intact: " in told[1], told
    place.scenario(TABLES, history=None)
    assert "kept always: the scenario has no backups.keep" in place.run("list", "--reports", place.reports, path).out
    shutil.rmtree(place.backups)
    run = place.run("list", "--reports", place.reports, path)
    assert run.code == CANNOT_VERIFY and "does not exist" in run.err


# --- in a bucket ----------------------------------------------------------------------------------


def history_of(bucket):
    return [key for key in bucket.keys() if key.startswith("history/")]


def test_a_bucket(bucket, server):
    path = bucket.scenario(TABLES, source=server.url("bugspark"), history=None)
    place = bucket.place
    for command in ("dump", "verify"):
        run = place.run(command, "--reports", place.reports, path)
        assert run.code == PASSED, str(run)
    names = history_of(bucket)
    assert len(names) == 2 and all(name.startswith("history/bugspark.2") for name in names)
    elsewhere = place.directory / "elsewhere"
    assert "verified" in gate(place, path, code=PASSED, reports=elsewhere), "a machine of tomorrow knows nothing else"
    # When there are many they are put together, while others write.
    for number in range(70):
        bucket.put(f"history/bugspark.20260101T{number:06d}Z-{number:016x}.json",
                   json.dumps(night(86400 * 30 + number, id=f"{number:016x}")).encode())
    runs = [threading.Thread(target=place.run, args=("dump", "--force", "--reports", place.directory / f"r{number}", path))
            for number in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    names = history_of(bucket)
    assert len(names) <= 4
    found = [json.loads(line) for name in names for line in bucket.get(name).decode().splitlines()]
    assert len({line["id"] for line in found}) == 74 and {line["command"] for line in found} == {"verify", "dump"}
    assert "verified" in gate(place, path, code=PASSED, reports=elsewhere)
    assert PREFIX and not bucket.unfinished()


def test_a_bucket_that_does_not_answer(bucket, server):
    path = bucket.scenario(TABLES, source=server.url("bugspark"), history=None, endpoint="http://127.0.0.1:9")
    said = gate(bucket.place, path, code=CANNOT_VERIFY)
    assert "cannot tell: " in said and os.environ.get("HOME") not in said
