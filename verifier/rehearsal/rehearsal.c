#include "rehearsal/rehearsal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/file.h"
#include "postgres/reader.h"
#include "postgres/version_table.h"
#include "rehearsal/command.h"
#include "rehearsal/contents.h"
#include "rehearsal/copy.h"
#include "rehearsal/findings.h"
#include "rehearsal/pending.h"
#include "rehearsal/port.h"
#include "rehearsal/sampler.h"
#include "rehearsal/what_runs.h"
#include "schema/schema.h"
#include "stages/definitions.h"

enum { CONNECT_TIMEOUT_MS = 30000, LISTED = 100 };

/* What is known on the way. */
struct rehearsing {
    const struct rehearsal_order *order;
    const struct lent_server *server;
    struct rehearsal *rehearsal;
    char *owner;
    struct what_runs what;
    struct tables before;
    struct archive definitions; /* of the restored database */
    struct buffer printed;      /* by the commands, for the log */
    char *from;                 /* the revision before; NULL: not a single one */
};

/* --- looking ---------------------------------------------------------------------------------- */

static int open_restored(const struct rehearsing *rehearsing, struct connection **ret_connection,
                         struct error *error)
{
    return reader_open(rehearsing->server->database, READER_TABLES, CONNECT_TIMEOUT_MS,
                       ret_connection, error);
}

static int open_copy(const struct rehearsing *rehearsing, struct connection **ret_connection,
                     struct error *error)
{
    cleanup(address_free) struct address address = {0};
    copy_address(rehearsing->server, &address);
    return reader_open(&address, READER_TABLES, CONNECT_TIMEOUT_MS, ret_connection, error);
}

static int read_number(const struct rehearsing *rehearsing, const char *sql, int64_t *ret_number,
                       struct error *error)
{
    static const char *const parameters[] = {copy_name, NULL};
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(rehearsing->server->maintenance, sql, parameters, &result, NULL, error) <
        0)
        return -1;
    *ret_number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    return 0;
}

static const char size_sql[] = "select pg_database_size($1)";
static const char wal_sql[] =
    "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') where $1::text is not null";
static const char clock_sql[] =
    "select (extract(epoch from clock_timestamp()) * 1000000)::bigint where $1::text is not null";

/* What the migration tool wrote down: of Alembic the revisions, of others how many. Of a table that
 * is not there nothing is known. */
static int read_revision(const struct rehearsing *rehearsing, struct connection *connection,
                         char ret_revision[REHEARSED_NAME], struct strings *ret_versions,
                         struct error *error)
{
    cleanup(free_pointer) char *quoted = NULL;
    cleanup(strings_free) struct strings unfinished = {0};
    const struct version_table *table = &rehearsing->what.version_table;
    ret_revision[0] = '\0';
    if (version_table_find(connection, table->name, &quoted, error) < 0)
        return -1;
    if (!quoted)
        return 0;
    if (version_table_read(connection, table->tool, quoted, ret_versions, &unfinished, error) < 0)
        return -1;
    cleanup(free_pointer) char *listed = strings_listed(ret_versions);
    if (table->tool != TOOL_ALEMBIC)
        snprintf(ret_revision, REHEARSED_NAME, "%zu applied", ret_versions->count);
    else
        text_copy(ret_revision, REHEARSED_NAME, *listed ? listed : "base");
    return 0;
}

/* --- one run of a command --------------------------------------------------------------------- */

/* What is learned beside the command's own end. */
struct watched {
    struct server_log log;
    struct lock_samples samples;
    int64_t began_us, ended_us;
};

static void watched_free(struct watched *watched)
{
    server_log_free(&watched->log);
    lock_samples_free(&watched->samples);
}

static void keep_output(struct rehearsing *rehearsing, const struct strings *arguments,
                        const struct command_end *end)
{
    cleanup(free_pointer) char *how =
        end->overdue ? xstrdup("was ended, because its time was over") : xstrdup(end->how);
    buffer_printf(&rehearsing->printed, "$ %s", arguments->items[0]);
    buffer_printf(&rehearsing->printed, "%s\n%s\n(%s)\n\n", arguments->count > 1 ? " ..." : "",
                  end->output, how);
}

