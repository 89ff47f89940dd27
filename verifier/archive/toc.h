/* The header and the table of contents (TOC) that custom, tar and directory archives begin with.
 *
 * Source of the format: ReadHead and ReadToc in pg_backup_archiver.c, and the ReadExtraToc
 * functions of pg_backup_custom.c and pg_backup_tar.c. An integer is a sign byte and as many bytes,
 * low one first, as the header says; a string is an integer with its length (-1: no string) and its
 * bytes.
 */
#ifndef ARCHIVE_TOC_H
#define ARCHIVE_TOC_H

#include "archive/archive.h"
#include "archive/source.h"

/* The format byte of the header. A directory's toc.dat bears that of tar. */
#define TOC_FORMAT_CUSTOM 1
#define TOC_FORMAT_TAR    3

struct toc {
    struct archive *archive; /* borrowed; what is read goes there */
    uint8_t format;
    int integer_size;
    int offset_size;
    size_t *by_id;           /* indexes of the entries, in the order of their dump ids */
    bool *data_seen;         /* for each entry, whether its data was met */
    bool every_offset_known; /* of the entries with data */
    size_t *table_of;        /* for each entry with table data, the index of its table */
};

/* Reads header and TOC; `reader` stands behind them then. `archive` keeps what was read also on
 * failure. Bad backup: it contradicts itself or is cut. Cannot verify: its version is none that is
 * known, or it is larger than what is kept. */
int toc_read(struct toc *toc, struct archive *archive, struct reader *reader, struct error *error);
void toc_free(struct toc *toc); /* takes an all-zero struct */

/* Reads the TOC a second time, from where `reader` stands to its end, and holds it against the
 * first, and its offsets against where the data was met. It is there after `pg_dump -Fc > FILE`
 * since version 16, which wants to write it over the first one once it knows the offsets, but has
 * opened its standard output for appending by then. pg_restore does not look at it. */
int toc_read_again(const struct toc *toc, struct reader *reader, struct error *error);

/* The entry of that id; NULL: there is none. */
struct archive_entry *toc_find(const struct toc *toc, int64_t dump_id);

/* Marks the data of the entry as met; met twice is a bad backup. */
int toc_mark_data(struct toc *toc, const struct archive_entry *entry, struct error *error);
/* Bad backup when data that the TOC announces was not met; names the first tables. */
int toc_check_all_met(const struct toc *toc, struct error *error);

bool entry_is_table_data(const struct archive_entry *entry);
bool entry_is_large_objects(const struct archive_entry *entry);
/* SQL, in archives from before 9.0. */
bool entry_is_object_comments(const struct archive_entry *entry);

/* "table public.users" or "the large objects", for messages. Caller frees. */
char *entry_label(const struct archive_entry *entry);

#endif
