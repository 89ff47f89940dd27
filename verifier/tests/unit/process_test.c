#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/account.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

enum { ENOUGH_MS = 10000 };

/* Runs a shell command with these options and expects it to be run. */
static void run_shell(struct process_options *options, const char *command,
                      struct process_result *result)
{
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    struct error error = {0};
    options->argv = argv;
    int outcome = process_run(options, deadline_after(ENOUGH_MS), result, &error);
    options->argv = NULL;
    ck_assert_msg(outcome == 0, "%s", error.text);
}

static const struct {
    const char *name;
    const char *program;
    const char *error; /* in the text */
} unstartable[] = {
    {"not in PATH", "restore-verifier-no-such-program", "is not installed, or not in PATH"},
    {"not at its path", "/nowhere/at/all", "is not installed, or not in PATH"},
    {"not executable", "/etc/passwd", "/etc/passwd could not be started: Permission denied"},
    {"a directory", "/etc", "could not be started: Permission denied"},
};

START_TEST(what_cannot_be_started_is_an_error)
{
    setenv("PATH", "/usr/bin:/bin", 1); /* directories that anyone may look into */
    const char *const argv[] = {unstartable[_i].program, NULL};
    struct process_options options = {.argv = argv};
    struct process_result result = {.exit_code = 77};
    struct error error = {0};
    ck_assert_int_eq(process_run(&options, deadline_after(ENOUGH_MS), &result, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_msg(strstr(error.text, unstartable[_i].error), "%s: %s", unstartable[_i].name,
                  error.text);
    ck_assert_int_eq(result.exit_code, 77);
    pid_t pid = 77;
    ck_assert_int_eq(process_start(&options, &pid, &error), -1);
    ck_assert_int_eq(pid, 77);
    /* Nothing is left to be waited for. */
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(a_missing_directory_is_an_error)
{
    const char *const argv[] = {"/bin/true", NULL};
    struct process_options options = {.argv = argv, .directory = "/nowhere"};
    struct process_result result;
    struct error error = {0};
    ck_assert_int_eq(process_run(&options, deadline_after(ENOUGH_MS), &result, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "could not enter its directory /nowhere: "));
}
END_TEST

static const struct {
    const char *command;
    int exit_code;
    int signal;
    const char *described;
} endings[] = {
    {"exit 0", 0, 0, "exited with code 0"},
    {"exit 1", 1, 0, "exited with code 1"},
    {"exit 127", 127, 0, "exited with code 127"},
    {"exit 255", 255, 0, "exited with code 255"},
    {"kill -KILL $$", -1, SIGKILL, "was killed by signal 9 (Killed)"},
    {"kill -SEGV $$", -1, SIGSEGV, "was killed by signal 11 (Segmentation fault)"},
    {"kill -TERM $$", -1, SIGTERM, "was killed by signal 15 (Terminated)"},
    /* What the shell saw of its own child is not what we see of the shell. */
    {"sh -c 'kill -KILL $$'; exit 3", 3, 0, "exited with code 3"},
};

START_TEST(endings_are_told)
{
    struct process_options options = {0};
    struct process_result result;
    run_shell(&options, endings[_i].command, &result);
    ck_assert_int_eq(result.exit_code, endings[_i].exit_code);
    ck_assert_int_eq(result.signal, endings[_i].signal);
    cleanup(free_pointer) char *described = process_describe(&result);
    ck_assert_str_eq(described, endings[_i].described);
    process_result_free(&result);
}
END_TEST

START_TEST(output_and_errors_are_captured_apart)
{
    struct process_options options = {0};
    struct process_result result;
    run_shell(&options, "echo out; echo err >&2; cat", &result);
    ck_assert_str_eq(result.output.data, "out\n");
    ck_assert_str_eq(result.errors.data, "err\n");
    ck_assert(!result.output.overflowed && !result.errors.overflowed);
    process_result_free(&result);
}
END_TEST

START_TEST(much_output_on_both_pipes_is_drained_and_capped)
{
    struct process_options options = {0};
    struct process_result result;
    run_shell(&options,
              "head -c 6000000 /dev/zero >&2 & head -c 5000000 /dev/zero; "
              "head -c 300000 /dev/zero >&2; wait; exit 5",
              &result);
    ck_assert_int_eq(result.exit_code, 5);
    ck_assert_uint_eq(result.output.length, PROCESS_OUTPUT_LIMIT);
    ck_assert_uint_eq(result.errors.length, PROCESS_OUTPUT_LIMIT);
    ck_assert(result.output.overflowed && result.errors.overflowed);
    process_result_free(&result);
}
END_TEST

START_TEST(output_goes_to_a_given_descriptor)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "output");
    cleanup(close_descriptor) int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct process_options options = {.output = file};
    struct process_result result;
    run_shell(&options, "echo out; echo err >&2", &result);
    ck_assert_uint_eq(result.output.length, 0);
    ck_assert_str_eq(result.errors.data, "err\n");
    char text[16] = "";
    ck_assert_int_eq(pread(file, text, sizeof(text) - 1, 0), 4);
    ck_assert_str_eq(text, "out\n");
    process_result_free(&result);
}
END_TEST

START_TEST(a_given_descriptor_that_is_closed_is_an_error)
{
    const char *const argv[] = {"/bin/true", NULL};
    struct process_options options = {.argv = argv, .output = 999};
    struct process_result result;
    struct error error = {0};
    ck_assert_int_eq(process_run(&options, deadline_after(ENOUGH_MS), &result, &error), -1);
}
END_TEST

static const char *const endless[] = {
    "sleep 60",                                 /* silent */
    "yes",                                      /* its output never pauses */
    "yes >&2",                                  /* nor do its errors */
    "trap '' TERM INT HUP; sleep 60; sleep 60", /* does not want to end */
    "exec >&- 2>&-; sleep 60",                  /* has closed its pipes */
    "sleep 60 & exit 0",                        /* has ended, but its child holds the pipes */
};

START_TEST(a_deadline_ends_it)
{
    const char *const argv[] = {"/bin/sh", "-c", endless[_i], NULL};
    struct process_options options = {.argv = argv};
    struct process_result result;
    struct error error = {0};
    int64_t began_ms = clock_ms();
    ck_assert_int_eq(process_run(&options, deadline_after(200), &result, &error), -1);
    ck_assert_int_lt(clock_ms() - began_ms, 2000);
    ck_assert_int_ge(clock_ms() - began_ms, 200);
    ck_assert_str_eq(error.text, "/bin/sh did not end in time and was stopped");
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
}
END_TEST

static int enough(const void *context, struct error *error)
{
    (void)context;
    return cannot_verify(error, "enough of it");
}

START_TEST(who_watches_ends_it)
{
    const char *const argv[] = {"/bin/sh", "-c", "sleep 60 & sleep 60", NULL};
    struct process_options options = {.argv = argv, .watch = enough};
    struct process_result result;
    struct error error = {0};
    int64_t before = clock_ms();
    ck_assert_int_eq(process_run(&options, NO_DEADLINE, &result, &error), -1);
    ck_assert_int_lt(clock_ms() - before, 20000);
    ck_assert_str_eq(error.text, "enough of it");
}
END_TEST

START_TEST(a_deadline_kills_the_whole_group)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "pid");
    cleanup(free_pointer) char *command =
        xasprintf("sh -c 'trap \"\" TERM; echo $$ >%s; sleep 60; sleep 60' & wait", path);
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    struct process_options options = {.argv = argv};
    struct process_result result;
    struct error error = {0};
    ck_assert_int_eq(process_run(&options, deadline_after(300), &result, &error), -1);
    ck_assert(process_goes(scratch_read_pid(path)));
}
END_TEST

