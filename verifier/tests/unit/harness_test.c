/* What becomes of checks that misbehave. Check's state is static and these tests run under Check,
 * so each harness_run happens in a process of its own, forked here as workers do it. */
#include "harness/harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/memory.h"
#include "base/signals.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

enum { MOST_CHECKS = 64, TIMEOUT_MS = 400, LONG_TEXT = 100000 };

/* What a run left, in memory that its process shares with us. */
struct report {
    struct facts facts;
    int outcome;
    struct error error;
    pid_t pids[MOST_CHECKS]; /* of checks and their children, as they tell */
    size_t order[MOST_CHECKS];
    size_t count;
    size_t processes; /* that run checks at the same time */
    struct outcome outcomes[MOST_CHECKS];
};

static struct report *report;

/* Runs a plan the way a worker does, and waits for its end: the process's wait status. */
static int run(const struct check *checks, size_t count)
{
    struct plan plan = {.checks = (struct check *)(uintptr_t)checks, .count = count};
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        signals_default();
        struct subject subject = {.facts = &report->facts};
        report->outcome = harness_run("unit", &plan, &subject, report->outcomes, report->processes,
                                      &report->error);
        exit_now(0);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
}

static void setup(void)
{
    /* By which people choose among these tests; not meant for those that are started here. */
    unsetenv("CK_RUN_SUITE");
    unsetenv("CK_RUN_CASE");
    report = shared_alloc(sizeof(*report));
    report->outcome = 77;
    report->processes = 1;
}

/* --- checks ----------------------------------------------------------------------------------- */

#define LOOK(name)                                                                                 \
    static void name(const struct subject *subject, const void *parameter, struct outcome *outcome)

#define UNUSED                                                                                     \
    (void)subject;                                                                                 \
    (void)parameter;                                                                               \
    (void)outcome

LOOK(passes)
{
    UNUSED;
    outcome_pass(outcome, "seen");
}

LOOK(warns)
{
    UNUSED;
    outcome_warn(outcome, "odd");
}

LOOK(fails)
{
    UNUSED;
    outcome_fail(outcome, "bad");
}

LOOK(errs)
{
    UNUSED;
    outcome_error(outcome, "no tool");
}

LOOK(skips)
{
    UNUSED;
    outcome_skip(outcome, "nothing to look at");
}

LOOK(says_nothing)
{
    UNUSED;
}

LOOK(segfaults)
{
    UNUSED;
    signal(SIGSEGV, SIG_DFL); /* the sanitizers have a handler of their own */
    raise(SIGSEGV);
}

LOOK(aborts)
{
    UNUSED;
    signal(SIGABRT, SIG_DFL);
    abort();
}

LOOK(hangs)
{
    UNUSED;
    for (;;)
        pause();
}

LOOK(hangs_and_wants_to)
{
    UNUSED;
    signal(SIGTERM, SIG_IGN);
    signal(SIGALRM, SIG_IGN);
    for (;;)
        pause();
}

LOOK(exits_0)
{
    UNUSED;
    exit(0);
}

LOOK(leaves_0)
{
    UNUSED;
    _exit(0);
}

LOOK(leaves_3)
{
    UNUSED;
    _exit(3);
}

LOOK(passes_and_segfaults)
{
    passes(subject, parameter, outcome);
    segfaults(subject, parameter, outcome);
}

LOOK(passes_and_hangs)
{
    passes(subject, parameter, outcome);
    hangs(subject, parameter, outcome);
}

LOOK(passes_and_leaves_1)
{
    passes(subject, parameter, outcome);
    _exit(1);
}

LOOK(warns_and_aborts)
{
    warns(subject, parameter, outcome);
    aborts(subject, parameter, outcome);
}

LOOK(skips_and_segfaults)
{
    skips(subject, parameter, outcome);
    segfaults(subject, parameter, outcome);
}

LOOK(fails_and_leaves_0)
{
    fails(subject, parameter, outcome);
    _exit(0);
}

LOOK(fails_and_segfaults)
{
    fails(subject, parameter, outcome);
    segfaults(subject, parameter, outcome);
}

LOOK(errs_and_leaves_0)
{
    errs(subject, parameter, outcome);
    _exit(0);
}

