#include "checks/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "postgres/reader.h"

enum { CONNECT_TIMEOUT_MS = 30000 };

#define INSUFFICIENT_PRIVILEGE "42501"

static struct connection *open_reader(const struct subject *subject, enum reader_sight sight,
                                      struct outcome *outcome)
{
    struct connection *connection = NULL;
    struct error error;
    if (!subject->database) {
        outcome_skip(outcome, "not looked at, because `backup restores` did not pass");
        return NULL;
    }
    if (reader_open(subject->database, sight, CONNECT_TIMEOUT_MS, &connection, &error) < 0)
        outcome_from_error(outcome, &error);
    return connection;
}

struct connection *session_open(const struct subject *subject, struct outcome *outcome)
{
    return open_reader(subject, READER_RELATIONS, outcome);
}

struct connection *session_open_encoded(const struct subject *subject, struct outcome *outcome)
{
    struct connection *connection = open_reader(subject, READER_TABLES, outcome);
    const char *encoding = subject->archive->encoding;
    cleanup(free_pointer) char *quoted = literal_quote(encoding ? encoding : "UTF8");
    struct error error;
    if (!connection ||
        connection_execute(connection, &error, "SET client_encoding = %s", quoted) == 0)
        return connection;
    outcome_from_error(outcome, &error);
    connection_close(connection);
    return NULL;
}

int session_next(struct connection *connection, struct error *error)
{
    return connection_execute(connection, error, "COMMIT; BEGIN READ ONLY");
}

/* Corrupt data is the backup's fault; everything else that a query fails for is not. */
static void query_failed(const char *state, const struct error *error, struct outcome *outcome)
{
    if (starts_with(state, "XX00"))
        outcome_fail(outcome, "the restored data cannot be read: %s", error->text);
    else
        outcome_error(outcome, "the query could not be run: %s%s%s%s", error->text,
                      *state ? " (SQLSTATE " : "", state, *state ? ")" : "");
    if (strcmp(state, INSUFFICIENT_PRIVILEGE) == 0)
        outcome_detail(outcome, "checks may read everything, and do nothing else");
}

/* Runs a statement about what the scenario names, which may run functions of the backup. */
static int query_names(struct connection *connection, const char *sql,
                       const char *const *parameters, PGresult **ret_result, char ret_state[6],
                       struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    ret_state[0] = '\0';
    if (reader_see_names(connection, true, error) < 0 ||
        connection_query(connection, sql, parameters, &result, ret_state, error) < 0 ||
        reader_see_names(connection, false, error) < 0)
        return -1;
    *ret_result = take(&result);
    return 0;
}

PGresult *session_row(struct connection *connection, const char *sql, struct outcome *outcome)
{
    PGresult *result = NULL;
    struct error error;
    char state[6];
    if (query_names(connection, sql, NULL, &result, state, &error) < 0) {
        query_failed(state, &error, outcome);
        return NULL;
    }
    if (PQntuples(result) == 1)
        return result;
    outcome_error(outcome, "the query returned %d rows, and one is expected", PQntuples(result));
    PQclear(result);
    return NULL;
}

int session_each(struct connection *connection, const char *sql, row_visitor *visit, void *context,
                 struct outcome *outcome)
{
    struct error error;
    char state[6] = "";
    if (reader_see_names(connection, true, &error) == 0 &&
        connection_each(connection, sql, visit, context, state, &error) == 0 &&
        reader_see_names(connection, false, &error) == 0)
        return 0;
    query_failed(state, &error, outcome);
    return -1;
}

static void say_where_else(struct connection *connection, const char *table, const char *quoted,
                           struct outcome *outcome)
{
    const char *const parameters[] = {quoted, NULL};
    cleanup(result_clear) PGresult *result = NULL;
    struct error ignored;
    outcome_fail(outcome, "the restored database has no table %s", table);
    if (connection_query(connection,
                         "select format('%I.%I', nspname, relname) from pg_class c join "
                         "pg_namespace n on n.oid = relnamespace where relname = "
                         "(parse_ident($1))[array_length(parse_ident($1), 1)] and relkind in "
                         "('r', 'p', 'f', 'v', 'm') limit 5",
                         parameters, &result, NULL, &ignored) < 0)
        return;
    for (int i = 0; i < PQntuples(result); i++)
        outcome_detail(outcome, "there is %s: name the schema in the scenario if that is meant",
                       PQgetvalue(result, i, 0));
}

char *session_table(struct connection *connection, const char *table, struct outcome *outcome)
{
    cleanup(result_clear) PGresult *result = NULL;
    struct error error;
    /* The parts as they are written, without folding to lower case: a scenario names tables as
     * pg_dump lists them. */
    const char *dot = strchr(table, '.');
    cleanup(free_pointer) char *first = dot ? xstrndup(table, (size_t)(dot - table)) : NULL;
    cleanup(free_pointer) char *schema = first ? identifier_quote(first) : NULL;
    cleanup(free_pointer) char *name = identifier_quote(dot ? dot + 1 : table);
    cleanup(free_pointer) char *quoted =
        xasprintf("%s%s%s", schema ? schema : "", schema ? "." : "", name);
    const char *const parameters[] = {quoted, NULL};
    char state[6];
    if (query_names(connection,
                    "select pg_catalog.format('%I.%I', nspname, relname) from pg_class c join "
                    "pg_namespace n on n.oid = relnamespace "
                    "where c.oid = pg_catalog.to_regclass($1)::oid",
                    parameters, &result, state, &error) < 0) {
        outcome_from_error(outcome, &error);
        return NULL;
    }
    if (PQntuples(result) == 1)
        return xstrdup(PQgetvalue(result, 0, 0));
    say_where_else(connection, table, quoted, outcome);
    return NULL;
}

struct connection *session_open_table(const struct subject *subject, const char *table,
                                      char **ret_table, struct outcome *outcome)
{
    struct connection *connection = session_open(subject, outcome);
    char *quoted = connection ? session_table(connection, table, outcome) : NULL;
    if (quoted) {
        *ret_table = quoted;
        return connection;
    }
    connection_close(connection);
    return NULL;
}

void session_judge(const struct expectation *expectation, const char *name, long double measured,
                   const char *measured_text, struct outcome *outcome)
{
    bool whole = measured == truncl(measured);
    outcome_value(outcome, name, whole ? "%.0Lf" : "%.6Lf", measured);
    if (expectation_holds(expectation, measured)) {
        outcome_pass(outcome, "%s", measured_text);
        return;
    }
    if (expectation->warn)
        outcome_warn(outcome, "expected %s, found %s", expectation->text, measured_text);
    else
        outcome_fail(outcome, "expected %s, found %s", expectation->text, measured_text);
    outcome_detail(outcome, "expected: %s\nfound: %s", expectation->text, measured_text);
}
