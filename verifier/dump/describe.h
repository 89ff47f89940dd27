/* What a dump writes into its manifest about the database, and what it warns of.
 */
#ifndef DUMP_DESCRIBE_H
#define DUMP_DESCRIBE_H

#include "postgres/snapshot.h"
#include "postgres/tools.h"
#include "shelf/manifest.h"

/* Fills a manifest with what the snapshot shows; what concerns the file is added by backup_create.
 * `question` as in snapshot_read. */
int manifest_describe(struct snapshot *snapshot, const struct snapshot_question *question,
                      const char *host, const struct tools *tools, struct manifest *ret_manifest,
                      struct strings *notices, struct error *error);

/* Reads the manifest of the newest backup on the shelf that has one that can be read: 1 when there
 * is none. To be asked before a new backup is made. */
int manifest_latest(struct shelf *shelf, const char *pattern, struct manifest *ret_manifest);

/* Adds a sentence to `notices` for what makes a new backup suspicious: it has no tables, or lacks
 * tables that the one before had, or all rows are gone. `before` may be NULL. */
void manifest_suspect(const struct manifest *now, const struct manifest *before,
                      struct strings *notices);

#endif