/* Somebody else ends it, in the middle of its work. */
LOOK(is_terminated)
{
    UNUSED;
    pid_t killer = fork();
    if (killer == 0) {
        setpgid(0, 0);
        kill(getppid(), SIGTERM);
        _exit(0);
    }
    sleep(5);
    outcome_pass(outcome, "went on");
}

LOOK(is_killed)
{
    UNUSED;
    kill(getpid(), SIGKILL);
}

LOOK(passes_and_is_terminated)
{
    passes(subject, parameter, outcome);
    is_terminated(subject, parameter, outcome);
}

LOOK(leaves_a_child)
{
    UNUSED;
    report->pids[0] = fork();
    if (report->pids[0] == 0)
        for (;;)
            pause();
    outcome_pass(outcome, "seen");
}

LOOK(talks)
{
    UNUSED;
    for (int i = 0; i < 20000; i++)
        printf("a line on standard output\n");
    fflush(stdout);
    outcome_pass(outcome, "seen");
}

LOOK(fails_at_length)
{
    UNUSED;
    cleanup(free_pointer) char *text = xcalloc(LONG_TEXT + 1, 1);
    memset(text, 'x', LONG_TEXT);
    outcome_detail(outcome, "%s", text);
    outcome_detail(outcome, "%s", text);
    for (int i = 0; i < OUTCOME_VALUES + 5; i++)
        outcome_value(outcome, text, "%s", text);
    outcome_fail(outcome, "%s", text);
}

LOOK(remembers_its_turn)
{
    (void)subject;
    report->order[report->count++] = *(const size_t *)parameter;
    outcome_pass(outcome, "seen");
}

LOOK(takes_150_ms)
{
    UNUSED;
    usleep(150000);
    outcome_pass(outcome, "seen");
}

LOOK(stays)
{
    UNUSED;
    report->pids[0] = getpid();
    for (;;)
        pause();
}

/* Together with another one alone: each waits until both are there. */
LOOK(meets_the_other)
{
    UNUSED;
    __atomic_add_fetch(&report->count, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&report->count, __ATOMIC_SEQ_CST) < 2)
        usleep(1000);
    outcome_pass(outcome, "met");
}

LOOK(waits_for_three)
{
    UNUSED;
    while (__atomic_load_n(&report->count, __ATOMIC_SEQ_CST) < 3)
        usleep(1000);
    outcome_pass(outcome, "met");
}

LOOK(counts)
{
    UNUSED;
    __atomic_add_fetch(&report->count, 1, __ATOMIC_SEQ_CST);
    outcome_pass(outcome, "seen");
}

LOOK(passes_and_kills_who_runs_it)
{
    UNUSED;
    outcome_pass(outcome, "seen");
    kill(getppid(), SIGKILL);
    usleep(200000);
}

/* --- one check, one misbehaviour ---------------------------------------------------------------
 */

static const struct {
    const char *name;
    void (*look)(const struct subject *, const void *, struct outcome *);
    enum verdict verdict;
    bool warn;
    const char *message; /* a part of it */
} behaviours[] = {
    {"passes", passes, VERDICT_PASS, false, "seen"},
    {"warns", warns, VERDICT_PASS, true, "odd"},
    {"fails", fails, VERDICT_FAIL, false, "bad"},
    {"errs", errs, VERDICT_ERROR, false, "no tool"},
    {"skips", skips, VERDICT_SKIP, false, "nothing to look at"},
    {"says nothing", says_nothing, VERDICT_ERROR, false, "without a verdict"},
    {"SIGSEGV", segfaults, VERDICT_ERROR, false, "Received signal 11"},
    {"abort", aborts, VERDICT_ERROR, false, "Received signal 6"},
    {"hangs", hangs, VERDICT_ERROR, false, "did not end within its 0.4 s and was stopped"},
    {"hangs, ignores signals", hangs_and_wants_to, VERDICT_ERROR, false, "did not end within"},
    {"exit(0)", exits_0, VERDICT_ERROR, false, "ended without a verdict"},
    {"_exit(0)", leaves_0, VERDICT_ERROR, false, "ended without a verdict"},
    {"_exit(3)", leaves_3, VERDICT_ERROR, false, "Early exit with return value 3"},
    {"pass, SIGSEGV", passes_and_segfaults, VERDICT_ERROR, false, "said `pass`, but"},
    {"pass, hangs", passes_and_hangs, VERDICT_ERROR, false, "did not end within"},
    {"pass, _exit(1)", passes_and_leaves_1, VERDICT_ERROR, false, "said `pass`, but"},
    {"warn, abort", warns_and_aborts, VERDICT_ERROR, false, "said `pass`, but"},
    {"skip, SIGSEGV", skips_and_segfaults, VERDICT_ERROR, false, "said `skip`, but"},
    {"fail, _exit(0)", fails_and_leaves_0, VERDICT_ERROR, false, "said `fail`, but"},
    {"fail, SIGSEGV", fails_and_segfaults, VERDICT_ERROR, false, "said `fail`, but"},
    {"error, _exit(0)", errs_and_leaves_0, VERDICT_ERROR, false, "said `error`, but"},
    {"SIGTERM from outside", is_terminated, VERDICT_ERROR, false, "Received signal 15"},
    {"SIGKILL", is_killed, VERDICT_ERROR, false, "Received signal 9"},
    {"pass, SIGTERM", passes_and_is_terminated, VERDICT_ERROR, false, "said `pass`, but"},
    {"leaves a child", leaves_a_child, VERDICT_PASS, false, "seen"},
};

