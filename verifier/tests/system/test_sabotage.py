"""`sabotage` damages copies of a backup, and tells what verify did not see. The backup itself, and what lies beside
it, stay as they are."""

import gzip
import hashlib
import json
import shutil
import signal
import subprocess

import pytest

from running import BAD_BACKUP, CANNOT_VERIFY, NOBODY, PASSED, needs_root, today, wait_until

ORIGINAL = "the backup, undamaged"
DUMP, SQL = "bugspark_%Y%m%d.dump", "bugspark_%Y%m%d.sql.gz"
OTHER = "a backup of another database under this name"
OLDER = "an older backup under this name"
MANIFEST = "the manifest of another night"
KINDS = [
    "cut off", "a byte flipped", "the data of a table missing", "a row removed", "a row changed", "a table emptied", "an index left out",
    "a constraint left out", "a trigger left out", "a policy left out", "a view left out", "a sequence left out", "a sequence set back",
    OLDER, OTHER, MANIFEST,
]

# One of each, so that no choice is left: what is damaged can be named.
EACH = """
create table notes (id serial, note text not null); insert into notes (note) select 'note ' || i from generate_series(1, 50) i;
create table kept (id int primary key); insert into kept values (1);
alter table notes add kept_id int default 1 constraint of_kept references kept; create index by_note on notes (note);
create function touch() returns trigger language plpgsql as 'begin return new; end';
create trigger touched before update on notes for each row execute function touch();
alter table notes enable row level security; create policy mine on notes using (id > 0); create view noted as select note from notes;
"""
# What sees each of them, which nothing in the backup tells.
STRONG = """
tables:
  notes:
    - row_count = 50
queries:
  - {name: notes are as they were, sql: "select count(*) from notes where note = 'note ' || id", expect: = 50}
  - {name: the index is there, sql: "select count(*) from pg_indexes where indexname = 'by_note'", expect: = 1}
  - {name: the constraint is there, sql: "select count(*) from pg_constraint where conname = 'of_kept'", expect: = 1}
  - {name: the trigger is there, sql: "select count(*) from pg_trigger where tgname = 'touched'", expect: = 1}
  - {name: the policy is there, sql: "select count(*) from pg_policies where policyname = 'mine'", expect: = 1}
  - {name: the view is there, sql: "select count(*) from pg_views where viewname = 'noted'", expect: = 1}
  - {name: the sequence is there, sql: "select count(*) from pg_sequences where sequencename = 'notes_id_seq'", expect: = 1}
  - {name: the sequence is far, sql: "select last_value from notes_id_seq", expect: = 50}
"""
SEEN = {
    "cut off": ("backup is intact", "cut off behind byte"),
    "a byte flipped": ("backup is intact", "all its bits flipped"),
    "the data of a table missing": ("backup is intact", "the data of public.notes is missing"),
    "a row removed": ("notes: row_count = 50", "of public.notes is gone"),
    "a row changed": ("notes are as they were", "of public.notes is another one"),
    "a table emptied": ("notes: row_count = 50", "public.notes has lost its 50 rows"),
    "an index left out": ("the index is there", "INDEX public by_note"),
    "a constraint left out": ("the constraint is there", "public notes of_kept"),
    "a trigger left out": ("the trigger is there", "TRIGGER public notes touched"),
    "a policy left out": ("the policy is there", "POLICY public notes mine"),
    "a view left out": ("the view is there", "VIEW public noted"),
    "a sequence left out": ("the sequence is there", "SEQUENCE public notes_id_seq"),
    "a sequence set back": ("the sequence is far", "public.notes_id_seq begins again at 1"),
    OLDER: ("backup is recent", "days earlier"),
    OTHER: ("notes: row_count = 50", "another_database"),
}
UNSEEN = {
    "a row removed": ["nobody noticed", "restore-verifier dump", "`row_count same as dump` under tables.public.notes"],
    "a row changed": ["nobody noticed", "restore-verifier dump"],
    "a table emptied": ["nobody noticed", "expect `row_count >= 1` under tables.public.notes"],
    "an index left out": ["nobody noticed", "`same as last verified` under schema", "where indexname = 'by_note'"],
    "a constraint left out": ["nobody noticed", "`same as last verified` under schema", "where conname = 'of_kept'"],
    "a trigger left out": ["nobody noticed", "`same as last verified` under schema", "where tgname = 'touched'"],
    "a policy left out": ["nobody noticed", "`same as last verified` under schema", "where policyname = 'mine'"],
    "a view left out": ["nobody noticed", "`same as last verified` under schema", "where viewname = 'noted'"],
    "a sequence left out": ["nobody noticed", "`same as last verified` under schema", "where sequencename = 'notes_id_seq'"],
    "a sequence set back": ["nobody noticed", "`sequences behind = 0` under schema", "select last_value from public.notes_id_seq"],
    OTHER: ["nobody noticed", "only this database has"],
}


