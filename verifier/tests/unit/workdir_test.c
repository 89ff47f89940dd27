#include "base/workdir.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static struct workdir *create(const char *parent)
{
    struct workdir *workdir = NULL;
    struct error error = {0};
    int outcome = workdir_create(parent, &workdir, &error);
    ck_assert_msg(outcome == 0, "%s", error.text);
    return workdir;
}

/* The directory of an owner that has been killed: to be freed by the caller. */
static char *abandoned(const char *parent)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t owner = fork();
    if (owner == 0) {
        const char *path = workdir_path(create(parent));
        if (write(ends[1], path, strlen(path)) < 0)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    waitpid(owner, NULL, 0);
    char path[512] = "";
    ck_assert_int_gt(read(ends[0], path, sizeof(path) - 1), 0);
    close(ends[0]);
    close(ends[1]);
    return xstrdup(path);
}

/* A process that stays in `directory` and ignores requests to end; a child of ours. */
static pid_t inhabitant(const char *directory)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGTERM, SIG_IGN);
        if (chdir(directory) < 0 || write(ends[1], "x", 1) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    char ready;
    ck_assert_int_eq(read(ends[0], &ready, 1), 1);
    close(ends[0]);
    close(ends[1]);
    return pid;
}

START_TEST(it_is_private_and_says_whose_it_is)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    umask(0);
    struct workdir *workdir = create(scratch);
    cleanup(free_pointer) char *start = xasprintf("%s/restore-verifier.%d.", scratch, getpid());
    ck_assert_msg(starts_with(workdir_path(workdir), start), "%s", workdir_path(workdir));
    struct stat status;
    ck_assert_int_eq(stat(workdir_path(workdir), &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0711);
    cleanup(free_pointer) char *owner = scratch_path(workdir_path(workdir), "owner");
    ck_assert_int_eq(stat(owner, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0600);
    struct error error;
    ck_assert_int_eq(workdir_remove(workdir, &error), 0);
}
END_TEST

START_TEST(a_parent_that_cannot_be_written_is_an_error)
{
    struct workdir *workdir = NULL;
    struct error error = {0};
    ck_assert_int_eq(workdir_create("/nowhere", &workdir, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_ptr_nonnull(strstr(error.text, "TMPDIR"));
    ck_assert_ptr_null(workdir);
}
END_TEST

START_TEST(its_path_holds_wherever_a_process_stands)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    ck_assert_int_eq(chdir(scratch), 0);
    struct workdir *workdir = create(".");
    ck_assert_int_eq(*workdir_path(workdir), '/');
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert(exists(workdir_path(workdir)));
    struct error error;
    ck_assert_int_eq(workdir_remove(workdir, &error), 0);
}
END_TEST

START_TEST(removing_takes_all_that_is_in_it)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *victim = scratch_path(scratch, "victim");
    cleanup(free_pointer) char *precious = scratch_path(scratch, "victim/precious");
    ck_assert_int_eq(mkdir(victim, 0755), 0);
    scratch_write(precious, "precious", 0600);
    struct workdir *workdir = create(scratch);
    cleanup(free_pointer) char *path = xstrdup(workdir_path(workdir));
    cleanup(free_pointer) char *deep = scratch_path(path, "a");
    cleanup(free_pointer) char *link_to_directory = scratch_path(path, "a/link");
    cleanup(free_pointer) char *link_to_file = scratch_path(path, "a/link2");
    cleanup(free_pointer) char *hard_link = scratch_path(path, "a/hard");
    cleanup(free_pointer) char *fifo = scratch_path(path, "a/fifo");
    ck_assert_int_eq(mkdir(deep, 0700), 0);
    ck_assert_int_eq(symlink(victim, link_to_directory), 0);
    ck_assert_int_eq(symlink(precious, link_to_file), 0);
    ck_assert_int_eq(link(precious, hard_link), 0);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    struct error error = {0};
    ck_assert_msg(workdir_remove(workdir, &error) == 0, "%s", error.text);
    ck_assert(!exists(path));
    ck_assert(exists(precious));
}
END_TEST

START_TEST(removing_kills_inhabitants_and_waits_for_them)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct workdir *workdir = create(scratch);
    cleanup(free_pointer) char *deep = scratch_path(workdir_path(workdir), "data");
    /* Begins like the work directory's name, and is another. */
    cleanup(free_pointer) char *neighbour = xasprintf("%s2", workdir_path(workdir));
    ck_assert_int_eq(mkdir(deep, 0700), 0);
    ck_assert_int_eq(mkdir(neighbour, 0700), 0);
    pid_t inside = inhabitant(deep);
    pid_t outside = inhabitant(neighbour);
    struct error error;
    ck_assert_int_eq(workdir_remove(workdir, &error), 0);
    ck_assert(process_goes(inside));
    ck_assert_int_eq(kill(outside, SIGKILL), 0);
    ck_assert_int_eq(waitpid(outside, NULL, 0), outside);
    workdir_remove(NULL, &error);
}
END_TEST

