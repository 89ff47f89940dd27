"""Proves that man pages and completions tell what --help tells, of every command and every option; that what reads
man pages finds nothing wrong with them; and that completions complete, in the shells themselves."""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from running import PATIENCE_S, PROGRAM, ROOT

VERIFIER = ROOT / "verifier"


def output(*command, **how):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **how).stdout


def commands():
    """As a person reads them in --help."""
    listed = output(PROGRAM, "--help").split("Commands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in listed.splitlines()]


def options(command):
    """Of --help, without what is the same of every program that parses its options with argp."""
    return set(re.findall(r"^ .*?(--[a-z-]+)", output(PROGRAM, command, "--help"), re.MULTILINE))


@pytest.fixture(scope="module")
def made(base):
    """Man pages and completions of the program that is tested."""
    directory = base / f"manual-{os.getpid()}"
    subprocess.run([ROOT / "scripts/manual", PROGRAM, directory / "man", "2026-11-26"], check=True)
    subprocess.run([ROOT / "scripts/completions", PROGRAM, directory / "completions"], check=True)
    return directory


def rendered(page):
    """As `man` shows it, on one line."""
    environment = {**os.environ, "MANWIDTH": "200", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""}
    run = subprocess.run(["man", "--warnings=w", "-l", str(page)], check=True, capture_output=True, text=True, env=environment)
    assert run.stderr == "", run.stderr
    return " ".join(run.stdout.split())


# --- pages ----------------------------------------------------------------------------------------


def test_every_command_has_a_page_that_names_every_option(made):
    pages = {path.name for path in (made / "man").iterdir()}
    assert pages == {f"restore-verifier-{command}.1" for command in commands()} | {"restore-verifier.1", "restore-verifier-scenario.5"}
    for command in commands():
        text = rendered(made / f"man/restore-verifier-{command}.1")
        known = options(command)
        assert {"--chdir", "--help"} <= known
        # In the options' own part, not only somewhere.
        listed = text.split(" OPTIONS ")[1].split(" EXIT STATUS ")[0]
        for option in known:
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", listed), f"{option} is not in {listed}"


def test_the_page_of_the_program_leads_to_every_other(made):
    text = re.sub(r"(restore|verifier)- ", r"\1-", rendered(made / "man/restore-verifier.1"))  # where a line ended
    for command in commands():
        assert text.count(f"restore-verifier-{command}(1)") == 2, command
    assert "restore-verifier-scenario(5)" in text


REFERENCE = VERIFIER / "man/reference.md"


def test_what_is_said_in_the_reference_is_in_a_page(made):
    """Every section, once."""
    sections = ["What it prints", *re.findall(r"^## (.*)$", REFERENCE.read_text(), re.MULTILINE)]
    text = "\n".join(path.read_text() for path in (made / "man").iterdir())
    found = {section: text.count(f'\n.SH "{section.upper()}"\n') for section in sections}
    assert len(found) > 20 and set(found.values()) == {1}, found


def test_the_readme_leads_to_every_section_of_the_reference():
    sections = re.findall(r"^## (.*)$", REFERENCE.read_text(), re.MULTILINE)
    readme = (ROOT / "README.md").read_text()
    assert len(readme.splitlines()) < 150
    anchors = {re.sub(r"[^a-z0-9 -]", "", section.lower()).replace(" ", "-"): section for section in sections}
    led = dict(re.findall(r"^\| \[([^]]*)\]\(verifier/man/reference.md#([^)]*)\)", readme, re.MULTILINE))
    assert list(led.values()) == list(anchors) and list(led) == sections
    for text in (readme, REFERENCE.read_text()):
        for file, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", text):
            assert not file or (ROOT / file).exists(), file
            assert not anchor or anchor in anchors, anchor


@pytest.mark.parametrize("program", ["mandoc", "man"])
def test_what_reads_pages_finds_nothing_wrong(made, program):
    for page in sorted((made / "man").iterdir()):
        if program == "man":
            rendered(page)
            continue
        run = subprocess.run(["mandoc", "-T", "lint", str(page)], capture_output=True, text=True)
        assert (run.returncode, run.stdout + run.stderr) == (0, "")


def test_roff_in_the_sources_is_only_text(tmp_path):
    """What would be a request or an escape to roff is shown as it was written."""
    text = "## Title\n\n.dot `'quote' \\x -- ~ ^`\n\n    'code \\n --x\n    .at\n\n- item `a-b`\n  goes on\n\n      code in it\n\n1. one\n\n| a | b |\n|---|---|\n| `x\\|y` | *Z* |\n"
    text = text.replace("\n.dot", "\nA .dot")
    page = tmp_path / "page.1"
    page.write_text('.TH PAGE 1 2026-11-26\n' + output("awk", "-f", VERIFIER / "man/page.awk", input=text))
    assert "A .dot 'quote' \\x -- ~ ^ 'code \\n --x .at • item a-b goes on code in it 1. one x|y Z" in rendered(page)


@pytest.mark.parametrize("section, file", [("How it dumps", "reference.md"), ("Scenario files", "reference.md"), ("What it prints", "README.md")])
def test_a_section_that_is_not_there_is_refused(tmp_path, section, file):
    """So that a page does not lose it in silence when somebody renames it."""
    for name in ("README.md", "scripts", "verifier"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("tests", "*.c", "*.h"))
        else:
            (tmp_path / name).write_text(source.read_text())
    changed = next(path for path in tmp_path.rglob(file) if path.parent.name in ("man", tmp_path.name))
    changed.write_text(changed.read_text().replace(f"## {section}", "## Something else"))
    run = subprocess.run([tmp_path / "scripts/manual", PROGRAM, tmp_path / "man", "2026-11-26"], capture_output=True, text=True)
    assert run.returncode != 0 and re.search(f"^manual: .*{file} has no section `{section}`$", run.stderr, re.MULTILINE)


# --- completions ----------------------------------------------------------------------------------

# What is typed, and what comes of it: everything that is offered, or with "+" in front something that is.
TYPED = [
    ("sab", ["sabotage"]),
    ("verify --alw", ["--always-restore"]),
    ("verify --format j", ["json"]),
    ("verify --format=t", ["text"]),
    ("dump --force=", ["empty"]),
    ("verify --reports di", ["directory"]),
    ("verify sh", ["shop.yaml"]),
    ("verify oth", ["other.yml"]),
    ("inspect not", ["notes.dump"]),
    ("verify --timeout ", []),
    ("verify --jobs ", ["auto"]),
    ("clean sh", []),
]


@pytest.fixture
def corner(tmp_path):
    for name in ("shop.yaml", "other.yml", "notes.dump"):
        (tmp_path / name).touch()
    (tmp_path / "directory").mkdir()
    return tmp_path


def bash(made, corner, words):
    """Calls the function as bash does, which gives it `=` as a word of its own."""
    typed = [word for word in re.split(r"(=)| ", words) if word is not None]
    typed = [word for i, word in enumerate(typed) if word or i == len(typed) - 1]
    script = f"""
        source {made}/completions/restore-verifier.bash
        [[ $(complete -p restore-verifier) == *"-F _restore_verifier restore-verifier" ]] || exit
        COMP_WORDS=(restore-verifier "$@") COMP_CWORD=$#
        _restore_verifier
        [[ ${{#COMPREPLY[@]}} -eq 0 ]] || printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return output("bash", "-uc", script, "bash", *typed, cwd=corner).splitlines()


def fish(made, corner, words):
    environment = {**os.environ, "HOME": str(corner), "PATH": f"{os.path.dirname(PROGRAM)}:{os.environ['PATH']}"}
    script = f"source {made}/completions/restore-verifier.fish; complete -C 'restore-verifier {words}'"
    offered = [line.split("\t")[0] for line in output("fish", "--no-config", "-c", script, cwd=corner, env=environment).splitlines()]
    return [re.sub(r"^--[a-z]+=|/$", "", word) if "=" in words else word.rstrip("/") for word in offered]


@pytest.mark.parametrize("shell", [bash, fish])
@pytest.mark.parametrize("words, expected", TYPED)
def test_completion(made, corner, shell, words, expected):
    offered = shell(made, corner, words)
    if shell is fish and words in ("verify oth", "dump --force="):  # offers files as well
        assert expected[0] in offered
    else:
        assert sorted(offered) == sorted(expected)


@pytest.mark.parametrize("shell", [bash, fish])
def test_every_command_and_option_is_offered(made, corner, shell):
    offered = shell(made, corner, "")
    assert set(commands()) <= set(offered)
    for command in commands():
        assert options(command) <= set(shell(made, corner, f"{command} --")), command


class Zsh:
    """A terminal with zsh in it, whose completion cannot be called from elsewhere."""

    def __init__(self, completions, directory):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(directory), "LC_ALL": "C.UTF-8"}
            os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
        self.send(f"fpath=({completions} $fpath); autoload -U compinit; compinit -u -D; unsetopt beep; PS1=\n")
        self.send("tell() { zle -I; print -r -- \"<$BUFFER>\"; BUFFER=; }; zle -N tell; bindkey '^T' tell; echo re'ad'y\n")
        self.wait_for("ready\r")

    def send(self, text):
        os.write(self.terminal, text.encode())

    def wait_for(self, text):
        seen = ""
        deadline = time.monotonic() + PATIENCE_S
        while text not in seen:
            assert select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))[0], seen
            seen += os.read(self.terminal, 65536).decode(errors="replace")
        return seen

    def completed(self, words):
        """What stands on the line after a tab."""
        self.send(f"restore-verifier {words}\t\x14")
        return re.search(r"<restore-verifier (.*?)>\r", self.wait_for(">\r")).group(1)

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


def test_completion_in_zsh(made, corner):
    zsh = Zsh(made / "completions", corner)
    try:
        for words, expected in TYPED:
            before = words.rsplit(" ", 1)[0] + " " if " " in words else ""
            if "=" in words:
                before = words.split("=")[0] + "="
            line = zsh.completed(words)
            assert line.rstrip("/ ") == ((before + expected[0]) if expected else words.strip()), words
    finally:
        zsh.close()


@pytest.mark.parametrize("damage, words", [("verify)", "--alw"), ("sabotage", "sab")])
def test_a_completion_that_lacks_something_is_seen(made, corner, tmp_path, damage, words):
    """The tests above would notice."""
    broken = tmp_path / "broken"
    shutil.copytree(made / "completions", broken / "completions")
    file = broken / "completions/restore-verifier.bash"
    file.write_text(file.read_text().replace(damage, "nothing)" if damage.endswith(")") else "nothing"))
    assert bash(broken, corner, words if words == "sab" else f"verify {words}") == []
