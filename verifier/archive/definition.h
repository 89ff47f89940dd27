/* Definitions of objects as pg_dump writes them, told apart by what they say instead of by how it
 * is written. Pure.
 *
 * A definition that is restored and dumped again is not always the same text. PostgreSQL keeps
 * expressions as trees, and prints casts and parentheses where the tree has them now: CHECK (status
 * IN ('a', 'b')) on a varchar comes back from its own dump with the cast in another place. Times
 * with a zone are printed in that of the session. pg_dump itself has options for its quotes, and
 * `supabase db dump` writes IF NOT EXISTS and OR REPLACE. With --quote-all-identifiers pg_dump puts
 * quotes into strings that are names, and writes the options of tables and indexes as strings. So a
 * definition is read token by token:
 * parentheses, casts, quotes, comments, white space and these words do not count, and a time counts
 * as the moment that it is.
 */
#ifndef ARCHIVE_DEFINITION_H
#define ARCHIVE_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of what was read so far; all zero is that of nothing. */
struct definition_digest {
    uint64_t words[2];
};

/* How a definition is to be read. */
struct definition_style {
    bool any_order; /* the order of tokens does not count, as of the roles of a policy, which
                       pg_dump lists as it finds them */
    bool escapes;   /* a backslash in a string escapes: standard_conforming_strings is off */
};

/* Reads on, statement by statement. */
void definition_read(struct definition_digest *digest, const char *sql, size_t length,
                     struct definition_style style);

/* Of the text as it is written. */
struct definition_digest definition_exact(const char *sql);

bool definition_is_same(const struct definition_digest *one, const struct definition_digest *other);

#endif
