#include "rehearsal/tables.h"

#include <stdlib.h>
#include <string.h>

static const char tables_sql[] =
    "select c.oid, nspname, relname, relfilenode, relkind in ('r', 'm'), relkind = 'm', "
    "(select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute where "
    "attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '') "
    "from pg_class c join pg_namespace n on n.oid = relnamespace "
    "where relkind in ('r', 'p', 'm', 'f') and nspname <> 'information_schema' "
    "and nspname !~ '^pg_' order by c.oid";

static const char parts_sql[] =
    "select indexrelid, coalesce(t.oid, indrelid) from pg_index left join pg_class t "
    "on t.reltoastrelid = indrelid where indrelid >= 16384 union all "
    "select reltoastrelid, oid from pg_class where reltoastrelid >= 16384 order by 1";

static const char unsound_sql[] =
    "select format('the constraint %I of %s is NOT VALID', conname, conrelid::regclass) "
    "from pg_constraint where not convalidated and conrelid <> 0 union all "
    "select format('the index %s is not valid', indexrelid::regclass) from pg_index "
    "where not indisvalid order by 1";

static uint32_t oid_of(const PGresult *result, int row, int column)
{
    return (uint32_t)strtoul(PQgetvalue(result, row, column), NULL, 10);
}

static int count_rows(struct connection *connection, struct table *table, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    cleanup(free_pointer) char *schema = identifier_quote(table->schema);
    cleanup(free_pointer) char *name = identifier_quote(table->name);
    cleanup(free_pointer) char *sql = xasprintf("select count(*) from only %s.%s", schema, name);
    if (!table->has_rows)
        return 0;
    if (connection_query(connection, sql, NULL, &result, NULL, error) < 0)
        return error_prefix(error, "the rows of %s cannot be counted: ", table->label);
    table->rows = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    return 0;
}

static int read_list(struct connection *connection, struct tables *tables, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, tables_sql, NULL, &result, NULL, error) < 0)
        return -1;
    tables->items = xcalloc((size_t)PQntuples(result), sizeof(*tables->items));
    for (int i = 0; i < PQntuples(result); i++) {
        struct table *table = &tables->items[tables->count++];
        *table = (struct table){.oid = oid_of(result, i, 0),
                                .schema = xstrdup(PQgetvalue(result, i, 1)),
                                .name = xstrdup(PQgetvalue(result, i, 2)),
                                .file_node = oid_of(result, i, 3),
                                .has_rows = *PQgetvalue(result, i, 4) == 't',
                                .computed = *PQgetvalue(result, i, 5) == 't',
                                .columns = xstrdup(PQgetvalue(result, i, 6))};
        table->label = xasprintf("%s.%s", table->schema, table->name);
        if (count_rows(connection, table, error) < 0)
            return -1;
    }
    return 0;
}

static int read_columns(struct connection *connection, struct tables *tables, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection,
                         "select attrelid, attname from pg_attribute where attrelid >= 16384 and "
                         "attnum > 0 and not attisdropped order by attrelid, attnum",
                         NULL, &result, NULL, error) < 0)
        return -1;
    tables->columns = xcalloc((size_t)PQntuples(result), sizeof(*tables->columns));
    for (int i = 0; i < PQntuples(result); i++) {
        uint32_t table = oid_of(result, i, 0);
        if (tables_find(tables, table)) /* and no index */
            tables->columns[tables->column_count++] =
                (struct table_column){.table = table, .name = xstrdup(PQgetvalue(result, i, 1))};
    }
    return 0;
}

bool tables_have_column(const struct tables *tables, uint32_t table, const char *name)
{
    for (size_t i = 0; i < tables->column_count; i++)
        if (tables->columns[i].table == table && strcmp(tables->columns[i].name, name) == 0)
            return true;
    return false;
}

static int read_parts(struct connection *connection, struct tables *tables, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, parts_sql, NULL, &result, NULL, error) < 0)
        return -1;
    tables->parts = xcalloc((size_t)PQntuples(result), sizeof(*tables->parts));
    for (int i = 0; i < PQntuples(result); i++)
        tables->parts[tables->part_count++] =
            (struct table_part){.oid = oid_of(result, i, 0), .table = oid_of(result, i, 1)};
    return 0;
}

static int read_unsound(struct connection *connection, struct tables *tables, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, unsound_sql, NULL, &result, NULL, error) < 0)
        return -1;
    for (int i = 0; i < PQntuples(result); i++)
        strings_add(&tables->unsound, PQgetvalue(result, i, 0));
    return 0;
}

int tables_read(struct connection *connection, struct tables *ret_tables, struct error *error)
{
    struct tables tables = {0};
    if (read_list(connection, &tables, error) < 0 || read_columns(connection, &tables, error) < 0 ||
        read_parts(connection, &tables, error) < 0 ||
        read_unsound(connection, &tables, error) < 0) {
        tables_free(&tables);
        return -1;
    }
    *ret_tables = tables;
    return 0;
}

void tables_free(struct tables *tables)
{
    for (size_t i = 0; i < tables->count; i++) {
        free(tables->items[i].schema);
        free(tables->items[i].name);
        free(tables->items[i].label);
        free(tables->items[i].columns);
    }
    for (size_t i = 0; i < tables->column_count; i++)
        free(tables->columns[i].name);
    free(tables->items);
    free(tables->columns);
    free(tables->parts);
    strings_free(&tables->unsound);
    *tables = (struct tables){0};
}

/* Both begin with their oid. */
static int by_oid(const void *one, const void *other)
{
    const uint32_t *left = one;
    const uint32_t *right = other;
    return (*left > *right) - (*left < *right);
}

const struct table *tables_find(const struct tables *tables, uint32_t oid)
{
    return tables->count == 0
               ? NULL
               : bsearch(&oid, tables->items, tables->count, sizeof(*tables->items), by_oid);
}

const struct table *tables_find_label(const struct tables *tables, const char *label)
{
    for (size_t i = 0; i < tables->count; i++)
        if (strcmp(tables->items[i].label, label) == 0)
            return &tables->items[i];
    return NULL;
}

const struct table *tables_of_relation(const struct tables *tables, uint32_t oid)
{
    const struct table *table = tables_find(tables, oid);
    if (table || tables->part_count == 0)
        return table;
    const struct table_part *part =
        bsearch(&oid, tables->parts, tables->part_count, sizeof(*tables->parts), by_oid);
    return part ? tables_find(tables, part->table) : NULL;
}

/* --- work ------------------------------------------------------------------------------------- */

int row_work_read(struct connection *connection, struct row_work **ret_work, size_t *ret_count,
                  struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection,
                         "select relid, n_tup_ins, n_tup_upd, n_tup_del from pg_stat_all_tables "
                         "where relid >= 16384 order by relid",
                         NULL, &result, NULL, error) < 0)
        return -1;
    int rows = PQntuples(result);
    struct row_work *work = xcalloc((size_t)rows, sizeof(*work));
    for (int i = 0; i < rows; i++)
        work[i] = (struct row_work){.oid = oid_of(result, i, 0),
                                    .inserted = strtoll(PQgetvalue(result, i, 1), NULL, 10),
                                    .updated = strtoll(PQgetvalue(result, i, 2), NULL, 10),
                                    .deleted = strtoll(PQgetvalue(result, i, 3), NULL, 10)};
    *ret_work = work;
    *ret_count = (size_t)rows;
    return 0;
}
