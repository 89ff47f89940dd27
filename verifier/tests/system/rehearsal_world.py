"""Small projects with migrations of their own, and a place in which they are rehearsed."""

import subprocess
import textwrap

from running import today

NAME = "bugspark_%Y%m%d.dump"
SQL = """
create table users (id int primary key, name text, api_key text);
insert into users select n, 'user ' || n, 'key ' || n from generate_series(1, 60) n;
create table projects (id int primary key, owner int references users);
insert into projects select n, n from generate_series(1, 20) n;
create table reports (id int primary key, title text);
insert into reports select n, 'report ' || n from generate_series(1, 2000) n;
create table alembic_version (version_num varchar(32) primary key);
insert into alembic_version values ('r0');
"""

ENV = """
import os
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(os.environ["DATABASE_URL"])
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration={per_migration})
    with context.begin_transaction():
        context.run_migrations()
"""

VERSION = '''"""{title}"""
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down!r}


def upgrade():
{upgrade}


def downgrade():
{downgrade}
'''


def sql(*statements):
    """The body of a migration that runs statements."""
    return "\n".join(f"op.execute({statement!r})" for statement in statements) or "pass"


class Project:
    """An Alembic project, with what it has to do before the first migration of the test: nothing."""

    def __init__(self, directory, per_migration=False):
        self.directory = directory
        self.versions = directory / "migrations/versions"
        self.versions.mkdir(parents=True)
        (directory / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
        (directory / "migrations/env.py").write_text(ENV.format(per_migration=per_migration))
        self.add("r0", None)

    def add(self, revision, down, upgrade="pass", downgrade="pass", title="a change"):
        indent = lambda body: textwrap.indent(body, "    ")  # noqa: E731
        (self.versions / f"{revision}.py").write_text(
            VERSION.format(title=title, revision=revision, down=down, upgrade=indent(upgrade), downgrade=indent(downgrade))
        )
        return self


class World:
    """A backup, a project, and a scenario."""

    def __init__(self, place, server, database, source=SQL):
        self.place = place
        self.name = database(source)
        self.backup = place.put(server.dump(self.name, place.directory / "made.dump"), NAME)
        self.server = server

    def project(self, **options):
        return Project(self.place.directory / "project", **options)

    def scenario(self, command="[alembic, upgrade, head]", checks=(), more=""):
        text = f"""
migration:
  command: {command}
  directory: {self.place.directory}/project
  environment:
    DATABASE_URL: ${{migration.url:postgresql}}
"""
        if checks:
            text += "  checks:\n" + "".join(f"    - {check}\n" for check in checks)
        return self.place.scenario(text + textwrap.indent(more, "  "), pattern=NAME)

    def script(self, body, name="migrate.py"):
        """A command that is a program of Python, which finds psycopg2 and a connection `db`."""
        path = self.place.directory / "project" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            "import os, sys, time, subprocess, psycopg2\n"
            "url = os.environ['DATABASE_URL']\n"
            "db = psycopg2.connect(url)\ndb.autocommit = True\nrun = db.cursor().execute\n" + textwrap.dedent(body)
        )
        return f"[/usr/bin/python3, {path}]"

    def rehearse(self, scenario, *arguments, **options):
        place = self.place
        for report in place.reports.glob("*"):
            report.unlink()
        run = place.run("rehearse", "--reports", place.reports, *arguments, scenario, **options)
        for report in place.reports.glob("*.xml"):
            check = subprocess.run(["xmllint", "--noout", report], capture_output=True, text=True, check=False)
            assert check.returncode == 0, check.stderr
        place.check_nothing_left()
        return run

    def report(self, run):
        return run.report("bugspark.migration")

    def markdown(self):
        return (self.place.reports / "bugspark.migration.md").read_text()

    def expect(self, scenario, verdict, check, words, code=None, **options):
        """One rehearsal, in which `check` gets a verdict and says all of `words`."""
        run = self.rehearse(scenario, **options)
        case = self.report(run)[check]
        assert case.verdict == verdict, f"{check}: {case}\n{run}"
        said = f"{case.message}\n{case.text}\n{case.output}"
        for word in [words] if isinstance(words, str) else words:
            assert word.lower() in said.lower(), f"`{word}` is not in:\n{said}\n{run}"
        expected = {"pass": 0, "fail": 1, "error": 2}[verdict] if code is None else code
        assert run.code == expected, str(run)
        return run


def dumped_today():
    return today(NAME)
