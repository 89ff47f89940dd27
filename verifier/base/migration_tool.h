/* The tools that migrate schemas, and the table in which each keeps what it has applied. */
#ifndef BASE_MIGRATION_TOOL_H
#define BASE_MIGRATION_TOOL_H

enum migration_tool { TOOL_ALEMBIC };

/* Borrowed from a scenario. */
struct version_table {
    enum migration_tool tool;
    const char *name; /* "alembic_version" or "app.alembic_version", as the scenario writes it */
};

#endif
