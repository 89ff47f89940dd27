"""Proves that no program is trusted: pg_restore and the server's programs are replaced by stand-ins that
lose rows, crash, hang, or say things nobody has heard of, and none of it ends green."""

import pytest

from running import BAD_BACKUP, CANNOT_VERIFY, PASSED

ROWS, RESTORES = "every table has its rows", "backup restores"
SCENARIO = "restore:\n  timeout: 20s\ntables:\n  users:\n    - row_count >= 1\n"

# Finds the database in the arguments, for a stand-in that changes it.
DATABASE = 'for argument; do case $argument in --dbname=*) database=${argument#--dbname=};; esac; done\n'
REAL = '"$real/pg_restore" "$@" || exit\n'


def psql(sql):
    return DATABASE + REAL + f'"$real/psql" -XAtq -v ON_ERROR_STOP=1 -d "$database" -c "{sql}" >/dev/null || exit 7\n'


@pytest.mark.often("one row lost", "a table more", "nothing restored")
@pytest.mark.parametrize(
    "script, words",
    [
        (psql("delete from comments where ctid = (select min(ctid) from comments)"), ["1 row is missing from public.comments: 199 of 200 came back"]),
        (psql("insert into alembic_version values ('x')"), ["1 row is too many in public.alembic_version: the backup has 1, and 2 came back"]),
        (psql("drop table webhooks"), ["public.webhooks is missing, with its "]),
        (psql("create table extra (x int)"), ["public.extra is not in the backup, and came back with 0 rows"]),
        (psql("truncate reports cascade"), ["rows are missing from public.reports: none of ", "rows are missing from public.comments"]),
        ("exit 0\n", ["is missing, with its", "tables differ from the backup"]),
    ],
    ids=["one row lost", "one row more", "a table lost", "a table more", "tables emptied", "nothing restored"],
)
def test_a_restore_that_says_it_went_well(place, good, script, words):
    """pg_restore exits 0 and says nothing, and a table does not hold what the archive holds."""
    place.put(good.gz)
    body = SCENARIO.split("tables:")[0]
    run = place.expect("fail", ROWS, words, place.scenario(body), environment=place.stand_in(pg_restore=script))
    assert run.report()[RESTORES].verdict == "pass"


# pg_restore's words where two of its jobs waited for each other, with several jobs or always.
DEADLOCK = (REAL + 'case " $* " in %s) echo "pg_restore: error: could not execute query: ERROR:  deadlock detected" >&2\n'
            'echo "pg_restore: warning: errors ignored on restore: 1" >&2; exit 1;; esac\n')


@pytest.mark.parametrize("when, verdict", [("*--jobs=[2-9]*", "pass"), ("*", "fail")], ids=["several jobs", "one job as well"])
def test_jobs_that_met_each_other(place, good, when, verdict):
    """That is nobody's fault but theirs: one job is asked before anything is said of the backup."""
    place.put(good.gz)
    run = place.expect(verdict, RESTORES, ["deadlock detected"] if verdict == "fail" else [], place.scenario("restore:\n  jobs: 2\n"),
                       environment=place.stand_in(pg_restore=DEADLOCK % when))
    assert "WARN" not in run.err or verdict == "fail", str(run)


CHANGE_A_VALUE = psql("update users set name = name || '.' where ctid = (select min(ctid) from users)")


@pytest.mark.parametrize("script, verdict", [(REAL, "pass"), (CHANGE_A_VALUE, "fail")], ids=["as it was", "one letter more"])
def test_a_value_that_changed_on_its_way(place, good, script, verdict):
    """The counts agree; what the rows say does not. And a stand-in by itself changes nothing."""
    place.put(good.gz)
    run = place.expect(verdict, "contents are identical", ["public.users"] if verdict == "fail" else [],
                       place.scenario("restore:\n  contents: true\n"), environment=place.stand_in(pg_restore=script))
    assert run.report()[ROWS].verdict == "pass"
    assert run.code == (PASSED if verdict == "pass" else BAD_BACKUP)


@pytest.mark.often("hang", "crash", "1", "unknown and 0")
@pytest.mark.parametrize(
    "script, verdict, words",
    [
        ("kill -SEGV $$\n", "error", ["signal 11"]),
        (REAL + "kill -KILL $$\n", "error", ["signal 9"]),
        ("exec sleep 600\n", "error", ["pg_restore", "did not end in time"]),
        ("exit 1\n", "fail", ["exited with code 1"]),
        (REAL + "exit 3\n", "fail", ["exited with code 3"]),
        ("echo 'pg_restore: error: the flux is inverted' >&2; exit 1\n", "fail", ["flux is inverted"]),
        (REAL + "echo 'pg_restore: error: the flux is inverted' >&2; exit 0\n", "fail", ["flux is inverted"]),
        (REAL + "echo 'pg_restore: error: could not execute query: ERROR:  extension \"x\" is not available' >&2; exit 1\n", "error", ["not available"]),
        (REAL + "echo 'pg_restore: error: could not execute query: ERROR:  unrecognized parameter \"x\"' >&2; exit 1\n", "error", ["update PostgreSQL here"]),
        ("yes 'pg_restore: error: again and again' | head -c 50000000 >&2; exit 1\n", "fail", ["again and again", "errors"]),
        ("echo 'pg_restore: error: could not execute query: ERROR:  could not extend file: No space left on device' >&2; exit 1\n", "error", ["No space left"]),
        ("printf 'pg_restore: error: \\033[31m\\001\\377 odd bytes' >&2; exit 1\n", "fail", ["odd bytes"]),
    ],
    ids=["crash", "killed", "hang", "1", "3", "unknown and 1", "unknown and 0", "extension", "later release", "flood", "no space", "odd bytes"],
)
def test_a_restore_that_goes_wrong(place, good, script, verdict, words):
    place.put(good.gz)
    body = SCENARIO.replace("20s", "3s") if "sleep" in script else SCENARIO
    run = place.expect(verdict, RESTORES, words, place.scenario(body), environment=place.stand_in(pg_restore=script))
    verdicts = run.report().verdicts()
    assert verdicts["backup is intact"] == "pass"
    assert verdicts["users: row_count >= 1"] == "skip"


