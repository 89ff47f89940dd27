/* The extensions that a restore needs: those of the database that is dumped, or else those of the
 * latest backup. Are they installed where it happens? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/clock.h"
#include "base/file.h"
#include "preflight/areas.h"
#include "shelf/object_source.h"
#include "stages/exclusion.h"
#include "stages/requirements.h"

/* --- which are needed ------------------------------------------------------------------------- */

/* Without those that restore.exclude names, by themselves or with their schema, and without what
 * builds on these. */
static const char needed_sql[] =
    "with recursive words as (select string_to_array($1, E'\\n') as list), "
    "excluded as (select e.oid from words, pg_extension e join pg_namespace n on n.oid = "
    "extnamespace "
    "where array['EXTENSION ' || extname, 'EXTENSION - ' || extname, 'SCHEMA ' || nspname, "
    "'SCHEMA - ' || nspname] && list "
    "union select d.objid from pg_depend d join excluded x on d.refobjid = x.oid "
    "where d.classid = 'pg_extension'::regclass and d.refclassid = 'pg_extension'::regclass) "
    "select extname from pg_extension where oid not in (select oid from excluded) order by 1";

static char *joined(const struct strings *names)
{
    char *text = xstrdup("");
    for (size_t i = 0; i < names->count; i++) {
        cleanup(free_pointer) char *before = text;
        text = xasprintf("%s%s\n", before, names->items[i]);
    }
    return text;
}

void learn_extensions_of_source(struct area *area, struct connection *connection)
{
    struct error error;
    cleanup(free_pointer) char *excluded = joined(&area->scenario->restore.exclude);
    const char *const parameters[] = {excluded, NULL};
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, needed_sql, parameters, &result, NULL, &error) < 0) {
        finding_add(area, "extensions", NOT_READY, "cannot be asked for: %s", error.text);
        return;
    }
    area->learned.knows_extensions = true;
    area->learned.can_leave_out = true;
    for (int i = 0; i < PQntuples(result); i++)
        strings_add(&area->learned.extensions, PQgetvalue(result, i, 0));
}

static bool is_named(const struct scenario *scenario, const char *extension)
{
    cleanup(free_pointer) char *name = xasprintf("EXTENSION %s", extension);
    return strings_contain(&scenario->restore.exclude, name);
}

static void take_extensions(struct area *area, const struct archive *archive, bool is_part)
{
    struct learned *learned = &area->learned;
    cleanup(exclusion_free) struct exclusion exclusion;
    exclusion_find(archive, &area->scenario->restore.exclude, &exclusion);
    learned->knows_extensions = true;
    learned->can_leave_out = archive->format != ARCHIVE_PLAIN || is_part;
    for (size_t i = 0; i < archive->extension_count; i++) {
        const char *name = archive->extensions[i].name;
        if (!extension_is_left_out(archive, &exclusion, name) &&
            !(is_part && is_named(area->scenario, name)) &&
            !strings_contain(&learned->extensions, name))
            strings_add(&learned->extensions, name);
    }
    if (learned->server_major == 0)
        learned->server_major = required_versions(archive).server;
}

/* In this thread alone: no more of it than tells. */
static int read_contents(struct area *area, struct shelf *shelf, const struct part_file *file,
                         struct error *error)
{
    const struct archive_options options = {
        .threads = 1, .contents_only = true, .is_part = file->part != PART_WHOLE};
    cleanup(archive_free) struct archive archive = {0};
    int outcome = shelf_directory(shelf)
                      ? archive_read(&archive, file->path, &options, error)
                      : object_read(&archive, shelf, file->name, file->size_bytes, &options, error);
    if (outcome < 0 && !archive.contents_known)
        return -1;
    take_extensions(area, &archive, options.is_part);
    return 0;
}

/* Of a set only these parts create any. */
static bool may_create(enum backup_part part)
{
    return part == PART_WHOLE || part == PART_PLATFORM || part == PART_SCHEMA ||
           part == PART_PRE_DATA || part == PART_DUMP;
}

static int read_backup(struct area *area, const struct backup_file *backup, struct error *error)
{
    const struct part_file whole = {.part = PART_WHOLE,
                                    .path = backup->path,
                                    .name = (char *)(uintptr_t)backup->name,
                                    .size_bytes = backup->size_bytes};
    if (backup->part_count == 0)
        return read_contents(area, backup->shelf, &whole, error);
    for (size_t i = 0; i < backup->part_count; i++)
        if (may_create(backup->parts[i].part) &&
            read_contents(area, backup->shelf, &backup->parts[i], error) < 0)
            return -1;
    return 0;
}

/* What cannot be read otherwise, its manifest tells: "pg_trgm 1.6". */
static void take_manifest(struct area *area, const struct manifest *manifest)
{
    area->learned.knows_extensions = true;
    for (size_t i = 0; i < manifest->extensions.count; i++) {
        const char *words = manifest->extensions.items[i];
        cleanup(free_pointer) char *name = xstrndup(words, strcspn(words, " "));
        if (!is_named(area->scenario, name))
            strings_add(&area->learned.extensions, name);
    }
}