/* Between two others that must not notice. */
START_TEST(a_check_harms_only_itself)
{
    setup();
    char name[] = "unit";
    struct check checks[3];
    for (size_t i = 0; i < ARRAY_LENGTH(checks); i++)
        checks[i] = (struct check){.group = name,
                                   .name = name,
                                   .timeout_ms = i == 1 ? TIMEOUT_MS : 10000,
                                   .needs = STAGE_COUNT,
                                   .look = i == 1 ? behaviours[_i].look : passes};
    ck_assert_int_eq(run(checks, ARRAY_LENGTH(checks)), 0);
    ck_assert_msg(report->outcome == 0, "%s: %s", behaviours[_i].name, report->error.text);
    ck_assert_int_eq(report->outcomes[0].verdict, VERDICT_PASS);
    ck_assert_int_eq(report->outcomes[2].verdict, VERDICT_PASS);
    const struct outcome *outcome = &report->outcomes[1];
    ck_assert_msg(outcome->verdict == behaviours[_i].verdict, "%s: %s: %s", behaviours[_i].name,
                  verdict_name(outcome->verdict), outcome->message);
    ck_assert_int_eq(outcome->warn, behaviours[_i].warn);
    ck_assert_msg(strstr(outcome->message, behaviours[_i].message), "%s: %s", behaviours[_i].name,
                  outcome->message);
    ck_assert_int_ge(outcome->duration_ms, 0);
    ck_assert_int_le(outcome->duration_ms, 3000);
    if (behaviours[_i].look == leaves_a_child)
        ck_assert(process_goes(report->pids[0]));
}
END_TEST

START_TEST(long_texts_are_cut_and_not_lost)
{
    setup();
    struct check check = {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = fails_at_length};
    ck_assert_int_eq(run(&check, 1), 0);
    const struct outcome *outcome = &report->outcomes[0];
    ck_assert_int_eq(report->outcome, 0);
    ck_assert_int_eq(outcome->verdict, VERDICT_FAIL);
    ck_assert_uint_eq(strlen(outcome->message), sizeof(outcome->message) - 1);
    ck_assert(ends_with(outcome->message, "x..."));
    ck_assert_uint_eq(strlen(outcome->details), sizeof(outcome->details) - 1);
    ck_assert_uint_eq(outcome->value_count, OUTCOME_VALUES);
    ck_assert_int_eq(report->outcomes[1].verdict, VERDICT_NONE);
}
END_TEST

START_TEST(what_a_check_prints_is_no_verdict)
{
    setup();
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(dup2(null, STDOUT_FILENO), STDOUT_FILENO);
    struct check check = {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = talks};
    ck_assert_int_eq(run(&check, 1), 0);
    ck_assert_int_eq(report->outcomes[0].verdict, VERDICT_PASS);
}
END_TEST

/* --- plans -------------------------------------------------------------------------------------
 */

START_TEST(an_empty_plan_is_an_error)
{
    setup();
    ck_assert_int_eq(run(NULL, 0), 0);
    ck_assert_int_eq(report->outcome, -1);
    ck_assert_int_eq(report->error.fault, FAULT_MACHINE);
    ck_assert_str_eq(report->error.text, "there is no check to run");
}
END_TEST

