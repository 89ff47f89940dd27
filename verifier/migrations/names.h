/* The migrations of tools that are known by the names of their files, which are not opened.
 *
 *     django          APP/migrations/0002_add_users.py             "APP.0002_add_users"
 *     rails           20240501120000_add_users.rb                  "20240501120000"
 *     flyway          V2_1__Add_users.sql, R__Views.sql            "2.1", "R__Views.sql"
 *     prisma          20240501120000_add_users/migration.sql       "20240501120000_add_users"
 *     goose           00002_add_users.sql, .go                     "2"
 *     golang-migrate  000002_add_users.up.sql                      "2"
 *     knex            20240501120000_add_users.js, .ts, .cjs, .mjs "20240501120000_add_users"
 *
 * The names are those that postgres/version_table.h gives for what is applied.
 *
 * Sources: the documentation of each tool on the naming of its migrations, and Flyway's
 * MigrationVersion, to which 2_1, 2.1 and 02.01.0 are one version.
 */
#ifndef MIGRATIONS_NAMES_H
#define MIGRATIONS_NAMES_H

#include "base/error.h"
#include "base/memory.h"
#include "base/migration_tool.h"

/* The migrations in the directory and below it, in the order in which they are applied.
 * cannot_verify: it cannot be listed, or holds no file that is named like a migration. */
int migration_names_read(enum migration_tool tool, const char *directory, struct strings *ret_names,
                         struct error *error);

/* Those of `names` that are not applied. */
void migration_names_pending(enum migration_tool tool, const struct strings *names,
                             const struct strings *applied, struct strings *ret_pending);

/* What is applied and has no file: of Django only for the apps that have files there, of the others
 * only the newest, because old files are often removed. */
void migration_names_unknown(enum migration_tool tool, const struct strings *names,
                             const struct strings *applied, struct strings *ret_unknown);

/* For tests: the name of one file, given by its path below the directory; NULL when it is not named
 * like a migration. Freed by the caller. */
char *migration_name(enum migration_tool tool, const char *path);

#endif
