"""Proves that a backup may be a set of files: those of `supabase db dump`, of pg_dump --section, of pg_dumpall
beside a dump; one pattern a part or a directory a night; and that what is missing or cut is seen, as far as
each kind of file can tell."""

import gzip
import json
import subprocess

import pytest

import supabase_files
from running import BAD_BACKUP, CANNOT_VERIFY, PASSED, today
from servers import BIN

INTACT, RECENT, RESTORES, ROWS = "backup is intact", "backup is recent", "backup restores", "every table has its rows"
SUPABASE = "{roles: roles_%F.sql, schema: schema_%F.sql, data: data_%F.sql}"
SECTIONS = "{pre_data: pre_%F.dump, data: data_%F.dump, post_data: post_%F.dump}"

# Roles with settings, policies for them, triggers that would write rows of their own, keys in a circle, an
# identity column, rows that look like comments.
ROLES = """
create role anon; create role authenticated; create role service_role; create role supabase_admin superuser;
create role app_reader; create role app_writer in role app_reader;
grant authenticated to postgres;
alter role anon set statement_timeout = '3s'; alter role app_reader set search_path = 'public';
alter role authenticated set "pgrst.db_schemas" = 'public';
"""
PROJECT = """
create schema private;
create type public.mood as enum ('good', 'bad');
create table public.teams (id bigint generated always as identity primary key, leader bigint, note text);
create table public.people (id bigserial primary key, team bigint references public.teams, mood public.mood, bio text);
alter table public.teams add foreign key (leader) references public.people;
create table private.log (at timestamptz default now(), what text);
create table public.nothing (id int);
create function public.noted() returns trigger language plpgsql as $$
begin insert into private.log (what) values (tg_table_name); return new; end $$;
create trigger noting after insert on public.people for each row execute function public.noted();
create view public.moods as select mood, count(*) from public.people group by mood;
insert into public.teams (note) select '-- ' || i from generate_series(1, 10) i;
insert into public.people (team, mood, bio) select i % 10 + 1, 'good', repeat('b', i) from generate_series(1, 40) i;
update public.teams set leader = id;
alter table public.people enable row level security;
create policy own on public.people for select to authenticated using (true);
grant select on public.people to anon, app_reader; grant usage on schema private to service_role;
alter default privileges for role postgres in schema public grant all on tables to anon, authenticated;
"""


@pytest.fixture(scope="module")
def project(server):
    server.sql(ROLES)
    server.create("project", PROJECT)
    yield "project"
    server.drop("project")
    server.sql(
        "revoke authenticated from postgres; drop role anon, authenticated, service_role, supabase_admin, app_reader, app_writer"
    )


def put_supabase(place, server, project, days_ago=0, **options):
    return supabase_files.written(server, project, place.backups, today("{part}_%F.sql", days_ago), **options)


def test_supabase_db_dump(place, server, project):
    """As the host's documentation has it, with every row back, triggers or not."""
    put_supabase(place, server, project)
    scenario = place.scenario("tables:\n  people: [row_count = 40]\nrestore: {contents: true}\n", pattern=SUPABASE, backups="max_age: 26h\n  keep: 2d")
    run = place.verify(scenario)
    assert run.code == PASSED, str(run)
    report = run.report()
    assert set(report.verdicts().values()) == {"pass"} and "warn" not in run.err.lower(), str(run)
    assert report.properties["restored.rows"] == "90"
