/* What lies on a shelf for a pattern of names: backups, newest first, and what lies beside them.
 *
 * A backup that is a set of files is one backup: the files whose names tell the same date. It is
 * known by the name of its main part (base/backup_names.h).
 *
 * The newest is the one with the latest date in its name; of several with the same date (two zones
 * can write one moment) the one modified last, then the one whose name sorts last. In the hour that
 * comes twice when clocks are set back, it is the one that began last. Where the dates in names do
 * not count it is the one modified last.
 */
#ifndef SHELF_BACKUP_LIST_H
#define SHELF_BACKUP_LIST_H

#include "base/backup_names.h"
#include "base/memory.h"
#include "shelf/name_pattern.h"
#include "shelf/shelf.h"

struct listed_part {
    enum backup_part part;
    char *name;
    struct shelf_entry entry; /* its name is this one's */
};

struct listed_backup {
    const char *name;      /* of its main part, as far as the parts are there */
    struct name_date date; /* where names tell none, or it does not count: when it was modified */
    time_t began;          /* where its local time comes twice: by its manifest, or else the file */
    struct shelf_entry entry;  /* of a set: the sizes together, the latest time, of all its parts */
    struct listed_part *parts; /* in the order of enum backup_part; of no set: itself */
    size_t part_count;
    struct strings missing; /* of a set: the names of the files that are not there */
};

struct backup_list {
    struct listed_backup *backups; /* whose whole names match, of any kind */
    size_t count;
    struct strings near;       /* names that are nearly like the pattern */
    struct strings companions; /* manifests and records of names that match */
};

/* cannot_verify: the shelf cannot be listed, the pattern is refused. */
int backup_list_read(struct shelf *shelf, const struct backup_names *names,
                     struct backup_list *ret_list, struct error *error);
void backup_list_free(struct backup_list *list); /* what it holds; takes a zeroed one */

/* The date of a backup whose name tells none that counts: that of its file. */
struct name_date date_of_file(time_t modified);

/* The backup that has a file or directory of that name, or NULL. Borrowed. */
const struct listed_backup *backup_list_find(const struct backup_list *list, const char *name);

#endif