/* Each number is a set of descriptors among 0, 1 and 2 that our caller has closed. */
START_TEST(closed_standard_descriptors_do_no_harm)
{
    for (int descriptor = 0; descriptor < 3; descriptor++)
        if (_i & (1 << descriptor))
            close(descriptor);
    struct process_options options = {0};
    struct process_result result;
    run_shell(&options, "cat; echo out; echo err >&2", &result);
    ck_assert_str_eq(result.errors.data, "err\n");
    ck_assert_str_eq(result.output.data, "out\n");
    process_result_free(&result);
}
END_TEST

START_TEST(started_with_closed_standard_descriptors_it_writes_where_it_should)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *output_path = scratch_path(scratch, "output");
    cleanup(free_pointer) char *errors_path = scratch_path(scratch, "errors");
    close(0);
    close(1);
    close(2);
    ck_assert_int_eq(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    /* Just the wrong way round. */
    int errors = open(errors_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int output = open(output_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const char *const argv[] = {"/bin/sh", "-c", "echo out; echo err >&2", NULL};
    struct process_options options = {.argv = argv, .output = output, .errors = errors};
    struct error error = {0};
    pid_t pid;
    int status;
    ck_assert_int_eq(process_start(&options, &pid, &error), 0);
    ck_assert_int_eq(process_wait(pid, deadline_after(ENOUGH_MS), &status), 1);
    char text[16] = "";
    ck_assert_int_eq(pread(output, text, sizeof(text) - 1, 0), 4);
    ck_assert_str_eq(text, "out\n");
    ck_assert_int_eq(pread(errors, text, sizeof(text) - 1, 0), 4);
    ck_assert_str_eq(text, "err\n");
}
END_TEST

START_TEST(the_environment_is_made_from_nothing)
{
    static const char *const secrets[] = {"DATABASE_URL",   "S3_SECRET_KEY", "AWS_SESSION_TOKEN",
                                          "PGPASSWORD",     "PGHOST",        "PASSWORD",
                                          "PATHOLOGY",      "TZ_SECRET",     "LANGUISH",
                                          "LD_PRELOAD_NOT", "HOME",          "UNIT_CANARY"};
    clearenv();
    for (size_t i = 0; i < ARRAY_LENGTH(secrets); i++)
        setenv(secrets[i], "caller's", 1);
    setenv("PATH", "/usr/bin:/bin", 1);
    setenv("LANG", "C.UTF-8", 1);
    setenv("LC_TIME", "C", 1);
    setenv("LC_ALL", "de_DE", 1);
    setenv("TZ", "UTC", 1);
    static const char *const added[] = {
        "LC_ALL=POSIX", "UNIT_TWICE=first", "UNIT_NEW=", "UNIT_SET=new=er",
        "LC_ALL=C",     "UNIT_TWICE=last",  NULL};
    const char *const argv[] = {"/usr/bin/env", NULL};
    struct process_options options = {.argv = argv, .environment = added};
    struct process_result result;
    struct error error = {0};
    ck_assert_int_eq(process_run(&options, deadline_after(ENOUGH_MS), &result, &error), 0);
    ck_assert_str_eq(result.output.data, "PATH=/usr/bin:/bin\nLANG=C.UTF-8\nLC_TIME=C\nTZ=UTC\n"
                                         "UNIT_NEW=\nUNIT_SET=new=er\nLC_ALL=C\n"
                                         "UNIT_TWICE=last\n");
    process_result_free(&result);
}
END_TEST

START_TEST(no_descriptor_is_inherited)
{
    int leaked[40];
    for (size_t i = 0; i < ARRAY_LENGTH(leaked); i++)
        leaked[i] = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    struct process_options options = {0};
    struct process_result result;
    run_shell(&options, "echo /proc/$$/fd/*", &result);
    for (const char *next = strstr(result.output.data, "/fd/"); next;
         next = strstr(next + 1, "/fd/"))
        ck_assert_msg(strtol(next + 4, NULL, 10) <= 2 ||
                          strtol(next + 4, NULL, 10) == 3, /* the shell's own, for its glob */
                      "%s", result.output.data);
    process_result_free(&result);
}
END_TEST

/* A mask of signals as /proc/PID/status has it, without 32 and 33: those are glibc's own, which
 * lets nobody change them, and make starts its children with both ignored. */
static unsigned long long signal_mask(const char *status, const char *name)
{
    const char *line = strstr(status, name);
    ck_assert_ptr_nonnull(line);
    return strtoull(line + strlen(name), NULL, 16) & ~0x180000000ULL;
}

START_TEST(signals_have_their_default_handling)
{
    for (int number = 1; number < NSIG; number++)
        if (number != SIGALRM && number != SIGCHLD)
            signal(number, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    const char *const argv[] = {"/bin/cat", "/proc/self/status", NULL};
    struct process_options options = {.argv = argv};
    struct process_result result;
    struct error error = {0};
    ck_assert_int_eq(process_run(&options, deadline_after(ENOUGH_MS), &result, &error), 0);
    static const char *const masks[] = {"SigBlk:", "SigIgn:", "SigCgt:"};
    for (size_t i = 0; i < ARRAY_LENGTH(masks); i++)
        ck_assert_msg(signal_mask(result.output.data, masks[i]) == 0, "%s", result.output.data);
    process_result_free(&result);
}
END_TEST

/* A caller may have been started with SIGCHLD ignored: then the kernel forgets how children end. */
START_TEST(an_ignored_sigchld_hides_no_failure)
{
    signal(SIGCHLD, SIG_IGN);
    struct process_options options = {0};
    struct process_result result;
    run_shell(&options, "exit 9", &result);
    ck_assert_int_eq(result.exit_code, 9);
    process_result_free(&result);
}
END_TEST

START_TEST(an_end_that_nobody_saw_is_no_success)
{
    const char *const argv[] = {"/bin/true", NULL};
    struct process_options options = {.argv = argv};
    struct error error = {0};
    pid_t pid;
    int status = 0;
    ck_assert_int_eq(process_start(&options, &pid, &error), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_int_eq(process_wait(pid, deadline_after(ENOUGH_MS), &status), 1);
    ck_assert(!WIFEXITED(status) && !WIFSIGNALED(status));
    struct process_result unseen = {.exit_code = -1};
    cleanup(free_pointer) char *described = process_describe(&unseen);
    ck_assert_str_eq(described, "ended, but nobody saw how");
}
END_TEST

START_TEST(it_has_a_process_group_of_its_own)
{
    struct process_options options = {0};
    struct process_result result;
    run_shell(&options, "echo $$; cut -d' ' -f5 /proc/$$/stat", &result);
    char *end;
    long pid = strtol(result.output.data, &end, 10);
    long group = strtol(end, NULL, 10);
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(pid, group);
    ck_assert_int_ne(group, getpgrp());
    process_result_free(&result);
}
END_TEST

static const struct account nobody = {.uid = 65534, .gid = 65534};

static bool may_change_user(void)
{
    if (geteuid() == 0)
        return true;
    fputs("skipped: only root may run programs as somebody else\n", stderr);
    return false;
}

START_TEST(it_runs_as_another_account)
{
    if (!may_change_user())
        return;
    const gid_t group = 4;
    ck_assert_int_eq(setgroups(1, &group), 0); /* which it must not keep */
    struct process_options options = {.account = &nobody};
    struct process_result result;
    run_shell(&options, "grep -E '^(Uid|Gid|Groups|CapEff)' /proc/$$/status", &result);
    ck_assert_str_eq(result.output.data,
                     "Uid:\t65534\t65534\t65534\t65534\nGid:\t65534\t65534\t65534\t65534\n"
                     "Groups:\t \nCapEff:\t0000000000000000\n");
    process_result_free(&result);
}
END_TEST

START_TEST(the_directory_that_another_account_cannot_pass_is_found)
{
    cleanup(scratch_free) char *directory = scratch_new();
    cleanup(free_pointer) char *open = xasprintf("%s/open", directory);
    cleanup(free_pointer) char *closed = xasprintf("%s/closed", open);
    cleanup(free_pointer) char *work = xasprintf("%s/work", closed);
    const struct account self = {.uid = geteuid(), .gid = getegid()};
    ck_assert_int_eq(chmod(directory, 0755) | mkdir(open, 0711) | mkdir(closed, 0700), 0);
    ck_assert_int_eq(mkdir(work, 0711), 0);
    ck_assert_ptr_null(account_barrier(&self, work));
    if (!may_change_user())
        return;
    cleanup(free_pointer) char *barrier = account_barrier(&nobody, work);
    ck_assert_str_eq(barrier, closed);
    ck_assert_int_eq(geteuid(), 0);
    ck_assert_int_eq(chmod(closed, 0711), 0);
    ck_assert_ptr_null(account_barrier(&nobody, work));
    cleanup(free_pointer) char *name = account_name(&nobody);
    ck_assert_str_eq(name, "nobody");
}
END_TEST

static const struct confinement no_network = {.network = CONFINE_NETWORK_LOCAL};

static const struct {
    bool other_user;
    int death_signal;
    bool no_network;
    bool survives;
} starters[] = {
    {false, 0, false, false},     {true, 0, false, false}, {false, SIGQUIT, false, false},
    {true, SIGQUIT, true, false}, {false, 0, true, false}, {false, -1, false, true},
};

START_TEST(it_dies_with_its_starter)
{
    if (starters[_i].other_user && !may_change_user())
        return;
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t starter = fork();
    if (starter == 0) {
        const char *const argv[] = {"/bin/sleep", "60", NULL};
        struct process_options options = {.argv = argv,
                                          .account = starters[_i].other_user ? &nobody : NULL,
                                          .death_signal = starters[_i].death_signal,
                                          .confinement =
                                              starters[_i].no_network ? &no_network : NULL};
        struct error error;
        pid_t pid = 0;
        process_start(&options, &pid, &error);
        if (write(ends[1], &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
            _exit(1);
        for (;;)
            pause();
    }
    pid_t pid = 0;
    ck_assert_int_eq(read(ends[0], &pid, sizeof(pid)), (ssize_t)sizeof(pid));
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(kill(pid, 0), 0);
    kill(starter, SIGKILL);
    waitpid(starter, NULL, 0);
    if (starters[_i].survives) {
        usleep(50000);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
    }
    ck_assert(process_goes(pid));
}
END_TEST

/* Another network needs root's rights or user namespaces, and some machines grant neither. */
static bool may_leave_network(void)
{
    pid_t pid = fork();
    int status = 0;
    if (pid == 0)
        _exit(unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : 1);
    waitpid(pid, &status, 0);
    if (status == 0)
        return true;
    fputs("skipped: this machine grants no network namespace\n", stderr);
    return false;
}

/* The third and fourth are those of containers: root that may not administer the machine. */
static const struct {
    bool root;
    bool to_nobody;
    bool administrator;
} networks[] = {
    {true, false, true}, {true, true, true},    {true, false, false},
    {true, true, false}, {false, false, false},
};

static void give_up_administration(void)
{
    ck_assert_int_eq(prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN), 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2];
    ck_assert_int_eq(syscall(SYS_capget, &header, sets), 0);
    sets[0].effective &= ~(1U << CAP_SYS_ADMIN);
    sets[0].permitted &= ~(1U << CAP_SYS_ADMIN);
    sets[0].inheritable &= ~(1U << CAP_SYS_ADMIN);
    ck_assert_int_eq(syscall(SYS_capset, &header, sets), 0);
}

START_TEST(without_network_there_is_only_a_loopback)
{
    if (networks[_i].root && !may_change_user())
        return;
    if (!networks[_i].root && geteuid() == 0) {
        ck_assert_int_eq(setgid(65534), 0);
        ck_assert_int_eq(setuid(65534), 0);
        prctl(PR_SET_DUMPABLE, 1); /* as a process that has always been an ordinary user's */
    }
    if (networks[_i].root && !networks[_i].administrator)
        give_up_administration();
    if (!may_leave_network()) /* as the one that it has become: a chroot grants root alone one */
        return;
    struct process_options options = {.confinement = &no_network,
                                      .account = networks[_i].to_nobody ? &nobody : NULL};
    struct process_result result;
    run_shell(&options, "sed -n 's/^ *\\([^ ]*\\):.*/\\1/p' /proc/net/dev; id -u", &result);
    bool ordinary = networks[_i].to_nobody || !networks[_i].root;
    ck_assert_str_eq(result.output.data, ordinary ? "lo\n65534\n" : "lo\n0\n");
    process_result_free(&result);
}
END_TEST

START_TEST(without_network_unix_sockets_still_work)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", scratch);
    cleanup(close_descriptor) int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    cleanup(free_pointer) char *program = xasprintf(
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('%s'); s.send(b'hello')",
        address.sun_path);
    const char *const argv[] = {"python3", "-c", program, NULL};
    struct process_options options = {.argv = argv, .confinement = &no_network};
    struct process_result result;
    struct error error = {0};
    int outcome = process_run(&options, deadline_after(ENOUGH_MS), &result, &error);
    ck_assert_msg(outcome == 0 && result.exit_code == 0, "%s", error.text);
    cleanup(close_descriptor) int accepted = accept(listener, NULL, NULL);
    char text[16] = "";
    ck_assert_int_eq(read(accepted, text, sizeof(text) - 1), 5);
    ck_assert_str_eq(text, "hello");
    process_result_free(&result);
}
END_TEST

START_TEST(waiting_ends_with_the_deadline)
{
    const char *const argv[] = {"/bin/sleep", "60", NULL};
    struct process_options options = {.argv = argv};
    struct error error;
    pid_t pid;
    ck_assert_int_eq(process_start(&options, &pid, &error), 0);
    ck_assert_int_eq(process_wait(pid, deadline_after(50), NULL), 0);
    kill(pid, SIGKILL);
    int status = 0;
    ck_assert_int_eq(process_wait(pid, deadline_after(ENOUGH_MS), &status), 1);
    ck_assert(WIFSIGNALED(status));
}
END_TEST

Suite *process_suite(void)
{
    Suite *suite = suite_create("base/process");
    add_table_test(suite, what_cannot_be_started_is_an_error, ARRAY_LENGTH(unstartable));
    add_test(suite, a_missing_directory_is_an_error);
    add_table_test(suite, endings_are_told, ARRAY_LENGTH(endings));
    add_test(suite, output_and_errors_are_captured_apart);
    add_test(suite, much_output_on_both_pipes_is_drained_and_capped);
    add_test(suite, output_goes_to_a_given_descriptor);
    add_test(suite, a_given_descriptor_that_is_closed_is_an_error);
    add_table_test(suite, a_deadline_ends_it, ARRAY_LENGTH(endless));
    add_test(suite, who_watches_ends_it);
    add_test(suite, a_deadline_kills_the_whole_group);
    add_table_test(suite, closed_standard_descriptors_do_no_harm, 8);
    add_test(suite, started_with_closed_standard_descriptors_it_writes_where_it_should);
    add_test(suite, the_environment_is_made_from_nothing);
    add_test(suite, no_descriptor_is_inherited);
    add_test(suite, signals_have_their_default_handling);
    add_test(suite, an_ignored_sigchld_hides_no_failure);
    add_test(suite, an_end_that_nobody_saw_is_no_success);
    add_test(suite, it_has_a_process_group_of_its_own);
    add_test(suite, it_runs_as_another_account);
    add_test(suite, the_directory_that_another_account_cannot_pass_is_found);
    add_table_test(suite, it_dies_with_its_starter, ARRAY_LENGTH(starters));
    add_table_test(suite, without_network_there_is_only_a_loopback, ARRAY_LENGTH(networks));
    add_test(suite, without_network_unix_sockets_still_work);
    add_test(suite, waiting_ends_with_the_deadline);
    return suite;
}
