"""Proves that `dump` writes down what a database needs around it (roles, memberships, settings), that nothing that looks like
a secret is among it, and that `inspect` says with it how to restore the backup for real."""

import json
import subprocess

import pytest

from running import PASSED, today
from servers import BIN

PATTERN = "around_%F.dump"
AROUND = """
create role clerk login createdb noinherit; create role "read ers"; create role "all"; create role stranger; create role boss superuser;
grant "read ers" to clerk; grant pg_monitor to clerk; grant "all" to "read ers";
create table t (x int); insert into t values (1); alter table t owner to clerk; create view v as select 1; alter view v owner to boss;
create extension pg_trgm;
alter database :"name" set search_path = 'app', 'pub"lic'; alter role clerk set work_mem = '9MB'; alter role stranger set work_mem = '8MB';
alter role clerk in database :"name" set statement_timeout = '3s';
alter database :"name" set app.jwt_secret = 'hush-hush'; alter role clerk set app.tenant = 'https://u:hush-hush@host/';
"""
ROLES = ["clerk", "read ers", "all", "stranger", "boss"]


@pytest.fixture
def dumped(place, server, database):
    """The name of a database, its backup by `dump`, and what the manifest says; the roles are gone afterwards."""
    name = database()
    server.sql(f"\\set name {name}\n" + AROUND, name)
    path = place.scenario(f"source: {{database: \"{server.url(name)}\"}}\n", pattern=PATTERN)
    run = place.run("dump", path)
    assert run.code == PASSED, str(run)
    backup = place.backups / today(PATTERN)
    text = (place.backups / (backup.name + ".manifest.json")).read_text()
    yield name, backup, text, path
    server.drop(name)
    for role in ROLES:
        server.sql(f'drop role if exists "{role}"')


def test_what_is_written_down(dumped):
    name, _, text, _ = dumped
    assert "hush" not in text
    around = json.loads(text)["source"]["surroundings"]
    roles = {role["name"]: (sorted(role["attributes"]), role["member_of"]) for role in around["roles"]}
    assert roles == {"clerk": (["createdb", "login", "noinherit"], ["pg_monitor", "read ers"]), "read ers": ([], ["all"]), "all": ([], []), "boss": (["superuser"], [])}
    settings = {(setting["role"], setting["in_database"], setting["name"]): setting["value"] for setting in around["settings"]}
    assert settings == {
        ("", True, "search_path"): 'app, "pub""lic"', ("", True, "app.jwt_secret"): None, ("clerk", True, "statement_timeout"): "3s",
        ("clerk", False, "work_mem"): "9MB", ("clerk", False, "app.tenant"): None}, name


def test_the_recipe_restores_it(place, server, dumped):
    name, backup, _, path = dumped
    verified = place.verify("--verbose", path)
    assert verified.code == PASSED and "settings" in verified.report().properties["backup.needs"], str(verified)
    shown = place.run("inspect", backup, environment={"PATH": "/nowhere", "RESTORE_VERIFIER_PGBIN": "/nowhere"})
    assert shown.code == PASSED and shown.err == "" and "hush" not in shown.out, str(shown)
    for words in ("the extension pg_trgm 1.6", "the settings ", "statement_timeout", "createuser --login --createdb --no-inherit clerk",
                  "# the role clerk was a member of pg_monitor: grant it that yourself", "# the role boss had the attribute superuser: give it that yourself", "# the setting app.jwt_secret looks like a secret",
                  "# the setting app.tenant of the role clerk looks like a secret, which no manifest holds: set it yourself"):
        assert words in shown.out, shown.out
    assert "stranger" not in shown.out
    server.drop(name)
    for role in ROLES:
        server.sql(f'drop role "{role}"')
    _, _, recipe = shown.out.partition("\nto restore it for real")
    commands = [line[2:] for line in recipe.splitlines()[1:] if not line.startswith("  needs ")]
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "PGHOST": str(server.directory), "PGUSER": "postgres", "PGPORT": str(server.port)}
    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(commands)], cwd=place.directory, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, "\n".join([*commands, ran.stderr])
    assert server.sql("show search_path", name) == 'app, "pub""lic"'
    again = server.sql("select rolname, unnest(setconfig) from pg_db_role_setting join pg_roles r on r.oid = setrole order by 1, 2")
    assert again.splitlines() == ["clerk|statement_timeout=3s", "clerk|work_mem=9MB"]
    assert server.sql("select pg_has_role('clerk', 'all', 'member'), pg_has_role('clerk', 'read ers', 'usage'), rolcreatedb, rolcanlogin from pg_roles where rolname = 'clerk'") == "t|f|t|t"


def test_a_manifest_that_is_of_no_use(place, dumped):
    """It is told, and the recipe is that of the archive alone."""
    _, backup, text, _ = dumped
    manifest = place.backups / (backup.name + ".manifest.json")
    another = text.replace(json.loads(text)["sha256"], "0" * 64)
    for content, words in (("{", "is damaged"), (another, "that of another backup")):
        manifest.write_text(content)
        shown = place.run("inspect", backup)
        assert shown.code == PASSED and words in shown.err and "createuser --no-login clerk" in shown.out, str(shown)
        assert "hush" not in shown.out + shown.err
