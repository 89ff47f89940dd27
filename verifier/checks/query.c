/* The scenario's own queries: one number each. */
#include <stdlib.h>

#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/session.h"

/* The name of a query does not tell what is expected, as that of another check does. */
static void judge(const struct query *query, long double number, const char *text,
                  struct outcome *outcome)
{
    session_judge(&query->expect, query->name, number, text, outcome);
    if (outcome->verdict == VERDICT_PASS && !outcome->warn)
        outcome_detail(outcome, "expected: %s", query->expect.text);
}

void query_result(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct query *query = parameter;
    cleanup(connection_closep) struct connection *connection = session_open(subject, outcome);
    if (!connection)
        return;
    outcome_detail(outcome, "query: %s", query->sql);
    cleanup(result_clear) PGresult *result = session_row(connection, query->sql, outcome);
    if (!result)
        return;
    const char *text = PQnfields(result) == 1 ? PQgetvalue(result, 0, 0) : "";
    char *end;
    long double number = strtold(text, &end);
    if (PQnfields(result) != 1)
        outcome_error(outcome, "the query returned %d columns, and one is expected",
                      PQnfields(result));
    else if (PQgetisnull(result, 0, 0))
        outcome_fail(outcome, "the query returned NULL, expected %s", query->expect.text);
    else if (end == text || *end != '\0')
        outcome_error(outcome, "the query returned `%s`, which is no number", text);
    else
        judge(query, number, text, outcome);
}
