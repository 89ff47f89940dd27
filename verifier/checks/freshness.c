/* How fresh a table is: its newest value against the time of the dump. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "checks/freshness.h"
#include "checks/kinds.h"
#include "checks/names.h"
#include "checks/session.h"

enum {
    SKEW_S = 300, /* clocks of two machines may differ a little */
    HOUR_S = 3600,
    ZONES_S = 14 * HOUR_S,
    /* A backup's day is all that is known, in an unknown zone. */
    DAY_TOLERANCE_S = 24 * HOUR_S + ZONES_S,
};

/* The type of the column, behind domains, and what it is a column of. */
static const char column_sql[] =
    "with recursive step(type) as ("
    "select atttypid from pg_attribute "
    "where attrelid = $1::regclass and attname = $2 and attnum > 0 and not attisdropped "
    "union all select typbasetype from step join pg_type on oid = type where typtype = 'd') "
    "select format_type(type, null), typcategory, "
    "(select relkind from pg_class where oid = $1::regclass) "
    "from step join pg_type on oid = type where typtype <> 'd'";

static bool is_timestamp(const char *type)
{
    return strcmp(type, "timestamp with time zone") == 0 || freshness_lacks_zone(type);
}

bool freshness_lacks_zone(const char *type)
{
    return strcmp(type, "timestamp without time zone") == 0 || strcmp(type, "date") == 0;
}

int64_t freshness_tolerance_s(const char *known_from, const char *type)
{
    if (strcmp(known_from, "its name's day") == 0)
        return DAY_TOLERANCE_S;
    /* A day begins at another moment in each zone. */
    return strcmp(type, "date") == 0 ? ZONES_S : SKEW_S;
}

const char *freshness_zone_advice(const char *known_from, const char *type, int64_t ahead_s)
{
    int64_t beside_s = ahead_s % HOUR_S;
    bool whole_hours = beside_s <= SKEW_S || beside_s >= HOUR_S - SKEW_S;
    if (ahead_s > ZONES_S + SKEW_S)
        return "";
    if (freshness_lacks_zone(type) && (whole_hours || strcmp(known_from, "its manifest") == 0))
        return "; the column has no time zone and is read as UTC: if it holds local time, let a "
               "view give it with `at time zone`, and name the view's column";
    if (strcmp(known_from, "its manifest") != 0)
        return "; the time of the backup is read in the time zone of this machine: if it was made "
               "in another, set TZ";
    return "";
}

/* What is asked for, and what it is. */
struct column {
    const char *table; /* as the scenario names it */
    const char *name;
    char *quoted_table;
    char *type;
    char relation; /* relkind */
};

static void column_free(struct column *column)
{
    free(column->quoted_table);
    free(column->type);
}

/* -1: the outcome says why. */
static int column_find(struct connection *connection, struct column *column,
                       struct outcome *outcome)
{
    const char *const parameters[] = {column->quoted_table, column->name, NULL};
    cleanup(result_clear) PGresult *result = NULL;
    struct error error;
    if (connection_query(connection, column_sql, parameters, &result, NULL, &error) < 0) {
        outcome_from_error(outcome, &error);
        return -1;
    }
    if (PQntuples(result) != 1) {
        column_is_unknown(connection, column->quoted_table, column->table, column->name, outcome);
        return -1;
    }
    column->type = xstrdup(PQgetvalue(result, 0, 0));
    column->relation = *PQgetvalue(result, 0, 2);
    bool is_text = *PQgetvalue(result, 0, 1) == 'S'; /* which may hold times; the server knows */
    if (column->relation == 'm')
        outcome_mistake(outcome,
                        "%s is a materialized view, which the restore has just filled: freshness "
                        "would tell of that; expect it of the table that the view is made from",
                        column->table);
    else if (!is_timestamp(column->type) && !is_text)
        outcome_mistake(
            outcome,
            "%s.%s is of type %s, which is no point in time: freshness needs a timestamp "
            "or a date",
            column->table, column->name, column->type);
    else
        return 0;
    return -1;
}

