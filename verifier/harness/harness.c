#include "harness/harness.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/memory.h"
#include "base/signals.h"

/* What a check's process has been forked with: Check's test functions take no context. */
static struct {
    const struct plan *plan;
    const struct subject *subject;
    struct outcome *outcomes;
    pid_t runner;
} running;

/* The checks to run. Shared: each process that runs checks takes the next one until none is left,
 * so that one which takes long holds up no other. */
struct queue {
    atomic_size_t next;
    size_t count;
    struct {
        size_t check;
        bool confirmed; /* the outcome is held against the end of its process */
    } places[];
};

void *shared_alloc(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fputs("restore-verifier: out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

void shared_free(void *memory, size_t size)
{
    munmap(memory, size);
}

static bool is_zero(const char *bytes, size_t count)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0;
}

/* Most of an outcome is room for texts that are not there: it takes no memory afterwards. */
void shared_leave(void *memory, size_t size)
{
    enum { PAGE_BYTES = 4096 };
    cleanup(free_pointer) void *content = xmalloc(size);
    memcpy(content, memory, size);
    const void *own =
        mmap(memory, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (own == MAP_FAILED)
        out_of_memory();
    for (size_t i = 0; i < size; i += PAGE_BYTES) {
        size_t count = size - i < PAGE_BYTES ? size - i : PAGE_BYTES;
        if (!is_zero((const char *)content + i, count))
            memcpy((char *)memory + i, (const char *)content + i, count);
    }
}

/* The body of every test: `_i` is the index of the check. Signals get their default handling back,
 * because a handler that only sets a flag would let a terminated check go on and pass. */
START_TEST(look)
{
    const struct check *check = &running.plan->checks[_i];
    struct outcome *outcome = &running.outcomes[_i];
    signals_default();
    /* Check gives it a process group of its own, which nobody kills when the worker is killed. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != running.runner)
        exit_now(1);
    outcome->started_ms = clock_ms();
    check_look(check, running.subject, outcome);
    outcome->duration_ms = clock_ms() - outcome->started_ms;
    if (outcome->verdict == VERDICT_PASS || outcome->verdict == VERDICT_SKIP)
        exit_now(0);
    /* Check's messages are short: over 4,088 bytes they would be lost. The outcome has the text. */
    ck_abort_msg("%s", verdict_name(outcome->verdict));
}
END_TEST

/* What became of a check whose process did not end as its outcome says. */
static void contradict(struct outcome *outcome, const struct check *check, const char *message)
{
    int64_t elapsed_ms = clock_ms() - outcome->started_ms;
    bool timed_out = strstr(message, "timeout") || strstr(message, "Timeout");
    if (timed_out)
        outcome_error(outcome, "the check did not end within its %.1f s and was stopped",
                      (double)check->timeout_ms / 1000);
    else if (outcome->verdict != VERDICT_NONE)
        outcome_error(outcome, "the check said `%s`, but its process did not end well: %s",
                      verdict_name(outcome->verdict), message);
    else
        outcome_error(outcome, "the check ended without a verdict: %s", message);
    if (outcome->duration_ms == 0 && outcome->started_ms > 0)
        outcome->duration_ms = elapsed_ms < check->timeout_ms ? elapsed_ms : check->timeout_ms;
}

/* A pass (or a skip) counts only when both the outcome and the end of the process say so. */
static void confirm(size_t index, TestResult *result)
{
    struct outcome *outcome = &running.outcomes[index];
    bool says_well = outcome->verdict == VERDICT_PASS || outcome->verdict == VERDICT_SKIP;
    bool says_ill = outcome->verdict == VERDICT_FAIL || outcome->verdict == VERDICT_ERROR;
    if (!(says_well && tr_rtype(result) == CK_PASS) &&
        !(says_ill && tr_rtype(result) == CK_FAILURE))
        contradict(outcome, &running.plan->checks[index], tr_msg(result));
}

void outcomes_close(struct outcome *outcomes, size_t count, const char *reason)
{
    for (size_t i = 0; i < count; i++)
        if (outcomes[i].verdict == VERDICT_NONE)
            outcome_error(&outcomes[i], "%s", reason);
}

/* Runs one check with its own timeout. Did Check see its end? */
static bool run_check(const char *suite_name, size_t index)
{
    Suite *suite = suite_create(suite_name);
    TCase *test_case = tcase_create("check");
    tcase_set_timeout(test_case, (double)running.plan->checks[index].timeout_ms / 1000);
    tcase_add_loop_test(test_case, look, (int)index, (int)index + 1);
    suite_add_tcase(suite, test_case);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_SILENT);
    bool ended = srunner_ntests_run(runner) == 1;
    if (ended) {
        TestResult **results = srunner_results(runner);
        confirm(index, results[0]);
        free(results);
    }
    srunner_free(runner);
    return ended;
}

static void run_queue(const char *suite_name, struct queue *queue)
{
    running.runner = getpid();
    for (size_t i; (i = atomic_fetch_add(&queue->next, 1)) < queue->count;)
        queue->places[i].confirmed = run_check(suite_name, queue->places[i].check);
}

static pid_t runner_start(const char *suite_name, struct queue *queue)
{
    pid_t worker = getpid();
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == worker)
        run_queue(suite_name, queue);
    exit_now(0);
}

