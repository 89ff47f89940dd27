/* Tables that the archive defines and holds no data of, as after --exclude-table-data. Nobody knows
 * what their rows were: that is said, and is the backup's fault where its manifest or the last
 * backup that verified had some. `restore.exclude` with TABLE DATA of the table says that it is
 * meant so. */
#ifndef CHECKS_ABSENT_H
#define CHECKS_ABSENT_H

#include "archive/gaps.h"
#include "checks/checks.h"

struct absent {
    size_t count;
    char *first; /* "public.comments" */
    bool failed; /* one had rows: the outcome says so */
};

/* `unlogged`: dumps may leave its rows out unasked. Adds a detail. */
void absent_add(struct absent *absent, const struct subject *subject, const char *schema,
                const char *name, bool unlogged, struct outcome *outcome);
/* A sentence without its stop, to be freed; NULL: there are none. */
char *absent_words(const struct absent *absent);
void absent_free(struct absent *absent); /* takes a zeroed one */

/* The same for what else the archive announces and does not hold, or nobody knows: sequences
 * without a value, entries of unknown kinds. A detail for each. */
char *gaps_words(const struct gaps *gaps, struct outcome *outcome);

#endif
