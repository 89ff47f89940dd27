/* How many objects of each kind a table of contents has, and which, in a few bytes: what a dump
 * writes into its manifest, and a verification into its record. Of all kinds, also those that are
 * not held against what was restored (rules.h). Pure.
 */
#ifndef SCHEMA_TOTALS_H
#define SCHEMA_TOTALS_H

#include <stdint.h>

#include "archive/archive.h"
#include "base/hash.h"

struct schema_total {
    char *kind; /* "INDEX" */
    int64_t count;
    char sha256[SHA256_HEX_SIZE]; /* of the schemas, names and definitions of them all, sorted */
};

struct schema_totals {
    struct schema_total *items; /* sorted by kind; none: nothing is known */
    size_t count;
};

/* Of plain SQL as far as its comments name objects. */
void schema_totals_find(const struct archive *archive, struct schema_totals *ret_totals);
void schema_totals_add(struct schema_totals *totals, const char *kind, int64_t count,
                       const char *sha256);
void schema_totals_free(struct schema_totals *totals); /* takes a zeroed one */

/* NULL when there is none. Borrowed. */
const struct schema_total *schema_totals_get(const struct schema_totals *totals, const char *kind);

#endif
