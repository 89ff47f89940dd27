/* What a file is, told from how it begins, whatever its name says. */
#ifndef ARCHIVE_KIND_H
#define ARCHIVE_KIND_H

#include "archive/archive.h"

/* So much of the beginning is wanted, if there is so much. */
#define KIND_HEAD_BYTES 4096

enum archive_container container_of_head(const uint8_t *head, size_t length);

/* The format of an unpacked file. Where it is none of pg_dump's, the error says what it is instead
 * (stranger.h); `path`, its name, tells whether that was to be expected. A tar is ARCHIVE_TAR when
 * pg_restore can read it as it is. */
int format_of_head(const char *path, const uint8_t *head, size_t length,
                   enum archive_format *ret_format, struct error *error);

#endif
