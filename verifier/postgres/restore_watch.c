#include "postgres/restore_watch.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/ticker.h"
#include "postgres/connection.h"

enum {
    CONNECT_MS = 1000,
    ANSWER_MS = 1000,
    PAUSE_MS = 400,
    COPIES_MOST = 64, /* at the same time: a job each */
    COPY_SINCE = 140000,
    INDEX_SINCE = 120000,
};

/* A COPY that was running at the last look. */
struct copy {
    char key[64]; /* process, database, table */
    int64_t rows;
    int64_t bytes;
};

struct restore_watch {
    struct ticker *ticker;
    _Atomic bool again;
    struct connection *connection; /* of the ticker, while it runs */
    struct restore_seen *seen;
    struct copy copies[COPIES_MOST];
    size_t copy_count;
    int64_t ended_rows; /* of copies that are over */
    int64_t ended_bytes;
};

static const char settings_sql[] =
    OWN_NAMES_SQL "; SET statement_timeout = '1s'; SET lock_timeout = '1s'; "
                  "SET log_min_duration_statement = -1; SET log_statement = 'none'";

static const char copies_sql[] =
    "SELECT pid || ' ' || datid || ' ' || relid, tuples_processed, bytes_processed "
    "FROM pg_catalog.pg_stat_progress_copy WHERE command = 'COPY FROM' LIMIT 64";

/* The longest first. The name is taken from the statement, as it stands there. */
static const char indexes_sql[] =
    "SELECT coalesce(substring(a.query from '^CREATE(?: UNIQUE)? INDEX "
    "(\"(?:[^\"]|\"\")+\"|\\S+)'),"
    " substring(a.query from ' ADD CONSTRAINT (\"(?:[^\"]|\"\")+\"|\\S+)'), 'an index') || ': ' || "
    "regexp_replace(p.phase, '^building index: ', ''), "
    "CASE WHEN p.tuples_total > 0 THEN p.tuples_done * 100 / p.tuples_total "
    "WHEN p.blocks_total > 0 THEN p.blocks_done * 100 / p.blocks_total ELSE -1 END "
    "FROM pg_catalog.pg_stat_progress_create_index p "
    "JOIN pg_catalog.pg_stat_activity a ON a.pid = p.pid ORDER BY a.query_start LIMIT 64";

static int64_t number(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static int ask(struct restore_watch *watch, const char *sql, PGresult **ret_result)
{
    struct error ignored;
    connection_set_deadline(watch->connection, deadline_after(ANSWER_MS));
    return connection_query(watch->connection, sql, NULL, ret_result, NULL, &ignored);
}

/* Is that copy going on still? A smaller number is that of another copy into the same table. */
static bool goes_on(const struct copy *copy, const PGresult *result)
{
    for (int i = 0; i < PQntuples(result); i++)
        if (strcmp(PQgetvalue(result, i, 0), copy->key) == 0)
            return number(result, i, 1) >= copy->rows;
    return false;
}

static int look_at_copies(struct restore_watch *watch)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_server_version(watch->connection) < COPY_SINCE)
        return 0;
    if (ask(watch, copies_sql, &result) < 0)
        return -1;
    for (size_t i = 0; i < watch->copy_count; i++)
        if (!goes_on(&watch->copies[i], result)) {
            watch->ended_rows += watch->copies[i].rows;
            watch->ended_bytes += watch->copies[i].bytes;
        }
    int64_t rows = watch->ended_rows;
    int64_t bytes = watch->ended_bytes;
    watch->copy_count = 0;
    for (int i = 0; i < PQntuples(result) && watch->copy_count < COPIES_MOST; i++) {
        struct copy *copy = &watch->copies[watch->copy_count++];
        text_copy(copy->key, sizeof(copy->key), PQgetvalue(result, i, 0));
        copy->rows = number(result, i, 1);
        copy->bytes = number(result, i, 2);
        rows += copy->rows;
        bytes += copy->bytes;
    }
    watch->seen->rows = rows;
    watch->seen->bytes = bytes;
    return 0;
}

static int look_at_indexes(struct restore_watch *watch)
{
    cleanup(result_clear) PGresult *result = NULL;
    struct restore_seen *seen = watch->seen;
    if (connection_server_version(watch->connection) < INDEX_SINCE)
        return 0;
    if (ask(watch, indexes_sql, &result) < 0)
        return -1;
    if (PQntuples(result) > 0) {
        int other = !seen->current;
        text_copy(seen->index[other], WATCHED_INDEX_SIZE, PQgetvalue(result, 0, 0));
        seen->current = other;
        seen->index_percent = (int)number(result, 0, 1);
    }
    seen->index_count = PQntuples(result);
    return 0;
}

static void forget(struct restore_watch *watch)
{
    watch->copy_count = 0;
    watch->ended_rows = watch->ended_bytes = 0;
    watch->seen->rows = watch->seen->bytes = 0;
    watch->seen->index_count = 0;
}

static bool look_on(void *context)
{
    struct restore_watch *watch = context;
    if (atomic_exchange(&watch->again, false))
        forget(watch);
    if (look_at_copies(watch) == 0 && look_at_indexes(watch) == 0)
        return true;
    watch->seen->index_count = 0; /* not known any longer */
    return false;
}

static void watch_free(struct restore_watch *watch)
{
    connection_close(watch->connection);
    free(watch);
}

struct restore_watch *restore_watch_start(const struct address *server, struct restore_seen *seen)
{
    struct error ignored;
    struct restore_watch *watch = xcalloc(1, sizeof(*watch));
    watch->seen = seen;
    if (connection_open(server, CONNECT_MS, &watch->connection, &ignored) < 0) {
        free(watch);
        return NULL;
    }
    connection_set_deadline(watch->connection, deadline_after(ANSWER_MS));
    if (connection_execute(watch->connection, &ignored, "%s", settings_sql) == 0)
        watch->ticker = ticker_start(PAUSE_MS, look_on, watch);
    if (watch->ticker)
        return watch;
    watch_free(watch);
    return NULL;
}

void restore_watch_again(struct restore_watch *watch)
{
    if (watch)
        watch->again = true;
}

void restore_watch_stop(struct restore_watch *watch)
{
    if (!watch)
        return;
    ticker_stop(watch->ticker);
    watch->seen->index_count = 0;
    watch_free(watch);
}
