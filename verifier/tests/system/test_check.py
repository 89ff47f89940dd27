"""Proves that `check` finds before the night what would go wrong in it, says what to do, and leaves nothing behind.
Each thing is broken once, after it was found good."""

import email.utils
import gzip
import json
import pathlib
import socket
import subprocess
import time

import pytest

import nights
import running
import servers
from running import CANNOT_VERIFY, IS_ROOT, PASSED, ROOT, needs_root, today
from s3_proxy import Answer

TABLE = "create table t (id serial); insert into t default values; select lo_from_bytea(0, 'x'); create table other (id int);"


def checked(place, scenario, *options, code=PASSED, **how):
    run = place.run("check", "--format", "json", *options, scenario, **how)
    assert run.code == code, str(run)
    document = json.loads(run.out)
    assert (document["format"], document["version"], document["exit_code"]) == ("restore-verifier check", 1, code)
    return [(one["check"], one["verdict"], one["text"]) for one in document["scenarios"][0]["findings"]]


def said(findings, verdict):
    return "\n".join(f"{check}: {text}" for check, found, text in findings if found == verdict)


def whole(place, server, name, user="postgres", more=""):
    """A scenario that names something of every kind; all of it is there."""
    migrations = place.directory / "versions"
    migrations.mkdir(exist_ok=True)
    (migrations / "a.py").write_text('revision = "a"\ndown_revision = None\n')
    return place.scenario(
        f"source:\n  database: {server.url(name, user)!r}\n"
        f"alembic:\n  version: head\n  migrations: {migrations}\n"
        f"objects:\n  bucket: {ROOT / 'fixtures'}\n  copy: {place.backups}/copy\n"
        f"commands:\n  - name: it starts\n    run: [ls, '${{restored.url}}']\n" + more, history=str(place.directory / "history"))


def test_all_is_there(place, server, database):
    findings = checked(place, whole(place, server, database(TABLE)))
    checks = {check for check, _, _ in findings}
    assert checks == {"database", "sessions", "rights", "pg_dump", "clock", "backups", "latest backup", "room for backups", "history", "objects",
                      "copy of objects", "work directory", "room to restore", "restore tools", "throwaway server", "extensions", "reports", "migrations", "commands"}, findings
    assert said(findings, "warn") == f"copy of objects: {place.backups}/copy is not there yet: `restore-verifier sync` makes it"
    assert "may read every table" in said(findings, "pass") and "none yet: the first dump makes it" in said(findings, "pass")
    assert not list(place.backups.iterdir()) and not list(place.tmp.iterdir())


def test_in_words(place, server, database):
    scenario = whole(place, server, database(TABLE))
    run = place.run("check", scenario)
    assert run.code == PASSED and run.err.startswith("bugspark\n  PASS   database          "), str(run)
    assert place.run("check", "--quiet", scenario).err.count("\n") == 2  # the copy that sync is to make


RIGHTS = {
    "a table": ("grant select on other to {user}; grant select on sequence t_id_seq to {user};", "may not read 1 table", "public.t", "pg_read_all_data"),
    "a sequence": ("grant select on t, other to {user};", "1 sequence", "public.t_id_seq", "pg_read_all_data"),
    "rows behind a policy": ("grant pg_read_all_data to {user}; alter table t enable row level security;", "1 table with row-level security", "public.t", "BYPASSRLS"),
    "a large object": ("grant pg_read_all_data to {user};", "1 large object", "dump as their owner"),
    "a schema": ("create schema app; create table app.x (); grant select on all tables in schema app, public to {user}; grant select on sequence t_id_seq to {user};",
                 "1 table", "app.x"),
    "one session": ("grant pg_read_all_data to {user}; alter role {user} connection limit 1;", "two connections at once", "allow the role"),
}


