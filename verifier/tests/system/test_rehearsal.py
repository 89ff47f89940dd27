"""Rehearses migrations, good and bad, on copies of good backups: what is told of them, and what a command may do."""

import json
import re
import signal
import socket
import subprocess
import textwrap

import pytest

from rehearsal_world import NAME, SQL, World, sql
from running import BAD_BACKUP, BIN, CANNOT_VERIFY, IS_ROOT, NOBODY, PASSED, Report, ended, wait_until

SUCCEEDS = "the migration succeeds"


@pytest.fixture
def world(place, server, database):
    return World(place, server, database)


def migration_of(run):
    """The object `migration` of a run with --format json."""
    return next(scenario["migration"] for scenario in json.loads(run.out)["scenarios"] if "migration" in scenario)


def tables_of(run):
    return {table["table"]: table for table in migration_of(run)["tables"]}


# --- Alembic ---------------------------------------------------------------------------------------


def test_a_migration_and_its_way_back(world):
    project = world.project()
    project.add(
        "r1", "r0",
        sql("alter table projects add column reporter int references users", "select pg_sleep(0.2)", "update users set api_key = 'hush ' || id"),
        sql("alter table projects drop column reporter", "update users set api_key = 'x'"),
    )
    project.add("r2", "r1", "op.create_index('reports_title', 'reports', ['title'])", "op.drop_index('reports_title')")
    checks = [
        "duration < 5m", "write_blocked < 100ms", "write_blocked(reports) < 10s", "read_blocked(users) = 0", "read_blocked(public.projects) > 0",
        "rows_deleted = 0", "'warn: rows_updated < 10'", "tables_rewritten = 0", "lost_on_return = 0", "write_blocked(projcts) = 0",
    ]
    scenario = world.scenario(checks=checks, more="back: [alembic, downgrade, '${migration.from}']\n")
    run = world.rehearse(scenario, "--format", "json")
    report = world.report(run)
    assert run.code == CANNOT_VERIFY, str(run)  # for the name that is mistyped
    verdicts = report.verdicts()
    failed = {name for name, verdict in verdicts.items() if verdict != "pass"}
    assert failed == {"write_blocked < 100ms", "lost_on_return = 0", "write_blocked(projcts) = 0"}, str(run)
    assert "did you mean `projects`" in report["write_blocked(projcts) = 0"].message
    blocked = report["write_blocked < 100ms"].text
    assert "alter table projects add column reporter" in blocked and "held during: select pg_sleep(0.2)" in blocked
    assert "found 60" in report["lost_on_return = 0"].message and "public.users: 60 rows" in report["lost_on_return = 0"].text
    assert "warning" in report["rows_updated < 10"].output and "hush" not in report.text
    assert report["the way back restores the schema"].verdict == "pass"
    assert report.properties["headline"].startswith("the migration is not as expected")

    migration = migration_of(run)
    assert (migration["revision_before"], migration["revision_after"], migration["revision_back"]) == ("r0", "r2", "r0")
    assert [step["migration"] for step in migration["steps"]] == ["r1", "r2"] and migration["transactions"] == 1
    assert migration["steps"][0]["seconds"] > 0.2 > migration["steps"][1]["seconds"]
    tables = tables_of(run)
    assert tables["public.users"]["updated"] == 60 and tables["public.users"]["read_blocked_seconds"] == 0
    for table in ("public.users", "public.projects"):
        assert 0.2 <= tables[table]["write_blocked_seconds"] < 1, migration["blocked"]
    assert tables["public.projects"]["read_blocked_seconds"] > 0.2

    markdown = world.markdown()
    assert markdown.startswith("### ERROR: migration of bugspark") and "| public.users |" in markdown
    assert "Times are of this machine" in markdown
    log = (world.place.reports / "bugspark.migration.log").read_text()
    assert "Running upgrade r0 -> r1" in log or log.startswith("$ alembic"), log


def test_what_fails_leaves_what(world):
    """In one transaction nothing is left, else what was committed; and it is run again."""
    project = world.project()
    project.add("r1", "r0", sql("create table extra (id int)", "delete from reports where id <= 10"))
    project.add("r2", "r1", sql("select nonsense"))
    scenario = world.scenario(checks=["rows_deleted = 0"], more="back: [alembic, downgrade, '${migration.from}']\n")
    words = ['column "nonsense" does not exist', "it left the database as it was", "run again from there, it exited with code 1"]
    run = world.expect(scenario, "fail", SUCCEEDS, words)
    report = world.report(run)
    assert {report["rows_deleted = 0"].verdict, report["the way back succeeds"].verdict} == {"skip"}
    assert report.properties["headline"] == "the migration failed"

    env = project.directory / "migrations/env.py"
    env.write_text(env.read_text().replace("transaction_per_migration=False", "transaction_per_migration=True"))
    words = ["it left the database changed: revision r1, 1 object", "10 rows", "+ table public extra", "public.reports: 10 rows"]
    world.expect(scenario, "fail", SUCCEEDS, words)


