/* Expectations about a table: how many rows it has. */
#include <stdlib.h>

#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/session.h"

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
