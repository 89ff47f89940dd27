/* Restoring the archive into a database of our own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/plain/plain.h"
#include "base/clock.h"
#include "base/memory.h"
#include "postgres/guest.h"
#include "postgres/restore.h"
#include "stages/exclusion.h"
#include "stages/grantors.h"
#include "stages/platform.h"
#include "stages/requirements.h"
#include "stages/run.h"

enum { CONNECT_TIMEOUT_MS = 30000 };

/* The role that a restore runs as on a throwaway server, wherever the archive allows it: the SQL in
 * a backup is not trusted. */
static const char restoring_role[] = "restore_verifier_owner";

/* --- the database ----------------------------------------------------------------------------- */

/* Policies and grants name roles that are in no archive. On a server of our own they are made,
 * without login; on somebody's server we make nothing that would stay. */
static int create_roles(struct stages *stages, struct error *error)
{
    const struct strings *roles = &stages->archive.roles;
    /* Plain SQL makes these roles owners, and does not say which of them were superusers: what is
     * owned by one, such as a materialized view, may need it to be one. The SQL itself runs as a
     * superuser anyway. */
    const char *rights = stages->restore_format == ARCHIVE_PLAIN ? " SUPERUSER" : "";
    if (connection_execute(stages->maintenance, error, "CREATE ROLE %s LOGIN", restoring_role) < 0)
        return -1;
    for (size_t i = 0; i < roles->count; i++) {
        struct error ignored; /* the superuser's own name, or pg_..., which exist or are refused */
        cleanup(free_pointer) char *name = identifier_quote(roles->items[i]);
        connection_execute(stages->maintenance, &ignored, "CREATE ROLE %s NOLOGIN%s", name, rights);
    }
    return 0;
}

/* Their places are on the server that was dumped, so ours lie in the server's own directory. */
static int create_tablespaces(struct stages *stages, struct error *error)
{
    const struct strings *tablespaces = &stages->archive.tablespaces;
    if (tablespaces->count > 0 &&
        connection_execute(stages->maintenance, error, "SET allow_in_place_tablespaces = on") < 0)
        return -1;
    for (size_t i = 0; i < tablespaces->count; i++) {
        cleanup(free_pointer) char *name = identifier_quote(tablespaces->items[i]);
        struct error ignored; /* pg_default is there already; and who needs it will complain */
        connection_execute(stages->maintenance, &ignored, "CREATE TABLESPACE %s LOCATION ''", name);
    }
    return 0;
}

static int database_create(struct stages *stages, const char *owner, struct error *error)
{
    cleanup(free_pointer) char *locale = required_locale(&stages->archive);
    bool locale_missing = false;
    struct guest_options options = {.name = stages->database_name,
                                    .encoding = stages->archive.encoding,
                                    .locale = locale,
                                    .owner = owner};
    if (guest_create(stages->maintenance, &options, &locale_missing, error) < 0)
        return -1;
    if (locale_missing)
        text_copy(stages->facts->server.locale_missing,
                  sizeof(stages->facts->server.locale_missing), locale);
    address_free(&stages->database);
    address_copy(&stages->server, &stages->database);
    address_set(&stages->database, "dbname", stages->database_name);
    return 0;
}

/* A fresh database holds a schema and an extension that belong to the superuser and would be in the
 * way of an archive that brings its own. */
static int database_clear(struct stages *stages, const char *owner, struct error *error)
{
    cleanup(connection_closep) struct connection *connection = NULL;
    if (connection_open(&stages->database, CONNECT_TIMEOUT_MS, &connection, error) < 0)
        return -1;
    if (stages->drop_public && connection_execute(connection, error, "DROP SCHEMA public") < 0)
        return -1;
    if (platform_make(&stages->archive, connection, error) < 0)
        return -1;
    if (!owner)
        return 0;
    return connection_execute(connection, error,
                              "DROP EXTENSION IF EXISTS plpgsql; SET ROLE %s; "
                              "CREATE EXTENSION plpgsql",
                              owner);
}

