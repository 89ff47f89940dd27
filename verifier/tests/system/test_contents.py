"""Proves that checks see what the restored database holds: revisions, counts, freshness, queries. Each
row changes a database that passes, backs it up, and names the check that must notice."""

import shutil

import pytest

from running import BAD_BACKUP, CANNOT_VERIFY, PASSED

REVISION = "alembic: revision is the expected one"
ROWS = "every table has its rows"

SCENARIO = """
alembic:
  version: t1u2v3w4x5y6
tables:
  users:
    - row_count = 25
    - row_count between 20 and 30
    - warn: row_count >= 20
  public.reports:
    - row_count >= 1
    - freshness(created_at) < 26h
    - warn: freshness(created_at) < 25h
"""

QUERY = """queries:
  - name: every report belongs to a project
    sql: select count(*) from reports r left join projects p on p.id = r.project_id where p.id is null
    expect: = 0
"""


def back_up(place, server, name, body=SCENARIO, **options):
    """Dumps a database as the backup of today, and returns the scenario for it."""
    server.dump(name, place.backups / "new")
    target = place.put(place.backups / "new", "bugspark_%Y%m%d.dump")
    (place.backups / "new").unlink()
    assert target.exists()
    return place.scenario(body, pattern="bugspark_%Y%m%d.dump", **options)


def test_the_unchanged_database_passes(place, server, database):
    run = place.verify(back_up(place, server, database(template="bugspark"), SCENARIO + QUERY))
    assert run.code == PASSED, str(run)
    report = run.report()
    assert set(report.verdicts().values()) == {"pass"}
    assert len(report.cases) == 4 + 1 + 6 + 1


UNTIE_USERS = """do $$ declare found record; begin
    for found in select conrelid::regclass as of_table, conname from pg_constraint where confrelid = 'users'::regclass loop
        execute format('alter table %s drop constraint %I', found.of_table, found.conname);
    end loop; end $$"""


@pytest.mark.parametrize(
    "sql, check, verdict, words",
    [
        # Alembic's table.
        ("drop table alembic_version", REVISION, "fail", ["no table alembic_version"]),
        ("delete from alembic_version", REVISION, "fail", ["empty", "t1u2v3w4x5y6"]),
        ("insert into alembic_version values ('aaaa00000000')", REVISION, "fail", ["2 revisions", "aaaa00000000", "t1u2v3w4x5y6"]),
        ("update alembic_version set version_num = 'bbbb00000000'", REVISION, "fail", ["expected revision t1u2v3w4x5y6", "found bbbb00000000"]),
        ("create schema other; alter table alembic_version set schema other", REVISION, "fail", ["no table alembic_version", "other.alembic_version"]),
        ("alter table alembic_version rename version_num to version", REVISION, "fail", ["version_num"]),
        # Tables that the scenario speaks of.
        ("drop table reports cascade", "public.reports: row_count >= 1", "fail", ["no table", "reports"]),
        ("alter table reports rename to \"Reports\"", "public.reports: row_count >= 1", "error", ["no table", "did you mean `public.Reports`"]),
        ("truncate users cascade", "users: row_count = 25", "fail", ["expected row_count = 25", "found 0"]),
        ("truncate reports cascade", "public.reports: row_count >= 1", "fail", ["expected row_count >= 1", "found 0"]),
        ("truncate reports cascade", "public.reports: freshness(created_at) < 26h", "fail", ["created_at", "empty"]),
        (UNTIE_USERS + "; delete from users where id = (select id from users limit 1)",
         "users: row_count = 25", "fail", ["found 24"]),
        # Freshness.
        ("update reports set created_at = created_at - interval '2 days'", "public.reports: freshness(created_at) < 26h", "fail", ["found 2 d", "created_at"]),
        ("update reports set created_at = created_at + interval '3 days'", "public.reports: freshness(created_at) < 26h", "fail", ["after the dump was made", "from the future"]),
        ("update reports set created_at = 'infinity'", "public.reports: freshness(created_at) < 26h", "fail", ["infinity"]),
        # Queries.
        ("alter table reports drop constraint reports_project_id_fkey; update reports set project_id = gen_random_uuid() "
         "where id = (select id from reports limit 1)", "every report belongs to a project", "fail", ["expected = 0", "found 1"]),
    ],
)
def test_a_changed_database_fails(place, server, database, sql, check, verdict, words):
    name = database(template="bugspark")
    server.sql(sql, name)
    run = place.expect(verdict, check, words, back_up(place, server, name, SCENARIO + (QUERY if check.startswith("every report") else "")))
    headline = "the schema revision" if check == REVISION else "the data"
    assert f"FAIL   bugspark: {headline} is not " in run.err, str(run)
    verdicts = run.report().verdicts()
    for always in ("backup is recent", "backup is intact", "backup restores", ROWS):
        assert verdicts[always] == "pass", "the backup itself is good"


