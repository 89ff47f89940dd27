#include "postgres/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "postgres/session_settings.h"

enum { CONNECT_TIMEOUT_MS = 30000, MENTIONED_PROBLEMS = 3 };

struct snapshot {
    struct connection *connection;
    char *id;     /* NULL: the server cannot export one */
    char *reason; /* why not */
    time_t time;
};

/* In one message: the role's own timeouts may be too short for anything between. Only settings that
 * the server knows: older ones lack some. Whoever waits for our locks waits for pg_dump's as well.
 * One process counts, however many the server has. */
static const char begin_sql[] =
    "begin transaction isolation level repeatable read, read only; "
    "set local statement_timeout = '1min'; "
    "select set_config(s.name, wanted.value, true) from pg_settings s join (values "
    "('statement_timeout', '10min'), ('lock_timeout', '1min'), "
    "('idle_in_transaction_session_timeout', '0'), ('transaction_timeout', '0'), "
    "('max_parallel_workers_per_gather', '0'), ('row_security', 'off'), "
    "('client_encoding', " CLIENT_ENCODING_SQL "), ('search_path', 'pg_catalog')"
    ") wanted(name, value) on s.name = wanted.name";

static int begin(struct snapshot *snapshot, struct error *error)
{
    cleanup(result_clear) PGresult *exported = NULL;
    struct error reason;
    struct connection *connection = snapshot->connection;
    snapshot->time = time(NULL);
    if (connection_execute(connection, error, "%s", begin_sql) < 0)
        return error_prefix(error, "cannot begin to read the database: ");
    if (connection_query(connection, "select pg_export_snapshot()", NULL, &exported, NULL,
                         &reason) == 0) {
        snapshot->id = xstrdup(PQgetvalue(exported, 0, 0));
        return 0;
    }
    snapshot->reason = xstrdup(reason.text);
    /* The transaction is lost with the statement. */
    if (connection_execute(connection, error, "rollback") < 0 ||
        connection_execute(connection, error, "%s", begin_sql) < 0)
        return error_prefix(error, "cannot begin to read the database: ");
    return 0;
}

int snapshot_open(const struct address *database, int64_t deadline_ms,
                  struct snapshot **ret_snapshot, struct error *error)
{
    cleanup(snapshot_closep) struct snapshot *snapshot = xcalloc(1, sizeof(*snapshot));
    int64_t left_ms = deadline_ms - clock_ms();
    if (connection_open(database, left_ms < CONNECT_TIMEOUT_MS ? left_ms : CONNECT_TIMEOUT_MS,
                        &snapshot->connection, error) < 0)
        return -1;
    connection_set_deadline(snapshot->connection, deadline_ms);
    if (begin(snapshot, error) < 0)
        return -1;
    *ret_snapshot = take(&snapshot);
    return 0;
}

int snapshot_server_version(const struct snapshot *snapshot)
{
    return connection_server_version(snapshot->connection);
}

const char *snapshot_id(const struct snapshot *snapshot)
{
    return snapshot->id;
}

time_t snapshot_time(const struct snapshot *snapshot)
{
    return snapshot->time;
}

void snapshot_close(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    connection_close(snapshot->connection);
    free(snapshot->id);
    free(snapshot->reason);
    free(snapshot);
}

void snapshot_closep(struct snapshot **snapshot)
{
    snapshot_close(*snapshot);
}

const char *snapshot_database(const struct snapshot *snapshot)
{
    return PQdb(connection_raw(snapshot->connection));
}

const char *snapshot_user(const struct snapshot *snapshot)
{
    return PQuser(connection_raw(snapshot->connection));
}

void snapshot_contents_free(struct snapshot_contents *contents)
{
    free(contents->server_version);
    free(contents->encoding);
    strings_free(&contents->extensions);
    strings_free(&contents->settings);
    strings_free(&contents->revisions);
    version_states_free(&contents->versions);
    table_counts_free(&contents->tables);
    *contents = (struct snapshot_contents){0};
}

