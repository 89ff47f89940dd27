#include "postgres/version_table.h"

#include <stdlib.h>
#include <string.h>

void version_states_free(struct version_states *states)
{
    for (size_t i = 0; i < states->count; i++) {
        free(states->items[i].table);
        strings_free(&states->items[i].versions);
    }
    free(states->items);
    *states = (struct version_states){0};
}

struct version_state *version_states_add(struct version_states *states, const char *table)
{
    states->items = xreallocarray(states->items, states->count + 1, sizeof(*states->items));
    struct version_state *state = &states->items[states->count++];
    *state = (struct version_state){.table = xstrdup(table)};
    return state;
}

const struct version_state *version_states_find(const struct version_states *states,
                                                const char *table)
{
    for (size_t i = 0; i < states->count; i++)
        if (strcmp(states->items[i].table, table) == 0)
            return &states->items[i];
    return NULL;
}

/* Flyway takes 2_1, 2.1 and 02.01.0 for one version. */
#define FLYWAY_VERSION                                                                             \
    "regexp_replace(regexp_replace(replace(version, '_', '.'), '(^|\\.)0+([0-9])', '\\1\\2', "     \
    "'g'), '(\\.0)+$', '')"

/* Each gives the names of what is applied, and what is wrong with it: "" for nothing. @ is the
 * table.
 */
static const char *const queries[TOOL_COUNT] = {
    [TOOL_ALEMBIC] = "select version_num::text, '' from @ order by 1",
    [TOOL_DJANGO] = "select app || '.' || name, '' from @ order by 1",
    [TOOL_RAILS] =
        "select coalesce(nullif(ltrim(version::text, '0'), ''), '0'), '' from @ order by 1",
    /* What counts of a version is its last row. */
    [TOOL_FLYWAY] =
        "select case when version is null then script else " FLYWAY_VERSION
        " || case when type like '%BASELINE' then ' (baseline)' else '' end end, "
        "case when success then '' else 'failed' end from (select distinct on "
        "(coalesce(version, script)) version::text, script::text, type::text, success from @ "
        "where type <> 'SCHEMA' order by coalesce(version, script), installed_rank desc) last "
        "where (type not like 'UNDO%' and type <> 'DELETE') or not success order by 1",
    [TOOL_PRISMA] = "select distinct migration_name::text, case when finished_at is null then "
                    "'failed' else '' end from @ where rolled_back_at is null order by 1",
    [TOOL_GOOSE] = "select version_id::text, '' from (select distinct on (version_id) version_id, "
                   "is_applied from @ order by version_id, id desc) last where is_applied and "
                   "version_id > 0 order by version_id",
    [TOOL_GOLANG_MIGRATE] =
        "select version::text, case when dirty then 'dirty' else '' end from @ order by version",
    [TOOL_KNEX] = "select regexp_replace(name, '\\.(js|ts|cjs|mjs)$', ''), '' from @ order by 1",
};

static char *query_of(const char *query, const char *table)
{
    size_t before = strcspn(query, "@");
    return xasprintf("%.*s%s%s", (int)before, query, table, query + before + 1);
}

/* Knex has a lock in a second table, which stays when it is killed. */
static int read_lock(struct connection *connection, const char *quoted,
                     struct strings *ret_versions, struct strings *ret_unfinished,
                     struct error *error)
{
    cleanup(free_pointer) char *literal = literal_quote(quoted);
    cleanup(free_pointer) char *find = xasprintf(
        "select to_regclass(format('%%I.%%I', nspname, relname || '_lock')) from pg_class c join "
        "pg_namespace n on n.oid = relnamespace where c.oid = to_regclass(%s)",
        literal);
    cleanup(result_clear) PGresult *table = NULL;
    cleanup(result_clear) PGresult *locked = NULL;
    if (connection_query(connection, find, NULL, &table, NULL, error) < 0)
        return -1;
    if (PQntuples(table) != 1 || PQgetisnull(table, 0, 0))
        return 0;
    cleanup(free_pointer) char *sql =
        query_of("select 1 from @ where is_locked = 1", PQgetvalue(table, 0, 0));
    if (connection_query(connection, sql, NULL, &locked, NULL, error) < 0)
        return -1;
    if (PQntuples(locked) > 0) {
        strings_add(ret_versions, "(locked)");
        strings_add(ret_unfinished, "(locked)");
    }
    return 0;
}

int version_table_read(struct connection *connection, enum migration_tool tool, const char *quoted,
                       struct strings *ret_versions, struct strings *ret_unfinished,
                       struct error *error)
{
    cleanup(free_pointer) char *sql = query_of(queries[tool], quoted);
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, sql, NULL, &result, NULL, error) < 0)
        return -1;
    for (int i = 0; i < PQntuples(result); i++) {
        const char *name = PQgetvalue(result, i, 0);
        const char *wrong = PQgetvalue(result, i, 1);
        if (!*wrong) {
            strings_add(ret_versions, name);
            continue;
        }
        strings_addf(ret_versions, "%s (%s)", name, wrong);
        strings_addf(ret_unfinished, "%s (%s)", name, wrong);
    }
    return tool == TOOL_KNEX ? read_lock(connection, quoted, ret_versions, ret_unfinished, error)
                             : 0;
}

int version_table_find(struct connection *connection, const char *table, char **ret_quoted,
                       struct error *error)
{
    const char *dot = strchr(table, '.');
    cleanup(free_pointer) char *schema = dot ? xstrndup(table, (size_t)(dot - table)) : xstrdup("");
    const char *const parameters[] = {schema, dot ? dot + 1 : table, NULL};
    cleanup(result_clear) PGresult *found = NULL;
    if (connection_query(connection,
                         "select format('%I.%I', nspname, relname) from pg_class c join "
                         "pg_namespace n on n.oid = relnamespace where ($1::name = '' or nspname = "
                         "$1::name) and "
                         "relname = $2::name and relkind in ('r', 'p', 'f', 'v', 'm') "
                         "order by nspname <> 'public', nspname limit 1",
                         parameters, &found, NULL, error) < 0)
        return -1;
    *ret_quoted = PQntuples(found) == 1 ? xstrdup(PQgetvalue(found, 0, 0)) : NULL;
    return 0;
}

int version_tables_read(struct connection *connection, const struct version_table *tables,
                        size_t count, struct version_states *states, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        cleanup(free_pointer) char *quoted = NULL;
        cleanup(strings_free) struct strings unfinished = {0};
        struct strings versions = {0};
        if (version_table_find(connection, tables[i].name, &quoted, error) < 0)
            return -1;
        if (!quoted)
            continue;
        if (version_table_read(connection, tables[i].tool, quoted, &versions, &unfinished, error) <
            0) {
            strings_free(&versions);
            return error_prefix(error, "%s cannot be read: ", tables[i].name);
        }
        version_states_add(states, tables[i].name)->versions = versions;
    }
    return 0;
}
