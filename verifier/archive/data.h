/* From the bytes of a table's data to its totals. */
#ifndef ARCHIVE_DATA_H
#define ARCHIVE_DATA_H

#include "archive/archive.h"
#include "archive/source.h"
#include "archive/toc.h"

/* What all readers of one backup share. */
struct reading {
    struct archive *archive;
    struct allowance allowance;
    bool fingerprint;
    int threads;
    _Atomic int64_t *progress; /* may be NULL */
    const struct archive_options *options;
};

/* Tells whoever asked for it that the table of contents is known. -1: nothing else was asked for.
 */
int contents_announce(const struct reading *reading, struct error *error);

/* Makes the tables of `archive` from the entries that have table data, with no rows yet. */
int tables_prepare(struct toc *toc, struct error *error);

/* The data of one table, read to the end of `source` (borrowed). */
struct table_data {
    struct row_totals totals;
    bool has_fingerprint;
};
int table_data_read(const struct archive_entry *entry, bool fingerprint, struct source *source,
                    struct table_data *ret_data, struct error *error);

/* The same before the table of contents is known: what the data amounts to as the rows of a COPY,
 * and as INSERT statements, whichever it can be. */
struct unknown_data {
    bool is_copy, is_inserts;
    struct row_totals copy, inserts;
};
int unknown_data_read(bool fingerprint, struct source *source, struct unknown_data *ret_data,
                      struct error *error);

/* Puts the result into the table of the entry. */
void table_data_keep(const struct toc *toc, const struct archive_entry *entry,
                     const struct table_data *data);

/* Bad backup: the large objects found are not as many as the table of contents names. */
int large_objects_check(const struct toc *toc, struct error *error);

#endif
