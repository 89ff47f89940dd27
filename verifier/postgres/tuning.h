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

/* Appends the settings as "name=value". `jobs` connections restore at the same time. */
void tuning_settings(int64_t memory_bytes, int jobs, int major, struct strings *settings);

#endif