def test_a_line_that_warns_does_not_fail(place, server, database):
    name = database(template="bugspark")
    body = "alembic:\n  version:\n    warn: aaaa00000000\ntables:\n  users:\n    - warn: row_count >= 1000\n"
    run = place.verify(back_up(place, server, name, body))
    assert run.code == PASSED, str(run)
    case = run.report()["users: row_count >= 1000"]
    assert case.verdict == "pass"
    assert "found 25" in case.output
    assert "expected revision aaaa00000000, found t1u2v3w4x5y6" in run.report()[REVISION].output
    assert "found 25" in run.err


@pytest.mark.parametrize(
    "sql, expect, verdict, words",
    [
        ("select 1", "= 1", "pass", []),
        ("select 0.5", "between 0 and 1", "pass", []),
        ("select count(*) from users", ">= 26", "fail", ["expected >= 26", "found 25"]),
        ("select count(*) from nowhere", "= 0", "error", ["nowhere", "does not exist"]),
        ("select count(* from users", "= 0", "error", ["syntax error"]),
        ("select 'many'", "= 0", "error", ["many", "no number"]),
        ("select ''", "= 0", "error", ["no number"]),
        ("select 1 union all select 2", "= 1", "error", ["2 rows"]),
        ("select 1 where false", "= 1", "error", ["0 rows"]),
        ("select 1, 2", "= 1", "error", ["2 columns"]),
        ("select null", "= 0", "fail", ["NULL", "= 0"]),
        ("select 1/0", "= 0", "error", ["division by zero"]),
        ("delete from users", "= 0", "error", ["read-only"]),
        ("select 'NaN'::float", "= 0", "fail", ["nan"]),
        ("select 'NaN'::float", "!= 0", "fail", ["nan"]),
        ("select 1; select 2", "= 2", "error", []),
        ("commit; drop table users; select 1", "= 1", "error", []),
    ],
)
def test_queries(place, server, good, sql, expect, verdict, words):
    place.put(good.gz)
    body = f"queries:\n  - name: the query\n    sql: {sql!r}\n    expect: \"{expect}\"\n" if "'" not in sql else (
        f"queries:\n  - name: the query\n    sql: \"{sql}\"\n    expect: \"{expect}\"\n")
    run = place.verify(place.scenario(body))
    case = run.report()["the query"]
    assert case.verdict == verdict, f"{case}\n{run}"
    assert run.code == {"pass": PASSED, "fail": BAD_BACKUP, "error": CANNOT_VERIFY}[verdict]
    for word in words:
        assert word.lower() in (case.message + case.text).lower(), case


def test_one_failing_check_does_not_hide_the_others(place, server, database):
    name = database(template="bugspark")
    server.sql("delete from alembic_version; update reports set created_at = created_at - interval '9 days'", name)
    run = place.verify(back_up(place, server, name))
    failed = {case.name for case in run.report().cases if case.verdict == "fail"}
    assert failed == {REVISION, "public.reports: freshness(created_at) < 26h"}
    assert run.code == BAD_BACKUP


def test_a_query_that_does_not_end_is_stopped_and_the_others_run(place, good):
    place.put(good.gz)
    body = (
        "restore:\n  timeout: 5s\n"
        "queries:\n"
        "  - name: one that sleeps\n    sql: select 1 from pg_sleep(600)\n    expect: = 1\n"
        "  - name: one that comes after\n    sql: select 1\n    expect: = 1\n"
    )
    run = place.expect("error", "one that sleeps", ["did not end"], place.scenario(body))
    assert run.report()["one that comes after"].verdict == "pass"


def test_several_heads_of_alembic(place, server, database):
    name = database(template="bugspark")
    server.sql("insert into alembic_version values ('aaaa00000000')", name)
    body = "alembic:\n  version:\n    - aaaa00000000\n    - t1u2v3w4x5y6\n"
    run = place.verify(back_up(place, server, name, body))
    assert run.code == PASSED, str(run)
    server.sql("delete from alembic_version where version_num like 't%'", name)
    for path in place.backups.iterdir():
        path.unlink()
    place.expect("fail", REVISION, ["aaaa00000000"], back_up(place, server, name, body))


# As BugSpark's: two heads in the middle, merged; written in the several ways that Alembic has had.
MIGRATIONS = {
    "a1_begin.py": '"""Begin\n\nRevision ID: a1\nRevises:\n"""\nrevision: str = "a1b2c3d4e5f6"\ndown_revision: Union[str, None] = None\n',
    "b1_left.py": "revision = 'b1b2c3d4e5f6'\ndown_revision = 'a1b2c3d4e5f6'\n",
    "b2_right.py": "revision = 'b2b2c3d4e5f6'\ndown_revision = 'a1b2c3d4e5f6'\n",
    "c1_merge.py": "revision: str = 'c1b2c3d4e5f6'\ndown_revision: Union[str, Sequence[str], None] = (\n    'b1b2c3d4e5f6',\n    'b2b2c3d4e5f6',\n)\n",
    "d1_head.py": "revision: str = 't1u2v3w4x5y6'\ndown_revision: Union[str, None] = 'c1b2c3d4e5f6'\n",
    "__init__.py": "",
}


