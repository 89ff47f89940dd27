/* Which backup a draft is made from: a file, the latest of a directory, or one in a bucket. */
#ifndef DRAFT_PLACE_H
#define DRAFT_PLACE_H

#include "shelf/find.h"

/* `path` is a backup, or a directory or prefix (s3://bucket/prefix) that holds some: then it is the
 * one whose name tells the latest date, or else that was modified last. The shelf, on which
 * `ret_backup` lies, is to be freed behind it. `others` gets names of what lies beside it, where
 * its own has several dates. bad_backup: it is empty. cannot_verify: there is none. */
int place_find(const char *path, struct shelf **ret_shelf, struct backup_file *ret_backup,
               struct strings *others, struct error *error);

#endif