/* Lines up each check that has no verdict yet. */
static void queue_fill(const struct plan *plan, const struct outcome *outcomes, struct queue *queue)
{
    for (size_t i = 0; i < plan->count; i++)
        if (outcomes[i].verdict == VERDICT_NONE && plan->checks[i].look)
            queue->places[queue->count++].check = i;
}

/* Runs what is lined up, and gives the number of checks that came to an end that Check saw. */
static size_t run_processes(const char *suite_name, struct queue *queue, size_t processes)
{
    cleanup(free_pointer) pid_t *pids = xcalloc(processes, sizeof(*pids));
    fflush(NULL); /* or each process would print it again */
    for (size_t i = 0; i < processes; i++)
        pids[i] = runner_start(suite_name, queue);
    for (size_t i = 0; i < processes; i++)
        while (pids[i] > 0 && waitpid(pids[i], NULL, 0) < 0 && errno == EINTR)
            ;
    size_t run = 0;
    for (size_t i = 0; i < queue->count; i++)
        run += queue->places[i].confirmed;
    return run;
}

/* Are there checks left whose outcome somebody else sets? */
static bool others_look(const struct plan *plan, const struct outcome *outcomes)
{
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->checks[i].look && outcomes[i].verdict == VERDICT_NONE)
            return true;
    return false;
}

int harness_run(const char *suite_name, const struct plan *plan, const struct subject *subject,
                struct outcome *outcomes, size_t processes, struct error *error)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->checks[i].timeout_ms <= 0) /* to Check, zero would mean that it may hang */
            return cannot_verify(error, "the check `%s` is given no time to run",
                                 plan->checks[i].name);
    size_t size = sizeof(struct queue) + plan->count * sizeof(((struct queue *)0)->places[0]);
    struct queue *queue = shared_alloc(size);
    queue_fill(plan, outcomes, queue);
    running.plan = plan;
    running.subject = subject;
    running.outcomes = outcomes;
    size_t planned = queue->count;
    size_t run = run_processes(suite_name, queue, processes);
    for (size_t i = 0; i < planned; i++)
        if (!queue->places[i].confirmed)
            contradict(&outcomes[queue->places[i].check], &plan->checks[queue->places[i].check],
                       "the process that runs checks has ended");
    shared_free(queue, size);
    if (planned == 0 && !others_look(plan, outcomes))
        return cannot_verify(error, "there is no check to run");
    return run == planned
               ? 0
               : cannot_verify(error, "%zu checks were planned, and %zu were run", planned, run);
}
