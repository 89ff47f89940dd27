"""Proves that evidence of a period says what the histories say, that it can be signed and checked, by OpenSSL as well, and that no
changed, lost or added line goes unseen."""

import hashlib
import json
import shutil
import subprocess
import time

import pytest

import nights
from running import BAD_BACKUP, CANNOT_VERIFY, PASSED
from test_page import Page, section_of

RED = {**nights.RED, "headline": "the backup is bad: it was cut off"}
JULY = 1782864000  # 2026-07-01


def line(day, **changes):
    """A run of a day of July, at 02:00."""
    began = JULY + (day - 1) * nights.DAY + 7200
    return nights.night(time.time() - began, **changes)


def july(**changes):
    """Days 3 to 28: red on the 5th and 6th, no sight on the 8th, nothing from the 10th to the 12th."""
    days = {4: {"contents_compared": True}, 5: RED, 6: {**RED, "headline": "no backup was found"}, 8: {"exit_code": 2, "headline": "no space left"}, 10: None, 11: None, 12: None}
    return [line(day, **days.get(day, {})) for day in range(3, 29) if days.get(day, {}) is not None]


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Desk:
    """A place with a history of July, keys, and what is made of them."""

    def __init__(self, place):
        self.place = place
        self.files = nights.write(place.directory / "n", {"shop": july()})
        self.history = place.directory / "n/backups/history/shop.jsonl"
        self.json = place.reports / "evidence-2026-07.json"
        self.signature = place.reports / "evidence-2026-07.json.sig"
        self.key, self.public = self.pair("ed25519", "key")

    def pair(self, algorithm, name, *options):
        key, public = self.place.directory / f"{name}.pem", self.place.directory / f"{name}.pub.pem"
        openssl("genpkey", "-algorithm", algorithm, "-out", key, *options)
        key.chmod(0o600)
        public.write_text(openssl("pkey", "-in", key, "-pubout"))
        return key, public

    def report(self, *arguments, code=PASSED):
        run = self.place.run("report", "--reports", self.place.reports, *arguments)
        assert run.code == code, str(run)
        return run

    def write(self, *arguments, period="2026-07", code=PASSED):
        return self.report("--evidence", period, *arguments, *self.files, code=code)

    def check(self, *arguments, code=PASSED, against=True):
        return self.report("--check", self.json, *arguments, *(self.files if against else []), code=code)

    def document(self):
        return json.loads(self.json.read_text())


@pytest.fixture
def desk(place):
    return Desk(place)


def test_what_it_says(desk):
    desk.write()
    document = desk.document()
    assert (document["format"], document["period"]) == ("restore-verifier evidence", {"name": "2026-07", "from": "2026-07-01", "to": "2026-07-31"})
    assert document["signed_by"] is None and not desk.signature.exists()
    shop = document["scenarios"][0]
    assert shop["nights"] == {"all": 31, "verified": 20, "red": 2, "could_not_look": 1, "missing": 8}
    assert shop["missing_nights"] == [
        {"from": "2026-07-01", "to": "2026-07-02", "before_first_run": True},
        {"from": "2026-07-10", "to": "2026-07-12", "before_first_run": False},
        {"from": "2026-07-29", "to": "2026-07-31", "before_first_run": False}]
    red, blind = shop["failures"]
    assert (red["kind"], red["runs"], red["headline"], red["last_headline"]) == ("red", 2, RED["headline"], "no backup was found")
    assert (red["from"], red["green_again"]) == ("2026-07-05T02:00:00Z", "2026-07-07T02:00:00Z") and blind["kind"] == "could not look"
    first = shop["runs"][0]
    assert first["backup"]["name"] == "shop_20260703.dump.gz" and first["rows"] == sum(nights.ROWS.values()) and first["verdict"] == "passed"
    assert [run.get("contents_compared", False) for run in shop["runs"][:3]] == [False, True, False]
    assert first["tables"] == {"public": nights.ROWS} and first["schema"]["TABLE"]["count"] == 15 and first["checks"]["passed"] == 9
    assert {control["name"].split(",")[0] for control in document["controls"]} == {
        "SOC 2 A1.3", "ISO/IEC 27001:2022 A.8.13", "DORA", "HIPAA"} and all(control["not_shown"] for control in document["controls"])
    assert "before the document was made" in " ".join(document["about"]["chain_does_not_prove"])
    # The chain, made again by its rule.
    link, digests = "0" * 64, [hashlib.sha256(text.encode()).hexdigest() for text in desk.history.read_text().splitlines()]
    for digest in digests:
        link = hashlib.sha256((link + digest).encode()).hexdigest()
    assert [run["line_sha256"] for run in shop["runs"]] == digests
    chain = shop["chain"]
    assert (chain["tail"], chain["head"]["sha256"], chain["last"]["sha256"], chain["previous"]) == (link, digests[0], digests[-1], None)
    page = Page((desk.place.reports / "evidence-2026-07.html").read_text(encoding="utf-8"))
    section = page.text(section_of(page, "shop"))
    for words in ("20 of 31 nights verified", "2026-07-10 to 2026-07-12", "no backup was found", "2026-07-07 02:00 UTC", "24,500 in 3 tables, compared value for value", link, "shop_20260703.dump.gz"):
        assert words in section, words
    assert hashlib.sha256(desk.json.read_bytes()).hexdigest() in page.text(page.root) and "HIPAA, 45 CFR 164.308(a)(7)" in page.text(page.root)
    assert not list(page.all("script")) and "default-src 'none'" in str(list(page.all("meta")))