static void tell_end(const struct command_end *end, const struct watched *watched,
                     struct rehearsed_command *told)
{
    told->ran = true;
    told->overdue = end->overdue;
    told->exit_code = end->exit_code;
    told->duration_us = end->duration_us;
    told->left_running = (int64_t)end->left_running;
    told->has_network = end->has_network;
    told->connected = watched->log.entered;
    text_copy(told->how, sizeof(told->how), end->overdue ? "did not end in time" : end->how);
    text_copy(told->last_lines, sizeof(told->last_lines), end->last_lines);
    if (watched->log.first_error)
        text_copy(told->first_error, sizeof(told->first_error), watched->log.first_error);
}

static int run_watched(struct rehearsing *rehearsing, const struct command *command,
                       struct watched *watched, struct rehearsed_command *told, struct error *error)
{
    const struct lent_server *server = rehearsing->server;
    struct connection *connection = NULL;
    struct sampler *sampler = NULL;
    struct command_end end = {0};
    struct error unseen;
    if (server_enter(server, NULL, NULL, &connection, error) < 0 ||
        sampler_start(connection, copy_name, &sampler, error) < 0)
        return -1;
    int64_t from = server_log_end(server->log), to = 0;
    int outcome = read_number(rehearsing, clock_sql, &watched->began_us, error);
    if (outcome == 0)
        outcome = command_run(command, &end, error);
    if (sampler_stop(sampler, &watched->samples, &unseen) < 0 && outcome == 0) {
        *error = unseen;
        outcome = -1;
    }
    if (copy_close(server, &to, &unseen) < 0 && outcome == 0) {
        *error = unseen;
        outcome = -1;
    }
    if (outcome == 0)
        outcome = read_number(rehearsing, clock_sql, &watched->ended_us, error);
    if (outcome == 0)
        outcome = server_log_read(server->log, from, to, copy_name, &watched->log, error);
    if (outcome == 0) {
        keep_output(rehearsing, command->arguments, &end);
        tell_end(&end, watched, told);
    }
    command_end_free(&end);
    return outcome;
}

enum which_command { COMMAND_MIGRATE, COMMAND_BACK };

/* With what it is told of the copy, which is opened for it and closed in any case. */
static int run_at(struct rehearsing *rehearsing, enum which_command which,
                  const struct copy_place *place, struct watched *watched,
                  struct rehearsed_command *told, struct error *error)
{
    const struct scenario *scenario = rehearsing->order->scenario;
    const struct migration_wanted *wanted = &scenario->migration;
    struct what_runs *what = &rehearsing->what;
    if (what_runs_find(scenario, place, what, error) < 0)
        return -1;
    struct command command = {.arguments = which == COMMAND_BACK ? &what->back : &what->command,
                              .environment = &what->environment,
                              .directory = what->directory,
                              .timeout_ms = wanted->timeout_ms,
                              .network = wanted->network || wanted->tcp,
                              .secrets = &what->secrets};
    if (which == COMMAND_BACK && *what->back_problem) {
        text_copy(rehearsing->rehearsal->back_problem, sizeof(rehearsing->rehearsal->back_problem),
                  what->back_problem);
        return 0;
    }
    const struct copy_rights rights = {
        .owner = rehearsing->owner, .superuser = wanted->superuser, .password = place->password};
    if (copy_open(rehearsing->server, &rights, &rehearsing->rehearsal->observed, error) < 0)
        return -1;
    return run_watched(rehearsing, &command, watched, told, error);
}

static char *random_password(void)
{
    uint64_t random[2];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        out_of_memory(); /* without randomness nothing goes on either */
    return xasprintf("%016" PRIx64 "%016" PRIx64, random[0], random[1]);
}

