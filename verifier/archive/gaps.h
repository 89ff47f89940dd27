/* What an archive announces and does not hold, and what in it nobody here knows. Pure.
 *
 * pg_dump writes data of every table that it defines, be it of no rows, and the value of every
 * sequence. Where they are not there, somebody left them out: with --exclude-table-data, or with an
 * editor. Some tables never have any: partitioned ones, whose definition says so, and unlogged
 * ones in dumps that leave these out, which only the restored database can tell.
 */
#ifndef ARCHIVE_GAPS_H
#define ARCHIVE_GAPS_H

#include "archive/archive.h"

/* Strings are borrowed from the archive. */
struct named {
    const char *schema; /* "public" where a plain dump names none */
    const char *name;
};

struct gaps {
    struct named *tables; /* defined, and without data; sorted by schema, then name */
    size_t table_count;
    struct named *sequences; /* defined, and without a value; in the order of the archive */
    size_t sequence_count;
    int64_t large_objects;  /* of plain SQL: created, and without content */
    struct strings unknown; /* entries of a kind that no pg_dump is known to write: "KIND name" */
};

/* Of plain SQL only the tables can be told, and these only where it has COPY statements and no
 * INSERT: with --inserts an empty table has no data there. */
void gaps_find(const struct archive *archive, struct gaps *ret_gaps);
void gaps_free(struct gaps *gaps); /* takes a zeroed one */

bool gaps_have_table(const struct gaps *gaps, const char *schema, const char *name);

/* Does it hold a row of any table? */
bool archive_has_rows(const struct archive *archive);

/* Does it create a table, view or the like of that name ("users", "public.reports")? */
bool archive_has_relation(const struct archive *archive, const char *name);
/* Of a kind that rows can be selected from, such as TABLE and VIEW? */
bool entry_is_relation(const struct archive_entry *entry);

#endif
