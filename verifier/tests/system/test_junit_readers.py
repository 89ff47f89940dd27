"""Proves that programs that others have written for JUnit see the totals that the console tells: junitparser of Debian,
and packages of npm, which are installed for it (RESTORE_VERIFIER_NPM names a directory that has them already)."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from running import BAD_BACKUP, CANNOT_VERIFY, PASSED

PACKAGES = ["junit2json@4", "junit-to-ctrf@0.0.14", "junit-report-merger@9", "test-results-parser@0.4", "xunit-viewer@10"]
HOSTILE = "a <b>&amp; \"c\" 'd' ]]> , größe 数据库 \\x1b"
MIXED = f"""
queries:
  - {{name: {json.dumps(HOSTILE)}, sql: select 1, expect: = 2}}
  - {{name: it cannot be asked, sql: select nothing from nowhere, expect: = 2}}
  - {{name: much to say, sql: {json.dumps("select 1 /* " + "ö" * 6000 + " */")}, expect: = 2}}
tables:
  users: [row_count >= 1, "warn: row_count >= 1000000", "change for row_count >= -5%"]
"""
WORDS = {"passed": r"(\d+) passed", "failed": r"(\d+) failed", "errors": r"(\d+) could not be looked at", "skipped": r"(\d+) skipped"}


def totals(run):
    """As the console tells them, of one scenario."""
    line = run.err.split("\n")[1]
    told = {name: int(found[1]) if (found := re.search(words, line)) else 0 for name, words in WORDS.items()}
    return {"tests": sum(told.values()), "failed": told["failed"] + told["errors"], "skipped": told["skipped"]}


@pytest.fixture
def reports(place, good):
    """(file, totals) of runs that pass, fail in many ways, and cannot be looked at."""
    found = {}
    for name, content, body, code in (
        ("good", good.gz.read_bytes(), "", PASSED),
        ("mixed", good.gz.read_bytes(), MIXED, CANNOT_VERIFY),
        ("cut", good.gz.read_bytes()[:-1000], MIXED, BAD_BACKUP),
        ("wrong", good.gz.read_bytes(), "tables: 5\n", CANNOT_VERIFY),
    ):
        place.put_bytes(content, "bugspark_%Y%m%d.dump.gz")
        run = place.run("verify", "--reports", place.reports, place.scenario(body, name=name))
        assert run.code == code, str(run)
        found[str(place.reports / f"{name}.xml")] = totals(run)
    assert {"skipped": 0, "failed": 0}.items() <= found[str(place.reports / "good.xml")].items()
    assert (place.reports / "mixed.log").exists() and found[str(place.reports / "mixed.xml")]["failed"] == 3
    return found


def test_junitparser(reports):
    junitparser = pytest.importorskip("junitparser", reason="python3-junitparser is not installed: scripts/setup test")
    for path, expected in reports.items():
        xml = junitparser.JUnitXml.fromfile(path)
        assert {"tests": xml.tests, "failed": xml.failures + xml.errors, "skipped": xml.skipped} == expected, path
        results = [kind for suite in xml for case in suite for kind in case.result]
        assert sum(isinstance(one, junitparser.Skipped) for one in results) == expected["skipped"]
        assert sum(isinstance(one, (junitparser.Failure, junitparser.Error)) for one in results) == expected["failed"]


@pytest.fixture(scope="session")
def packages(base):
    """A directory with what npm has, or the reason why there is none."""
    given = os.environ.get("RESTORE_VERIFIER_NPM")
    if given:
        return given
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm and node are not installed")
    directory = base / "npm"
    install = ["npm", "install", "--prefix", directory, "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", *PACKAGES]
    done = subprocess.run(install, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        pytest.skip(f"npm cannot install {' '.join(PACKAGES)}: {done.stderr.strip()[-300:]}")
    return directory


@pytest.mark.slow
def test_packages_of_npm(reports, packages):
    script = pathlib.Path(__file__).with_name("junit_readers.mjs")
    done = subprocess.run(["node", script, packages, *reports], capture_output=True, text=True, timeout=60, check=True)
    seen = json.loads(done.stdout)
    assert len(seen) == len(PACKAGES)
    for reader, files in seen.items():
        assert files == reports, reader
