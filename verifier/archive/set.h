/* A backup that is a set of files: what they hold together. */
#ifndef ARCHIVE_SET_H
#define ARCHIVE_SET_H

#include "archive/archive.h"

/* Makes `archive`, all zero, of `parts`, of which each was read and has its name and part; they and
 * their array are taken over, also after a failure. In the order in which they are restored.
 *
 * Tables, extensions and roles of all parts are put together: a table that one part creates and
 * another fills is one table, and a role that one part creates is needed by none. Dump ids are made
 * anew where two parts have the same ones, so that a list for pg_restore has to be made of a part's
 * own entries. Versions, encoding and format are those of the main part where it tells them. Sizes
 * are sums; `sha256` is that of the lines that `sha256sum` prints for the files, named without
 * their directory.
 *
 * `complete` when all are. bad_backup: a part was cut, as the others show: of the files that
 * `supabase db dump` writes, one lacks the last statement. */
int archive_of_set(struct archive *archive, struct archive *parts, size_t count,
                   struct error *error);

/* What is on record about a backup beside it is about this file: the main one of a set. */
const struct archive *archive_main(const struct archive *archive);

#endif