# A period, and the first and last day, or words.
PERIODS = {
    "2026": ("2026-01-01", "2026-12-31"), "2026-Q3": ("2026-07-01", "2026-09-30"), "2026-07-05..2026-07-06": ("2026-07-05", "2026-07-06"),
    "2026-Q5": "is no period", "2026-13": "is no period", "2026-06-31..2026-07-02": "is no period", "2026-07-02..2026-07-01": "is no period",
    "../x": "is no period", "2099": "has not begun",
}


@pytest.mark.parametrize("period", PERIODS)
def test_a_period(desk, period):
    expected = PERIODS[period]
    if isinstance(expected, str):
        assert expected in desk.write(period=period, code=CANNOT_VERIFY).err
        assert not list(desk.place.reports.iterdir())
        return
    desk.write(period=period)
    document = json.loads((desk.place.reports / f"evidence-{period}.json").read_text())
    assert (document["period"]["from"], document["period"]["to"]) == expected
    runs = document["scenarios"][0]["runs"]
    assert len(runs) == (2 if ".." in period else 23)
    if ".." in period:  # What was red before and became green behind is told whole.
        assert document["scenarios"][0]["failures"][0]["green_again"] == "2026-07-07T02:00:00Z"
        assert document["scenarios"][0]["chain"]["previous"]["began"] == "2026-07-04T02:00:00Z"


def test_it_is_signed_and_checked(desk):
    desk.write("--sign", desk.key)
    said = desk.check("--key", desk.public).out
    assert said == f"signature: good, by the key {desk.public}\nshop: the history is as it was (23 lines)\n"
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", desk.public, "-outform", "DER"], capture_output=True).stdout
    assert desk.document()["signed_by"]["public_key_sha256"] == hashlib.sha256(der).hexdigest()
    openssl("pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", desk.public, "-in", desk.json, "-sigfile", desk.signature)
    # On the desk of who has no history, and of who has but copies.
    assert "shop: its history is not here" in desk.check("--key", desk.public, against=False).out
    assert "as it was" in desk.check("--key", desk.public, "--from", desk.place.directory / "n/backups", against=False).out
    assert desk.check("--key", desk.public, "--quiet").out == ""
    # One that OpenSSL made is as good.
    openssl("pkeyutl", "-sign", "-rawin", "-inkey", desk.key, "-in", desk.json, "-out", desk.signature)
    desk.check("--key", desk.public)
    desk.write()
    assert not desk.signature.exists(), "no signature of an earlier document stays"
    assert desk.check().out.startswith("signature: none\n")


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def drop_line(desk, number):
    lines = desk.history.read_text().splitlines(True)
    desk.history.write_text("".join(lines[:number] + lines[number + 1:]))


def another_key(desk):
    desk.pair("ed25519", "other")[1].replace(desk.public)


