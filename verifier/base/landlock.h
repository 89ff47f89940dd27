/* Landlock: the kernel's way for a process without rights to give up files for itself and all its
 * children (landlock(7)). Kernels since 5.13 have it, in versions ("ABI") that can ever more; what
 * a kernel does not know is left out, and the version says what that is.
 *
 * The kernel's header of an older system lacks what newer kernels can: numbers are written out
 * here.
 */
#ifndef BASE_LANDLOCK_H
#define BASE_LANDLOCK_H

#include <stdbool.h>

#include "base/memory.h"

struct landlock_rules {
    const struct strings *readable;   /* files, and directories with all that is below them */
    const struct strings *writable;   /* the same, which may be changed as well */
    const struct strings *executable; /* files that may be run, and read */
    bool no_tcp;
};

/* The version that the running kernel knows; 0: none, with errno set. */
int landlock_version(void);

/* Makes a set of rules for a version of Landlock that the kernel knows, and gives its descriptor;
 * -1 with errno when that cannot be. A path that is not there is passed over. */
int landlock_prepare(const struct landlock_rules *rules, int version);

/* Gives up all that the set does not allow: for good, and for every child. The caller has no new
 * privileges (prctl(2), PR_SET_NO_NEW_PRIVS). Safe after fork. -1 with errno. */
int landlock_enter(int ruleset);

#endif
