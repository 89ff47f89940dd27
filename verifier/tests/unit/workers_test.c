/* Workers, with a forked child as the main process: signals are sent to it alone. */
#include "harness/workers.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/signals.h"
#include "harness/harness.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

enum { MOST_WORKERS = 12 };

struct shared {
    _Atomic int running;
    _Atomic int most_running;
    _Atomic int started;
    _Atomic int ticks;
    _Atomic pid_t worker_pid;
    _Atomic pid_t child_pid; /* that the worker has started by base/process */
    int interrupted;
    int64_t took_ms;
    enum worker_end ends[MOST_WORKERS];
    int statuses[MOST_WORKERS];
    int told[MOST_WORKERS]; /* how often `ended` was called */
    int outcome;
    struct outcome outcomes[2];
};

static struct shared *shared;

static void returns(void *context)
{
    (void)context;
    shared->started++;
}

static void takes_30_ms(void *context)
{
    (void)context;
    shared->started++;
    int now = ++shared->running;
    if (now > shared->most_running)
        shared->most_running = now;
    usleep(30000);
    shared->running--;
}

static void crashes(void *context)
{
    (void)context;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

static void exits_3(void *context)
{
    (void)context;
    exit(3);
}

static void exits_0(void *context)
{
    (void)context;
    exit(0);
}

static void hangs(void *context)
{
    (void)context;
    signal(SIGTERM, SIG_IGN);
    const char *const argv[] = {"/bin/sleep", "60", NULL};
    struct process_options options = {.argv = argv};
    struct error error;
    pid_t pid = 0;
    process_start(&options, &pid, &error);
    shared->child_pid = pid;
    shared->worker_pid = getpid();
    for (;;)
        pause();
}

/* What a worker finds: default signals, and nothing of Check's in the environment. */
static void looks_around(void *context)
{
    (void)context;
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    struct sigaction action;
    sigaction(SIGCHLD, NULL, &action);
    bool right = !sigismember(&blocked, SIGTERM) && action.sa_handler == SIG_DFL &&
                 getpgrp() == getpid() && !getenv("CK_RUN_CASE") && !getenv("CK_FORK") &&
                 !getenv("CK_INCLUDE_TAGS") && getenv("CKX");
    if (!right)
        exit(4);
}

static void ticks(void *context)
{
    (void)context;
    shared->ticks++;
}

static void note_end(void *context, size_t index)
{
    const struct worker *workers = context;
    shared->told[index]++;
    shared->ends[index] = workers[index].end;
    shared->statuses[index] = workers[index].status;
}

/* Every other worker has nothing to do; none is asked before there is room for it. */
static bool every_other(void *context, size_t index)
{
    (void)context;
    return index % 2 == 0;
}

static bool (*ready)(void *context, size_t index);

/* Runs workers in a process that acts as the main one. */
static pid_t start_main(void (*const *runs)(void *), size_t count, size_t jobs, int64_t timeout_ms)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signals_block();
    struct worker workers[MOST_WORKERS] = {0};
    for (size_t i = 0; i < count; i++)
        workers[i].run = runs[i];
    struct workers_options options = {.jobs = jobs,
                                      .deadline_ms =
                                          timeout_ms > 0 ? deadline_after(timeout_ms) : NO_DEADLINE,
                                      .ready = ready,
                                      .tick = ticks,
                                      .ended = note_end,
                                      .context = workers};
    int64_t began_ms = clock_ms();
    shared->interrupted = workers_run(workers, count, &options);
    shared->took_ms = clock_ms() - began_ms;
    exit_now(0);
}