/* Through a port for its time only, or through the socket. */
static int run_command(struct rehearsing *rehearsing, enum which_command which,
                       struct watched *watched, struct rehearsed_command *told, struct error *error)
{
    const struct address *server = rehearsing->server->server;
    struct copy_place place = {.host = address_get(server, "host"),
                               .port = address_get(server, "port"),
                               .database = copy_name,
                               .role = rehearsing->owner,
                               .from = rehearsing->from};
    struct port *port = NULL;
    if (!rehearsing->order->scenario->migration.tcp)
        return run_at(rehearsing, which, &place, watched, told, error);
    cleanup(free_pointer) char *socket = xasprintf("%s/.s.PGSQL.%s", place.host, place.port);
    if (port_open(socket, &port, error) < 0)
        return -1;
    cleanup(free_pointer) char *number = xasprintf("%d", port_number(port));
    cleanup(free_pointer) char *password = random_password();
    place.host = "127.0.0.1";
    place.port = number;
    place.password = password;
    int outcome = run_at(rehearsing, which, &place, watched, told, error);
    port_close(port);
    return outcome;
}

/* --- the copy against the restored database --------------------------------------------------- */

static int compare_rows(const struct rehearsing *rehearsing, struct rehearsed_difference *told,
                        struct error *error)
{
    struct rehearsal *rehearsal = rehearsing->rehearsal;
    cleanup(connection_closep) struct connection *restored = NULL;
    cleanup(connection_closep) struct connection *copy = NULL;
    struct tables now = {0};
    if (open_restored(rehearsing, &restored, error) < 0 ||
        open_copy(rehearsing, &copy, error) < 0 || tables_read(copy, &now, error) < 0)
        return -1;
    int outcome = 0;
    for (size_t i = 0; i < rehearsing->before.count && outcome == 0; i++) {
        const struct table *table = &rehearsing->before.items[i];
        struct rehearsed_table *row = &rehearsal->tables[i];
        if (!table->has_rows || row->of_tool || !*table->columns)
            continue;
        outcome = contents_differ(restored, table, copy, tables_find_label(&now, table->label),
                                  &row->different, error);
        told->rows += row->different;
    }
    tables_free(&now);
    return outcome;
}

static void list_objects(const struct schema_object *const *objects, size_t count, const char *sign,
                         struct rehearsed_difference *told)
{
    size_t length = strlen(told->listed);
    for (size_t i = 0; i < count && i < LISTED; i++) {
        cleanup(free_pointer) char *label = schema_object_label(objects[i]);
        if (length + strlen(label) + 4 >= sizeof(told->listed))
            return;
        length += (size_t)snprintf(told->listed + length, sizeof(told->listed) - length, "%s%s %s",
                                   length > 0 ? "\n" : "", sign, label);
    }
}

static void compare_schemas(const struct archive *before, const struct archive *now,
                            struct rehearsed_difference *told)
{
    struct schema expected, found;
    struct schema_difference difference;
    schema_find_all(before, &expected);
    schema_find_all(now, &found);
    schema_compare(&expected, &found, SCHEMA_DEFINITIONS, &difference);
    told->objects =
        (int64_t)(difference.missing_count + difference.added_count + difference.changed_count);
    list_objects(difference.missing, difference.missing_count, "-", told);
    list_objects(difference.changed, difference.changed_count, "~", told);
    list_objects(difference.added, difference.added_count, "+", told);
    schema_difference_free(&difference);
    schema_free(&expected);
    schema_free(&found);
}

static int read_definitions(const struct rehearsing *rehearsing, const struct address *database,
                            struct archive *archive, struct error *error)
{
    PGconn *raw = connection_raw(rehearsing->server->maintenance);
    const struct definitions_source source = {
        .database = database,
        .server_version = PQparameterStatus(raw, "server_version"),
        .encoding = rehearsing->server->encoding,
        .throwaway = true,
        .deadline_ms = deadline_after(rehearsing->order->scenario->restore.timeout_ms)};
    return definitions_read(&source, archive, error);
}

static int compare(const struct rehearsing *rehearsing, struct rehearsed_difference *told,
                   struct error *error)
{
    cleanup(address_free) struct address address = {0};
    struct archive now = {0};
    copy_address(rehearsing->server, &address);
    int outcome = read_definitions(rehearsing, &address, &now, error);
    if (outcome == 0) {
        compare_schemas(&rehearsing->definitions, &now, told);
        outcome = compare_rows(rehearsing, told, error);
    }
    archive_free(&now);
    told->known = outcome == 0;
    return outcome;
}