@pytest.mark.slow
def test_branches_and_concurrent_indexes(world):
    project = world.project()
    project.add("a1", "r0", sql("create table a (id int)"), sql("drop table a"))
    project.add("b1", "r0", "with op.get_context().autocommit_block():\n    op.create_index('reports_title', 'reports', ['title'], postgresql_concurrently=True)")
    project.add("m1", ("a1", "b1"))
    project.add("c1", "a1", sql("create table c (id int)"))
    checks = ["write_blocked = 0", "read_blocked = 0", "rows_deleted = 0", "rows_inserted = 0"]
    scenario = world.scenario("[alembic, upgrade, heads]", checks)
    run = world.rehearse(scenario, "--format", "json")
    assert run.code == PASSED, str(run)
    migration = migration_of(run)
    assert migration["revision_after"] == "c1 and m1" and migration["transactions"] > 1
    assert not [table for table in tables_of(run) if "alembic" in table]


@pytest.mark.slow
def test_alembic_by_default(world):
    """Without `migration`, it is `alembic upgrade head` beside alembic.ini."""
    world.project().add("r1", "r0", "op.create_index('i', 'reports', ['title'])", title="An index of titles")
    body = f"alembic:\n  version: {{warn: head}}\n  migrations: {world.place.directory}/project/migrations/versions\n"
    run = world.rehearse(world.place.scenario(body, pattern=NAME), "--format", "json")
    assert run.code == PASSED and "r0 -> r1" in run.err, str(run)
    migration = migration_of(run)
    pending = migration["pending"]
    assert [(one["migration"], one["title"]) for one in pending] == [("r1", "An index of titles")]
    assert pending[0]["warnings"] == "line 10: an index made without CONCURRENTLY keeps writers waiting until the transaction ends"
    assert migration["steps"][0]["title"] == "An index of titles" and "1 migration to come" in run.err
    scenario = world.place.scenario("alembic:\n  version: r0\n", pattern=NAME)
    world.expect(scenario, "error", SUCCEEDS, "the scenario does not say where the project's migrations lie")
    lonely = world.place.directory / "lonely"
    lonely.mkdir()
    (lonely / "r0.py").write_text('revision = "r0"\ndown_revision = None\n')
    scenario = world.place.scenario(f"alembic:\n  version: r0\n  migrations: {lonely}\n", pattern=NAME)
    world.expect(scenario, "error", SUCCEEDS, "there is no alembic.ini above the migrations")
    scenario = world.place.scenario("", pattern=NAME)
    world.expect(scenario, "error", SUCCEEDS, "the scenario says nothing of migrations")


def test_a_project_that_forgets_to_commit(world):
    """Alembic ends well, and the driver has rolled back what it did; or it was told to stop half way."""
    project = world.project()
    project.add("r1", "r0", sql("create table extra (id int)")).add("r2", "r1", sql("create table more (id int)"))
    env = project.directory / "migrations/env.py"
    whole = env.read_text()
    env.write_text(whole.replace("with context.begin_transaction():", "if connection.begin():"))
    files = f"alembic:\n  version: {{warn: head}}\n  migrations: {project.versions}\n"
    scenario = world.scenario()
    text = (world.place.directory / "bugspark.yaml").read_text() + files
    (world.place.directory / "bugspark.yaml").write_text(text)
    world.expect(scenario, "fail", SUCCEEDS, "none of the 2 migrations that were to come was applied")
    env.write_text(whole)
    (world.place.directory / "bugspark.yaml").write_text(text.replace("head]", "r1]", 1))
    world.expect(scenario, "pass", SUCCEEDS, ["warning", "1 migration is still to come"])


# SQL of a way back from a new table, an index less and a row less: check, verdict, words.
WAYS_BACK = {
    "leaves something": ("drop table more", "the way back restores the schema", "fail", ["1 object is not as before", "- index public reports_by_title"]),
    "leaves rows": ("drop table more; create index reports_by_title on reports (title)", "the way back restores every row", "pass", ["warning", "1 row differs", "public.reports: 1 row"]),
    "fails": ("drop table nothing", "the way back succeeds", "fail", ["the way back exited with code 1", 'table "nothing" does not exist']),
    "goes elsewhere": ("drop table more; create index reports_by_title on reports (title); update alembic_version set version_num = 'r9'", "the way back succeeds", "fail", ["ended at revision r9; before it was r0"]),
}


