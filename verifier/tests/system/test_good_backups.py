"""Proves that the backup of a sound database is green, and that the report of a green run says what was
verified."""

import re

from running import PASSED, PROGRAM
from servers import MAJOR

STAGES = ("find", "read", "start", "restore", "check", "stop")


def test_a_good_backup_passes(place, good):
    backup = place.put(good.gz)
    run = place.verify(place.scenario("tables:\n  users:\n    - row_count = 25\n"))
    assert run.code == PASSED, str(run)
    report = run.report()
    assert report.verdicts() == {
        "backup is recent": "pass",
        "backup is intact": "pass",
        "backup restores": "pass",
        "every table has its rows": "pass",
        "every object is there": "pass",
        "users: row_count = 25": "pass",
    }
    assert {case.group for case in report.cases} == {"bugspark.backup", "bugspark.tables"}
    properties = report.properties
    assert properties["backup.file"] == str(backup)
    assert int(properties["backup.size_bytes"]) == backup.stat().st_size
    assert re.fullmatch(r"[0-9a-f]{64}", properties["backup.sha256"])
    assert properties["backup.format"] == "custom in gzip"
    assert properties["server.version"].startswith(f"{MAJOR}.")
    assert properties["restored.rows"] == properties["backup.row_count"] == "398"
    for stage in STAGES:
        assert float(properties[f"stage.{stage}_seconds"]) >= 0


def test_the_sha256_is_the_files(place, good):
    import hashlib

    backup = place.put(good.gz)
    run = place.verify(place.scenario())
    assert run.report().properties["backup.sha256"] == hashlib.sha256(backup.read_bytes()).hexdigest()


def test_the_version(place):
    run = place.run("--version")
    assert run.code == PASSED and run.out.startswith("restore-verifier "), PROGRAM
