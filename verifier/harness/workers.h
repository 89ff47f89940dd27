/* Worker processes: one for each scenario, several at a time, watched from outside.
 *
 * A worker may crash, hang or be killed: the main process sees it, keeps the deadline, and cleans
 * up after it. It never runs a check itself. Everything that a worker starts dies with it.
 */
#ifndef HARNESS_WORKERS_H
#define HARNESS_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum worker_end {
    WORKER_NOT_ENDED,
    WORKER_DONE,        /* its function returned */
    WORKER_DIED,        /* a signal or an exit ended it before */
    WORKER_INTERRUPTED, /* the user asked for the end: killed, or never started */
    WORKER_OVERDUE,     /* the deadline had passed: killed, or never started */
};

struct worker {
    void (*run)(void *context); /* in the worker's process */
    void *context;
    enum worker_end end;
    int status;        /* as waitpid(2) gives it, for WORKER_DIED */
    pid_t pid;         /* while it runs */
    int64_t killed_ms; /* of clock_ms(): when, where it was interrupted or overdue */
};

struct workers_options {
    size_t jobs; /* how many may run at once; at least 1 */
    int64_t deadline_ms;
    /* In the main process, right before a worker is started; false: it has nothing to do, and has
     * ended. NULL: nothing is done. */
    bool (*ready)(void *context, size_t index);
    void (*tick)(void *context); /* in the main process while workers run, some times a second */
    void (*ended)(void *context, size_t index); /* in the main process, for each worker once */
    void *context;
};

/* Runs all workers. Returns the signal that interrupted the run, or 0. signals_block() must have
 * been called before. */
int workers_run(struct worker *workers, size_t count, const struct workers_options *options);

#endif
