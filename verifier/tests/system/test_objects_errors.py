"""An error says which it is and what to do, and holds no secret."""
import datetime
import ssl
import subprocess
import time
from email.utils import formatdate

import pytest

from s3_client import S3
from s3_fixtures import PLAIN, content_of
from s3_proxy import Proxy

REAL = [
    ("ceph", {"secret_key": "a-wrong-secret"}, "the secret key is wrong"),
    ("swift", {"secret_key": "a-wrong-secret"}, "the secret key is wrong"),
    ("ceph", {"access_key": "NOBODY"}, "does not know the access key"),
    ("ceph", {"access_key": "ASIANOBODY"}, "a temporary one, which needs S3_SESSION_TOKEN"),
    ("ceph", {"bucket": "s3://nowhere"}, "there is no bucket `nowhere`"),
    ("swift", {"bucket": "s3://nowhere"}, "there is no bucket `nowhere`"),
    ("swift", {"region": "eu-nowhere"}, "the region is us-east-1, not eu-nowhere"),
    ("ceph", {"endpoint": "http://127.0.0.1:1"}, "cannot be talked to"),
    ("ceph", {"endpoint": "http://no.such.host.invalid"}, "there is no host no.such.host.invalid"),
    ("ceph", {"access_key": None, "secret_key": None}, "there are no keys"),
]


@pytest.mark.parametrize("store,fields,words", REAL)
def test_errors_of_real_stores(request, make_copy, store, fields, words):
    store = request.getfixturevalue(store)
    store.proxy.reset()
    fields = {"secret_key": store.secret_key, **fields}
    if fields["secret_key"] is None:
        fields["secret_key"] = ""
        copy = make_copy(store, "plain", **{**fields, "secret_key": "x", "access_key": "x"})
        text = copy.scenario.read_text().replace('  access_key: "x"\n', "").replace(
            '  secret_key: "x"\n', "")
        copy.scenario.write_text(text)
    else:
        copy = make_copy(store, "plain", **fields)
    began = time.monotonic()
    run = copy.sync("--dry-run")
    assert run.code == 2 and words in run.errors, run.errors
    assert time.monotonic() - began < 10
    assert run.errors.count("\n") == 1


def refuse(status, code, *headers, more=b""):
    def fault(_number, _request, answer):
        answer.headers = [pair for pair in answer.headers if pair[0].lower() != "date"]
        answer.replace(status, b"<Error><Code>" + code + b"</Code>" + more + b"</Error>", *headers)
    return fault


def refuse_as_late(*request_and_answer):
    refuse(403, b"RequestTimeTooSkewed", ("Date", formatdate(usegmt=True)))(*request_and_answer)


TOLD = [
    (refuse(403, b"AccessDenied"), "the access key needs the rights s3:ListBucket"),
    (refuse(403, b"ExpiredToken"), "has expired"),
    (refuse(403, b"RequestTimeTooSkewed",
            ("Date", "Fri, 24 May 2013 00:00:00 GMT")), "ahead of the store's: set it"),
    (refuse(403, b"RequestTimeTooSkewed"), "the clock of this machine is wrong"),
    (refuse_as_late, "its clock is this machine's"),
    (refuse(403, b"QuotaExceeded"), "its quota, or the store, is full"),
    (refuse(400, b""), "the endpoint begins with https://"),
    (refuse(301, b"PermanentRedirect", ("x-amz-bucket-region", "us-east-1")), "region"),
    (refuse(404, b"NoSuchBucket"), "there is no bucket"),
    (refuse(403, b""), "the keys may be wrong"),
    (refuse(302, b""), "is the endpoint right?"),
    (refuse(403, b"Odd", more=b" " * (1 << 21)), "an answer longer than any it may have"),
    (refuse(403, b"Odd\x1b[31m", more=b"<Message>line\nbreak</Message>"), "403"),
]


@pytest.mark.parametrize("fault,words", TOLD)
def test_errors_that_stores_tell(ceph, make_copy, fault, words):
    ceph.proxy.reset(fault)
    run = make_copy(ceph, "plain").sync("--dry-run")
    assert run.code == 2 and words in run.errors, run.errors
    assert "\x1b" not in run.errors and run.errors.count("\n") == 1
    assert ceph.proxy.passed < 4


