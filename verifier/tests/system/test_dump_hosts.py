"""Proves that dumps come from every kind of host: with TLS as it has to be, through the poolers that
work and not through those that do not, with the right pg_dump, and with passwords that nobody sees.

The hosts' names lead to this machine (hostaddr=127.0.0.1), to servers with certificates made here."""

import os
import shutil
import signal
import subprocess
import urllib.parse

import pytest

import servers
from running import CANNOT_VERIFY, IS_ROOT, NOBODY, PASSED, PROGRAM, ROOT, needs_root, today, wait_until

RENDER = "dpg-abc123-a.oregon-postgres.render.com"
NEON = "ep-cool-name-123.eu-central-1.aws.neon.tech"
NEON_POOLER = "ep-cool-name-123-pooler.eu-central-1.aws.neon.tech"
SUPABASE = "db.abcdefghijklmnopqrst.supabase.co"
SUPABASE_POOLER = "aws-0-eu-central-1.pooler.supabase.com"
OWN = "db.example.test"
PASSWORD = "p@ss/w:rd"
PATTERN = "bugspark_%Y%m%d.dump"


# --- servers --------------------------------------------------------------------------------------


def openssl(directory, *arguments):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture(scope="session")
def certificates(base):
    """An authority, a certificate by it for every host but Neon's pooler, and another authority."""
    directory = base / "certificates"
    directory.mkdir()
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ("ca", "other"):
        openssl(directory, "req", "-x509", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.pem",
                "-subj", f"/CN=Test {name}", "-days", "2")
    names = ",".join(f"DNS:{name}" for name in (RENDER, NEON, SUPABASE, SUPABASE_POOLER, OWN))
    (directory / "extensions").write_text(f"subjectAltName={names}\n")
    openssl(directory, "req", *new_key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    openssl(directory, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "server.pem", "-days", "2", "-extfile", "extensions")
    return directory


def with_password(server):
    server.sql("alter user postgres password 'p@ss/w:rd'")
    return server


@pytest.fixture(scope="session")
def tls(base, certificates):
    """Speaks TLS and nothing else."""
    made = servers.Server(base / "tls", PASSWORD, (certificates / "server.pem", certificates / "server.key"))
    try:
        with_password(made).create("app", "create table users as select generate_series(1, 25) id")
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def plain(base):
    """Speaks no TLS at all."""
    made = servers.Server(base / "plain", PASSWORD)
    try:
        with_password(made).create("app", "create table users as select generate_series(1, 25) id")
        yield made
    finally:
        made.stop()


def url(server, host, *parameters, port=None, user="postgres", database="app"):
    secret = urllib.parse.quote(PASSWORD, safe="")
    query = "&".join(("hostaddr=127.0.0.1", *parameters))
    return f"postgresql://{user}:{secret}@{host}:{port or server.port}/{database}?{query}"


def scenario(place, database, *lines):
    source = "".join(f"  {line}\n" for line in (f'database: "{database}"', *lines))
    return place.scenario(f"source:\n{source}tables:\n  users:\n    - row_count = 25\n", pattern=PATTERN)


def dump(place, database, *lines, **options):
    """Whatever happens, nobody sees the password."""
    run = place.run("dump", scenario(place, database, *lines), **options)
    for secret in (PASSWORD, urllib.parse.quote(PASSWORD, safe="")):
        assert secret not in run.err + run.out, str(run)
    assert (place.backups / today(PATTERN)).exists() == (run.code == PASSED), str(run)
    return run


def refused(run, *words):
    assert run.code == CANNOT_VERIFY, str(run)
    for word in words:
        assert word in run.err, f"`{word}`\n{run}"


# --- TLS ------------------------------------------------------------------------------------------


@pytest.mark.often("db.example.test")
@pytest.mark.parametrize("host", [RENDER, NEON, SUPABASE, OWN])
def test_a_dump_over_tls_verifies(place, tls, host):
    run = dump(place, url(tls, host))
    assert run.code == PASSED, str(run)
    assert place.verify(str(place.directory / "bugspark.yaml")).code == PASSED


@pytest.mark.parametrize("host", [RENDER, NEON, SUPABASE])
@pytest.mark.parametrize("parameters", [(), ("sslmode=prefer",)], ids=["none", "prefer"])
def test_no_dump_without_tls(place, plain, host, parameters):
    refused(dump(place, url(plain, host, *parameters)), "does not support SSL")


def test_a_server_of_ones_own_needs_no_tls(place, plain):
    assert dump(place, url(plain, OWN)).code == PASSED


def test_a_host_that_the_scenario_names(place, plain):
    refused(dump(place, url(plain, OWN), "host: neon"), "does not support SSL")


def test_a_name_that_the_scenario_denies(place, plain):
    assert dump(place, url(plain, RENDER), "host: self-hosted").code == PASSED


@pytest.mark.parametrize("host", [RENDER, NEON, SUPABASE])
def test_tls_cannot_be_switched_off(place, tls, host):
    refused(dump(place, url(tls, host, "sslmode=disable")), "needs TLS", "sslmode=require")


def test_a_server_of_ones_own_that_wants_tls(place, tls):
    refused(dump(place, url(tls, OWN, "sslmode=disable")), "no pg_hba.conf entry", "add sslmode=require to the URL")


@pytest.mark.parametrize("parameters", [(), ("sslmode=require",), ("ssl=require",)], ids=["none", "require", "asyncpg"])
def test_a_root_certificate_verifies_the_server(place, tls, certificates, parameters):
    good = f"root_certificate: {certificates}/ca.pem"
    other = f"root_certificate: {certificates}/other.pem"
    assert dump(place, url(tls, OWN, *parameters), good).code == PASSED
    (place.backups / today(PATTERN)).unlink()
    refused(dump(place, url(tls, OWN, *parameters), other), "certificate verify failed")
    refused(dump(place, url(tls, "wrong.example.test", *parameters), good), "wrong.example.test", "does not match")


def test_a_root_certificate_may_be_named_from_here(place, tls, certificates):
    shutil.copyfile(certificates / "ca.pem", place.directory / "ca.pem")
    assert dump(place, url(tls, OWN), "root_certificate: ca.pem").code == PASSED


def test_a_certificate_in_the_url_may_be_named_from_here(place, tls, certificates):
    shutil.copyfile(certificates / "ca.pem", place.directory / "ca.pem")
    assert dump(place, url(tls, OWN, "sslmode=verify-full", "sslrootcert=ca.pem")).code == PASSED


def test_a_root_certificate_that_is_not_there(place, tls):
    refused(dump(place, url(tls, OWN), "root_certificate: gone.pem"), "root_certificate", "gone.pem", "No such file")


def test_the_environment_can_ask_for_more(place, tls, certificates):
    """PGSSLMODE=verify-full is not lowered to the host's sslmode=require, which checks no name."""
    environment = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(certificates / "ca.pem")}
    other = RENDER.replace("abc123", "other")
    refused(dump(place, url(tls, other), environment=environment), other, "does not match")


