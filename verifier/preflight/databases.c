/* The database that is dumped, and the server that a scenario names to restore into. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "dump/source.h"
#include "postgres/pooler.h"
#include "postgres/rights.h"
#include "postgres/tools.h"
#include "preflight/areas.h"

enum { MENTIONED = 3 };

/* What pg_dump reads and this user may not: kind and name. What an extension brought is not read.
 */
static const char unreadable_sql[] =
    "with wanted as (select c.oid, relkind, relnamespace, nspname || '.' || relname as name "
    "from pg_class c join pg_namespace n on n.oid = relnamespace "
    "where relkind in ('r', 'p', 'S') and relpersistence <> 't' "
    "and nspname <> 'information_schema' and nspname !~ '^pg_' "
    "and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid "
    "and deptype = 'e')) "
    "select case relkind when 'S' then 's' else 't' end, name from wanted "
    "where not (has_schema_privilege(relnamespace, 'usage') and case relkind when 'S' then "
    "has_sequence_privilege(oid, 'select') else has_table_privilege(oid, 'select') end) "
    "union all select 'r', name from wanted where relkind <> 'S' and row_security_active(oid) "
    "union all select 'l', oid::text from pg_largeobject_metadata "
    "where not (select rolsuper from pg_roles where rolname = current_user) "
    "and not pg_has_role(lomowner, 'usage') and not exists (select from aclexplode(lomacl) a "
    "where privilege_type = 'SELECT' and (grantee = 0 or pg_has_role(grantee, 'usage'))) "
    "order by 1, 2";

static const struct {
    char kind;
    const char *one, *many, *advice;
} rights[] = {
    {'t', "table", "tables", "grant it SELECT there, or let it be a member of pg_read_all_data"},
    {'s', "sequence", "sequences",
     "grant it SELECT there, or let it be a member of "
     "pg_read_all_data"},
    {'r', "table with row-level security", "tables with row-level security",
     "dump as a role with BYPASSRLS, or as the owner of the tables where they do not force it"},
    {'l', "large object", "large objects", "dump as their owner, or grant it SELECT on them"},
};

/* "shop.a, shop.b and 7 more" of one kind; gives their number. Caller frees. */
static size_t list_kind(const PGresult *result, char kind, char **ret_words)
{
    cleanup(strings_free) struct strings first = {0};
    size_t count = 0;
    for (int i = 0; i < PQntuples(result); i++) {
        if (*PQgetvalue(result, i, 0) != kind)
            continue;
        if (count++ < MENTIONED)
            strings_add(&first, PQgetvalue(result, i, 1));
    }
    if (count > MENTIONED)
        strings_addf(&first, "%zu more", count - MENTIONED);
    *ret_words = strings_listed(&first);
    return count;
}

static void look_at_rights(struct area *area, struct connection *connection)
{
    struct error error;
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, unreadable_sql, NULL, &result, NULL, &error) < 0) {
        finding_add(area, "rights", NOT_READY, "cannot be asked for: %s", error.text);
        return;
    }
    const char *user = PQuser(connection_raw(connection));
    for (size_t i = 0; i < ARRAY_LENGTH(rights); i++) {
        cleanup(free_pointer) char *names = NULL;
        size_t count = list_kind(result, rights[i].kind, &names);
        if (count > 0)
            finding_add(area, "rights", NOT_READY,
                        "%s may not read %zu %s, so that a dump fails: "
                        "%s: %s",
                        user, count, count == 1 ? rights[i].one : rights[i].many, names,
                        rights[i].advice);
    }
    if (PQntuples(result) == 0)
        finding_add(area, "rights", READY, "%s may read every table, sequence and large object",
                    user);
}

/* Two at once, as a dump has them, and each its own. */
static void look_at_sessions(struct area *area, const struct address *address)
{
    struct error error;
    cleanup(connection_closep) struct connection *second = NULL;
    if (connection_open(address, area->timeout_ms, &second, &error) < 0)
        finding_add(area, "sessions", NOT_READY,
                    "a dump needs two connections at once, and the second was refused: %s: allow "
                    "the role and the database that many",
                    error.text);
    else if (pooler_refuse(address, deadline_after(area->timeout_ms), &error) < 0)
        finding_add(area, "sessions", NOT_READY, "%s", error.text);
    else
        finding_add(area, "sessions", READY, "two at once, as a dump needs them");
}