def test_a_store_that_repeats_secrets_is_not_quoted(ceph, make_copy):
    def repeat(_number, request, answer):
        token = dict((name.lower(), value) for name, value in request.headers)["x-amz-security-token"]
        answer.replace(403, b"<Error><Code>Odd</Code><Message>" + token.encode() + b"</Message></Error>")
    ceph.proxy.reset(repeat)
    copy = make_copy(ceph, "plain")
    text = "".join(line for line in copy.scenario.read_text().splitlines(True) if "_key:" not in line)
    copy.scenario.write_text(text)
    run = copy.sync("--dry-run", S3_ACCESS_KEY="AK", S3_SECRET_KEY="hidden-secret",
                    S3_SESSION_TOKEN="hidden-token")
    assert run.code == 2 and "hidden" not in run.errors and "Odd" in run.errors


def test_a_token_goes_with_its_keys(ceph, make_copy):
    """Also when the scenario takes the keys over from the environment, as the README's does."""
    def token_of(request):
        return {name.lower(): value for name, value in request.headers}.get("x-amz-security-token")
    copy = make_copy(ceph, "plain")
    for access_key, token in ((ceph.access_key, "temporary"), ("ANOTHER", None)):
        ceph.proxy.reset()
        copy.sync("--dry-run", S3_ACCESS_KEY=access_key, S3_SECRET_KEY=ceph.secret_key, S3_SESSION_TOKEN="temporary")
        assert {token_of(request) for request in ceph.proxy.seen} == {token}


def test_a_region_that_was_guessed_is_taken_from_the_answer(swift, make_copy):
    """Swift refuses every region but its own."""
    swift.proxy.reset()
    run = make_copy(swift, "plain").sync("--dry-run", HOME="/nonexistent")
    assert run.code == 0, run.errors


def test_a_region_that_an_answer_names(ceph, make_copy):
    def ask_for(_number, request, answer):
        if "/eu-here/s3/" not in dict(request.headers)["Authorization"]:
            answer.replace(400, b"<Error><Code>AuthorizationHeaderMalformed</Code>"
                                b"<Region>eu-here</Region></Error>")
    ceph.proxy.reset(ask_for)
    assert make_copy(ceph, "plain").count() == len(PLAIN)
    assert make_copy(ceph, "plain", region="eu-there").count() is None


def test_virtual_hosts(ceph, make_copy):
    copy = make_copy(ceph, "plain", endpoint=f"http://plain.localhost:{ceph.port}")
    assert copy.count() == len(PLAIN)


@pytest.mark.parametrize("name, named", [("http_proxy", True), ("ALL_PROXY", True), ("https_proxy", False)])
def test_a_proxy_that_is_not_there(ceph, make_copy, name, named):
    ceph.proxy.reset()
    run = make_copy(ceph, "few").sync("--dry-run", **{name: "http://user:hidden@127.0.0.1:1"})
    assert run.code == (2 if named else 0), run.errors
    assert not named or "names a proxy" in run.errors
    assert "hidden" not in run.errors


def test_an_endpoint_with_a_path(ceph, make_copy):
    """As Supabase has one: https://PROJECT.storage.supabase.co/storage/v1/s3. It belongs to what is signed."""
    signer = S3(ceph.proxy.port, ceph.access_key, ceph.secret_key)

    def strip(request):
        path, _, query = request.target.partition("?")
        headers = {name.lower(): value for name, value in request.headers}
        when = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
        wanted = signer.sign(request.method, path, query, b"", when)["authorization"]
        assert headers["authorization"].endswith(wanted[wanted.index("Signature="):])
        again = ceph.client.sign(request.method, path.removeprefix("/storage/v1/s3"), query, b"", when)
        request.target = request.target.removeprefix("/storage/v1/s3")
        request.headers = [("Host", again.pop("host")), *again.items()]

    ceph.proxy.reset(rewrite=strip)
    copy = make_copy(ceph, "few", endpoint=ceph.proxy.endpoint + "/storage/v1/s3/")
    run = copy.sync()
    assert run.code == 0, run.errors
    assert copy.held() == {key: content_of(key) for key in PLAIN[:8]}
    run = make_copy(ceph, "few", endpoint=ceph.proxy.endpoint + "/few").sync()
    assert run.code == 2 and "ends with the bucket's name" in run.errors


