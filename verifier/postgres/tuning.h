/* Settings of a server that is thrown away: fast, and safe to lose. */
#ifndef POSTGRES_TUNING_H
#define POSTGRES_TUNING_H

#include <stdint.h>

#include "base/memory.h"

/* Bytes that this process may still use: what the machine has, or what its cgroup allows, whichever
 * is less. */
int64_t available_memory_bytes(void);

/* The second of these: what the cgroup (version 2) of a process leaves of `available`, and those
 * above it. `tree` is where they are mounted, `own_groups` the process's /proc/PID/cgroup. */
int64_t cgroup_memory_bytes(const char *tree, const char *own_groups, int64_t available);

struct tuning {
    int64_t memory_bytes; /* for this server */
    int64_t backup_bytes; /* of the file that is to be restored; 0: not known */
    int jobs;             /* connections that restore at the same time */
    int major;            /* of the server */
};

/* Appends the settings as "name=value". */
void tuning_settings(const struct tuning *tuning, struct strings *settings);

#endif
