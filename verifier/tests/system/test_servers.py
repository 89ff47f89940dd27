"""Proves restoring into a server that the user names: a database of our own is made there and dropped,
also by the next run after a SIGKILL; what stands in the way is an error that says what; and nobody else's
databases are touched. And that passwords go nowhere."""

import os
import re
import signal
import threading

import pytest

import servers
from running import CANNOT_VERIFY, PASSED, PROGRAM, ended, processes, wait_until

SCENARIO = "tables:\n  users:\n    - row_count >= 1\n"
RESTORES = "backup restores"
# Its own in each pytest worker: some tests watch every process, those of others among them.
MARK = f"s3cret{os.getpid()}"
SECRET = f"{MARK}-of-the-test/with:odd@characters%"


@pytest.fixture(scope="module")
def guarded(base):
    """A server that asks for a password on the loopback device."""
    server = servers.Server(base / "guarded", password=SECRET)
    try:
        secret = SECRET.replace("'", "''")
        server.sql(f"alter role postgres password '{secret}'")
        server.sql(f"create role poor login password '{secret}'")
        server.sql(f"create role maker login createdb password '{secret}'")
        server.sql(f"create role runner login createdb password '{secret}'; grant pg_execute_server_program to runner")
        server.sql("create database innocent; create database restore_verifier_of_somebody")
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("by", ["option", "scenario"])
def test_a_server_of_ones_own(place, good, guarded, by):
    place.put(good.gz)
    before = guarded.databases()
    # By the least role that can do it, and by one whose trust was asked for.
    if by == "option":
        run = place.verify("--server", guarded.tcp_url(user="maker"), place.scenario(SCENARIO))
    else:
        scenario = place.scenario("restore:\n  server: ${SERVER}\n  trust: true\n" + SCENARIO)
        run = place.verify(scenario, environment={"SERVER": guarded.tcp_url()})
    assert run.code == PASSED, str(run)
    says = "maker, with whose rights" if by == "option" else "a superuser's, so it can do there whatever"
    assert says in run.report().properties["server.restored_as"] and "with whose rights" in run.err
    assert guarded.databases() == before, "the guest database was not dropped"
    assert re.fullmatch(r"restore_verifier_\d+_[0-9a-f]{8}", run.report().properties["server.database"])


@pytest.mark.parametrize("user, words", [("postgres", "is a superuser"), ("runner", "is a member of pg_execute_server_program")])
def test_a_user_with_whose_rights_a_backup_could_do_anything(place, good, guarded, user, words):
    place.put(good.gz)
    before = guarded.databases()
    place.expect("error", RESTORES, [f"the user {user} ", words, "CREATEDB", "`trust: true`"], "--server", guarded.tcp_url(user=user), place.scenario(SCENARIO))
    assert guarded.databases() == before


def test_a_failing_check_drops_the_database_too(place, good, guarded):
    place.put(good.gz)
    before = guarded.databases()
    run = place.verify("--server", guarded.tcp_url(user="maker"), place.scenario("tables:\n  users:\n    - row_count >= 1000000\n"))
    assert run.code == 1, str(run)
    assert guarded.databases() == before


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda url: url.replace("127.0.0.1", "nowhere.invalid"), ["nowhere.invalid"]),
        (lambda url: re.sub(r":\d+/", f":{servers.free_port()}/", url), ["refused"]),
        (lambda url: url.replace(MARK, "wrong"), ["password authentication failed"]),
        (lambda url: re.sub(r"postgres:[^@]*@", "postgres@", url), ["password"]),
        (lambda url: url.replace("//postgres:", "//poor:"), ["CREATEDB", "right to create databases"]),
        (lambda url: url.replace("//postgres:", "//ghost:"), ["ghost"]),
        (lambda url: url.replace("/postgres", "/no_such_database", 2).replace("//no_such_database", "//postgres"), ["no_such_database"]),
        (lambda url: "mysql://root@localhost/shop", ["must begin with postgresql://"]),
        (lambda url: "postgresql://%zz@/x", []),
    ],
    ids=["unknown host", "closed port", "wrong password", "no password", "no right", "unknown role", "no database", "mysql", "no url"],
)
def test_a_server_that_cannot_be_used(place, good, guarded, change, words):
    place.put(good.gz)
    url = change(guarded.tcp_url())
    assert url != guarded.tcp_url()
    run = place.expect("error", RESTORES, words, "--server", url, place.scenario(SCENARIO))
    assert run.report()["backup is intact"].verdict == "pass"
    for text in (run.out, run.err, run.report().text):
        assert "s3cret" not in text and "wrong-of-the-test" not in text


HANG = 'touch "$place/tmp/reached"; exec sleep 600\n'


def held(place, guarded, *arguments):
    place.tmp.chmod(0o777)
    running = place.start("verify", "--reports", place.reports, "--server", guarded.tcp_url(user="maker"), *arguments, place.scenario(SCENARIO),
                          environment=place.stand_in(pg_restore='case $1 in --version) exec "$real/pg_restore" --version;; esac\n' + HANG))
    wait_until(lambda: (place.tmp / "reached").exists() or running.process.poll() is not None, "the restore")
    assert running.process.poll() is None, running.said()
    return running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_drops_its_database(place, good, guarded, number):
    place.put(good.gz)
    before = guarded.databases()
    with ended(held(place, guarded)) as running:
        assert len(guarded.databases()) == len(before) + 1
        running.signal(number)
        run = running.wait(20)
    assert run.code == CANNOT_VERIFY
    assert guarded.databases() == before
    assert "interrupted" in run.report()[RESTORES].message