static void judge_future(const struct subject *subject, const struct column *column,
                         const char *newest, int64_t ahead_s, struct outcome *outcome)
{
    const struct backup_fact *backup = &subject->facts->backup;
    char made[TIME_TEXT_SIZE];
    char ahead[DURATION_TEXT_SIZE];
    time_format_utc(backup->time, made);
    duration_format(ahead_s * 1000, ahead);
    outcome_fail(outcome,
                 "the newest %s of %s is %s, %s after the dump was made (%s, told by %s): a value "
                 "from the future says nothing about freshness%s",
                 column->name, column->table, newest, ahead, made, backup->time_from,
                 freshness_zone_advice(backup->time_from, column->type, ahead_s));
}

/* Does the newest value tell anything? If not, the outcome says why. */
static bool is_usable(const struct subject *subject, const struct column *column,
                      const PGresult *result, long double newest, struct outcome *outcome)
{
    const char *text = PQgetvalue(result, 0, 1);
    bool has_rows = *PQgetvalue(result, 0, 2) == 't';
    if (PQgetisnull(result, 0, 0))
        outcome_fail(outcome, "%s has no value of %s to judge by: the %s is empty", column->table,
                     column->name, has_rows ? "column" : "table");
    else if (!isfinite(newest))
        outcome_fail(outcome, "the newest %s of %s is %s, which says nothing about freshness",
                     column->name, column->table, text);
    /* No dump can hold it: a view that computes it, or that stands on a materialized one. */
    else if (column->relation == 'v' && newest >= (long double)subject->facts->began)
        outcome_mistake(outcome,
                        "the newest %s of the view %s is %s, which is after this run began: it was "
                        "computed here, not dumped; expect freshness of a table",
                        column->name, column->table, text);
    else
        return true;
    return false;
}

static void judge(const struct subject *subject, const struct expectation *expectation,
                  const struct column *column, const PGresult *result, struct outcome *outcome)
{
    const struct backup_fact *backup = &subject->facts->backup;
    const char *newest_text = PQgetvalue(result, 0, 1);
    long double newest = strtold(PQgetvalue(result, 0, 0), NULL);
    long double age_s = (long double)backup->time - newest;
    if (!is_usable(subject, column, result, newest, outcome))
        return;
    if (-age_s > (long double)freshness_tolerance_s(backup->time_from, column->type)) {
        judge_future(subject, column, newest_text, (int64_t)-age_s, outcome);
        return;
    }
    char age[DURATION_TEXT_SIZE];
    age_s = age_s < 0 ? 0 : age_s;
    duration_format((int64_t)(age_s * 1000), age);
    outcome_detail(outcome, "newest %s: %s", column->name, newest_text);
    cleanup(free_pointer) char *name =
        xasprintf("%s: freshness(%s) in seconds", column->table, column->name);
    session_judge(expectation, name, age_s, age, outcome);
}

void table_freshness(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct table_expectation *expected = parameter;
    cleanup(column_free) struct column column = {.table = expected->table,
                                                 .name = expected->expectation->arguments.items[0]};
    cleanup(connection_closep) struct connection *connection =
        session_open_table(subject, expected->table, &column.quoted_table, outcome);
    if (!connection || column_find(connection, &column, outcome) < 0)
        return;
    cleanup(free_pointer) char *quoted = identifier_quote(column.name);
    cleanup(free_pointer) char *sql =
        xasprintf("select extract(epoch from pg_catalog.max(%s)::timestamptz), "
                  "pg_catalog.max(%s)::timestamptz, "
                  "exists (select from %s) from %s",
                  quoted, quoted, column.quoted_table, column.quoted_table);
    cleanup(result_clear) PGresult *result = session_row(connection, sql, outcome);
    if (result)
        judge(subject, expected->expectation, &column, result, outcome);
}