START_TEST(a_sweep_removes_what_dead_owners_left)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = abandoned(scratch);
    cleanup(free_pointer) char *other = abandoned(scratch);
    ck_assert(exists(path));
    pid_t pid = inhabitant(path);
    ck_assert_uint_eq(workdir_sweep(scratch), 2);
    ck_assert(!exists(path) && !exists(other));
    ck_assert(process_goes(pid));
    ck_assert_uint_eq(workdir_sweep(scratch), 0);
    ck_assert_uint_eq(workdir_sweep("/nowhere"), 0);
}
END_TEST

START_TEST(a_sweep_leaves_what_has_an_owner)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct workdir *workdir = create(scratch);
    pid_t inside = inhabitant(workdir_path(workdir));
    pid_t sweeper = fork();
    if (sweeper == 0)
        _exit((int)workdir_sweep(scratch));
    int status = -1;
    ck_assert_int_eq(waitpid(sweeper, &status, 0), sweeper);
    ck_assert_int_eq(status, 0);
    ck_assert(exists(workdir_path(workdir)));
    ck_assert_int_eq(workdir_sweep(scratch), 0); /* nor its owner itself */
    ck_assert(exists(workdir_path(workdir)));
    ck_assert_int_eq(waitpid(inside, NULL, WNOHANG), 0);
    struct error error;
    ck_assert_int_eq(workdir_remove(workdir, &error), 0);
}
END_TEST

/* A worker that outlives the main process still owns the directory. */
START_TEST(a_forked_worker_keeps_it_owned)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t main_process = fork();
    if (main_process == 0) {
        create(scratch);
        pid_t worker = fork();
        if (worker == 0)
            for (;;)
                pause();
        if (write(ends[1], &worker, sizeof(worker)) < 0)
            _exit(1);
        _exit(0);
    }
    pid_t worker = 0;
    ck_assert_int_eq(read(ends[0], &worker, sizeof(worker)), (ssize_t)sizeof(worker));
    waitpid(main_process, NULL, 0);
    ck_assert_uint_eq(workdir_sweep(scratch), 0);
    kill(worker, SIGKILL);
    ck_assert(process_goes(worker));
    ck_assert_uint_eq(workdir_sweep(scratch), 1);
}
END_TEST

START_TEST(a_reused_pid_does_not_deceive)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = abandoned(scratch);
    /* Named after a process that lives: ourselves. */
    cleanup(free_pointer) char *reused =
        xasprintf("%s/restore-verifier.%d.abcdef", scratch, getpid());
    ck_assert_int_eq(rename(path, reused), 0);
    ck_assert_uint_eq(workdir_sweep(scratch), 1);
    ck_assert(!exists(reused));
    /* Named after one that is gone, with an owner that lives. */
    struct workdir *workdir = create(scratch);
    cleanup(free_pointer) char *strange =
        scratch_path(scratch, "restore-verifier.999999999.abcdef");
    ck_assert_int_eq(rename(workdir_path(workdir), strange), 0);
    ck_assert_uint_eq(workdir_sweep(scratch), 0);
    ck_assert(exists(strange));
    workdir_keep(workdir);
}
END_TEST

