"""Proves what the options of `verify` do: which scenarios and checks run, side by side or not, and what is
printed where."""

import json
import re

import pytest

from running import BAD_BACKUP, CANNOT_VERIFY, PASSED, PROGRAM, today

SCENARIO = "tables:\n  users:\n    - row_count = 25\n  reports:\n    - row_count >= 1000000\n"


def test_several_scenarios_side_by_side(place, good):
    place.put(good.gz)
    scenarios = [place.scenario("tables:\n  users:\n    - row_count = 25\n", name=f"number-{n}") for n in range(3)]
    run = place.verify("--jobs", "3", *scenarios)
    assert run.code == PASSED, str(run)
    reports = run.reports()
    assert [report.suites[0].get("name") for report in reports] == ["number-0", "number-1", "number-2"]
    assert all(set(report.verdicts().values()) == {"pass"} for report in reports)


def test_the_exit_code_is_the_worst(place, good):
    place.put(good.gz)
    fine = place.scenario("", name="fine")
    bad = place.scenario("tables:\n  users:\n    - row_count = 1\n", name="bad")
    unknown = place.scenario("restore:\n  server: postgresql://nowhere.invalid/x\n", name="unknown")
    assert place.verify("-j2", fine, bad).code == BAD_BACKUP
    run = place.verify("-j3", unknown, fine, bad)
    assert run.code == CANNOT_VERIFY
    assert [run.report(name).exit_code for name in ("fine", "bad", "unknown")] == [PASSED, BAD_BACKUP, CANNOT_VERIFY]


@pytest.mark.parametrize(
    "glob, expected, code",
    [
        ("backup is intact", ["backup is intact"], PASSED),
        ("backup*", ["backup is recent", "backup is intact", "backup restores"], PASSED),
        ("users:*", ["users: row_count = 25"], PASSED),
        ("reports:*", ["reports: row_count >= 1000000"], BAD_BACKUP),
    ],
)
def test_only(place, good, glob, expected, code):
    place.put(good.gz)
    run = place.verify("--only", glob, place.scenario(SCENARIO))
    assert run.report().selected() == expected and len(run.report().cases) == 7
    assert run.code == code, str(run)
    assert f"({len(expected)} of 7 checks)" in run.report().properties["headline"]


