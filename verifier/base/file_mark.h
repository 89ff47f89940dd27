/* What a path names, so that it can be told later whether it still does: a file, or a directory
 * with the files right in it.
 *
 * Told from names, sizes and times of modification. Inode numbers only choose the words, since some
 * file systems do not keep them.
 */
#ifndef BASE_FILE_MARK_H
#define BASE_FILE_MARK_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct file_mark {
    dev_t device;
    ino_t inode;
    uint64_t files; /* a digest of the files, whatever their order */
};

int file_mark_take(const char *path, struct file_mark *ret_mark, struct error *error);

/* cannot_verify: "it was replaced while it was read: run again", or deleted, or written to. */
int file_mark_check(const char *path, const struct file_mark *mark, struct error *error);

#endif