# --- the hosts' poolers -----------------------------------------------------------------------------


def test_neons_pooler_is_left_for_the_host_behind_it(place, tls, certificates):
    """The certificate is not good for the pooler's name, so it was not asked for."""
    run = dump(place, url(tls, NEON_POOLER), f"root_certificate: {certificates}/ca.pem")
    assert run.code == PASSED, str(run)
    assert f"{NEON_POOLER} is Neon's pooler" in run.err and f"dumping from {NEON} instead" in run.err


@pytest.mark.parametrize("host, instead", [(SUPABASE_POOLER, f"{SUPABASE_POOLER}:5432"), (SUPABASE, f"{SUPABASE}:5432")])
def test_supabases_transaction_pooler_is_refused(place, tls, host, instead):
    run = dump(place, url(tls, host, port=6543, user="postgres.abcdefghijklmnopqrst"))
    refused(run, "transaction pooler", instead)


def test_supabases_session_pooler_works(place, tls):
    tls.sql('create role "postgres.abcdefghijklmnopqrst" superuser login password \'p@ss/w:rd\'')
    assert dump(place, url(tls, SUPABASE_POOLER, user="postgres.abcdefghijklmnopqrst")).code == PASSED
    (place.backups / today(PATTERN)).unlink()
    refused(dump(place, url(tls, SUPABASE_POOLER)), "postgres.PROJECT-REF")


