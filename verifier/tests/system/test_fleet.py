"""Proves that many databases can be verified together: shared keys, directories, --match, and shards that have each scenario
once, whichever command they are given to."""

import json
import re

import pytest

from running import CANNOT_VERIFY, PASSED, today

NAMES = ["db-a", "db-b", "db-c", "shop"]
BODY = "include: shared.yaml\n"


@pytest.fixture
def fleet(place, good):
    """A directory with four scenarios, and the file that they share, which is none."""
    directory = place.directory / "fleet"
    directory.mkdir()
    (directory / "shared.yaml").write_text(f"backups:\n  location: {place.backups}\n  name: all_%Y%m%d.dump\n  max_age: 26h\n")
    for name in NAMES:
        (directory / f"{name}.yaml").write_text(f"scenario: {name}\n{BODY}")
    (place.backups / today("all_%Y%m%d.dump")).write_bytes(good.dump.read_bytes())
    return directory


def named(run):
    """The scenarios that `lint` told of."""
    return re.findall(r"^\S*?([^/\s]+)\.yaml: no problem$", run.err + run.out, re.MULTILINE)


def test_a_directory_stands_for_its_scenarios(place, fleet):
    assert named(place.run("lint", "fleet")) == NAMES
    assert named(place.run("lint", "fleet/", "fleet/shop.yaml")) == NAMES
    assert named(place.run("lint", "fleet/shop.yaml", "fleet")) == ["shop", "db-a", "db-b", "db-c"]
    (place.directory / "empty").mkdir()
    one_is_empty = place.run("lint", "empty", "fleet")
    assert one_is_empty.code == CANNOT_VERIFY and named(one_is_empty) == NAMES


def test_files_that_only_include_each_other_are_told_of(place, fleet):
    """Else both would be taken for shared ones, and nobody would miss what they were to verify."""
    (fleet / "one.yaml").write_text("include: two.yaml\n")
    (fleet / "two.yaml").write_text("include: one.yaml\n")
    run = place.run("lint", "fleet")
    assert run.code == CANNOT_VERIFY and named(run) == NAMES, str(run)
    assert "one.yaml" in run.err and "two.yaml" in run.err, str(run)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["empty"], "there is no scenario file in"),
        (["fleet", "--match", "x*"], "--match 'x*' matches no scenario: there are db-a, db-b, db-c and shop"),
        (["fleet", "--shard", "5/4"], "such as 3/8"),
        (["fleet", "--shard", "auto"], "no engine tells"),
        (["fleet", "--shard", "1/2", "--shard", "2/2"], "--shard stands here twice"),
        (["fleet", "--shard", "1/2", "--durations", "nowhere"], "nowhere"),
        (["fleet", "--durations", "nowhere"], "--durations goes with --shard"),
        (["fleet", "--shard", "1/2", "--durations", "fleet/shop.yaml"], "shop.yaml:1: expected the name of a scenario and seconds"),
        (["fleet", "--jobs", "some"], "a number from 1 to 64, or `auto`"),
    ],
)
@pytest.mark.parametrize("command", ["verify", "nightly"])
def test_a_choice_of_nothing_is_an_error(place, fleet, command, arguments, words):
    (place.directory / "empty").mkdir()
    run = place.run(command, *arguments)
    assert run.code == CANNOT_VERIFY and words in run.err, str(run)


def test_commands_without_scenarios_take_no_choice(place):
    run = place.run("clean", "--shard", "1/2")
    assert run.code == CANNOT_VERIFY and "takes none" in run.err


def test_a_mistake_in_a_shared_file_is_told_once(place, fleet):
    with open(fleet / "shared.yaml", "a") as shared:
        shared.write("restore:\n  jobs: many\n")
    lint = place.run("lint", "fleet")
    assert lint.code == CANNOT_VERIFY and lint.err.count("fleet/shared.yaml:6:9: `jobs` expects") == 1
    for told in json.loads(place.run("lint", "--format", "json", "fleet").out)["scenarios"]:
        problem = told["problems"][0]
        assert (problem["file"].rpartition("/")[2], problem["line"], problem["column"]) == ("shared.yaml", 6, 9), told
        assert problem["message"].startswith("`jobs` expects") and told["exit_code"] == CANNOT_VERIFY
    verify = place.verify("fleet")
    assert verify.code == CANNOT_VERIFY
    for name in NAMES:
        assert "fleet/shared.yaml:6:9: `jobs` expects" in verify.report(name).worst().text


def test_shards_have_each_scenario_once(place, fleet):
    """Every command that takes scenarios goes through one door; verify and nightly are looked at whole."""
    seen = []
    (place.directory / "durations").write_text("shop 30\ndb-a 20\ndb-b 10\n")
    for index in (1, 2, 3):
        by_name = named(place.run("lint", "--shard", f"{index}/3", "fleet"))
        assert by_name == named(place.run("lint", "--shard", f"{index}/3", *sorted(map(str, fleet.glob("*.yaml")), reverse=True)))[::-1]
        seen += by_name
    assert sorted(seen) == NAMES
    evenly = [named(place.run("lint", "--shard", f"{index}/2", "--durations", "durations", "fleet")) for index in (1, 2)]
    assert evenly == [["db-b", "shop"], ["db-a", "db-c"]]


def test_an_empty_shard_is_no_error(place, fleet):
    shards = [index for index in range(1, 60) if not named(place.run("lint", "--shard", f"{index}/60", "fleet"))][:1]
    for command in ("verify", "nightly", "dump", "gate", "sabotage"):
        run = place.run(command, "--shard", f"{shards[0]}/60", "fleet")
        assert run.code == PASSED and "of 4 scenarios none falls to it" in run.err, str(run)
    for command in ("verify", "rehearse", "nightly", "sabotage", "prune", "gate"):
        told = json.loads(place.run(command, "--shard", f"{shards[0]}/60", "--format", "json", "fleet").out)
        assert told["format"] == f"restore-verifier {command}" and told["exit_code"] == PASSED
        assert told["steps" if command == "nightly" else "scenarios"] == []


def test_a_sharded_night(place, fleet):
    """A variable of an engine alone chooses nothing; reports tell their shard, and the page is left to `report`."""
    seen = set()
    for index in ("0", "1"):
        environment = {"CIRCLE_NODE_INDEX": index, "CIRCLE_NODE_TOTAL": "2"}
        run = place.run("nightly", "--shard", "auto", "--jobs", "auto", "--reports", place.reports, "fleet", environment=environment)
        assert run.code == PASSED, str(run)
        told = {path.stem for path in place.reports.glob("*.xml")}
        for name in told - seen:
            text = (place.reports / f"{name}.xml").read_text()
            assert re.search(rf'name="shard" value="{int(index) + 1}/2"', text) and 'name="shard.split"' in text
        seen |= told
    assert sorted(seen) == NAMES and not (place.reports / "index.html").exists()
    refused = place.run("nightly", "--shard", "1/2", "--metrics", "m.prom", "fleet")
    assert refused.code == CANNOT_VERIFY and "--metrics tells of all" in refused.err
    printed = place.run("list", "--print-durations", "--reports", place.reports, "fleet")
    assert re.fullmatch(r"(\S+ \d+\.\d{3}\n){4}", printed.out), printed.out
    assert named(place.run("lint", "fleet", environment={"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "2"})) == NAMES
