/* What a file or a directory is that is no backup of pg_dump, and whose fault that is.
 *
 * Cannot verify: a backup of another kind (encrypted, wrapped in something else, of a whole server,
 * of another database), which may be as good as any, and what to do with it. Bad backup: what never
 * was one (an error message, an image, noise), and what is encrypted under a name that promises a
 * dump, which nobody expects: somebody may have put it there.
 */
#ifndef ARCHIVE_STRANGER_H
#define ARCHIVE_STRANGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Refuses what begins so; `path` is its name. Returns -1. */
int stranger_refuse(const char *path, const uint8_t *head, size_t length, struct error *error);

/* Whether a name in a tar is that of a file which every physical backup has: 0, or -1 with the
 * error. */
int stranger_member_check(const char *name, struct error *error);

/* Refuses a directory without a toc.dat when something in it says what it is: 0 when nothing
 * does. */
int stranger_directory_check(const char *path, struct error *error);

#endif
