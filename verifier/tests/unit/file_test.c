#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static const struct {
    size_t size;
    size_t limit;
    int outcome;
} reads[] = {{0, 0, 0},    {0, 10, 0},          {10, 10, 0},
             {11, 10, -1}, {200000, 200000, 0}, {200001, 200000, -1}};

START_TEST(reading_has_a_cap)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "file");
    cleanup(free_pointer) char *text = xcalloc(reads[_i].size + 1, 1);
    memset(text, 'x', reads[_i].size);
    scratch_write(path, text, 0600);
    struct buffer content = {.length = 77};
    struct error error = {0};
    ck_assert_int_eq(file_read(path, reads[_i].limit, &content, &error), reads[_i].outcome);
    if (reads[_i].outcome == 0) {
        ck_assert_uint_eq(content.length, reads[_i].size);
        ck_assert_str_eq(content.data, text);
        buffer_free(&content);
    } else {
        ck_assert_uint_eq(content.length, 77);
        ck_assert_ptr_nonnull(strstr(error.text, "is larger than the"));
        ck_assert_ptr_nonnull(strstr(error.text, path));
    }
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error)
{
    struct buffer content;
    struct error error = {0};
    ck_assert_int_eq(file_read("/nowhere/file", 10, &content, &error), -1);
    ck_assert_str_eq(error.text, "cannot open /nowhere/file: No such file or directory");
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_int_eq(file_read("/etc", 10, &content, &error), -1);
    ck_assert_str_eq(error.text, "cannot read /etc: Is a directory");
}
END_TEST

static void assert_content(const char *path, const char *text)
{
    struct buffer content;
    struct error error = {0};
    ck_assert_msg(file_read(path, 10000000, &content, &error) == 0, "%s", error.text);
    ck_assert_str_eq(content.data, text);
    buffer_free(&content);
}

static size_t entries_in(const char *directory)
{
    size_t count = 0;
    DIR *entries = opendir(directory);
    ck_assert_ptr_nonnull(entries);
    for (const struct dirent *entry; (entry = readdir(entries));)
        count += *entry->d_name != '.';
    closedir(entries);
    return count;
}

START_TEST(replacing_writes_the_whole_file)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "file");
    struct error error;
    struct stat status;
    umask(027);
    ck_assert_int_eq(file_replace(path, "first", 5, &error), 0);
    assert_content(path, "first");
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0640);
    ck_assert_int_eq(umask(027), 027);
    ck_assert_int_eq(file_replace(path, "2", 1, &error), 0);
    assert_content(path, "2");
    ck_assert_int_eq(file_replace(path, "", 0, &error), 0);
    assert_content(path, "");
    ck_assert_uint_eq(entries_in(scratch), 1);
}
END_TEST

/* A writer that is killed at any moment: readers see the old content or the new, whole. */
START_TEST(a_crash_while_replacing_leaves_old_or_new)
{
    enum { SIZE = 1 << 20 };
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "file");
    cleanup(free_pointer) char *old_text = xcalloc(SIZE + 1, 1);
    cleanup(free_pointer) char *new_text = xcalloc(SIZE + 1, 1);
    memset(old_text, 'o', SIZE);
    memset(new_text, 'n', SIZE);
    struct error error;
    ck_assert_int_eq(file_replace(path, old_text, SIZE, &error), 0);
    for (useconds_t pause_us = 0; pause_us < 4000; pause_us += 150) {
        pid_t writer = fork();
        if (writer == 0) {
            for (int i = 0;; i++)
                file_replace(path, i % 2 ? new_text : old_text, SIZE, &error);
        }
        usleep(pause_us);
        kill(writer, SIGKILL);
        waitpid(writer, NULL, 0);
        struct buffer content;
        ck_assert_int_eq(file_read(path, SIZE, &content, &error), 0);
        ck_assert(strcmp(content.data, old_text) == 0 || strcmp(content.data, new_text) == 0);
        buffer_free(&content);
    }
}
END_TEST

START_TEST(replacing_where_nothing_can_be_written_is_an_error)
{
    struct error error = {0};
    ck_assert_int_eq(file_replace("/nowhere/file", "x", 1, &error), -1);
    ck_assert_str_eq(error.text, "cannot write /nowhere/file: No such file or directory");
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *directory = scratch_path(scratch, "directory");
    ck_assert_int_eq(mkdir(directory, 0700), 0);
    ck_assert_int_eq(file_replace(directory, "x", 1, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "Is a directory"));
    ck_assert_uint_eq(entries_in(scratch), 1);
}
END_TEST

