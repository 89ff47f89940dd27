"""Proves what is said of backups that hold several databases, or several dumps: a pg_dumpall, plain dumps
one after the other, and what somebody appended to one."""

import json
import shutil
import subprocess

import pytest

import servers
from running import BAD_BACKUP, PASSED, today
from test_prune import put

INTACT, RESTORES, ROWS, CONTENTS = "backup is intact", "backup restores", "every table has its rows", "contents are identical"
THERE = "every object is there"
NAME = "all_%Y%m%d.sql"


@pytest.fixture(scope="module")
def cluster(base):
    """Directory with all.sql, of pg_dumpall, and plain dumps: globals.sql, shop.sql, shop_C.sql (made with
    --create), crm_C.sql, and those of the sections of shop."""
    directory = base / "several"
    directory.mkdir()
    source = servers.Server(directory / "source")
    try:
        source.sql("create role boss; create database latin template template0 encoding latin1 locale 'C'")
        source.create("shop", "create table goods (x int primary key); insert into goods select generate_series(1, 100);"
                              "create table same (a text); insert into same values ('shop'); alter table same owner to boss;"
                              "select lo_create(1)")
        source.create("crm", "create table same (a text); insert into same values ('crm'), ('crm again'); create table zone (t int)")
        source.create("empty")
        source.sql('create table "größe" (a text); insert into "größe" values (\'ä\')', "latin")

        def dump(program, name, *options):
            subprocess.run([servers.BIN / program, *options, "-f", directory / f"{name}.sql"], check=True, capture_output=True)

        dump("pg_dumpall", "all", "-d", source.url())
        dump("pg_dumpall", "globals", "--globals-only", "-d", source.url())
        dump("pg_dump", "shop", source.url("shop"))
        for name in ("shop", "crm"):
            dump("pg_dump", f"{name}_C", "--create", source.url(name))
        for section in ("pre-data", "data", "post-data"):
            dump("pg_dump", section, f"--section={section}", source.url("shop"))
    finally:
        source.stop()
    return directory


def whole(cluster):
    return (cluster / "all.sql").read_bytes()


def test_each_database_has_a_suite(place, cluster):
    """And one that was in the last backup that verified is missed."""
    backup = place.put(cluster / "all.sql", NAME)
    put(place, 1, verified=True, name=NAME, databases=["crm", "lost", "shop"])
    scenario = place.scenario("restore:\n  contents: true\n", name="all", pattern=NAME, backups="databases: all")
    run = place.verify("--format", "json", scenario)
    report = run.report("all")
    assert run.code == PASSED, str(run)
    names = ["crm", "empty", "latin", "shop"]
    assert [suite.get("name") for suite in report.suites] == ["all", *(f"all.{name}" for name in names)]
    assert [case.name for case in report.cases][3:] == [f"{name}: {check}" for name in names for check in (ROWS, THERE, CONTENTS)]
    assert {case.verdict for case in report.cases} == {"pass"}
    assert "holds no table" in report[f"empty: {ROWS}"].output
    assert f"no longer holds the database lost, which was in {today(NAME, 1)}, the last" in report[RESTORES].output
    checks = json.loads(run.out)["scenarios"][0]["checks"]
    said = {check["name"]: (check["message"], check.get("database")) for check in checks}
    assert said[f"shop: {ROWS}"] == ("101 rows in 2 tables", "shop")
    assert said[f"latin: {CONTENTS}"] == ("1 table, value for value", "latin")
    record = json.loads((place.backups / f"{backup.name}.verified.json").read_text())
    assert record["tables"] == {} and "database" not in record and record["databases"] == names


def test_two_scenarios_look_at_two_databases_of_a_backup(place, cluster):
    """Each finds its own tables, and leaves a record that says nothing of the other's."""
    backup = place.put(cluster / "all.sql", NAME)
    scenarios = [
        place.scenario(
            f"source:\n  database: postgresql://h/{name}\n"
            f"tables:\n  same:\n    - row_count = {rows}\n    - change for row_count = 0\nrestore:\n  contents: true\n",
            name=name, pattern=NAME, backups=f"database: {database}")
        for name, database, rows in [("shop", "shop", 1), ("crm", "crm", 2), ("latin", "latin", 1)]
    ]
    run = place.verify("--jobs", "2", *scenarios)
    for name, rows in [("shop", 101), ("crm", 2)]:
        report = run.report(name)
        assert report.exit_code == PASSED, str(run)
        assert report.properties["backup.database"] == name
        assert report.properties["restored.rows"] == str(rows)
    assert run.report("shop").properties["backup.databases_not_looked_at"] == "crm, empty and latin"
    assert "restored as well, and not looked at: crm, empty and latin" in run.err
    # It has no such table, which is not verified therefore, whatever is said of the others.
    assert run.code != PASSED and run.report("latin")["same: row_count = 1"].verdict != "pass"
    assert run.report("latin")[ROWS].verdict == "pass"
    records = {path.name: json.loads(path.read_text()) for path in place.backups.glob("*.json")}
    assert set(records) == {f"{backup.name}.verified-{name}.json" for name in ("shop", "crm")}
    assert records[f"{backup.name}.verified-crm.json"]["database"] == "crm"
    assert records[f"{backup.name}.verified-crm.json"]["tables"] == {"public": {"same": 2, "zone": 0}}


