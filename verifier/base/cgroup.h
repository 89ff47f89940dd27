/* The control groups (version 2) of this process: what they limit, their parents limit too. */
#ifndef BASE_CGROUP_H
#define BASE_CGROUP_H

#include <stdint.h>

/* What the limit of one group, in its directory, leaves of `available`. */
typedef int64_t cgroup_limit(const char *directory, int64_t available);

/* What the process's group, and those above it, leave of `available`. `tree` is where they are
 * mounted, `own_groups` the process's /proc/PID/cgroup. */
int64_t cgroup_leaves(const char *tree, const char *own_groups, cgroup_limit *limit,
                      int64_t available);

#define CGROUP_TREE "/sys/fs/cgroup"
#define CGROUP_OWN  "/proc/self/cgroup"

/* The number behind `label` in a file, or -1. An empty label means the file begins with it. */
int64_t number_in_file(const char *path, const char *label);

#endif
