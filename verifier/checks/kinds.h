/* The kinds of checks, one file each; plan.c arranges them. Every function here is a `look`: see
 * struct check. Its parameter is the `struct table_expectation` or the `struct query`, or NULL. */
#ifndef CHECKS_KINDS_H
#define CHECKS_KINDS_H

#include "checks/checks.h"

/* One expectation about one table. */
struct table_expectation {
    const char *table; /* as the scenario names it */
    const struct expectation *expectation;
};

void backup_is_recent(const struct subject *subject, const void *parameter,
                      struct outcome *outcome);
void backup_is_intact(const struct subject *subject, const void *parameter,
                      struct outcome *outcome);
void backup_restores(const struct subject *subject, const void *parameter, struct outcome *outcome);
void every_table_has_its_rows(const struct subject *subject, const void *parameter,
                              struct outcome *outcome);
void contents_are_identical(const struct subject *subject, const void *parameter,
                            struct outcome *outcome);
void alembic_revision(const struct subject *subject, const void *parameter,
                      struct outcome *outcome);
void table_row_count(const struct subject *subject, const void *parameter, struct outcome *outcome);
void table_freshness(const struct subject *subject, const void *parameter, struct outcome *outcome);
void query_result(const struct subject *subject, const void *parameter, struct outcome *outcome);

#endif
