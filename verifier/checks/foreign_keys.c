#include "checks/foreign_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "checks/session.h"

enum { LISTED = 20 };

/* Each key's name and tables, and the query that counts the rows that refer to nothing, and tells
 * whether there is anything to refer to. A key of a partitioned table speaks for those of its
 * partitions; other tables have no part in the keys of those that they inherit from. Since 18 a key
 * may be about periods, which are compared otherwise: those are not asked. */
static const char keys_sql[] =
    "select k.conname, format('%I.%I', cn.nspname, c.relname), pn.nspname, p.relname, "
    "format('select count(*), not exists (select from %1$s) from %2$s%3$I.%4$I c "
    "where %5$s and not exists (select from %1$s p where %6$s)', "
    "format('%s%I.%I', case p.relkind when 'p' then '' else 'only ' end, pn.nspname, p.relname), "
    "case c.relkind when 'p' then '' else 'only ' end, cn.nspname, c.relname, "
    "string_agg(format('c.%I is not null', ca.attname), ' and ' order by n), "
    "string_agg(format('p.%I operator(%I.%s) c.%I', pa.attname, opn.nspname, oprname, "
    "ca.attname), ' and ' order by n)) "
    "from pg_constraint k join pg_class c on c.oid = conrelid "
    "join pg_namespace cn on cn.oid = c.relnamespace join pg_class p on p.oid = confrelid "
    "join pg_namespace pn on pn.oid = p.relnamespace, "
    "unnest(conkey, confkey, conpfeqop) with ordinality as part (child, parent, equal, n) "
    "join pg_operator o on o.oid = equal join pg_namespace opn on opn.oid = oprnamespace, "
    "pg_attribute ca, pg_attribute pa "
    "where contype = 'f' and convalidated and coninhcount = 0 "
    "and to_jsonb(k) ->> 'conperiod' is distinct from 'true' "
    "and ca.attrelid = conrelid and ca.attnum = child "
    "and pa.attrelid = confrelid and pa.attnum = parent "
    "group by k.oid, conname, c.relkind, cn.nspname, c.relname, p.relkind, pn.nspname, p.relname "
    "order by 2, 1";

enum { NAME, CHILD, PARENT_SCHEMA, PARENT, QUERY };

/* Whether the backup says that the table has no row. Those of one that is empty otherwise are
 * elsewhere, such as the users of a host, or were left out by restore.exclude. */
static bool is_dumped_empty(const struct archive *archive, const char *schema, const char *name)
{
    for (size_t i = 0; i < archive->table_count; i++) {
        const struct archive_table *table = &archive->tables[i];
        const char *in = *table->schema ? table->schema : "public";
        if (table->has_data && table->totals.rows == 0 && strcmp(table->name, name) == 0 &&
            strcmp(in, schema) == 0)
            return true;
    }
    return false;
}

/* The rows that refer to nothing; -1: they could not be counted. */
static int64_t count_lost(struct connection *connection, const PGresult *keys, int row,
                          const struct archive *archive, struct outcome *outcome)
{
    struct error error;
    cleanup(result_clear) PGresult *result =
        session_row(connection, PQgetvalue(keys, row, QUERY), outcome);
    if (!result)
        return -1;
    bool is_empty = strcmp(PQgetvalue(result, 0, 1), "t") == 0;
    int64_t lost = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    if (session_next(connection, &error) < 0) {
        outcome_from_error(outcome, &error);
        return -1;
    }
    bool is_elsewhere = is_empty && !is_dumped_empty(archive, PQgetvalue(keys, row, PARENT_SCHEMA),
                                                     PQgetvalue(keys, row, PARENT));
    return is_elsewhere ? 0 : lost;
}

static char *words_of(const PGresult *keys, int row, int64_t lost)
{
    return xasprintf("%s row%s of %s refer%s to no row of %s.%s (foreign key %s)",
                     counted(lost).text, plural_of(lost), PQgetvalue(keys, row, CHILD),
                     lost == 1 ? "s" : "", PQgetvalue(keys, row, PARENT_SCHEMA),
                     PQgetvalue(keys, row, PARENT), PQgetvalue(keys, row, NAME));
}

bool foreign_keys_hold(struct connection *connection, const struct archive *archive,
                       struct outcome *outcome)
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
        int64_t lost = count_lost(connection, keys, i, archive, outcome);
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
        outcome_fail(outcome,
                     "%s%s: rows are missing, the files are of different moments, or the source "
                     "itself breaks its keys",
                     first, broken > 1 ? ", and other keys do not hold either" : "");
    return broken == 0;
}