@pytest.mark.often("leaves something", "fails")
@pytest.mark.parametrize("name", WAYS_BACK)
def test_ways_back_that_are_none(name, place, server, database):
    world = World(place, server, database, SQL + "create index reports_by_title on reports (title);")
    statements, check, verdict, words = WAYS_BACK[name]
    psql = f"{BIN}/psql, -qX, -v, ON_ERROR_STOP=1, '${{migration.url}}', -c"
    there = "create table more (id int); drop index reports_by_title; delete from reports where id = 7"
    back = ", ".join(f'-c, "{one.strip()}"' for one in statements.split(";"))
    body = f"migration:\n  command: [{psql}, '{there}']\n  back: [{psql.removesuffix(', -c')}, {back}]\n"
    run = world.expect(place.scenario(body, pattern=NAME), verdict, check, words)
    failed = {case.name for case in world.report(run).cases if case.verdict == "fail"}
    assert failed == ({check} if verdict == "fail" else set()), str(run)


# --- what is measured ------------------------------------------------------------------------------


def test_rows_and_rewrites(place, server, database):
    world = World(place, server, database, SQL + "create materialized view names as select name from users;")
    command = world.script("""
        run("refresh materialized view names")
        run("delete from users where id > 57 and id not in (select owner from projects)")
        run("truncate projects")
        run("insert into projects values (1, 1), (2, 2)")
        run("update users set name = 'x' where id <= 5")
        run("alter table reports alter id type bigint")
        run("alter table reports add constraint long check (id > 0) not valid")
        run("create table fresh as select generate_series(1, 7) n")
        run("alter table users drop column api_key")
        run("create index concurrently on users (name)")
    """)
    scenario = world.scenario(command, ["rows_deleted = 23", "rows_updated(users) = 5", "rows_inserted = 9", "tables_rewritten = 1"])
    run = world.rehearse(scenario, "--format", "json")
    assert run.code == PASSED, str(run)
    assert "the constraint long of public.reports is not valid" in world.report(run)["nothing is left invalid"].output.lower()
    tables = tables_of(run)
    assert tables["public.reports"]["rewritten"] and tables["public.reports"]["updated"] == 0
    assert (tables["public.projects"]["deleted"], tables["public.projects"]["inserted"]) == (20, 2)
    assert (tables["public.fresh"]["rows_after"], "rows_before" in tables["public.fresh"]) == (7, False)
    names = tables.get("public.names", {})
    assert not (names.get("deleted") or names.get("inserted") or names.get("rewritten")), names
    assert migration_of(run)["gone"] == "column public.users.api_key"


WRITER = """
import os, sys, time, psycopg2
db = psycopg2.connect(sys.argv[1])
db.autocommit = True
cursor = db.cursor()
waits = [0, 0]
print("ready", flush=True)
deadline = time.monotonic() + 60
while time.monotonic() < deadline and not os.path.exists(sys.argv[2]):
    began = time.monotonic()
    cursor.execute("insert into projects values (nextval('numbers'), 1)")
    waits = sorted([*waits, time.monotonic() - began])[-2:]
print(*waits, flush=True)
"""


def test_a_writer_waits_as_long_as_is_told(world):
    """A second process that writes into the copy measures how long it really waited."""
    world = World(world.place, world.server, lambda source: world.name)
    world.server.sql("create sequence numbers start 1000", world.name)
    world.place.put(world.server.dump(world.name, world.place.directory / "again.dump"), NAME)
    (world.place.directory / "writer.py").write_text(WRITER)
    (world.place.directory / "waited").write_text("")
    command = world.script(f"""
        writer = subprocess.Popen(["/usr/bin/python3", "{world.place.directory}/writer.py", url, "{world.place.directory}/enough"], stdout=subprocess.PIPE, text=True)
        assert writer.stdout.readline() == "ready\\n"
        db.autocommit = False
        time.sleep(0.1)
        run("create table other (id int references users)")
        run("alter table projects add column reporter int references users")
        run("select pg_sleep(0.7)")
        db.commit()
        time.sleep(0.1)
        open("{world.place.directory}/enough", "w").close()
        open("{world.place.directory}/waited", "w").write(writer.stdout.read())
    """)
    run = world.rehearse(world.scenario(command), "--format", "json")
    assert run.code == PASSED, str(run)
    # How long it waits when nothing blocks it, and the samples for their turn, tells how busy the machine is; and a writer that
    # is about to write when the wait begins, waits a little less.
    other, waited = map(float, (world.place.directory / "waited").read_text().split())
    told = tables_of(run)["public.projects"]["write_blocked_seconds"]
    busy = max(0, other - 0.01) + max(0, migration_of(run)["largest_sample_gap_seconds"] - 0.02)
    assert waited > 0.65 - busy and abs(waited - told) < 0.05 + busy, f"waited {waited}, told {told}, busy {busy}\n{run.out}"
    worst = next(blocked for blocked in migration_of(run)["blocked"] if blocked["table"] == "public.projects")
    assert "add column reporter" in worst["by"]["statement"]
    assert worst["reading"] and worst["during"][0]["statement"] == "select pg_sleep(0.7)"


