#include "postgres/table_counts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int by_name(const void *left, const void *right)
{
    const struct table_count *one = left;
    const struct table_count *other = right;
    int schemas = strcmp(one->schema, other->schema);
    return schemas ? schemas : strcmp(one->name, other->name);
}

struct table_count *table_counts_find(const struct table_counts *tables, const char *schema,
                                      const char *name)
{
    /* bsearch only compares. */
    struct table_count wanted = {.schema = (char *)(uintptr_t)schema,
                                 .name = (char *)(uintptr_t)name};
    if (tables->count == 0)
        return NULL;
    return bsearch(&wanted, tables->items, tables->count, sizeof(wanted), by_name);
}

struct table_count *table_counts_add(struct table_counts *tables, const char *schema,
                                     const char *name, int64_t rows, int64_t rows_total)
{
    /* Grows by halves: a file may hold very many. */
    if (tables->count == tables->capacity) {
        tables->capacity = tables->capacity ? tables->capacity + tables->capacity / 2 : 16;
        tables->items = xreallocarray(tables->items, tables->capacity, sizeof(*tables->items));
    }
    struct table_count *table = &tables->items[tables->count++];
    *table = (struct table_count){
        .schema = xstrdup(schema), .name = xstrdup(name), .rows = rows, .rows_total = rows_total};
    return table;
}

void table_counts_sort(struct table_counts *tables)
{
    if (tables->count > 0)
        qsort(tables->items, tables->count, sizeof(*tables->items), by_name);
}

void table_counts_free(struct table_counts *tables)
{
    for (size_t i = 0; i < tables->count; i++) {
        free(tables->items[i].schema);
        free(tables->items[i].name);
    }
    free(tables->items);
    *tables = (struct table_counts){0};
}

/* Schemas that begin with pg_ are the system's; pg_dump passes them over as well. On a standby
 * pg_dump leaves out the rows of unlogged tables, which cannot be read there. */
static const char list_sql[] =
    "select nspname, relname, c.oid, relkind = 'p', "
    "relpersistence = 'u' and pg_is_in_recovery() or "
    "exists (select 1 from pg_depend where classid = 'pg_class'::regclass and objid = c.oid "
    "and deptype = 'e') "
    "from pg_class c join pg_namespace n on n.oid = relnamespace "
    "where relkind in ('r', 'p') and relpersistence <> 't' "
    "and nspname <> 'information_schema' and nspname !~ '^pg_'";

int table_counts_list(struct connection *connection, struct table_counts *ret_tables,
                      struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, list_sql, NULL, &result, NULL, error) < 0)
        return error_prefix(error, "the tables cannot be listed: ");
    struct table_counts tables = {0};
    for (int i = 0; i < PQntuples(result); i++) {
        struct table_count *table = table_counts_add(
            &tables, PQgetvalue(result, i, 0), PQgetvalue(result, i, 1), NOT_COUNTED, NOT_COUNTED);
        table->oid = strtoul(PQgetvalue(result, i, 2), NULL, 10);
        table->is_partitioned = *PQgetvalue(result, i, 3) == 't';
        table->is_left_out = *PQgetvalue(result, i, 4) == 't';
    }
    table_counts_sort(&tables);
    *ret_tables = tables;
    return 0;
}

static int compare_oids(unsigned long left, unsigned long right)
{
    return (left > right) - (left < right);
}

static int by_oid(const void *left, const void *right)
{
    return compare_oids((*(struct table_count *const *)left)->oid,
                        (*(struct table_count *const *)right)->oid);
}

static struct table_count *find_oid(struct table_count **tables, size_t count, const char *oid)
{
    struct table_count wanted = {.oid = strtoul(oid, NULL, 10)};
    const struct table_count *key = &wanted;
    struct table_count **found = bsearch(&key, tables, count, sizeof(struct table_count *), by_oid);
    return found ? *found : NULL;
}

static void add_rows(struct table_count *parent, const struct table_count *child)
{
    if (parent->rows_total == NOT_COUNTED)
        return;
    if (!child || child->rows == NOT_COUNTED ||
        __builtin_add_overflow(parent->rows_total, child->rows, &parent->rows_total))
        parent->rows_total = NOT_COUNTED;
}

/* Every pair of a table and one of its descendants; UNION, because there is more than one way from
 * one to the other where a table inherits from several. */
