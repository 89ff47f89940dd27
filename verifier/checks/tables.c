/* Expectations about a table: how many rows it has, how fresh they are. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/session.h"

/* A dump's time may be known to the day only, and in an unknown time zone. A value later than that
 * cannot have been written before the dump. */
enum { FUTURE_TOLERANCE_S = 38 * 3600 };

void table_row_count(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct table_expectation *expected = parameter;
    cleanup(free_pointer) char *table = NULL;
    cleanup(connection_closep) struct connection *connection =
        session_open_table(subject, expected->table, &table, outcome);
    if (!connection)
        return;
    cleanup(free_pointer) char *sql = xasprintf("select count(*) from %s", table);
    cleanup(result_clear) PGresult *result = session_row(connection, sql, outcome);
    if (!result)
        return;
    const char *count = PQgetvalue(result, 0, 0);
    cleanup(free_pointer) char *name = xasprintf("%s: row_count", expected->table);
    session_judge(expected->expectation, name, strtold(count, NULL), count, outcome);
}

void table_freshness(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct table_expectation *expected = parameter;
    cleanup(free_pointer) char *table = NULL;
    cleanup(connection_closep) struct connection *connection =
        session_open_table(subject, expected->table, &table, outcome);
    if (!connection)
        return;
    const char *column = expected->expectation->arguments.items[0];
    cleanup(free_pointer) char *quoted = identifier_quote(column);
    cleanup(free_pointer) char *sql =
        xasprintf("select extract(epoch from max(%s)::timestamptz), max(%s)::timestamptz from %s",
                  quoted, quoted, table);
    cleanup(result_clear) PGresult *result = session_row(connection, sql, outcome);
    if (!result)
        return;
    if (PQgetisnull(result, 0, 0)) {
        outcome_fail(outcome,
                     "%s has no value of %s to judge by: the table is empty, or the column is",
                     expected->table, column);
        return;
    }
    long double newest = strtold(PQgetvalue(result, 0, 0), NULL);
    long double age_s = (long double)subject->facts->backup.time - newest;
    if (!isfinite(newest) || age_s < -(long double)FUTURE_TOLERANCE_S) {
        outcome_fail(
            outcome,
            "the newest %s of %s is %s, long after the dump was made: it says nothing about "
            "freshness",
            column, expected->table, PQgetvalue(result, 0, 1));
        return;
    }
    char age[DURATION_TEXT_SIZE];
    duration_format((int64_t)(age_s * 1000), age);
    outcome_detail(outcome, "newest %s: %s", column, PQgetvalue(result, 0, 1));
    cleanup(free_pointer) char *name =
        xasprintf("%s: freshness(%s) in seconds", expected->table, column);
    session_judge(expected->expectation, name, age_s, age, outcome);
}
