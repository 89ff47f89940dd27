/* Finding the latest backup on a shelf, by the date in its name (backup_list.h).
 *
 * A backup may be a set of files: several on the shelf that tell one date, each matching the
 * pattern of its part, or those in a directory that are named after their parts (roles.sql,
 * schema.sql.gz; base/backup_names.h). `path` and `name` of the former are those of its main part.
 *
 * A backup is a regular file, a link to one, or a directory (a directory-format dump) whose name
 * matches the pattern; in a bucket, an object. Files are opened, never changed.
 *
 * Passed over, with a notice: sets of which a part is missing, what is empty, what is still being
 * written, links to nothing, what is neither file nor directory, and in a bucket directory-format
 * dumps, which lie there as many objects. Damaged backups are not passed over: the latest backup is
 * what has to restore.
 *
 * Still being written is what some process of this machine has open for writing; the kernel tells
 * that when it refuses a read lease (fcntl(2), F_SETLEASE). Where it has no answer (other people's
 * files, network file systems) it is what was modified in the last minute and changes while we
 * look. So a slow copy that pauses, by another machine, can go unseen: its archive then is cut, and
 * reading it says so. An object in a bucket is there whole or not at all.
 */
#ifndef SHELF_FIND_H
#define SHELF_FIND_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/backup_names.h"
#include "base/error.h"
#include "base/file_mark.h"
#include "base/memory.h"
#include "shelf/name_pattern.h"
#include "shelf/shelf.h"

/* One file of a set. */
struct part_file {
    enum backup_part part;
    char *path; /* for messages, and for opening it when the shelf is a directory */
    char *name; /* on the shelf; of a file in a directory: DIRECTORY/FILE */
    int64_t size_bytes;
    time_t modified;
    struct file_mark mark; /* in a directory */
    char etag[ETAG_SIZE];  /* in a bucket, where it has one */
};

struct backup_file {
    struct shelf *shelf; /* where it lies; borrowed */
    char *path;          /* for messages, and for opening it when the shelf is a directory */
    const char *name;    /* the last part of `path` */
    bool is_directory;
    bool has_name_date;         /* its name matches the pattern */
    struct name_date name_date; /* `undated`: it is that of the file, see backup_list.h */
    int64_t size_bytes;         /* of a directory, a set: of the files in it */
    time_t modified;            /* of a directory, a set: the latest of the files in it */
    struct file_mark mark;      /* in a directory; of a set its parts have theirs */
    char etag[ETAG_SIZE];       /* in a bucket, where it has one; likewise */
    struct part_file *parts;    /* of a set, in the order in which they are restored; else none */
    size_t part_count;
};

/* `notices` gets a sentence for each thing passed over that is later than the backup found, and
 * for files whose names are nearly like the pattern; also when this fails.
 *
 * bad_backup: nothing here is a backup. cannot_verify: the shelf is not there or cannot be read, a
 * file that matches cannot be looked at, the pattern is refused. */
int backup_find(struct shelf *shelf, const struct backup_names *names, struct backup_file *ret_file,
                struct strings *notices, struct error *error);

/* The same for a given file (or directory), whatever its name; `names` may be NULL. One that is
 * named as a part of a set stands for the set.
 *
 * bad_backup: it is empty. cannot_verify: it is not there, cannot be read, is still being written,
 * a part of the set is missing.
 */
int backup_stat(struct shelf *shelf, const char *name, const struct backup_names *names,
                struct backup_file *ret_file, struct error *error);

/* cannot_verify: "... was replaced while it was read: run again", since something else, or nothing,
 * lies now where the backup was found; or that cannot be told. */
int backup_still_there(const struct backup_file *file, struct error *error);

void backup_file_free(struct backup_file *file); /* what it holds; takes a zeroed one */

#endif