def state(place):
    """All that lies where the backups do: names, bytes and times."""
    files = [path for path in place.backups.rglob("*") if path.is_file()]
    return {path: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns, path.stat().st_ino) for path in files}


def sabotage(place, path, *options, code=PASSED, **more):
    """Runs it, and checks what must hold after every run: nothing is changed, and nothing stays behind."""
    before = state(place)
    run = place.run("sabotage", "--reports", place.reports, *options, path, timeout_s=280, **more)
    assert run.code == code, str(run)
    assert state(place) == before
    assert not [found for found in place.reports.iterdir() if "verified" in found.name]
    place.check_nothing_left()
    return run, run.report("bugspark.sabotage")


def results(run):
    checks = json.loads(run.out)["scenarios"][0]["checks"]
    return {check["name"]: check for check in checks}


@pytest.mark.often("bugspark_%Y%m%d.dump.gz")
@pytest.mark.parametrize("pattern", [DUMP, DUMP + ".gz"])
def test_each_is_seen_by_the_right_check(place, server, database, pattern):
    original = server.dump(database(EACH), place.directory / "x")
    place.put_bytes(gzip.compress(original.read_bytes()) if pattern.endswith("gz") else original.read_bytes(), pattern)
    run, report = sabotage(place, place.scenario(STRONG, pattern=pattern), "--seed", "7", "--format", "json")
    said = results(run)
    assert list(report.verdicts()) == [ORIGINAL, *KINDS]
    for kind, (check, words) in SEEN.items():
        case = said[kind]
        assert case["verdict"] == "pass" and not case["warning"], f"{case}\n{run}"
        assert f"seen by `{check}`" in case["message"] and words in case["message"], f"{case}\n{run}"
        assert words in report.properties[kind], report.properties
    assert report[MANIFEST].verdict == "skip" and "no manifest" in report[MANIFEST].message
    assert report.properties["headline"] == "the alarm works: 15 of 15 damages noticed"
    assert report.properties["sabotage.seed"] == "7" and "--seed 7" in run.err


def test_what_nobody_expects_is_told_with_its_remedy(place, server, database):
    server.dump(database(EACH), place.backups / today(DUMP))
    run, report = sabotage(place, place.scenario(pattern=DUMP))
    for kind in KINDS[:3] + [OLDER]:
        assert report[kind].verdict == "pass" and "warning:" not in report[kind].output, f"{report[kind]}\n{run}"
    for kind, words in UNSEEN.items():
        case = report[kind]
        assert case.verdict == "pass" and not [word for word in words if word not in case.output], f"{case}\n{run}"
    assert report.properties["headline"] == "the alarm has gaps: 4 of 15 damages noticed"


@pytest.mark.slow
def test_a_manifest_sees_all(place, server, database):
    url = server.url(database(EACH))
    path = place.scenario(f"source:\n  database: {url!r}\n", pattern=DUMP + ".gz")
    assert place.run("dump", path).code == PASSED
    run, report = sabotage(place, path, "--format", "json")
    for kind in KINDS:
        assert f"seen by `{'backup is recent' if kind == OLDER else 'backup is intact'}`" in results(run)[kind]["message"] or kind == OLDER, str(run)
    assert report.properties["headline"] == "the alarm works: 16 of 16 damages noticed"


@pytest.mark.slow
def test_plain_sql(place, server, database):
    name = database(EACH)
    for days_ago in (0, 5):
        (place.backups / today(SQL, days_ago)).write_bytes(gzip.compress(server.dump(name, place.directory / f"x{days_ago}", "-Fp").read_bytes()))
    run, report = sabotage(place, place.scenario(STRONG, pattern=SQL), "--format", "json")
    said = results(run)
    here = {
        "the data of a table missing": ("notes: row_count = 50", "what fills public.notes"), "a constraint left out": None, OLDER: None,
        # Then psql stops at what needs it.
        "a sequence left out": ("backup restores", "SEQUENCE public.notes_id_seq"), OTHER: ("notes: row_count = 50", "another_table"),
        "an index left out": ("the index is there", "INDEX public.by_note"), "a trigger left out": ("the trigger is there", "TRIGGER public.notes touched"),
        "a policy left out": ("the policy is there", "POLICY public.notes mine"), "a view left out": ("the view is there", "VIEW public.noted"),
    }
    for kind, expected in {**SEEN, **here}.items():
        if expected:
            assert f"seen by `{expected[0]}`" in said[kind]["message"] and expected[1] in said[kind]["message"], f"{said[kind]}\n{run}"
    older = report[OLDER]
    assert f"{today(SQL, 5)} has this one's name: nobody noticed" in older.output and "freshness" in older.output, str(run)


