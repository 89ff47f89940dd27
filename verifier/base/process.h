/* A child process done completely: the one place that starts other programs.
 *
 * - No shell: an argv array. A missing program is an error, not an exit code 127.
 * - The child has a process group of its own, default signal handling, and no descriptors of ours
 * but those of the options.
 * - Its environment is made from nothing: of ours only what tells where things are and how texts
 * are written (PATH, LANG, LC_..., TZ, LD_LIBRARY_PATH and the like), and what the options add as
 * "NAME=value". No password, token or URL of ours reaches a child that was not given it.
 * - It dies with the thread that started it (PR_SET_PDEATHSIG): so start processes from a thread
 * that stays, never from a helper thread.
 * - Both output pipes are drained while it runs, each into a buffer with a cap: what does not fit
 * is read and dropped, so that a child never blocks on us.
 * - A deadline kills its whole group, and so does whoever watches it.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/confine.h"
#include "base/error.h"

/* Who a child runs as. */
struct account {
    uid_t uid;
    gid_t gid;
};

struct process_options {
    const char *const *argv; /* ends with NULL; argv[0] is searched in PATH unless it has a slash */
    const char *const *environment; /* see above; ends with NULL; NULL: nothing is added */
    const struct account *account;  /* NULL: as we are. Another one needs root */
    const char *directory;          /* NULL: ours */
    int input;                      /* descriptor for its standard input; 0: /dev/null */
    int output;       /* descriptor for its standard output; 0: captured in the result */
    int errors;       /* the same for its standard error */
    int death_signal; /* what it gets when we die; 0: SIGKILL; -1: nothing, it stays */
    const struct confinement *confinement; /* what it may touch; NULL: what we may */
    struct confined *ret_confined;         /* which layers of that held; may be NULL */
    /* Called some times a second while process_run waits; -1, with the error, ends the child. */
    int (*watch)(const void *context, struct error *error);
    const void *watch_context;
};

struct process_result {
    int exit_code;        /* -1 when a signal ended it, or nobody saw how it ended */
    int signal;           /* 0 when it exited */
    struct buffer output; /* what was captured, at most PROCESS_OUTPUT_LIMIT */
    struct buffer errors;
};

enum { PROCESS_OUTPUT_LIMIT = 4 * 1024 * 1024 };

void process_result_free(struct process_result *result); /* takes a zeroed one */

/* Runs a program to its end. -1 when it could not be started, or had to be killed because
 * `deadline_ms` had passed; a program that exits with any code, or dies by a signal, is a result.
 */
int process_run(const struct process_options *options, int64_t deadline_ms,
                struct process_result *ret_result, struct error *error);

/* Starts a program that goes on by itself; nothing of it is captured (output and errors go to the
 * descriptors in the options, or to /dev/null). The caller waits for it with process_wait. */
int process_start(const struct process_options *options, pid_t *ret_pid, struct error *error);

/* Waits until the child has ended or the deadline has passed: 1 ended (ret_status as waitpid(2) has
 * it; may be NULL), 0 still running. A child that is no longer ours counts as ended, with a status
 * that is neither an exit nor a death by signal. */
int process_wait(pid_t pid, int64_t deadline_ms, int *ret_status);

/* "exited with code 1", "was killed by signal 9 (Killed)": to be freed by the caller. */
char *process_describe(const struct process_result *result);

/* Removes our own variables whose names begin so, for us and for every child. Only while there is
 * one thread. */
void environment_forget(const char *beginning);

/* The same, for a while: `taken` gets "NAME=VALUE" of each, and gives them back. */
void environment_take(const char *beginning, struct strings *taken);
void environment_give_back(const struct strings *taken);

#endif
