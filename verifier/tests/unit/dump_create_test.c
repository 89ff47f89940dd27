#include "dump/create.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/new_file.h"
#include "base/process.h"
#include "tests/unit/unit.h"

/* The beginning of a custom-format archive, for printf(1). */
#define MAGIC "printf 'PGDMP\\001\\016\\000\\004\\010\\001'; "

enum { NOON = 1795356185 }; /* 2026-11-22 */

/* A directory for backups beside one with a fake pg_dump. */
struct place {
    char *root;
    char *location;
    struct shelf *shelf; /* `location` */
    char *program;
    struct tools tools;
    struct address address;
};

static struct place place_make(const char *script)
{
    setenv("TZ", "UTC", 1);
    struct place place = {.root = xasprintf("/tmp/backup_create_test.XXXXXX")};
    ck_assert_ptr_nonnull(mkdtemp(place.root));
    place.location = xasprintf("%s/backups", place.root);
    place.shelf = shelf_of_directory(place.location);
    place.program = xasprintf("%s/pg_dump", place.root);
    ck_assert_int_eq(mkdir(place.location, 0755), 0);
    ck_assert_int_eq(chmod(place.root, 0755), 0);
    cleanup(free_pointer) char *text = xasprintf("#!/bin/sh\n%s\n", script);
    struct error error;
    ck_assert_int_eq(file_replace(place.program, text, strlen(text), &error), 0);
    ck_assert_int_eq(chmod(place.program, 0755), 0);
    place.tools = (struct tools){.directory = place.root, .major = 15};
    ck_assert_int_eq(address_parse("postgresql://me:s3cret@db.example/app", &place.address, &error),
                     0);
    return place;
}

static void place_remove(struct place *place)
{
    struct error error;
    ck_assert_int_eq(tree_remove(place->root, &error), 0);
    address_free(&place->address);
    free(place->root);
    shelf_free(place->shelf);
    free(place->location);
    free(place->program);
}

static struct backup_create_options options_for(const struct place *place, const char *pattern)
{
    return (struct backup_create_options){.shelf = place->shelf,
                                          .pattern = pattern,
                                          .time = NOON,
                                          .tools = &place->tools,
                                          .database = &place->address,
                                          .deadline_ms = deadline_after(20000)};
}

/* Every name counts, hidden ones too. */
static size_t entries_count(const char *directory)
{
    size_t count = 0;
    DIR *entries = opendir(directory);
    ck_assert_ptr_nonnull(entries);
    while (readdir(entries))
        count++;
    closedir(entries);
    return count - 2;
}

static void content_check(const char *path, const char *expected)
{
    struct buffer content;
    struct error error;
    ck_assert_int_eq(file_read(path, 1 << 20, &content, &error), 0);
    ck_assert_str_eq(content.data, expected);
    buffer_free(&content);
}

/* The output of a shell command, without its last newline: to be freed. */
static char *shell(const char *command)
{
    const char *const argv[] = {"sh", "-c", command, NULL};
    struct process_options options = {.argv = argv};
    struct process_result result;
    struct error error;
    ck_assert_int_eq(process_run(&options, deadline_after(20000), &result, &error), 0);
    ck_assert_msg(result.exit_code == 0, "%s: %s", command, result.errors.data);
    char *text = xstrndup(result.output.data, strcspn(result.output.data, "\n"));
    process_result_free(&result);
    return text;
}

static const struct {
    const char *name;
    const char *made; /* at NOON */
    const char *unpack;
} kinds[] = {
    {"a_%Y%m%d.dump.gz", "a_20261122.dump.gz", "gzip -dc"},
    {"a_%Y%m%d.dump", "a_20261122.dump", "cat"},
    {"a_%Y%m%d.dump.zst", "a_20261122.dump.zst", "zstd -qdc"},
};
enum { KINDS = 3 };

/* The hash of what a backup holds, which has to unpack to its end (a pipe alone would hide that it
 * does not). */
static char *unpacked_hash(const char *unpack, const char *path)
{
    cleanup(free_pointer) char *command =
        xasprintf("%s < %s > /dev/null && %s < %s | sha256sum", unpack, path, unpack, path);
    return shell(command);
}

