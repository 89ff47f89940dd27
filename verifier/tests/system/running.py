"""Runs the program for the tests, and reads what it leaves.

A `Place` is one test's own corner of the machine: its backups, scenario, reports and TMPDIR. Every
run of `verify` through it is held against what is always true, whatever the test is about: reports
are well-formed, count right and agree with the exit code, and nothing stays behind in TMPDIR.
"""

import collections
import contextlib
import gzip
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import time
import xml.etree.ElementTree

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("RESTORE_VERIFIER", str(ROOT / "build/release/restore-verifier"))
FIXTURES = ROOT / "fixtures"
NOBODY = 65534
IS_ROOT = os.geteuid() == 0


def _newest_bin():
    chosen = os.environ.get("RESTORE_VERIFIER_PGBIN")
    if chosen:
        return pathlib.Path(chosen)
    found = pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")
    by_version = sorted(found, key=lambda path: int(re.sub(r"\D.*", "", path.parts[-3]) or 0))
    assert by_version, "no PostgreSQL server in /usr/lib/postgresql; run: scripts/setup test"
    return by_version[-1].parent


BIN = _newest_bin()

PASSED, BAD_BACKUP, CANNOT_VERIFY = 0, 1, 2

needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root to become somebody else or to mount")


# Long enough for two busy processors; nothing waits for it to pass unless something hangs.
PATIENCE_S = 90


def wait_until(condition, what, timeout_s=PATIENCE_S):
    """Waits for a condition and returns its value; the test fails when it does not come true."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    pytest.fail(f"waited {timeout_s} s for: {what}")


# Days begin and end where the zone says. The program and the tests live in one in which it is past noon
# now, so that no run meets midnight, and the hour at which it begins changes nothing.
os.environ["TZ"] = f"NOON{time.gmtime().tm_hour - 12:+d}"
time.tzset()


def today(pattern="bugspark_%Y%m%d.dump.gz", days_ago=0):
    return time.strftime(pattern, time.localtime(time.time() - days_ago * 86400))


def utc(moment):
    """A moment as documents and messages write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


# --- processes ------------------------------------------------------------------------------------


def process_of(pid):
    """Its parent, state, directory and arguments."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    arguments = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    state, parent = stat.rpartition(")")[2].split()[:2]
    try:
        directory = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        directory = ""
    return int(parent), state, directory, arguments.replace(b"\0", b" ").decode(errors="replace")


def processes():
    """pid -> (parent, state, directory it is in, arguments), of everything that can be seen."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                found[int(entry)] = process_of(entry)
    return found


def inhabitants(directory):
    """The living processes whose current directory is in `directory`, such as a postmaster: pid -> arguments. Each
    test asks, so no more is read of the others than where they are."""
    inside = str(directory)
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            where = os.readlink(f"/proc/{entry}/cwd")
            if where != inside and not where.startswith(inside + "/"):
                continue
            _, state, _, arguments = process_of(entry)
        except OSError:
            continue
        if state != "Z":
            found[int(entry)] = arguments
    return found


# --- reports --------------------------------------------------------------------------------------

Case = collections.namedtuple("Case", "group name verdict message text seconds output")


class Report:
    """One JUnit file, read strictly."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.text = self.path.read_text(encoding="utf-8")
        self.root = xml.etree.ElementTree.fromstring(self.text.encode("utf-8"))
        self.suites = self.root.findall("testsuite")
        self.cases = [self._case(element) for element in self.root.iterfind("testsuite/testcase")]
        self.properties = {
            element.get("name"): element.get("value") for element in self.suites[0].iterfind("properties/property")
        }
        self._check()

    @staticmethod
    def _case(element):
        kinds = {"failure": "fail", "error": "error", "skipped": "skip"}
        said = [child for child in element if child.tag in kinds]
        assert len(said) <= 1, "a testcase has at most one of failure, error and skipped"
        output = "".join(child.text or "" for child in element if child.tag == "system-out")
        verdict, message, text = "pass", "", ""
        if said:
            verdict, message, text = kinds[said[0].tag], said[0].get("message") or "", said[0].text or ""
            assert verdict == "skip" or message.split("\n")[0] in text, "the text repeats the message"
        return Case(
            element.get("classname"), element.get("name"), verdict, message, text, element.get("time"), output
        )

    def _check(self):
        assert self.root.tag == "testsuites"
        assert len(self.root) == len(self.suites) and not self.root.findall("testsuite/testsuite"), "no nesting"
        assert all(suite.find("testcase") is not None for suite in self.suites), "a suite without testcases is dropped by its readers"
        suites = [suite.get("name") for suite in self.suites]
        assert len(suites) == len(set(suites)), f"duplicate suites: {suites}"
        names = [(case.group, case.name) for case in self.cases]
        assert len(names) == len(set(names)), f"duplicate names: {names}"
        for level in (self.root, *self.suites):
            cases = [self._case(element) for element in level.iter("testcase")]
            for attribute, verdict in (("failures", "fail"), ("errors", "error"), ("skipped", "skip")):
                count = sum(case.verdict == verdict for case in cases)
                assert int(level.get(attribute)) == count, f"{level.tag} {attribute}"
            assert int(level.get("tests")) == len(cases)
            assert re.fullmatch(r"\d+\.\d{3}", level.get("time")), level.get("time")
        for case in self.cases:
            assert case.group and case.name
            assert re.fullmatch(r"\d+\.\d{3}", case.seconds), case.seconds

    @property
    def exit_code(self):
        """What the exit code must be when this is the only scenario."""
        verdicts = {case.verdict for case in self.cases}
        if "error" in verdicts or not verdicts & {"pass", "fail"}:
            return CANNOT_VERIFY
        return BAD_BACKUP if "fail" in verdicts else PASSED

    def __getitem__(self, name):
        found = [case for case in self.cases if case.name == name]
        assert found, f"no check `{name}` among {[case.name for case in self.cases]}"
        return found[0]

    def selected(self):
        """Of a partial run: the checks that were run."""
        return [case.name for case in self.cases if case.message != "not selected"]

    def verdicts(self):
        return {case.name: case.verdict for case in self.cases}

    def worst(self):
        """The first testcase of the worst verdict, which is what a person reads first."""
        for verdict in ("error", "fail", "skip", "pass"):
            for case in self.cases:
                if case.verdict == verdict:
                    return case
        return None


# --- what is printed for programs -----------------------------------------------------------------


def _closed(schema):
    """The schema, but without room for keys that it does not name: those would have been forgotten in it."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "additionalProperties" not in schema and schema != SCHEMA["$defs"]["frame"]:
        closed["unevaluatedProperties"] = False
    return closed


