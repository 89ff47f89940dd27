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
    assert len(report.cases) == 4 + 1 + 7 + 1


UNTIE_USERS = """do $$ declare found record; begin
    for found in select conrelid::regclass as of_table, conname from pg_constraint where confrelid = 'users'::regclass loop
        execute format('alter table %s drop constraint %I', found.of_table, found.conname);
    end loop; end $$"""


USERS, REPORTS, FRESH = "users: row_count = 25", "public.reports: row_count >= 1", "public.reports: freshness(created_at) < 26h"
BELONGS = "every report belongs to a project"


@pytest.mark.often("empty and renamed", "old", "other columns")
@pytest.mark.parametrize(
    "sql, headline, found",
    [
        (["drop table alembic_version", "drop table reports cascade", UNTIE_USERS, "delete from users where id = (select id from users limit 1)"],
         "the data is not as expected, and not everything could be verified", {
             REVISION: ("fail", ["no table alembic_version"]),
             REPORTS: ("fail", ["no table", "reports"]),
             BELONGS: ("error", ["names a table that the restored database does not have"]),
             USERS: ("fail", ["expected row_count = 25", "found 24"])}),
        (["delete from alembic_version", "alter table reports rename to \"Reports\""],
         "the schema revision is not the expected one, and not everything could be verified", {
             REVISION: ("fail", ["empty", "t1u2v3w4x5y6"]),
             REPORTS: ("error", ["no table", "did you mean `public.Reports`"]),
             BELONGS: ("error", ["did you mean `public.Reports`"])}),
        (["insert into alembic_version values ('aaaa00000000')", "truncate users, reports cascade"],
         "the data is not as expected", {
             REVISION: ("fail", ["2 revisions", "aaaa00000000", "t1u2v3w4x5y6"]),
             USERS: ("fail", ["expected row_count = 25", "found 0"]),
             REPORTS: ("fail", ["expected row_count >= 1", "found 0"]),
             FRESH: ("fail", ["created_at", "empty"])}),
        (["update alembic_version set version_num = 'bbbb00000000'", "update reports set created_at = created_at - interval '2 days'",
          "alter table reports drop constraint reports_project_id_fkey",
          "update reports set project_id = gen_random_uuid() where id = (select id from reports limit 1)"],
         "the data is not as expected", {
             REVISION: ("fail", ["expected revision t1u2v3w4x5y6", "found bbbb00000000"]),
             FRESH: ("fail", ["found 2 d", "created_at"]),
             BELONGS: ("fail", ["expected = 0", "found 1"])}),
        (["create schema other", "alter table alembic_version set schema other", "update reports set created_at = created_at + interval '3 days'"],
         "the data is not as expected", {
             REVISION: ("fail", ["no table alembic_version", "other.alembic_version"]),
             FRESH: ("fail", ["after the dump was made", "from the future"])}),
        (["alter table alembic_version rename version_num to version", "update reports set created_at = 'infinity'"],
         "the data is not as expected", {
             REVISION: ("fail", ["version_num"]),
             FRESH: ("fail", ["infinity"])}),
    ],
    ids=["missing", "empty and renamed", "emptied", "old", "moved and young", "other columns"],
)
def test_a_changed_database_fails(place, server, database, sql, headline, found):
    """And no check that fails hides another."""
    name = database(template="bugspark")
    server.sql("; ".join(sql), name)
    run = place.verify(back_up(place, server, name, SCENARIO + QUERY))
    verdict, code = ("ERROR", CANNOT_VERIFY) if "could be verified" in headline else ("FAIL ", BAD_BACKUP)
    assert f"{verdict}  bugspark: {headline}\n" in run.err and run.code == code, str(run)
    report = run.report()
    for check, (verdict, words) in found.items():
        case = report[check]
        assert case.verdict == verdict, f"{case}\n{run}"
        assert all(word in case.message + case.text for word in words), f"{case}\n{run}"
    for always in ("backup is recent", "backup is intact", "backup restores", ROWS):
        assert report[always].verdict == "pass", "the backup itself is good"


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


QUERIES = [
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
    # After all of that.
    ("select count(*) from users", "= 25", "pass", []),
]


def test_queries(place, good):
    place.put(good.gz)
    body = "queries:\n" + "".join(
        f"  - name: query {i}\n    sql: \"{sql}\"\n    expect: \"{expect}\"\n" for i, (sql, expect, _, _) in enumerate(QUERIES))
    run = place.verify(place.scenario(body))
    report = run.report()
    for i, (sql, expect, verdict, words) in enumerate(QUERIES):
        case = report[f"query {i}"]
        assert case.verdict == verdict, f"{sql} {expect}: {case}\n{run}"
        for word in words:
            assert word.lower() in (case.message + case.text).lower(), f"{sql} {expect}: {case}"


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
    server.sql("insert into alembic_version values ('aaaa00000000'); create table one_head as select * from alembic_version where version_num like 'a%'", name)
    heads = "version:\n      - aaaa00000000\n      - t1u2v3w4x5y6\n"
    run = place.verify(back_up(place, server, name, f"alembic:\n  - {heads}  - {heads}    table: one_head\n"))
    assert run.report()["alembic alembic_version: revision is the expected one"].verdict == "pass", str(run)
    case = run.report()["alembic one_head: revision is the expected one"]
    assert case.verdict == "fail" and "aaaa00000000" in case.message, str(run)


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
UNKNOWN = ["t1u2v3w4x5y6 is in no file", "migrated from other files"]


def project(place, change):
    """The directory of the migrations, changed: a text for each file, or None for one that is not there."""
    migrations = place.directory / "migrations"
    shutil.rmtree(migrations, ignore_errors=True)
    for name, text in {**MIGRATIONS, **change}.items():
        if text is not None:
            (migrations / name).parent.mkdir(parents=True, exist_ok=True)
            (migrations / name).write_text(text)
    return migrations


def test_the_migrations_of_the_project(place, server, database):
    place.put(server.dump(database("".join(f"create table v{i} (version_num text); insert into v{i} values ('t1u2v3w4x5y6');" for i in range(3))), place.directory / "x"),
              "bugspark_%Y%m%d.dump.gz")
    behind, unknown = "FAIL   bugspark: the backup is behind the migrations\n", "FAIL   bugspark: the schema revision is not the expected one\n"
    for headline, rows in [
        (behind, [
            ("head", {}, "pass", []),
            ("head", ONE_MORE, "fail", ["expected revision e1, found t1u2v3w4x5y6", "1 migration is not applied", "1. e1 Add the next"]),
            ("known", ONE_MORE, "pass", []),
        ]),
        (unknown, [("head", {"d1_head.py": None}, "fail", UNKNOWN), ("known", {"d1_head.py": None}, "fail", UNKNOWN)]),
    ]:
        body = "alembic:\n"
        for i, (version, change, _, _) in enumerate(rows):
            shutil.rmtree(place.directory / f"of{i}", ignore_errors=True)
            body += f"  - version: {version}\n    table: v{i}\n    migrations: {project(place, change).rename(place.directory / f'of{i}')}\n"
        run = place.verify(place.scenario(body))
        assert headline in run.err, str(run)
        for i, (version, change, verdict, words) in enumerate(rows):
            case = run.report()[f"alembic v{i}: revision is the expected one"]
            assert case.verdict == verdict, f"{version} {change}: {case}"
            assert all(word in case.message + case.text for word in words), f"{version} {change}: {case}"


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