START_TEST(a_backup_holds_what_pg_dump_wrote)
{
    struct place place = place_make(MAGIC "seq 1 300000");
    struct backup_create_options options = options_for(&place, kinds[_i].name);
    struct backup_created created;
    struct error error = {0};
    _Atomic int64_t progress = 0;
    options.progress_bytes = &progress;
    ck_assert_msg(backup_create(&options, &created, &error) == 0, "%s", error.text);
    ck_assert_uint_eq(entries_count(place.location), 1);
    cleanup(free_pointer) char *hash_it = xasprintf("sha256sum < %s | cut -c 1-64", created.path);
    cleanup(free_pointer) char *hash = shell(hash_it);
    ck_assert_str_eq(created.sha256, hash);
    cleanup(free_pointer) char *again = xasprintf("%s | sha256sum", place.program);
    cleanup(free_pointer) char *found = unpacked_hash(kinds[_i].unpack, created.path);
    cleanup(free_pointer) char *expected = shell(again);
    ck_assert_str_eq(found, expected);
    struct stat status;
    ck_assert_int_eq(stat(created.path, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0600);
    ck_assert_int_eq(status.st_size, created.size_bytes);
    ck_assert_int_gt(created.archive_bytes, 1900000);
    ck_assert_int_eq(progress, created.archive_bytes);
    backup_created_free(&created);
    place_remove(&place);
}
END_TEST

#define ENOUGH MAGIC "seq 1 1000; "

static const struct {
    const char *script;
    const char *words; /* in the error */
} failures[] = {
    {ENOUGH
     "echo 'pg_dump: error: query failed: ERROR:  permission denied for table t' >&2; exit 1",
     "permission denied for table t"},
    {ENOUGH "kill -9 $$", "was killed by signal 9"},
    {ENOUGH "exit 3", "exited with code 3"},
    {"exit 0", "0 bytes"},
    {MAGIC, "11 bytes"},
    {"seq 1 1000", "no custom-format archive"},
    /* a tar archive: format 3 */
    {"printf 'PGDMP\\001\\016\\000\\004\\010\\003'; seq 1 1000", "no custom-format archive"},
    {ENOUGH "sleep 60", "did not end in time"},
    {ENOUGH "exec >&- 2>&-; sleep 60", "did not end in time"},
    {ENOUGH "yes noise | head -c 3000000 >&2; echo 'pg_dump: error: last words' >&2; exit 1",
     "last words"},
};

START_TEST(a_failed_dump_leaves_nothing_and_spares_the_old)
{
    struct place place = place_make(failures[_i / KINDS].script);
    struct backup_create_options options = options_for(&place, kinds[_i % KINDS].name);
    options.deadline_ms =
        deadline_after(strstr(failures[_i / KINDS].script, "sleep") ? 500 : 20000);
    options.force = true;
    cleanup(free_pointer) char *old = xasprintf("%s/%s", place.location, kinds[_i % KINDS].made);
    struct backup_created created;
    struct error error = {0};
    ck_assert_int_eq(file_replace(old, "old", 3, &error), 0);
    int64_t began_ms = clock_ms();
    ck_assert_int_eq(backup_create(&options, &created, &error), -1);
    ck_assert_int_lt(clock_ms() - began_ms, 10000);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_msg(strstr(error.text, failures[_i / KINDS].words) != NULL, "%s", error.text);
    ck_assert_ptr_null(strstr(error.text, "s3cret"));
    ck_assert_uint_eq(entries_count(place.location), 1);
    content_check(old, "old");
    place_remove(&place);
}
END_TEST

START_TEST(a_backup_is_replaced_only_by_force)
{
    struct place place = place_make(ENOUGH);
    struct backup_create_options options = options_for(&place, "a_%Y%m%d.dump");
    cleanup(free_pointer) char *old = xasprintf("%s/a_20261122.dump", place.location);
    char *path = NULL;
    struct backup_created created;
    struct error error;
    ck_assert_int_eq(backup_create_check(&options, &path, &error), 0);
    ck_assert_str_eq(path, old);
    free(path);
    ck_assert_int_eq(file_replace(old, "old", 3, &error), 0);
    ck_assert_int_eq(backup_create_check(&options, &path, &error), -1);
    ck_assert_int_eq(backup_create(&options, &created, &error), -1);
    ck_assert_ptr_nonnull(strstr(error.text, "exists already: --force replaces it"));
    content_check(old, "old");
    options.force = true;
    ck_assert_int_eq(backup_create(&options, &created, &error), 0);
    ck_assert_uint_eq(entries_count(place.location), 1);
    ck_assert_int_gt(created.size_bytes, 1000);
    backup_created_free(&created);
    place_remove(&place);
}
END_TEST

static const struct {
    const char *location; /* under the root */
    const char *pattern;
    const char *words; /* NULL: made */
} refusals[] = {
    {"missing", "a_%Y%m%d.dump", NULL},
    {"missing/", "a_%Y%m%d.dump", NULL},
    {"missing/deep", "a_%Y%m%d.dump", "nor does the one above it"},
    {"pg_dump", "a_%Y%m%d.dump", "is not a directory"},
    {"backups", "a_%Y%m%d.dump.lz4", "ends in .lz4"},
    {"backups", "a_%Y%m%d.tar.zst", "ends in .tar.zst"},
    {"backups", "%Y-%m-%dT%H:%MZ.dir.tar.gz", "ends in .tar.gz"},
    {"backups", "a_%Y%b%d.dump", "is not understood"},
};

START_TEST(what_cannot_work_is_refused_before_anything_is_made)
{
    struct place place = place_make(ENOUGH "touch \"$0.ran\"");
    struct backup_create_options options = options_for(&place, refusals[_i].pattern);
    cleanup(free_pointer) char *location = xasprintf("%s/%s", place.root, refusals[_i].location);
    cleanup(shelf_freep) struct shelf *shelf = shelf_of_directory(location);
    options.shelf = shelf;
    struct backup_created created = {0};
    struct error error = {0};
    char *path = NULL;
    size_t before = entries_count(place.root);
    int checked = backup_create_check(&options, &path, &error);
    ck_assert_int_eq(checked, refusals[_i].words ? -1 : 0);
    ck_assert_uint_eq(entries_count(place.root), before);
    ck_assert_int_eq(backup_create(&options, &created, &error), checked);
    if (refusals[_i].words) {
        ck_assert_msg(strstr(error.text, refusals[_i].words) != NULL, "%s", error.text);
        ck_assert_uint_eq(entries_count(place.root), before);
    } else {
        struct stat status;
        ck_assert_int_eq(stat(location, &status), 0);
        ck_assert_int_eq(status.st_mode & 07777, 0700);
        ck_assert_str_eq(path, created.path);
    }
    free(path);
    backup_created_free(&created);
    place_remove(&place);
}
END_TEST

/* A dump by somebody who may not write there. */
START_TEST(a_directory_that_cannot_be_written_is_refused)
{
    if (geteuid() != 0)
        return;
    struct place place = place_make(ENOUGH);
    pid_t pid = fork();
    if (pid == 0) {
        struct backup_create_options options = options_for(&place, "a_%Y%m%d.dump");
        struct backup_created created;
        struct error error;
        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(2);
        _exit(backup_create(&options, &created, &error) == -1 && error.fault == FAULT_MACHINE &&
                      strstr(error.text, "cannot write in")
                  ? 0
                  : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(entries_count(place.location), 0);
    place_remove(&place);
}
END_TEST

/* Noise does not compress: both kinds fill the disk. The plain one is written by the program, which
 * has to notice itself. */
START_TEST(a_full_disk_leaves_nothing)
{
    struct place place =
        place_make(MAGIC "head -c 4000000 /dev/urandom || { echo 'pg_dump: error: could not write "
                         "to output file: No space left on device' >&2; exit 1; }");
    /* In a mount namespace of our own, so that nothing stays mounted if this dies. */
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", place.location, "tmpfs", 0, "size=1m") < 0) {
        place_remove(&place);
        return; /* needs root */
    }
    struct backup_create_options options = options_for(&place, kinds[_i].name);
    struct backup_created created;
    struct error error = {0};
    int outcome = backup_create(&options, &created, &error);
    size_t left = entries_count(place.location);
    int64_t free_bytes = free_space_bytes(place.location);
    umount(place.location);
    ck_assert_int_eq(outcome, -1);
    ck_assert_msg(strcasestr(error.text, "no space left") && strstr(error.text, "make room"), "%s",
                  error.text);
    ck_assert_uint_eq(left, 0);
    ck_assert_int_gt(free_bytes, 1000000);
    place_remove(&place);
}
END_TEST

enum { KILLS = 30 };

/* Killed at moments spread over the time that a whole dump takes. */
START_TEST(a_killed_dump_leaves_all_or_nothing)
{
    bool force = _i / KINDS;
    struct place place = place_make(MAGIC "for i in 1 2 3 4; do seq 1 2000; sleep 0.004; done");
    cleanup(free_pointer) char *path = xasprintf("%s/%s", place.location, kinds[_i % KINDS].made);
    cleanup(free_pointer) char *whole_text = xasprintf("%s | sha256sum", place.program);
    cleanup(free_pointer) char *whole = shell(whole_text);
    int complete = 0;
    for (int i = 0; i < KILLS; i++) {
        struct error error;
        unlink(path);
        if (force)
            ck_assert_int_eq(file_replace(path, "old", 3, &error), 0);
        pid_t pid = fork();
        if (pid == 0) {
            struct backup_create_options options = options_for(&place, kinds[_i % KINDS].name);
            struct backup_created created;
            options.force = force;
            _exit(backup_create(&options, &created, &error) == 0 ? 0 : 1);
        }
        usleep((useconds_t)i * 2000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        /* What kept others away stays, and keeps nobody away. */
        cleanup(free_pointer) char *lock =
            xasprintf("%s/.lock.%s", place.location, kinds[_i % KINDS].name);
        unlink(lock);
        size_t count = entries_count(place.location);
        if (access(path, F_OK) < 0) {
            ck_assert_uint_eq(count, 0);
            continue;
        }
        /* By force there may be a whole second name, hidden, for a moment. */
        ck_assert_uint_le(count, force ? 2 : 1);
        struct buffer content;
        ck_assert_int_eq(file_read(path, 1 << 20, &content, &error), 0);
        bool is_old = strcmp(content.data, "old") == 0;
        buffer_free(&content);
        if (is_old && force)
            continue;
        cleanup(free_pointer) char *found = unpacked_hash(kinds[_i % KINDS].unpack, path);
        ck_assert_str_eq(found, whole);
        complete++;
    }
    ck_assert_int_lt(complete, KILLS);
    place_remove(&place);
}
END_TEST

static pid_t dump_in_background(const struct place *place, const char *pattern)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct backup_create_options options = options_for(place, pattern);
        struct backup_created created;
        struct error error;
        _exit(backup_create(&options, &created, &error) == 0 ? 0 : 1);
    }
    cleanup(free_pointer) char *flag = xasprintf("%s.ran", place->program);
    for (int i = 0; i < 1000 && access(flag, F_OK) < 0; i++)
        usleep(10000);
    return pid;
}

START_TEST(two_dumps_at_once_are_kept_apart)
{
    struct place place = place_make(MAGIC "seq 1 1000; touch $0.ran; sleep 30");
    struct place other = place_make(ENOUGH);
    struct backup_create_options options = options_for(&place, "a_%Y%m%d.dump");
    struct backup_created created;
    struct error error = {0};
    pid_t pid = dump_in_background(&place, "a_%Y%m%d.dump");
    options.tools = &other.tools;
    options.time += 86400; /* another name, and yet the same backups */
    ck_assert_int_eq(backup_create(&options, &created, &error), -1);
    cleanup(free_pointer) char *holder = xasprintf("(process %d)", pid);
    ck_assert_msg(strstr(error.text, holder) != NULL, "%s", error.text);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    /* Others' backups may lie in the same directory. */
    options.pattern = "b_%Y%m%d.dump";
    ck_assert_msg(backup_create(&options, &created, &error) == 0, "%s", error.text);
    backup_created_free(&created);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    options.pattern = "a_%Y%m%d.dump";
    ck_assert_msg(backup_create(&options, &created, &error) == 0, "%s", error.text);
    backup_created_free(&created);
    ck_assert_uint_eq(entries_count(place.location), 2);
    place_remove(&other);
    place_remove(&place);
}
END_TEST

static const struct {
    const char *last;
    off_t size_bytes;
    bool fits;
} lasts[] = {
    {"a_20261121.dump", 600000, false}, {"a_20261121.dump", 300000, true},
    {"b_20261121.dump", 600000, true},  {"a_20261121.dump.gz", 600000, true},
    {"a_20251121.dump", 600000, false},
};

START_TEST(room_for_the_last_backup_is_looked_for_first)
{
    struct place place = place_make(ENOUGH "touch $0.ran");
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", place.location, "tmpfs", 0, "size=1m") < 0) {
        place_remove(&place);
        return; /* needs root */
    }
    cleanup(free_pointer) char *path = xasprintf("%s/%s", place.location, lasts[_i].last);
    cleanup(free_pointer) char *bytes = xcalloc(1, (size_t)lasts[_i].size_bytes);
    cleanup(free_pointer) char *ran = xasprintf("%s.ran", place.program);
    struct backup_create_options options = options_for(&place, "a_%Y%m%d.dump");
    struct backup_created created = {0};
    struct error error = {0};
    char *name = NULL;
    ck_assert_int_eq(file_replace(path, bytes, (size_t)lasts[_i].size_bytes, &error), 0);
    int checked = backup_create_check(&options, &name, &error);
    int outcome = backup_create(&options, &created, &error);
    umount(place.location);
    ck_assert_int_eq(checked, lasts[_i].fits ? 0 : -1);
    ck_assert_int_eq(outcome, checked);
    ck_assert_int_eq(access(ran, F_OK), outcome);
    if (!lasts[_i].fits) {
        ck_assert_msg(strstr(error.text, "takes 586 KiB") != NULL, "%s", error.text);
        ck_assert_msg(strstr(error.text, "has 4") != NULL, "%s", error.text);
    }
    free(name);
    backup_created_free(&created);
    place_remove(&place);
}
END_TEST