static int read_server(struct connection *connection, struct snapshot_contents *contents,
                       struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    cleanup(result_clear) PGresult *extensions = NULL;
    if (connection_query(connection,
                         "select current_setting('server_version'), "
                         "pg_encoding_to_char(encoding), pg_database_size(oid) "
                         "from pg_database where datname = current_database()",
                         NULL, &result, NULL, error) < 0 ||
        connection_query(connection,
                         "select extname || ' ' || extversion from pg_extension order by 1", NULL,
                         &extensions, NULL, error) < 0)
        return -1;
    if (PQntuples(result) != 1)
        return cannot_verify(error, "the server does not list its own database");
    contents->server_version = xstrdup(PQgetvalue(result, 0, 0));
    contents->encoding = xstrdup(PQgetvalue(result, 0, 1));
    contents->database_bytes = strtoll(PQgetvalue(result, 0, 2), NULL, 10);
    for (int i = 0; i < PQntuples(extensions); i++)
        strings_add(&contents->extensions, PQgetvalue(extensions, i, 0));
    return session_settings_read(connection, &contents->settings, error);
}

/* Reads what migration tools wrote down; what they cannot be asked for is told in `notices`. */
static int read_versions(struct connection *connection, const struct snapshot_question *question,
                         struct snapshot_contents *contents, struct strings *notices,
                         struct error *error)
{
    cleanup(free_pointer) char *alembic = NULL;
    cleanup(strings_free) struct strings unfinished = {0};
    struct error reason;
    if (connection_execute(connection, error, "savepoint reading") < 0 ||
        version_table_find(connection, migration_tool_table(TOOL_ALEMBIC), &alembic, error) < 0)
        return -1;
    int outcome = alembic ? version_table_read(connection, TOOL_ALEMBIC, alembic,
                                               &contents->revisions, &unfinished, &reason)
                          : 0;
    if (outcome < 0)
        error_prefix(&reason, "the revision in alembic_version could not be read: ");
    if (outcome == 0)
        outcome = version_tables_read(connection, question->version_tables,
                                      question->version_table_count, &contents->versions, &reason);
    if (outcome == 0)
        return 0;
    strings_add(notices, reason.text);
    return connection_execute(connection, error, "rollback to savepoint reading");
}

/* pg_dump says nothing of them. */
static int tell_unlogged(struct connection *connection, struct strings *notices,
                         struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection,
                         "select count(*), min(oid::regclass::text) from pg_class "
                         "where relkind = 'r' and relpersistence = 'u' and pg_is_in_recovery()",
                         NULL, &result, NULL, error) < 0)
        return -1;
    if (strcmp(PQgetvalue(result, 0, 0), "0") != 0)
        strings_addf(notices,
                     "the server is a standby, which has no rows of unlogged tables: those of %s "
                     "(%s ...) are not in this backup",
                     PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
    return 0;
}

static void tell_problems(const struct strings *problems, struct strings *notices)
{
    for (size_t i = 0; i < problems->count && i < MENTIONED_PROBLEMS; i++)
        strings_addf(notices, "rows could not be counted of %s", problems->items[i]);
    if (problems->count > MENTIONED_PROBLEMS)
        strings_addf(notices, "nor those of %zu more tables", problems->count - MENTIONED_PROBLEMS);
}

int snapshot_read(struct snapshot *snapshot, const struct snapshot_question *question,
                  struct snapshot_contents *ret_contents, struct strings *notices,
                  struct error *error)
{
    struct connection *connection = snapshot->connection;
    struct snapshot_contents contents = {0};
    cleanup(strings_free) struct strings problems = {0};
    bool count = question->count && snapshot->id;
    if (question->count && !snapshot->id)
        strings_addf(notices,
                     "rows are not counted, because the server cannot give its snapshot to "
                     "pg_dump: %s",
                     snapshot->reason);
    if (read_server(connection, &contents, error) < 0 ||
        table_counts_list(connection, &contents.tables, error) < 0 ||
        tell_unlogged(connection, notices, error) < 0 ||
        (count && table_counts_fill(connection, &contents.tables, &problems, error) < 0) ||
        table_counts_any(connection, &contents.tables, &contents.has_rows, error) < 0 ||
        read_versions(connection, question, &contents, notices, error) < 0) {
        snapshot_contents_free(&contents);
        return error_prefix(error, "cannot tell what the database holds: ");
    }
    tell_problems(&problems, notices);
    contents.counted = count;
    *ret_contents = contents;
    return 0;
}