def test_the_next_run_drops_what_a_killed_one_left(place, good, guarded):
    place.put(good.gz)
    before = guarded.databases()
    with ended(held(place, guarded)) as running:
        running.signal(signal.SIGKILL)
        running.process.wait()
    wait_until(lambda: not guarded.sql("select 1 from pg_stat_activity where usename = 'maker'"), "its connections to end")
    assert len(guarded.databases()) == len(before) + 1
    run = place.verify("--server", guarded.tcp_url(user="maker"), place.scenario(SCENARIO))
    assert run.code == PASSED, str(run)
    assert guarded.databases() == before, "and neither `innocent` nor another's database is gone"


def test_a_run_leaves_the_database_of_another_that_is_alive(place, good, guarded):
    place.put(good.gz)
    with ended(held(place, guarded)) as running:
        now = guarded.databases()
        run = place.verify("--server", guarded.tcp_url(user="maker"), place.scenario(SCENARIO), leaves_nothing=False)
        assert run.code == PASSED, str(run)
        assert guarded.databases() == now
        running.signal(signal.SIGTERM)
        running.wait(20)


def test_a_kept_database_on_a_server(place, good, guarded):
    place.put(good.gz)
    before = guarded.databases()
    run = place.verify("--keep", "--server", guarded.tcp_url(user="maker"), place.scenario(SCENARIO), leaves_nothing=False)
    assert run.code == PASSED, str(run)
    kept = guarded.databases() - before
    try:
        assert len(kept) == 1
        assert next(iter(kept)) in run.err and "psql" in run.err and "s3cret" not in run.err
        # The next run removes what a killed one left, and this is not that.
        assert place.verify("--server", guarded.tcp_url(user="maker"), place.scenario(SCENARIO)).code == PASSED
        assert guarded.databases() - before == kept
    finally:
        for name in guarded.databases() - before:
            guarded.drop(name)


# --- passwords ----------------------------------------------------------------------------------------


class Watch(threading.Thread):
    """Looks at the arguments of all processes, as often as it can, for a secret."""

    def __init__(self, secrets):
        super().__init__(daemon=True)
        self.secrets = secrets
        self.ended = threading.Event()
        self.seen = set()
        self.looks = 0
        self.programs = set()
        self.own = os.getpid()

    def run(self):
        while not self.ended.is_set():
            self.looks += 1
            for pid, (_, _, _, arguments) in processes().items():
                if pid == self.own:
                    continue
                self.programs.add(arguments.split(" ")[0].rpartition("/")[2])
                # What the user wrote in the arguments is his own affair; the test gives it otherwise.
                if any(secret in arguments for secret in self.secrets):
                    self.seen.add(arguments)


@pytest.mark.often("key=value")
@pytest.mark.parametrize("form", ["postgresql", "postgresql+asyncpg", "key=value"])
def test_a_password_goes_nowhere(place, good, guarded, form):
    """With the URL in the environment: neither output nor reports nor the arguments of any process hold
    it, in a run that passes and in one that fails."""
    place.put(good.gz)
    server = guarded.tcp_url(user="maker")
    if form == "key=value":
        source = f"host=127.0.0.1 port={guarded.port} user=postgres dbname=to_dump password='{SECRET}'"
    else:
        source = guarded.tcp_url("to_dump", scheme=form)
    secrets = [MARK, "odd@characters", "odd%40characters"]
    assert all(any(secret in url for secret in secrets) for url in (source, server))
    guarded.create("to_dump", "create table t as select 1 as x")
    watch = Watch([MARK])
    watch.start()
    try:
        texts = []
        # Two, because `verify` refuses to restore into the source's own server.
        scenario = place.scenario("restore:\n  server: ${SERVER}\n" + SCENARIO)
        dumped = place.scenario("source:\n  database: ${SOURCE}\n", name="dumped", pattern="dumped_%Y%m%d.dump.gz")
        # One that works, and two that do not.
        for url in (server, server.replace(f":{guarded.port}/", f":{servers.free_port()}/"), server.replace("//maker", "//ghost")):
            environment = {"SERVER": url, "SOURCE": source}
            run = place.verify("--verbose", "--format", "json", scenario, environment=environment)
            assert run.code == (PASSED if url == server else CANNOT_VERIFY), str(run)
            texts += [run.out, run.err, run.report().text]
        dump = place.run("dump", "--force", "--verbose", dumped, environment=environment)
        assert dump.code == PASSED, str(dump)
        refused = place.run("dump", "--force", dumped, environment={**environment, "SOURCE": source.replace("s3cret", "s3cretive")})
        assert refused.code == CANNOT_VERIFY, str(refused)
        lint = place.run("lint", scenario, environment=environment)
        texts += [lint.out, lint.err, dump.out, dump.err, refused.out, refused.err]
    finally:
        watch.ended.set()
        watch.join()
        guarded.drop("to_dump")
    assert watch.looks > 20 and "restore-verifier" in watch.programs
    assert {"pg_dump", "pg_restore"} & watch.programs, "the watch is too slow to see anything"
    assert not watch.seen
    for text in texts:
        assert not any(secret in text for secret in secrets), text


def test_a_password_in_the_arguments_goes_no_further(place, good, guarded):
    """Given with --server it stands in the program's own arguments; no other process has it."""
    place.put(good.gz)
    watch = Watch([MARK])
    watch.start()
    try:
        run = place.verify("--server", guarded.tcp_url(user="maker"), place.scenario(SCENARIO))
    finally:
        watch.ended.set()
        watch.join()
    assert run.code == PASSED
    assert all(arguments.startswith(PROGRAM) for arguments in watch.seen), watch.seen
    assert "s3cret" not in run.out + run.err + run.report().text
