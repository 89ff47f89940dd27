#include "base/processors.h"

#include <sched.h>

#include "base/cgroup.h"
#include "base/memory.h"

/* "150000 100000": so many microseconds in each period of the other. */
static int64_t left_in_group(const char *directory, int64_t available)
{
    cleanup(free_pointer) char *max = xasprintf("%s/cpu.max", directory);
    int64_t quota = number_in_file(max, "");
    int64_t period = number_in_file(max, " ");
    if (quota <= 0 || period <= 0)
        return available;
    int64_t whole = (quota + period - 1) / period;
    return whole < available ? whole : available;
}

int cgroup_processors(const char *tree, const char *own_groups, int available)
{
    return (int)cgroup_leaves(tree, own_groups, left_in_group, available);
}

int processors(void)
{
    cpu_set_t set;
    int allowed = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return cgroup_processors(CGROUP_TREE, CGROUP_OWN, allowed);
}
