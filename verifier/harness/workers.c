#include "harness/workers.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/signals.h"

enum { TICK_MS = 100 };

/* How a worker exits whose function has returned: unlike an exit(0) from deep inside a library. */
enum { RETURNED_EXIT_CODE = 86 };

static void worker_main(const struct worker *worker, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    signals_default();
    /* CK_RUN_CASE or CK_INCLUDE_TAGS in the environment would make Check run nothing and call it
     * success; others change what we rely on. */
    environment_forget("CK_");
    worker->run(worker->context);
    fflush(NULL);
    exit_now(RETURNED_EXIT_CODE);
}

static void start(struct worker *worker)
{
    pid_t parent = getpid();
    fflush(NULL);
    worker->pid = fork();
    if (worker->pid == 0)
        worker_main(worker, parent);
    if (worker->pid < 0) {
        worker->pid = 0;
        worker->end = WORKER_DIED;
        return;
    }
    setpgid(worker->pid, worker->pid);
}

/* Has it ended by now? Then how is recorded, and what is left of its process group is killed. */
static bool has_ended(struct worker *worker)
{
    int status;
    if (worker->pid == 0)
        return worker->end != WORKER_NOT_ENDED;
    if (waitpid(worker->pid, &status, WNOHANG) != worker->pid)
        return false;
    kill(-worker->pid, SIGKILL);
    worker->pid = 0;
    worker->status = status;
    if (worker->end == WORKER_NOT_ENDED)
        worker->end = WIFEXITED(status) && WEXITSTATUS(status) == RETURNED_EXIT_CODE ? WORKER_DONE
                                                                                     : WORKER_DIED;
    return true;
}

/* Nothing more starts, and what runs is killed; it is reaped like any other. */
static void stop_all(struct worker *workers, size_t count, enum worker_end end)
{
    for (size_t i = 0; i < count; i++) {
        if (workers[i].end != WORKER_NOT_ENDED)
            continue;
        workers[i].end = end;
        workers[i].killed_ms = clock_ms();
        if (workers[i].pid > 0)
            kill(-workers[i].pid, SIGKILL);
    }
}

int workers_run(struct worker *workers, size_t count, const struct workers_options *options)
{
    /* Orphans of a worker that was killed become our children, so that none escapes unnoticed. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int interrupted = 0;
    size_t started = 0;
    size_t ended = 0;
    cleanup(free_pointer) bool *told = xcalloc(count, sizeof(*told));
    while (ended < count) {
        for (; started < count && started - ended < options->jobs; started++)
            if (!options->ready || options->ready(options->context, started))
                start(&workers[started]);
            else
                workers[started].end = WORKER_DONE;
        int received = signals_wait(TICK_MS);
        if (received != 0)
            interrupted = received;
        if (received != 0 || clock_ms() >= options->deadline_ms) {
            stop_all(workers, count, received ? WORKER_INTERRUPTED : WORKER_OVERDUE);
            started = count;
        }
        options->tick(options->context);
        for (size_t i = 0; i < started; i++) {
            if (told[i] || !has_ended(&workers[i]))
                continue;
            told[i] = true;
            ended++;
            options->ended(options->context, i);
        }
    }
    return interrupted;
}
