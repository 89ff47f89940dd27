/* What a migration tool wrote down in the restored database, and what it is to be held against. */
#ifndef CHECKS_VERSIONS_H
#define CHECKS_VERSIONS_H

#include "checks/checks.h"
#include "postgres/version_table.h"

enum { VERSIONS_LIMIT_BYTES = 65536, LISTED_MIGRATIONS = 100 };

struct versions {
    const struct subject *subject;
    struct version_table table;
    struct outcome *outcome;
    struct strings found; /* see postgres/version_table.h */
    struct strings unfinished;
};

/* Reads the table. -1: the outcome says why not; `key` is the scenario's key for another table. */
int versions_read(struct versions *versions, const char *key);
void versions_free(struct versions *versions);

/* What is expected, for VERSION_SAME_AS_DUMP and VERSION_SAME_AS_LAST_VERIFIED: what the manifest
 * or the record knows. Borrowed; NULL when neither does: the outcome says so. `found` is what it
 * shows. */
const struct strings *versions_expected(const struct versions *versions, enum version_wanted wanted,
                                        const char *found);

/* Makes a warning of a failure, where another version was only to be told of. */
void versions_soften(struct outcome *outcome);

/* "a, b, c", to be freed by the caller. */
char *versions_join(const struct strings *list);

/* Those of `list` that are not in `other`. */
void versions_lacking(const struct strings *list, const struct strings *other,
                      struct strings *ret_lacking);

#endif
