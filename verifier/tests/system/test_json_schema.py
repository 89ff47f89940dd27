"""Proves that the JSON Schema of scenario files and the parser agree: the schema takes every scenario that the parser
takes, and of those that the parser refuses it takes only what no schema can tell to be wrong."""

import itertools
import json
import os
import pathlib
import re
import subprocess

import jsonschema
import pytest
import yaml

import test_scenarios
from running import CANNOT_VERIFY, PASSED, PROGRAM, ROOT

# What the parser says of scenarios that are wrong in a way that no schema knows of.
BEYOND_A_SCHEMA = re.compile(
    r"stands? here twice|holds a control character|cannot be read back from a file name|is no revision|need each other"
    r"|names no part with a database|tells more of the date|names two of its parts|`copy` (holds|lies|is)|needs `copy`"
    r"|environment variable|means several|means each|more values than|nothing is between these|same column"
    r"|does not name a date|`keep` needs|remove `time`|needs `migrations`|needs `directory`|`directory` needs|both say where"
    r"|compared with itself|takes no such unit|is only for changes|needs a unit|is no unit|percent"
    r"|needs (a column|a table and a column)|there is no time zone|too many digits|held against migrations"
    r"|tells nobody|is that of (the URLs|`command`)"
    r"|at least two files|names one that is there already|compares with earlier nights"
)

# Those at the parser's limits of size would take Python seconds.
LARGEST = 20000


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(subprocess.run([PROGRAM, "lint", "--schema"], check=True, capture_output=True, text=True).stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def errors(validator, text):
    try:
        document = yaml.load(text, Loader=yaml.SafeLoader)  # CSafeLoader crashes at what is nested without end
    except (yaml.YAMLError, RecursionError):
        return ["is no YAML"]
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(document)]


def scenarios_of_unit_tests(directory):
    """(text, what the parser said of it)"""
    tests = pathlib.Path(PROGRAM).parent / "unit-tests"
    environment = {**os.environ, "SCENARIOS_KEPT": str(directory), "CK_RUN_SUITE": "scenario/scenario"}
    ran = subprocess.run([tests], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert ran.returncode == 0 and "Checks: 0," not in ran.stdout, ran.stdout
    for path in sorted(directory.iterdir()):
        text = path.read_bytes().decode(errors="replace")
        yield text, re.findall(r"^# \S*?scenario_test\.\w+[:0-9]*: (.*)$", text, re.MULTILINE)


def scenarios_of_system_tests(place):
    for text, *_ in test_scenarios.test_a_bad_scenario_is_refused.pytestmark[0].args[1]:
        (place.directory / "shop.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        run = place.run("lint", "shop.yaml")
        assert run.code == CANNOT_VERIFY
        yield text, re.findall(r"^shop\.yaml:[:0-9]* (.*)$", run.err, re.MULTILINE)


def loosely_described(schema, name=""):
    """Keys whose values may be anything to the schema, because it does not know who reads them; and what stands under
    `schema`, which is any text."""
    if schema == {} or name == "schema":
        yield name
    for key, value in schema.get("properties", {}).items():
        yield from loosely_described(value, key)
    for part in schema.get("anyOf", []):
        yield from loosely_described(part, "")
    if "items" in schema:
        yield from loosely_described(schema["items"], "")


def test_it_agrees_with_the_parser(validator, tmp_path, place):
    seen = {"good": 0, "bad to both": 0, "bad to the parser": 0}
    missed = []
    loose = re.compile(rf"(?<!\w)({'|'.join(set(loosely_described(validator.schema)))}):")
    for text, said in itertools.chain(scenarios_of_unit_tests(tmp_path), scenarios_of_system_tests(place)):
        if len(text) > LARGEST:
            continue
        wrong = errors(validator, text)
        if not said:
            seen["good"] += 1
            assert wrong == [], f"{wrong}\n{text}"
            continue
        seen["bad to both" if wrong else "bad to the parser"] += 1
        if not wrong and "${" not in text and not loose.search(text):
            missed += [f"{words}\n{text[-300:]}" for words in said if not BEYOND_A_SCHEMA.search(words)]
    assert not missed, "the schema takes what the parser refuses:\n" + "\n".join(missed)
    assert seen["good"] >= 20 and seen["bad to both"] > seen["bad to the parser"] > 0, seen


@pytest.mark.parametrize("path", [path.relative_to(ROOT) for path in (ROOT / "scenarios").rglob("*.yaml")], ids=str)
def test_our_own_scenarios_are_good(validator, path):
    assert errors(validator, (ROOT / path).read_text()) == []


def test_what_the_readme_shows_is_good(validator):
    """Each example of a scenario, with those of parts of a file made whole."""
    found = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "verifier/man/reference.md").read_text(), re.MULTILINE | re.DOTALL)
    examples = [text for text in found if text.split(":")[0] in validator.schema["properties"]]
    assert len(examples) > 2
    for text in examples:
        whole = text if text.startswith("scenario:") else "scenario: x\n" + text
        assert errors(validator, whole) == [], whole


