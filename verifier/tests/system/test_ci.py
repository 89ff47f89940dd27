"""Proves that what `scripts/ci` says is what each continuous integration runs: the steps are taken out of the files and run
as the runner would, in its shell, with its variables and nothing else, against a real database and a real bucket; once
with a good backup and once with a bad one. And that the files are what each of them takes, by its published schema."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

from running import BAD_BACKUP, CANNOT_VERIFY, PASSED, PROGRAM, ROOT, Report, today

CI = ROOT / "scripts/ci"
SECRETS = ["DATABASE_URL", "S3_ACCESS_KEY", "S3_SECRET_KEY"]
NOTHING = dict.fromkeys([*(f"secrets.{name}" for name in SECRETS), "vars.BACKUP_BUCKET", "vars.S3_ENDPOINT_URL"], "")
SCENARIO = "scenario: {name}\nsource: {{database: '${{DATABASE_URL}}'}}\nbackups: {{location: '${{BACKUP_DIR}}', name: '{name}_%Y%m%d.dump.gz'}}\n" \
           "tables: {{items: [row_count = {rows}]}}\n"


def load(name):
    return yaml.safe_load((CI / name).read_text())


def fill(text, given):
    """What stands between ${{ }} in a workflow; what nobody gave is a KeyError."""
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: given[found[1]], text)


# --- what each runs: (command with its shell, variables, where reports are to be found) -------------


def github_steps(given):
    """The action's steps as the workflow calls them: name -> (script, environment)."""
    action = load("action.yml")
    call = next(step for step in load("github.yml")["jobs"]["backup"]["steps"] if "with" in step)
    assert call["uses"].split("@")[0].endswith("/scripts/ci") and set(call["with"]) <= set(action["inputs"])
    inputs = {f"inputs.{name}": str(call["with"].get(name, value["default"])) for name, value in action["inputs"].items()}
    for step in action["runs"]["steps"]:
        assert "${{" not in step.get("run", ""), "what a stranger may write would be read as a script"
    around = {name: fill(value, given) for name, value in call["env"].items()}
    return {step["name"]: (step.get("run"), {**around, **{name: fill(value, inputs) for name, value in step.get("env", {}).items()}})
            for step in action["runs"]["steps"]}


def bash(script):
    return ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]


def github(place, secrets, variables):
    given = {f"secrets.{name}": value for name, value in secrets.items()} | {f"vars.{name}": value for name, value in variables.items()}
    script, environment = github_steps(given)["Run"]
    return bash(script), environment | {"RUNNER_TEMP": str(place.directory)}, "reports/*.xml"


def gitlab(_, secrets, variables):
    job = load("gitlab.yml")["nightly-backup"]
    known = secrets | variables
    more = {name: re.sub(r"\$(\w+)", lambda found: known[found[1]], value) for name, value in job["variables"].items()}
    assert job["artifacts"]["when"] == "always" and job["image"]["entrypoint"] == [""]
    return bash("\n".join(job["script"])), known | more, job["artifacts"]["reports"]["junit"]


def jenkins(_, secrets, variables):
    text = (CI / "Jenkinsfile").read_text()
    given = dict(re.findall(r"^ +(\w+) = (.+)$", text, re.MULTILINE))
    assert {name for name, value in given.items() if value.startswith("credentials(")} == set(SECRETS)
    assert set(given) == set(SECRETS) | set(where(variables))
    script = re.search(r"\bsh '(.*)'$", text, re.MULTILINE)[1]
    return ["sh", "-xec", script], secrets | where(variables), re.search(r"\bjunit '(.*)'$", text, re.MULTILINE)[1]


def where(variables):
    return {"BACKUP_DIR": f"s3://{variables['BACKUP_BUCKET']}/bugspark", "S3_ENDPOINT_URL": variables["S3_ENDPOINT_URL"]}


def container(name):
    """The container of a CronJob's pods, of which it is known that what it mounts is there."""
    spec = load(name)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (only,) = spec["containers"]
    assert {mount["name"] for mount in only["volumeMounts"]} == {volume["name"] for volume in spec["volumes"]}
    return only