# Each a script, and what is told of it: verdict, check, words; then the keys under `migration`, and checks.
SCRIPTS = {
    "locks a table": ("db.autocommit = False; run('lock table users in exclusive mode'); time.sleep(0.3); db.commit()", "fail", "write_blocked < 200ms",
                      ["public.users: not written for", "by a lock (Exclusive) of: lock table users in exclusive mode"], "", ["write_blocked < 200ms", "read_blocked = 0"]),
    "locks an index": ("db.autocommit = False; run('reindex index users_pkey'); time.sleep(0.3); db.commit()", "fail", "read_blocked(users) = 0",
                       ["public.users: not read or written for", "reindex index users_pkey"], "", ["read_blocked(users) = 0"]),
    "gives locks back": ("db.autocommit = False; run('savepoint a'); run('lock table users'); time.sleep(0.2); run('rollback to a'); time.sleep(0.4); db.commit()",
                         "pass", "write_blocked(users) between 190ms and 400ms", [], "", ["write_blocked(users) between 190ms and 400ms"]),
    "an index that fails": ("run('insert into users values (99, %s)', ['user 1'])\ntry: run('create unique index concurrently i on users (name)')\nexcept psycopg2.Error: pass",
                            "fail", "nothing is left invalid", ["an index is left that is not used: the index public.i is not valid"], "", []),
    "needs a role": ("run('grant select on users to app_reader'); run('alter default privileges grant select on tables to app_reader')", "pass", SUCCEEDS, [], "", []),
    "needs a superuser": ("run('create role other')", "fail", SUCCEEDS, ["permission denied to create role", "superuser: true"], "", []),
    "is rewritten by the way": ("run('vacuum full reports'); run('truncate projects')", "fail", "tables_rewritten = 0", ["found 1", "public.reports was rewritten"], "", ["tables_rewritten = 0"]),
    "goes on behind an error": ("try: run('alter table nowhere add x int')\nexcept psycopg2.Error: pass", "fail", SUCCEEDS,
                                ["exited with code 0, but a statement of it failed", 'relation "nowhere" does not exist', "alter table nowhere add x int", "ON_ERROR_STOP"], "", []),
    "loses a transaction": ("run('begin'); run('create table t (id int)')\ntry: run('select 1/0')\nexcept psycopg2.Error: run('commit')", "fail", SUCCEEDS,
                            ["a statement of it failed", "division by zero"], "", []),
    "never commits": ("run('begin'); run('create table t (id int)')", "fail", SUCCEEDS, ["never committed it"], "", []),
    "does nothing": ("run('select 1')", "pass", SUCCEEDS, ["warning", "it changed nothing"], "", []),
    "only asks": ("try: run('select * from schema_versions')\nexcept psycopg2.Error: run('create table schema_versions (id int)')", "pass", SUCCEEDS, ["warning", 'relation "schema_versions" does not exist'], "", []),
    "mends an error": ("run('begin'); run('savepoint a')\ntry: run('alter table nowhere add x int')\nexcept psycopg2.Error: run('rollback to savepoint a')\nrun('create table t (id int)'); run('commit')",
                       "pass", SUCCEEDS, [], "", []),
    "is a superuser": ("run('create role other'); run('create extension dblink')", "pass", SUCCEEDS, [], "superuser: true\n", []),
    "needs an extension": ("run('create extension nowhere')", "error", SUCCEEDS, ["nowhere", "install the extension's package"], "superuser: true\n", []),
    "prints 100 MB": ("run('select 1')\nfor _ in range(1600): print('y' * 65535)\nprint('the end'); sys.exit(3)", "fail", SUCCEEDS, ["exited with code 3", "the end"], "", []),
    "forks and leaves": ("run('select 1')\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(1000)\n    os._exit(0)", "pass", SUCCEEDS,
                         ["warning", "it left 1 process running"], "", []),
    "leaves work behind": ("subprocess.Popen(['setsid', '/usr/bin/python3', '-c', 'import psycopg2, sys; psycopg2.connect(sys.argv[1]).cursor().execute(\"alter table users add x int; select pg_sleep(1000)\")', url])\n"
                           "while True:\n    run('reset all')\n    cursor = db.cursor(); cursor.execute(\"select count(*) from pg_stat_activity where query like '%pg_sleep(1000)' and wait_event = 'PgSleep'\")\n"
                           "    if cursor.fetchone()[0]: break\n    time.sleep(0.01)", "fail", SUCCEEDS, ["a process that it left running was still at work", "alter table users add x int"], "", []),
    "never comes": ("", "error", SUCCEEDS, ["never came to the copy"], "environment: {DATABASE_URL: '${migration.url}', NONE: '1'}\n", []),
    "fails before": ("", "error", SUCCEEDS, ["exited with code 7 before it came to the copy, so nothing is known of the migration", "it had no network"], "environment: {DATABASE_URL: '${migration.url}', NONE: '7'}\n", []),
    "changes other databases": ("run('select 1')\nfor name in ('restored', 'template1'):\n    try: psycopg2.connect(url.replace('restore_verifier_copy', name)).cursor().execute('create table t (id int)')\n"
                                "    except psycopg2.Error as error: print(name, error)\n    else: sys.exit(9)", "pass", SUCCEEDS, [], "", []),
    "reaches nobody": ("import socket\nrun('select 1')\ntry: socket.create_connection(('127.0.0.1', int(os.environ['PORT'])), 5)\nexcept OSError: pass\nelse: sys.exit(9)", "pass", SUCCEEDS,
                       [], "environment: {DATABASE_URL: '${migration.url}', PORT: '{port}'}\n", []),
    "has the network": ("import socket\nrun('select 1')\nsocket.create_connection(('127.0.0.1', int(os.environ['PORT'])), 5)", "pass", SUCCEEDS, [],
                        "environment: {DATABASE_URL: '${migration.url}', PORT: '{port}'}\nnetwork: true\n", []),
    "knows hosts and ports": ("run('select 1')\nassert os.environ['PASS'] and '127.0.0.1' in url\ntry: psycopg2.connect(url.replace(os.environ['PASS'], 'wrong'))\nexcept psycopg2.Error: pass\n"
                              "else: sys.exit(9)\nprint(os.environ['PASS'], url); run('insert into users select 1000'); ", "fail", "rows_inserted = 0", ["found 1"],
                              "environment: {DATABASE_URL: '${migration.url}', PASS: '${migration.password}'}\ntcp: true\n", ["rows_inserted = 0"]),
    "has its own environment": ("run('select 1'); assert sorted(os.environ) == sorted(['PATH', 'HOME', 'LC_ALL', 'TZ', 'DATABASE_URL', 'VIRTUAL_ENV']), sorted(os.environ)", "pass", SUCCEEDS, [], "", []),
}


