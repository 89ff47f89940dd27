/* The migrations that an expectation is about: those of Alembic, and those of other tools. */
#ifndef STAGES_MIGRATION_FILES_H
#define STAGES_MIGRATION_FILES_H

#include "migrations/migrations.h"
#include "scenario/scenario.h"

/* Reads them from where the scenario says. cannot_verify: see migrations/places.h and migrations.h;
 * the error names the key. `ret_places` is to be freed in any case. */
int alembic_migrations_read(const struct alembic_expectation *alembic, struct places *ret_places,
                            struct migrations *ret_migrations, struct error *error);

/* The names of another tool's migrations, in order; the same. */
int tool_migrations_read(const struct migrations_expectation *expected, struct strings *ret_names,
                         struct error *error);

#endif
