/* How many processors this process may use. */
#ifndef BASE_PROCESSORS_H
#define BASE_PROCESSORS_H

int processors(void); /* at least 1 */

/* What the limits of time of its cgroup, and of those above it, leave of `available`, rounded up.
 * The places are those of base/cgroup.h. */
int cgroup_processors(const char *tree, const char *own_groups, int available);

#endif
