/* Backups that are tar files: pg_dump -Ft, and directory-format dumps packed with tar.
 *
 * Source of the format: POSIX pax, "ustar Interchange Format"; GNU tar's long names and numbers in
 * base 256.
 */
#ifndef ARCHIVE_TAR_H
#define ARCHIVE_TAR_H

#include "archive/data.h"

#define TAR_BLOCK_BYTES 512

/* Whether `block` is a tar header, by its checksum. */
bool tar_header_valid(const uint8_t block[TAR_BLOCK_BYTES]);

/* Reads all from `reader` to its end. A `copy_directory` is created and gets the members that
 * pg_restore needs; NULL: no copy. */
int tar_read(struct reading *reading, struct reader *reader, const char *copy_directory,
             struct error *error);

#endif
