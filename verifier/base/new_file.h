/* A file that appears whole under its name, or not at all, whenever we are killed.
 *
 * While it is written it has no name (O_TMPFILE). File systems that cannot do that (NFS, FAT, some
 * FUSE) get a hidden file .NAME.partial.PID-NUMBER instead. Both are locked (flock) while their
 * owner lives, so that new_files_sweep() can tell what a killed owner left behind.
 */
#ifndef BASE_NEW_FILE_H
#define BASE_NEW_FILE_H

#include <stdbool.h>

#include "base/error.h"

struct new_file;

enum new_file_kind {
    NEW_FILE_NAMELESS, /* where the file system can, else hidden */
    NEW_FILE_HIDDEN,
};

/* In an existing directory; mode 0600 less the umask. Every error is FAULT_MACHINE. */
int new_file_open(const char *directory, const char *name, enum new_file_kind kind,
                  struct new_file **ret_file, struct error *error);

int new_file_descriptor(const struct new_file *file);   /* borrowed; for reading and writing */
const char *new_file_path(const struct new_file *file); /* that it will have; borrowed */

/* Syncs the file, gives it its name and syncs the directory. What has the name already is an
 * error, or, with `replace`, replaced in one step. */
int new_file_publish(struct new_file *file, bool replace, struct error *error);

/* Without new_file_publish the file is gone. Takes NULL. */
void new_file_free(struct new_file *file);
void new_file_freep(struct new_file **file);

/* Removes hidden files whose owners are dead and which have not changed for a minute, if `wanted`
 * says yes to the name that they would have got. Best effort. */
void new_files_sweep(const char *directory, bool (*wanted)(const char *name, const void *context),
                     const void *context);

#endif