/* --- what is left out ------------------------------------------------------------------------- */

static void record_exclusion(const struct archive *archive, const struct exclusion *exclusion,
                             struct restore_fact *fact)
{
    struct buffer text;
    buffer_init(&text, sizeof(fact->excluded) - 1);
    for (size_t i = 0; i < archive->entry_count; i++) {
        if (!exclusion->left_out[i])
            continue;
        cleanup(free_pointer) char *name = entry_name(&archive->entries[i]);
        buffer_printf(&text, "%s%s", text.length ? "\n" : "", name);
    }
    for (size_t i = 0; i < exclusion->extensions.count; i++)
        buffer_printf(&text, "%sEXTENSION %s", text.length ? "\n" : "",
                      exclusion->extensions.items[i]);
    text_copy(fact->excluded, sizeof(fact->excluded), text.data);
    fact->excluded_count = (int)(exclusion->count + exclusion->extensions.count);
    buffer_clear(&text);
    for (size_t i = 0; i < exclusion->unmatched.count; i++)
        buffer_printf(&text, "%s%s", text.length ? "\n" : "", exclusion->unmatched.items[i]);
    text_copy(fact->exclude_unmatched, sizeof(fact->exclude_unmatched), text.data);
    buffer_free(&text);
}

/* What is not left out must be there to be restored. */
static int apply_exclusion(struct stages *stages, struct error *error)
{
    const struct archive *archive = &stages->archive;
    cleanup(exclusion_free) struct exclusion exclusion;
    exclusion_find(archive, &stages->scenario->restore.exclude, &exclusion);
    record_exclusion(archive, &exclusion, &stages->facts->restore);
    if (extensions_available(archive, &exclusion, stages->maintenance, error) < 0)
        return -1;
    return sources_exclude(stages, &exclusion, error);
}

/* --- the restore ------------------------------------------------------------------------------ */

/* Creates the database and restores into it as `role`; NULL: as the server's own user. */
static int restore_once(struct stages *stages, const char *role, int jobs, int64_t deadline_ms,
                        struct restore_result *ret_result, struct error *error)
{
    if (database_create(stages, role, error) < 0 ||
        (stages->cluster && database_clear(stages, role, error) < 0))
        return -1;
    struct address database;
    address_copy(&stages->database, &database);
    if (role)
        address_set(&database, "user", role);
    int outcome = sources_restore(stages, &database, jobs, deadline_ms, ret_result, error);
    address_free(&database);
    return outcome;
}

static bool some_data_failed(const struct restore_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        if (errors->items[i].class == RESTORE_BACKUP &&
            starts_with(errors->items[i].message, "COPY failed for table"))
            return true;
    return false;
}

/* A check constraint may look into another table. That works only where this one is filled first,
 * as it is by a single job, which goes by the order of the archive. */
static int restore_as(struct stages *stages, const char *role, int64_t deadline_ms,
                      struct restore_result *ret_result, struct error *error)
{
    bool alone = stages->restore_format == ARCHIVE_TAR || stages->restore_format == ARCHIVE_PLAIN;
    int jobs = alone ? 1 : stages->jobs;
    if (restore_once(stages, role, jobs, deadline_ms, ret_result, error) < 0)
        return -1;
    if (jobs == 1 || !some_data_failed(&ret_result->errors))
        return 0;
    restore_result_free(ret_result);
    if (guest_drop(stages->maintenance, stages->database_name, error) < 0)
        return -1;
    if (restore_once(stages, role, 1, deadline_ms, ret_result, error) < 0)
        return -1;
    stages->facts->restore.by_one_job = !some_data_failed(&ret_result->errors);
    return 0;
}

