"""Proves how the age of a backup is known: from names in another time zone, and where names tell no date."""

import gzip
import os
import time

from running import BAD_BACKUP

RECENT = "backup is recent"
NO_RESTORE = {"RESTORE_VERIFIER_PGBIN": "/nonexistent"}
FORMAT = "shop_%Y%m%d-%H%M.dump.gz"


def in_tokyo(moment):
    return time.strftime(FORMAT, time.gmtime(moment + 9 * 3600))


def test_dates_of_names_and_files(place, source_server, monkeypatch):
    """One run of five scenarios: a name of Tokyo with and without its zone, and a rotation over weekdays. The archive
    tells its age in the zone of who made it, here that of who verifies it."""
    monkeypatch.setenv("TZ", "UTC")
    archive = gzip.compress(source_server.dump("bugspark", place.directory / "utc.dump").read_bytes())
    now = time.time()
    for name, age_s in ((in_tokyo(now), 0), ("db_Mon.dump.gz", 60), ("db_Tue.dump.gz", 3600), ("latest.dump.gz", 30 * 3600)):
        os.utime(place.put_bytes(archive, name), (now - age_s, now - age_s))
    scenarios = [
        place.scenario(name="without", pattern=FORMAT),
        place.scenario(name="tokyo", pattern=FORMAT, backups="time_zone: Asia/Tokyo"),
        place.scenario(name="rotated", pattern="db_%a.dump.gz", backups="time: modified\n  max_age: 26h"),
        place.scenario(name="latest", pattern="latest.dump.gz", backups="time: modified\n  max_age: 26h"),
        place.scenario(name="header", pattern="latest.dump.gz", backups="time: header"),
    ]
    run = place.run("verify", "--only", RECENT, *scenarios, environment={**NO_RESTORE, "TZ": "UTC"})
    assert run.code == BAD_BACKUP, str(run)
    reports = {name: run.report(name)[RECENT] for name in ("without", "tokyo", "rotated", "latest", "header")}
    assert reports["without"].verdict == "fail", str(run)
    assert "9 h ahead of the time its file was modified" in reports["without"].message
    assert "backups.time_zone" in reports["without"].message
    assert reports["tokyo"].verdict == "pass", str(run)
    assert reports["rotated"].verdict == "pass" and run.report("rotated").properties["backup.file"].endswith("db_Mon.dump.gz"), str(run)
    assert run.report("rotated").properties["backup.time_from"] == "the time its file was modified"
    assert reports["latest"].verdict == "fail" and "the latest backup is 1 d 6 h old" in reports["latest"].message, str(run)
    assert reports["header"].verdict == "pass", str(run)