START_TEST(checks_run_once_and_in_order)
{
    setup();
    struct check checks[MOST_CHECKS];
    size_t numbers[MOST_CHECKS];
    for (size_t i = 0; i < MOST_CHECKS; i++) {
        numbers[i] = i;
        checks[i] = (struct check){.timeout_ms = 10000,
                                   .needs = STAGE_COUNT,
                                   .look = remembers_its_turn,
                                   .parameter = &numbers[i]};
    }
    ck_assert_int_eq(run(checks, MOST_CHECKS), 0);
    ck_assert_int_eq(report->outcome, 0);
    ck_assert_uint_eq(report->count, MOST_CHECKS);
    for (size_t i = 0; i < MOST_CHECKS; i++)
        ck_assert_uint_eq(report->order[i], i);
}
END_TEST

START_TEST(checks_run_side_by_side)
{
    setup();
    report->processes = 2;
    struct check checks[] = {
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = meets_the_other},
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = meets_the_other},
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = fails},
    };
    ck_assert_int_eq(run(checks, 3), 0);
    ck_assert_int_eq(report->outcome, 0);
    ck_assert_str_eq(report->outcomes[0].message, "met");
    ck_assert_str_eq(report->outcomes[1].message, "met");
    ck_assert_int_eq(report->outcomes[2].verdict, VERDICT_FAIL);
}
END_TEST

START_TEST(a_long_check_holds_up_no_other)
{
    setup();
    report->processes = 2;
    struct check checks[] = {
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = waits_for_three},
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = counts},
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = counts},
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = counts},
    };
    ck_assert_int_eq(run(checks, 4), 0);
    ck_assert_int_eq(report->outcome, 0);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(report->outcomes[i].verdict, VERDICT_PASS);
}
END_TEST

static const struct {
    const char *name;
    size_t processes;
    const char *error;
    enum verdict others;
} deaths[] = {
    {"alone", 1, "4 checks were planned, and 0 were run", VERDICT_ERROR},
    {"one of two: the other runs what is left", 2, "4 checks were planned, and 3 were run",
     VERDICT_PASS},
};

/* A pass that Check never heard of is none. */
START_TEST(nothing_passes_when_who_runs_it_has_died)
{
    setup();
    report->processes = deaths[_i].processes;
    struct check checks[] = {
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = passes_and_kills_who_runs_it},
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = passes},
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = passes},
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = passes},
    };
    ck_assert_int_eq(run(checks, 4), 0);
    ck_assert_int_eq(report->outcome, -1);
    ck_assert_str_eq(report->error.text, deaths[_i].error);
    ck_assert_int_eq(report->outcomes[0].verdict, VERDICT_ERROR);
    ck_assert_ptr_nonnull(strstr(report->outcomes[0].message, "said `pass`, but"));
    for (size_t i = 1; i < 4; i++) {
        ck_assert_int_eq(report->outcomes[i].verdict, deaths[_i].others);
        if (deaths[_i].others == VERDICT_ERROR)
            ck_assert_ptr_nonnull(strstr(report->outcomes[i].message, "ended without a verdict"));
    }
}
END_TEST

START_TEST(durations_are_measured)
{
    setup();
    struct check checks[] = {
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = takes_150_ms},
        {.timeout_ms = 250, .needs = STAGE_COUNT, .look = hangs},
    };
    ck_assert_int_eq(run(checks, 2), 0);
    ck_assert_int_ge(report->outcomes[0].duration_ms, 150);
    ck_assert_int_le(report->outcomes[0].duration_ms, 1000);
    ck_assert_int_gt(report->outcomes[0].started_ms, 0);
    ck_assert_int_ge(report->outcomes[1].duration_ms, 125); /* less what its start took */
    ck_assert_int_le(report->outcomes[1].duration_ms, 250);
}
END_TEST

static const int64_t no_timeouts[] = {0, -1, INT64_MIN};