@needs_root
def test_a_host_that_has_only_ipv6(place, tls):
    """In a network of its own, which leads nowhere."""
    address = url(tls, SUPABASE).replace("127.0.0.1", "2001:db8::1")
    run = dump(place, address, before=["unshare", "--net"])
    refused(run, "2001:db8::1", "only an IPv6 address", "session pooler")
    elsewhere = dump(place, url(tls, OWN).replace("127.0.0.1", "2001:db8::1"), before=["unshare", "--net"])
    refused(elsewhere, "2001:db8::1")
    assert "session pooler" not in elsewhere.err


def test_renders_internal_name_outside(place):
    refused(dump(place, "postgresql://u:p%40ss%2Fw%3Ard@dpg-abc123-a/app"), "external URL")


# --- PgBouncer ------------------------------------------------------------------------------------


class Bouncer:
    def __init__(self, directory, server, mode):
        directory.mkdir()
        directory.chmod(0o755)
        if IS_ROOT:
            os.chown(directory, NOBODY, NOBODY)
        self.port = servers.free_port()
        self.log = directory / "log"
        file = directory / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n* = host={server.directory} port={server.port} user=postgres\n[pgbouncer]\n"
            f"listen_addr=127.0.0.1\nlisten_port={self.port}\nunix_socket_dir=\nauth_type=any\npool_mode={mode}\n"
        )
        with open(directory / "output", "wb") as output:
            self.process = subprocess.Popen(
                ["pgbouncer", file], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", **servers.USER
            )
        wait_until(self._answers, f"pgbouncer in {directory}")

    def address(self, database):
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _answers(self):
        asked = subprocess.run([servers.BIN / "psql", "-XAtc", "select 1", self.address("postgres")], capture_output=True)
        return asked.returncode == 0

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


@pytest.fixture
def bouncer(place, server):
    made = []

    def make(mode):
        made.append(Bouncer(place.directory / "bouncer", server, mode))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_a_pooler_in_session_mode_works(place, server, bouncer):
    run = dump(place, bouncer("session").address("bugspark"))
    assert run.code == PASSED, str(run)
    assert place.verify(str(place.directory / "bugspark.yaml")).code == PASSED


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pooler_in_another_mode_is_refused(place, server, bouncer, mode):
    refused(dump(place, bouncer(mode).address("bugspark")), "pooler in transaction mode", "pool_mode = session")


# --- tools and passwords ----------------------------------------------------------------------------


def pg_dumps(place, **majors):
    """Directories with stand-ins of pg_dump that say they are of these versions, and are the real one."""
    directories = []
    for name, major in majors.items():
        directory = place.directory / name
        directory.mkdir()
        program = directory / "pg_dump"
        program.write_text(
            f"#!/bin/bash\n[[ $1 == --version ]] && exec echo 'pg_dump (PostgreSQL) {major}.1'\n"
            f"echo {major} >>{place.directory}/used\nexec {servers.BIN}/pg_dump \"$@\"\n"
        )
        program.chmod(0o755)
        directories.append(str(directory))
    return {"RESTORE_VERIFIER_PGBIN": ":".join(directories)}


def test_the_nearest_pg_dump_is_taken(place, server):
    """What a newer one writes, the pg_restore beside the server may not be able to read."""
    environment = pg_dumps(place, a=servers.MAJOR + 2, b=servers.MAJOR, c=servers.MAJOR + 1, d=servers.MAJOR - 1)
    assert dump(place, server.url("bugspark"), environment=environment).code == PASSED
    assert (place.directory / "used").read_text() == f"{servers.MAJOR}\n"


