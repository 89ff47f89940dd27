/* Backups that are directories, as pg_dump -Fd makes them. */
#ifndef ARCHIVE_DIRECTORY_H
#define ARCHIVE_DIRECTORY_H

#include "archive/data.h"

/* Reads every file in the directory at `path`. Files that are none of a backup's are hashed only;
 * links and directories are passed over. Sets stored and unpacked size and sha256 of the archive.
 */
int directory_read(struct reading *reading, const char *path, struct error *error);

/* Whether it holds a toc.dat, compressed or not. */
bool directory_is_backup(const char *path);

#endif