/* To Check, 0 would mean that it may hang for ever. */
START_TEST(no_time_is_no_endless_time)
{
    setup();
    char name[] = "unit";
    struct check check = {
        .name = name, .timeout_ms = no_timeouts[_i], .needs = STAGE_COUNT, .look = passes};
    ck_assert_int_eq(run(&check, 1), 0);
    ck_assert_int_eq(report->outcome, -1);
    ck_assert_str_eq(report->error.text, "the check `unit` is given no time to run");
    ck_assert_int_eq(report->outcomes[0].verdict, VERDICT_NONE);
}
END_TEST

static const int64_t long_timeouts[] = {36LL * 60 * 1000, 30LL * 24 * 3600 * 1000, INT64_MAX};

START_TEST(a_long_time_is_no_short_one)
{
    setup();
    struct check check = {
        .timeout_ms = long_timeouts[_i], .needs = STAGE_COUNT, .look = takes_150_ms};
    ck_assert_int_eq(run(&check, 1), 0);
    ck_assert_msg(report->outcomes[0].verdict == VERDICT_PASS, "%s", report->outcomes[0].message);
}
END_TEST

/* Variables that make Check run less, or otherwise. Workers remove them, and harness_run alone must
 * not be deceived either. */
static const struct {
    const char *variable;
    const char *value;
    int outcome;
} variables[] = {
    {"CK_RUN_CASE", "x", -1},       {"CK_RUN_SUITE", "x", -1}, {"CK_INCLUDE_TAGS", "x", -1},
    {"CK_EXCLUDE_TAGS", "x", 0},    {"CK_FORK", "no", 0},      {"CK_VERBOSITY", "verbose", 0},
    {"CK_DEFAULT_TIMEOUT", "0", 0}, {"CK_RUN_CASE", "0", -1},
};

START_TEST(checks_variables_do_not_deceive)
{
    setup();
    setenv(variables[_i].variable, variables[_i].value, 1);
    struct check checks[] = {
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = passes},
        {.timeout_ms = 10000, .needs = STAGE_COUNT, .look = segfaults},
        {.timeout_ms = 300, .needs = STAGE_COUNT, .look = hangs},
    };
    ck_assert_int_eq(run(checks, 3), 0);
    ck_assert_int_eq(report->outcome, variables[_i].outcome);
    if (report->outcome < 0) {
        ck_assert_ptr_nonnull(strstr(report->error.text, "3 checks were planned, and "));
        ck_assert_int_ne(report->outcomes[2].verdict, VERDICT_PASS);
        outcomes_close(report->outcomes, 3, report->error.text);
    }
    ck_assert_int_eq(report->outcomes[1].verdict, VERDICT_ERROR);
    ck_assert_int_eq(report->outcomes[2].verdict, VERDICT_ERROR);
}
END_TEST

START_TEST(a_check_dies_with_its_worker)
{
    setup();
    struct check check = {.timeout_ms = 60000, .needs = STAGE_COUNT, .look = stays};
    struct plan plan = {.checks = &check, .count = 1};
    pid_t worker = fork();
    if (worker == 0) {
        setpgid(0, 0);
        signals_default();
        struct subject subject = {.facts = &report->facts};
        harness_run("unit", &plan, &subject, report->outcomes, 1, &report->error);
        _exit(0);
    }
    for (int i = 0; i < 1000 && *(volatile pid_t *)&report->pids[0] == 0; i++)
        usleep(2000);
    ck_assert_int_gt(report->pids[0], 0);
    kill(worker, SIGKILL);
    waitpid(worker, NULL, 0);
    bool gone = process_goes(report->pids[0]);
    kill(report->pids[0], SIGKILL); /* it must not stay even when this test fails */
    ck_assert(gone);
}
END_TEST

START_TEST(closing_gives_a_verdict_where_there_is_none)
{
    struct outcome outcomes[3] = {{.verdict = VERDICT_PASS}, {0}, {.verdict = VERDICT_FAIL}};
    outcomes_close(outcomes, 3, "a reason of 100 %");
    ck_assert_int_eq(outcomes[0].verdict, VERDICT_PASS);
    ck_assert_int_eq(outcomes[1].verdict, VERDICT_ERROR);
    ck_assert_str_eq(outcomes[1].message, "a reason of 100 %");
    ck_assert_int_eq(outcomes[2].verdict, VERDICT_FAIL);
}
END_TEST

