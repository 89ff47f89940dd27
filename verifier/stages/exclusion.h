/* `restore.exclude`: which entries of an archive are left out of the restore.
 *
 * A user names entries as `pg_restore -l` does: `EXTENSION pg_graphql`, `SCHEMA auth`, `TABLE
 * public audit_log` (with or without the schema). What cannot exist without a named entry goes with
 * it: everything in a named schema, and whatever depends on a named entry, such as a table's data,
 * its indexes and the foreign keys that point to it. Of plain SQL only extensions can be left out,
 * and only where it is a set of files (platform.h).
 */
#ifndef STAGES_EXCLUSION_H
#define STAGES_EXCLUSION_H

#include "archive/archive.h"
#include "base/memory.h"

struct exclusion {
    bool *left_out;            /* one for each entry of the archive */
    size_t count;              /* how many are true */
    struct strings extensions; /* left out of the plain SQL of a set, which has no entries */
    struct strings unmatched;  /* names from the scenario that nothing has */
};

void exclusion_find(const struct archive *archive, const struct strings *names,
                    struct exclusion *ret_exclusion);
void exclusion_free(struct exclusion *exclusion); /* takes a zeroed one */

/* Do the names say that a table has no rows here: "TABLE DATA public users"? Such a name leaves out
 * what the archive holds of them, and is no mistake where it holds none. */
bool exclusion_names_rows(const struct strings *names, const char *schema, const char *table);

/* Leaves out also the planner's statistics, which servers before 18 do not take and which are no
 * data. Gives how many entries that are. */
size_t exclusion_leave_out_statistics(const struct archive *archive, struct exclusion *exclusion);

/* Are the rows of a table left out? */
bool exclusion_has_table(const struct archive *archive, const struct exclusion *exclusion,
                         const struct archive_table *table);

/* "TABLE public users" as pg_restore -l names it: to be freed by the caller. */
char *entry_name(const struct archive_entry *entry);

/* Writes the list of what is to be restored, as `pg_restore --use-list` reads it. */
int exclusion_write_list(const struct archive *archive, const struct exclusion *exclusion,
                         const char *path, struct error *error);

#endif
