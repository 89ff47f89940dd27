/* What a rehearsal found, in words for people. Everything in it came from the user's command, or
 * from the backup, and so goes through text_clean. */
#ifndef REPORT_REHEARSAL_TEXT_H
#define REPORT_REHEARSAL_TEXT_H

#include "base/buffer.h"
#include "rehearsal/rehearsal.h"

/* Lines: what ran, a timeline of the tables that were blocked, rows, steps; the longest first.
 * `all`: without leaving out what is short. */
void rehearsal_lines(const struct rehearsal *rehearsal, bool all, struct buffer *target);

/* What flatters, what does not carry over to production, and what is exact: sentences, a line each.
 */
void rehearsal_limits(const struct rehearsal *rehearsal, struct buffer *target);

/* "14.2 s, abc -> def, in 1 transaction" */
void rehearsal_summary(const struct rehearsal *rehearsal, struct buffer *target);

/* The tables that a reader wants to see, the longest blocked first; gives their number, at most
 * `most`. Borrowed. */
size_t rehearsal_told_tables(const struct rehearsal *rehearsal,
                             const struct rehearsed_table **ret_tables, size_t most);

/* The longest interval of a table; NULL: it was not blocked. Borrowed. */
const struct rehearsed_interval *rehearsal_worst(const struct rehearsal *rehearsal,
                                                 const char *table);

#endif