static void run_main(void (*const *runs)(void *), size_t count, size_t jobs, int64_t timeout_ms)
{
    int status = -1;
    pid_t pid = start_main(runs, count, jobs, timeout_ms);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

static void setup(void)
{
    /* By which people choose among these tests; not meant for those that are started here. */
    unsetenv("CK_RUN_SUITE");
    unsetenv("CK_RUN_CASE");
    shared = shared_alloc(sizeof(*shared));
}

START_TEST(a_worker_that_is_not_ready_is_not_started)
{
    setup();
    void (*runs[MOST_WORKERS])(void *);
    for (size_t i = 0; i < MOST_WORKERS; i++)
        runs[i] = takes_30_ms;
    ready = every_other;
    run_main(runs, MOST_WORKERS, 2, 0);
    ck_assert_int_eq(shared->started, (MOST_WORKERS + 1) / 2);
    for (size_t i = 0; i < MOST_WORKERS; i++) {
        ck_assert_int_eq(shared->told[i], 1);
        ck_assert_int_eq(shared->ends[i], WORKER_DONE);
    }
}
END_TEST

static const size_t job_limits[] = {1, 2, 5, 20};

START_TEST(no_more_run_than_may)
{
    setup();
    void (*runs[MOST_WORKERS])(void *);
    for (size_t i = 0; i < MOST_WORKERS; i++)
        runs[i] = takes_30_ms;
    run_main(runs, MOST_WORKERS, job_limits[_i], 0);
    size_t expected = job_limits[_i] < MOST_WORKERS ? job_limits[_i] : MOST_WORKERS;
    ck_assert_int_le(shared->most_running, (int)expected);
    ck_assert_int_ge(shared->most_running, expected < 3 ? (int)expected : 3);
    ck_assert_int_eq(shared->started, MOST_WORKERS);
    for (size_t i = 0; i < MOST_WORKERS; i++) {
        ck_assert_int_eq(shared->told[i], 1);
        ck_assert_int_eq(shared->ends[i], WORKER_DONE);
    }
}
END_TEST

START_TEST(no_workers_are_soon_done)
{
    setup();
    run_main(NULL, 0, 1, 0);
    ck_assert_int_eq(shared->interrupted, 0);
}
END_TEST

START_TEST(each_end_is_told_as_it_was)
{
    setup();
    void (*const runs[])(void *) = {returns, crashes, exits_3, returns};
    run_main(runs, 4, 2, 0);
    ck_assert_int_eq(shared->ends[0], WORKER_DONE);
    ck_assert_int_eq(shared->ends[1], WORKER_DIED);
    ck_assert(WIFSIGNALED(shared->statuses[1]) && WTERMSIG(shared->statuses[1]) == SIGSEGV);
    ck_assert_int_eq(shared->ends[2], WORKER_DIED);
    ck_assert(WIFEXITED(shared->statuses[2]) && WEXITSTATUS(shared->statuses[2]) == 3);
    ck_assert_int_eq(shared->ends[3], WORKER_DONE);
}
END_TEST

/* Its function has not returned: exit(0) from deep inside a library is no good end. */
START_TEST(a_worker_that_exits_0_has_died)
{
    setup();
    void (*const runs[])(void *) = {exits_0};
    run_main(runs, 1, 1, 0);
    ck_assert_int_eq(shared->ends[0], WORKER_DIED);
}
END_TEST

START_TEST(a_deadline_kills_workers_and_what_they_started)
{
    setup();
    void (*const runs[])(void *) = {returns, hangs, returns};
    run_main(runs, 3, 1, 400);
    ck_assert_int_lt(shared->took_ms, 2000);
    ck_assert_int_ge(shared->took_ms, 400);
    ck_assert_int_eq(shared->interrupted, 0);
    ck_assert_int_eq(shared->ends[0], WORKER_DONE);
    ck_assert_int_eq(shared->ends[1], WORKER_OVERDUE);
    ck_assert_int_eq(shared->ends[2], WORKER_OVERDUE); /* never started */
    ck_assert_int_eq(shared->started, 1);
    ck_assert_int_eq(shared->told[2], 1);
    ck_assert_int_ge(shared->ticks, 3);
    ck_assert(process_goes(shared->worker_pid));
    ck_assert_int_gt(shared->child_pid, 0);
    ck_assert(process_goes(shared->child_pid));
}
END_TEST

static const int interruptions[] = {SIGINT, SIGTERM, SIGHUP};

static void wait_for_worker(void)
{
    for (int i = 0; i < 1000 && shared->worker_pid == 0; i++)
        usleep(2000);
    ck_assert_int_gt(shared->worker_pid, 0);
    ck_assert_int_gt(shared->child_pid, 0);
}

START_TEST(an_interruption_ends_all)
{
    setup();
    void (*const runs[])(void *) = {hangs, returns};
    pid_t pid = start_main(runs, 2, 1, 0);
    wait_for_worker();
    kill(pid, interruptions[_i]);
    int status = -1;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(shared->interrupted, interruptions[_i]);
    ck_assert_int_eq(shared->ends[0], WORKER_INTERRUPTED);
    ck_assert_int_eq(shared->ends[1], WORKER_INTERRUPTED);
    ck_assert_int_eq(shared->started, 0);
    ck_assert(process_goes(shared->worker_pid));
    ck_assert(process_goes(shared->child_pid));
}
END_TEST

START_TEST(workers_die_with_the_main_process)
{
    setup();
    void (*const runs[])(void *) = {hangs};
    pid_t pid = start_main(runs, 1, 1, 0);
    wait_for_worker();
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert(process_goes(shared->worker_pid));
    ck_assert(process_goes(shared->child_pid));
}
END_TEST

START_TEST(workers_start_clean_whatever_our_parent_left)
{
    setup();
    signal(SIGCHLD, SIG_IGN);
    setenv("CK_RUN_CASE", "x", 1);
    setenv("CK_INCLUDE_TAGS", "x", 1);
    setenv("CK_FORK", "no", 1);
    setenv("CKX", "not Check's", 1);
    void (*const runs[])(void *) = {looks_around, exits_3};
    pid_t pid = start_main(runs, 2, 2, 0);
    ck_assert(process_goes(pid));
    ck_assert_int_eq(shared->ends[0], WORKER_DONE);
    ck_assert_int_eq(shared->ends[1], WORKER_DIED);
    ck_assert_int_eq(WEXITSTATUS(shared->statuses[1]), 3);
}
END_TEST

static void passes(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    (void)subject;
    (void)parameter;
    usleep(60000);
    outcome_pass(outcome, "seen");
}

static void never_ends(const struct subject *subject, const void *parameter,
                       struct outcome *outcome)
{
    (void)subject;
    (void)parameter;
    (void)outcome;
    for (;;)
        pause();
}

static void runs_checks(void *context)
{
    (void)context;
    struct check checks[] = {{.timeout_ms = 10000, .needs = STAGE_COUNT, .look = passes},
                             {.timeout_ms = 300, .needs = STAGE_COUNT, .look = never_ends}};
    struct plan plan = {.checks = checks, .count = 2};
    struct facts facts = {0};
    struct subject subject = {.facts = &facts};
    struct error error;
    int run = harness_run("unit", &plan, &subject, shared->outcomes, 1, &error);
    shared->outcome = run == 0 ? 1 : -1;
}

static const struct {
    const char *variable;
    const char *value;
} variables[] = {
    {"CK_RUN_CASE", "x"},
    {"CK_RUN_SUITE", "x"},
    {"CK_INCLUDE_TAGS", "x"},
    {"CK_FORK", "no"},
    {"CK_DEFAULT_TIMEOUT", "0.01"},
    {"CK_TIMEOUT_MULTIPLIER", "0.001"},
    {"CK_TIMEOUT_MULTIPLIER", "1000"},
    {"CK_XML_LOG_FILE_NAME", "/nowhere/log.xml"},
};

/* Workers and harness together: nothing in the environment changes what is run, or for how long. */
START_TEST(checks_run_whatever_the_environment_says)
{
    setup();
    setenv(variables[_i].variable, variables[_i].value, 1);
    void (*const runs[])(void *) = {runs_checks};
    run_main(runs, 1, 1, 3000);
    ck_assert_int_eq(shared->ends[0], WORKER_DONE);
    ck_assert_int_eq(shared->outcome, 1);
    ck_assert_int_eq(shared->outcomes[0].verdict, VERDICT_PASS);
    ck_assert_int_eq(shared->outcomes[1].verdict, VERDICT_ERROR);
    ck_assert_ptr_nonnull(strstr(shared->outcomes[1].message, "did not end within its 0.3 s"));
}
END_TEST

Suite *workers_suite(void)
{
    Suite *suite = suite_create("harness/workers");
    add_test(suite, a_worker_that_is_not_ready_is_not_started);
    add_table_test(suite, no_more_run_than_may, ARRAY_LENGTH(job_limits));
    add_test(suite, no_workers_are_soon_done);
    add_test(suite, each_end_is_told_as_it_was);
    add_test(suite, a_worker_that_exits_0_has_died);
    add_test(suite, a_deadline_kills_workers_and_what_they_started);
    add_table_test(suite, an_interruption_ends_all, ARRAY_LENGTH(interruptions));
    add_test(suite, workers_die_with_the_main_process);
    add_test(suite, workers_start_clean_whatever_our_parent_left);
    add_table_test(suite, checks_run_whatever_the_environment_says, ARRAY_LENGTH(variables));
    return suite;
}