void learn_extensions_of_backup(struct area *area, const struct backup_file *backup,
                                const struct manifest *manifest)
{
    struct error error;
    if (read_backup(area, backup, &error) == 0)
        return;
    /* Of a set, perhaps, not every file. */
    strings_free(&area->learned.extensions);
    area->learned.knows_extensions = false;
    if (manifest)
        take_manifest(area, manifest);
    else
        area->learned.why_not = xstrdup(error.text);
}

/* --- whether they are there ------------------------------------------------------------------- */

/* initdb tells where its installation keeps them: "share_path=/usr/share/postgresql/15". Caller
 * frees. */
static int find_share(const struct tools *tools, int64_t timeout_ms, char **ret_path,
                      struct error *error)
{
    static const char key[] = "\nshare_path=";
    struct account account;
    cleanup(free_pointer) char *initdb = tools_program(tools, "initdb");
    const char *const argv[] = {initdb, "--show", "--pgdata=data", NULL};
    struct process_options options = {.argv = argv, .account = &account, .directory = "/"};
    cleanup(process_result_free) struct process_result result = {0};
    if (server_account(&account, error) < 0 ||
        process_run(&options, deadline_after(timeout_ms), &result, error) < 0)
        return -1;
    const char *found = strstr(result.errors.data, key);
    if (result.exit_code != 0 || !found) {
        cleanup(free_pointer) char *how = process_describe(&result);
        return cannot_verify(error, "%s --show, which tells where extensions lie, %s", initdb, how);
    }
    found += strlen(key);
    *ret_path = xstrndup(found, strcspn(found, "\n"));
    return 0;
}

/* As pg_available_extensions finds them. Names come from a backup. */
static bool is_installed(const char *share, const char *extension)
{
    cleanup(free_pointer) char *path = xasprintf("%s/extension/%s.control", share, extension);
    return !strchr(extension, '/') && access(path, F_OK) == 0;
}

/* These give 1 when there is no place to look at. */
static int find_missing_here(struct area *area, struct strings *missing, int *ret_major,
                             struct error *error)
{
    const struct tools *tools = area->tools;
    cleanup(free_pointer) char *share = NULL;
    const struct strings *needed = &area->learned.extensions;
    if (!tools)
        return 1; /* which look_at_restoring tells */
    if (find_share(tools, area->timeout_ms, &share, error) < 0)
        return -1;
    *ret_major = tools->major;
    for (size_t i = 0; i < needed->count; i++)
        if (!is_installed(share, needed->items[i]))
            strings_add(missing, needed->items[i]);
    return 0;
}

static int find_missing_there(struct area *area, struct strings *missing, int *ret_major,
                              struct error *error)
{
    cleanup(address_free) struct address address = {0};
    cleanup(connection_closep) struct connection *connection = NULL;
    const struct strings *needed = &area->learned.extensions;
    if (address_parse(area->scenario->restore.server, &address, error) < 0 ||
        connection_open(&address, area->timeout_ms, &connection, error) < 0)
        return 1; /* which look_at_restore_server tells */
    *ret_major = connection_server_version(connection) / 10000;
    for (size_t i = 0; i < needed->count; i++) {
        bool available;
        if (extension_is_available(connection, needed->items[i], &available, error) < 0)
            return -1;
        if (!available)
            strings_add(missing, needed->items[i]);
    }
    return 0;
}

static void tell_all_there(struct area *area, int major)
{
    const struct strings *needed = &area->learned.extensions;
    cleanup(free_pointer) char *names = strings_listed(needed);
    if (needed->count == 0)
        finding_add(area, "extensions", READY, "none is needed");
    else
        finding_add(area, "extensions", READY, "%s %s installed for PostgreSQL %d", names,
                    needed->count == 1 ? "is" : "are", major);
}

/* Where nothing was learned and nothing failed there is neither a database nor a backup yet, or
 * others have told why it cannot be looked at. */
void look_at_extensions(struct area *area)
{
    const struct learned *learned = &area->learned;
    cleanup(strings_free) struct strings missing = {0};
    bool is_elsewhere = area->scenario->restore.server != NULL;
    struct error error;
    int major = 0;
    if (!learned->knows_extensions && learned->why_not)
        finding_add(area, "extensions", READY_BUT,
                    "which ones the latest backup needs is not known before a run: %s",
                    learned->why_not);
    if (!learned->knows_extensions)
        return;
    int found = is_elsewhere ? find_missing_there(area, &missing, &major, &error)
                             : find_missing_here(area, &missing, &major, &error);
    if (found > 0)
        return;
    if (found < 0)
        finding_add(area, "extensions", NOT_READY, "cannot be looked for: %s", error.text);
    else if (missing.count == 0)
        tell_all_there(area, major);
    else {
        extensions_refuse(&missing, major, learned->can_leave_out, &error);
        finding_add(area, "extensions", NOT_READY, "%s", error.text);
    }
}