START_TEST(a_sweep_touches_nothing_of_others)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    static const char *const names[] = {"something-else", "restore-verifier",
                                        "restore_verifier.1.a"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        cleanup(free_pointer) char *path = scratch_path(scratch, names[i]);
        cleanup(free_pointer) char *owner = scratch_path(path, "owner");
        ck_assert_int_eq(mkdir(path, 0755), 0);
        scratch_write(owner, "", 0600);
    }
    /* Of the right name, and no work directory: without owner file, a link, a file. */
    cleanup(free_pointer) char *unowned = scratch_path(scratch, "restore-verifier.1.unowned");
    cleanup(free_pointer) char *linked = scratch_path(scratch, "restore-verifier.1.linked");
    cleanup(free_pointer) char *target = scratch_path(scratch, "something-else");
    cleanup(free_pointer) char *file = scratch_path(scratch, "restore-verifier.1.file");
    ck_assert_int_eq(mkdir(unowned, 0755), 0);
    ck_assert_int_eq(symlink(target, linked), 0);
    scratch_write(file, "", 0600);
    /* An owner file that is a link to what anybody may lock. */
    cleanup(free_pointer) char *deceiving = scratch_path(scratch, "restore-verifier.1.deceiving");
    cleanup(free_pointer) char *owner_link = scratch_path(deceiving, "owner");
    ck_assert_int_eq(mkdir(deceiving, 0755), 0);
    ck_assert_int_eq(symlink(file, owner_link), 0);
    ck_assert_uint_eq(workdir_sweep(scratch), 0);
    ck_assert(exists(unowned) && exists(linked) && exists(target) && exists(file) &&
              exists(deceiving));
}
END_TEST

START_TEST(a_sweep_leaves_another_users_directory)
{
    if (geteuid() != 0) {
        fputs("skipped: only root can make another user's directory\n", stderr);
        return;
    }
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = abandoned(scratch);
    ck_assert_int_eq(chown(path, 65534, 65534), 0);
    ck_assert_uint_eq(workdir_sweep(scratch), 0);
    ck_assert(exists(path));
}
END_TEST

START_TEST(what_is_kept_is_never_swept)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct workdir *workdir = create(scratch);
    cleanup(free_pointer) char *path = xstrdup(workdir_path(workdir));
    workdir_keep(workdir);
    ck_assert_uint_eq(workdir_sweep(scratch), 0);
    ck_assert(exists(path));
}
END_TEST

/* A sweep at any moment of a creation must not take it for abandoned. */
START_TEST(a_sweep_and_a_creation_at_once)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    pid_t sweeper = fork();
    if (sweeper == 0)
        for (;;)
            workdir_sweep(scratch);
    for (int64_t end_ms = deadline_after(1000); clock_ms() < end_ms;) {
        struct workdir *workdir = create(scratch);
        ck_assert(exists(workdir_path(workdir)));
        struct error error;
        ck_assert_int_eq(workdir_remove(workdir, &error), 0);
    }
    kill(sweeper, SIGKILL);
    waitpid(sweeper, NULL, 0);
}
END_TEST

START_TEST(the_parent_is_tmpdir_or_tmp)
{
    setenv("TMPDIR", "/somewhere", 1);
    ck_assert_str_eq(workdir_parent(), "/somewhere");
    setenv("TMPDIR", "", 1);
    ck_assert_str_eq(workdir_parent(), "/tmp");
    unsetenv("TMPDIR");
    ck_assert_str_eq(workdir_parent(), "/tmp");
}
END_TEST

Suite *workdir_suite(void)
{
    Suite *suite = suite_create("base/workdir");
    add_test(suite, it_is_private_and_says_whose_it_is);
    add_test(suite, a_parent_that_cannot_be_written_is_an_error);
    add_test(suite, its_path_holds_wherever_a_process_stands);
    add_test(suite, removing_takes_all_that_is_in_it);
    add_test(suite, removing_kills_inhabitants_and_waits_for_them);
    add_test(suite, a_sweep_removes_what_dead_owners_left);
    add_test(suite, a_sweep_leaves_what_has_an_owner);
    add_test(suite, a_forked_worker_keeps_it_owned);
    add_test(suite, a_reused_pid_does_not_deceive);
    add_test(suite, a_sweep_touches_nothing_of_others);
    add_test(suite, a_sweep_leaves_another_users_directory);
    add_test(suite, what_is_kept_is_never_swept);
    add_test(suite, a_sweep_and_a_creation_at_once);
    add_test(suite, the_parent_is_tmpdir_or_tmp);
    return suite;
}
