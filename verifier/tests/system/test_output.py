"""Proves that what each command prints with --format json is one document that its schema describes, in good runs
and in bad ones, and that there is none where nothing was begun. (Of every other test as well: running.Run.)"""

import json
import re

import jsonschema
import pytest

import test_prune
from running import BAD_BACKUP, CANNOT_VERIFY, PASSED, SCHEMA, printed

SCENARIO = "tables:\n  users:\n    - row_count >= 1\n"
NEWEST = "bugspark_%Y%m%d.dump.gz"


def told(place, command, *arguments, code=PASSED, **options):
    run = place.run(command, "--format", "json", *arguments, **options)
    assert run.code == code, str(run)
    document = printed(run.out)
    assert document["format"] == f"restore-verifier {command}" and document["exit_code"] == code
    return document


def test_the_schema_is_one(place):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    whole = jsonschema.Draft202012Validator(SCHEMA)
    document = told(place, "gate", place.scenario(), code=CANNOT_VERIFY)
    assert whole.is_valid(document)
    assert not whole.is_valid(document | {"version": 2})
    assert not whole.is_valid(document | {"format": "restore-verifier verify"})


def test_verifying(place, good):
    path = place.scenario(SCENARIO)
    place.put(good.gz)
    (passed,) = told(place, "verify", "--quiet", path)["scenarios"]
    assert passed["backup"]["size_bytes"] == good.gz.stat().st_size and passed["totals"]["failed"] == 0
    assert {stage["state"] for stage in passed["stages"].values()} == {"done"}
    place.put_bytes(good.gz.read_bytes()[:-1000], NEWEST)
    (failed,) = told(place, "verify", "--quiet", path, code=BAD_BACKUP)["scenarios"]
    assert failed["headline"] == "the backup is bad" and "restore" not in failed
    assert failed["stages"]["read"]["state"] == "failed"
    assert [check["verdict"] for check in failed["checks"] if check["name"] == "backup is intact"] == ["fail"]


def test_what_a_backup_holds(place, good):
    document = told(place, "inspect", "--quiet", good.gz)
    assert {table["name"]: table["row_count"] for table in document["tables"]}["users"] > 0
    for backup, fault, code in ((place.put_bytes(b"no backup"), "backup", BAD_BACKUP), (place.backups / "none", "machine", CANNOT_VERIFY)):
        document = told(place, "inspect", backup, code=code)
        assert document["error"]["fault"] == fault and document["tables"] == []


def test_a_whole_night(place, server):
    """dump, list, prune, gate, report and nightly, of a backup that is there and of one that cannot be made."""
    source = f"{SCENARIO}source:\n  database: {server.url('bugspark')}\n"
    path = place.scenario(source, history="%s" % (place.directory / "history"), backups="max_age: 26h\n  keep: 2d")
    document = told(place, "nightly", "--reports", place.reports, path)
    assert [step["step"] for step in document["steps"]] == ["dump", "verify", "prune"]
    dump, verify, prune = (step["printed"] for step in document["steps"])
    size = next(place.backups.glob("*.gz")).stat().st_size
    assert dump["scenarios"][0]["backup"]["size_bytes"] == verify["scenarios"][0]["backup"]["size_bytes"] == size
    assert prune["scenarios"][0]["backup_count"] == 1 and prune["scenarios"][0]["deleted"] == []

    (listed,) = told(place, "list", "--reports", place.reports, path)["scenarios"]
    assert [backup["verified"] for backup in listed["backups"]] == [True]
    (proven,) = told(place, "gate", "--reports", place.reports, path)["scenarios"]
    assert proven["state"] == "proven" and proven["restore_seconds"] > 0, proven
    metrics = place.directory / "metrics.prom"
    document = told(place, "report", "--reports", place.reports, "--metrics", metrics, path)
    assert document["page"] == f"{place.reports}/index.html" and document["metrics"] == str(metrics)

    for name in list(place.backups.glob("bugspark_*")):
        name.rename(place.backups / f"bugspark_20200101{name.name[17:]}")
    (pruned,) = told(place, "prune", "--dry-run", "--reports", place.reports, path)["scenarios"]
    assert pruned["dry_run"] and pruned["deleted"] == [] and "nothing is deleted" in "".join(pruned["messages"])

    gone = place.scenario(f"{SCENARIO}source:\n  database: postgresql://127.0.0.1:1/none\n")
    (failed,) = told(place, "dump", "--reports", place.reports, gone, code=CANNOT_VERIFY)["scenarios"]
    assert failed["checks"][0]["verdict"] == "error" and "backup" not in failed
    document = told(place, "nightly", "--reports", place.reports, gone, code=CANNOT_VERIFY)
    assert [step["exit_code"] for step in document["steps"]] == [CANNOT_VERIFY, BAD_BACKUP]


def test_what_prune_deletes(place):
    kept = test_prune.put(place, 0, verified=True)
    gone = test_prune.put(place, 40)
    path = place.scenario(backups="keep: 31d")
    for options, dry_run in ((["--dry-run"], True), ([], False)):
        (pruned,) = told(place, "prune", "--quiet", "--reports", place.reports, *options, path)["scenarios"]
        assert [backup["backup"] for backup in pruned["deleted"]] == [gone.name] and pruned["dry_run"] == dry_run
        assert pruned["deleted_bytes"] == pruned["deleted"][0]["size_bytes"] == len(b"backup of 40 days ago")
    assert test_prune.names(place)[0] == kept.name and not gone.exists()


WRONG = "tables:\n  users:\n    - row_cuont >= 1\n"


@pytest.mark.parametrize("command", ["verify", "rehearse", "sabotage", "dump", "sync", "prune", "list", "gate", "nightly"])
def test_a_scenario_that_is_wrong(place, command):
    """One document all the same, in which that scenario could not be looked at."""
    document = told(place, command, "--reports", place.reports, place.scenario(WRONG), code=CANNOT_VERIFY)
    scenarios = document["scenarios"] if command != "nightly" else document["steps"][0]["printed"]["scenarios"]
    assert [scenario["exit_code"] for scenario in scenarios] == [CANNOT_VERIFY]
    said = json.dumps(document)
    assert command == "gate" or "row_cuont" in said, said


def test_problems_of_scenarios(place):
    other = place.scenario(SCENARIO, name="other", file="another.yaml")
    wrong = place.scenario(WRONG, name="wrong")
    good = place.scenario(SCENARIO)
    document = told(place, "lint", good, other, wrong, code=CANNOT_VERIFY)
    first, second, third = document["scenarios"]
    assert first == {"scenario": "bugspark", "file": good, "exit_code": 0, "problems": [], "warnings": []}
    assert second["exit_code"] == 0 and second["warnings"][0]["line"] == 1 and "another" in second["warnings"][0]["message"]
    (problem,) = third["problems"]
    lines = open(wrong, encoding="utf-8").read().split("\n")
    assert lines[problem["line"] - 1][problem["column"] - 1 :].startswith("row_cuont")
    assert not re.match(r".*\d+:\d+", problem["message"]) and wrong not in problem["message"]


@pytest.mark.parametrize("arguments", [["verify", "--no-such-option"], ["verify", "--reports", "/dev/null/none"], ["dump", "--timeout", "x"]])
def test_what_is_not_begun_prints_nothing(place, arguments):
    run = place.run(*arguments, "--format", "json", place.scenario())
    assert run.code == CANNOT_VERIFY and run.out == "" and run.err, str(run)