START_TEST(what_is_left_hears_no_more)
{
    int go[2];
    int status = -1;
    ck_assert_int_eq(pipe(go), 0);
    int *shared = shared_alloc(2 * sizeof(*shared));
    shared[0] = 1;
    pid_t late = fork();
    if (late == 0) {
        char byte;
        exit_now(read(go[0], &byte, 1) == 1 ? (shared[0] = shared[1] = 2) : 9);
    }
    shared_leave(shared, 2 * sizeof(*shared));
    ck_assert_int_eq(write(go[1], "x", 1), 1);
    ck_assert_int_eq(waitpid(late, &status, 0), late);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    ck_assert_int_eq(shared[0], 1);
    ck_assert_int_eq(shared[1], 0);
    shared[1] = 3;
    ck_assert_int_eq(shared[1], 3);
    shared_free(shared, 2 * sizeof(*shared));
}
END_TEST

/* --- prerequisites -----------------------------------------------------------------------------
 */

static const struct {
    enum stage needs;
    enum stage broken; /* not done; those after it are not reached */
    enum verdict verdict;
    const char *message;
} needs[] = {
    {STAGE_COUNT, STAGE_FIND, VERDICT_PASS, "seen"},
    {STAGE_FIND, STAGE_FIND, VERDICT_SKIP, "because `backup is recent` did not pass"},
    {STAGE_FIND, STAGE_READ, VERDICT_PASS, "seen"},
    {STAGE_READ, STAGE_FIND, VERDICT_SKIP, "because `backup is recent` did not pass"},
    {STAGE_READ, STAGE_READ, VERDICT_SKIP, "because `backup is intact` did not pass"},
    {STAGE_RESTORE, STAGE_READ, VERDICT_SKIP, "because `backup is intact` did not pass"},
    {STAGE_RESTORE, STAGE_START, VERDICT_SKIP, "because `backup restores` did not pass"},
    {STAGE_RESTORE, STAGE_RESTORE, VERDICT_SKIP, "because `backup restores` did not pass"},
    {STAGE_RESTORE, STAGE_COUNT, VERDICT_PASS, "seen"},
};

START_TEST(a_check_is_skipped_only_for_what_it_needs)
{
    setup();
    static const enum stage_state undone[] = {STAGE_FAILED, STAGE_NOT_REACHED, STAGE_RUNNING};
    for (size_t i = 0; i < ARRAY_LENGTH(undone); i++) {
        for (enum stage stage = STAGE_FIND; stage < STAGE_COUNT; stage++)
            report->facts.stages[stage].state = stage < needs[_i].broken ? STAGE_DONE : undone[i];
        struct check check = {.timeout_ms = 10000, .needs = needs[_i].needs, .look = passes};
        ck_assert_int_eq(run(&check, 1), 0);
        ck_assert_int_eq(report->outcomes[0].verdict, needs[_i].verdict);
        ck_assert_ptr_nonnull(strstr(report->outcomes[0].message, needs[_i].message));
        memset(report->outcomes, 0, sizeof(report->outcomes[0]));
    }
}
END_TEST

Suite *harness_suite(void)
{
    Suite *suite = suite_create("harness/harness");
    add_table_test(suite, a_check_harms_only_itself, ARRAY_LENGTH(behaviours));
    add_test(suite, long_texts_are_cut_and_not_lost);
    add_test(suite, what_a_check_prints_is_no_verdict);
    add_test(suite, an_empty_plan_is_an_error);
    add_test(suite, checks_run_once_and_in_order);
    add_test(suite, checks_run_side_by_side);
    add_test(suite, a_long_check_holds_up_no_other);
    add_table_test(suite, nothing_passes_when_who_runs_it_has_died, ARRAY_LENGTH(deaths));
    add_test(suite, durations_are_measured);
    add_table_test(suite, no_time_is_no_endless_time, ARRAY_LENGTH(no_timeouts));
    add_table_test(suite, a_long_time_is_no_short_one, ARRAY_LENGTH(long_timeouts));
    add_table_test(suite, checks_variables_do_not_deceive, ARRAY_LENGTH(variables));
    add_test(suite, a_check_dies_with_its_worker);
    add_test(suite, closing_gives_a_verdict_where_there_is_none);
    add_test(suite, what_is_left_hears_no_more);
    add_table_test(suite, a_check_is_skipped_only_for_what_it_needs, ARRAY_LENGTH(needs));
    return suite;
}
