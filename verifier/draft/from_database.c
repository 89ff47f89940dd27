/* A draft from a database: what its catalogs tell, what its tables hold, how fresh they are. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "draft/sources.h"
#include "postgres/table_counts.h"

enum {
    CONNECT_TIMEOUT_MS = 30000,
    COUNTED_PAGES = 8192, /* 64 MiB: a larger table is not counted */
    MENTIONED = 3,
};

/* In one message, as postgres/snapshot.c has it: only settings that the server knows. */
static const char begin_sql[] =
    "begin transaction isolation level repeatable read, read only; "
    "select set_config(s.name, wanted.value, true) from pg_settings s join (values "
    "('statement_timeout', '30s'), ('lock_timeout', '2s'), ('row_security', 'off'), "
    "('client_encoding', " CLIENT_ENCODING_SQL "), ('search_path', 'pg_catalog')"
    ") wanted(name, value) on s.name = wanted.name";

static const char server_sql[] =
    "select current_setting('server_version'), current_database(), "
    "pg_database_size(current_database()), exists (select from pg_largeobject_metadata)";

static const char extensions_sql[] =
    "select extname || ' ' || extversion from pg_extension where extname <> 'plpgsql' order by 1";

static const char present_sql[] =
    "select 'SCHEMA ' || nspname from pg_namespace "
    "union all select 'EXTENSION ' || extname from pg_extension "
    "union all select 'EVENT TRIGGER ' || evtname from pg_event_trigger "
    "union all select 'PUBLICATION ' || pubname from pg_publication";

/* By oid, as the columns and keys are. */
static const char sizes_sql[] =
    "select c.oid, greatest(reltuples, 0)::bigint, relispartition, "
    "has_schema_privilege(relnamespace, 'usage') and has_table_privilege(c.oid, 'select'), "
    "relpages, reltuples > 0 "
    "from pg_class c where relkind in ('r', 'p') order by 1";

static const char columns_sql[] =
    "select attrelid, attname, format_type(atttypid, null), "
    "exists (select from pg_index where indrelid = attrelid and indkey[0] = attnum "
    "and indisvalid and indpred is null) "
    "from pg_attribute join pg_class c on c.oid = attrelid "
    "where relkind in ('r', 'p') and attnum > 0 and not attisdropped order by attrelid, attnum";

/* An enum is compared by PostgreSQL's own operators, and so is what it has made itself. */
static const char keys_sql[] =
    "select 'ALTER TABLE ONLY ' || conrelid::regclass || ' ADD CONSTRAINT ' || "
    "quote_ident(conname) || ' ' || pg_get_constraintdef(k.oid), "
    "not exists (select from pg_attribute join pg_type t on t.oid = atttypid "
    "where attrelid = conrelid and attnum = any (conkey) and typtype <> 'e' "
    "and typnamespace <> 'pg_catalog'::regnamespace) "
    "from pg_constraint k where contype = 'f' and convalidated and conparentid = 0 "
    "order by conrelid::regclass::text, conname";

struct place {
    unsigned long oid;
    size_t index;
};

struct asking {
    struct connection *connection;
    struct draft *draft;
    struct table_counts tables; /* as many as in the draft, in the same order */
    struct place *by_oid;
    struct strings unread;
};

static int ask(const struct asking *asking, const char *sql, PGresult **ret_result,
               struct error *error)
{
    return connection_query(asking->connection, sql, NULL, ret_result, NULL, error);
}

static int take_server(struct asking *asking, struct error *error)
{
    struct draft *draft = asking->draft;
    cleanup(result_clear) PGresult *server = NULL;
    cleanup(result_clear) PGresult *extensions = NULL;
    if (ask(asking, server_sql, &server, error) < 0 ||
        ask(asking, extensions_sql, &extensions, error) < 0)
        return -1;
    draft->server_version = xstrdup(PQgetvalue(server, 0, 0));
    draft->database = xstrdup(PQgetvalue(server, 0, 1));
    draft->size_bytes = strtoll(PQgetvalue(server, 0, 2), NULL, 10);
    draft->has_rows = *PQgetvalue(server, 0, 3) == 't';
    for (int i = 0; i < PQntuples(extensions); i++)
        strings_add(&draft->extensions, PQgetvalue(extensions, i, 0));
    return 0;
}

static int by_oid(const void *left, const void *right)
{
    const struct place *one = left, *other = right;
    return (one->oid > other->oid) - (one->oid < other->oid);
}