ONE_MORE = {"2026/e1_next.py": '"""Add the next"""\nrevision = \'e1\'\ndown_revision = \'t1u2v3w4x5y6\'\n'}
UNKNOWN = ["t1u2v3w4x5y6 is in no file", "migrations"]


def project(place, change):
    """The directory of the migrations, changed: a text for each file, or None for one that is not there."""
    migrations = place.directory / "migrations"
    shutil.rmtree(migrations, ignore_errors=True)
    for name, text in {**MIGRATIONS, **change}.items():
        if text is not None:
            (migrations / name).parent.mkdir(parents=True, exist_ok=True)
            (migrations / name).write_text(text)
    return migrations


def test_the_migrations_of_the_project(place, good):
    place.put(good.gz)
    rows = [
        ("head", {}, "pass", []),
        ("head", ONE_MORE, "fail", ["expected revision e1, found t1u2v3w4x5y6", "1 migration is not applied", "1. e1 Add the next"]),
        ("head", {"d1_head.py": None}, "fail", UNKNOWN),
        ("known", ONE_MORE, "pass", []),
        ("known", {"d1_head.py": None}, "fail", UNKNOWN),
    ]
    for version, change, verdict, words in rows:
        migrations = project(place, change)
        run = place.expect(verdict, REVISION, words, place.scenario(f"alembic:\n  version: {version}\n  migrations: {migrations}\n"))
        behind = "FAIL   bugspark: the backup is behind the migrations\n" in run.err
        assert behind == any("not applied" in word for word in words), str(run)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"b2_right.py": None}, ["c1_merge.py builds on b2b2c3d4e5f6"]),
        ({"again.py": "revision = 't1u2v3w4x5y6'\n"}, ["again.py", "d1_head.py", "both have"]),
        ({"odd.py": "revision = uuid4().hex[:12]\n"}, ["odd.py", "line 1", "cannot be told"]),
        ({"if.py": "revision = 'e1'\nif x:\n    down_revision = 'a'\n"}, ["if.py", "line 3", "cannot be told"]),
        ({"helpers/util.py": "x = 1\n"}, ["helpers/util.py: it has no `revision"]),
        ({"a1_begin.py": "revision = 'a1b2c3d4e5f6'\ndown_revision = 't1u2v3w4x5y6'\n"}, ["go in a circle: "]),
        ({name: None for name in MIGRATIONS} | {"README": ""}, ["holds no migrations"]),
        ({name: None for name in MIGRATIONS}, ["cannot list"]),
    ],
    ids=["a gap", "twice", "computed", "conditional", "no migration", "circle", "none", "nowhere"],
)
def test_lint_reads_migrations(place, change, words):
    scenario = place.scenario(f"alembic:\n  version: head\n  migrations: {project(place, {})}\n")
    assert place.run("lint", scenario).code == PASSED
    project(place, change)
    run = place.run("lint", scenario)
    assert run.code == CANNOT_VERIFY and ":8:15: alembic.migrations: " in run.err, str(run)
    for word in words:
        assert word in run.err


def test_alembics_own_configuration_and_several_histories(place, server, database):
    name = database(
        "create table alembic_version (version_num text); insert into alembic_version values ('core2');"
        "create schema app; create table app.versions (version_num text); insert into app.versions values ('app1')")
    for path, text in {
        "api/alembic.ini": "[alembic]\nscript_location = %(here)s/core\n",
        "api/core/versions/one.py": "revision = 'core1'\n",
        "api/core/versions/two.py": "revision = 'core2'\ndown_revision = 'core1'\n",
        "app/one.py": "revision = 'app1'\n",
        "app/more/two.py": "revision = 'app2'\ndown_revision = 'app1'\n",
    }.items():
        file = place.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    body = (f"alembic:\n  - version: head\n    config: {place.directory}/api/alembic.ini\n"
            f"  - version: head\n    table: app.versions\n    migrations:\n      - {place.directory}/app\n")
    run = place.verify(back_up(place, server, name, body))
    found = run.report().verdicts()
    assert found["alembic alembic_version: revision is the expected one"] == "pass"
    assert found["alembic app.versions: revision is the expected one"] == "fail"
    assert "expected revision app2, found app1: 1 migration is not applied" in run.err


def test_names_that_need_quotes(place, server, database):
    name = database('create schema "Odd schema"; create table "Odd schema"."Odd Table" (x int); insert into "Odd schema"."Odd Table" values (1);'
                    "create table \"select\" (x int)")
    body = "tables:\n  'Odd schema.Odd Table':\n    - row_count = 1\n  select:\n    - row_count = 0\n"
    run = place.verify(back_up(place, server, name, body))
    assert run.code == PASSED, str(run)
