/* Rows are compared as pg_dump would write them: by a hash of each, without their order. Where the
 * sums of all hashes are the same, no list of them is made. */
#include "rehearsal/contents.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "archive/rows.h"

/* The hashes of a table's rows, or only the sum of longer ones. */
struct hashes {
    bool listed;
    uint64_t *items;
    size_t count, room;
    struct rows *rows; /* while they are read */
    struct row_totals totals;
};

static void row_take(void *context, const char *row, size_t length)
{
    struct hashes *hashes = context;
    if (!hashes->listed) {
        rows_feed(hashes->rows, row, length);
        return;
    }
    if (hashes->count == hashes->room) {
        hashes->room = hashes->room ? hashes->room * 2 : 1024;
        hashes->items = xreallocarray(hashes->items, hashes->room, sizeof(*hashes->items));
    }
    hashes->items[hashes->count++] = XXH3_64bits(row, length);
}

static int rows_read(struct connection *connection, const char *sql, struct hashes *hashes,
                     struct error *error)
{
    cleanup(rows_freep) struct rows *rows = rows_new(true);
    hashes->rows = rows;
    int outcome = connection_copy_out(connection, sql, row_take, hashes, error);
    hashes->rows = NULL;
    if (outcome < 0 || hashes->listed)
        return outcome;
    rows_feed(rows, ROWS_TERMINATOR, strlen(ROWS_TERMINATOR));
    return rows_finish(rows, &hashes->totals, error);
}

/* The same columns of both, in the same order. */
static char *copy_sql(const struct table *table)
{
    cleanup(free_pointer) char *schema = identifier_quote(table->schema);
    cleanup(free_pointer) char *name = identifier_quote(table->name);
    return xasprintf("COPY (SELECT %s FROM ONLY %s.%s) TO STDOUT", table->columns, schema, name);
}

static int by_value(const void *one, const void *other)
{
    const uint64_t *left = one;
    const uint64_t *right = other;
    return (*left > *right) - (*left < *right);
}

/* Of two sorted lists. */
static int64_t count_different(const struct hashes *one, const struct hashes *other)
{
    int64_t only_one = 0, only_other = 0;
    size_t i = 0, j = 0;
    while (i < one->count || j < other->count) {
        if (j == other->count || (i < one->count && one->items[i] < other->items[j])) {
            only_one++;
            i++;
        } else if (i == one->count || other->items[j] < one->items[i]) {
            only_other++;
            j++;
        } else {
            i++;
            j++;
        }
    }
    return only_one > only_other ? only_one : only_other;
}

static bool is_same(const struct hashes *one, const struct hashes *other)
{
    return one->totals.rows == other->totals.rows &&
           memcmp(one->totals.fingerprint, other->totals.fingerprint,
                  sizeof(one->totals.fingerprint)) == 0;
}

static int list_and_count(struct connection *connection, struct connection *other_connection,
                          const char *sql, int64_t *ret_rows, struct error *error)
{
    struct hashes one = {.listed = true};
    struct hashes other = {.listed = true};
    int outcome = rows_read(connection, sql, &one, error);
    if (outcome == 0)
        outcome = rows_read(other_connection, sql, &other, error);
    if (outcome == 0) {
        if (one.count > 0)
            qsort(one.items, one.count, sizeof(*one.items), by_value);
        if (other.count > 0)
            qsort(other.items, other.count, sizeof(*other.items), by_value);
        *ret_rows = count_different(&one, &other);
    }
    free(one.items);
    free(other.items);
    return outcome;
}

/* A column that is not there. */
static bool lacks_column(PGconn *raw, const char *sql)
{
    cleanup(result_clear) PGresult *result = PQprepare(raw, "", sql, 0, NULL);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return state && strcmp(state, "42703") == 0;
}

/* Can it be selected? A failure ends the transaction, so another one begins. */
static int can_select(struct connection *connection, const struct table *table, bool *ret_can,
                      struct error *error)
{
    cleanup(free_pointer) char *schema = identifier_quote(table->schema);
    cleanup(free_pointer) char *name = identifier_quote(table->name);
    cleanup(free_pointer) char *sql =
        xasprintf("SELECT %s FROM ONLY %s.%s", table->columns, schema, name);
    *ret_can = !lacks_column(connection_raw(connection), sql);
    return *ret_can ? 0 : connection_execute(connection, error, "ROLLBACK; BEGIN READ ONLY");
}

int contents_differ(struct connection *connection, const struct table *table,
                    struct connection *other_connection, const struct table *other,
                    int64_t *ret_rows, struct error *error)
{
    cleanup(free_pointer) char *sql = copy_sql(table);
    struct hashes one = {0};
    struct hashes another = {0};
    bool can = other != NULL;
    if (can && can_select(other_connection, table, &can, error) < 0)
        return -1;
    if (!can) {
        *ret_rows = table->rows;
        return 0;
    }
    if (rows_read(connection, sql, &one, error) < 0 ||
        rows_read(other_connection, sql, &another, error) < 0)
        return -1;
    *ret_rows = 0;
    return is_same(&one, &another)
               ? 0
               : list_and_count(connection, other_connection, sql, ret_rows, error);
}