def kubernetes(place, secrets, variables):
    """In the image's WORKDIR, by its ENTRYPOINT."""
    made = container("kubernetes.yaml")
    assert made["envFrom"] == [{"secretRef": {"name": "bugspark-backup"}}]
    arguments = [argument.replace("/scenarios/", f"{place.directory}/scenarios/") for argument in made["args"]]
    return ["restore-verifier", *arguments], secrets | where(variables), "reports/*.xml"


def buildkite(_, secrets, variables):
    (step,) = load("buildkite.yml")["steps"]
    assert step["secrets"] == SECRETS and set(step["env"]) == set(where(variables))
    return ["bash", "-ec", step["command"]], secrets | where(variables), step["artifact_paths"]


def circleci(_, secrets, variables):
    steps = load("circleci.yml")["jobs"]["nightly-backup"]["steps"]
    (command,) = (step["run"]["command"] for step in steps if "run" in step)
    assert steps[0] == "checkout" and {"store_test_results": {"path": "reports"}} in steps
    return ["bash", "-eo", "pipefail", "-c", command], secrets | where(variables), "reports/*.xml"


RUNNERS = [github, gitlab, jenkins, kubernetes, buildkite, circleci]


# --- a night of each ------------------------------------------------------------------------------


class Repository:
    """A checkout with scenarios, and the program on the PATH."""

    def __init__(self, place):
        self.place, self.directory = place, place.directory
        for name in ("scenarios", "bin"):
            (self.directory / name).mkdir()
        self.on_path("restore-verifier", f'exec "{PROGRAM}" "$@"')
        names = ("HOME", "LC_ALL", "TZ", "TMPDIR", "XDG_CACHE_HOME", "RESTORE_VERIFIER_PGBIN")
        self.environment = {name: place.environment[name] for name in names}
        self.environment["PATH"] = f"{self.directory}/bin:{place.environment['PATH']}"

    def on_path(self, name, script):
        program = self.directory / "bin" / name
        program.write_text(f"#!/bin/bash\n{script}\n")
        program.chmod(0o755)

    def scenario(self, rows, name="bugspark"):
        (self.directory / f"scenarios/{name}.yaml").write_text(SCENARIO.format(name=name, rows=rows))

    def run(self, command, **more):
        return subprocess.run(command, cwd=self.directory, env=self.environment | more, capture_output=True, text=True, check=False)


class Night(Repository):
    """With a database, and a bucket for its backups."""

    def __init__(self, bucket, url):
        super().__init__(bucket.place)
        self.bucket = bucket
        self.secrets = {"DATABASE_URL": url, "S3_ACCESS_KEY": bucket.store.access_key, "S3_SECRET_KEY": bucket.store.secret_key}
        self.variables = {"BACKUP_BUCKET": bucket.name, "S3_ENDPOINT_URL": bucket.store.proxy.endpoint}

    def keys(self, prefix=""):
        listing = self.bucket.client.request("GET", self.bucket.name, query={"prefix": f"bugspark/{prefix}"})[1].decode()
        return re.findall("<Key>bugspark/(.*?)</Key>", listing)


@pytest.fixture
def repository(place):
    return Repository(place)


@pytest.fixture
def night(bucket, database, server):
    return Night(bucket, server.url(database("create table items as select generate_series(1, 10) as id")))


@pytest.mark.often("github", "gitlab")
@pytest.mark.parametrize("runner", RUNNERS, ids=lambda runner: runner.__name__)
def test_a_night(night, runner):
    """A good one; then the same, when the data is not what it must be. Of each there are reports where they are looked for."""
    command, environment, found = runner(night.place, night.secrets, night.variables)
    for rows, code in ((10, PASSED), (11, BAD_BACKUP)):
        night.scenario(rows)
        shutil.rmtree(night.directory / "reports", ignore_errors=True)
        ran = night.run(command, **environment)
        assert ran.returncode == code, ran.stdout + ran.stderr
        reports = {path.name: Report(path).exit_code for path in night.directory.glob(found) if path.suffix == ".xml"}
        assert reports == {"bugspark.dump.xml": PASSED, "bugspark.xml": code}
        assert not any(secret in ran.stdout + ran.stderr for secret in night.secrets.values())
        name = today("bugspark_%Y%m%d.dump.gz")
        assert (name in night.keys(), name + ".verified.json" in night.keys()) == (True, code == PASSED)
    assert night.keys("history/bugspark."), "where the next night finds it, without a cache"


