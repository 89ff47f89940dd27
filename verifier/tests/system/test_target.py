"""Proves what `restore.target` says of a backup: whether it would come back at the place where a person would restore it,
by what is known of that place, and that it speaks and never fails."""

import pytest

import servers
from running import CANNOT_VERIFY, PASSED

ROLES = """do $$ begin
    if to_regrole('authenticated') is null then create role authenticated; end if;
    if to_regrole('clerk') is null then create role clerk; end if;
end $$;"""
SHOP = ROLES + """
create extension pg_trgm; create extension "uuid-ossp"; create extension file_fdw;
create table items (id int primary key, name text); insert into items values (1, 'one'); alter table items owner to clerk;
alter table items enable row level security; create policy mine on items for select to authenticated using (true);
create function watch() returns event_trigger language plpgsql as $f$begin end$f$; create event trigger watched on sql_drop execute function watch();
create schema auth;
"""

# What is said for each place, and what is not.
SAID = {
    "vanilla-15": (["role authenticated is missing"], ["extension", "clerk is missing", "superuser", "schema auth"]),
    "render": (["role authenticated is missing", "event trigger watched needs a superuser", "not known: extension uuid-ossp", "clerk"],
               ["extension file_fdw", "extension pg_trgm"]),
    "supabase": (["extension file_fdw is not offered", "schema auth is the host's own", "known of Supabase in October 2024"],
                 ["authenticated is missing", "needs a superuser", "not known:"]),
    "neon": (["extension file_fdw is not offered", "role authenticated is missing", "EXTENSION file_fdw", "--no-owner"],
             ["needs a superuser", "not known:", "schema auth"]),
    "rds": (["role authenticated is missing", "event trigger watched needs a superuser", "not known: extension file_fdw"], ["extension pg_trgm"]),
}


def asked(target, more=""):
    return f"restore:\n  target: {target}\n{more}"


@pytest.fixture(scope="module")
def shop(base, server):
    server.create("targeted", SHOP)
    yield server.dump("targeted", base / "targeted.dump")
    server.drop("targeted")


def expect(place, target, said, backup, *more, **options):
    """It needs no server, so there is none."""
    name = f"would come back at {target}"
    return place.expect("pass", name, said, "--backup", backup, *more, "--only", name, environment={"RESTORE_VERIFIER_PGBIN": "/nowhere"}, **options)


@pytest.mark.parametrize("target", SAID)
def test_each_place(place, shop, target):
    said, unsaid = SAID[target]
    run = expect(place, target, said, shop, place.scenario(asked(target)))
    assert run.code == PASSED and f"WARN   would come back at {target}" in run.err, str(run)
    for words in unsaid:
        assert words.lower() not in run.report()[f"would come back at {target}"].message.lower(), str(run)


def test_a_comment_that_old_dumps_have(place, server, database):
    backup = server.dump(database("drop extension plpgsql; create extension plpgsql; comment on extension plpgsql is 'x'; create table t (i int); insert into t values (1)"),
                         place.directory / "x.dump")
    expect(place, "render", ["the comment on the extension plpgsql needs a superuser"], backup, place.scenario(asked("render")))
    run = expect(place, "vanilla-15", ["nothing that is known"], backup, place.scenario(asked("vanilla-15")))
    assert place.verify("--backup", backup, place.scenario()).code == PASSED, str(run)


def test_what_is_left_out_is_needed_no_more(place, shop):
    left_out = "  exclude: [EXTENSION file_fdw, EXTENSION uuid-ossp, POLICY public items mine, EVENT TRIGGER watched]\n"
    run = expect(place, "render", ["nothing that is known stands in its way"], shop, place.scenario(asked("render", left_out)))
    assert "PASS   would come back at render" in run.err, str(run)


def test_plain_sql(place, server, shop):
    """It names owners itself, and nothing tells what its statements need."""
    plain = server.dump("targeted", place.directory / "x.sql", "-Fp")
    expect(place, "neon", ["extension file_fdw is not offered", "role clerk is missing", "not known: whether its statements need a superuser"],
           plain, place.scenario(asked("neon")))
    expect(place, "vanilla-18", ["role clerk is missing; role authenticated is missing"], plain, place.scenario(asked("vanilla-18")))


def test_a_newer_dump(place, shop):
    """Of a server that is newer than the place."""
    newer = place.directory / "newer"
    newer.write_bytes(shop.read_bytes().replace(f"{servers.MAJOR}.".encode(), b"17.", 2))
    expect(place, "vanilla-15", ["PostgreSQL 17 is needed, and 15 is the newest there"], newer, place.scenario(asked("vanilla-15")))


def test_it_is_one_check_of_a_whole_run(place, shop):
    run = place.expect("pass", "would come back at neon", ["role authenticated is missing"], "--backup", shop, place.scenario(asked("neon")))
    assert run.code == PASSED and run.report()["every object is there"].verdict == "pass"


def test_a_place_that_is_not_known(place):
    run = place.run("lint", place.scenario(asked("supabse")))
    assert run.code == CANNOT_VERIFY and "did you mean `supabase`? (known here are `render`" in run.err, str(run)
