#include "base/migration_tool.h"

static const struct {
    const char *name, *table;
} tools[TOOL_COUNT] = {
    [TOOL_ALEMBIC] = {"alembic", "alembic_version"},
    [TOOL_DJANGO] = {"django", "django_migrations"},
    [TOOL_RAILS] = {"rails", "schema_migrations"},
    [TOOL_FLYWAY] = {"flyway", "flyway_schema_history"},
    [TOOL_PRISMA] = {"prisma", "_prisma_migrations"},
    [TOOL_GOOSE] = {"goose", "goose_db_version"},
    [TOOL_GOLANG_MIGRATE] = {"golang-migrate", "schema_migrations"},
    [TOOL_KNEX] = {"knex", "knex_migrations"},
};

const char *migration_tool_name(enum migration_tool tool)
{
    return tools[tool].name;
}

const char *migration_tool_table(enum migration_tool tool)
{
    return tools[tool].table;
}