def test_without_its_secrets(night):
    """Red, and nothing is said of it that is not so."""
    command, environment, _ = gitlab(night.place, night.secrets, night.variables)
    night.scenario(10)
    ran = night.run(command, **{name: value for name, value in environment.items() if name != "DATABASE_URL"})
    assert ran.returncode == CANNOT_VERIFY and "DATABASE_URL" in ran.stderr, ran.stderr


# --- GitHub ---------------------------------------------------------------------------------------


def summarize(repository):
    script, environment = github_steps(NOTHING)["Summarize"]
    summary = repository.directory / "summary.md"
    summary.write_text("# before\n")
    ran = repository.run(bash(script), GITHUB_STEP_SUMMARY=str(summary), RUNNER_TEMP=str(repository.directory), **environment)
    assert ran.returncode == 0, ran.stderr
    return summary.read_text()


def test_the_summary(repository):
    """Of a night that ran, with pages and without, and of a job that never came so far."""
    assert summarize(repository).startswith("# before\n")
    (repository.directory / "reports").mkdir(exist_ok=True)
    (repository.directory / "restore-verifier.txt").write_text("PASS   shop: every check passed\n```\n</details>\n")
    text = summarize(repository)
    assert "\n\n    PASS   shop: every check passed\n    ```\n    </details>\n\n</details>\n" in text and "## shop" not in text
    (repository.directory / "reports/shop.md").write_text("## shop\n")
    assert summarize(repository).startswith("# before\n## shop\n\n<details>")


@pytest.mark.parametrize("package", ["", "restore-verifier_0.1.0_amd64.deb"])
def test_what_the_action_installs(repository, package):
    """From its source, or a package that is named; what would need root is only asked for."""
    source = repository.directory / "source/scripts"
    (source / "ci").mkdir(parents=True)
    for name, script in {"sudo": 'echo "sudo $*" >>"$HOME/said"', "make": 'echo "make in $PWD" >>"$HOME/said"'}.items():
        repository.on_path(name, script)
    (source / "setup").write_text('#!/bin/bash\necho "setup $*" >>"$HOME/said"\n')
    (source / "setup").chmod(0o755)
    steps = github_steps(NOTHING)
    for name, more in (("Install PostgreSQL", {}), ("Install restore-verifier", {"PACKAGE": package})):
        script, environment = steps[name]
        ran = repository.run(bash(script), **environment | more, GITHUB_ACTION_PATH=str(source / "ci"))
        assert ran.returncode == 0, ran.stderr
    said = (repository.directory / "said").read_text().splitlines()
    assert said[:2] == ["sudo apt-get update", "sudo apt-get install --yes postgresql-common"]
    assert said[3] == f"sudo apt-get install --yes postgresql-{load('action.yml')['inputs']['postgresql']['default']}"
    built = ["setup build", f"make in {source.parent}", "sudo make install"]
    assert said[4:] == ([f"sudo apt-get install --yes {repository.directory / package}"] if package else built)
    assert load("action.yml")["runs"]["steps"][0]["if"] == "inputs.postgresql != ''"


def test_what_must_run_whatever_happened():
    """The summary and the reports of a night that was red are those that are wanted."""
    steps = {step["name"]: step.get("if") for step in load("action.yml")["runs"]["steps"]}
    assert [name for name, condition in steps.items() if condition == "always()"] == ["Summarize", "Keep the reports"]
    assert re.search(r"post \{\s+always \{\s+junit", (CI / "Jenkinsfile").read_text())


# --- Kubernetes -----------------------------------------------------------------------------------