static void look_at_pg_dump(struct area *area)
{
    struct error error;
    cleanup(tools_freep) struct tools *tools = NULL;
    if (tools_find(TASK_DUMP, area->learned.server_major, &tools, &error) < 0)
        finding_add(area, "pg_dump", NOT_READY, "%s", error.text);
    else
        finding_add(area, "pg_dump", READY, "%s, for a server of version %d", tools->version,
                    area->learned.server_major);
}

static void look_inside(struct area *area, const struct address *address,
                        struct connection *connection)
{
    struct error error;
    char size[SIZE_TEXT_SIZE];
    cleanup(result_clear) PGresult *result = NULL;
    cleanup(free_pointer) char *where = address_describe(address);
    time_t now = time(NULL);
    connection_set_deadline(connection, deadline_after(area->timeout_ms));
    if (connection_execute(connection, &error, OWN_NAMES_SQL) < 0 ||
        connection_query(connection,
                         "select pg_database_size(current_database()), "
                         "extract(epoch from clock_timestamp())::bigint, "
                         "current_setting('server_version')",
                         NULL, &result, NULL, &error) < 0) {
        finding_add(area, "database", NOT_READY, "%s", error.text);
        return;
    }
    area->learned.database_bytes = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    area->learned.server_major = connection_server_version(connection) / 10000;
    size_format(area->learned.database_bytes, size);
    finding_add(area, "database", READY, "%s, PostgreSQL %s, %s", where, PQgetvalue(result, 0, 2),
                size);
    look_at_sessions(area, address);
    look_at_rights(area, connection);
    look_at_pg_dump(area);
    learn_extensions_of_source(area, connection);
    judge_clock(area, "the database", strtoll(PQgetvalue(result, 0, 1), NULL, 10) - now);
}

void look_at_source(struct area *area)
{
    struct error error;
    cleanup(address_free) struct address address = {0};
    cleanup(strings_free) struct strings notices = {0};
    cleanup(connection_closep) struct connection *connection = NULL;
    enum host_kind host = HOST_SELF_HOSTED;
    if (!area->scenario->source.database)
        return;
    if (source_address(area->scenario, &address, &host, &notices, &error) < 0 ||
        connection_open(&address, area->timeout_ms, &connection, &error) < 0) {
        host_explain(host, &address, &error);
        finding_add(area, "database", NOT_READY, "%s", error.text);
    }
    for (size_t i = 0; i < notices.count; i++)
        finding_add(area, "database", READY, "%s", notices.items[i]);
    if (connection)
        look_inside(area, &address, connection);
}

/* --- the server to restore into --------------------------------------------------------------- */

static int look_at_creating(struct connection *connection, bool is_trusted, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    cleanup(free_pointer) char *danger = NULL;
    if (connection_execute(connection, error, OWN_NAMES_SQL) < 0 ||
        connection_query(
            connection, "select rolcreatedb or rolsuper from pg_roles where rolname = current_user",
            NULL, &result, NULL, error) < 0 ||
        rights_find(connection, &danger, error) < 0)
        return -1;
    const char *user = PQuser(connection_raw(connection));
    if (PQntuples(result) != 1 || *PQgetvalue(result, 0, 0) != 't')
        return cannot_verify(error, "%s may not create databases: ALTER ROLE ... CREATEDB", user);
    if (danger && !is_trusted)
        return cannot_verify(
            error,
            "%s %s, and the SQL of a backup runs with its rights: name a user that "
            "may only create databases, or say `trust: true` under `restore`",
            user, danger);
    return 0;
}

void look_at_restore_server(struct area *area)
{
    struct error error;
    cleanup(address_free) struct address address = {0};
    cleanup(connection_closep) struct connection *connection = NULL;
    const char *url = area->scenario->restore.server;
    if (!url)
        return;
    if (address_parse(url, &address, &error) < 0 ||
        connection_open(&address, area->timeout_ms, &connection, &error) < 0 ||
        look_at_creating(connection, area->scenario->restore.trust, &error) < 0) {
        finding_add(area, "restore server", NOT_READY, "%s", error.text);
        return;
    }
    cleanup(free_pointer) char *where = address_describe(&address);
    finding_add(area, "restore server", READY, "%s, PostgreSQL %s, may create databases", where,
                PQparameterStatus(connection_raw(connection), "server_version"));
}