/* A file system of 64 KiB, in a mount namespace of this test's own process. */
static bool mount_small(const char *directory)
{
    if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("tmpfs", directory, "tmpfs", 0, "size=65536") == 0)
        return true;
    fputs("skipped: only root can mount a file system that is soon full\n", stderr);
    return false;
}

START_TEST(a_full_disk_leaves_the_old_file_and_says_so)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    if (!mount_small(scratch))
        return;
    cleanup(free_pointer) char *path = scratch_path(scratch, "file");
    cleanup(free_pointer) char *large = xcalloc(100000, 1);
    struct error error = {0};
    ck_assert_int_eq(file_replace(path, "old", 3, &error), 0);
    ck_assert_int_eq(file_replace(path, large, 100000, &error), -1);
    ck_assert_msg(strstr(error.text, "no space left") && strstr(error.text, path), "%s",
                  error.text);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    assert_content(path, "old");
    ck_assert_uint_eq(entries_in(scratch), 1);
    ck_assert_int_le(free_space_bytes(scratch), 65536);
    ck_assert_int_ge(free_space_bytes(scratch), 4096);
    umount2(scratch, MNT_DETACH);
}
END_TEST

START_TEST(writing_to_a_closed_pipe_is_an_error)
{
    signal(SIGPIPE, SIG_IGN);
    int ends[2];
    struct error error = {0};
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write_all(ends[1], "ab", 2, "the pipe", &error), 0);
    close(ends[0]);
    ck_assert_int_eq(write_all(ends[1], "ab", 2, "the pipe", &error), -1);
    ck_assert_str_eq(error.text, "cannot write the pipe: Broken pipe");
    close(ends[1]);
}
END_TEST

START_TEST(a_tree_is_removed_and_no_link_followed)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *outside = scratch_path(scratch, "outside");
    cleanup(free_pointer) char *precious = scratch_path(outside, "precious");
    cleanup(free_pointer) char *tree = scratch_path(scratch, "tree");
    cleanup(free_pointer) char *inner = scratch_path(tree, "inner");
    cleanup(free_pointer) char *hidden = scratch_path(inner, ".hidden");
    cleanup(free_pointer) char *link_path = scratch_path(tree, "link");
    cleanup(free_pointer) char *dangling = scratch_path(tree, "dangling");
    struct error error = {0};
    ck_assert_int_eq(mkdir(outside, 0700), 0);
    scratch_write(precious, "precious", 0400);
    ck_assert_int_eq(mkdir(tree, 0700), 0);
    ck_assert_int_eq(mkdir(inner, 0700), 0);
    scratch_write(hidden, "", 0000);
    ck_assert_int_eq(symlink("../outside", link_path), 0);
    ck_assert_int_eq(symlink("nowhere", dangling), 0);
    ck_assert_msg(tree_remove(tree, &error) == 0, "%s", error.text);
    ck_assert(!exists(tree));
    ck_assert(exists(precious));
    /* The tree itself may be a link: it goes, what it names stays. */
    ck_assert_int_eq(symlink("outside", tree), 0);
    ck_assert_int_eq(tree_remove(tree, &error), 0);
    ck_assert(!exists(tree) && exists(precious));
    ck_assert_int_eq(tree_remove(precious, &error), 0);
    ck_assert(!exists(precious));
    ck_assert_int_eq(tree_remove("/nowhere/at/all", &error), 0);
}
END_TEST