/* A plain dump that brings its own schema public says so only by failing. */
static bool met_public(const struct stages *stages, const struct restore_errors *errors)
{
    return stages->restore_format == ARCHIVE_PLAIN && !stages->drop_public && errors->count > 0 &&
           strstr(errors->items[0].message, "schema \"public\" already exists");
}

static bool lacked_rights(const struct restore_errors *errors, char **ret_reason)
{
    static const char *const words[] = {"must be superuser", "only superuser", "must be owner of",
                                        "permission denied"};
    for (size_t i = 0; i < errors->count; i++)
        for (size_t j = 0; j < ARRAY_LENGTH(words); j++)
            if (strstr(errors->items[i].message, words[j])) {
                *ret_reason = xstrdup(errors->items[i].message);
                return true;
            }
    return false;
}

static void record_result(const struct restore_result *result, struct restore_fact *fact)
{
    static const char *const names[] = {"harmless", "this machine", "backup"};
    text_copy(fact->how, sizeof(fact->how), result->how);
    fact->harmless_count = (int)result->errors.counts[RESTORE_HARMLESS];
    fact->machine_count = (int)result->errors.counts[RESTORE_MACHINE];
    fact->backup_count = (int)result->errors.counts[RESTORE_BACKUP];
    struct buffer lines;
    buffer_init(&lines, sizeof(fact->errors) - 1);
    for (size_t i = 0; i < result->errors.count; i++) {
        const struct restore_error *item = &result->errors.items[i];
        cleanup(free_pointer) char *line =
            xasprintf("%s%s%s", item->message, *item->place ? ", in " : "", item->place);
        if (item->class == RESTORE_MACHINE && !*fact->first_machine)
            text_copy(fact->first_machine, sizeof(fact->first_machine), line);
        if (item->class == RESTORE_BACKUP && !*fact->first_backup)
            text_copy(fact->first_backup, sizeof(fact->first_backup), line);
        buffer_printf(&lines, "%s%s: %s", lines.length ? "\n" : "", names[item->class], line);
    }
    text_copy(fact->errors, sizeof(fact->errors), lines.data);
    buffer_free(&lines);
}

/* Restores as `role`, once more without the schema public if that is in the way. */
static int restore_freely(struct stages *stages, const char *role, int64_t deadline_ms,
                          struct restore_result *ret_result, struct error *error)
{
    if (restore_as(stages, role, deadline_ms, ret_result, error) < 0)
        return -1;
    if (!met_public(stages, &ret_result->errors))
        return 0;
    restore_result_free(ret_result);
    stages->drop_public = true;
    if (guest_drop(stages->maintenance, stages->database_name, error) < 0)
        return -1;
    return restore_as(stages, role, deadline_ms, ret_result, error);
}

/* On a throwaway server: as a role without rights first, and as the superuser where the archive
 * needs one, or turns out to. */
static int restore_on_throwaway(struct stages *stages, int64_t deadline_ms,
                                struct restore_result *ret_result, struct error *error)
{
    struct server_fact *fact = &stages->facts->server;
    stages->drop_public = creates_public_schema(&stages->archive);
    if (create_roles(stages, error) < 0 || create_tablespaces(stages, error) < 0 ||
        sources_restore_server(stages, deadline_ms, error) < 0)
        return -1;
    cleanup(free_pointer) char *reason = superuser_reason(&stages->archive, stages->maintenance);
    if (!reason) {
        snprintf(fact->restored_as, sizeof(fact->restored_as), "a role without special rights%s",
                 stages->of_server.how ? ", but for its roles" : "");
        if (restore_freely(stages, restoring_role, deadline_ms, ret_result, error) < 0)
            return -1;
        if (!lacked_rights(&ret_result->errors, &reason))
            return 0;
        restore_result_free(ret_result);
        if (guest_drop(stages->maintenance, stages->database_name, error) < 0)
            return -1;
    }
    cleanup(free_pointer) char *text = xasprintf("superuser, because: %s", reason);
    text_copy(fact->restored_as, sizeof(fact->restored_as), text);
    return restore_freely(stages, NULL, deadline_ms, ret_result, error);
}