def test_an_older_pg_dump_is_not_taken(place, server):
    environment = pg_dumps(place, a=servers.MAJOR - 1, b=servers.MAJOR - 2)
    run = dump(place, server.url("bugspark"), environment=environment)
    refused(run, f"postgresql-client-{servers.MAJOR}", f"newest on this machine is {servers.MAJOR - 1}")
    assert not (place.directory / "used").exists()


def test_a_pass_file(place, plain):
    passfile = place.directory / "pass"
    passfile.write_text(PASSWORD.join(("*:*:*:*:", "\n")).replace("w:rd", r"w\:rd"))
    address = f"host={OWN} hostaddr=127.0.0.1 port={plain.port} user=postgres dbname=app passfile=pass"
    passfile.chmod(0o600)
    assert dump(place, address).code == PASSED
    (place.backups / today(PATTERN)).unlink()
    passfile.chmod(0o644)
    refused(dump(place, address), "no password supplied", "0600")


def test_nobody_sees_the_password_of_a_pg_dump_at_work(place, plain):
    """It is in the environment, which only the same user may read, and not in the arguments."""
    look = (
        'case $1 in --version) exec "$real/pg_dump" --version;; esac\n'
        'tr "\\0" "\\n" </proc/$$/cmdline >"$place/arguments"\nstat --format=%a /proc/$$/environ >"$place/mode"\n'
        'printf %s "$PGPASSWORD" >"$place/password"\nexec "$real/pg_dump" "$@"\n'
    )
    assert dump(place, url(plain, OWN), environment=place.stand_in(pg_dump=look)).code == PASSED
    assert (place.directory / "password").read_text() == PASSWORD
    assert PASSWORD not in (place.directory / "arguments").read_text()
    assert "ss/w" not in (place.directory / "arguments").read_text()
    assert (place.directory / "mode").read_text() == "400\n"


# --- what is ready to copy --------------------------------------------------------------------------

SCENARIOS = sorted((ROOT / "scenarios").rglob("*.yaml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenarios_have_no_problem(place, path):
    run = place.run("lint", path, environment={"DATABASE_URL": "postgresql://h/d"})
    assert run.code == PASSED and "warning" not in run.err, str(run)


def test_there_is_a_scenario_for_each_host():
    assert {path.stem for path in SCENARIOS} >= {"bugspark", "render", "neon", "supabase"}


SUPABASE_OWN = """
create schema auth; create schema storage; create schema graphql; create schema vault; create schema extensions;
create table auth.users(id int primary key); insert into auth.users values (1);
create table storage.objects(id int references auth.users); insert into storage.objects values (1);
create role anon; create role authenticated;
create policy seen on users for select to authenticated using (true);
alter table users enable row level security;
create extension "uuid-ossp" schema extensions;
create function extensions.watch() returns event_trigger language plpgsql as
  $$ begin perform graphql.no_such_function(); end $$;
create table profiles(id uuid default extensions.uuid_generate_v4(), name text);
insert into profiles(name) values ('one');
create publication supabase_realtime;
create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.watch();
"""


@pytest.mark.often("neon", "self")
@pytest.mark.parametrize("host, name", [("render", RENDER), ("neon", NEON_POOLER), ("supabase", SUPABASE), ("self", OWN)])
def test_scenarios_dump_and_verify(place, tls, host, name):
    database = f"bugspark_{host}"
    tls.load_bugspark(database)
    if host == "supabase":
        tls.sql(SUPABASE_OWN, database)
    path = ROOT / ("scenarios/bugspark.yaml" if host == "self" else f"scenarios/hosts/{host}.yaml")
    environment = {"DATABASE_URL": url(tls, name, database=database)}
    made = place.run("dump", path, environment=environment)
    assert made.code == PASSED, str(made)
    run = place.verify(path, environment=environment)
    assert run.code == PASSED, str(run) + str(run.reports()[0].text)
