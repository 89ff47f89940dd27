"""Proves that checks see what the restored database holds: revisions, counts, freshness, queries. Each
row changes a database that passes, backs it up, and names the check that must notice."""

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
    verdicts = run.report().verdicts()
    for always in ("backup is recent", "backup is intact", "backup restores", ROWS):
        assert verdicts[always] == "pass", "the backup itself is good"


def test_a_line_that_warns_does_not_fail(place, server, database):
    name = database(template="bugspark")
    body = "tables:\n  users:\n    - warn: row_count >= 1000\n"
    run = place.verify(back_up(place, server, name, body))
    assert run.code == PASSED, str(run)
    case = run.report()["users: row_count >= 1000"]
    assert case.verdict == "pass"
    assert "found 25" in case.output
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


ONE_MORE = {"e1_next.py": "revision = 'e1'\ndown_revision = 't1u2v3w4x5y6'\n"}


@pytest.mark.parametrize(
    "version, change, verdict, words",
    [
        ("head", ONE_MORE, "fail", ["expected revision e1, found t1u2v3w4x5y6", "1 migration is not applied", "e1_next.py"]),
        ("head", {"e1_branch.py": "revision = 'e1'\ndown_revision = 'b1b2c3d4e5f6'\n"}, "fail", ["e1_branch.py"]),
        ("head", {"d1_head.py": None}, "fail", ["t1u2v3w4x5y6 is in no file", "migrations"]),
        ("head", {"b2_right.py": None}, "error", ["c1_merge.py builds on b2b2c3d4e5f6"]),
        ("head", {"again.py": "revision = 't1u2v3w4x5y6'\n"}, "error", ["again.py", "d1_head.py", "both have"]),
        ("head", {"odd.py": "revision = uuid4().hex[:12]\n"}, "error", ["odd.py", "line 1", "cannot be told"]),
        ("head", {name: None for name in MIGRATIONS}, "error", ["holds no migrations"]),
        ("known", ONE_MORE, "pass", []),
        ("known", {"d1_head.py": None}, "fail", ["t1u2v3w4x5y6 is in no file", "migrations"]),
    ],
    ids=["one more", "one beside", "unknown", "a gap", "twice", "computed", "none", "known", "not known"],
)
def test_the_migrations_of_the_project(place, good, version, change, verdict, words):
    place.put(good.gz)
    migrations = place.directory / "migrations"
    migrations.mkdir()
    for name, text in MIGRATIONS.items():
        (migrations / name).write_text(text)
    scenario = place.scenario(f"alembic:\n  version: {version}\n  migrations: {migrations}\n")
    assert "t1u2v3w4x5y6, " in place.expect("pass", REVISION, [], scenario).err
    for name, text in change.items():
        (migrations / name).unlink(missing_ok=True)
        if text is not None:
            (migrations / name).write_text(text)
    place.expect(verdict, REVISION, words, scenario)


def test_a_directory_of_migrations_that_is_not_there(place, good):
    place.put(good.gz)
    body = "alembic:\n  version: head\n  migrations: ./nowhere\n"
    place.expect("error", REVISION, ["./nowhere", "check alembic.migrations"], place.scenario(body))


def test_names_that_need_quotes(place, server, database):
    name = database('create schema "Odd schema"; create table "Odd schema"."Odd Table" (x int); insert into "Odd schema"."Odd Table" values (1);'
                    "create table \"select\" (x int)")
    body = "tables:\n  'Odd schema.Odd Table':\n    - row_count = 1\n  select:\n    - row_count = 0\n"
    run = place.verify(back_up(place, server, name, body))
    assert run.code == PASSED, str(run)
