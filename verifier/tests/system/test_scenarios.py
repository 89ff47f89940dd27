"""Proves that a scenario that cannot be taken at its word is refused: every error of a file at once, with
its line and column, on the console and in the report; and that what this version cannot do is refused
in plain words instead of ignored."""

import re

import pytest

from running import CANNOT_VERIFY, PASSED, ROOT, Report

GOOD = """scenario: shop
backups:
  location: ./backups
  name: shop_%Y%m%d.dump.gz
  max_age: 26h
tables:
  users:
    - row_count >= 1
"""


def both(place, text, environment=None):
    """`lint` and `verify` of the same file, which must say the same."""
    path = place.directory / "shop.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    lint = place.run("lint", "shop.yaml", environment=environment)
    verify = place.verify("shop.yaml", environment=environment)
    return lint, verify


def test_the_good_scenario_is_accepted(place):
    lint, _ = both(place, GOOD)
    assert lint.code == PASSED, str(lint)


@pytest.mark.parametrize(
    "text, places, words",
    [
        (GOOD + "tabels:\n  x:\n", ["9:1"], ["tabels", "tables"]),
        (GOOD.replace("max_age", "max_ago"), ["5:3"], ["max_ago", "max_age"]),
        (GOOD.replace("26h", "soon"), ["5:12"], ["soon", "26h"]),
        (GOOD.replace("26h", "[1, 2]"), ["5:12"], []),
        (GOOD.replace("  location", "\tlocation"), ["3:1"], ["tab"]),
        (GOOD + "tables:\n  x:\n    - row_count >= 1\n", ["9:1"], ["tables", "twice"]),
        (GOOD.replace("./backups", "${NOT_SET_ANYWHERE}"), ["3:13"], ["NOT_SET_ANYWHERE"]),
        (GOOD.replace(">= 1", "> many"), ["8:"], ["many"]),
        (GOOD.replace("row_count >= 1", "rowcount >= 1"), ["8:"], ["rowcount", "row_count"]),
        (GOOD.replace("row_count >= 1", "row_count => 1"), ["8:"], ["=>"]),
        (GOOD.replace("row_count >= 1", "row_count between 10 and 1"), ["8:"], []),
        (GOOD.replace("row_count >= 1", "freshness < 26h"), ["8:"], ["freshness"]),
        (GOOD.replace("scenario: shop", "scenario: a/b"), ["1:12"], ["a/b"]),
        (GOOD.replace("scenario: shop\n", ""), ["1:1"], ["scenario"]),
        ("", [":1:1"], []),
        ("- a\n- b\n", ["1:1"], []),
        ("scenario: [unclosed\n", [":"], []),
        (b"scenario: \xff\xfe\n", [":"], []),
        (GOOD.replace("%Y%m%d", "%Q"), ["4:"], ["%Q"]),
        (GOOD.replace("shop_%Y%m%d", "../shop_%Y%m%d"), ["4:"], []),
        (GOOD + "queries:\n  - name: q\n    sql: select 1\n", ["9:", "10:"], ["expect"]),
        (GOOD + "restore:\n  timeout: 0s\n", ["10:"], []),
        (GOOD + "restore:\n  jobs: many\n", ["10:9"], ["many"]),
        (GOOD + "alembic: {}\n", ["9:"], ["version"]),
        (GOOD + "a: &x [*x]\n", ["9:"], []),
        (GOOD + "    - change for freshness(created_at) < 1h\n", ["9:"], ["no change of `freshness(created_at)` is recorded"]),
        (GOOD + "    - anomoly for row_count\n", ["9:"], ["did you mean `anomaly`"]),
        (GOOD + "    - change avg last 1 for row_count >= 1\n", ["9:"], ["a number of nights, from 2 to 100"]),
        (GOOD + "    - anomaly for row_count\nhistory: none\n", ["9:"], ["compares with earlier nights", "history: none"]),
        (GOOD + "checks: [restore_tim < 30m]\n", ["9:10"], ["restore_time"]),
        (GOOD + "objects:\n  bucket: s3://uploads\n  checks:\n    - object_count same as copy\n", ["12:"], ["needs `copy`"]),
        (GOOD + "objects:\n  bucket: s3://uploads\n  checks:\n    - object_count of copy >= 1\n", ["12:"], ["needs `copy`"]),
        (GOOD + "objects:\n  bucket: b\n  copy: c\n  checks:\n    - total_size of copy same as copy\n", ["13:34"], ["compared with itself"]),
        (GOOD + "objects:\n  bucket: b\n  checks:\n    - object_count in >= 1\n", ["12:23"], ["`in` needs a prefix"]),
        (GOOD + "objects:\n  bucket: b\n  checks:\n    - missing(reports) = 0\n", ["12:15"], ["a table and a column"]),
    ],
)
def test_a_bad_scenario_is_refused(place, text, places, words):
    lint, verify = both(place, text)
    assert lint.code == CANNOT_VERIFY and verify.code == CANNOT_VERIFY
    case = verify.report("shop").worst()
    assert case.verdict == "error"
    for said in (lint.err, verify.err, case.text):
        assert "shop.yaml:" in said, said
        assert any(f"shop.yaml:{where.lstrip(':')}" in said for where in places), said
        filled = " ".join(said.split())  # a line on a console ends where that does
        for word in words:
            assert " ".join(word.split()) in filled, f"`{word}` is not in: {said}"


