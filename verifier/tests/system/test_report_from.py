"""Proves that `report --from` makes one page of what runs on several machines have left, and that a shard which never ran is red by name."""

import json
import shutil

import pytest

import nights
from running import BAD_BACKUP, CANNOT_VERIFY, PASSED
from test_page import Page, section_of

SUITE = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="{name}" tests="1" failures="0" errors="0" skipped="0" time="1.000">
<testsuite name="{name}" tests="1" failures="0" errors="0" skipped="0" time="1.000" timestamp="{began}">
<properties><property name="{marker}" value="0.1.0"/><property name="headline" value="{headline}"/></properties>
<testcase classname="{name}.backup" name="backup is intact" time="1.000">{verdict}</testcase>
</testsuite>
</testsuites>
"""
NOW = nights.time.time()
FAILURE, ERROR = "<failure message='cut off'>cut off</failure>", "<error message='no space'>no space</error>"


def junit(directory, name, ago, verdict="", headline="every check passed", file=None, marker="verifier.version"):
    began = nights.utc(NOW - ago)[:-1]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / (file or f"{name}.xml")).write_text(SUITE.format(name=name, began=began, verdict=verdict, headline=headline, marker=marker))


def history(directory, name, lines, end="\n"):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + end)


def damaged(directory, file, text):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / file).write_text(text)


def link(directory, file, target):
    """A link to what lies in another of the directories; or to nothing."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / file).symlink_to(directory.parent.parent / target)


def report(place, *arguments, code):
    run = place.run("report", "--reports", place.directory / "page", *arguments)
    assert run.code == code, str(run)
    page = place.directory / "page/index.html"
    return run, Page(page.read_text(encoding="utf-8")) if page.exists() else None


def test_shards_of_a_real_night(place, good, server):
    """Three runs on machines of their own: one good, one bad, one that never came."""
    files = []
    for name in ("bugspark", "shop"):
        (place.directory / f"shard-{name}").mkdir()
        rows = "row_count >= 1" if name == "bugspark" else "row_count >= 1000000"
        files.append(place.scenario(f"tables:\n  users: ['{rows}']\n", name=name, history=str(place.directory / f"shard-{name}/history")))
        place.put(good.gz)
        run = place.run("verify", "--reports", place.directory / f"shard-{name}/reports", files[-1])
        assert run.code == (PASSED if name == "bugspark" else BAD_BACKUP), str(run)
    files.append(place.scenario(name="never", body="source: {database: '${DATABASE_URL}'}\n"))
    shards = [place.directory / f"shard-{name}" for name in ("bugspark", "shop")]
    _, page = report(place, "--from", shards[0], code=PASSED)
    assert "The one is proven." in page.text(page.root)
    run, page = report(place, "--from", shards[0], "--from", shards[1], "--metrics", place.directory / "m.prom", code=BAD_BACKUP)
    assert "1 of 2 is proven." in page.text(page.root)
    assert "users: row_count >= 1000000" in page.text(section_of(page, "shop")), "the checks of its report"
    assert 'restore_verifier_proven{scenario="shop"} 0' in (place.directory / "m.prom").read_text()
    run, page = report(place, *files, "--from", *shards, "--metrics", place.directory / "m.prom", code=CANNOT_VERIFY)
    assert 'restore_verifier_proven{scenario="never"} 0' in (place.directory / "m.prom").read_text()
    assert "restore-verifier: never: no run of it is in any of these directories" in run.err, "no variable need be set"
    section = section_of(page, "never")
    assert page.text(next(page.all("span", section))) == "no run" and "No run of it is in any of these directories" in page.text(section)
    _, page = report(place, "--from", place.directory, code=BAD_BACKUP)
    assert "1 of 2 is proven." in page.text(page.root), "found below, each once"


