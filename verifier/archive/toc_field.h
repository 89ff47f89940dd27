/* The fields that a table of contents is made of: integers, strings, and numbers written as text.
 *
 * `what` tells errors in the middle of what the field is. All are bad_backup when it is cut or
 * damaged, cannot_verify when there is no more room for the strings. Source: see toc.h.
 */
#ifndef ARCHIVE_TOC_FIELD_H
#define ARCHIVE_TOC_FIELD_H

#include "archive/toc.h"

/* What is kept of a TOC, in memory. About 100,000 entries of common size. */
#define TOC_LIMIT_BYTES (40UL << 20)
int toc_too_large(struct error *error);

int toc_integer(const struct toc *toc, struct reader *reader, int64_t *ret_integer,
                const char *what, struct error *error);

/* A string that lives as long as the archive; *ret_text becomes NULL for "no string". `before`, if
 * not NULL, is used again when it is the same, which the strings of neighbours often are. */
int toc_string(const struct toc *toc, struct reader *reader, char *before, char **ret_text,
               const char *what, struct error *error);
/* The same, "" standing for none. */
int toc_text(const struct toc *toc, struct reader *reader, char *before, char **ret_text,
             const char *what, struct error *error);
int toc_string_skip(const struct toc *toc, struct reader *reader, const char *what,
                    struct error *error);

/* A number that is written as text, at most `most`. `ret_present` becomes false for "no string",
 * which is damage when it is NULL. */
int toc_number(const struct toc *toc, struct reader *reader, uint32_t most, bool *ret_present,
               uint32_t *ret_number, const char *what, struct error *error);

#endif
