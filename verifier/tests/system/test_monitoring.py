"""The rules and the board of scripts/monitoring, against Prometheus itself and what `report --metrics` writes."""

import json
import re
import shutil
import socket
import subprocess
import urllib.request

import nights
import pytest
import running
from running import PASSED

MONITORING = running.ROOT / "scripts/monitoring"
RULES = MONITORING / "restore-verifier.rules.yml"


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """promtool and prometheus. Debian's package would start a server when it is installed, so it is only unpacked."""
    installed = shutil.which("promtool"), shutil.which("prometheus")
    if all(installed):
        return installed
    directory = tmp_path_factory.mktemp("prometheus")
    directory.chmod(0o777)  # apt-get gives up root for what it fetches
    for command in (["apt-get", "download", "prometheus"], ["sh", "-c", "dpkg-deb -x prometheus_*.deb ."]):
        subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=300)
    return str(directory / "usr/bin/promtool"), str(directory / "usr/bin/prometheus")


def written_metrics(place):
    path = place.directory / "night.prom"
    files = nights.write(place.directory, {name: nights.STORIES[name][0]() for name in ("healthy", "corrupt")})
    assert place.run("report", "--reports", place.reports, "--metrics", path, *files).code == PASSED
    return path.read_text(encoding="utf-8")


def expressions():
    board = json.loads((MONITORING / "grafana.json").read_text(encoding="utf-8"))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def test_only_metrics_that_are_written(place):
    written = set(re.findall(r"^# TYPE (\S+)", written_metrics(place), re.MULTILINE))
    rules = RULES.read_text(encoding="utf-8")
    rules = rules[rules.index("groups:"):]
    for text in (rules, *expressions()):
        named = set(re.findall(r"\brestore_verifier_[a-z_]+", text))
        assert named and named <= written, named - written


@pytest.mark.slow  # fetches a package where it is not installed
def test_prometheus_takes_them(place, programs):
    promtool, prometheus = programs
    check = subprocess.run([promtool, "check", "metrics"], input=written_metrics(place), text=True, capture_output=True, check=False)
    assert check.returncode == 0 and not check.stderr, check.stderr
    tested = subprocess.run([promtool, "test", "rules", str(RULES).replace(".rules.", ".rules-test.")], text=True, capture_output=True, check=False)
    assert tested.returncode == 0, tested.stderr
    # The board's queries, as rules, since promtool checks those.
    queries = place.directory / "board.json"
    queries.write_text(json.dumps({"groups": [{"name": "board", "rules": [
        {"record": f"board:{index}", "expr": expression.replace("$scenario", ".*")} for index, expression in enumerate(expressions())]}]}))
    config = place.directory / "prometheus.json"
    config.write_text(json.dumps({"rule_files": [str(RULES), str(queries)]}))
    checked = subprocess.run([promtool, "check", "config", config], text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(place.directory / "prometheus.log", "w", encoding="utf-8") as log, subprocess.Popen(
            [prometheus, f"--config.file={config}", f"--storage.tsdb.path={place.directory}/data", f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log) as server:
        def groups():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/rules", timeout=10) as answer:
                    return json.load(answer)["data"]["groups"]
            except OSError:
                assert server.poll() is None
                return None
        try:
            loaded = running.wait_until(groups, "Prometheus")
        finally:
            server.terminate()
    counts = {group["name"]: len(group["rules"]) for group in loaded}
    assert counts == {"restore-verifier": RULES.read_text().count("- alert:"), "board": len(expressions())}