/* --- the migration ---------------------------------------------------------------------------- */

/* Before anything has happened. */
static int look_before(struct rehearsing *rehearsing, struct error *error)
{
    struct rehearsal *rehearsal = rehearsing->rehearsal;
    cleanup(connection_closep) struct connection *connection = NULL;
    cleanup(strings_free) struct strings versions = {0};
    if (open_restored(rehearsing, &connection, error) < 0 ||
        copy_owner(connection, &rehearsing->owner, error) < 0 ||
        read_revision(rehearsing, connection, rehearsal->revision_before, &versions, error) < 0 ||
        tables_read(connection, &rehearsing->before, error) < 0 ||
        read_definitions(rehearsing, rehearsing->server->database, &rehearsing->definitions,
                         error) < 0)
        return -1;
    if (rehearsing->before.count > REHEARSED_TABLES)
        return cannot_verify(error, "the database has more than the %d tables that can be told of",
                             REHEARSED_TABLES);
    text_copy(rehearsal->role, sizeof(rehearsal->role), rehearsing->owner);
    rehearsal->superuser = rehearsing->order->scenario->migration.superuser;
    pending_find(rehearsing->order->scenario, &versions, rehearsal);
    bool one = rehearsing->what.version_table.tool == TOOL_ALEMBIC && versions.count <= 1;
    if (one && *rehearsal->revision_before)
        rehearsing->from = xstrdup(rehearsal->revision_before);
    return 0;
}

static int find_all(const struct rehearsing *rehearsing, const struct watched *watched,
                    const struct tables *after, const struct row_work *work, size_t work_count,
                    struct error *error)
{
    struct rehearsal *rehearsal = rehearsing->rehearsal;
    const struct seen seen = {.before = &rehearsing->before,
                              .after = after,
                              .log = &watched->log,
                              .samples = &watched->samples,
                              .work = work,
                              .work_count = work_count,
                              .began_us = watched->began_us,
                              .ended_us = watched->ended_us};
    if (findings_tables(&seen, rehearsing->order->scenario, rehearsal, error) < 0)
        return -1;
    findings_blocking(&seen, rehearsal);
    findings_steps(&seen, rehearsal);
    findings_unheeded(&seen, rehearsal);
    findings_schema(&seen, rehearsal);
    pending_name_steps(rehearsal);
    return 0;
}

/* What it has done to the copy. */
static int look_after(struct rehearsing *rehearsing, const struct watched *watched,
                      struct error *error)
{
    struct rehearsal *rehearsal = rehearsing->rehearsal;
    cleanup(connection_closep) struct connection *connection = NULL;
    cleanup(strings_free) struct strings versions = {0};
    cleanup(free_pointer) struct row_work *work = NULL;
    struct tables after = {0};
    size_t count = 0;
    if (open_copy(rehearsing, &connection, error) < 0 ||
        row_work_read(connection, &work, &count, error) < 0 ||
        read_revision(rehearsing, connection, rehearsal->revision_after, &versions, error) < 0 ||
        tables_read(connection, &after, error) < 0)
        return -1;
    rehearsal->rows_known = connection_server_version(connection) >= ROW_WORK_LEAST_VERSION;
    rehearsal->pending_left = pending_count(rehearsing->order->scenario, &versions);
    int outcome = find_all(rehearsing, watched, &after, work, count, error);
    tables_free(&after);
    return outcome;
}

