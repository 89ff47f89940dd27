"""The three files of `supabase db dump`, made with pg_dump and pg_dumpall of the server under test.

What the tool of that host does to their output is done here line by line: it makes statements fit a project
that has them already, turns what a project may not do into comments, takes the comments away unless asked to
keep them, lets the data load without triggers, and ends each file with RESET ALL.
"""

import itertools
import re
import subprocess

from servers import BIN

RESERVED = r"(anon|authenticated|authenticator|dashboard_user|postgres|service_role|supabase_\w*)"
HOST_SCHEMAS = "auth|extensions|storage|graphql|vault"
ALLOWED_SETTINGS = r"(pgaudit\..*|pgrst\..*|session_replication_role|statement_timeout|track_io_timing)"
AGAIN = {"SCHEMA": "SCHEMA IF NOT EXISTS", "TABLE": "TABLE IF NOT EXISTS", "SEQUENCE": "SEQUENCE IF NOT EXISTS"}
REPLACED = ("VIEW", "FUNCTION", "TRIGGER")
NOT_FOR_PROJECTS = re.compile(
    "|".join(
        (
            r'CREATE PUBLICATION "supabase_realtime',
            r'ALTER PUBLICATION "supabase_realtime_',
            r"(CREATE|ALTER) EVENT TRIGGER ",
            r"         WHEN TAG IN ",
            r"   EXECUTE FUNCTION ",
            r"ALTER FOREIGN DATA WRAPPER .+ OWNER TO ",
            r'ALTER DEFAULT PRIVILEGES FOR ROLE "supabase_admin"',
            rf'(GRANT|REVOKE) .+ ON .+ "({HOST_SCHEMAS})"',
            r"COMMENT ON EXTENSION ",
            r"SET transaction_timeout = 0;",
        )
    )
)


def _output(program, *arguments):
    command = [BIN / program, "--quote-all-identifiers", "--role=postgres", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[:-1]


def _hidden(line):
    return f"-- {line}"


def _schema_line(line):
    for kind, again in AGAIN.items():
        line = re.sub(rf'^CREATE {kind} (?=")', f"CREATE {again} ", line)
    for kind in REPLACED:
        line = re.sub(rf'^CREATE {kind} (?=")', f"CREATE OR REPLACE {kind} ", line)
    return _hidden(line) if NOT_FOR_PROJECTS.match(line) else line


def _role_line(line):
    if re.match(rf'(CREATE|ALTER) ROLE "{RESERVED}"', line):
        line = _hidden(line)
    line = re.sub(" (NOSUPERUSER|NOREPLICATION)", "", line)
    line = re.sub(rf'^-- (.* SET "{ALLOWED_SETTINGS}" .*)', r"\1", line)
    return re.sub(rf'GRANT ".*" TO "{RESERVED}"', lambda found: _hidden(found[0]), line)


def _file(lines, keep_comments, first=""):
    lines = [_hidden(line) if re.match(r"\\(un)?restrict ", line) else line for line in lines]
    if not keep_comments:
        lines = [line for line in lines if not line.startswith("--")]
    return first + "\n".join(lines) + "\nRESET ALL;\n"


def roles(server, keep_comments=False):
    lines = _output("pg_dumpall", "--roles-only", "--no-role-passwords", "--no-comments", "-d", server.url())
    return _file([line for line, _ in itertools.groupby(map(_role_line, lines))], keep_comments)


def schema(server, database, *options, keep_comments=False):
    """Without options: all but what the host brings itself, which is in no file then."""
    options = options or [f"--exclude-schema={HOST_SCHEMAS}"]
    return _file(map(_schema_line, _output("pg_dump", "--schema-only", *options, server.url(database))), keep_comments)


def data(server, database, options=(), keep_comments=True):
    """Comments are kept here always, as rows may look like them; an older tool took them away as well."""
    lines = _output("pg_dump", "--data-only", *options, server.url(database))
    return _file(lines, keep_comments, "SET session_replication_role = replica;\n\n")


def written(server, database, directory, names="{part}.sql", **options):
    """Writes the files and gives their paths by part; `platform` is what `--schema auth` gives."""
    texts = {
        "roles": roles(server),
        "platform": schema(server, database, "--schema=auth"),
        "schema": schema(server, database),
        "data": data(server, database, **options),
    }
    paths = {part: directory / names.format(part=part) for part in texts}
    for part, path in paths.items():
        path.write_text(texts[part])
    return paths
