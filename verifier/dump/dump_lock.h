/* One dump at a time: of a pattern of names, in a directory.
 *
 * A hidden file .lock.PATTERN holds the pid of the dump that is at work, and that dump a lock
 * (flock) on it, so that one left by a killed dump stands in nobody's way. On file systems without
 * locks there is no such protection.
 */
#ifndef DUMP_DUMP_LOCK_H
#define DUMP_DUMP_LOCK_H

#include "base/error.h"

struct dump_lock;

/* Does not wait: FAULT_MACHINE, naming the other's pid, when another dump is at work. */
int dump_lock_take(const char *directory, const char *pattern, struct dump_lock **ret_lock,
                   struct error *error);

void dump_lock_release(struct dump_lock *lock); /* takes NULL; frees it, removes the file */
void dump_lock_releasep(struct dump_lock **lock);

#endif
