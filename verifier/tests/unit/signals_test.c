#include "base/signals.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

static const struct {
    int sent;
    int received;
} waits[] = {
    {SIGINT, SIGINT}, {SIGTERM, SIGTERM}, {SIGHUP, SIGHUP}, {SIGCHLD, 0}, {0, 0},
};

START_TEST(signals_are_events)
{
    signal(SIGHUP, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signals_block();
    if (waits[_i].sent)
        kill(getpid(), waits[_i].sent);
    int64_t began_ms = clock_ms();
    ck_assert_int_eq(signals_wait(waits[_i].sent ? 3000 : 50), waits[_i].received);
    int64_t took_ms = clock_ms() - began_ms;
    if (waits[_i].sent)
        ck_assert_int_lt(took_ms, 1000);
    else
        ck_assert_int_ge(took_ms, 49);
    ck_assert_int_eq(signals_wait(0), 0); /* each only once */
}
END_TEST

/* nohup(1) leaves SIGHUP ignored, and means it. */
START_TEST(an_ignored_hangup_stays_ignored)
{
    signal(SIGHUP, SIG_IGN);
    signals_block();
    kill(getpid(), SIGHUP);
    ck_assert_int_eq(signals_wait(20), 0);
}
END_TEST

START_TEST(the_end_of_a_child_wakes_even_where_sigchld_was_ignored)
{
    signal(SIGCHLD, SIG_IGN);
    signals_block();
    pid_t child = fork();
    if (child == 0)
        exit_now(7);
    int64_t began_ms = clock_ms();
    ck_assert_int_eq(signals_wait(3000), 0);
    ck_assert_int_lt(clock_ms() - began_ms, 2000);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 7);
}
END_TEST

START_TEST(a_reader_that_went_away_is_no_death)
{
    signals_block();
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    ck_assert_int_eq(write(ends[1], "x", 1), -1);
}
END_TEST

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGPIPE, SIGQUIT, SIGUSR1};

START_TEST(default_handling_is_deadly_again)
{
    pid_t child = fork();
    if (child == 0) {
        signal(deadly[_i], SIG_IGN);
        signals_block();
        sigset_t set;
        sigfillset(&set);
        sigprocmask(SIG_BLOCK, &set, NULL);
        signals_default();
        kill(getpid(), deadly[_i]);
        usleep(200000);
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == deadly[_i]);
}
END_TEST

static void forbidden(void)
{
    _exit(66);
}

START_TEST(leaving_now_runs_no_exit_handler)
{
    pid_t child = fork();
    if (child == 0) {
        atexit(forbidden);
        exit_now(5);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 5);
}
END_TEST

Suite *signals_suite(void)
{
    Suite *suite = suite_create("base/signals");
    add_table_test(suite, signals_are_events, ARRAY_LENGTH(waits));
    add_test(suite, an_ignored_hangup_stays_ignored);
    add_test(suite, the_end_of_a_child_wakes_even_where_sigchld_was_ignored);
    add_test(suite, a_reader_that_went_away_is_no_death);
    add_table_test(suite, default_handling_is_deadly_again, ARRAY_LENGTH(deadly));
    add_test(suite, leaving_now_runs_no_exit_handler);
    return suite;
}
