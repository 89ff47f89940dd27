#include "checks/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checks/names.h"
#include "postgres/reader.h"

enum { CONNECT_TIMEOUT_MS = 30000 };

#define UNDEFINED_TABLE        "42P01"
#define UNDEFINED_COLUMN       "42703"
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
    if (reader_open(subject->database, sight, CONNECT_TIMEOUT_MS, &connection, &error) == 0)
        return connection;
    /* Of several databases, those behind the first error were not made. */
    if (subject->facts->stages[STAGE_RESTORE].state == STAGE_FAILED)
        outcome_skip(outcome, "not looked at, because `backup restores` did not pass");
    else
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

/* What a message has between its first quotes: relation "report" does not exist. */
static char *quoted_name(const char *message)
{
    const char *begin = strchr(message, '"');
    const char *end = begin ? strchr(begin + 1, '"') : NULL;
    return end ? xstrndup(begin + 1, (size_t)(end - begin - 1)) : xstrdup("");
}

static void name_failed(struct connection *connection, const char *state, const struct error *error,
                        struct outcome *outcome)
{
    struct error ignored;
    bool table = strcmp(state, UNDEFINED_TABLE) == 0;
    cleanup(free_pointer) char *name = quoted_name(error->text);
    cleanup(free_pointer) char *near = table && session_next(connection, &ignored) == 0
                                           ? relation_suggestion(connection, name)
                                           : xstrdup("");
    outcome_mistake(outcome,
                    "the query names a %s that the restored database does not have: %s (SQLSTATE "
                    "%s)%s Correct the scenario",
                    table ? "table" : "column", error->text, state, *near ? near : ".");
}

/* Corrupt data is the backup's fault, a name that is not there the scenario's; everything else that
 * a query fails for is not known to be anybody's. */
static void query_failed(struct connection *connection, const char *state,
                         const struct error *error, struct outcome *outcome)
{
    if (starts_with(state, "XX00")) {
        outcome->concern = CONCERN_BACKUP;
        outcome_fail(outcome, "the restored data cannot be read: %s", error->text);
    } else if (strcmp(state, UNDEFINED_TABLE) == 0 || strcmp(state, UNDEFINED_COLUMN) == 0) {
        name_failed(connection, state, error, outcome);
    } else {
        outcome_error(outcome, "the query could not be run: %s%s%s%s", error->text,
                      *state ? " (SQLSTATE " : "", state, *state ? ")" : "");
    }
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
        query_failed(connection, state, &error, outcome);
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
    query_failed(connection, state, &error, outcome);
    return -1;
}

/* Where nobody named the table, so that nobody can have mistyped it. */
static void say_where_else(struct connection *connection, const char *table,
                           struct outcome *outcome)
{
    cleanup(free_pointer) char *near = relation_suggestion(connection, table);
    outcome_fail(outcome, "the restored database has no table %s%s", table, near);
}

char *session_table(struct connection *connection, const struct subject *subject, const char *table,
                    struct outcome *outcome)
{
    cleanup(result_clear) PGresult *result = NULL;
    struct error error;
    cleanup(free_pointer) char *quoted = table_quote(table);
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
    if (subject)
        table_is_unknown(connection, subject, table, outcome);
    else
        say_where_else(connection, table, outcome);
    return NULL;
}

struct connection *session_open_table(const struct subject *subject, const char *table,
                                      char **ret_table, struct outcome *outcome)
{
    struct connection *connection = session_open(subject, outcome);
    char *quoted = connection ? session_table(connection, subject, table, outcome) : NULL;
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
