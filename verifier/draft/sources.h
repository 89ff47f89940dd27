/* Where a draft comes from: a database that answers, or a backup that was read. */
#ifndef DRAFT_SOURCES_H
#define DRAFT_SOURCES_H

#include "archive/archive.h"
#include "draft/draft.h"
#include "postgres/address.h"

/* Asks the database, in one transaction that only reads. Large tables are not counted but taken as
 * the server's statistics have them. What could not be asked is told in `notices`. FAULT_MACHINE.
 */
int draft_of_database(const struct address *address, enum host_kind host, int64_t deadline_ms,
                      struct draft *ret_draft, struct strings *notices, struct error *error);

/* From what was read of a backup. */
void draft_of_archive(const struct archive *archive, struct draft *ret_draft);

/* The pattern for backups.name that describes `name`, whichever date stands in it; to be freed by
 * the caller. Without one it is the name itself, and `ret_is_undated` true. */
char *draft_pattern(const char *name, bool *ret_is_undated);

#endif
