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

/* Gives a line for each thing that is applied; %s is the table. */
static const char *const queries[] = {
    [TOOL_ALEMBIC] = "select version_num::pg_catalog.text from %s order by 1",
};

int version_table_read(struct connection *connection, enum migration_tool tool, const char *quoted,
                       struct strings *ret_versions, struct error *error)
{
    const char *query = queries[tool];
    size_t before = strcspn(query, "%");
    cleanup(free_pointer) char *sql =
        xasprintf("%.*s%s%s", (int)before, query, quoted, query + before + strlen("%s"));
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(connection, sql, NULL, &result, NULL, error) < 0)
        return -1;
    for (int i = 0; i < PQntuples(result); i++)
        strings_add(ret_versions, PQgetvalue(result, i, 0));
    return 0;
}

int version_tables_read(struct connection *connection, const struct version_table *tables,
                        size_t count, struct version_states *states, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        cleanup(free_pointer) char *name = table_quote(tables[i].name);
        const char *const parameters[] = {name, NULL};
        cleanup(result_clear) PGresult *found = NULL;
        struct strings versions = {0};
        if (connection_query(connection, "select pg_catalog.to_regclass($1) is not null",
                             parameters, &found, NULL, error) < 0)
            return -1;
        if (strcmp(PQgetvalue(found, 0, 0), "t") != 0)
            continue;
        if (version_table_read(connection, tables[i].tool, name, &versions, error) < 0) {
            strings_free(&versions);
            return error_prefix(error, "%s cannot be read: ", tables[i].name);
        }
        version_states_add(states, tables[i].name)->versions = versions;
    }
    return 0;
}
