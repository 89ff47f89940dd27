#include "checks/foreign_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "checks/session.h"

enum { LISTED = 20 };

/* Each key's name and tables, and the query that counts the rows that refer to nothing. A key of a
 * partitioned table speaks for those of its partitions; other tables have no part in the keys of
 * those that they inherit from. */
static const char keys_sql[] =
    "select k.conname, format('%I.%I', cn.nspname, c.relname), format('%I.%I', pn.nspname, "
    "p.relname), format('select count(*) from %s%I.%I c where %s and not exists (select from "
    "%s%I.%I p where %s)', case c.relkind when 'p' then '' else 'only ' end, cn.nspname, "
    "c.relname, string_agg(format('c.%I is not null', ca.attname), ' and ' order by n), "
    "case p.relkind when 'p' then '' else 'only ' end, pn.nspname, p.relname, "
    "string_agg(format('p.%I operator(%I.%s) c.%I', pa.attname, opn.nspname, oprname, "
    "ca.attname), ' and ' order by n)) "
    "from pg_constraint k join pg_class c on c.oid = conrelid "
    "join pg_namespace cn on cn.oid = c.relnamespace join pg_class p on p.oid = confrelid "
    "join pg_namespace pn on pn.oid = p.relnamespace, "
    "unnest(conkey, confkey, conpfeqop) with ordinality as part (child, parent, equal, n) "
    "join pg_operator o on o.oid = equal join pg_namespace opn on opn.oid = oprnamespace, "
    "pg_attribute ca, pg_attribute pa "
    "where contype = 'f' and convalidated and coninhcount = 0 "
    "and ca.attrelid = conrelid and ca.attnum = child "
    "and pa.attrelid = confrelid and pa.attnum = parent "
    "group by k.oid, conname, c.relkind, cn.nspname, c.relname, p.relkind, pn.nspname, p.relname "
    "order by 2, 1";

enum { NAME, CHILD, PARENT, QUERY };

/* The rows that refer to nothing; -1: they could not be counted. */
static int64_t count_lost(struct connection *connection, const char *sql, struct outcome *outcome)
{
    struct error error;
    cleanup(result_clear) PGresult *result = session_row(connection, sql, outcome);
    if (!result)
        return -1;
    int64_t lost = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    if (session_next(connection, &error) == 0)
        return lost;
    outcome_from_error(outcome, &error);
    return -1;
}

static char *words_of(const PGresult *keys, int row, int64_t lost)
{
    return xasprintf("%s row%s of %s refer%s to no row of %s (foreign key %s)", counted(lost).text,
                     plural_of(lost), PQgetvalue(keys, row, CHILD), lost == 1 ? "s" : "",
                     PQgetvalue(keys, row, PARENT), PQgetvalue(keys, row, NAME));
}

bool foreign_keys_hold(struct connection *connection, struct outcome *outcome)
{
    struct error error;
    cleanup(result_clear) PGresult *keys = NULL;
    cleanup(free_pointer) char *first = NULL;
    int broken = 0;
    if (connection_query(connection, keys_sql, NULL, &keys, NULL, &error) < 0) {
        outcome_from_error(outcome, &error);
        return false;
    }
    for (int i = 0; i < PQntuples(keys); i++) {
        int64_t lost = count_lost(connection, PQgetvalue(keys, i, QUERY), outcome);
        if (lost < 0)
            return false;
        if (lost == 0)
            continue;
        cleanup(free_pointer) char *words = words_of(keys, i, lost);
        if (broken++ < LISTED)
            outcome_detail(outcome, "%s", words);
        if (!first)
            first = take(&words);
    }
    if (broken > 0)
        outcome_fail(outcome, "%s%s: rows are missing, or the files are of different moments",
                     first, broken > 1 ? ", and other keys do not hold either" : "");
    return broken == 0;
}
