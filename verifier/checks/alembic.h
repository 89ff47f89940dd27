/* The migrations that an expectation of Alembic's revision is about. */
#ifndef CHECKS_ALEMBIC_H
#define CHECKS_ALEMBIC_H

#include "migrations/migrations.h"
#include "scenario/scenario.h"

/* Reads them from where the scenario says. cannot_verify: see migrations/places.h and migrations.h;
 * the error names the key. `ret_places` is to be freed in any case. */
int alembic_migrations_read(const struct alembic_expectation *alembic, struct places *ret_places,
                            struct migrations *ret_migrations, struct error *error);

#endif