def test_all_errors_of_a_file_at_once(place):
    text = (
        "scenario: shop\n"
        "colour: red\n"
        "backups:\n"
        "  locatoin: ./backups\n"
        "  max_age: tomorrow\n"
        "tables:\n"
        "  users:\n"
        "    - row_count > many\n"
        "    - row_count >= 1\n"
        "    - frehsness(created_at) < 26h\n"
        "restore:\n"
        "  server: ${NOT_SET_ANYWHERE}\n"
    )
    lint, verify = both(place, text)
    case = verify.report("shop").worst()
    for said in (lint.err, verify.err, case.text):
        lines = re.findall(r"^ *shop\.yaml:(\d+):\d+: ", said, re.MULTILINE)
        assert lines == ["2", "4", "5", "8", "10", "12"], said


def test_a_scenario_that_is_not_there(place):
    run = place.verify("nowhere.yaml")
    assert run.code == CANNOT_VERIFY
    assert "nowhere.yaml" in run.err and "nowhere.yaml" in run.report("nowhere").worst().text


@pytest.mark.parametrize("value", ["a: b", "x\ny: z", "# no comment", "'", "- list", "${HOME}"])
def test_a_variable_cannot_change_the_structure(place, value):
    text = GOOD.replace("./backups", "${WHERE}")
    lint, _ = both(place, text, environment={"WHERE": value})
    assert "unknown" not in lint.err
    run = place.verify("shop.yaml", environment={"WHERE": "/nonexistent: x"})
    assert "/nonexistent: x" in run.report("shop")["backup is recent"].message


def test_a_scenario_that_became_invalid_takes_its_report_along(place):
    """Whatever its file is named, that of last night does not stay."""
    text = GOOD.replace("./backups", "${WHERE}")
    file = place.directory / "render.yaml"
    file.write_text(text)
    run = place.run("verify", "render.yaml", environment={"WHERE": "./backups"})
    assert "FAIL   shop: no backup was found\n" in run.err, str(run)
    assert sorted(path.name for path in place.reports.iterdir()) == ["shop.md", "shop.xml"]
    for command, name in (("verify", "shop.xml"), ("dump", "shop.dump.xml"), ("sync", "shop.sync.xml")):
        (place.reports / name).write_text("green, of last night")
        run = place.run(command, "render.yaml")
        assert run.code == CANNOT_VERIFY, str(run)
        assert "WHERE" in Report(place.reports / name)["scenario file is valid"].message
    assert len(list(place.reports.iterdir())) == 4 and "the scenario is wrong" in (place.reports / "shop.md").read_text()
    assert "ERROR  shop: the scenario is wrong\n" in place.run("verify", "render.yaml").err
    lint = place.run("lint", "render.yaml", environment={"WHERE": "x"})
    assert lint.code == PASSED and "render.yaml:1:11: warning: the scenario is named `shop`" in lint.err, str(lint)