/* Where there are no nameless files. */
START_TEST(a_hidden_file_behaves_like_a_nameless_one)
{
    struct place place = place_make("");
    enum new_file_kind kind = _i % 2 ? NEW_FILE_HIDDEN : NEW_FILE_NAMELESS;
    cleanup(free_pointer) char *path = xasprintf("%s/name", place.location);
    struct new_file *file;
    struct error error;
    for (int round = 0; round < 3; round++) { /* given up, published, refused */
        ck_assert_int_eq(new_file_open(place.location, "name", kind, &file, &error), 0);
        ck_assert_uint_eq(entries_count(place.location), (kind == NEW_FILE_HIDDEN) + (round == 2));
        ck_assert_int_eq(write(new_file_descriptor(file), "new", 3), 3);
        if (round > 0)
            ck_assert_int_eq(new_file_publish(file, false, &error), round == 1 ? 0 : -1);
        new_file_free(file);
        ck_assert_uint_eq(entries_count(place.location), round > 0);
    }
    ck_assert_ptr_nonnull(strstr(error.text, "exists already"));
    ck_assert_int_eq(file_replace(path, "old", 3, &error), 0);
    ck_assert_int_eq(new_file_open(place.location, "name", kind, &file, &error), 0);
    ck_assert_int_eq(write(new_file_descriptor(file), "new", 3), 3);
    ck_assert_int_eq(new_file_publish(file, true, &error), 0);
    new_file_free(file);
    content_check(path, "new");
    ck_assert_uint_eq(entries_count(place.location), 1);
    place_remove(&place);
}
END_TEST

