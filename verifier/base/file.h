/* Whole files: read with a cap, replaced so that readers see the old or the new one, removed as
 * trees. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* Reads the file into `ret_content` (buffer_init'ed here, freed by the caller). More than
 * `limit_bytes` is an error. */
int file_read(const char *path, size_t limit_bytes, struct buffer *ret_content,
              struct error *error);

/* Writes a temporary file next to `path`, syncs it and renames it over `path`. Mode 0644 less
 * umask. */
int file_replace(const char *path, const void *bytes, size_t length, struct error *error);

/* Writes all bytes to a descriptor; `what` names it in the error. ENOSPC says how to make room. */
int write_all(int descriptor, const void *bytes, size_t length, const char *what,
              struct error *error);

/* Removes a directory and what is in it, following no link. A path that is not there is no error.
 */
int tree_remove(const char *path, struct error *error);

/* The same path from the root on, for messages that are read elsewhere; to be freed by the caller.
 * Only `./` and double slashes are taken out: links and `..` stay as they are known. */
char *path_absolute(const char *path);

/* Bytes that an unprivileged process may still write in the file system that holds `path`; -1 when
 * that cannot be told. */
int64_t free_space_bytes(const char *path);

/* What we leave there: a full disk hurts others too. */
#define SPACE_KEPT_BYTES (64LL << 20)

#endif
