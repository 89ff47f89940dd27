"""PostgreSQL servers for the tests: each in a directory of its own, reached by a unix socket or, when
asked for, by a free port of the loopback device, and stopped by the pid that was started."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import urllib.parse

from running import BIN, FIXTURES, IS_ROOT, NOBODY, wait_until

MAJOR = int(re.search(r"\) (\d+)", subprocess.run([BIN / "postgres", "--version"], capture_output=True, text=True, check=True).stdout)[1])
USER = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if IS_ROOT else {}


def together(parts):
    """The SQL of {name: SQL} for one database: each in a schema of its name, so that they do not meet."""
    return ";".join(f'create schema "{name}"; set search_path = "{name}", public; {sql}' for name, sql in parts.items())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, directory, password=None, certificate=None, standby_of=None, **more):
        """With a password it listens on the loopback device, and asks for it there; with a certificate
        (the paths of it and its key) it speaks TLS there, and nothing else. `more` are settings."""
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        self.directory.chmod(0o700)
        if IS_ROOT:
            os.chown(self.directory, NOBODY, NOBODY)
        self.password = password
        self.port = free_port() if password else 5432
        self.log = self.directory / "log"
        data = self.directory / "data"
        make = [BIN / "initdb", "--pgdata", data, "--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
        if standby_of:
            make = [BIN / "pg_basebackup", "-D", data, "-R", "-c", "fast", "--no-sync", "-d", standby_of.url()]
        subprocess.run(make, check=True, capture_output=True, cwd="/", **USER)
        if password:
            kind = "hostssl" if certificate else "host"
            (data / "pg_hba.conf").write_text(f"local all all trust\n{kind} all all 127.0.0.1/32 scram-sha-256\n")
        settings = {
            "listen_addresses": "127.0.0.1" if password else "",
            "port": self.port,
            "unix_socket_directories": self.directory,
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "wal_level": "minimal",
            "max_wal_senders": 0,
            "shared_buffers": "32MB",
            "timezone": "UTC",
            **more,
        }
        for name, source in zip(("ssl_cert_file", "ssl_key_file"), certificate or ()):
            settings |= {"ssl": "on", name: f"{name}.pem"}
            target = data / settings[name]
            shutil.copyfile(source, target)
            target.chmod(0o600)
            if IS_ROOT:
                os.chown(target, NOBODY, NOBODY)
        command = [BIN / "postgres", "-D", data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        # It dies with whoever started it, even when that is killed.
        command = ["setpriv", "--pdeathsig=QUIT", "--", *command]
        if IS_ROOT:
            command[1:1] = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        wait_until(self._answers, f"the server in {directory}")

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text()
        asked = subprocess.run([BIN / "psql", "-XAtc", "select 1", self.url()], capture_output=True)
        return asked.returncode == 0

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
        shutil.rmtree(self.directory, ignore_errors=True)

    def url(self, database="postgres", user="postgres"):
        """By its unix socket, where it trusts everybody who can reach it (root and nobody)."""
        host = urllib.parse.quote(str(self.directory), safe="")
        return f"postgresql://{user}@/{database}?host={host}&port={self.port}"

    def tcp_url(self, database="postgres", user="postgres", password=None, scheme="postgresql"):
        secret = urllib.parse.quote(password if password is not None else self.password, safe="")
        return f"{scheme}://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def sql(self, text, database="postgres"):
        """Runs SQL and returns what psql prints, unaligned, without headers."""
        ran = subprocess.run(
            [BIN / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)],
            input=text, capture_output=True, text=True,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def create(self, name, sql="", template="template0"):
        self.sql(f'create database "{name}" template "{template}"')
        if sql:
            self.sql(sql, name)
        return self.url(name)

    def drop(self, name):
        self.sql(f'drop database if exists "{name}" with (force)')

    def load_bugspark(self, name="bugspark", scale="0.05"):
        self.create(name)
        subprocess.run(
            [FIXTURES / "bugspark/load", self.url(name), scale], check=True, capture_output=True,
            env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        )

    def dump(self, database, path, *options):
        """pg_dump, custom format unless the options say otherwise."""
        formats = [] if any(option.startswith(("-F", "--format")) for option in options) else ["-Fc"]
        subprocess.run(
            [BIN / "pg_dump", *formats, *options, "-f", path, self.url(database)],
            check=True, capture_output=True,
        )
        return path

    def databases(self):
        return set(self.sql("select datname from pg_database").split("\n"))

    def roles(self):
        return set(self.sql("select rolname from pg_roles").split("\n"))