def test_keys_from_the_environment_and_from_profiles(ceph, make_copy):
    ceph.proxy.reset()
    copy = make_copy(ceph, "plain")
    text = "".join(line for line in copy.scenario.read_text().splitlines(True)
                   if "_key:" not in line and "endpoint:" not in line)
    copy.scenario.write_text(text)
    pair = ceph.access_key, ceph.secret_key
    assert copy.count(S3_ACCESS_KEY=pair[0], S3_SECRET_KEY=pair[1],
                      S3_ENDPOINT_URL=ceph.endpoint) == len(PLAIN)
    assert copy.count(AWS_ACCESS_KEY_ID=pair[0], AWS_SECRET_ACCESS_KEY=pair[1],
                      AWS_ENDPOINT_URL=ceph.endpoint) == len(PLAIN)
    (copy.directory / ".aws").mkdir()
    (copy.directory / ".aws/credentials").write_text(
        f"[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n"
        f"[work]\naws_access_key_id = {pair[0]}\naws_secret_access_key = {pair[1]}\n")
    (copy.directory / ".aws/config").write_text(f"[profile work]\nendpoint_url = {ceph.endpoint}\n")
    assert copy.count(AWS_PROFILE="work") == len(PLAIN)
    assert copy.count(AWS_ENDPOINT_URL=ceph.endpoint) is None


def make_certificate(directory):
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                    certificate], check=True, capture_output=True)
    return certificate, key


OWN = "name its authority's file in S3_CA_FILE"


def test_certificates(ceph, make_copy, s3_base):
    certificate, key = make_certificate(s3_base)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    proxy = Proxy(ceph.port, context)

    def said(endpoint, authorities=None):
        run = make_copy(ceph, "plain", endpoint=endpoint).sync("--dry-run", **({"S3_CA_FILE": str(authorities)} if authorities else {}))
        assert run.code == 2 or run.result["bucket"]["object_count"] == len(PLAIN)
        return run.errors

    try:
        assert said(proxy.endpoint, certificate) == ""
        assert "certificate" in said(proxy.endpoint) and OWN in said(proxy.endpoint)
        other_host = said(proxy.endpoint.replace("127.0.0.1", "localhost"), certificate)
        assert "'localhost'" in other_host and OWN not in other_host
        for no_certificates in ("/nonexistent.pem", key):
            assert f"{no_certificates} holds no certificates to trust" in said(proxy.endpoint, no_certificates)
        assert "begins with https://" in said(proxy.endpoint.replace("https:", "http:"))
        assert "begins with http://" in said(ceph.endpoint.replace("http:", "https:"))
    finally:
        proxy.stop()


def test_without_an_endpoint_it_is_amazons(ceph, make_copy):
    """What is unknown there may be well known in the store that was meant."""
    run = make_copy(ceph, "plain", endpoint=None).sync("--dry-run", https_proxy="")
    assert run.code == 2 and "plain.s3.us-east-1.amazonaws.com" in run.errors and "no endpoint is given" in run.errors


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("location, told", [("https://s3.example.com:8443/plain?x=hidden", "https://s3.example.com:8443:"),
                                            ("https://user:hidden@host/", "is the endpoint right?"), ("/hidden", "is the endpoint right?")])
def test_a_server_that_wants_us_elsewhere(ceph, make_copy, status, location, told):
    """As a web server in front of a store answers to plain HTTP: nothing of it is about a region."""
    def redirect(_number, _request, answer):
        answer.replace(status, b"<html><body>Moved</body></html>", ("Location", location))
    ceph.proxy.reset(redirect)
    run = make_copy(ceph, "plain").sync("--dry-run")
    assert run.code == 2 and told in run.errors and "region" not in run.errors and "hidden" not in run.errors, run.errors
    assert ceph.proxy.passed < 3
