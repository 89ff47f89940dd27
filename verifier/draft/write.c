#include "draft/write.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "draft/expectations.h"
#include "draft/text.h"
#include "postgres/hosts.h"

enum { FRESH_ENOUGH_S = 25 * 3600 };

/* --- head, source, backups -------------------------------------------------------------------- */

static void write_head(const struct draft *draft, const char *scenario, const char *schema,
                       struct buffer *file)
{
    cleanup(free_pointer) char *origin = comment_text(draft->origin);
    cleanup(free_pointer) char *version = comment_text(
        draft->server_version ? draft->server_version : "of a version that is not told");
    char size[SIZE_TEXT_SIZE];
    size_format(draft->size_bytes, size);
    buffer_printf(file,
                  "# yaml-language-server: $schema=%s\n"
                  "#\n"
                  "# Written by `restore-verifier init` from %s:\n"
                  "# PostgreSQL %s, %s, %zu table%s.\n"
                  "# It verifies as it is. Now make it yours: what must be in your data for a "
                  "restore to be worth something?\n"
                  "# `man restore-verifier-scenario` tells of every key, `restore-verifier check "
                  "%s.yaml` whether all is there that\n"
                  "# a night needs. ${NAME} comes from the environment; passwords stay out of this "
                  "file.\n\n",
                  schema, origin, version, size, draft->table_count,
                  draft->table_count == 1 ? "" : "s", scenario);
    cleanup(free_pointer) char *comment = xasprintf("names the report: reports/%s.xml", scenario);
    cleanup(free_pointer) char *name = yaml_scalar(scenario);
    add_line(file, comment, "scenario: %s", name);
}

static void write_source(const struct draft *draft, struct buffer *file)
{
    const char *mute = draft->location ? "#" : "";
    buffer_append_text(file, "\n");
    if (draft->location)
        buffer_append_text(file, "# These backups are made by somebody else. To make them with "
                                 "`restore-verifier dump`, say where the database is.\n");
    add_line(file, draft->location ? NULL : "where `dump` connects to", "%ssource:", mute);
    if (!draft->location)
        add_line(file, NULL, "  host: %s", host_name(draft->host));
    add_line(file,
             draft->host == HOST_SUPABASE
                 ? "the session pooler, port 5432: the direct host has only IPv6"
                 : "postgresql://USER:PASSWORD@HOST/DATABASE; set it where this runs",
             "%s  database: ${DATABASE_URL}", mute);
}

static void write_age(const struct draft *draft, struct buffer *file)
{
    char age[DURATION_TEXT_SIZE];
    duration_format(draft->backup_age_s * 1000, age);
    cleanup(free_pointer) char *old =
        xasprintf("this backup is %s old; with a new one every night, take the # away", age);
    if (draft->location && draft->backup_age_s > FRESH_ENOUGH_S)
        add_line(file, old, "  # max_age: 26h");
    else
        add_line(file, "one night, and two hours for a dump that started late", "  max_age: 26h");
}

static void write_databases(const struct draft *draft, struct buffer *file)
{
    if (draft->databases.count == 0)
        return;
    cleanup(strings_free) struct strings shown = {0};
    for (size_t i = 0; i < draft->databases.count; i++) {
        cleanup(free_pointer) char *name = comment_text(draft->databases.items[i]);
        strings_add(&shown, *name ? name : "(the one that psql is started in)");
    }
    cleanup(free_pointer) char *listed = strings_listed(&shown);
    buffer_printf(file,
                  "  # It holds %s. All of them are restored and compared with the backup.\n"
                  "  # What must be in the data can be said in a scenario of one of them: "
                  "`database: NAME` instead.\n"
                  "  databases: all\n",
                  listed);
}

/* Dates of which it is not known which one is the backup's. */
static void write_rivals(const struct draft *draft, struct buffer *file)
{
    if (draft->rivals.count == 0)
        return;
    buffer_append_text(
        file, "  # There is more than one date in the name, and which of them is that of "
              "the backup\n  # cannot be told: so that of its header or file counts. Where "
              "another name describes\n  # the backup of every night, take that, and `time: "
              "name`:\n");
    for (size_t i = 0; i < draft->rivals.count; i++) {
        cleanup(free_pointer) char *scalar = value_scalar(draft->rivals.items[i]);
        buffer_printf(file, "  #   name: %s\n", scalar);
    }
}