/* Somebody swaps a directory for a link again and again while the tree is being removed. */
START_TEST(a_link_that_appears_while_removing_is_not_followed)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *outside = scratch_path(scratch, "outside");
    cleanup(free_pointer) char *tree = scratch_path(scratch, "tree");
    cleanup(free_pointer) char *inner = scratch_path(tree, "inner");
    cleanup(free_pointer) char *link_path = scratch_path(scratch, "link");
    struct error error = {0};
    ck_assert_int_eq(mkdir(outside, 0700), 0);
    ck_assert_int_eq(symlink(outside, link_path), 0);
    for (int i = 0; i < 20; i++) {
        cleanup(free_pointer) char *name = xasprintf("%s/precious%d", outside, i);
        scratch_write(name, "", 0600);
    }
    for (int64_t end_ms = deadline_after(1000); clock_ms() < end_ms;) {
        mkdir(tree, 0700);
        mkdir(inner, 0700);
        for (int i = 0; i < 20; i++) {
            cleanup(free_pointer) char *name = xasprintf("%s/precious%d", inner, i);
            scratch_write(name, "", 0600);
        }
        pid_t swapper = fork();
        if (swapper == 0) {
            for (int i = 0; i < 2000; i++)
                renameat2(AT_FDCWD, link_path, AT_FDCWD, inner, RENAME_EXCHANGE);
            _exit(0);
        }
        tree_remove(tree, &error);
        kill(swapper, SIGKILL);
        waitpid(swapper, NULL, 0);
        ck_assert_int_eq(tree_remove(tree, &error), 0);
        tree_remove(link_path, &error);
        ck_assert_int_eq(symlink(outside, link_path), 0);
        ck_assert_uint_eq(entries_in(outside), 20);
    }
}
END_TEST

START_TEST(a_tree_deeper_than_any_path_is_removed)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *tree = scratch_path(scratch, "tree");
    struct error error = {0};
    struct rlimit few = {.rlim_cur = 100, .rlim_max = 100};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    ck_assert_int_eq(mkdir(tree, 0700), 0);
    ck_assert_int_eq(chdir(tree), 0);
    char name[101] = "";
    memset(name, 'd', sizeof(name) - 1);
    for (int i = 0; i < 500; i++) {
        ck_assert_int_eq(mkdir(name, 0700), 0);
        ck_assert_int_eq(chdir(name), 0);
    }
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_msg(tree_remove(tree, &error) == 0, "%s", error.text);
    ck_assert(!exists(tree));
}
END_TEST

START_TEST(a_tree_that_cannot_be_removed_is_an_error)
{
    struct error error = {0};
    ck_assert_int_eq(tree_remove("/proc/self/fd", &error), -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_ptr_nonnull(strstr(error.text, "cannot remove /proc/self/fd"));
}
END_TEST

START_TEST(free_space_is_told_or_unknown)
{
    ck_assert_int_gt(free_space_bytes("/tmp"), 0);
    ck_assert_int_eq(free_space_bytes("/nowhere"), -1);
}
END_TEST

static const struct {
    const char *path;
    const char *absolute; /* "~": the directory that we are in */
} paths[] = {
    {"a/b", "~/a/b"},   {"./a", "~/a"},          {".", "~"},
    {"./", "~"},        {".//./a//b/", "~/a/b"}, {"..", "~/.."},
    {"../a", "~/../a"}, {".a/..b", "~/.a/..b"},  {"/", "/"},
    {"/.", "/"},        {"//a/./b/.", "/a/b"},
};

START_TEST(a_path_is_told_from_the_root_on)
{
    cleanup(free_pointer) char *here = getcwd(NULL, 0);
    cleanup(free_pointer) char *absolute = path_absolute(paths[_i].path);
    bool below = *paths[_i].absolute == '~';
    cleanup(free_pointer) char *wanted =
        xasprintf("%s%s", below ? here : "", paths[_i].absolute + below);
    ck_assert_str_eq(absolute, wanted);
    ck_assert_int_eq(chdir("/"), 0);
    cleanup(free_pointer) char *from_root = path_absolute("a");
    ck_assert_str_eq(from_root, "/a");
}
END_TEST

Suite *file_suite(void)
{
    Suite *suite = suite_create("base/file");
    add_table_test(suite, reading_has_a_cap, ARRAY_LENGTH(reads));
    add_test(suite, what_cannot_be_read_is_an_error);
    add_test(suite, replacing_writes_the_whole_file);
    add_test(suite, a_crash_while_replacing_leaves_old_or_new);
    add_test(suite, replacing_where_nothing_can_be_written_is_an_error);
    add_test(suite, a_full_disk_leaves_the_old_file_and_says_so);
    add_test(suite, writing_to_a_closed_pipe_is_an_error);
    add_test(suite, a_tree_is_removed_and_no_link_followed);
    add_test(suite, a_link_that_appears_while_removing_is_not_followed);
    add_test(suite, a_tree_deeper_than_any_path_is_removed);
    add_test(suite, a_tree_that_cannot_be_removed_is_an_error);
    add_table_test(suite, a_path_is_told_from_the_root_on, ARRAY_LENGTH(paths));
    add_test(suite, free_space_is_told_or_unknown);
    return suite;
}
