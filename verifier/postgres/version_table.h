/* What a migration tool wrote down in the database: which of its migrations are applied. */
#ifndef POSTGRES_VERSION_TABLE_H
#define POSTGRES_VERSION_TABLE_H

#include <stddef.h>

#include "base/migration_tool.h"
#include "postgres/connection.h"

/* What one table says, under the name that the scenario gives it. */
struct version_state {
    char *table;
    struct strings versions; /* sorted */
};

struct version_states {
    struct version_state *items;
    size_t count;
};

void version_states_free(struct version_states *states); /* takes a zeroed one */
struct version_state *version_states_add(struct version_states *states, const char *table);
/* NULL when nothing is known of it. Borrowed. */
const struct version_state *version_states_find(const struct version_states *states,
                                                const char *table);

/* Reads a table by its name for SQL. FAULT_MACHINE with the server's words. */
int version_table_read(struct connection *connection, enum migration_tool tool, const char *quoted,
                       struct strings *ret_versions, struct error *error);

/* Reads each of the tables that is there and adds what it says to `states`. */
int version_tables_read(struct connection *connection, const struct version_table *tables,
                        size_t count, struct version_states *states, struct error *error);

#endif
