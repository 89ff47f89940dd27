/* What decides whether a table's newest value can be: pure. `known_from` tells where the time of
 * the backup is known from (shelf/age.h), `type` is the column's as format_type() writes it. */
#ifndef CHECKS_FRESHNESS_H
#define CHECKS_FRESHNESS_H

#include <stdbool.h>
#include <stdint.h>

/* By how much the newest value may be later than the backup. */
int64_t freshness_tolerance_s(const char *known_from, const char *type);

/* Is it a time of which nobody knows in which zone? */
bool freshness_lacks_zone(const char *type);

/* What to say of time zones about a value that is so far ahead of the backup; "" where they are not
 * the reason. Begins with "; ". Static. */
const char *freshness_zone_advice(const char *known_from, const char *type, int64_t ahead_s);

#endif