SCHEMA = json.loads((ROOT / "verifier/report/output.schema.json").read_text())
_VALIDATORS = {}


def printed(text):
    """The document that a command printed, which its schema describes."""
    document = json.loads(text)
    command = document["format"].removeprefix("restore-verifier ")
    name = command if command in SCHEMA["$defs"] else "results"
    if name not in _VALIDATORS:
        _VALIDATORS[name] = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": _closed(SCHEMA["$defs"])})
    wrong = [f"{error.json_path}: {error.message}" for error in _VALIDATORS[name].iter_errors(document)]
    assert not wrong, f"{wrong}\n{text}"
    return document


# --- one run --------------------------------------------------------------------------------------


def program_of(arguments):
    """Was it our program that wrote, and nobody on the way?"""
    return os.path.basename(arguments[0]) == "restore-verifier"


class Run:
    """A run that has ended."""

    def __init__(self, place, arguments, code, out, err):
        self.place = place
        self.arguments = arguments
        self.code = code
        self.out = out
        self.err = err
        if "json" in arguments and out and program_of(arguments):
            assert printed(out)["exit_code"] == code, str(self)

    def report(self, name="bugspark"):
        if "--only" in self.arguments and "." not in name:
            name += ".partial"
        return Report(self.place.reports / f"{name}.xml")

    def reports(self):
        return [Report(path) for path in sorted(self.place.reports.glob("*.xml"))]

    def __str__(self):
        return f"{self.arguments} ended with {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Running:
    """A run that has not ended yet."""

    def __init__(self, place, arguments, process, output, errors):
        self.place = place
        self.arguments = arguments
        self.process = process
        self.pid = process.pid
        self._output = output
        self._errors = errors

    def signal(self, number):
        os.kill(self.pid, number)

    def said(self):
        return self._errors.read_text(errors="replace")

    def wait(self, timeout_s=PATIENCE_S):
        # Popen.wait with a timeout looks only now and then.
        ended_at = os.pidfd_open(self.pid) if self.process.poll() is None else None
        if ended_at is not None:
            has_ended, _, _ = select.select([ended_at], [], [], timeout_s)
            os.close(ended_at)
            if not has_ended:
                self.process.kill()
                self.process.wait()
                pytest.fail(f"{self.arguments} did not end within {timeout_s} s\n{self.said()}")
        code = self.process.wait()
        return Run(self.place, self.arguments, code, self._output.read_text(errors="replace"), self.said())