@pytest.mark.often("a table", "rows behind a policy", "one session")
@pytest.mark.parametrize("name", RIGHTS)
def test_rights(place, server, database, name):
    sql, *words = RIGHTS[name]
    user = f"check_{list(RIGHTS).index(name)}"
    made = database(TABLE)
    server.sql(f"create role {user} login;" + sql.format(user=user), made)
    try:
        findings = checked(place, whole(place, server, made, user), code=CANNOT_VERIFY)
        for word in words:
            assert word in said(findings, "error"), findings
        dump = place.run("dump", whole(place, server, made, user))
        assert dump.code == CANNOT_VERIFY, "and a dump fails indeed"
    finally:
        server.sql(f"drop owned by {user}; drop role {user}", made)


def stale(place):
    old = place.put_bytes(b"x" * 100, "bugspark_20260102.dump.gz")
    old.chmod(0o600)


def early(place):
    place.put_bytes(b"x" * 100, time.strftime("bugspark_%Y%m%d.dump.gz", time.gmtime(time.time() + 3 * 86400)))


def renamed(place):
    (place.directory / "history").mkdir()
    (place.directory / "history/bugspark.jsonl").write_text(json.dumps(nights.night(3600)) + "\n")


def deleted(place):
    (place.directory / "history").mkdir()
    (place.directory / "history/bugspark.jsonl").write_text(json.dumps(nights.night(3600, backup="bugspark_20260102.dump.gz")) + "\n")


def no_entry(place):
    place.tmp.chmod(0o700)