static const char descendants_sql[] =
    "with recursive pair(parent, child) as ("
    "select inhparent, inhrelid from pg_inherits "
    "union select pair.parent, i.inhrelid from pair join pg_inherits i on i.inhparent = pair.child"
    ") select parent, child from pair";

int table_counts_total(struct connection *connection, struct table_counts *tables,
                       struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, descendants_sql, NULL, &result, NULL, error) < 0)
        return error_prefix(error, "the partitions of tables cannot be listed: ");
    if (tables->count == 0)
        return 0;
    cleanup(free_pointer) struct table_count **by_number =
        xcalloc(tables->count, sizeof(struct table_count *));
    for (size_t i = 0; i < tables->count; i++) {
        tables->items[i].rows_total = tables->items[i].rows;
        by_number[i] = &tables->items[i];
    }
    qsort(by_number, tables->count, sizeof(struct table_count *), by_oid);
    for (int i = 0; i < PQntuples(result); i++) {
        struct table_count *parent = find_oid(by_number, tables->count, PQgetvalue(result, i, 0));
        if (parent) /* else it is an index */
            add_rows(parent, find_oid(by_number, tables->count, PQgetvalue(result, i, 1)));
    }
    return 0;
}

/* Inside a savepoint, so that the transaction survives what fails. The table itself stays locked,
 * or it could be emptied before pg_dump comes to it; the locks of its indexes are given back, since
 * the server has only so many for everybody. */
static int count_table(struct connection *connection, struct table_count *table,
                       struct strings *problems, struct error *error)
{
    cleanup(free_pointer) char *schema = identifier_quote(table->schema);
    cleanup(free_pointer) char *name = identifier_quote(table->name);
    cleanup(free_pointer) char *sql = xasprintf("select count(*) from only %s.%s", schema, name);
    cleanup(result_clear) PGresult *result = NULL;
    struct error reason;
    if (connection_execute(connection, error, "savepoint counting") < 0)
        return -1;
    if (connection_execute(connection, &reason,
                           "lock table only %s.%s in access share mode; "
                           "release savepoint counting; savepoint counting",
                           schema, name) == 0 &&
        connection_query(connection, sql, NULL, &result, NULL, &reason) == 0)
        table->rows = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    else
        strings_addf(problems, "%s.%s: %s", table->schema, table->name, reason.text);
    return connection_execute(connection, error,
                              "rollback to savepoint counting; release savepoint counting");
}

int table_counts_fill(struct connection *connection, struct table_counts *tables,
                      struct strings *problems, struct error *error)
{
    for (size_t i = 0; i < tables->count; i++) {
        struct table_count *table = &tables->items[i];
        if (table->is_partitioned)
            table->rows = 0; /* its rows are its partitions' */
        else if (!table->is_left_out && count_table(connection, table, problems, error) < 0)
            return -1;
    }
    return table_counts_total(connection, tables, error);
}

static int table_has_row(struct connection *connection, const struct table_count *table,
                         bool *ret_has, struct error *error)
{
    cleanup(free_pointer) char *schema = identifier_quote(table->schema);
    cleanup(free_pointer) char *name = identifier_quote(table->name);
    cleanup(free_pointer) char *sql = xasprintf("select 1 from only %s.%s limit 1", schema, name);
    cleanup(result_clear) PGresult *result = NULL;
    struct error ignored;
    if (connection_execute(connection, error, "savepoint looking") < 0)
        return -1;
    *ret_has = connection_query(connection, sql, NULL, &result, NULL, &ignored) < 0 ||
               PQntuples(result) > 0;
    return connection_execute(connection, error,
                              "rollback to savepoint looking; release savepoint looking");
}

int table_counts_any(struct connection *connection, const struct table_counts *tables,
                     bool *ret_any, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, "select exists (select from pg_largeobject_metadata)", NULL,
                         &result, NULL, error) < 0)
        return -1;
    bool any = *PQgetvalue(result, 0, 0) == 't';
    for (size_t i = 0; i < tables->count && !any; i++) {
        const struct table_count *table = &tables->items[i];
        any = table->rows > 0;
        if (table->rows == NOT_COUNTED && !table->is_left_out && !table->is_partitioned &&
            table_has_row(connection, table, &any, error) < 0)
            return -1;
    }
    *ret_any = any;
    return 0;
}