static void write_backups(const struct draft *draft, const char *scenario, struct buffer *file)
{
    cleanup(free_pointer) char *location = draft->location ? value_scalar(draft->location) : NULL;
    cleanup(free_pointer) char *own = xasprintf("%s_%%Y%%m%%d.dump.gz", scenario);
    cleanup(free_pointer) char *name = value_scalar(draft->pattern ? draft->pattern : own);
    buffer_append_text(file, "\nbackups:\n");
    if (location)
        add_line(file, NULL, "  location: %s", location);
    else
        add_line(file, "or s3://bucket/prefix", "  location: ${BACKUP_DIR:-./backups}");
    write_rivals(draft, file);
    add_line(file,
             draft->rivals.count > 0 ? "as far as can be told; it says which files are backups"
             : draft->is_undated     ? "it tells no date, so another one counts"
                                     : "the date in the name says how old a backup is",
             "  name: %s", name);
    if (draft->is_undated)
        add_line(file, NULL, "  time: %s", draft->has_header ? "header" : "modified");
    write_age(draft, file);
    if (!draft->location)
        add_line(file, "`prune` deletes what is older, and never the last good one", "  keep: 30d");
    if (!draft->has_rows)
        add_line(file, "there is no row in it yet; take this away once there is",
                 "  may_be_empty: true");
    write_databases(draft, file);
}

/* --- restore, migrations ---------------------------------------------------------------------- */

static void write_restore(const struct draft *draft, struct buffer *file)
{
    buffer_append_text(file, "\nrestore:\n");
    add_line(file, "a private server, made for this and deleted afterwards", "  server: throwaway");
    add_line(file, NULL, "  timeout: %s", draft->size_bytes > INT64_C(20) << 30 ? "6h" : "1h");
    if (draft->host == HOST_RENDER || draft->host == HOST_SUPABASE || draft->host == HOST_NEON)
        add_line(file, "tells what would not come back there", "  # target: %s",
                 host_name(draft->host));
    if (draft->exclusions.count > 0)
        buffer_append_text(file, "  # Supabase's own, which needs what only Supabase has. It is in "
                                 "the backup, and is not restored.\n  exclude:\n");
    for (size_t i = 0; i < draft->exclusions.count; i++)
        add_line(file, NULL, "    - %s", draft->exclusions.items[i]);
    if (draft->extensions.count > 0) {
        cleanup(free_pointer) char *listed = strings_listed(&draft->extensions);
        cleanup(free_pointer) char *clean = comment_text(listed);
        buffer_printf(file, "  # Needed where it is restored: the extension%s %s.\n",
                      draft->extensions.count == 1 ? "" : "s", clean);
    }
}

static void write_alembic(const struct draft *draft, const struct draft_migrations *migrations,
                          struct buffer *file)
{
    cleanup(free_pointer) char *table = value_scalar(migrations->table);
    bool by_dump = !draft->location || draft->has_manifest;
    buffer_append_text(file, "\nalembic:\n");
    add_line(file,
             by_dump ? "the revision that the dump saw is the one that comes back"
                     : "the first run has none to compare with, and warns",
             "  version: same as %s", by_dump ? "dump" : "last verified");
    add_line(file, "better: every migration of the code is applied", "  # version: head");
    add_line(file, NULL, "  # config: ../api/alembic.ini");
    if (strcmp(migrations->table, migration_tool_table(TOOL_ALEMBIC)) != 0)
        add_line(file, NULL, "  table: %s", table);
}

static void write_tools(const struct draft *draft, struct buffer *file)
{
    bool is_first = true;
    for (size_t i = 0; i < draft->migration_count; i++) {
        const struct draft_migrations *migrations = &draft->migrations[i];
        const char *own = migration_tool_table(migrations->tool);
        if (migrations->tool == TOOL_ALEMBIC) {
            write_alembic(draft, migrations, file);
            continue;
        }
        if (is_first)
            buffer_append_text(file, "\nmigrations:\n");
        is_first = false;
        cleanup(free_pointer) char *table = value_scalar(migrations->table);
        add_line(file, NULL, "  - tool: %s", migration_tool_name(migrations->tool));
        if (!draft->location)
            add_line(file, "what the dump saw applied is what comes back",
                     "    version: same as dump");
        else
            add_line(file, "without it: that none of them failed",
                     "    # version: same as last verified");
        add_line(file, "better: every migration of the code is applied", "    # version: head");
        add_line(file, NULL, "    # directory: ../app");
        if (strcmp(migrations->table, own) != 0)
            add_line(file, NULL, "    table: %s", table);
    }
}

char *draft_write(const struct draft *draft, const char *scenario, const char *schema)
{
    struct buffer file;
    buffer_init(&file, FILE_LIMIT_BYTES);
    write_head(draft, scenario, schema, &file);
    write_source(draft, &file);
    write_backups(draft, scenario, &file);
    write_restore(draft, &file);
    if (draft->databases.count == 0)
        write_tools(draft, &file);
    write_tables(draft, &file);
    write_keys(draft, &file);
    write_objects(draft, &file);
    return buffer_steal(&file);
}