# name: (what is broken, keys of the scenario that are other, environment, verdict, words)
BROKEN = {
    "no such server": (None, ("source:", "source:\n  database: postgresql://u:secretword@/x?host=/nowhere\nx:"), {}, "error", ["database: ", "/nowhere"]),
    "no pg_dump": (None, None, {"RESTORE_VERIFIER_PGBIN": "/nowhere"}, "error", ["pg_dump: ", "not installed: install the package", "restore tools: "]),
    "an older PostgreSQL, where another is asked for": (None, ("backups:", "restore:\n  version: 14\nbackups:"), {}, "error", ["restore tools: PostgreSQL 14, which restore.version asks for, is not installed here: install the package postgresql-14"]),
    "no PostgreSQL of that version": (None, ("backups:", "restore:\n  version: 99\nbackups:"), {}, "error", ["restore tools: PostgreSQL 99 or newer is needed"]),
    "the place is a file": (lambda place: place.backups.rmdir() or place.backups.write_text(""), None, {}, "error", ["backups: ", "not a directory"]),
    "the place's disk is not there": (lambda place: place.backups.rmdir(), ("location: {place}/backups", "location: {place}/a/b/c"), {}, "error", ["backups: ", "is a disk not mounted?"]),
    "the place is to be made": (lambda place: place.backups.rmdir(), None, {}, "pass", ["is not there yet: the first dump makes it"]),
    "an old backup": (stale, None, {}, "warn", ["latest backup: bugspark_20260102.dump.gz", "more than max_age: run the dump"]),
    "a backup of the future": (early, None, {}, "error", ["latest backup: bugspark_", "d ", "in the future by its name's day: check the clocks, and the time zone"]),
    "another name than that of the history": (renamed, None, {}, "warn", ["none is named like bugspark_%Y%m%d.dump.gz, and the history has shop_", ": check backups.name"]),
    "a backup that is gone": (deleted, None, {}, "warn", ["none is there, and the history has bugspark_20260102.dump.gz: was it moved, or deleted?"]),
    "a name that no dump writes": (None, ("bugspark_%Y%m%d.dump.gz", "bugspark_%Y%m%d.sql"), {}, "error", ["ends in .sql"]),
    "no TMPDIR": (lambda place: place.tmp.rmdir(), None, {}, "error", ["work directory: ", "set TMPDIR"]),
    "a TMPDIR that the server's user cannot enter": (no_entry if IS_ROOT else None, None, {}, "error" if IS_ROOT else "pass", ["work directory: "] + (["chmod o+x"] if IS_ROOT else [])),
    "no migrations": (lambda place: [path.unlink() for path in (place.directory / "versions").iterdir()], None, {}, "error", ["migrations: "]),
    "no such command": (None, ("run: [ls,", "run: [no-such-program,"), {}, "error", ["commands: no-such-program is not there"]),
    "no directory for it": (None, ("run: [ls,", "directory: /nowhere\n    run: [ls,"), {}, "error", ["there is no directory /nowhere"]),
    "no objects": (None, ("bucket: {fixtures}", "bucket: {place}/empty"), {}, "error", ["objects: "]),
    "the history's place": (None, ("history: {place}/history", "history: {place}/a/b/history"), {}, "error", ["history: "]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_missing(place, server, database, name):
    breaking, change, environment, verdict, words = BROKEN[name]
    scenario = whole(place, server, "bugspark")
    if breaking:
        breaking(place)
    text = open(scenario).read()
    if name == "no such server":
        text = "\n".join("  database: postgresql://u:secretword@/x?host=/nowhere" if line.startswith("  database:") else line for line in text.split("\n"))
    elif change:
        old, new = (word.format(place=place.directory, fixtures=ROOT / "fixtures") for word in change)
        assert old in text
        text = text.replace(old, new, 1)
    open(scenario, "w").write(text)
    findings = checked(place, scenario, code=CANNOT_VERIFY if verdict == "error" else PASSED, environment=environment)
    for word in words:
        assert word in said(findings, verdict), findings
    assert "secretword" not in str(findings)


def test_a_server_that_does_not_start(place, server):
    """The other servers' variables are no help and no harm."""
    environment = {"PGHOSTADDR": "192.0.2.1", "PGOPTIONS": "-c nonsense=1", "PGPORT": "1"}
    scenario = place.scenario()
    assert "throwaway server: PostgreSQL" in said(checked(place, scenario, environment=environment), "pass")
    broken = place.stand_in(postgres="[[ $* != *--version* ]] && exit 3; exec $real/postgres \"$@\"")
    findings = checked(place, scenario, code=CANNOT_VERIFY, environment=broken)
    assert "throwaway server: " in said(findings, "error") and "did not start" in said(findings, "error"), findings
    assert not list(place.tmp.iterdir())


def without(place, *extensions):
    """PostgreSQL's programs, with an installation that lacks these extensions."""
    share = place.directory / "share"
    (share / "extension").mkdir(parents=True)
    for control in pathlib.Path(subprocess.run([servers.BIN / "pg_config", "--sharedir"], capture_output=True, text=True, check=True).stdout.strip()).glob("extension/*.control"):
        if control.stem not in extensions:
            (share / "extension" / control.name).touch()
    return place.stand_in(initdb=f'[ "$1" = --show ] || exec $real/initdb "$@"\nprintf "VERSION=x\nshare_path={share}\nPGPATH=y\n" >&2')


# names that the scenario leaves out, verdict, words
NEEDED = {
    "nothing": ([], "error", ["needs the extensions cube, earthdistance, hstore, which are not installed", "or leave it out with `EXTENSION cube` under restore.exclude"]),
    "one of them": (["EXTENSION hstore"], "error", ["needs the extensions cube, earthdistance, which are not"]),
    "with what builds on it": (["EXTENSION cube", "EXTENSION hstore"], "pass", ["pg_trgm", "installed for PostgreSQL"]),
    "with its schema": (["SCHEMA apart", "EXTENSION cube"], "pass", ["pg_trgm", "installed for PostgreSQL"]),
}


@pytest.mark.often("nothing-True", "with its schema-False")
@pytest.mark.parametrize("has_source", [True, False])
@pytest.mark.parametrize("name", NEEDED)
def test_extensions(place, server, database, name, has_source):
    """Of the database, or of the latest backup: both tell the same, and so would a restore."""
    left_out, verdict, words = NEEDED[name]
    made = database("create extension pg_trgm; create schema apart; create extension hstore schema apart; create extension earthdistance cascade")
    server.dump(made, place.backups / today("bugspark_%Y%m%d.dump"), "-Fc")
    exclude = f"restore:\n  exclude: [{', '.join(left_out)}]\n" if left_out else ""
    scenario = place.scenario((f"source:\n  database: {server.url(made)!r}\n" if has_source else "") + exclude, pattern="bugspark_%Y%m%d.dump")
    assert "pg_trgm" in said(checked(place, scenario), "pass")
    findings = checked(place, scenario, code=CANNOT_VERIFY if verdict == "error" else PASSED, environment=without(place, "hstore", "cube", "earthdistance"))
    for word in words:
        assert word in said([one for one in findings if one[0] == "extensions"], verdict), findings


# How the backup is packed: name, options of pg_dump, a command behind it
PACKED = {
    "gzip": ("x_%Y%m%d.dump.gz", ["-Fc"]),
    "a directory": ("x_%Y%m%d.dir", ["-Fd"]),
    "tar": ("x_%Y%m%d.tar", ["-Ft"]),
    "plain SQL": ("x_%Y%m%d.sql", ["-Fp"]),
}


@pytest.mark.often("gzip", "plain SQL")
@pytest.mark.parametrize("name", PACKED)
def test_extensions_of_a_backup(place, server, database, name):
    pattern, options = PACKED[name]
    backup = server.dump(database("create extension hstore; create table t ()"), place.backups / today(pattern), *options)
    if name == "gzip":
        backup.write_bytes(gzip.compress(backup.read_bytes()))
    backup.chmod(0o755 if backup.is_dir() else 0o644)
    scenario = place.scenario(pattern=pattern)
    assert "extensions: hstore is installed for PostgreSQL" in said(checked(place, scenario), "pass")
    findings = checked(place, scenario, code=CANNOT_VERIFY, environment=without(place, "hstore"))
    assert "needs the extension hstore, which is not installed" in said(findings, "error")
    assert ("dump in custom format" in said(findings, "error")) == (name == "plain SQL")


def test_extensions_of_a_set(place, server, database):
    """Each file that creates any is looked at; of one that is damaged nobody knows."""
    made = database("create extension hstore; create table t ()")
    for part, options in (("schema", ["--schema-only"]), ("data", ["--data-only"])):
        server.dump(made, place.backups / today(f"{part}_%Y%m%d.sql"), "-Fp", *options).chmod(0o644)
    platform = place.put_bytes((place.backups / today("schema_%Y%m%d.sql")).read_bytes().replace(b"hstore", b"pg_trgm"), "platform_%Y%m%d.sql")
    scenario = place.scenario("restore:\n  exclude: [EXTENSION hstore]\n", pattern="{platform: platform_%Y%m%d.sql, schema: schema_%Y%m%d.sql, data: data_%Y%m%d.sql}")
    assert "extensions: pg_trgm is installed" in said(checked(place, scenario), "pass")
    schema = place.backups / today("schema_%Y%m%d.sql")
    schema.write_bytes(b"\0" * 100)
    assert "which ones the latest backup needs is not known" in said(checked(place, scenario), "warn"), platform


def test_extensions_in_a_bucket(place, server, database, bucket):  # noqa: F811
    """Of a custom archive; only its beginning is fetched."""
    backup = server.dump(database("create extension hstore; create table t ()"), place.directory / "x.dump", "-Fc")
    bucket.put(today("bugspark_%Y%m%d.dump"), backup.read_bytes())
    scenario = bucket.scenario(pattern="bugspark_%Y%m%d.dump")
    assert "extensions: hstore is installed" in said(checked(place, scenario), "pass")
    assert "needs the extension hstore" in said(checked(place, scenario, code=CANNOT_VERIFY, environment=without(place, "hstore")), "error")


def test_extensions_that_nobody_can_tell(place, server):
    """A backup that cannot be read tells nothing: that is no reason to say that all is there."""
    stale(place)
    findings = checked(place, place.scenario())
    assert "which ones the latest backup needs is not known before a run" in said(findings, "warn")
    findings = checked(place, place.scenario(f"source:\n  database: {server.url('bugspark')!r}\n"))
    assert "extensions: pg_trgm and plpgsql are installed" in said(findings, "pass"), "where the database tells"


def test_extensions_where_nothing_restores(place, server):
    """What is missing is told once."""
    findings = checked(place, place.scenario(f"source:\n  database: {server.url('bugspark')!r}\n"), code=CANNOT_VERIFY, environment={"RESTORE_VERIFIER_PGBIN": "/nowhere"})
    assert [check for check, verdict, _ in findings if verdict == "error"] == ["pg_dump", "restore tools"], findings
    findings = checked(place, place.scenario(f"source:\n  database: {server.url('bugspark')!r}\n" + NOWHERE), code=CANNOT_VERIFY)
    assert [check for check, verdict, _ in findings if verdict == "error"] == ["restore server"], findings


def test_extensions_of_a_server_to_restore_into(place, server, database):
    server.sql("create role check_maker login createdb")
    content = server.dump(database("create extension hstore; create table t ()"), place.directory / "x.dump", "-Fc", "-Z0").read_bytes()
    scenario = place.scenario(f"restore:\n  server: {server.url('postgres', 'check_maker')!r}\n", pattern="bugspark_%Y%m%d.dump")
    for name, verdict, words in (("hstore", "pass", "hstore is installed"), ("hstorx", "error", "the extension hstorx, which is not installed")):
        place.put_bytes(content.replace(b"hstore", name.encode()))
        findings = checked(place, scenario, code=CANNOT_VERIFY if verdict == "error" else PASSED)
        assert words in said([one for one in findings if one[0] == "extensions"], verdict), findings


def read_only(place):
    place.reports.chmod(0o555)


REPORTS = {
    "are there": (None, "reports", "pass", "can be written"),
    "are to be made": (None, "new", "pass", "is not there yet: the first run makes it"),
    "have nothing above": (None, "new/a/b", "error", "is not there, and cannot be made; --reports names another directory"),
    "are a file": (lambda place: (place.directory / "file").touch(), "file", "error", "is not a directory; --reports names another directory"),
    "cannot be made": (None, "/proc/new", "error", "cannot be made"),
    "may not be written": (read_only, "reports", "error", "run this as a user that may"),
}


@pytest.mark.often("are to be made", "may not be written")
@pytest.mark.parametrize("name", REPORTS)
def test_the_directory_of_reports(place, name):
    breaking, directory, verdict, words = REPORTS[name]
    place.give_to(running.NOBODY if IS_ROOT else None)
    if breaking:
        breaking(place)
    findings = checked(place, place.scenario(), "--reports", place.directory / directory, code=CANNOT_VERIFY if verdict == "error" else PASSED)
    assert words in said([one for one in findings if one[0] == "reports"], verdict), findings
    assert not (place.directory / "new").exists()


NOWHERE = "restore:\n  server: postgresql://u:secretword@/x?host=/nowhere\n"


@pytest.fixture
def small_disk(place):
    """Of 1 MiB, as TMPDIR, and for the backups."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", place.tmp], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"may not mount: {mounted.stderr}")
    yield place.tmp
    subprocess.run(["umount", place.tmp], check=True)


@needs_root
def test_a_disk_that_is_too_small(place, server, small_disk):
    scenario = place.scenario(f"source:\n  database: {server.url('bugspark')!r}\n", location=small_disk)
    findings = checked(place, scenario, code=CANNOT_VERIFY)
    assert "room to restore: 1.0 MiB free" in said(findings, "error") and " MiB are needed: make room, or set TMPDIR" in said(findings, "error")
    assert "room for backups: 1.0 MiB free" in said(findings, "warn")


def test_the_rights_on_a_server_to_restore_into(place, server, database):
    server.sql("create role check_poor login; create role check_fit login createdb")
    for user, verdict, words in ((None, "error", "/nowhere"), ("postgres", "error", "is a superuser"), ("check_poor", "error", "may not create databases"), ("check_fit", "pass", "may create databases")):
        scenario = place.scenario(f"restore:\n  server: {server.url('postgres', user)!r}\n" if user else NOWHERE)
        findings = checked(place, scenario, code=CANNOT_VERIFY if verdict == "error" else PASSED)
        assert f"restore server: " in said(findings, verdict) and words in said(findings, verdict), findings


def test_a_host_that_does_not_answer_ends_within_its_time(place):
    """It takes connections and says nothing, as some firewalls do: for the database and for the bucket alike."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(64)
        port = mute.getsockname()[1]
        scenario = place.scenario(f"source:\n  database: postgresql://u@127.0.0.1:{port}/x\n", location="s3://b/p",
                                  backups=f"endpoint: http://127.0.0.1:{port}\n  access_key: a\n  secret_key: s\n  region: r")
        began = time.monotonic()
        findings = checked(place, scenario, "--timeout", "2s", code=CANNOT_VERIFY)
    assert time.monotonic() - began < 6
    assert "database: " in said(findings, "error") and "backups: " in said(findings, "error")


def test_a_bucket(place, server, bucket):  # noqa: F811
    scenario = bucket.scenario(source=server.url("bugspark"))
    findings = checked(place, scenario)
    assert "backups: " + bucket.location + " can be read, written and cleared" in said(findings, "pass")
    assert "as that of the bucket of the backups" in said(findings, "pass") and "none yet" in said(findings, "pass")
    assert bucket.keys() == []
    wrong = bucket.scenario(source=server.url("bugspark"), secret_key="wrong")
    assert "backups: " in said(checked(place, wrong, code=CANNOT_VERIFY), "error")
    nowhere = bucket.scenario(source=server.url("bugspark"), location="s3://no-such-bucket-at-all/x")
    assert "no-such-bucket-at-all" in said(checked(place, nowhere, code=CANNOT_VERIFY), "error")


# As a store refuses what credentials do not allow.
REFUSAL = Answer(403, [("Content-Type", "application/xml")], b"<Error><Code>AccessDenied</Code></Error>")
REFUSED = {
    "PUT": (True, "error", "can be read, but not written"),
    "PUT of one who only verifies": (False, "warn", "so that records and history go to the reports"),
    "DELETE": (True, "error", "which `prune` (backups.keep) needs"),
    "GET": (True, "error", "s3://"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_rights_on_a_bucket(place, server, bucket, name):  # noqa: F811
    dumps, verdict, words = REFUSED[name]
    bucket.put(today("bugspark_%Y%m%d.dump.gz"), b"x")
    scenario = bucket.scenario(source=server.url("bugspark") if dumps else None, backups="max_age: 26h\n  keep: 30d")
    method = name.split()[0]
    bucket.store.proxy.reset(rewrite=lambda request: REFUSAL if request.method == method and not request.is_listing else None)
    findings = checked(place, scenario, code=CANNOT_VERIFY if verdict == "error" else PASSED)
    assert words in said(findings, verdict), findings


@pytest.mark.parametrize("minutes, verdict, words", [(0, "pass", "as that of"), (3, "warn", "is 3 min"), (-60, "error", "buckets refuse requests")])
def test_a_clock_that_is_wrong(place, bucket, minutes, verdict, words):  # noqa: F811
    def shift(_number, request, answer):
        if request.method == "GET" and not request.is_listing:
            then = email.utils.formatdate(time.time() + minutes * 60 + 1, usegmt=True)
            answer.headers = [(name, then if name.lower() == "last-modified" else value) for name, value in answer.headers]

    bucket.store.proxy.reset(fault=shift)
    findings = checked(place, bucket.scenario(), code=CANNOT_VERIFY if verdict == "error" else PASSED)
    assert words in said([one for one in findings if one[0] == "clock"], verdict), findings


def test_a_scenario_that_is_wrong(place):
    path = place.directory / "x.yaml"
    path.write_text("scenario: x\nnonsense: 1\n")
    run = place.run("check", path)
    assert run.code == CANNOT_VERIFY and "nonsense" in run.err
    findings = checked(place, path, code=CANNOT_VERIFY)
    assert [(check, verdict) for check, verdict, _ in findings] == [("scenario", "error")]