# The others start as many servers, and prove what is less likely to break.

@pytest.mark.often("locks a table", "goes on behind an error", "needs a superuser")
@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(name, place, server, database):
    body, verdict, check, words, more, checks = SCRIPTS[name]
    world = World(place, server, database, SQL + ("create role app_reader; grant select on users to app_reader;" if name == "needs a role" else ""))
    listener = socket.create_server(("127.0.0.1", 0))
    more = more.replace("{port}", str(listener.getsockname()[1]))
    command = world.script(body)
    if "NONE" in more:
        place.directory.joinpath("project/migrate.py").write_text("import os, sys\nsys.exit(0 if os.environ['NONE'] == '1' else 7)\n")
    scenario = world.scenario(command, checks, more)
    if more.startswith("environment"):
        text = place.directory.joinpath("bugspark.yaml").read_text()
        text = re.sub(r"  environment:\n    DATABASE_URL: .*\n", "", text)
        place.directory.joinpath("bugspark.yaml").write_text(text)
    run = world.expect(scenario, verdict, check, words, environment={"VIRTUAL_ENV": "/nowhere", "SECRET_OF_OURS": "hush"})
    listener.close()
    log = place.reports / "bugspark.migration.log"
    assert log.stat().st_size < 3 << 20
    if "tcp" in more:
        assert "postgresql://restore_verifier_owner:****" in log.read_text(), log.read_text()
    assert not run.out, str(run)