static int migrate(struct rehearsing *rehearsing, struct error *error)
{
    struct rehearsal *rehearsal = rehearsing->rehearsal;
    cleanup(watched_free) struct watched watched = {0};
    int64_t wal_before = 0, wal_after = 0;
    if (copy_make(rehearsing->server, rehearsing->owner, error) < 0 ||
        read_number(rehearsing, size_sql, &rehearsal->size_before, error) < 0 ||
        read_number(rehearsing, wal_sql, &wal_before, error) < 0 ||
        run_command(rehearsing, COMMAND_MIGRATE, &watched, &rehearsal->command, error) < 0 ||
        read_number(rehearsing, wal_sql, &wal_after, error) < 0 ||
        read_number(rehearsing, size_sql, &rehearsal->size_after, error) < 0)
        return -1;
    rehearsal->wal_bytes = wal_after - wal_before;
    return look_after(rehearsing, &watched, error);
}

/* Where it has left the copy, and whether trying again would help. */
static int look_at_failure(struct rehearsing *rehearsing, struct error *error)
{
    struct rehearsal *rehearsal = rehearsing->rehearsal;
    cleanup(watched_free) struct watched watched = {0};
    if (compare(rehearsing, &rehearsal->after_failure, error) < 0)
        return -1;
    return run_command(rehearsing, COMMAND_MIGRATE, &watched, &rehearsal->again, error);
}

static int go_back(struct rehearsing *rehearsing, struct error *error)
{
    struct rehearsal *rehearsal = rehearsing->rehearsal;
    cleanup(watched_free) struct watched watched = {0};
    cleanup(connection_closep) struct connection *connection = NULL;
    cleanup(strings_free) struct strings versions = {0};
    if (run_command(rehearsing, COMMAND_BACK, &watched, &rehearsal->back, error) < 0)
        return -1;
    if (!rehearsal->back.ran)
        return 0;
    if (open_copy(rehearsing, &connection, error) < 0 ||
        read_revision(rehearsing, connection, rehearsal->revision_back, &versions, error) < 0)
        return -1;
    return compare(rehearsing, &rehearsal->after_back, error);
}

static bool went_well(const struct rehearsed_command *command)
{
    return command->ran && !command->overdue && command->exit_code == 0;
}

static int rehearse(struct rehearsing *rehearsing, struct error *error)
{
    const struct rehearsal *rehearsal = rehearsing->rehearsal;
    if (look_before(rehearsing, error) < 0 || migrate(rehearsing, error) < 0)
        return -1;
    if (!went_well(&rehearsal->command))
        return look_at_failure(rehearsing, error);
    if (rehearsing->order->scenario->migration.back.count == 0 || !rehearsal->command.connected)
        return 0;
    return go_back(rehearsing, error);
}

/* What the commands printed. A log that cannot be written is no reason to call anything bad. */
static void write_log(const struct rehearsing *rehearsing)
{
    struct rehearsal *rehearsal = rehearsing->rehearsal;
    const char *path = rehearsing->order->log_path;
    struct error ignored;
    if (path &&
        file_replace(path, rehearsing->printed.data, rehearsing->printed.length, &ignored) == 0)
        text_copy(rehearsal->log, sizeof(rehearsal->log), path);
}

int rehearsal_run(const struct rehearsal_order *order, struct rehearsal *rehearsal,
                  struct error *error)
{
    struct rehearsing rehearsing = {
        .order = order, .server = order->server, .rehearsal = rehearsal};
    buffer_init(&rehearsing.printed, (size_t)8 << 20);
    what_runs_versions(order->scenario, &rehearsing.what);
    int outcome = rehearse(&rehearsing, error);
    copy_drop(order->server);
    write_log(&rehearsing);
    tables_free(&rehearsing.before);
    archive_free(&rehearsing.definitions);
    what_runs_free(&rehearsing.what);
    buffer_free(&rehearsing.printed);
    free(rehearsing.owner);
    free(rehearsing.from);
    return outcome;
}

const struct rehearsed_table *rehearsal_table(const struct rehearsal *rehearsal, const char *name)
{
    for (size_t i = 0; i < rehearsal->table_count; i++)
        if (strcmp(rehearsal->tables[i].name, name) == 0)
            return &rehearsal->tables[i];
    return NULL;
}

int64_t rehearsal_rewritten(const struct rehearsal *rehearsal)
{
    int64_t count = 0;
    for (size_t i = 0; i < rehearsal->table_count; i++)
        count += rehearsal->tables[i].rewritten;
    return count;
}
