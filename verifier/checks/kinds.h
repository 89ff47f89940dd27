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

void backup_is_recent(const struct subject *, const void *, struct outcome *);
void backup_is_intact(const struct subject *, const void *, struct outcome *);
/* What the manifest says against the backup, as details and as one sentence in `words`; true when
 * it says nothing. */
bool manifest_agrees(const struct subject *, struct outcome *, struct buffer *words);
void backup_restores(const struct subject *, const void *, struct outcome *);
void every_table_has_its_rows(const struct subject *, const void *, struct outcome *);
void contents_are_identical(const struct subject *, const void *, struct outcome *);
void alembic_revision(const struct subject *, const void *, struct outcome *);
void table_row_count(const struct subject *, const void *table_expectation, struct outcome *);
void table_same_as_dump(const struct subject *, const void *table_expectation, struct outcome *);
void table_change(const struct subject *, const void *table_expectation, struct outcome *);
void table_freshness(const struct subject *, const void *table_expectation, struct outcome *);
void query_result(const struct subject *, const void *query, struct outcome *);

#endif
