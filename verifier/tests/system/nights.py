"""Simulated nights: histories as `verify` would have left them, for the tests of `gate` and of the page."""

import json
import random
import time
from xml.sax.saxutils import quoteattr

DAY = 86400
ROWS = {"users": 500, "reports": 20000, "comments": 4000}
RED = {"exit_code": 1, "failed": 1, "tables": {}, "schema": {}, "version_tables": {}}


def utc(moment):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def night(ago, **changes):
    """The line of a run of `verify` that passed so many seconds ago, with changes."""
    moment = time.time() - ago
    return {"format": "restore-verifier history", "version": 1, "id": f"{random.getrandbits(64):016x}", "command": "verify",
            "began": utc(moment), "exit_code": 0, "headline": "every check passed", "checks": 9, "passed": 9, "warnings": 0,
            "failed": 0, "errors": 0, "skipped": 0, "program": "restore-verifier", "server": "15.18", "given": False,
            "backup": time.strftime("shop_%Y%m%d.dump.gz", time.gmtime(moment)), "backup_time": utc(moment - 3600),
            "size_bytes": 5000000, "tables": {"public": ROWS}, "tables_left_out": 0, "version_tables": {"alembic_version": ["3f2a91c0"]},
            "schema": {"TABLE": {"count": 15, "sha256": "a" * 64}}, "seconds": 40.5,
            "stages": {"read": 1.2, "restore": 12.0, "check": 2.0},
            "objects": {"object_count": 1200, "total_size": 250000000}, **changes}


def last_ago():
    """Some hours ago, and today: days begin at midnight in UTC."""
    return min(5 * 3600, time.time() % DAY / 2)


def nights(count, changes=None):
    """So many nights, the last of them today; `changes` by how many nights ago."""
    changes = changes or {}
    return [night(ago * DAY + last_ago(), **changes.get(ago, {})) for ago in range(count - 1, -1, -1) if changes.get(ago, {}) is not None]


# What happened (asked when it is needed, since a day may end meanwhile), the gate's exit code, what the page says.
STORIES = {
    "healthy": (lambda: nights(30), 0, "Verified "),
    "corrupt": (lambda: nights(30, {ago: {**RED, "headline": "the backup is bad: it was cut off"} for ago in (0, 1, 2)}), 1,
                "did not pass: the backup is bad: it was cut off; the last that passed was 3 d"),
    "missing": (lambda: nights(30, {0: {**RED, "headline": "no backup was found", "backup": "", "size_bytes": 0}}), 1, "no backup was found"),
    "stopped": (lambda: nights(30, {0: None, 1: None, 2: None}), 2, "Last verified 3 d"),
    "shrinks": (lambda: nights(30, {0: {**RED, "headline": "the data is not as expected: users: -40%"}}), 1, "users: -40%"),
    "late": (lambda: nights(30, {0: {**RED, "headline": "the backup is behind the migrations"}}), 1, "behind the migrations"),
    "unseeing": (lambda: nights(30, {0: {**RED, "exit_code": 2, "headline": "no space left"}}), 0, "(1 later run could not look at the backup)"),
    "slow": (lambda: nights(30, {0: {"stages": {"restore": 2400.0}}}), 0, "restored in 40 min; usually the restore takes 12 s"),
    "fresh": (lambda: [], 2, "No verification that could look at a backup is on record"),
    "hostile": (lambda: [night(last_ago(), **RED | {"headline": "<script>alert(1)</script> & \"'", "backup": "<img src=x onerror=alert(1)>"})], 1,
                "<script>alert(1)</script> & \"'"),
}


def rehearsed(name, blocked, seconds=8.2):
    """The report of a rehearsal, as far as the page reads it; `blocked`: table, what, from, to, statement."""
    properties = {"verifier.version": "0.1.0", "headline": "the migration is not as expected", "migration.duration_seconds": f"{seconds:.6f}"}
    for number, one in enumerate(blocked, 1):
        properties |= {f"blocked.{number}.{part}": str(value) for part, value in zip(("table", "what", "from_seconds", "to_seconds", "by"), one)}
    lines = "".join(f"<property name={quoteattr(key)} value={quoteattr(value)}/>" for key, value in properties.items())
    return (f'<testsuites name="{name}.migration" tests="1" failures="0" errors="0" skipped="0"><testsuite name="{name}.migration" tests="1" timestamp="{utc(time.time())[:-1]}">'
            f'<properties>{lines}</properties><testcase classname="x" name="the migration succeeds" time="8.2"/></testsuite></testsuites>')


# The longest first, as it is told.
BLOCKED = [("public.users", "writing", 0.487, 8.1, "alter table reports add reviewer_id uuid references users (id)"),
           ("public.reports", "reading and writing", 0.48, 8.1, "alter table reports add reviewer_id uuid references users (id)"),
           ("public.<b>hostile</b>", "writing", 3.0, 3.002, "lock table \"<b>hostile</b>\" & more")]


def write(directory, stories):
    """Scenarios with their histories; gives the scenario files."""
    (directory / "backups/history").mkdir(parents=True)
    files = []
    for name, lines in stories.items():
        if lines:
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (directory / f"backups/history/{name}.jsonl").write_text(text, encoding="utf-8")
        path = directory / f"{name}.yaml"
        path.write_text(f"scenario: {name}\nbackups: {{location: {directory / 'backups'}}}\n", encoding="utf-8")
        files.append(str(path))
    return files
