#include "draft/draft.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "postgres/table_counts.h"

/* Grows at every power of two. */
static void *grown(void *items, size_t count, size_t size)
{
    return (count & (count - 1)) == 0 ? xreallocarray(items, count ? count * 2 : 1, size) : items;
}

struct draft_table *draft_add_table(struct draft *draft, const char *schema, const char *name)
{
    draft->tables = grown(draft->tables, draft->table_count, sizeof(*draft->tables));
    struct draft_table *table = &draft->tables[draft->table_count++];
    *table =
        (struct draft_table){.schema = xstrdup(schema), .name = xstrdup(name), .rows = NOT_COUNTED};
    return table;
}

struct draft_column *draft_add_column(struct draft_table *table, const char *name, const char *type)
{
    table->columns = grown(table->columns, table->column_count, sizeof(*table->columns));
    struct draft_column *column = &table->columns[table->column_count++];
    *column =
        (struct draft_column){.name = xstrdup(name), .type = xstrdup(type), .age_s = AGE_NOT_KNOWN};
    return column;
}

void draft_add_key(struct draft *draft, const char *definition, bool is_plain)
{
    draft->keys = grown(draft->keys, draft->key_count, sizeof(*draft->keys));
    draft->keys[draft->key_count++] =
        (struct draft_key){.definition = xstrdup(definition), .is_plain = is_plain};
}

const struct draft_column *draft_column(const struct draft_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

const struct draft_table *draft_table(const struct draft *draft, const char *schema,
                                      const char *name)
{
    for (size_t i = 0; i < draft->table_count; i++)
        if (strcmp(draft->tables[i].name, name) == 0 &&
            (!schema || strcmp(draft->tables[i].schema, schema) == 0))
            return &draft->tables[i];
    return NULL;
}

bool draft_tells_freshness(const struct draft_column *column)
{
    static const char *const names[] = {
        "created_at",  "createdat",  "created",    "creation_date", "date_created", "created_on",
        "inserted_at", "updated_at", "updatedat",  "updated",       "modified",     "modified_at",
        "last_update", "timestamp",  "date_added", "occurred_at",   "received_at",  "event_time",
        "recorded_at", "ts",         "time",       "action_time",   "date_joined",  "logged_at"};
    if (!starts_with(column->type, "timestamp"))
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcasecmp(column->name, names[i]) == 0)
            return true;
    return false;
}

/* --- migration tools -------------------------------------------------------------------------- */

/* A column that the tool's own table has: another table may have its name. Two tools share a name.
 */
static const char *const tool_columns[TOOL_COUNT] = {
    [TOOL_ALEMBIC] = "version_num",   [TOOL_DJANGO] = "app",
    [TOOL_RAILS] = "version",         [TOOL_FLYWAY] = "installed_rank",
    [TOOL_PRISMA] = "migration_name", [TOOL_GOOSE] = "version_id",
    [TOOL_GOLANG_MIGRATE] = "dirty",  [TOOL_KNEX] = "migration_time",
};

static bool is_tools_table(const struct draft_table *table, enum migration_tool tool)
{
    if (strcmp(table->name, migration_tool_table(tool)) != 0 || table->is_unreadable ||
        table->is_left_out || table->rows == 0 || strchr(table->schema, '.'))
        return false;
    if (tool == TOOL_RAILS && draft_column(table, tool_columns[TOOL_GOLANG_MIGRATE]))
        return false;
    return draft_column(table, tool_columns[tool]) != NULL;
}

void draft_find_migrations(struct draft *draft)
{
    for (enum migration_tool tool = 0; tool < TOOL_COUNT; tool++)
        for (size_t i = 0; i < draft->table_count; i++) {
            const struct draft_table *table = &draft->tables[i];
            if (!is_tools_table(table, tool) || draft->migration_count == TOOL_COUNT)
                continue;
            bool is_public = *table->schema == '\0' || strcmp(table->schema, "public") == 0;
            draft->migrations[draft->migration_count++] = (struct draft_migrations){
                .tool = tool,
                .table = is_public ? xstrdup(table->name)
                                   : xasprintf("%s.%s", table->schema, table->name)};
            break;
        }
}

/* --- Supabase --------------------------------------------------------------------------------- */

/* What belongs to Supabase and not to the application, and needs extensions that only Supabase has.
 */
static const char *const platform[] = {
    "SCHEMA auth",
    "SCHEMA graphql",
    "SCHEMA graphql_public",
    "SCHEMA pgbouncer",
    "SCHEMA realtime",
    "SCHEMA storage",
    "SCHEMA vault",
    "EXTENSION pg_graphql",
    "EXTENSION supabase_vault",
    "EVENT TRIGGER issue_graphql_placeholder",
    "EVENT TRIGGER issue_pg_cron_access",
    "EVENT TRIGGER issue_pg_graphql_access",
    "EVENT TRIGGER issue_pg_net_access",
    "EVENT TRIGGER pgrst_ddl_watch",
    "EVENT TRIGGER pgrst_drop_watch",
    "PUBLICATION supabase_realtime",
};

void draft_leave_out_platform(struct draft *draft, const struct strings *present)
{
    draft->is_supabase =
        draft->host == HOST_SUPABASE ||
        (strings_contain(present, "SCHEMA auth") && strings_contain(present, "SCHEMA storage") &&
         strings_contain(present, "SCHEMA realtime"));
    for (size_t i = 0; draft->is_supabase && i < ARRAY_LENGTH(platform); i++) {
        if (!strings_contain(present, platform[i]))
            continue;
        strings_add(&draft->exclusions, platform[i]);
        for (size_t j = 0; starts_with(platform[i], "SCHEMA ") && j < draft->table_count; j++)
            if (strcmp(draft->tables[j].schema, platform[i] + strlen("SCHEMA ")) == 0)
                draft->tables[j].is_left_out = true;
    }
}

void draft_free(struct draft *draft)
{
    for (size_t i = 0; i < draft->table_count; i++) {
        struct draft_table *table = &draft->tables[i];
        for (size_t j = 0; j < table->column_count; j++) {
            free(table->columns[j].name);
            free(table->columns[j].type);
        }
        free(table->columns);
        free(table->schema);
        free(table->name);
    }
    for (size_t i = 0; i < draft->key_count; i++)
        free(draft->keys[i].definition);
    for (size_t i = 0; i < draft->migration_count; i++)
        free(draft->migrations[i].table);
    free(draft->tables);
    free(draft->keys);
    strings_free(&draft->exclusions);
    strings_free(&draft->extensions);
    strings_free(&draft->databases);
    free(draft->origin);
    free(draft->database);
    free(draft->server_version);
    free(draft->location);
    free(draft->pattern);
    strings_free(&draft->rivals);
    *draft = (struct draft){0};
}