/* The owner's lock is taken before the database is there, so that no other run sees it without. */
static int restore_as_guest(struct stages *stages, int64_t deadline_ms,
                            struct restore_result *ret_result, struct error *error)
{
    struct server_fact *fact = &stages->facts->server;
    text_copy(fact->guest, sizeof(fact->guest), stages->database_name);
    snprintf(fact->restored_as, sizeof(fact->restored_as), "the user of the server's URL");
    if (guest_lock(stages->maintenance, stages->database_name, error) < 0)
        return -1;
    return restore_as(stages, NULL, deadline_ms, ret_result, error);
}

/* Plain SQL may create databases and connect to them, as pg_dump -C and pg_dumpall do: what is
 * checked then is the database that it filled. */
static int filled_database(const struct archive *archive, bool throwaway, char **ret_database,
                           struct error *error)
{
    cleanup(strings_free) struct strings filled = {0};
    for (size_t i = 0; i < archive->table_count; i++) {
        const char *database = archive->tables[i].database;
        if (database && !strings_contain(&filled, database))
            strings_add(&filled, database);
    }
    if (filled.count > 1)
        return cannot_verify(
            error,
            "the backup holds the tables of %zu databases (%s, %s ...), and one is "
            "what can be verified: dump each with pg_dump",
            filled.count, filled.items[0], filled.items[1]);
    if (filled.count == 1 && !throwaway)
        return cannot_verify(
            error,
            "the backup creates the database %s itself: that is done on a throwaway "
            "server only",
            filled.items[0]);
    if (filled.count == 1)
        *ret_database = xstrdup(filled.items[0]);
    return 0;
}

static void record_psql(struct stages *stages)
{
    struct server_fact *fact = &stages->facts->server;
    cleanup(free_pointer) char *argument = address_argument(&stages->database);
    cleanup(free_pointer) char *command = xasprintf("psql \"%s\"", argument);
    text_copy(fact->psql, sizeof(fact->psql), command);
    text_copy(fact->database, sizeof(fact->database), address_get(&stages->database, "dbname"));
}

/* psql passes over the failed DROPs of such a dump, but only when it passes over every error. */
static int refuse_clean(const struct stages *stages, const struct restore_errors *errors,
                        struct error *error)
{
    if (stages->restore_format != ARCHIVE_PLAIN || errors->count == 0 ||
        !restore_error_is_failed_drop(&errors->items[0]))
        return 0;
    return cannot_verify(
        error,
        "the dump was made with --clean and without --if-exists: it begins with dropping what is "
        "not there yet (%s, in %s); dump without --clean, or with --if-exists",
        errors->items[0].message, errors->items[0].place);
}

/* Bounds of partitions and checks may compare texts, which every locale orders in its own way. */
static bool depends_on_locale(const char *message)
{
    return strstr(message, "partition") || strstr(message, "violates check constraint");
}

