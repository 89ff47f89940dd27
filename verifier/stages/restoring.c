/* Restoring the archive into a database of our own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/data_only.h"
#include "archive/plain/plain.h"
#include "base/clock.h"
#include "base/memory.h"
#include "postgres/amcheck.h"
#include "postgres/guest.h"
#include "postgres/reader.h"
#include "postgres/restore.h"
#include "postgres/restore_times.h"
#include "postgres/rights.h"
#include "stages/blame.h"
#include "stages/exclusion.h"
#include "stages/fitting.h"
#include "stages/grantors.h"
#include "stages/platform.h"
#include "stages/requirements.h"
#include "stages/run.h"

enum { CONNECT_TIMEOUT_MS = 30000 };

/* The role that a restore runs as on a throwaway server, wherever the archive allows it without
 * special rights: the SQL in a backup is not trusted. Where it needs a superuser this role is one
 * until the restore has ended; so what is restored belongs to nobody who still is one. */
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
                                    .owner = owner,
                                    .on_our_server = stages->cluster != NULL};
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

/* Plain SQL is not read for it. */
static bool may_name_plpgsql(const struct stages *stages)
{
    const struct archive *archive = &stages->archive;
    for (size_t i = 0; i < archive->entry_count; i++)
        if (*archive->entries[i].schema == '\0' && strstr(archive->entries[i].tag, "plpgsql"))
            return true;
    return stages->restore_format == ARCHIVE_PLAIN;
}

/* A fresh database holds a schema and an extension that belong to the superuser and would be in the
 * way of an archive that brings its own. */
static int database_clear(struct stages *stages, const char *owner, struct error *error)
{
    cleanup(connection_closep) struct connection *connection = NULL;
    /* Since 15 the schema public belongs to whoever owns the database. */
    bool give_public =
        owner && !stages->drop_public && connection_server_version(stages->maintenance) < 150000;
    bool give_plpgsql = owner && !stages->drop_plpgsql && may_name_plpgsql(stages);
    if (!stages->drop_public && !stages->drop_plpgsql && !give_public && !give_plpgsql)
        return 0;
    if (connection_open(&stages->database, CONNECT_TIMEOUT_MS, &connection, error) < 0)
        return -1;
    if (stages->drop_public && connection_execute(connection, error, "DROP SCHEMA public") < 0)
        return error_prefix(error, "the backup brings its own schema public, and that of a fresh "
                                   "database cannot be dropped: ");
    if (stages->drop_plpgsql && connection_execute(connection, error, "DROP EXTENSION plpgsql") < 0)
        return -1;
    if (owner && platform_make(&stages->archive, connection, error) < 0)
        return -1;
    if (give_public &&
        connection_execute(connection, error, "ALTER SCHEMA public OWNER TO %s", owner) < 0)
        return -1;
    if (!give_plpgsql)
        return 0;
    return connection_execute(connection, error,
                              "DROP EXTENSION IF EXISTS plpgsql; SET ROLE %s; "
                              "CREATE EXTENSION plpgsql",
                              owner);
}

/* --- amcheck ---------------------------------------------------------------------------------- */

/* Of a backup that brings it itself, its SQL makes it, and nobody else may call it. */
static bool brings_amcheck(const struct stages *stages)
{
    const struct archive *archive = &stages->archive;
    cleanup(exclusion_free) struct exclusion exclusion;
    exclusion_find(archive, &stages->scenario->restore.exclude, &exclusion);
    for (size_t i = 0; i < archive->extension_count; i++)
        if (strcmp(archive->extensions[i].name, "amcheck") == 0)
            return !extension_is_left_out(archive, &exclusion, "amcheck");
    return false;
}

/* While the database is still empty. `made` 0: it was; what else it says is for the check that
 * needs it. */
static void record_amcheck(struct stages *stages, int made, const struct error *error)
{
    struct restore_fact *fact = &stages->facts->restore;
    fact->amcheck_made = made == 0;
    text_copy(fact->amcheck_problem, sizeof(fact->amcheck_problem), made < 0 ? error->text : "");
}

