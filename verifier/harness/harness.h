/* Runs the checks of a plan, each as a libcheck test in a process of its own.
 *
 * Check executes; it neither judges nor records. A check writes what it has to say into its
 * outcome, which lies in shared memory. It has passed only if its outcome says so *and* Check saw
 * its process end well: so a crash, an exit(0) from deep inside a library, or a hang is never a
 * pass, and never more than that one check's error.
 *
 * Check's state is one per process, so each process that runs checks is forked from the caller, who
 * has no other threads by then.
 */
#ifndef HARNESS_HARNESS_H
#define HARNESS_HARNESS_H

#include "checks/checks.h"

/* Runs every check of the plan, but for those whose outcome has a verdict already, `processes` (at
 * least 1) at a time.
 * `outcomes` (as many as the plan has checks, zeroed) lie in shared memory; afterwards each check
 * that was run has a verdict. -1 when there is nothing to run, or when Check ran less than was
 * planned. */
int harness_run(const char *suite_name, const struct plan *plan, const struct subject *subject,
                struct outcome *outcomes, size_t processes, struct error *error);

/* Gives a verdict to every outcome that has none: an error that says `reason`. */
void outcomes_close(struct outcome *outcomes, size_t count, const char *reason);

/* Memory that forked processes share with us, zeroed; never NULL. */
void *shared_alloc(size_t size);
void shared_free(void *memory, size_t size);

/* From now on nobody else's writing is seen in it. */
void shared_leave(void *memory, size_t size);

#endif