class Place:
    """Directories of one test, and the program run in them."""

    def __init__(self, directory, owner=None):
        self.directory = pathlib.Path(directory)
        self.backups = self.directory / "backups"
        self.reports = self.directory / "reports"
        self.tmp = self.directory / "tmp"
        self.user = owner
        self.count = 0
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.directory),
            "LC_ALL": "C.UTF-8",
            "TZ": os.environ["TZ"],
            "TMPDIR": str(self.tmp),
            "BACKUP_DIR": str(self.backups),
            "XDG_CACHE_HOME": str(self.directory.parent / "cache"),
            "RESTORE_VERIFIER_PGBIN": str(BIN),
        }
        for made in (self.directory, self.backups, self.reports, self.tmp):
            made.mkdir(exist_ok=True)
            made.chmod(0o755)
        self.give_to(owner)

    def give_to(self, user):
        """Lets another user own everything here, and run the program."""
        self.user = user
        if user is not None:
            for path in (self.directory, *self.directory.rglob("*")):
                os.chown(path, user, user)

    # What goes in.

    def put(self, source, name=None):
        """Copies a backup to where the scenario looks for it; `name` is a pattern for its date."""
        target = self.backups / (today(name) if name else today("bugspark_%Y%m%d" + "".join(pathlib.Path(source).suffixes)))
        # What lies beside a backup of that name is about the backup that it takes the place of.
        for ending in (".manifest.json", ".verified.json"):
            (self.backups / (target.name + ending)).unlink(missing_ok=True)
        if pathlib.Path(source).is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
        target.chmod(0o755 if target.is_dir() else 0o644)
        self.give_to(self.user)
        return target

    def put_bytes(self, content, name="bugspark_%Y%m%d.dump"):
        target = self.backups / today(name)
        target.write_bytes(content)
        target.chmod(0o644)
        self.give_to(self.user)
        return target

    def scenario(self, body="", name="bugspark", pattern="bugspark_%Y%m%d.dump.gz", location=None, file=None, backups="max_age: 26h",
                 history="none"):
        """Writes a scenario with the usual `backups` and returns its path. Most tests look at all that lies
        beside a backup, and want no history there (None: as without the key)."""
        path = self.directory / (file or f"{name}.yaml")
        path.write_text(
            f"scenario: {name}\n"
            "backups:\n"
            f"  location: {location or self.backups}\n"
            f"  name: {pattern}\n"
            f"  {backups}\n" + body + (f"\nhistory: {history}\n" if history else "")
        )
        return str(path)

    def stand_in(self, **programs):
        """A directory with PostgreSQL's programs, of which some are replaced by a shell script.
        In a script, $real is the directory with the real ones and $place this place."""
        directory = self.directory / f"bin{self.count}"
        self.count += 1
        directory.mkdir()
        directory.chmod(0o755)
        for program in BIN.iterdir():
            script = programs.pop(program.name, None)
            target = directory / program.name
            if script is None:
                target.symlink_to(program)
                continue
            target.write_text(f"#!/bin/bash\nreal={BIN}\nplace={self.directory}\n{script}\n")
            target.chmod(0o755)
        assert not programs, f"no such programs: {programs}"
        return {"RESTORE_VERIFIER_PGBIN": str(directory)}

    # What happens.

    def _program(self):
        """Another user gets a copy, because the repository may be where only root can enter."""
        if self.user is None:
            return PROGRAM
        copy = self.directory / "restore-verifier"
        if not copy.exists():
            shutil.copy(PROGRAM, copy)
            copy.chmod(0o755)
        return copy

    def start(self, *arguments, environment=None, before=(), cwd=None, program=True):
        self.count += 1
        output = self.directory / f"stdout.{self.count}"
        errors = self.directory / f"stderr.{self.count}"
        named = [self._program()] if program else []
        argv = [str(argument) for argument in (*before, *named, *arguments)]
        as_user = {"user": self.user, "group": self.user, "extra_groups": []} if self.user is not None else {}
        with open(output, "wb") as out, open(errors, "wb") as err:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**self.environment, **(environment or {})},
                cwd=cwd or self.directory,
                **as_user,
            )
        return Running(self, argv, process, output, errors)

    def run(self, *arguments, timeout_s=PATIENCE_S, **options):
        return self.start(*arguments, **options).wait(timeout_s)

    def verify(self, *arguments, leaves_nothing=True, **options):
        """Runs `verify` to its end, and checks what must hold after every run."""
        for report in self.reports.glob("*.xml"):
            report.unlink()
        run = self.run("verify", "--reports", self.reports, *arguments, **options)
        assert run.code in (PASSED, BAD_BACKUP, CANNOT_VERIFY), str(run)
        reports = run.reports()
        if reports:
            check = subprocess.run(["xmllint", "--noout", *(report.path for report in reports)], capture_output=True, text=True)
            assert check.returncode == 0, check.stderr
            worst = max((report.exit_code for report in reports))
            assert run.code >= worst, f"the reports say {worst}\n{run}"
        if leaves_nothing:
            self.check_nothing_left()
        return run

    def left_over(self):
        return [path for path in self.tmp.iterdir() if path.name.startswith("restore-verifier.")]

    def check_nothing_left(self):
        assert not self.left_over(), "work directories stayed behind"
        assert not inhabitants(self.tmp), "processes stayed behind"

    def expect(self, verdict, check, words, *arguments, **options):
        """One run of one scenario, in which `check` gets a verdict and says all of `words`, and the
        exit code is the one of that verdict."""
        run = self.verify(*arguments, **options)
        case = run.report()[check]
        assert case.verdict == verdict, f"{check}: {case}\n{run}"
        expected = {"pass": PASSED, "fail": BAD_BACKUP, "error": CANNOT_VERIFY}[verdict]
        assert run.code == expected, f"exit code\n{run}"
        said = f"{case.message}\n{case.text}\n{case.output}"
        for word in [words] if isinstance(words, str) else words:
            assert word.lower() in said.lower(), f"`{word}` is not in:\n{said}\n{run}"
        return run


def flip_bit(content, bit):
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def gunzip(content):
    return gzip.decompress(content)


@contextlib.contextmanager
def ended(running):
    """Makes sure that a program that was started does not outlive a test that failed."""
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
            try:
                running.process.wait(10)
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()