def test_a_red_backup_is_not_damaged(place, good):
    bad = place.put_bytes(good.dump.read_bytes()[:-5000], DUMP)
    run, report = sabotage(place, place.scenario(pattern=DUMP), code=BAD_BACKUP)
    assert report[ORIGINAL].verdict == "fail" and "not green: `backup is intact`" in report[ORIGINAL].message, str(run)
    assert {report[kind].verdict for kind in KINDS} == {"skip"} and report.properties["headline"] == "the backup is bad"
    bad.unlink()
    run, report = sabotage(place, place.scenario("tables:\n  userss:\n    - row_count >= 1\n", pattern=DUMP), code=BAD_BACKUP)
    assert report.properties["headline"] == "no backup was found"
    place.put(good.dump, DUMP)
    run, report = sabotage(place, place.scenario("tables:\n  userss:\n    - row_count >= 1\n", pattern=DUMP), code=CANNOT_VERIFY)
    assert report[ORIGINAL].verdict == "error" and "did you mean" in report[ORIGINAL].message, str(run)
    assert report.properties["headline"] == "the scenario is wrong"


@pytest.mark.slow
def test_the_same_seed_does_the_same(place, good):
    place.put(good.dump, DUMP)
    path = place.scenario(pattern=DUMP)
    done = []
    for seed in ("11", "11", "12"):
        run, report = sabotage(place, path, "--seed", seed, "--only", "a row *")
        done.append({kind: report.properties.get(kind) for kind in KINDS})
        assert sorted(kind for kind in KINDS if report[kind].message != "not selected") == ["a row changed", "a row removed"], str(run)
    assert done[0] == done[1] != done[2], done
    for wrong, words in ((("--seed", "x"), "takes a number"), (("--only", "zebra"), "a table emptied")):
        run = place.run("sabotage", *wrong, path)
        assert run.code == CANNOT_VERIFY and words in run.err, str(run)


@pytest.mark.slow
@needs_root
def test_as_another_user(place, good):
    place.put(good.gz, DUMP + ".gz")
    path = place.scenario(pattern=DUMP + ".gz")
    place.give_to(NOBODY)
    run, report = sabotage(place, path, "--only", "a row *")
    assert "nobody noticed" in report["a row removed"].output, str(run)


def test_what_cannot_be_damaged_is_said(place, server, good):
    """Formats that are not written again, and a database without triggers."""
    server.dump("bugspark", place.backups / today("b_%Y%m%d.tar"), "-Ft")
    run, report = sabotage(place, place.scenario(pattern="b_%Y%m%d.tar"), "--only", "[ac]*o*")
    assert report["a row removed"].verdict == "skip" and 'in the format "tar"' in report["a row removed"].message, str(run)
    place.put(good.dump, DUMP)
    run, report = sabotage(place, place.scenario(pattern=DUMP), "--only", "a trigger*", code=CANNOT_VERIFY)
    assert "no trigger in this backup" in report["a trigger left out"].message, str(run)
    assert report.properties["headline"] == "the alarm could not be tried"


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["files", "directory"])
def test_a_backup_of_several_files(place, server, database, layout):
    name = database(EACH)
    night = place.backups / today("night_%F") if layout == "directory" else place.backups
    night.mkdir(exist_ok=True)
    for section in ("pre_data", "data", "post_data"):
        file = f"{section}.dump" if layout == "directory" else today(f"{section}_%F.dump")
        server.dump(name, night / file, f"--section={section.replace('_', '-')}")
    pattern = "night_%F" if layout == "directory" else "{pre_data: pre_data_%F.dump, data: data_%F.dump, post_data: post_data_%F.dump}"
    run, report = sabotage(place, place.scenario(STRONG, pattern=pattern), "--format", "json", "--seed", "3")
    said = results(run)
    skipped = {OLDER: "several files", MANIFEST: "no manifest", "a row changed": "no table of at most 32 MiB has a text"}
    for kind in KINDS:
        case = said[kind]
        if kind in skipped:
            assert case["verdict"] == "skip" and skipped[kind] in case["message"], f"{case}\n{run}"
        else:
            assert case["verdict"] == "pass" and "seen by" in case["message"] and not case["warning"], f"{case}\n{run}"
    assert SEEN["a trigger left out"][1] in said["a trigger left out"]["message"]
    assert report.properties["headline"] == "the alarm works: 13 of 13 damages noticed"