# What happens to the documents or the history, what check is given, its exit code, and words.
CHANGES = {
    "the document is changed": (lambda desk: edit(desk.json, '"verified": 20', '"verified": 22'), ["key"], 1, "the file was changed after it was signed"),
    "the document is cut": (lambda desk: desk.json.write_bytes(desk.json.read_bytes()[:900]), ["key"], 1, "the file was changed after it was signed"),
    "a digest is changed": (lambda desk: edit(desk.json, '"line_sha256": "', '"line_sha256": "0'), ["key"], 1, "shop: the chain in the document does not hold"),
    "another key": (another_key, ["key"], 1, "is not by this key"),
    "no signature": (lambda desk: desk.signature.unlink(), ["key"], 2, "there is no signature of "),
    "an empty signature": (lambda desk: desk.signature.write_bytes(b""), ["key"], 1, "does not fit"),
    "no key is named": (lambda desk: None, [], 2, "is signed, and the signature was not checked: name the public key with --key"),
    "the private key": (lambda desk: shutil.copy(desk.key, desk.public), ["key"], 2, "is a private key, and checking takes the public one"),
    "a key of another type": (lambda desk: desk.pair("RSA", "rsa", "-pkeyopt", "rsa_keygen_bits:1024")[1].replace(desk.public), ["key"], 2, "is of the type RSA"),
    "no key in it": (lambda desk: desk.public.write_text("nothing"), ["key"], 2, "there is no public key in"),
    "a line is changed": (lambda desk: edit(desk.history, "it was cut off", "it was not so"), ["key"], 1, "shop: changed in the history: 1 line, the first that of the run"),
    "a space is added": (lambda desk: edit(desk.history, "}\n", "} \n"), ["key"], 1, "shop: changed in the history"),
    "the first line is gone": (lambda desk: drop_line(desk, 0), ["key"], 1, "shop: gone from the history: 1 line"),
    "the last line is gone": (lambda desk: drop_line(desk, 22), ["key"], 1, "shop: gone from the history: 1 line"),
    "all is gone": (lambda desk: desk.history.unlink(), ["key"], 1, "shop: gone from the history: 23 lines"),
    "a line is added": (lambda desk: edit(desk.history, "", json.dumps(line(11)) + "\n"), ["key"], 1, "and not in the document: 1 line"),
    "a line of later is added": (lambda desk: edit(desk.history, "", json.dumps(nights.night(9)) + "\n"), ["key"], 0, "the history is as it was"),
    "the history cannot be read": (lambda desk: (desk.history.unlink(), desk.history.mkdir()), ["key"], 2, "shop: its history cannot be read"),
    "it is no evidence": (lambda desk: desk.json.write_text('{"format": "x", "version": 1}'), [], 1, "it does not say that it is a"),
    "there is no file": (lambda desk: desk.json.unlink(), ["key"], 2, "cannot open"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen(desk, name):
    change, arguments, code, words = CHANGES[name]
    desk.write("--sign", desk.key)
    desk.check("--key", desk.public)
    change(desk)
    run = desk.check(*(["--key", desk.public] if arguments else []), code=code)
    assert words in run.out + run.err, str(run)


# What is changed in a document that nobody signed, and what is said.
UNSIGNED = {
    "a verdict": ('"verdict": "red"', '"verdict": "passed"', "of 1 run it does not say what the history says, the first "),
    "an exit code": ('"exit_code": 2', '"exit_code": 0', "of 1 run it does not say what the history says"),
    "rows": ('"rows": ', '"rows": 1', "of 1 run it does not say what the history says"),
    "a key": ('"command": "verify",', "", "of 1 run it does not say what the history says"),
    "the nights": ('"verified": 20', '"verified": 23', "its nights or failures are not those of its runs"),
    "a missing night": ('"to": "2026-07-12"', '"to": "2026-07-11"', "its missing nights are not those of its runs"),
    "what came before the first run": ('"before_first_run": false', '"before_first_run": true', "its missing nights are not those of its runs"),
    "the programs": ('"programs": [', '"programs": ["restore-verifier 9",', "its programs or servers are not those of its runs"),
    "the servers": ('"servers": [', '"servers": ["99.1",', "its programs or servers are not those of its runs"),
    "the first line": ('"head": {', '"head": {"x": 1,', "its first and last lines are not those of its runs"),
    "a failure": ('"kind": "red"', '"kind": "could not look"', "its nights or failures are not those of its runs"),
}


@pytest.mark.parametrize("name", UNSIGNED)
def test_a_changed_document_without_signature(desk, name):
    old, new, words = UNSIGNED[name]
    desk.history.write_text(desk.history.read_text() + json.dumps(nights.night(9)) + "\n")
    desk.write()
    desk.history.write_text(desk.history.read_text() + json.dumps(nights.night(0)) + "\n")
    desk.check()
    edit(desk.json, old, new)
    run = desk.check(code=BAD_BACKUP)
    assert f"shop: the document was changed: {words}" in run.err, str(run)


# What every document says, and its name.
PREFACE = {
    "what it does not show": ('"does_not_show": [', '"shows_all": [', "its `about` is not what every document says"),
    "the controls": ('HIPAA', 'PCI DSS', "its `controls` is not what every document says"),
    "the period": ('"name": "2026-07"', '"name": "2026-Q3"', "its period is not the one that it is named after"),
}


@pytest.mark.parametrize("name", PREFACE)
def test_a_changed_preface_without_signature(desk, name):
    old, new, words = PREFACE[name]
    desk.write()
    desk.check()
    edit(desk.json, old, new)
    assert words in desk.check(code=BAD_BACKUP).err


def test_missing_nights_that_older_lines_do_not_excuse(desk):
    """Where older lines have gone since, nights before the first run may have become others; days may not."""
    desk.history.write_text(json.dumps(nights.night(time.time() - JULY + 30 * nights.DAY)) + "\n" + desk.history.read_text())
    desk.write()
    desk.check()
    desk.history.write_text("".join(desk.history.read_text().splitlines(True)[1:]))
    desk.check()
    edit(desk.json, '"from": "2026-07-10"', '"from": "2026-07-11"')
    assert "its missing nights are not those of its runs" in desk.check(code=BAD_BACKUP).err


def test_a_scenario_that_was_taken_out(desk):
    desk.files = nights.write(desk.place.directory / "two", {"shop": july(), "other": july()})
    desk.write()
    desk.check()
    desk.json.write_text(json.dumps({**desk.document(), "scenarios": desk.document()["scenarios"][:1]}))
    assert "other: not in the document, and its history has 23 lines of that period" in desk.check(code=BAD_BACKUP).err
    desk.files.pop()
    desk.check()


def test_a_document_of_another_version(desk):
    desk.write()
    edit(desk.json, '"program": "restore-verifier 0', '"program": "restore-verifier 99')
    edit(desk.json, '"command": "verify",', "")
    edit(desk.json, '"missing": 8', '"missing": 8, "other": 1')
    desk.check()
    edit(desk.json, '"verdict": "red"', '"verdict": "passed"')
    desk.check(code=BAD_BACKUP)


def test_without_anything_to_hold_it_against(desk):
    desk.write()
    assert "there is nothing that" in desk.check(against=False, code=CANNOT_VERIFY).err


def lock(key):
    locked = key.with_suffix(".locked")
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", locked)
    locked.chmod(0o600)
    locked.replace(key)


# What is wrong with the key that is to sign, and what is said.
KEYS = {
    "open to others": (lambda desk: desk.key.chmod(0o640), "is open to others than its owner: chmod 600"),
    "of another type": (lambda desk: desk.pair("RSA", "rsa", "-pkeyopt", "rsa_keygen_bits:1024")[0].replace(desk.key), "is of the type RSA, and evidence is signed with Ed25519"),
    "with a passphrase": (lambda desk: lock(desk.key), "has a passphrase"),
    "a public one": (lambda desk: desk.key.write_text(desk.public.read_text()), "there is no private key in"),
    "not there": (lambda desk: desk.key.unlink(), "cannot open"),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_cannot_sign(desk, name):
    change, words = KEYS[name]
    change(desk)
    assert words in desk.write("--sign", desk.key, code=CANNOT_VERIFY).err
    assert not list(desk.place.reports.iterdir()), "nothing is written that looks signed"


def test_a_scenario_without_history(desk):
    desk.files.append(desk.place.scenario(name="none", history="none"))
    assert "none: the history cannot be read: the scenario keeps no history" in desk.write("--sign", desk.key, code=CANNOT_VERIFY).err
    assert "keeps no history" in next(one for one in desk.document()["scenarios"] if one["scenario"] == "none")["problem"]
    assert "none: its history was not read then either, and was not compared" in desk.check("--key", desk.public).out


def test_options_that_do_not_go_together(desk):
    assert "--sign is about --evidence" in desk.report("--sign", desk.key, *desk.files, code=CANNOT_VERIFY).err
    assert "--key is about --check" in desk.report("--key", desk.public, *desk.files, code=CANNOT_VERIFY).err
    assert "--check goes with neither" in desk.report("--check", "x", "--evidence", "2026", code=CANNOT_VERIFY).err


def test_a_history_that_is_shortened_keeps_its_lines(desk, good):
    """What `history_keep` makes of a history: old lines go, the others stay as they were, byte for byte."""
    place = desk.place
    path = place.scenario(history=None) + ""
    with open(path, "a", encoding="utf-8") as file:
        file.write("history_keep: 10d\n")
    history = place.backups / "history/bugspark.jsonl"
    history.parent.mkdir()
    kept = json.dumps(nights.night(nights.DAY), indent=None, separators=(" , ", " : "))
    history.write_text(json.dumps(nights.night(20 * nights.DAY)) + "\n" + kept + "\n")
    place.put(good.gz)
    assert place.verify(path).code == PASSED
    first, second = history.read_text().splitlines()
    assert first == kept and json.loads(second)["command"] == "verify"


def test_of_directories(desk):
    """Evidence of what several machines left, where one never came."""
    other = desk.place.scenario(name="never")
    run = desk.report("--evidence", "2026-07", "--from", desk.place.directory / "n/backups", *desk.files, other, code=CANNOT_VERIFY)
    assert "never: no run of it is in any of these directories" in run.err
    never, shop = sorted(desk.document()["scenarios"], key=lambda scenario: scenario["scenario"])
    assert "no run of it" in never["problem"] and never["nights"]["missing"] == 31 and shop["nights"]["verified"] == 20