static const struct {
    const char *name;
    time_t modified; /* 0: now */
    bool locked;
    bool swept;
} leftovers[] = {
    {".a_20261121.dump.partial.4711", 1000000000, false, true},
    {".a_20261121.dump.partial.4711", 0, false, false},
    {".a_20261121.dump.partial.4711", 1000000000, true, false},
    {".b_20261121.dump.partial.4711", 1000000000, false, false},
    {".a_20261121.dump.partial.4711-99", 1000000000, false, true},
    {".a_20261121.dump.partial.", 1000000000, false, false},
    {".a_20261121.dump.partial.47x", 1000000000, false, false},
    {"a_20261121.dump.partial.4711", 1000000000, false, false},
    {"a_20261121.dump", 1000000000, false, false},
};

START_TEST(the_next_dump_removes_what_a_killed_one_left)
{
    struct place place = place_make(ENOUGH);
    cleanup(free_pointer) char *path = xasprintf("%s/%s", place.location, leftovers[_i].name);
    struct error error;
    ck_assert_int_eq(file_replace(path, "half", 4, &error), 0);
    if (leftovers[_i].modified) {
        struct timespec times[2] = {{.tv_sec = leftovers[_i].modified},
                                    {.tv_sec = leftovers[_i].modified}};
        ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    }
    pid_t owner = 0;
    if (leftovers[_i].locked) {
        cleanup(free_pointer) char *lock =
            xasprintf("flock %s -c 'touch %s/locked; sleep 20'", path, place.root);
        cleanup(free_pointer) char *flag = xasprintf("%s/locked", place.root);
        const char *const argv[] = {"sh", "-c", lock, NULL};
        struct process_options options = {.argv = argv};
        ck_assert_int_eq(process_start(&options, &owner, &error), 0);
        for (int i = 0; i < 500 && access(flag, F_OK) < 0; i++)
            usleep(10000);
    }
    struct backup_create_options options = options_for(&place, "a_%Y%m%d.dump");
    struct backup_created created;
    ck_assert_int_eq(backup_create(&options, &created, &error), 0);
    backup_created_free(&created);
    ck_assert_int_eq(access(path, F_OK) < 0, leftovers[_i].swept);
    if (owner > 0) {
        kill(-owner, SIGKILL);
        process_wait(owner, NO_DEADLINE, NULL);
    }
    place_remove(&place);
}
END_TEST

