/* Reading a backup whole, wherever it lies: a file, a directory, an object, or a set of files. */
#ifndef SHELF_BACKUP_READ_H
#define SHELF_BACKUP_READ_H

#include "archive/archive.h"
#include "shelf/find.h"

/* As archive_read(); of a set, each file in its turn, and then what they hold together. No copy is
 * made of a set's files. */
int backup_read(struct archive *archive, const struct backup_file *backup,
                const struct archive_options *reading, struct error *error);

#endif