/* What one release of PostgreSQL knows and another does not. */
static const char *release_advice(const char *message)
{
    static const struct {
        const char *words, *advice;
    } advices[] = {
        {"unrecognized parameter",
         "; the server that was dumped knows it and this one does not: update PostgreSQL here, or "
         "dump with the pg_dump of the server's own release"},
        {"invalid command \\restrict",
         "; this psql is older than the pg_dump that wrote that: update "
         "the package postgresql-client"},
        {"function pg_catalog.pg_restore_",
         "; the dump has statistics, which PostgreSQL 18 and newer take: install the package "
         "postgresql-18, or dump without --statistics"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(advices); i++)
        if (strstr(message, advices[i].words))
            return advices[i].advice;
    return "";
}

/* Where texts are not in the order that the database had, what fails for that says nothing about
 * the backup: why they may not be, or NULL; to be freed by the caller. */
static char *locale_doubt(const struct stages *stages)
{
    const char *missing = stages->facts->server.locale_missing;
    cleanup(free_pointer) char *named = required_locale(&stages->archive);
    if (*missing)
        return xasprintf("the locale of the database (%s) is not on this machine and \"C\" had to "
                         "serve: install it (dpkg-reconfigure locales) and verify again",
                         missing);
    /* What it creates itself gets the locale that it names. */
    if (stages->restore_format == ARCHIVE_PLAIN && stages->archive.databases.count == 0 && !named)
        return xstrdup("this plain SQL names no locale and \"C\" had to serve: dump with --create "
                       "or in custom format");
    return NULL;
}

/* An error of this machine comes first: what follows it may be only its consequence. */
static int judge(const struct stages *stages, struct error *error)
{
    const struct restore_fact *fact = &stages->facts->restore;
    int total = fact->machine_count + fact->backup_count;
    const char *plural = total == 1 ? "" : "s";
    cleanup(free_pointer) char *doubt =
        depends_on_locale(fact->first_backup) ? locale_doubt(stages) : NULL;
    if (fact->machine_count > 0)
        return cannot_verify(
            error, "%d error%s while restoring, among them one that is this machine's fault: %s%s",
            total, plural, fact->first_machine, release_advice(fact->first_machine));
    if (doubt)
        return cannot_verify(error, "%d error%s while restoring: %s; this may be because %s", total,
                             plural, fact->first_backup, doubt);
    if (fact->backup_count > 0)
        return bad_backup(error, "%d error%s while restoring: %s", total, plural,
                          fact->first_backup);
    return 0;
}

/* pg_dumpall --clean drops the database that we are connected to by default. */
static int leave_databases_alone(struct stages *stages, struct error *error)
{
    static const struct guest_options own = {.name = "restore_verifier_maintenance"};
    bool locale_missing; /* it has none */
    if (!stages->cluster || stages->archive.databases.count == 0)
        return 0;
    if (guest_create(stages->maintenance, &own, &locale_missing, error) < 0)
        return -1;
    address_set(&stages->server, "dbname", own.name);
    connection_close(take(&stages->maintenance));
    return connection_open(&stages->server, CONNECT_TIMEOUT_MS, &stages->maintenance, error);
}

/* Never in the backup itself. */
static bool brings_grantors(const struct stages *stages)
{
    return stages->cluster && stages->archive.plain && stages->archive.plain->cluster &&
           strcmp(stages->sources[0].path, stages->sources[0].copy_path) == 0;
}

int restore_stage(struct stages *stages, struct error *error)
{
    int64_t deadline_ms = deadline_after(stages->scenario->restore.timeout_ms);
    stages->database_name = stages->cluster ? xstrdup("restored") : guest_name();
    if (leave_databases_alone(stages, error) < 0 || apply_exclusion(stages, error) < 0 ||
        platform_check(&stages->archive, error) < 0)
        return -1;
    if (brings_grantors(stages) && grantors_leave_out(stages->sources[0].copy_path, error) < 0)
        return -1;
    cleanup(free_pointer) char *filled = NULL;
    if (filled_database(&stages->archive, stages->cluster != NULL, &filled, error) < 0)
        return -1;
    struct restore_result result = {0};
    int restored = stages->cluster ? restore_on_throwaway(stages, deadline_ms, &result, error)
                                   : restore_as_guest(stages, deadline_ms, &result, error);
    if (restored == 0) {
        if (filled)
            address_set(&stages->database, "dbname", filled);
        restore_result_join(&stages->of_server, &result);
        record_result(&stages->of_server, &stages->facts->restore);
        record_psql(stages);
        stages->has_database = true;
    }
    if (restored == 0 && refuse_clean(stages, &stages->of_server.errors, error) < 0)
        restored = -1;
    restore_result_free(&result);
    return restored < 0 ? -1 : judge(stages, error);
}
