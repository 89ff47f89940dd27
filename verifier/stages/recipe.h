/* What somebody needs to restore a backup for real, and the commands for it.
 *
 * For a server that the environment names (PGHOST, PGUSER and so on), as a user who may create
 * roles and databases. Names and settings come from the backup: in the commands they are quoted for
 * SQL and for the shell, and hold no control characters.
 */
#ifndef STAGES_RECIPE_H
#define STAGES_RECIPE_H

#include "archive/archive.h"
#include "base/memory.h"
#include "shelf/manifest.h"

/* Appends "PostgreSQL 15 or newer", "the extension pg_trgm" and the like. `manifest` is that of the
 * backup, or NULL: it knows of roles and settings that no dump holds. */
void restore_needs(const struct archive *archive, const struct manifest *manifest,
                   struct strings *needs);

/* Appends shell lines, in their order; what is left to a person is a comment in them. `path` is
 * where the backup lies; of a set, the directory of its files. Values that look like secrets are
 * not told. */
void restore_commands(const struct archive *archive, const struct manifest *manifest,
                      const char *path, struct strings *commands);

#endif
