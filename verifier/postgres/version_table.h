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

/* Reads a table by its name for SQL: a name for each migration that is applied, as they are
 * described in migrations/names.h; of Alembic the revisions. One that began and did not end, or
 * failed, is marked in both lists: "2.1 (failed)", "7 (dirty)", and a lock that was held as
 * "(locked)". FAULT_MACHINE with the server's words.
 *
 * Sources: alembic.ddl.impl.version_table_impl, django.db.migrations.recorder,
 * ActiveRecord::SchemaMigration, Flyway's "Flyway schema history table", Prisma's
 * "_prisma_migrations" in its docs on patching and hotfixing, goose's dialect for Postgres,
 * golang-migrate's database/postgres, knex/lib/migrations/migrate/table-creator.js.
 */
int version_table_read(struct connection *connection, enum migration_tool tool, const char *quoted,
                       struct strings *ret_versions, struct strings *ret_unfinished,
                       struct error *error);

/* Finds a table by the name that a scenario gives it and gives its name for SQL, freed by the
 * caller, or NULL when there is none. Without a schema it is the one in public, else that of the
 * first schema. */
int version_table_find(struct connection *connection, const char *table, char **ret_quoted,
                       struct error *error);

/* Reads each of the tables that is there and adds what it says to `states`. */
int version_tables_read(struct connection *connection, const struct version_table *tables,
                        size_t count, struct version_states *states, struct error *error);

#endif