def test_which_database_is_meant(place, cluster):
    """Nothing is restored before that is known."""
    place.put(cluster / "all.sql", NAME)
    place.put(cluster / "shop.sql", "one_%Y%m%d.sql")
    place.put(cluster / "shop_C.sql", "named_%Y%m%d.sql")
    subprocess.run(["bash", "-c", f"cat {cluster}/shop.sql {cluster}/crm_C.sql"], check=True,
                   stdout=open(place.backups / today("mixed_%Y%m%d.sql"), "wb"))
    cases = [
        # pattern, key, verdict, words
        ("all", "database: shp", "error", ["no database `shp`", "did you mean `shop`? It holds crm, empty, latin and shop"]),
        ("all", "max_age: 26h", "error", ["crm, empty, latin and shop", "`backups.database`", "`backups.databases: all`"]),
        ("mixed", "database: shop", "error", ["no database `shop` (backups.database): it holds crm and one that it does not name"]),
        ("mixed", "databases: all", "error", ["before it connects to one"]),
        ("mixed", "database: crm", "pass", ["not looked at: one that it does not name"]),
        ("named", "database: crm", "error", ["no database `crm`", "it holds shop"]),
        ("named", "databases: all", "pass", []),
        ("one", "database: shop", "pass", ["does not say of which database it is", "`shop`", "remove backups.database"]),
    ]
    scenarios = [place.scenario("", name=f"s{i}", pattern=f"{pattern}_%Y%m%d.sql", backups=key) for i, (pattern, key, _, _) in enumerate(cases)]
    run = place.verify("--jobs", "2", "--format", "json", *scenarios)
    told = {one["scenario"]: one for one in json.loads(run.out)["scenarios"]}
    for i, (pattern, key, verdict, words) in enumerate(cases):
        case = run.report(f"s{i}")[RESTORES]
        said = next(check["message"] for check in told[f"s{i}"]["checks"] if check["name"] == RESTORES)
        assert case.verdict == verdict, f"{pattern} {key}: {said}"
        assert all(word in said for word in words), said
    assert told["s0"]["checks"][3]["verdict"] == "skip"


def test_a_database_that_fails_does_not_speak_for_another(place, cluster):
    """Rows that are lost in one; then an error in it, at which psql stops before the next one."""
    good = whole(cluster)
    lost = good.replace(b"COPY public.same (a) FROM stdin;\ncrm\n",
                        b"CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS $$begin return null; end$$;\n"
                        b"CREATE TRIGGER g BEFORE INSERT ON public.same FOR EACH ROW EXECUTE FUNCTION public.f();\n"
                        b"COPY public.same (a) FROM stdin;\ncrm\n")
    failing = good.replace(b"CREATE TABLE public.zone (\n    t integer", b"CREATE TABLE public.zone (\n    t integre")
    assert good not in (lost, failing)
    place.put_bytes(lost, NAME)
    place.put_bytes(failing, "failing_%Y%m%d.sql")
    run = place.verify(
        "--jobs", "2",
        place.scenario("", name="lost", pattern=NAME, backups="databases: all"),
        place.scenario("", name="shop", pattern=NAME, backups="database: shop"),
        place.scenario("", name="failing", pattern="failing_%Y%m%d.sql", backups="databases: all"),
    )
    assert run.report("shop").exit_code == PASSED, str(run)
    report = run.report("lost")
    assert report.exit_code == BAD_BACKUP, str(run)
    assert [suite.get("failures") for suite in report.suites] == ["0", "1", "0", "0", "0"]
    assert "2 rows are missing from public.same: none of 2 came back" in report[f"crm: {ROWS}"].message
    report = run.report("failing")
    assert report.exit_code == BAD_BACKUP, str(run)
    assert "integre" in report[RESTORES].message and ", in the database crm" in report[RESTORES].message
    assert report[f"crm: {ROWS}"].verdict == "fail" and report[f"shop: {ROWS}"].verdict == "skip"


