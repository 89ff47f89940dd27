/* The children of this process, and all that is below them, found by looking at every process.
 *
 * A process that makes itself a subreaper (children_adopt) gets what its children leave behind,
 * also what has left their process groups.
 */
#ifndef BASE_CHILDREN_H
#define BASE_CHILDREN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pids {
    pid_t *items;
    size_t count;
};
void pids_free(struct pids *pids); /* takes a zeroed one */
void pids_add(struct pids *pids, pid_t pid);

void children_adopt(void);

/* Those that run now, or have ended and are not waited for. */
void children_list(struct pids *ret_children);

/* Ends and reaps all children but the `spared`, and what becomes a child thereby, until there are
 * none or the deadline has passed. Gives how many still ran. */
size_t children_end(const struct pids *spared, int64_t deadline_ms);

#endif
