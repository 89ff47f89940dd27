/* Indexes and tables are sound: PostgreSQL's amcheck goes over every B-tree index, and over every
 * table's pages, of the restored database. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/session.h"
#include "postgres/amcheck.h"

enum { LISTED = 100, FIRST_BYTES = 600 };

/* Label, oid, and whether it is an index. What initdb made is not of the backup. Of tables those
 * with pages in PostgreSQL's own format. */
static const char relations_sql[] =
    "select format('%s %s.%s', case when amname = 'btree' then 'index' when relkind = 'm' "
    "then 'materialized view' else 'table' end, nspname, relname), c.oid, "
    "case when amname = 'btree' then 'index' else '' end "
    "from pg_class c join pg_namespace n on n.oid = relnamespace join pg_am a on a.oid = relam "
    "left join pg_index i on i.indexrelid = c.oid "
    "where relpersistence <> 't' and c.oid >= 16384 "
    "and (relkind = 'i' and amname = 'btree' and indisvalid and indisready "
    "or relkind in ('r', 'm', 't') and amname = 'heap') order by 3 desc, 1";

enum { LABEL, OID, KIND };

/* What was looked at and found. */
struct findings {
    size_t indexes, tables;
    size_t unsound;
    char *first;
};

static void note(struct findings *findings, const char *label, const char *words,
                 struct outcome *outcome)
{
    if (findings->unsound++ < LISTED)
        outcome_detail(outcome, "%s: %s", label, words);
    if (!findings->first)
        findings->first = xasprintf("%s: %.*s", label, FIRST_BYTES, words);
}

/* 0: it was looked at, and what is wrong with it is noted. */
static int look(struct connection *connection, const char *sql, const char *label,
                struct findings *findings, struct outcome *outcome, struct error *error)
{
    char state[6] = "";
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, sql, NULL, &result, state, error) < 0) {
        if (!starts_with(state, "XX00")) /* corrupted data, a corrupted index, what cannot be */
            return -1;
        note(findings, label, error->text, outcome);
    } else if (PQntuples(result) > 0 && PQnfields(result) == 3) {
        cleanup(free_pointer) char *words =
            xasprintf("block %s, row %s: %s", PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1),
                      PQgetvalue(result, 0, 2));
        note(findings, label, words, outcome);
    }
    return session_next(connection, error);
}

static int look_at_relation(struct connection *connection,
                            const struct amcheck_functions *functions, const PGresult *relations,
                            int row, struct findings *findings, struct outcome *outcome,
                            struct error *error)
{
    const char *oid = PQgetvalue(relations, row, OID);
    bool is_index = *PQgetvalue(relations, row, KIND) != '\0';
    if (!is_index && !functions->table)
        return 0;
    cleanup(free_pointer) char *sql =
        is_index
            ? xasprintf("select %s(%s::regclass, true)", functions->index, oid)
            : xasprintf("select blkno, offnum, msg from %s(%s::regclass, on_error_stop => true, "
                        "check_toast => true) limit 1",
                        functions->table, oid);
    ++*(is_index ? &findings->indexes : &findings->tables);
    return look(connection, sql, PQgetvalue(relations, row, LABEL), findings, outcome, error);
}

static void judge(const struct findings *findings, const struct amcheck_functions *functions,
                  struct outcome *outcome)
{
    if (findings->unsound > LISTED)
        outcome_detail(outcome, "and %zu more", findings->unsound - LISTED);
    if (findings->unsound > 0)
        outcome_fail(outcome, "%zu of %zu indexes and tables %s not sound; first %s",
                     findings->unsound, findings->indexes + findings->tables,
                     findings->unsound == 1 ? "is" : "are", findings->first);
    else if (!functions->table)
        outcome_warn(outcome,
                     "%zu index%s; the pages of tables were not looked at, as amcheck does since "
                     "PostgreSQL 14",
                     findings->indexes, findings->indexes == 1 ? "" : "es");
    else
        outcome_pass(outcome, "%zu index%s, %zu table%s", findings->indexes,
                     findings->indexes == 1 ? "" : "es", findings->tables,
                     findings->tables == 1 ? "" : "s");
}

/* Where it ended early: what was found until then counts, else it is this machine's. */
static void judge_part(const struct findings *findings, const PGresult *relations, int row,
                       const struct amcheck_functions *functions, int64_t deadline_ms,
                       const struct error *error, struct outcome *outcome)
{
    if (findings->unsound > 0)
        judge(findings, functions, outcome);
    else if (clock_ms() >= deadline_ms)
        outcome_error(outcome,
                      "only %d of %d indexes and tables could be looked at in time: raise "
                      "restore.timeout, or remove restore.amcheck",
                      row, PQntuples(relations));
    else
        outcome_error(outcome, "the %s could not be looked at: %s",
                      PQgetvalue(relations, row, LABEL), error->text);
}

static void look_at_all(struct connection *connection, const struct amcheck_functions *functions,
                        int64_t deadline_ms, struct outcome *outcome)
{
    cleanup(result_clear) PGresult *relations = NULL;
    struct findings findings = {0};
    struct error error;
    if (connection_query(connection, relations_sql, NULL, &relations, NULL, &error) < 0) {
        outcome_from_error(outcome, &error);
        return;
    }
    int row = 0, count = PQntuples(relations);
    while (row < count &&
           look_at_relation(connection, functions, relations, row, &findings, outcome, &error) == 0)
        row++;
    if (row < count)
        judge_part(&findings, relations, row, functions, deadline_ms, &error, outcome);
    else
        judge(&findings, functions, outcome);
    free(findings.first);
}

void indexes_and_tables_are_sound(const struct subject *subject, const void *parameter,
                                  struct outcome *outcome)
{
    (void)parameter;
    /* Before whoever runs the check ends it, so that it can say how far it came. */
    const int64_t deadline_ms = deadline_after(subject->scenario->restore.timeout_ms / 10 * 9);
    cleanup(amcheck_functions_free) struct amcheck_functions functions = {0};
    struct error error;
    if (*subject->facts->restore.amcheck_problem) {
        outcome_error(outcome, "%s", subject->facts->restore.amcheck_problem);
        return;
    }
    cleanup(connection_closep) struct connection *connection =
        session_open_encoded(subject, outcome);
    if (!connection)
        return;
    connection_set_deadline(connection, deadline_ms);
    if (amcheck_find(connection, &functions, &error) < 0)
        outcome_from_error(outcome, &error);
    else if (!functions.index)
        outcome_error(outcome, "the extension amcheck, which was made before the restore, is not "
                               "there any more: what was restored has dropped it");
    else
        look_at_all(connection, &functions, deadline_ms, outcome);
}
