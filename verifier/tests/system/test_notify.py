"""Proves that those whom a scenario names are told what a run came to, once, and that neither a server that does not answer nor a
command that fails changes a verdict or gives a secret away."""

import http.server
import json
import socket
import threading

import pytest

from running import BAD_BACKUP, CANNOT_VERIFY, PASSED

SECRET = "T0KEN5ecret"


class Hook(http.server.ThreadingHTTPServer):
    """A server that notes what it is asked, and answers as it is told; None: not at all."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.answers, self.over = [], [], threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/{SECRET}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def end(self):
        self.over.set()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.asked.append((self.command, self.path, self.headers.get("Content-Type"), body))
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status is None:
            self.server.over.wait()
            return
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    server = Hook()
    yield server
    server.end()


def notify(place, name="bugspark", body="", **keys):
    lines = "".join(f"  {key}: {value}\n" for key, value in keys.items())
    return place.scenario(f"notify:\n{lines}{body}", name=name)


def gives_nothing_away(place, run):
    told = run.out + run.err + "".join(path.read_text() for path in place.reports.iterdir() if path.is_file())
    assert SECRET not in told


def test_a_ping(place, good, hook):
    place.put(good.gz)
    path = notify(place, success="${PING}", failure="${PING}/fail")
    run = place.verify(path, environment={"PING": hook.url})
    assert run.code == PASSED and hook.asked == [("GET", f"/{SECRET}", None, "")], str(run)
    for options in (["--no-notify"], ["--only", "backup*"], ["--backup", good.gz]):
        assert place.verify(*options, path, environment={"PING": hook.url}).code == PASSED
    assert len(hook.asked) == 1, "nobody is told of these"
    for backup in place.backups.iterdir():
        backup.unlink()
    run = place.verify(path, environment={"PING": hook.url})
    assert run.code == BAD_BACKUP and len(hook.asked) == 2 and "warning" not in run.err
    method, path, kind, body = hook.asked[1]
    assert (method, path, kind) == ("POST", f"/{SECRET}/fail", "text/plain; charset=utf-8")
    assert body.startswith("FAIL bugspark: no backup was found: backup is recent: ")
    gives_nothing_away(place, run)


# What the server answers, how often it is asked, and what is said of it; nothing: nothing.
ANSWERS = {
    "a success": ([204], 1, None),
    "a fault that passes": ([500, 200], 2, None),
    "a fault that stays": ([500, 503], 2, "127.0.0.1 answered 503"),
    "too many at once": ([429, 200], 2, None),
    "a wrong address": ([404], 1, "127.0.0.1 answered 404"),
    "a redirect": ([302], 1, "127.0.0.1 answered 302, which leads elsewhere and is not followed"),
    "no answer": ([None, None], 2, "127.0.0.1 did not answer within 1.0 s"),
    "no answer at first": ([None, 200], 2, None),
}


@pytest.mark.often("a success", "a fault that passes", "a fault that stays", "too many at once", "a wrong address", "a redirect", "no answer at first")
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer(place, hook, name):
    answers, count, words = ANSWERS[name]
    hook.answers = list(answers)
    run = place.verify(notify(place, failure=hook.url, timeout="1s"))
    assert run.code == BAD_BACKUP and len(hook.asked) == count, str(run)
    assert {path for _, path, _, _ in hook.asked} == {f"/{SECRET}"}
    warning = run.report().properties.get("warning: notify")
    if words:
        assert f"restore-verifier: bugspark: warning: could not notify: {words}" in run.err and words in warning
    else:
        assert "could not notify" not in run.err and warning is None
    gives_nothing_away(place, run)


def test_a_host_that_is_not_there(place):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://user:{SECRET}@127.0.0.1:{unused.getsockname()[1]}/{SECRET}?a={SECRET}"
        run = place.verify(notify(place, failure=url), notify(place, "shop", failure=url))
    assert run.code == BAD_BACKUP and "bugspark: warning: could not notify: 127.0.0.1 could not be reached: " in run.err, str(run)
    assert "shop: warning: could not notify: 127.0.0.1 was not asked again" in run.err, "nobody waits twice"
    gives_nothing_away(place, run)


HOSTILE = '<!channel> & \\"x\\" </b> $${y}'
QUERY = f'queries:\n  - name: "{HOSTILE}"\n    sql: select 1\n    expect: = 2\n'
SHOWN = '<!channel> & "x" </b> ${y}'


def test_formats_and_a_hostile_name(place, good, hook):
    place.put(good.gz)
    got = place.directory / "got"
    command = f"[sh, -c, 'cat > {got}; test \"$TOKEN\" = {SECRET} && test -z \"$PING\"']"
    run = place.verify(notify(place, "one", QUERY, failure=hook.url, format="slack"), notify(place, "two", QUERY, failure=hook.url + "/j", format="json"),
                       notify(place, "three", QUERY, command=command, environment="{TOKEN: '${TOKEN}'}"), environment={"TOKEN": SECRET, "PING": "1"})
    assert run.code == BAD_BACKUP and "could not notify" not in run.err, str(run)
    slack, whole = (json.loads(body) for _, path, kind, body in sorted(hook.asked, key=lambda one: one[1]))
    assert set(slack) == {"text"} and slack["text"].startswith("FAIL one: the data is not as expected: ")
    assert '&lt;!channel&gt; &amp; "x" &lt;/b&gt; ${y}' in slack["text"] and "<" not in slack["text"]
    assert {kind for _, _, kind, _ in hook.asked} == {"application/json"}
    assert (whole["format"], whole["version"], whole["event"], whole["scenario"], whole["command"]) == ("restore-verifier notification", 1, "failure", "two", "verify")
    assert SHOWN in whole["headline"] and whole["exit_code"] == BAD_BACKUP and whole["backup"].startswith("bugspark_") and whole["checks"]["failed"] == 1
    assert json.loads(got.read_text()) == {**whole, "scenario": "three", "began": json.loads(got.read_text())["began"]}
    gives_nothing_away(place, run)


# A command that fails, and what is said.
COMMANDS = {
    "a code": ("[sh, -c, 'echo x >> tries; exit 3']", "the command sh: exited with code 3"),
    "not there": ("[no-such-program]", "no-such-program"),
    "no end": ("[sh, -c, 'echo x >> tries; sleep 60']", "the command sh: "),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_fails(place, name):
    command, words = COMMANDS[name]
    run = place.verify(notify(place, command=command, timeout="1s"))
    assert run.code == BAD_BACKUP and "could not notify: the command " in run.err and words in run.err, str(run)
    assert words in run.report().properties["warning: notify"]
    if "tries" in command:
        assert (place.directory / "tries").read_text() == "x\nx\n"


def test_a_night_tells_once(place, server, hook):
    path = notify(place, body=f"source:\n  database: {server.url('bugspark')!r}\n", success=hook.url, failure=hook.url, format="json")
    assert place.run("nightly", "--reports", place.reports, path).code == PASSED
    told = [json.loads(body) for _, _, _, body in hook.asked]
    assert [(one["event"], one["command"], one["headline"]) for one in told] == [("success", "nightly", "every check passed")] and told[0]["backup"]
    # The dump fails, and the backup that is there verifies.
    path = notify(place, body="source: {database: 'postgresql://127.0.0.1:9/x'}\n", success=hook.url, failure=hook.url, format="json")
    run = place.run("nightly", "--force", "--reports", place.reports, path)
    assert run.code == CANNOT_VERIFY and len(hook.asked) == 2, str(run)
    told = json.loads(hook.asked[1][3])
    assert (told["event"], told["exit_code"]) == ("failure", CANNOT_VERIFY) and told["headline"].startswith("dump: "), told
    assert place.run("nightly", "--force", "--no-notify", "--reports", place.reports, path).code == CANNOT_VERIFY and len(hook.asked) == 2
    hook.answers = [500, 500]
    run = place.run("nightly", "--force", "--reports", place.reports, path)
    assert run.code == CANNOT_VERIFY and "could not notify: 127.0.0.1 answered 500" in run.err
    assert "answered 500" in run.report().properties["warning: notify"]


def test_a_shard_of_a_night_tells_of_its_scenarios(place, hook):
    paths = [notify(place, name, failure=hook.url, format="json") for name in ("bugspark", "shop", "third")]
    for index in (1, 2):
        assert place.run("nightly", "--shard", f"{index}/2", "--reports", place.reports, *paths).code == BAD_BACKUP
    assert sorted(json.loads(body)["scenario"] for _, _, _, body in hook.asked) == ["bugspark", "shop", "third"]