/* The password is in the environment and nowhere else. */
START_TEST(pg_dump_gets_what_it_needs_and_no_password_in_argv)
{
    struct place place = place_make(MAGIC "echo \"$@\"; echo \"$PGPASSWORD $LC_ALL\"; seq 1 100");
    struct backup_create_options options = options_for(&place, kinds[_i].name);
    options.snapshot = "00000003-1";
    struct backup_created created;
    struct error error;
    ck_assert_int_eq(backup_create(&options, &created, &error), 0);
    cleanup(free_pointer) char *unpack =
        xasprintf("%s < %s | tail -c +12 | head -n 1", kinds[_i].unpack, created.path);
    cleanup(free_pointer) char *argv = shell(unpack);
    ck_assert(starts_with(argv, "--format=custom --no-owner --no-password"));
    ck_assert_int_eq(strstr(argv, "--compress=0") != NULL, _i != 1);
    ck_assert_ptr_nonnull(strstr(argv, "--snapshot=00000003-1"));
    ck_assert_ptr_nonnull(strstr(argv, "db.example"));
    ck_assert_ptr_null(strstr(argv, "s3cret"));
    cleanup(free_pointer) char *rest =
        xasprintf("%s < %s | tail -c +12 | sed -n 2p", kinds[_i].unpack, created.path);
    cleanup(free_pointer) char *environment = shell(rest);
    ck_assert_str_eq(environment, "s3cret C");
    backup_created_free(&created);
    place_remove(&place);
}
END_TEST