static void make_amcheck(struct stages *stages)
{
    struct error error;
    int made;
    if (!stages->scenario->restore.amcheck)
        return;
    if (brings_amcheck(stages))
        made = cannot_verify(&error, "the backup brings the extension amcheck itself, where checks "
                                     "may not call it: leave it out with `EXTENSION amcheck` under "
                                     "restore.exclude");
    else
        made = stages->cluster ? amcheck_make_for_all(stages->maintenance, &stages->server, &error)
                               : amcheck_make(&stages->database, &error);
    record_amcheck(stages, made, &error);
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
    if (connection_server_version(stages->maintenance) < 180000)
        stages->facts->restore.statistics_left_out =
            (int)exclusion_leave_out_statistics(archive, &exclusion);
    return sources_exclude(stages, &exclusion, error);
}

/* --- the restore ------------------------------------------------------------------------------ */

/* What held for the server, if it is ours, and for the programs that restored. */
static void record_confined(struct stages *stages, const struct confined *restoring)
{
    struct server_fact *fact = &stages->facts->server;
    struct confined confined = *restoring;
    struct buffer held, missing;
    confined_merge(&confined, &stages->of_server.confined);
    if (stages->cluster)
        confined_merge(&confined, cluster_confined(stages->cluster));
    buffer_init(&held, sizeof(fact->confined_by) - 1);
    buffer_init(&missing, sizeof(fact->not_confined_by) - 1);
    confined_describe(&confined, &held, &missing);
    text_copy(fact->confined_by, sizeof(fact->confined_by), held.data);
    text_copy(fact->not_confined_by, sizeof(fact->not_confined_by), missing.data);
    buffer_free(&held);
    buffer_free(&missing);
}

