/* Getting a backup off its shelf into a directory: there whole and checked, or not at all.
 *
 * Files are written without their names (base/new_file.h), and read again, to the end, as they lie
 * on the disk: what they hold together must be intact, and of the size and SHA-256 that the
 * manifest tells, where there is one. Only then they get their names, and the manifest is put
 * beside them. A set that lies in a directory is put into one of that name; so is a
 * directory-format dump, which is written into the hidden directory .NAME.partial first. Where a
 * killed run left one, the next run takes it away, whichever backup it fetches.
 */
#ifndef SHELF_FETCH_H
#define SHELF_FETCH_H

#include <stdbool.h>

#include "archive/archive.h"
#include "shelf/find.h"
#include "shelf/manifest.h"

struct fetch_options {
    const char *directory;            /* that exists */
    const struct backup_names *names; /* of the other backups of its kind: what killed runs left of
                                         these goes too; may be NULL */
    bool replace;                     /* what has the name there already */
    int threads;                      /* as in archive_options */
};

/* `manifest` is that of the backup, or NULL. `archive` must be all zero and needs archive_free() in
 * every case: it is what was read. `ret_path`, freed by the caller, is what the backup is now; of a
 * set, the directory that the names of its files count from.
 *
 * bad_backup: it is damaged, or not the one that its manifest speaks of. cannot_verify: something
 * of that name is there already, there is no room, it cannot be read or written, or was replaced
 * meanwhile. */
int backup_fetch(const struct backup_file *backup, const struct manifest *manifest,
                 const struct fetch_options *options, struct archive *archive, char **ret_path,
                 struct error *error);

#endif