CANNOT_RUN = {
    "no program": ("[no-such-program, '${migration.url}']", "", "no-such-program is not installed, or not in PATH"),
    "no directory": ("[psql, '${migration.url}']", "  directory: /nowhere\n", "psql could not enter its directory"),
    "no revision": ("[psql, '${migration.url}', '${migration.from}']", "", "the database has no single revision"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CANNOT_RUN)
def test_what_cannot_be_run(world, name):
    command, more, words = CANNOT_RUN[name]
    if name == "no revision":
        world.server.sql("insert into alembic_version values ('r9')", world.name)
        world.place.put(world.server.dump(world.name, world.place.directory / "again.dump"), NAME)
    scenario = world.place.scenario(f"migration:\n  command: {command}\n{more}  checks: [duration < 1m]\n", pattern=NAME)
    run = world.expect(scenario, "error", SUCCEEDS, words)
    assert world.report(run)["duration < 1m"].verdict == "skip"


@pytest.mark.slow
def test_a_command_that_hangs(world):
    body = f"migration:\n  command: [{BIN}/psql, -X, '${{migration.url}}', -c, 'drop table projects; select pg_sleep(1000)']\n  timeout: 1s\n"
    scenario = world.place.scenario(body, pattern=NAME)
    words = ["the command did not end in time", "it left the database as it was", "run again from there, it did not end in time"]
    world.expect(scenario, "fail", SUCCEEDS, words)


# --- around it -------------------------------------------------------------------------------------


def test_a_bad_backup_is_not_rehearsed(world):
    scenario = world.scenario(world.script("run('select 1')"))
    backup = world.backup
    content = backup.read_bytes()
    backup.write_bytes(content[: len(content) // 2])
    run = world.rehearse(scenario)
    assert run.code == BAD_BACKUP, str(run)
    case = world.report(run)[SUCCEEDS]
    assert case.verdict == "skip" and "the backup is not good" in case.message
    assert "rehearse" not in run.err


def test_verify_rehearses_where_asked_to(world):
    scenario = world.scenario(world.script("run('drop table projects'); run('update users set name = 1')"))
    before = world.backup.read_bytes()
    assert world.place.verify("--rehearse", scenario).code == PASSED
    assert world.backup.read_bytes() == before
    assert Report(world.place.reports / "bugspark.migration.xml")[SUCCEEDS].verdict == "pass"
    world.place.verify(scenario)
    assert world.place.verify("--rehearse", world.place.scenario("alembic: {version: r0}\n", pattern=NAME)).code == PASSED
    assert not (world.place.reports / "bugspark.migration.xml").exists()
    for options in (["--server", "postgresql://h"], ["--only", "*"]):
        run = world.place.run("verify", "--rehearse", *options, scenario)
        assert run.code == CANNOT_VERIFY and "leave out --server and --only" in run.err, str(run)


def test_ctrl_c_ends_everything(world):
    started = world.place.directory / "started"
    command = world.script(f"""
        run("select 1")
        if os.fork() == 0:
            os.setsid()
            open("{started}", "w").write(str(os.getpid()))
        run("select pg_sleep(1000)")
    """)
    with ended(world.place.start("rehearse", "--reports", world.place.reports, world.scenario(command))) as running:
        wait_until(lambda: started.exists() and started.read_text(), "the command")
        running.signal(signal.SIGINT)
        run = running.wait()
    assert run.code == CANNOT_VERIFY, str(run)
    assert subprocess.run(["ps", "-p", started.read_text()], capture_output=True, check=False).returncode != 0
    assert "ended before" in world.report(run)[SUCCEEDS].message
    world.place.check_nothing_left()


@pytest.mark.slow
def test_psql_on_plain_sql(world):
    """Of plain SQL the tables belong to the roles that it names."""
    server, place = world.server, world.place
    server.sql("create role shop login; alter table users owner to shop; alter table projects owner to shop; alter table reports owner to shop; "
               "alter table alembic_version owner to shop; grant create on schema public to shop", world.name)
    plain = place.directory / "made.sql"
    server.dump(world.name, plain, "-Fp")
    file = place.directory / "change.sql"
    file.write_text("alter table reports add column body text;\nupdate reports set body = 'b';\n")
    world.backup.unlink()
    place.put(plain, "bugspark_%Y%m%d.sql")
    body = f"migration:\n  command: [{BIN}/psql, -X, -v, ON_ERROR_STOP=1, '${{migration.url}}', -f, {file}]\n  checks: [rows_updated = 2000]\n"
    scenario = place.scenario(body, pattern="bugspark_%Y%m%d.sql")
    run = world.rehearse(scenario, "--format", "json")
    assert run.code == PASSED, str(run)
    assert migration_of(run)["role"] == "shop"


def test_event_triggers_of_a_backup_stay_its_own(place, server, database):
    """They run for the migration, as whoever runs it; never for our superuser."""
    world = World(place, server, database, SQL + """
        create table seen (who name, what text);
        create function see() returns event_trigger language plpgsql as $$ begin insert into seen values (current_user, tg_tag); end $$;
        create event trigger watcher on ddl_command_end execute function see();
        grant insert, select on seen to public;
    """)
    command = world.script("""
        run("create table t (id int)")
        cursor = db.cursor(); cursor.execute("select who, what from seen where what <> 'ALTER TABLE' or who <> 'postgres'"); print(sorted(set(cursor.fetchall())))
    """)
    run = world.rehearse(world.scenario(command))
    assert run.code == PASSED, str(run)
    log = (place.reports / "bugspark.migration.log").read_text()
    assert "('restore_verifier_owner', 'CREATE TABLE')" in log and "('restore_verifier'," not in log, log


@pytest.mark.slow
def test_somebody_else_than_root(place, server, database):
    """Who is not root has a network of nobody's by a user namespace, where the machine gives one."""
    world = World(place, server, database)
    command = world.script("run('update users set name = 1')")
    scenario = world.scenario(command, ["rows_updated = 60"])
    place.give_to(NOBODY if IS_ROOT else None)
    world.expect(scenario, "pass", "rows_updated = 60", [])


@pytest.mark.slow
def test_asyncpg(world):
    """Speaks the protocol in which statements are parsed, bound and executed one by one."""
    world.script("")
    path = world.place.directory / "project/migrate.py"
    path.write_text(textwrap.dedent("""
        import asyncio, asyncpg, os
        async def migrate():
            db = await asyncpg.connect(host=os.environ["HOST"], port=os.environ["PORT"], user=os.environ["NAME"], database=os.environ["DATABASE"])
            async with db.transaction():
                await db.execute("alter table users add column n int")
                await db.fetch("select pg_sleep($1)", 0.3)
                await db.execute("update reports set title = $1 where id < $2", "hush", 11)
        asyncio.run(migrate())
    """))
    places = ", ".join(f"{name}: '${{migration.{place}}}'" for name, place in (("HOST", "host"), ("PORT", "port"), ("NAME", "user"), ("DATABASE", "database")))
    body = f"migration:\n  command: [/usr/bin/python3, {path}]\n  environment: {{{places}}}\n  checks: ['read_blocked(users) between 300ms and 2s', rows_updated = 10]\n"
    run = world.rehearse(world.place.scenario(body, pattern=NAME), "--format", "json")
    assert run.code == PASSED, str(run)
    blocked = migration_of(run)["blocked"][0]
    assert blocked["by"]["statement"] == "alter table users add column n int"
    assert blocked["during"][0]["statement"] == "select pg_sleep($1)" and "hush" not in run.out


@pytest.mark.slow
def test_django(world):
    """As a project is that Django itself makes, with settings of host and port of its own."""
    project = world.place.directory / "project"
    for package in (project, project / "shop", project / "shop/migrations"):
        package.mkdir()
        (package / "__init__.py").touch()
    (project / "settings.py").write_text(textwrap.dedent("""
        import os
        SECRET_KEY = "x"
        INSTALLED_APPS = ["shop"]
        DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": os.environ["DB_HOST"], "PORT": os.environ["DB_PORT"],
                                 "USER": os.environ["DB_USER"], "PASSWORD": os.environ["DB_PASSWORD"], "NAME": os.environ["DB_NAME"]}}
    """))
    migrations = {"0001_initial": ("[]", "migrations.CreateModel('Order', [('id', models.AutoField(primary_key=True))])"),
                  "0002_more": ("[('shop', '0001_initial')]", "migrations.RunSQL('update users set name = 1', 'select 1')")}
    for name, (after, operation) in migrations.items():
        (project / f"shop/migrations/{name}.py").write_text(
            f"from django.db import migrations, models\nclass Migration(migrations.Migration):\n    dependencies = {after}\n    operations = [{operation}]\n")
    names = ", ".join(f"DB_{name.upper()}: '${{migration.{place}}}'" for name, place in (("host", "host"), ("port", "port"), ("user", "user"), ("password", "password"), ("name", "database")))
    body = f"""
migrations: {{tool: django}}
migration:
  command: [/usr/bin/python3, -m, django, migrate]
  directory: {project}
  environment: {{{names}, DJANGO_SETTINGS_MODULE: settings, PYTHONPATH: '{project}'}}
  back: [/usr/bin/python3, -m, django, migrate, shop, zero]
  tcp: true
  checks: [rows_updated = 60, rows_inserted = 0, lost_on_return = 60]
"""
    world.server.sql("create table django_migrations (id int generated by default as identity primary key, app varchar(255), name varchar(255), applied timestamptz); "
                     "insert into django_migrations (app, name, applied) values ('auth', '0001_initial', now())", world.name)
    world.place.put(world.server.dump(world.name, world.place.directory / "again.dump"), NAME)
    run = world.rehearse(world.place.scenario(body, pattern=NAME), "--format", "json")
    assert run.code == PASSED, str(run)
    assert migration_of(run)["revision_after"] == "3 applied"


@pytest.mark.slow
def test_settings_of_the_source_hold_for_the_copy(place, server, database):
    """Its search_path and time zone are in no dump; the manifest of `dump` tells them."""
    name = database("create schema app; create table app.things (id int); insert into app.things values (0)")
    server.sql(f'alter database "{name}" set search_path = app, public; alter database "{name}" set timezone = \'Asia/Tokyo\'; '
               f'alter database "{name}" set app.secret = \'hush\'', name)
    world = World.__new__(World)
    world.place, world.name, world.server = place, name, server
    command = world.script("""
        cursor = db.cursor()
        cursor.execute("select current_setting('search_path'), current_setting('timezone'), current_setting('app.secret', true)")
        assert cursor.fetchone() == ("app, public", "Asia/Tokyo", None)
        run("insert into things values (1)")
    """)
    scenario = world.scenario(command, ["rows_inserted(app.things) = 1"])
    text = (place.directory / "bugspark.yaml").read_text()
    (place.directory / "bugspark.yaml").write_text(text + f"source:\n  database: {server.url(name)!r}\n")
    assert place.run("dump", scenario).code == PASSED
    manifest = next(place.backups.glob("*.manifest.json")).read_text()
    assert '"app, public"' in manifest and "hush" not in manifest
    run = world.rehearse(scenario)
    assert run.code == PASSED, str(run)


# --- commands of one's own --------------------------------------------------------------------------

LOOK = "import os, sys, psycopg2\ndb = psycopg2.connect(os.environ['DATABASE_URL']); cursor = db.cursor(); "
COMMANDS = {
    "looks": (LOOK + "cursor.execute('select count(*) from users'); assert cursor.fetchone() == (60,)", "pass", "exited with code 0", ""),
    "changes": (LOOK + "cursor.execute('truncate users cascade'); db.commit(); print('changed')", "pass", "exited with code 0", ""),
    "sees the change": (LOOK + "cursor.execute('select count(*) from users'); sys.exit(cursor.fetchone()[0] + 4)", "fail", "it exited with code 4", ""),
    "never comes": ("print('nothing to do')", "error", "never came to the database", ""),
    "fails before": ("import nonsense", "error", "before it came to the database", ""),
    "hangs": (LOOK + "cursor.execute('select pg_sleep(1000)')", "fail", "it did not end in time", "    timeout: 2s\n"),
    "waits elsewhere": ("import time; time.sleep(1000)", "error", "did not come to the database before its time was over", "    timeout: 1s\n"),
}


def test_commands_of_ones_own(world):
    text = "commands:\n"
    for name, (body, _, _, more) in COMMANDS.items():
        path = world.place.directory / f"{name.replace(' ', '_')}.py"
        path.write_text(body)
        text += f"  - name: {name}\n    run: [/usr/bin/python3, {path}]\n    environment: {{DATABASE_URL: '${{restored.url}}'}}\n{more}"
    text += "restore: {contents: true}\n"
    before = world.backup.read_bytes()
    run = world.place.verify(world.place.scenario(text, pattern=NAME))
    assert run.code == CANNOT_VERIFY, str(run)
    for name, (_, verdict, words, _) in COMMANDS.items():
        case = run.report()[name]
        assert case.verdict == verdict and words in f"{case.message}{case.text}" + ("exited with code 0" if verdict == "pass" else ""), f"{case}\n{run}"
    assert "nothing to do" in run.report()["never comes"].text and world.backup.read_bytes() == before
    assert not list(world.place.backups.glob("*.verified.json"))

    run = world.place.verify("--only", "looks", world.place.scenario(text, pattern=NAME))
    assert run.code == PASSED and run.report().selected() == ["looks"], str(run)
    world.backup.write_bytes(before[:2000])
    run = world.place.verify(world.place.scenario(text, pattern=NAME))
    assert run.report()["looks"].verdict == "skip", str(run)
