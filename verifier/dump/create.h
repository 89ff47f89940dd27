/* A new backup: there whole or not at all, whenever we are killed.
 *
 * In a directory the bytes go into a file without a name (O_TMPFILE), which is synced and gets its
 * name last. File systems that cannot do that (NFS, FAT, some FUSE) get a hidden file
 * .NAME.partial.PID-NUMBER instead, locked while its owner lives; what a killed owner left of these
 * is removed by the next dump with the same pattern, after a minute. Into a bucket they go in
 * parts, of which the store makes an object last (object_upload.h).
 *
 * NAME.gz and NAME.zst are gzip and zstd around an archive that is not compressed inside; any other
 * name is the archive as pg_dump compresses it. Names that promise something else (.tar, .sql,
 * .lz4 ...) are refused.
 *
 * Two dumps with the same pattern into the same directory at once: the second is refused
 * (dump_lock.h). So is one with less room than the last backup took (space.h). A bucket has no
 * locks: of two dumps of one name at once, the one that is done last has written the backup. Should
 * the manifest be the other's, the dump that sees that fails, and so does `verify`, which holds the
 * backup against the sha256 in it.
 *
 * A backup that is to be replaced stays as it is when the new one holds next to nothing
 * (replacing.h), which the manifest tells.
 *
 * Backups hold everything: mode 0600 less the umask. A location that is missing is made, with mode
 * 0700, when its parent is there: one level, so that a mistyped path or an unmounted disk is seen.
 */
#ifndef DUMP_CREATE_H
#define DUMP_CREATE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "base/hash.h"
#include "postgres/address.h"
#include "postgres/tools.h"
#include "shelf/manifest.h"

struct backup_create_options {
    struct shelf *shelf;
    const char *pattern; /* name_pattern.h */
    time_t time;         /* that names it */
    bool force;          /* replace a backup of the same name; otherwise that is an error */
    bool force_empty;    /* even by one that holds less (replacing.h) */
    const char *scenario, *recorded_database, *reports; /* a backup's record: record_places_of */
    const char *database_name;                          /* for messages */
    const struct tools *tools;
    const struct address *database;
    const char *snapshot; /* dump.h; or NULL */
    /* What is known of the database; completed here with what is known of the file, and written
     * next to it before it gets its name. NULL: no manifest. */
    struct manifest *manifest;
    int64_t deadline_ms;
    _Atomic int64_t *progress_bytes; /* bytes of the archive so far; may be NULL */
};

struct backup_created {
    char *path; /* for messages */
    int64_t size_bytes;
    int64_t archive_bytes; /* without the compression around it */
    char sha256[SHA256_HEX_SIZE];
    struct schema_totals schema; /* until the manifest has it */
};

/* Every failure is FAULT_MACHINE. It leaves nothing behind, and backups that were there before as
 * they were. */
int backup_create(const struct backup_create_options *options, struct backup_created *ret_created,
                  struct error *error);

/* What a dump with these options would fail at before it began: the pattern, its ending, the
 * location, a backup of the same name. Gives the path it would have, for messages (freed by the
 * caller). Makes nothing. */
int backup_create_check(const struct backup_create_options *options, char **ret_path,
                        struct error *error);

/* The path of a backup that already has the name that a new one would get, to be freed by the
 * caller; NULL when there is none. */
int backup_existing(const struct backup_create_options *options, char **ret_path,
                    struct error *error);

void backup_created_free(struct backup_created *created); /* what it holds */

#endif
