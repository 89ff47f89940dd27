/* The kinds of checks, one file each; plan.c arranges them. Every function here is a `look`: see
 * struct check. */
#ifndef CHECKS_KINDS_H
#define CHECKS_KINDS_H

#include "base/buffer.h"
#include "checks/checks.h"

/* One expectation about one table. */
struct table_expectation {
    const char *table; /* as the scenario names it */
    const struct expectation *expectation;
};

typedef void check_kind(const struct subject *subject, const void *parameter,
                        struct outcome *outcome);
check_kind backup_is_recent;
check_kind backup_is_intact;
check_kind backup_restores;
check_kind every_table_has_its_rows;
check_kind contents_are_identical;
check_kind alembic_revision;
check_kind table_row_count;
check_kind table_same_as_dump;
check_kind table_change;
check_kind table_freshness;
check_kind query_result;

/* What the manifest says against the backup, as details and as one sentence in `words`; true when
 * it says nothing. */
bool manifest_agrees(const struct subject *subject, struct outcome *outcome, struct buffer *words);

#endif