def test_one_bad_scenario_does_not_stop_the_others(place, good):
    place.put(good.gz)
    (place.directory / "bad.yaml").write_text("scenario: bad\nnonsense: true\n")
    run = place.verify("bad.yaml", place.scenario())
    assert run.code == CANNOT_VERIFY
    assert run.report("bad").exit_code == CANNOT_VERIFY
    assert run.report("bugspark").exit_code == PASSED


def test_the_same_name_twice_is_refused(place, good):
    place.put(good.gz)
    first = place.scenario(file="one.yaml")
    second = place.scenario(file="two.yaml")
    run = place.verify(first, second)
    assert run.code == CANNOT_VERIFY
    assert "two.yaml" in run.err and "bugspark" in run.err
    assert run.report("bugspark").exit_code == PASSED
    assert run.report("two").exit_code == CANNOT_VERIFY
    lint = place.run("lint", first, second)
    assert lint.code == CANNOT_VERIFY


def test_no_scenario_at_all(place):
    run = place.run("verify")
    assert run.code == CANNOT_VERIFY and "no scenario" in run.err


def test_scenarios_of_the_directory_are_the_default(place, good):
    place.put(good.gz)
    (place.directory / "scenarios").mkdir()
    place.scenario(file="scenarios/one.yaml")
    place.scenario(file="scenarios/two.yaml", name="second")
    run = place.verify()
    assert run.code == CANNOT_VERIFY or run.code == PASSED, str(run)
    assert run.report("bugspark").exit_code == PASSED
    assert run.report("second").exit_code == PASSED


def test_the_objects_of_the_example_can_be_uncommented(place):
    """They stand in a comment, because not everybody has a bucket."""
    text = (ROOT / "scenarios/bugspark.yaml").read_text()
    assert "\n#objects:\n" in text
    whole = re.sub(r"^#(?=objects:|  )", "", text, flags=re.MULTILINE)
    (place.directory / "whole.yaml").write_text(whole)
    settings = {"DATABASE_URL": "postgresql://h/d", "S3_ENDPOINT_URL": "https://s3.example", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "b"}
    assert place.run("lint", "whole.yaml", environment=settings).code == PASSED
    lint = place.run("lint", "whole.yaml", environment={"DATABASE_URL": "postgresql://h/d"})
    assert lint.code == CANNOT_VERIFY and "S3_ENDPOINT_URL" in lint.err


@pytest.mark.parametrize("other, mixed_up", [
    ({"database": "postgresql://h/other"}, True),
    ({}, False),  # other checks of the same backups
    ({"database": None}, False),
    ({"database": "postgresql://h/other", "pattern": "other_%Y%m%d.dump.gz"}, False),
    ({"database": "postgresql://h/other", "location": "./elsewhere"}, False),
], ids=str)
def test_backups_of_two_databases_under_the_same_names(place, other, mixed_up):
    """One would be verified in place of the other."""
    def scenario(name, database="postgresql://h/shop", **more):
        return place.scenario(f"source:\n  database: {database}\n" if database else "", name=name, **more)
    for command in ("lint", "verify"):
        run = place.run(command, scenario("shop"), scenario("other", **other))
        assert ("of another database" in run.err) == mixed_up, str(run)
        assert command != "lint" or run.code == (CANNOT_VERIFY if mixed_up else PASSED), str(run)
        assert not mixed_up or "other.yaml: the scenario `shop`" in run.err, str(run)