def test_a_partial_run_is_green_over_no_stage_that_failed(place, good):
    """The red report of the whole run stays, beside that of the part."""
    content = good.gz.read_bytes()
    place.put_bytes(content[: len(content) // 2], "bugspark_%Y%m%d.dump.gz")
    path = place.scenario(SCENARIO)
    assert place.verify(path).code == BAD_BACKUP
    whole = (place.reports / "bugspark.xml").read_bytes()
    run = place.run("verify", "--format", "json", "--only", "backup is recent", path)
    assert run.code == BAD_BACKUP, str(run)
    report = run.report()
    assert report.selected() == ["backup is recent", "backup is intact"]
    assert report["backup is intact"].verdict == "fail" and report.suites[0].get("name") == "bugspark.partial"
    assert "FAIL   bugspark: the backup is bad (2 of 7 checks)\n" in run.err, str(run)
    (said,) = json.loads(run.out)["scenarios"]
    assert said["partial"] and said["headline"] == "the backup is bad (2 of 7 checks)" and said["totals"]["not_selected"] == 5
    assert (place.reports / "bugspark.xml").read_bytes() == whole
    # Another whole run makes that of the part a thing of the past.
    place.run("verify", path)
    assert not (place.reports / "bugspark.partial.xml").exists()


def test_only_what_is_not_there_is_an_error(place, good):
    place.put(good.gz)
    run = place.verify("--only", "nothing like this", place.scenario(SCENARIO))
    assert run.code == CANNOT_VERIFY
    assert "nothing like this" in run.report().worst().message
    for name in ("backup is intact", "every table has its rows", "users: row_count = 25", "reports: row_count >= 1000000"):
        assert name in run.err and name in run.report().worst().text, str(run)


def test_json_goes_to_stdout_alone(place, good):
    place.put(good.gz)
    run = place.verify("--format", "json", place.scenario(SCENARIO))
    document = json.loads(run.out)
    text = json.dumps(document)
    for word in ("users: row_count = 25", "reports: row_count >= 1000000", "bugspark"):
        assert word in text
    assert run.code == BAD_BACKUP and "reports: row_count" in run.err


def test_text_on_stdout(place):
    run = place.verify("--format", "text", place.scenario(SCENARIO))
    assert "FAIL" in run.out and "FAIL" not in run.err


def test_quiet_and_verbose(place, good):
    place.put(good.gz)
    fine = place.scenario("tables:\n  users:\n    - row_count = 25\n")
    quiet = place.verify("--quiet", fine)
    assert (quiet.code, quiet.out, quiet.err) == (PASSED, "", "")
    usual = place.verify(fine)
    assert usual.out == "" and "users: row_count = 25" in usual.err
    # What was skipped is told check by check only when asked for.
    place.put_bytes(b"no backup", "bugspark_%Y%m%d.dump.gz")
    assert "users: row_count = 25" not in place.verify(fine).err
    assert "users: row_count = 25" in place.verify("--verbose", fine).err
    run = place.verify("--quiet", fine)
    assert run.code == BAD_BACKUP and "FAIL" in run.err and run.out == ""


def test_verbose_tells_where_the_time_of_the_restore_went(place, server, database):
    slow = "create table t (x int); insert into t values (1); create function wait(int) returns int language sql immutable as 'select $1 from pg_sleep(0.2)';"
    server.dump(database(slow + "create index sleeps on t (wait(x))"), place.backups / today("slow_%Y%m%d.dump"))
    scenario = place.scenario("", pattern="slow_%Y%m%d.dump")
    run = place.verify("--verbose", scenario)
    assert "restore: indexes 0.2 s" in run.err and "slowest: 0.2 s CREATE INDEX sleeps ON public.t USING btree" in " ".join(run.err.split()), str(run)
    assert run.report().properties["restore.time_spent"].startswith("indexes 0.2 s")
    assert "CREATE INDEX" not in place.verify(scenario).err


def test_the_report_of_a_refused_file_is_not_overwritten(place, good):
    place.put(good.gz)
    for directory in ("a", "b", "c"):
        (place.directory / directory).mkdir()
    paths = [place.scenario("", name="db", file=f"{directory}/db.yaml") for directory in ("a", "b", "c")]
    run = place.verify(*paths)
    assert run.code == CANNOT_VERIFY
    assert [run.report(name).exit_code for name in ("db", "db-refused", "db-refused-refused")] == [PASSED, CANNOT_VERIFY, CANNOT_VERIFY]


def test_results_that_cannot_be_printed(place, good):
    place.put(good.gz)
    run = place.run("verify", "--format", "json", place.scenario(""), before=["sh", "-c", '"$@" >/dev/full', "sh"])
    assert run.code == CANNOT_VERIFY and "cannot write to standard output" in run.err, str(run)


# Standard output that takes nothing: a disk that is full, and a reader who has left.
FULL = ["sh", "-c", '"$@" >/dev/full', "sh"]
LEFT = ["python3", "-c", "import os, signal, sys; reader, writer = os.pipe(); os.close(reader); os.dup2(writer, 1); "
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])"]


@pytest.mark.parametrize("before", [FULL, LEFT], ids=["full", "left"])
@pytest.mark.parametrize("command", ["report", "lint", "gate", "list"])
def test_a_document_that_cannot_be_printed(place, command, before):
    run = place.run(command, "--format", "json", place.scenario(""), before=before)
    assert run.code == CANNOT_VERIFY and "cannot write to standard output" in run.err, str(run)


def test_the_scenarios_of_the_directory(place):
    (place.directory / "scenarios").mkdir()
    for file in ("a.yaml", "b.yml", "c.txt"):
        place.scenario(name=file[0], file=f"scenarios/{file}")
    assert [line.split(":")[0] for line in place.run("lint").err.splitlines()] == ["scenarios/a.yaml", "scenarios/b.yml"]


@pytest.mark.parametrize("environment, colour", [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_on_a_terminal_alone(place, environment, colour):
    scenario = place.scenario(SCENARIO)  # of which there is no backup, so that nothing is restored
    assert "\033[" not in place.verify(scenario).err
    # `script` gives the program a terminal.
    command = f"{PROGRAM} verify --reports {place.reports} {scenario}"
    running = place.start(before=["script", "-qec", command, "/dev/null"], environment={"TERM": "xterm", **environment}, program=False)
    run = running.wait()
    assert run.code == BAD_BACKUP, str(run)
    assert bool(re.search(r"\033\[[0-9;]*[1-9]m", run.out)) == colour, run.out


def test_a_backup_by_name(place, good):
    place.put_bytes(b"not looked at", "bugspark_%Y%m%d.dump.gz")
    run = place.verify("--backup", good.gz, place.scenario("tables:\n  users:\n    - row_count = 25\n"))
    assert run.code == PASSED, str(run)
    assert run.report().properties["backup.file"] == str(good.gz)


def test_an_old_backup_by_name_only_warns(place, good):
    old = place.put(good.gz, "bugspark_20200101.dump.gz")
    run = place.verify("--backup", old, place.scenario(backups="max_age: 1s"))
    assert run.code == PASSED, str(run)
    assert "asked for by name" in run.report()["backup is recent"].output


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["verify", "--backup", "/nonexistent/backup", "one.yaml"], "/nonexistent/backup"),
        (["verify", "--backup", "x", "one.yaml", "two.yaml"], "exactly one scenario"),
        (["verify", "--timeout", "soon", "one.yaml"], "soon"),
        (["verify", "--jobs", "0", "one.yaml"], "--jobs"),
        (["verify", "--jobs", "many", "one.yaml"], "--jobs"),
        (["verify", "--format", "xml", "one.yaml"], "--format"),
        (["verify", "--no-such-option", "one.yaml"], "no-such-option"),
        (["verify", "--backup", "", "one.yaml"], "--backup is empty"),
        (["verify", "--server", "", "one.yaml"], "--server is empty"),
        (["verify", "--reports", "", "one.yaml"], "--reports is empty"),
        (["verify", "--backup", "x", "--backup", "y", "one.yaml"], "--backup stands here twice"),
        (["verify", "x.dump"], "--backup x.dump SCENARIO.yaml"),
        (["no-such-command"], "no-such-command"),
        (["verfy"], "did you mean `verify`?"),
        ([], "verify"),
    ],
)
def test_usage(place, arguments, words):
    place.scenario(file="one.yaml")
    place.scenario(file="two.yaml", name="second")
    run = place.run(*arguments)
    assert run.code == CANNOT_VERIFY, str(run)
    assert words in run.err


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"], ["dump", "--help"], ["lint", "--help"], ["--version"]])
def test_help(place, arguments):
    run = place.run(*arguments)
    assert run.code == 0 and "restore-verifier" in run.out and run.err == ""


def test_help_on_a_command(place):
    assert place.run("help", "verify").out == place.run("verify", "--help").out
    unknown = place.run("help", "verfy")
    assert unknown.code == CANNOT_VERIFY and "did you mean `verify`?" in unknown.err, str(unknown)