/* Creates the database and restores into it as `role`; NULL: as the user of the server's URL. */
static int restore_once(struct stages *stages, const char *role, int jobs, int64_t deadline_ms,
                        struct restore_result *ret_result, struct error *error)
{
    restore_watch_again(stages->watch);
    if (database_create(stages, role, error) < 0 || database_clear(stages, role, error) < 0)
        return -1;
    if (!stages->cluster)
        make_amcheck(stages);
    struct address database;
    address_copy(&stages->database, &database);
    if (role)
        address_set(&database, "user", role);
    int outcome = sources_restore(stages, &database, jobs, deadline_ms, ret_result, error);
    address_free(&database);
    if (outcome == 0)
        record_confined(stages, &ret_result->confined);
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

/* Several jobs lock the same tables. pg_restore keeps those apart that would wait for each other,
 * as far as the archive tells what belongs to which table; that of one section does not. */
static bool met_each_other(const struct restore_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        if (strstr(errors->items[i].message, "deadlock detected"))
            return true;
    return false;
}

static int restore_as(struct stages *stages, const char *role, int64_t deadline_ms,
                      struct restore_result *ret_result, struct error *error)
{
    bool alone = stages->restore_format == ARCHIVE_TAR || stages->restore_format == ARCHIVE_PLAIN ||
                 stages->archive.version_minor < 8 || /* before PostgreSQL 8.0 */
                 (stages->scenario->restore.jobs == 0 && needs_its_order(&stages->archive));
    int jobs = alone ? 1 : stages->jobs;
    if (restore_once(stages, role, jobs, deadline_ms, ret_result, error) < 0)
        return -1;
    bool data_failed = some_data_failed(&ret_result->errors);
    if (jobs == 1 || (!data_failed && !met_each_other(&ret_result->errors)))
        return 0;
    restore_result_free(ret_result);
    if (guest_drop(stages->maintenance, stages->database_name, error) < 0)
        return -1;
    if (restore_once(stages, role, 1, deadline_ms, ret_result, error) < 0)
        return -1;
    stages->facts->restore.by_one_job = data_failed && !some_data_failed(&ret_result->errors);
    return 0;
}

/* A plain dump that brings its own schema public, or its own plpgsql as those of before 9.1 do,
 * says so only by failing. True: another try without what was in its way may go better. */
static bool met_what_was_there(struct stages *stages, const struct restore_errors *errors)
{
    /* In a dump of several databases what was there would be another one's. */
    if (stages->restore_format != ARCHIVE_PLAIN || errors->count == 0 ||
        stages->archive.databases.count > 0)
        return false;
    const char *message = errors->items[0].message;
    bool *const dropped = strstr(message, "schema \"public\" already exists") ? &stages->drop_public
                          : strstr(message, "\"plpgsql\" already exists") != NULL
                              ? &stages->drop_plpgsql
                              : NULL;
    if (!dropped || *dropped)
        return false;
    *dropped = true;
    return true;
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

/* Restores as `role`, once more without what a fresh database has if that is in the way. */
static int restore_freely(struct stages *stages, const char *role, int64_t deadline_ms,
                          struct restore_result *ret_result, struct error *error)
{
    for (;;) {
        if (restore_as(stages, role, deadline_ms, ret_result, error) < 0)
            return -1;
        if (!met_what_was_there(stages, &ret_result->errors))
            return 0;
        restore_result_free(ret_result);
        if (guest_drop(stages->maintenance, stages->database_name, error) < 0)
            return -1;
    }
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
    make_amcheck(stages);
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
    stages->by_superuser = true;
    if (connection_execute(stages->maintenance, error, "ALTER ROLE %s SUPERUSER", restoring_role) <
        0)
        return -1;
    return restore_freely(stages, restoring_role, deadline_ms, ret_result, error);
}

/* A database that a failed restore has not made is nothing to look into. */
static int hand_over(const struct stages *stages, const char *name, bool restored,
                     struct error *error)
{
    cleanup(connection_closep) struct connection *connection = NULL;
    struct address database;
    if (reader_admit(stages->maintenance, name, error) < 0)
        return restored ? -1 : 0;
    address_copy(&stages->database, &database);
    address_set(&database, "dbname", name);
    int outcome = reader_open(&database, READER_TABLES, CONNECT_TIMEOUT_MS, &connection, error);
    address_free(&database);
    return outcome < 0 ? -1 : rights_are_taken(connection, stages->by_superuser, error);
}

/* From here on the server is for looking only. `restored`: without an error. */
static int hand_to_reader(struct stages *stages, bool restored, struct error *error)
{
    const struct databases_fact *databases = &stages->facts->databases;
    if (rights_take(stages->maintenance, error) < 0 ||
        reader_create(stages->maintenance, error) < 0)
        return -1;
    address_set(&stages->database, "user", reader_role);
    if (databases->count == 0)
        return hand_over(stages, address_get(&stages->database, "dbname"), restored, error);
    for (size_t i = 0; i < databases->count; i++)
        if (hand_over(stages, databases->names[i], restored, error) < 0)
            return -1;
    return 0;
}

/* The owner's lock is taken before the database is there, so that no other run sees it without. */
static int restore_as_guest(struct stages *stages, int64_t deadline_ms,
                            struct restore_result *ret_result, struct error *error)
{
    struct server_fact *fact = &stages->facts->server;
    text_copy(fact->guest, sizeof(fact->guest), stages->database_name);
    if (guest_lock(stages->maintenance, stages->database_name, error) < 0)
        return -1;
    return restore_freely(stages, NULL, deadline_ms, ret_result, error);
}

/* Plain SQL may create databases and connect to them, as pg_dump -C and pg_dumpall do. */
static void enter_database(struct stages *stages)
{
    const struct databases_fact *fact = &stages->facts->databases;
    const char *chosen = stages->has_view && stages->view.database ? stages->view.database : "";
    const char *entered = fact->count > 0 ? fact->names[0] : chosen;
    if (*entered)
        address_set(&stages->database, "dbname", entered);
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

/* pg_dumpall --clean drops the database that we are connected to by default. */
static int leave_databases_alone(struct stages *stages, struct error *error)
{
    static const struct guest_options own = {.name = "restore_verifier_maintenance",
                                             .on_our_server = true};
    bool locale_missing; /* it has none */
    if (!stages->cluster || stages->archive.databases.count == 0)
        return 0;
    if (guest_create(stages->maintenance, &own, &locale_missing, error) < 0)
        return -1;
    address_set(&stages->server, "dbname", own.name);
    connection_close(take(&stages->maintenance));
    if (connection_open(&stages->server, CONNECT_TIMEOUT_MS, &stages->maintenance, error) < 0)
        return -1;
    return connection_execute(stages->maintenance, error, OWN_NAMES_SQL);
}

/* What a dump of a whole cluster says that fits no other server. Never in the backup itself. */
static int fit_cluster(const struct stages *stages, struct error *error)
{
    const char *path = stages->sources[0].copy_path;
    if (!sources_are_of_cluster(stages) || strcmp(stages->sources[0].path, path) != 0)
        return 0;
    return grantors_leave_out(path, error) < 0 || tablespaces_bring_here(path, error) < 0 ? -1 : 0;
}

/* It would be this server's fault that it exists already. */
static int refuse_own_roles(const struct stages *stages, struct error *error)
{
    const char *const own[] = {cluster_superuser, restoring_role, reader_role};
    for (size_t i = 0; i < ARRAY_LENGTH(own) && stages->cluster; i++)
        if (strings_contain(&stages->archive.created_roles, own[i]))
            return cannot_verify(error,
                                 "the backup creates the role %s, which the throwaway server has "
                                 "for this program's own work: give it another name in the source",
                                 own[i]);
    return 0;
}

static void record_times(struct stages *stages)
{
    struct restore_times times;
    struct error ignored; /* nothing depends on it */
    if (!stages->cluster || restore_times_read(cluster_log(stages->cluster), &times, &ignored) < 0)
        return;
    cleanup(free_pointer) char *spent = restore_times_describe(&times);
    text_copy(stages->facts->restore.time_spent, sizeof(stages->facts->restore.time_spent), spent);
}

/* What the restore met comes first: of a database that it did not make, nobody can be let in. */
static int finish(struct stages *stages, const struct restore_result *result, struct error *error)
{
    struct error unfit;
    record_times(stages);
    restore_errors_record(stages, result);
    int judged = refuse_clean(stages, &result->errors, error);
    if (judged == 0)
        judged = restore_errors_judge(stages, error);
    if (stages->cluster && hand_to_reader(stages, judged == 0, &unfit) < 0) {
        if (judged == 0)
            *error = unfit;
        return -1;
    }
    record_psql(stages);
    stages->has_database = true;
    return judged;
}

int restore_stage(struct stages *stages, struct error *error)
{
    int64_t deadline_ms = deadline_after(stages->scenario->restore.timeout_ms);
    bool taken = strings_contain(&stages->archive.databases, "restored");
    stages->database_name = stages->cluster && !taken ? xstrdup("restored") : guest_name();
    if (archive_is_data_only(&stages->archive))
        return bad_backup(error, "a data-only dump: it cannot be restored alone, since it holds "
                                 "rows and no table to put them into; dump without --data-only");
    if (databases_choose(stages, error) < 0)
        return -1;
    if (leave_databases_alone(stages, error) < 0 || apply_exclusion(stages, error) < 0 ||
        platform_check(&stages->archive, error) < 0)
        return -1;
    if (refuse_own_roles(stages, error) < 0 || fit_cluster(stages, error) < 0 ||
        fit_plain(stages, error) < 0)
        return -1;
    struct restore_result result = {0};
    if (stages->cluster)
        stages->watch = restore_watch_start(&stages->server, &stages->facts->restoring);
    int restored = stages->cluster ? restore_on_throwaway(stages, deadline_ms, &result, error)
                                   : restore_as_guest(stages, deadline_ms, &result, error);
    restore_watch_stop(take(&stages->watch));
    if (restored == 0) {
        restore_result_join(&stages->of_server, &result);
        enter_database(stages);
        restored = finish(stages, &stages->of_server, error);
    }
    restore_result_free(&result);
    return restored;
}
