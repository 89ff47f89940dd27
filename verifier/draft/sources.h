/* Where a draft comes from: a database that answers, or a backup that was read. */
#ifndef DRAFT_SOURCES_H
#define DRAFT_SOURCES_H

#include <time.h>

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

/* What tells which of several dates in a name is the one of the backup. */
struct name_hints {
    const struct strings *others; /* names of what lies beside it; NULL: not known */
    time_t made;                  /* by its header, or else its file; 0: not known */
};

/* The pattern for backups.name that describes `name`, whichever date stands in it; to be freed by
 * the caller. Without one it is the name itself, and `ret_is_undated` true. Where several dates
 * stand in it and the hints do not tell which one it is, `rivals` gets the other patterns that
 * describe it. */
char *draft_pattern(const char *name, const struct name_hints *hints, bool *ret_is_undated,
                    struct strings *rivals);
size_t draft_count_dates(const char *name);

#endif