static void sort_oids(struct asking *asking)
{
    size_t count = asking->tables.count;
    asking->by_oid = xcalloc(count + 1, sizeof(*asking->by_oid));
    for (size_t i = 0; i < count; i++)
        asking->by_oid[i] = (struct place){asking->tables.items[i].oid, i};
    qsort(asking->by_oid, count, sizeof(*asking->by_oid), by_oid);
}

/* The place in the list; -1: it is no table of it. */
static ptrdiff_t find_oid(const struct asking *asking, const char *oid)
{
    const struct place wanted = {.oid = strtoul(oid, NULL, 10)};
    const struct place *found =
        bsearch(&wanted, asking->by_oid, asking->tables.count, sizeof(wanted), by_oid);
    return found ? (ptrdiff_t)found->index : -1;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* In a savepoint: a table that cannot be read does not end the transaction. */
static int ask_of_table(struct asking *asking, const char *sql, PGresult **ret_result,
                        bool *ret_told, struct error *error)
{
    struct error ignored;
    if (connection_execute(asking->connection, error, "savepoint looking") < 0)
        return -1;
    *ret_told = ask(asking, sql, ret_result, &ignored) == 0 && PQntuples(*ret_result) == 1;
    return connection_execute(asking->connection, error,
                              "rollback to savepoint looking; release savepoint looking");
}

static int count_rows(struct asking *asking, struct table_count *count, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    cleanup(free_pointer) char *schema = identifier_quote(count->schema);
    cleanup(free_pointer) char *name = identifier_quote(count->name);
    cleanup(free_pointer) char *sql = xasprintf("select count(*) from only %s.%s", schema, name);
    bool told = false;
    if (ask_of_table(asking, sql, &result, &told, error) < 0)
        return -1;
    if (told)
        count->rows = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    return 0;
}

static int take_size(struct asking *asking, const PGresult *sizes, int row, struct error *error)
{
    ptrdiff_t found = find_oid(asking, PQgetvalue(sizes, row, 0));
    if (found < 0)
        return 0;
    struct table_count *count = &asking->tables.items[found];
    struct draft_table *table = &asking->draft->tables[found];
    bool has_estimate = *PQgetvalue(sizes, row, 5) == 't';
    table->is_partition = *PQgetvalue(sizes, row, 2) == 't';
    table->is_unreadable = *PQgetvalue(sizes, row, 3) != 't';
    if (table->is_left_out)
        return 0;
    if (count->is_partitioned)
        count->rows = 0;
    else if (strtol(PQgetvalue(sizes, row, 4), NULL, 10) > COUNTED_PAGES && has_estimate)
        count->rows = strtoll(PQgetvalue(sizes, row, 1), NULL, 10);
    else if (!table->is_unreadable && count_rows(asking, count, error) < 0)
        return -1;
    table->is_estimate =
        has_estimate && strtol(PQgetvalue(sizes, row, 4), NULL, 10) > COUNTED_PAGES;
    if (count->rows == NOT_COUNTED)
        strings_addf(&asking->unread, "%s.%s", table->schema, table->name);
    asking->draft->has_rows = asking->draft->has_rows || count->rows != 0;
    return 0;
}

static int take_tables(struct asking *asking, struct error *error)
{
    struct draft *draft = asking->draft;
    cleanup(result_clear) PGresult *sizes = NULL;
    if (table_counts_list(asking->connection, &asking->tables, error) < 0 ||
        ask(asking, sizes_sql, &sizes, error) < 0)
        return -1;
    for (size_t i = 0; i < asking->tables.count; i++) {
        const struct table_count *count = &asking->tables.items[i];
        draft_add_table(draft, count->schema, count->name)->is_left_out = count->is_left_out;
    }
    sort_oids(asking);
    for (int i = 0; i < PQntuples(sizes); i++)
        if (take_size(asking, sizes, i, error) < 0)
            return -1;
    if (table_counts_total(asking->connection, &asking->tables, error) < 0)
        return -1;
    for (size_t i = 0; i < asking->tables.count; i++)
        draft->tables[i].rows = asking->tables.items[i].rows_total;
    return 0;
}

/* --- columns ---------------------------------------------------------------------------------- */

/* Columns without a time zone are read as UTC, as `freshness` does. */
static int take_age(struct asking *asking, const struct draft_table *table,
                    struct draft_column *column, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    cleanup(free_pointer) char *schema = identifier_quote(table->schema);
    cleanup(free_pointer) char *name = identifier_quote(table->name);
    cleanup(free_pointer) char *value = identifier_quote(column->name);
    bool has_zone = strcmp(column->type, "timestamp with time zone") == 0;
    cleanup(free_pointer) char *sql =
        xasprintf("select extract(epoch from clock_timestamp() - newest)::bigint from "
                  "(select max(%s)%s as newest from %s.%s) found where isfinite(newest)",
                  value, has_zone ? "" : " at time zone 'UTC'", schema, name);
    bool told = false;
    if (ask_of_table(asking, sql, &result, &told, error) < 0)
        return -1;
    int64_t age_s = told ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : AGE_NOT_KNOWN;
    column->age_s = age_s >= 0 ? age_s : AGE_NOT_KNOWN;
    return 0;
}

static int take_columns(struct asking *asking, struct error *error)
{
    cleanup(result_clear) PGresult *columns = NULL;
    if (ask(asking, columns_sql, &columns, error) < 0)
        return -1;
    for (int i = 0; i < PQntuples(columns); i++) {
        ptrdiff_t found = find_oid(asking, PQgetvalue(columns, i, 0));
        if (found < 0)
            continue;
        struct draft_table *table = &asking->draft->tables[found];
        bool is_indexed = *PQgetvalue(columns, i, 3) == 't';
        struct draft_column *column =
            draft_add_column(table, PQgetvalue(columns, i, 1), PQgetvalue(columns, i, 2));
        if (table->rows > 0 && !table->is_unreadable && !table->is_partition &&
            !table->is_left_out && (is_indexed || !table->is_estimate) &&
            draft_tells_freshness(column) && take_age(asking, table, column, error) < 0)
            return -1;
    }
    return 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int take_keys(struct asking *asking, struct error *error)
{
    cleanup(result_clear) PGresult *keys = NULL;
    if (ask(asking, keys_sql, &keys, error) < 0)
        return -1;
    for (int i = 0; i < PQntuples(keys); i++)
        draft_add_key(asking->draft, PQgetvalue(keys, i, 0), *PQgetvalue(keys, i, 1) == 't');
    return 0;
}

static int take_present(struct asking *asking, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    cleanup(strings_free) struct strings present = {0};
    if (ask(asking, present_sql, &result, error) < 0)
        return -1;
    for (int i = 0; i < PQntuples(result); i++)
        strings_add(&present, PQgetvalue(result, i, 0));
    draft_leave_out_platform(asking->draft, &present);
    return 0;
}

static void tell_unread(const struct asking *asking, struct strings *notices)
{
    cleanup(strings_free) struct strings first = {0};
    for (size_t i = 0; i < asking->unread.count && i < MENTIONED; i++)
        strings_add(&first, asking->unread.items[i]);
    size_t more = asking->unread.count - first.count;
    if (more > 0)
        strings_addf(&first, "%zu more", more);
    cleanup(free_pointer) char *listed = strings_listed(&first);
    if (first.count > 0)
        strings_addf(
            notices,
            "%s cannot be read by this user, so a dump as the same user will fail: grant it "
            "SELECT there (GRANT pg_read_all_data TO ... since PostgreSQL 14; with "
            "row-level security also BYPASSRLS)",
            listed);
}

int draft_of_database(const struct address *address, enum host_kind host, int64_t deadline_ms,
                      struct draft *ret_draft, struct strings *notices, struct error *error)
{
    cleanup(connection_closep) struct connection *connection = NULL;
    struct draft draft = {.host = host};
    if (connection_open(address, CONNECT_TIMEOUT_MS, &connection, error) < 0)
        return -1;
    connection_set_deadline(connection, deadline_ms);
    struct asking asking = {.connection = connection, .draft = &draft};
    int result = connection_execute(connection, error, "%s", begin_sql) < 0 ||
                         take_server(&asking, error) < 0 || take_tables(&asking, error) < 0 ||
                         take_columns(&asking, error) < 0 || take_keys(&asking, error) < 0 ||
                         take_present(&asking, error) < 0
                     ? -1
                     : 0;
    table_counts_free(&asking.tables);
    free(asking.by_oid);
    if (result == 0) {
        tell_unread(&asking, notices);
        draft_find_migrations(&draft);
        *ret_draft = draft;
    } else {
        draft_free(&draft);
        error_prefix(error, "cannot tell what the database holds: ");
    }
    strings_free(&asking.unread);
    return result;
}
