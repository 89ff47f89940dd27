/* Work directories: private, named after their owner, and gone afterwards, even after a kill.
 *
 * A work directory is PARENT/restore-verifier.PID.XXXXXX with mode 0711: others may pass through it
 * to what it opens to them, not list it. Its owner holds a lock on the file `owner` in it for as
 * long as it lives; the lock, not the pid, tells whether an owner is alive, so that a reused pid
 * cannot deceive.
 */
#ifndef BASE_WORKDIR_H
#define BASE_WORKDIR_H

#include <stddef.h>

#include "base/error.h"

struct workdir;

/* $TMPDIR, or /tmp. Borrowed from the environment. */
const char *workdir_parent(void);

int workdir_create(const char *parent, struct workdir **ret_workdir, struct error *error);
const char *workdir_path(const struct workdir *workdir); /* borrowed */

/* Kills every process that still has its current directory inside, waits for them to be gone, and
 * removes the tree. Takes NULL. Frees `workdir` whatever happens. */
int workdir_remove(struct workdir *workdir, struct error *error);

/* Leaves the directory to the user: no sweep will touch it. Frees `workdir`. */
void workdir_keep(struct workdir *workdir);

/* Removes what owners that are no longer alive left in `parent`, the same way. Gives the number of
 * directories removed; what cannot be removed (another user's) is left alone. */
size_t workdir_sweep(const char *parent);

#endif