def test_what_is_appended_to_a_dump(place, cluster):
    def of(*names):
        return b"".join((cluster / f"{name}.sql").read_bytes() for name in names)

    shop, begins = of("shop"), of("shop").count(b"\n") + 1
    passes, warns = {ROWS: "pass"}, {INTACT: "warn", ROWS: "pass"}
    cases = {
        # name: (file, key, verdicts, words of any check)
        "grant": (shop + b"GRANT SELECT ON public.goods TO reader;\n", "", warns,
                  [f"1 statement follows the end of the dump, on line {begins} (GRANT SELECT ON public.goods TO reader)"]),
        "insert": (shop + b"\nINSERT INTO public.goods VALUES (101);\nANALYZE;\n", "", warns,
                   [f"2 statements follow the end of the dump, the first on line {begins + 1} (", "may change rows"]),
        "delete": (shop + b"DELETE FROM public.goods WHERE x > 90;\n", "", {INTACT: "warn", ROWS: "error"},
                   ["10 rows are missing from public.goods: 90 of 100 came back; but 1 statement", "DELETE FROM", "nobody can tell"]),
        "update": (shop + b"UPDATE public.same SET a = 'other';\n", "restore:\n  contents: true\n",
                   {INTACT: "warn", ROWS: "pass", CONTENTS: "error"}, ["first public.same; but 1 statement", "nobody can tell"]),
        "twice": (shop + shop, "", {INTACT: "warn", RESTORES: "fail"},
                  ["already exists", f"it holds 2 dumps of one database, the second of which begins on line {begins + 1}"]),
        "sections": (of("pre-data", "data", "post-data"), "", warns, ["it holds 3 dumps of one database"]),
        "globals": (of("globals", "shop"), "", {INTACT: "pass", **passes}, []),
        "set": (b"CREATE ROLE app;\n" + of("shop_C", "crm_C"), "database: crm", {INTACT: "pass", **passes}, ["not looked at: shop"]),
        "cut": (shop + of("crm_C")[:-200], "", {INTACT: "fail"}, ["the dump is cut"]),
    }
    scenarios = []
    for name, (content, key, _, _) in cases.items():
        place.put_bytes(content, f"{name}_%Y%m%d.sql")
        body, backups = (key, "max_age: 26h") if key.startswith("restore") or not key else ("", key)
        scenarios.append(place.scenario(body, name=name, pattern=f"{name}_%Y%m%d.sql", backups=backups))
    run = place.verify("--jobs", "2", "--format", "json", *scenarios)
    for one in json.loads(run.out)["scenarios"]:
        _, _, verdicts, words = cases[one["scenario"]]
        found = {check["name"]: "warn" if check["warning"] else check["verdict"] for check in one["checks"]}
        said = "\n".join(check["message"] for check in one["checks"])
        assert {name: found[name] for name in verdicts} == verdicts, f"{one['scenario']}: {said}"
        assert all(word in said for word in words), f"{one['scenario']}: {said}"


def test_a_cluster_with_tablespaces_and_with_roles_named_as_ours(place, base):
    """The places are those of the source, which runs on this machine and has them still."""
    space = base / "space"
    space.mkdir()
    if servers.IS_ROOT:
        shutil.chown(space, "nobody")
    source = servers.Server(base / "spacious")
    scenario = place.scenario("", pattern=NAME, backups="databases: all")
    try:
        source.sql(f"create tablespace fast location '{space}'")
        source.create("shop", "create table goods (x int) tablespace fast; insert into goods values (1)")
        backup = place.backups / today(NAME)

        def dumped():
            subprocess.run([servers.BIN / "pg_dumpall", "-f", backup, "-d", source.url()], check=True, capture_output=True)
            backup.chmod(0o644)

        dumped()
        place.expect("pass", RESTORES, [], scenario)
        for name in ("restore_verifier", "restore_verifier_owner", "restore_verifier_reader"):
            source.sql(f"create role {name}")
            dumped()
            place.expect("error", RESTORES, [f"creates the role {name}, which the throwaway server has for this program's own work", "give it another name"], scenario)
            source.sql(f"drop role {name}")
    finally:
        source.stop()


def test_pruning_keeps_the_last_good_one_of_each_database(place):
    """That of crm, which another scenario looks at, though shop verified since."""
    def verified(days_ago, database):
        backup = put(place, days_ago, verified=True, name=NAME, database=database)
        record = backup.with_name(backup.name + ".verified.json")
        return backup, record.rename(backup.with_name(f"{backup.name}.verified-{database}.json"))

    young, _ = verified(1, "shop")
    last_of_crm, record = verified(40, "crm")
    older, _ = verified(41, "crm")
    run = place.run("prune", "--reports", place.reports, place.scenario("", name="shop", pattern=NAME, backups="database: shop\n  keep: 30d"))
    assert run.code == PASSED, str(run)
    assert f"stays: {last_of_crm.name}: it is the newest backup that verified for another scenario, which left {record.name}" in run.err
    assert young.exists() and last_of_crm.exists() and record.exists()
    assert not older.exists() and not older.with_name(f"{older.name}.verified-crm.json").exists()