def test_pods_that_share_scenarios(place):
    """Each scenario is some pod's and no other's; more pods than scenarios are at ease."""
    made, job = container("kubernetes-indexed.yaml"), load("kubernetes-indexed.yaml")["spec"]["jobTemplate"]["spec"]
    assert job["completionMode"] == "Indexed" and made["args"][0] == "nightly"
    told = {one["name"]: one["value"] for one in made["env"]}
    assert told == {"JOB_COMPLETIONS": str(job["completions"])}
    scenarios = place.directory / "scenarios"
    scenarios.mkdir()
    for count in (1, 7):
        for number in range(count):
            (scenarios / f"s{number}.yaml").write_text(f"scenario: s{number}\n")
        found = []
        for index in range(job["completions"]):
            arguments = ["/scenarios" == one and scenarios or one for one in made["args"][3:]]
            run = place.run("lint", "--format", "json", *arguments, environment={**told, "JOB_COMPLETION_INDEX": str(index)})
            assert run.code == PASSED, str(run)
            found += [one["scenario"] for one in json.loads(run.out)["scenarios"]] if run.out else []
        assert sorted(found) == [f"s{number}" for number in range(count)]


@pytest.mark.parametrize("name", ["kubernetes.yaml", "kubernetes-indexed.yaml"])
def test_pods_have_few_rights(name):
    spec = load(name)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] and not spec["automountServiceAccountToken"]
    assert container(name)["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    written = {mount["mountPath"] for mount in container(name)["volumeMounts"] if not mount.get("readOnly")}
    assert written == {"/tmp", "/var/lib/restore-verifier/reports"}


# --- the files ------------------------------------------------------------------------------------


def test_the_image_has_the_version_of_the_program():
    version = re.search(r"^VERSION +:= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    named = [found for path in CI.iterdir() for found in re.findall(r"/restore-verifier:(\S+)", path.read_text())]
    assert len(named) == 4 and set(named) == {version}


def scripts():
    """Every piece of shell in these files, with the shell that reads it."""
    yield from ((f"action.yml: {step['name']}", "bash", step["run"]) for step in load("action.yml")["runs"]["steps"] if "run" in step)
    yield "gitlab.yml", "bash", "\n".join(load("gitlab.yml")["nightly-backup"]["script"])
    yield "Jenkinsfile", "sh", jenkins(None, dict.fromkeys(SECRETS, ""), {"BACKUP_BUCKET": "", "S3_ENDPOINT_URL": ""})[0][2]
    yield "crontab", "sh", re.search(r"^30 2 \* \* \* +(.*)$", (CI / "crontab").read_text(), re.MULTILINE)[1]


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="there is no shellcheck; run: scripts/setup lint")
def test_the_shell_in_them(tmp_path):
    """With -e, as each of the runners has it."""
    for number, (name, shell, script) in enumerate(scripts()):
        file = tmp_path / f"{number}.sh"
        file.write_text(f"set -e\n{script}\n")
        ran = subprocess.run(["shellcheck", f"--shell={shell}", "--norc", file], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{name}\n{ran.stdout}"


# What npm has of the schemas that each of them publishes. Buildkite's is not among it, nor is there one of Jenkins.
PACKAGES = ["@action-validator/core@0.6.0", "gitlab-ci-local@4.75.1", "@circleci/circleci-config-parser@0.10.0-alpha.3", "kubernetes-models@4.5.1"]

VALIDATE = """
const fs = require("fs"), yaml = require("yaml");
const [kind, file] = process.argv.slice(2), text = fs.readFileSync(file, "utf8");
const kinds = {
    action: () => require("@action-validator/core").validateAction(text).errors,
    workflow: () => require("@action-validator/core").validateWorkflow(text).errors,
    circleci: () => { require("@circleci/circleci-config-parser").parseConfig(yaml.parse(text)); return []; },
    kubernetes: () => { new (require("kubernetes-models/batch/v1").CronJob)(yaml.parse(text)).validate(); return []; },
};
const errors = kinds[kind]();
if (errors.length) throw new Error(JSON.stringify(errors));
"""


@pytest.fixture(scope="module")
def schemas(base):
    if not shutil.which("npm"):
        pytest.skip("there is no npm")
    directory = base / "schemas"
    directory.mkdir()
    (directory / "package.json").write_text("{}")
    got = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0", *PACKAGES, "yaml@2"],
                         cwd=directory, capture_output=True, text=True, check=False, timeout=300)
    if got.returncode != 0:
        pytest.skip(f"npm could not get the schemas: {got.stderr.strip()[-200:]}")
    (directory / "validate.js").write_text(VALIDATE)
    # Of node 22, which gitlab-ci-local needs.
    (directory / "union.js").write_text("Set.prototype.union ??= function (other) { return new Set([...this, ...other]); };")
    return directory


# The file, and something that its schema must refuse: what to replace with what.
SCHEMAS = [
    ("action", "action.yml", "using: composite", "using: decomposite"),
    ("workflow", "github.yml", "runs-on: ubuntu-24.04", "run-on: ubuntu-24.04"),
    ("circleci", "circleci.yml", "command: restore", "comand: restore"),
    ("kubernetes", "kubernetes.yaml", "restartPolicy: Never", "restartPolicy: [Never]"),
    ("kubernetes", "kubernetes-indexed.yaml", "completions: 4", "completions: four"),
]


@pytest.mark.slow
@pytest.mark.parametrize("kind, name, old, new", SCHEMAS, ids=[row[1] for row in SCHEMAS])
def test_each_is_what_its_schema_says(schemas, tmp_path, kind, name, old, new):
    file = tmp_path / name
    for good in (True, False):
        text = (CI / name).read_text()
        assert old in text
        file.write_text(text if good else text.replace(old, new))
        ran = subprocess.run(["node", "validate.js", kind, file], cwd=schemas, capture_output=True, text=True, check=False)
        assert (ran.returncode == 0) == good, ran.stderr


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("rsync"), reason="there is no rsync, which gitlab-ci-local needs")
def test_a_runner_of_gitlab(schemas, night):
    """gitlab-ci-local holds the file against GitLab's schema, and runs the job with its shell."""
    night.scenario(10)
    (night.directory / ".gitlab-ci.yml").write_text((CI / "gitlab.yml").read_text().replace('"schedule"', '"push"'))
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "--quiet"], ["remote", "add", "origin", "git@example.org:shop/shop.git"], ["add", ".gitlab-ci.yml", "scenarios"],
                    ["commit", "--quiet", "--message=Begin"]):
        subprocess.run([*git, *command], cwd=night.directory, check=True)
    known = [f"--variable={name}={value}" for name, value in (night.secrets | night.variables).items()]
    command = ["node", "--require", str(schemas / "union.js"), str(schemas / "node_modules/gitlab-ci-local/dist/index.js"), "--force-shell-executor", "nightly-backup", *known]
    ran = night.run(command, PATH=f"{night.environment['PATH']}:{pathlib.Path(shutil.which('node')).parent}")
    assert ran.returncode == 0 and "PASS   bugspark" in ran.stdout + ran.stderr, ran.stdout + ran.stderr
    assert night.keys(today("bugspark_%Y%m%d.dump.gz.verified.json"))
    (night.directory / ".gitlab-ci.yml").write_text((CI / "gitlab.yml").read_text().replace("script:", "scripts:"))
    assert night.run(command).returncode != 0


@pytest.mark.skipif(not shutil.which("groovy"), reason="there is no groovy")
@pytest.mark.slow
def test_the_jenkinsfile_is_groovy(tmp_path):
    """Jenkins gives `pipeline` its meaning; that it can be read is Groovy's."""
    for text, good in (((CI / "Jenkinsfile").read_text(), True), ((CI / "Jenkinsfile").read_text().replace("post {", "post"), False)):
        (tmp_path / "Jenkinsfile.groovy").write_text("def read = {\n" + text + "}\n")
        ran = subprocess.run(["groovy", tmp_path / "Jenkinsfile.groovy"], capture_output=True, text=True, check=False)
        assert (ran.returncode == 0) == good, ran.stderr
