/* The tools that migrate schemas, and the table in which each keeps what it has applied. */
#ifndef BASE_MIGRATION_TOOL_H
#define BASE_MIGRATION_TOOL_H

#include <stddef.h>

enum migration_tool {
    TOOL_ALEMBIC,
    TOOL_DJANGO,
    TOOL_RAILS,
    TOOL_FLYWAY,
    TOOL_PRISMA,
    TOOL_GOOSE,
    TOOL_GOLANG_MIGRATE,
    TOOL_KNEX,
    TOOL_COUNT,
};

/* What a scenario calls it: "golang-migrate". */
const char *migration_tool_name(enum migration_tool tool);
const char *
migration_tool_table(enum migration_tool tool); /* its own choice: "schema_migrations" */

/* Borrowed from a scenario. */
struct version_table {
    enum migration_tool tool;
    const char *name; /* "alembic_version" or "app.alembic_version", as the scenario writes it */
};

#endif