@pytest.mark.parametrize("packed", [False, True])
def test_directory_format(place, server, database, packed):
    directory = server.dump(database(EACH), place.directory / today("b_%Y%m%d"), "-Fd")
    pattern = "b_%Y%m%d.tar.gz" if packed else "b_%Y%m%d"
    if packed:
        subprocess.run(["tar", "-czf", place.backups / today(pattern), "-C", place.directory, directory.name], check=True)
    else:
        shutil.copytree(directory, place.backups / today(pattern))
    _, report = sabotage(place, place.scenario(pattern=pattern))
    tried = KINDS[:2] if packed else KINDS[:3]
    assert [kind for kind in KINDS if report[kind].verdict == "pass" and "warning:" not in report[kind].output] == tried
    assert {report[kind].verdict for kind in KINDS if kind not in tried} == {"skip"}


def test_the_last_backup_that_verified_is_known(place, good):
    place.put(good.dump, DUMP)
    (place.backups / today(DUMP)).rename(place.backups / today(DUMP, days_ago=1))
    path = place.scenario("tables:\n  users:\n    - change for row_count >= 0%\n", pattern=DUMP)
    assert place.verify(path).code == PASSED
    place.put(good.dump, DUMP)
    run, report = sabotage(place, path, "--only", OTHER)
    assert report[OTHER].verdict == "pass" and "warning:" not in report[OTHER].output, str(run)


@pytest.mark.slow
def test_the_remedies_for_what_is_left_out_help(place, server, database):
    server.dump(database(EACH + "create unique index note_id on notes (id);"), place.backups / today(DUMP, days_ago=1))
    path = place.scenario("schema:\n  - same as last verified\n  - sequences behind = 0\n", pattern=DUMP)
    assert place.verify(path).code == PASSED
    (place.backups / today(DUMP)).write_bytes((place.backups / today(DUMP, days_ago=1)).read_bytes())
    for kinds in ("a* left out", "a sequence set back"):
        run, report = sabotage(place, path, "--only", kinds)
        for case in report.cases:
            if case.name not in (ORIGINAL, MANIFEST) and case.message != "not selected":
                assert case.verdict == "pass" and "warning:" not in case.output, f"{case}\n{run}"


@pytest.mark.slow
def test_in_a_bucket(bucket, server, database):
    url = server.url(database(EACH))
    path = bucket.scenario(pattern=DUMP, source=url)
    assert bucket.place.run("dump", path).code == PASSED
    before = {key: bucket.get(key) for key in bucket.keys()}
    run, report = sabotage(bucket.place, path, "--only", "[ac]* *e*")
    assert "noticed" in report.properties["headline"] and "gaps" not in report.properties["headline"], str(run)
    assert {key: bucket.get(key) for key in bucket.keys()} == before


def test_objects_are_left_alone(place, good):
    place.put(good.dump, DUMP)
    (place.directory / "objects").mkdir()
    run, report = sabotage(place, place.scenario(f"objects:\n  bucket: {place.directory}/objects\n  checks:\n    - object_count = 0\n", pattern=DUMP), "--only", "[ac][nu]* o*")
    assert report["an object that rows refer to missing"].verdict == "skip", str(run)
    assert "not sabotaged" in report["an object that rows refer to missing"].message


def test_when_it_is_told_to_end(place, good):
    place.put(good.dump, DUMP)
    before = state(place)
    running = place.start("sabotage", "--reports", place.reports, place.scenario(pattern=DUMP))
    wait_until(lambda: list(place.tmp.glob("restore-verifier.*/damaged/*")), "a damaged copy")
    running.signal(signal.SIGTERM)
    run = running.wait()
    assert run.code == CANNOT_VERIFY and state(place) == before, str(run)
    assert run.report("bugspark.sabotage")["a row removed"].verdict in ("error", "pass")
    place.check_nothing_left()


def test_prove_alarm(place, good):
    """A few of them each night, behind a green backup alone."""
    place.put(good.dump, DUMP)
    path = place.scenario(pattern=DUMP)
    run = place.verify("--prove-alarm", "2", "--format", "json", path)
    assert run.code == PASSED and run.report().properties["headline"] == "every check passed", str(run)
    report = run.report("bugspark.sabotage")
    assert sum(report[kind].verdict == "pass" for kind in KINDS) == 2, str(run)
    assert "of 2 damages noticed" in report.properties["headline"] and "not tonight" in report.text
    first, second = json.loads(run.out)["scenarios"]
    assert "sabotage" not in first and second["sabotage"]
    again = place.run("verify", "--reports", place.reports, "--prove-alarm", "2", path).report("bugspark.sabotage")
    assert again.verdicts() == report.verdicts(), "the day tells which"
    place.put_bytes(good.dump.read_bytes()[:-5000], DUMP)
    run = place.run("verify", "--reports", place.reports, "--prove-alarm", "2", path)
    assert run.code == BAD_BACKUP and not (place.reports / "bugspark.sabotage.xml").exists(), str(run)
    for wrong in (("--prove-alarm", "0"), ("--prove-alarm", "2", "--only", "*"), ("--prove-alarm", "x")):
        assert place.run("verify", *wrong, path).code == CANNOT_VERIFY