HOUR = 3600
RED = {**nights.RED, "headline": "the backup is bad"}
# What lies in three directories, as (directory, how, its arguments); the exit code; the badge; words of the page.
MERGES = {
    "lines of two machines": ([("a", history, "s", nights.nights(5)[:3]), ("b", history, "s", nights.nights(5)[2:])], PASSED, "proven", "The last 5 nights"),
    "of a bucket": ([("a", history, "s.20261126T020000Z-0123456789abcdef", [nights.night(HOUR)])], PASSED, "proven", "Verified 1 h"),
    "the last line is red": ([("a", history, "s", [nights.night(HOUR, **RED)]), ("b", history, "s", [nights.night(30 * HOUR)])], BAD_BACKUP, "red", "the backup is bad"),
    "the newest report counts": ([("a", junit, "s", 9, ""), ("b", junit, "s", 99, FAILURE), ("c", history, "s", [nights.night(9)])], PASSED, "proven", "Verified"),
    "a red report that no history has": ([("a", junit, "s", HOUR, FAILURE, "it was cut off"), ("b", history, "s", [nights.night(30 * HOUR)])], BAD_BACKUP, "red",
                                         "which is in no history here, did not pass: it was cut off"),
    "a report that could not look": ([("a", junit, "s", HOUR, ERROR, "could not be verified"), ("b", history, "s", [nights.night(30 * HOUR)])], CANNOT_VERIFY, "unknown", "could not be verified"),
    "only a report": ([("a", junit, "s", HOUR)], PASSED, "unknown", "only the report of the last run"),
    "a dump that failed": ([("a", junit, "s.dump", HOUR, ERROR), ("b", history, "s", [nights.night(HOUR)])], CANNOT_VERIFY, "proven", "Verified"),
    "only a dump": ([("a", junit, "s.dump", HOUR)], CANNOT_VERIFY, "never", "No verification"),
    "a green report of a backup that was named": ([("a", junit, "s", 60), ("b", history, "s", [nights.night(9 * HOUR, **RED), nights.night(60, given=True, began=nights.utc(NOW - 60))])], BAD_BACKUP, "red", "the backup is bad"),
    "a red report of a backup that was named": ([("a", junit, "s", 60, FAILURE), ("b", history, "s", [nights.night(9 * HOUR), nights.night(60, given=True, began=nights.utc(NOW - 60))])], PASSED, "proven", "Verified"),
    "a green report that no history has": ([("a", junit, "s", HOUR), ("b", history, "s", [nights.night(9 * HOUR, **RED)])], BAD_BACKUP, "red", "the backup is bad"),
    "a part of the checks": ([("a", junit, "s.partial", HOUR, FAILURE), ("b", history, "s", [nights.night(HOUR)])], PASSED, "proven", "Verified"),
    "a torn copy, and a later one": ([("a", history, "s", [nights.night(30 * HOUR)], "\n{\"form"), ("b", history, "s", [nights.night(HOUR)])], PASSED, "proven", "Verified"),
    "a torn end": ([("a", history, "s", [nights.night(HOUR)], "\n{\"form"), ("b", history, "s", [nights.night(30 * HOUR)])], CANNOT_VERIFY, "unknown", "annot tell"),
    "under another name": ([("a", junit, "s", HOUR, FAILURE, "bad", "TEST-1.xml"), ("b", history, "s", [nights.night(30 * HOUR)])], BAD_BACKUP, "red", "did not pass: bad"),
    "a report that is cut": ([("a", history, "s", [nights.night(30 * HOUR)]), ("b", damaged, "s.xml", "<testsuites name='s'>")], CANNOT_VERIFY, "unknown", "cannot be read as XML"),
    "a report of a dump that is empty": ([("a", history, "s", [nights.night(HOUR)]), ("b", damaged, "s.dump.xml", "")], CANNOT_VERIFY, "unknown", "cannot be read as XML"),
    "only lines of a newer version": ([("a", history, "s", [nights.night(HOUR, version=99)])], CANNOT_VERIFY, "never", "No verification"),
    "a history that is damaged": ([("a", junit, "s", HOUR), ("b", damaged, "s.jsonl", '{"form')], CANNOT_VERIFY, "unknown", "Passed over: line 1 of "),
    "a history behind a link": ([("a", junit, "s", 9 * HOUR), ("b", history, "other", [nights.night(HOUR, **RED)]), ("c", link, "s.jsonl", "b/history/other.jsonl")], BAD_BACKUP, "red", "the backup is bad"),
    "a history behind a broken link": ([("a", junit, "s", HOUR), ("b", link, "s.jsonl", "nowhere")], CANNOT_VERIFY, "unknown", "annot open "),
    "far below": ([("a/b/c/d/e/f/g/h", history, "s", [nights.night(HOUR, **RED)]), ("b", junit, "s", 9 * HOUR)], BAD_BACKUP, "red", "the backup is bad"),
    "files of others": ([("a", junit, "x", HOUR, FAILURE, "h", None, "else"), ("b", history, "y", [{"a": 1}]), ("c", history, "s", [nights.night(HOUR)])], PASSED, "proven", "The one is proven"),
}


@pytest.mark.parametrize("name", MERGES)
def test_a_merge(place, name):
    happened, code, word, words = MERGES[name]
    for directory, how, *arguments in happened:
        how(place.directory / "from" / directory / ("history" if how is history else "reports"), *arguments)
    directories = sorted((place.directory / "from").iterdir())
    _, page = report(place, "--from", *directories, code=code)
    assert page.text(next(page.all("span", section_of(page, "s")))) == word and words in page.text(page.root)
    assert len(list(page.all("section"))) == len({file for _, how, file, *_ in happened if how is history and file in ("s", "other")} | {"s"})


def test_a_name_that_is_no_name(place):
    """Whoever may write into the directories gets no line of the metrics, nor of the terminal."""
    hostile = 'a&quot;} 1&#10;restore_verifier_proven{scenario=&quot;s&quot;} 1'
    junit(place.directory / "from", hostile, HOUR, FAILURE, file="x.xml")
    run, _ = report(place, "--from", place.directory / "from", "--metrics", place.directory / "m.prom", code=BAD_BACKUP)
    assert "\nrestore_verifier_proven" not in run.err
    proven = [line for line in (place.directory / "m.prom").read_text().splitlines() if line.startswith("restore_verifier_proven")]
    assert len(proven) == 1 and proven[0].endswith(" 0")


def test_what_cannot_be_merged(place):
    nowhere = place.directory / "nowhere"
    run, page = report(place, "--from", nowhere, code=CANNOT_VERIFY)
    assert f"--from: there is no directory {nowhere}" in run.err and page is None
    (place.directory / "empty").mkdir()
    run, page = report(place, "--from", place.directory / "empty", code=CANNOT_VERIFY)
    assert "no history and no report of restore-verifier is in the directories of --from" in run.err and page is None
    (place.directory / "x.yaml").write_text("no scenario")
    run, page = report(place, "x.yaml", "--from", place.directory / "empty", code=CANNOT_VERIFY)
    assert "x.yaml: no name of a scenario can be read in it" in run.err
    assert place.run("report", "--from", "").code == CANNOT_VERIFY
    # Those of the directory scenarios are expected as well.
    (place.directory / "scenarios").mkdir()
    shutil.move(place.scenario(name="never"), place.directory / "scenarios/never.yaml")
    run, page = report(place, "--from", place.directory / "empty", code=CANNOT_VERIFY)
    assert "never: no run of it" in run.err and page is not None