@pytest.mark.parametrize(
    "text, words",
    [
        ("scenario: x", None),
        ("scenario: x\nrestore: {jobs: 2, timeout: '30m', contents: yes}", None),
        ("scenario: x\nrestore: {jobs: '${JOBS}', timeout: '${TIMEOUT:-1h}'}", None),
        ("scenario: x\nalembic: [{version: abc}, {version: {warn: [a, b]}, table: b.v}]", None),
        ("scenario: x\nbackups: {keep: {daily: 7}, name: {schema: s_%F.sql, data: d_%F.sql}}", None),
        ("scenario: x\ninclude: a.yaml\nsource: {host: render}", None),
        ("scenario: x\ninclude: [a.yaml, '${DIR}/b.yml']", None),
        ("scenario: x\ninclude: a.json", "is not valid under any"),
        ("scenario: x\ninclude: a.yaml\nrestore: {jobs: 65}", "is not valid under any"),
        ("include: a.yaml", "'scenario' is a required property"),
        ("scenario: x\nchecks: [restore_time < 30m, warn: anomaly for restore_time, {warn: backup_size >= 1MB}]", None),
        ("scenario: x\ntables: {t: [anomaly for row_count, change  avg last 07 for row_count>=-10%]}", None),
        ("source: {database: postgresql://x}", "'scenario' is a required property"),
        ("scenario: a/b", "'a/b' does not match"),
        ("scenario: x\ncolour: red", "'colour' was unexpected"),
        ("scenario: x\nrestore: {jobs: 65}", "is not valid under any"),
        ("scenario: x\nrestore: [jobs]", "is not of type 'object'"),
        ("scenario: x\nsource: {host: render}", "'database' is a required property"),
        ("scenario: x\nbackups: {max_age: soon}", "'soon' does not match"),
        ("scenario: x\nmigrations: {tool: djangoo}", "is not valid under any"),
        ("scenario: x\ntables: {t: [change for freshness(a) < 1h]}", "is not valid under any"),
        ("scenario: x\ntables: {t: [object_count >= 1]}", "is not valid under any"),
        ("scenario: x\ntables: {t: [anomaly for row_count >= 1]}", "is not valid under any"),
        ("scenario: x\ntables: {t: [change avg last 101 for row_count >= 1]}", "is not valid under any"),
        ("scenario: x\ntables: {t: [anomaly for freshness(a)]}", "is not valid under any"),
        ("scenario: x\nchecks: [row_count > 1]", "is not valid under any"),
        ("scenario: x\nchecks: {restore_time: 30m}", "is not of type 'array'"),
        ("scenario: x\ntables: {t: []}", "[]"),
    ],
)
def test_what_it_says(validator, text, words):
    wrong = errors(validator, text)
    assert wrong == [] if words is None else words in "\n".join(wrong), wrong


def test_every_key_is_in_the_manual(validator):
    """Of scenario(5), which is made of the reference."""
    text = (ROOT / "verifier/man/reference.md").read_text()

    def keys(schema):
        for name, value in schema.get("properties", {}).items():
            yield name
            yield from keys(value)
        for part in schema.get("anyOf", []):
            yield from keys(part)
        yield from keys(schema["items"]) if "items" in schema else ()

    known = set(keys(validator.schema))
    assert {"scenario", "endpoint", "yearly", "post_data", "warn", "ignore"} <= known
    for name in known:
        assert re.search(rf"(?<!\w){name}(:|`)", text), name


def test_nothing_is_checked_then(place):
    run = place.run("lint", "--schema", "nothing.yaml")
    assert run.code == PASSED and json.loads(run.out)["title"] == "A scenario of restore-verifier"
    with open("/dev/full", "w") as full:
        ran = subprocess.run([PROGRAM, "lint", "--schema"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert ran.returncode == CANNOT_VERIFY and "cannot write to standard output" in ran.stderr
