/* What a scenario's migrations make of an empty database: the command of `migration` is run on one,
 * on the throwaway server, and what it defines then is read as pg_dump sees it. */
#ifndef REHEARSAL_FROM_MIGRATIONS_H
#define REHEARSAL_FROM_MIGRATIONS_H

#include "archive/archive.h"
#include "scenario/scenario.h"
#include "stages/stages.h"

/* `archive` must be all zero and needs archive_free() in every case. Only cannot_verify: also when
 * the command fails, since nothing is known of the backup then. */
int schema_from_migrations(const struct scenario *scenario, const struct lent_server *server,
                           const char *server_version, struct archive *archive,
                           struct error *error);

#endif