def test_a_server_without_the_limit_that_pg_restore_sets(place, good):
    """pg_restore since 17 sends this to servers before 17 too, and ends with 1."""
    place.put(good.gz)
    script = REAL + "echo 'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter \"transaction_timeout\"' >&2; exit 1\n"
    run = place.verify(place.scenario(SCENARIO), environment=place.stand_in(pg_restore=script))
    assert run.code == PASSED, str(run)


@pytest.mark.parametrize(
    "programs, words",
    [
        ({"initdb": "echo 'initdb: error: no luck today' >&2; exit 1\n"}, ["initdb", "no luck today"]),
        ({"initdb": "kill -SEGV $$\n"}, ["initdb", "signal 11"]),
        ({"postgres": 'case $1 in --version) exec "$real/postgres" --version;; *) echo "FATAL:  no luck today"; exit 1;; esac\n'}, ["no luck today"]),
        ({"postgres": 'case $1 in --version) echo "postgres 15, or so";; esac\n'}, ["postgresql", "install"]),
    ],
    ids=["initdb", "initdb crashes", "postgres", "no version"],
)
def test_a_server_that_does_not_start(place, good, programs, words):
    place.put(good.gz)
    run = place.expect("error", RESTORES, words, place.scenario(SCENARIO), environment=place.stand_in(**programs))
    assert run.report()["backup is intact"].verdict == "pass"


def test_no_postgres_on_the_machine(place, good):
    place.put(good.gz)
    run = place.expect("error", RESTORES, ["not installed", "postgresql", "apt-get install"], place.scenario(),
                       environment={"RESTORE_VERIFIER_PGBIN": "/nonexistent"})
    assert run.report()["backup is intact"].verdict == "pass"
    assert run.report()[ROWS].verdict == "skip"
    assert run.code == CANNOT_VERIFY


KILL_SERVER = "kill -QUIT $(head -n 1 $place/tmp/restore-verifier.*/data/postmaster.pid)\n"


@pytest.mark.parametrize("script", [KILL_SERVER + REAL, REAL + KILL_SERVER], ids=["before", "after"])
def test_a_server_that_dies_during_the_restore(place, good, script):
    place.put(good.gz)
    run = place.verify(place.scenario(SCENARIO), environment=place.stand_in(pg_restore=script))
    assert run.code == CANNOT_VERIFY, str(run)
    assert run.report()["users: row_count >= 1"].verdict in ("error", "skip")
    assert not [case for case in run.report().cases if case.verdict == "fail"], str(run)


def test_a_check_that_loses_its_connection(place, good):
    """Each check has a process and a connection of its own: what ends one leaves the next alone."""
    place.put(good.gz)
    body = (
        "queries:\n"
        "  - name: one that ends its own connection\n    sql: select pg_terminate_backend(pg_backend_pid())::int\n    expect: = 1\n"
        "  - name: one that comes after\n    sql: select 1\n    expect: = 1\n"
    )
    run = place.verify(place.scenario(body))
    assert run.code == CANNOT_VERIFY, str(run)
    assert run.report()["one that ends its own connection"].verdict == "error"
    assert run.report()["one that comes after"].verdict == "pass"


def test_variables_of_check_do_not_choose_what_runs(place, good):
    place.put(good.gz)
    choosing = {variable: "nothing of this name" for variable in ("CK_RUN_CASE", "CK_RUN_SUITE", "CK_INCLUDE_TAGS")}
    run = place.verify(place.scenario(SCENARIO), environment={**choosing, "CK_FORK": "no", "CK_DEFAULT_TIMEOUT": "0", "CK_VERBOSITY": "verbose"})
    assert run.code == PASSED, str(run)
    assert len(run.report().cases) == 6


def test_what_is_restored_although_damaged_stays_red(place, good):
    content = good.gz.read_bytes()
    place.put_bytes(content[: len(content) * 9 // 10], "bugspark_%Y%m%d.dump.gz")
    run = place.verify(place.scenario(SCENARIO), "--always-restore")
    assert run.code == BAD_BACKUP
    assert run.report()["backup is intact"].verdict == "fail"