Suite *backup_create_suite(void)
{
    Suite *suite = suite_create("dump/create");
    add_table_test(suite, a_backup_holds_what_pg_dump_wrote, ARRAY_LENGTH(kinds));
    add_table_test(suite, a_failed_dump_leaves_nothing_and_spares_the_old,
                   KINDS * ARRAY_LENGTH(failures));
    add_test(suite, a_backup_is_replaced_only_by_force);
    add_table_test(suite, what_cannot_work_is_refused_before_anything_is_made,
                   ARRAY_LENGTH(refusals));
    add_test(suite, a_directory_that_cannot_be_written_is_refused);
    add_table_test(suite, a_full_disk_leaves_nothing, ARRAY_LENGTH(kinds));
    add_table_test(suite, a_killed_dump_leaves_all_or_nothing, 2 * KINDS);
    add_test(suite, two_dumps_at_once_are_kept_apart);
    add_table_test(suite, room_for_the_last_backup_is_looked_for_first, ARRAY_LENGTH(lasts));
    add_table_test(suite, a_hidden_file_behaves_like_a_nameless_one, 2);
    add_table_test(suite, the_next_dump_removes_what_a_killed_one_left, ARRAY_LENGTH(leftovers));
    add_table_test(suite, pg_dump_gets_what_it_needs_and_no_password_in_argv, ARRAY_LENGTH(kinds));
    return suite;
}
