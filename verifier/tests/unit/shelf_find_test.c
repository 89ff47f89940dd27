#include "shelf/find.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "shelf/location.h"
#include "shelf/manifest.h"
#include "shelf/writing.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define PATTERN "a_%Y%m%d.dump"

static int find_in(const char *directory, const char *pattern, struct backup_file *ret_file,
                   struct strings *notices, struct error *error)
{
    cleanup(shelf_freep) struct shelf *shelf = shelf_of_directory(directory);
    const struct backup_names names = backup_names_of(pattern);
    int outcome = backup_find(shelf, &names, ret_file, notices, error);
    if (outcome == 0)
        ret_file->shelf = NULL; /* it is gone with us */
    return outcome;
}

static int stat_given(const char *path, struct backup_file *ret_file, struct error *error)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    cleanup(free_pointer) char *name = NULL;
    const struct backup_names names = backup_names_of(PATTERN);
    int outcome = location_open_file(NULL, path, &shelf, &name, error);
    if (outcome == 0)
        outcome = backup_stat(shelf, name, &names, ret_file, error);
    if (outcome == 0)
        ret_file->shelf = NULL;
    return outcome;
}

static char *directory_make(void)
{
    setenv("TZ", "UTC", 1);
    return scratch_new();
}

/* "NAME" is a file with bytes, "NAME?" an empty one, "NAME/" a directory, "NAME>" a link to a file
 * with bytes, "NAME>>" a link to nothing, "NAME|" a fifo. */
static void entry_make(const char *directory, const char *entry)
{
    size_t length = strcspn(entry, "?>|");
    cleanup(free_pointer) char *path = xasprintf("%s/%.*s", directory, (int)length, entry);
    const char *kind = entry + length;
    if (strcmp(kind, ">>") == 0)
        ck_assert_int_eq(symlink("/nonexistent/file", path), 0);
    else if (strcmp(kind, ">") == 0)
        ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    else if (strcmp(kind, "|") == 0)
        ck_assert_int_eq(mkfifo(path, 0600), 0);
    else if (ends_with(entry, "/"))
        ck_assert_int_eq(mkdir(path, 0700), 0);
    else {
        int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_ge(file, 0);
        if (*kind == '\0')
            ck_assert_int_eq(write(file, "bytes", 5), 5);
        close(file);
    }
}

static const struct {
    const char *pattern;
    const char *entries[6];
    const char *found;      /* NULL: none */
    const char *notices[3]; /* each is the beginning of one, in any order */
} cases[] = {
    {PATTERN, {"a_20261122.dump", "a_20261121.dump", "b_20261123.dump"}, "a_20261122.dump", {0}},
    /* the order of names is not the order of time */
    {"db-%d-%m-%Y.gz",
     {"db-30-01-2026.gz", "db-01-11-2026.gz", "db-31-12-2025.gz"},
     "db-01-11-2026.gz",
     {0}},
    {PATTERN,
     {"a_20261122.dump?", "a_20261121.dump"},
     "a_20261121.dump",
     {"a_20261122.dump is empty"}},
    {PATTERN, {"a_20261122.dump", "a_20261121.dump?"}, "a_20261122.dump", {0}},
    {PATTERN, {"a_20261122.dump?"}, NULL, {"a_20261122.dump is empty"}},
    {PATTERN, {"a_20261122.dump>", "a_20261121.dump"}, "a_20261122.dump", {0}},
    {PATTERN,
     {"a_20261122.dump>>", "a_20261121.dump"},
     "a_20261121.dump",
     {"a_20261122.dump is gone, or a link to nothing"}},
    {PATTERN,
     {"a_20261122.dump|", "a_20261121.dump"},
     "a_20261121.dump",
     {"a_20261122.dump is neither"}},
    {"aaa_%Y%m%d.dump",
     {"aaa_20261122.dump.tmp", "aaa_2026112.dump", "aaa_latest.dump", "aaa_20261101.dump",
      "aaa_20261101.dump.json"},
     "aaa_20261101.dump",
     {"aaa_20261122.dump.tmp is no", "aaa_2026112.dump is no", "aaa_latest.dump is no"}},
    {"aaa_%Y%m%d.dump", {"aaa_20260230.dump"}, NULL, {"aaa_20260230.dump is no backup"}},
    /* directory-format dumps: one is empty, one has no toc.dat yet */
    {PATTERN,
     {"a_20261122.dump/", "a_20261121.dump/", "a_20261121.dump/toc.dat", "a_20261120.dump"},
     "a_20261121.dump",
     {"a_20261122.dump is"}},
    {PATTERN,
     {"a_20261122.dump/", "a_20261122.dump/3001.dat.gz", "a_20261120.dump"},
     "a_20261120.dump",
     {"a_20261122.dump is still being written"}},
    {PATTERN, {0}, NULL, {0}},
};

START_TEST(the_latest_by_name_is_found)
{
    cleanup(scratch_free) char *directory = directory_make();
    for (size_t i = 0; i < ARRAY_LENGTH(cases[_i].entries) && cases[_i].entries[i]; i++)
        entry_make(directory, cases[_i].entries[i]);
    struct backup_file file = {0};
    struct strings notices = {0};
    struct error error = {0};
    int outcome = find_in(directory, cases[_i].pattern, &file, &notices, &error);
    size_t expected = 0;
    for (; expected < ARRAY_LENGTH(cases[_i].notices) && cases[_i].notices[expected]; expected++) {
        bool told = false;
        for (size_t i = 0; i < notices.count && !told; i++)
            told = starts_with(notices.items[i], cases[_i].notices[expected]);
        ck_assert_msg(told, "not told: %s", cases[_i].notices[expected]);
    }
    ck_assert_uint_eq(notices.count, expected);
    if (cases[_i].found) {
        ck_assert_msg(outcome == 0, "%s", error.text);
        ck_assert_str_eq(file.name, cases[_i].found);
        ck_assert(starts_with(file.path, directory));
        ck_assert(file.has_name_date);
        ck_assert_int_gt(file.size_bytes, 0);
        ck_assert_int_lt(llabs(time(NULL) - file.modified), 1000000000);
    } else {
        ck_assert_int_eq(outcome, -1);
        ck_assert_int_eq(error.fault, FAULT_BACKUP);
        ck_assert_msg(strstr(error.text, "find out why there is none") != NULL, "%s", error.text);
        for (size_t i = 0; i < notices.count; i++)
            ck_assert_ptr_nonnull(strstr(error.text, notices.items[i]));
    }
    backup_file_free(&file);
    strings_free(&notices);
}
END_TEST

START_TEST(of_one_moment_the_file_modified_last_is_taken)
{
    cleanup(scratch_free) char *directory = directory_make();
    entry_make(directory, "2026-11-22T05:00+0100");
    entry_make(directory, "2026-11-22T04:00+0000");
    cleanup(free_pointer) char *old = xasprintf("%s/2026-11-22T05:00+0100", directory);
    struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    ck_assert_int_eq(utimensat(AT_FDCWD, old, times, 0), 0);
    struct backup_file file;
    struct strings notices = {0};
    struct error error;
    ck_assert_int_eq(find_in(directory, "%FT%R%z", &file, &notices, &error), 0);
    ck_assert_str_eq(file.name, "2026-11-22T04:00+0000");
    backup_file_free(&file);
}
END_TEST

static void modified_set(const char *directory, const char *name, time_t time)
{
    cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, name);
    struct timespec times[2] = {{.tv_sec = time}, {.tv_sec = time}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* With names without dates, and with names whose dates do not count, the file modified last. */
static const struct {
    const char *pattern;
    const char *names[2]; /* the first is modified later */
    bool ignore_dates;
} by_file[] = {
    {"a_%a.dump", {"a_Mon.dump", "a_Sun.dump"}, false},
    {"a_%a.dump", {"a_Sun.dump", "a_Mon.dump"}, false},
    {PATTERN, {"a_20261122.dump", "a_20261123.dump"}, true},
    {PATTERN, {"a_20261123.dump", "a_20261122.dump"}, false},
};

START_TEST(without_dates_the_file_modified_last_is_taken)
{
    cleanup(scratch_free) char *directory = directory_make();
    cleanup(shelf_freep) struct shelf *shelf = shelf_of_directory(directory);
    for (int i = 0; i < 2; i++) {
        entry_make(directory, by_file[_i].names[i]);
        modified_set(directory, by_file[_i].names[i], 1795356185 - i);
    }
    if (by_file[_i].ignore_dates)
        shelf_ignore_dates(shelf);
    struct backup_file file;
    struct strings notices = {0};
    struct error error;
    const struct backup_names names = backup_names_of(by_file[_i].pattern);
    ck_assert_int_eq(backup_find(shelf, &names, &file, &notices, &error), 0);
    ck_assert_str_eq(file.name, by_file[_i].names[0]);
    ck_assert(file.has_name_date);
    ck_assert_int_eq(file.name_date.undated, _i != 3);
    ck_assert(!file.name_date.undated || file.name_date.time == 1795356185);
    backup_file_free(&file);
    strings_free(&notices);
}
END_TEST

/* On 2026-10-25 in Berlin, 02:10 and 02:50 come at 00:10, 00:50, 01:10 and 01:50 UTC. */
static const struct {
    const char *name;
    time_t modified[2]; /* of a_...-02:10 and of a_...-02:50 */
    time_t began;       /* of the first, by its manifest; 0: it has none */
    const char *found;
} set_back[] = {
    {"both before", {1792887000 + 60, 1792889400 + 60}, 0, "a_2026-10-25-02:50"},
    {"the earlier name behind", {1792890600 + 60, 1792889400 + 60}, 0, "a_2026-10-25-02:10"},
    {"a copy renewed the times, and a manifest knows",
     {1792990000, 1792889400 + 60},
     1792887000,
     "a_2026-10-25-02:50"},
    {"a manifest knows that it was behind",
     {1792887000, 1792889400 + 60},
     1792890600,
     "a_2026-10-25-02:10"},
};

static void manifest_put(struct shelf *shelf, const char *backup, time_t began)
{
    struct manifest manifest = {.backup = xstrdup(backup),
                                .size_bytes = 5,
                                .began = began,
                                .ended = began,
                                .program = xstrdup("p"),
                                .pg_dump = xstrdup("p"),
                                .host = xstrdup("h"),
                                .server = xstrdup("s"),
                                .encoding = xstrdup("UTF8")};
    memset(manifest.sha256, 'a', SHA256_HEX_SIZE - 1);
    cleanup(free_pointer) char *name = manifest_name(backup);
    struct error error;
    ck_assert_msg(manifest_write(&manifest, shelf, name, &error) == 0, "%s", error.text);
    manifest_free(&manifest);
}

START_TEST(in_an_hour_that_comes_twice_the_later_is_the_one_that_began_later)
{
    static const char *const names[] = {"a_2026-10-25-02:10", "a_2026-10-25-02:50"};
    cleanup(scratch_free) char *directory = directory_make();
    cleanup(shelf_freep) struct shelf *shelf = shelf_of_directory(directory);
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    for (int i = 0; i < 2; i++) {
        entry_make(directory, names[i]);
        modified_set(directory, names[i], set_back[_i].modified[i]);
    }
    if (set_back[_i].began)
        manifest_put(shelf, names[0], set_back[_i].began);
    struct backup_file file;
    struct strings notices = {0};
    struct error error;
    const struct backup_names pattern = backup_names_of("a_%F-%R");
    ck_assert_int_eq(backup_find(shelf, &pattern, &file, &notices, &error), 0);
    ck_assert_str_eq(file.name, set_back[_i].found);
    backup_file_free(&file);
    strings_free(&notices);
}
END_TEST

/* A child that holds the file open until it is told to end. */
static pid_t writer_start(const char *path, int flags)
{
    int ready[2];
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int file = open(path, flags);
        ssize_t ignored = write(ready[1], file >= 0 ? "y" : "n", 1);
        (void)ignored;
        for (;;)
            pause();
    }
    char answer;
    ck_assert_int_eq(read(ready[0], &answer, 1), 1);
    ck_assert_int_eq(answer, 'y');
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void writer_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static const struct {
    const char *open;
    int flags;
    const char *found;
} writers[] = {
    {"a_20261122.dump", O_WRONLY, "a_20261121.dump"},
    {"a_20261122.dump", O_RDWR | O_APPEND, "a_20261121.dump"},
    {"a_20261122.dump", O_RDONLY, "a_20261122.dump"},
    {"a_20261121.dump", O_WRONLY, "a_20261122.dump"},
};

START_TEST(what_somebody_still_writes_is_passed_over)
{
    cleanup(scratch_free) char *directory = directory_make();
    entry_make(directory, "a_20261122.dump");
    entry_make(directory, "a_20261121.dump");
    cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, writers[_i].open);
    pid_t writer = writer_start(path, writers[_i].flags);
    struct backup_file file;
    struct strings notices = {0};
    struct error error;
    ck_assert_int_eq(find_in(directory, PATTERN, &file, &notices, &error), 0);
    ck_assert_str_eq(file.name, writers[_i].found);
    backup_file_free(&file);
    bool passed_over = strcmp(writers[_i].found, "a_20261122.dump") != 0;
    ck_assert_uint_eq(notices.count, passed_over);
    if (passed_over) {
        ck_assert_str_eq(notices.items[0], "a_20261122.dump is still being written");
        ck_assert_int_eq(stat_given(path, &file, &error), -1);
        ck_assert_int_eq(error.fault, FAULT_MACHINE);
    }
    writer_end(writer);
    ck_assert_int_eq(find_in(directory, PATTERN, &file, &notices, &error), 0);
    ck_assert_str_eq(file.name, "a_20261122.dump");
    backup_file_free(&file);
    strings_free(&notices);
}
END_TEST

START_TEST(a_writer_inside_a_directory_is_seen)
{
    cleanup(scratch_free) char *directory = directory_make();
    entry_make(directory, "toc.dat");
    entry_make(directory, "3001.dat");
    cleanup(free_pointer) char *path = xasprintf("%s/3001.dat", directory);
    pid_t writer = writer_start(path, O_WRONLY);
    struct error error;
    bool writing = false;
    ck_assert_int_eq(is_being_written(directory, true, &writing, &error), 0);
    ck_assert(writing);
    writer_end(writer);
    ck_assert_int_eq(is_being_written(directory, true, &writing, &error), 0);
    ck_assert(!writing);
}
END_TEST

/* As nobody, who gets no lease on our files. */
static int look_as_nobody(const char *path)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct error error;
        bool writing = false;
        if (setgid(65534) < 0 || setuid(65534) < 0 ||
            is_being_written(path, false, &writing, &error) < 0)
            _exit(2);
        _exit(writing);
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const struct {
    bool grows;
    time_t modified; /* 0: now */
    int64_t least_ms;
    int64_t most_ms;
    int writing;
} quiet[] = {
    {true, 0, 0, 5000, 1},
    {false, 0, 1000, 5000, 0},
    {false, 1000000000, 0, 1000, 0},
};

START_TEST(without_leases_growth_tells)
{
    if (geteuid() != 0)
        return;
    cleanup(scratch_free) char *directory = directory_make();
    ck_assert_int_eq(chmod(directory, 0755), 0);
    cleanup(free_pointer) char *path = xasprintf("%s/file", directory);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    ck_assert_int_eq(write(file, "x", 1), 1);
    if (quiet[_i].modified) {
        struct timespec times[2] = {{.tv_sec = quiet[_i].modified}, {.tv_sec = quiet[_i].modified}};
        ck_assert_int_eq(futimens(file, times), 0);
    }
    pid_t grower = fork();
    if (grower == 0) {
        while (quiet[_i].grows && write(file, "x", 1) == 1)
            usleep(50000);
        _exit(0);
    }
    int64_t began_ms = clock_ms();
    int writing = look_as_nobody(path);
    int64_t took_ms = clock_ms() - began_ms;
    writer_end(grower);
    close(file);
    ck_assert_int_eq(writing, quiet[_i].writing);
    ck_assert_int_ge(took_ms, quiet[_i].least_ms);
    ck_assert_int_le(took_ms, quiet[_i].most_ms);
}
END_TEST

/* Somebody opens the file for writing again and again while we ask: no signal may reach us that
 * ends us. */
START_TEST(a_broken_lease_does_not_kill)
{
    cleanup(scratch_free) char *directory = directory_make();
    entry_make(directory, "file");
    cleanup(free_pointer) char *path = xasprintf("%s/file", directory);
    pid_t writer = fork();
    if (writer == 0)
        for (;;)
            close(open(path, O_WRONLY | O_CLOEXEC));
    struct error error;
    int seen[2] = {0};
    const int64_t end_ms = clock_ms() + 300, most_ms = end_ms + 10000;
    while (clock_ms() < end_ms || ((!seen[true] || !seen[false]) && clock_ms() < most_ms)) {
        bool writing;
        ck_assert_int_eq(is_being_written(path, false, &writing, &error), 0);
        seen[writing]++;
    }
    writer_end(writer);
    ck_assert_int_gt(seen[true], 0);
    ck_assert_int_gt(seen[false], 0);
}
END_TEST

static const struct {
    const char *directory;
    const char *words;
} missing[] = {
    {"/nonexistent/backups", "/nonexistent/backups does not exist: check backups.location"},
    {"/etc/passwd", "is not a directory"},
};

START_TEST(a_place_that_cannot_be_looked_at_is_no_verdict)
{
    struct backup_file file;
    struct strings notices = {0};
    struct error error;
    ck_assert_int_eq(find_in(missing[_i].directory, PATTERN, &file, &notices, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_msg(strstr(error.text, missing[_i].words) != NULL, "%s", error.text);
}
END_TEST

START_TEST(what_is_missing_is_for_the_dump_to_make)
{
    cleanup(scratch_free) char *directory = directory_make();
    cleanup(free_pointer) char *below = xasprintf("%s/backups", directory);
    const struct backup_names names = backup_names_of(PATTERN);
    const struct {
        const char *directory, *words;
    } places[] = {{below, "make the first backup (restore-verifier dump)"},
                  {directory, "run the dump step (restore-verifier dump)"}};
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        cleanup(shelf_freep) struct shelf *shelf = shelf_of_directory(places[i].directory);
        cleanup(strings_free) struct strings notices = {0};
        struct backup_file file;
        struct error error;
        shelf_expect_dumps(shelf);
        ck_assert_int_eq(backup_find(shelf, &names, &file, &notices, &error), -1);
        ck_assert_msg(strstr(error.text, places[i].words) != NULL, "%s", error.text);
    }
}
END_TEST

/* The latest backup is what has to restore: not to be allowed to read it is no reason to take an
 * older one. */
START_TEST(an_unreadable_backup_is_not_passed_over)
{
    if (geteuid() != 0)
        return;
    cleanup(scratch_free) char *directory = directory_make();
    ck_assert_int_eq(chmod(directory, 0755), 0);
    entry_make(directory, "a_20261122.dump");
    entry_make(directory, "a_20261121.dump");
    cleanup(free_pointer) char *old = xasprintf("%s/a_20261121.dump", directory);
    ck_assert_int_eq(chmod(old, 0644), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct backup_file file;
        struct strings notices = {0};
        struct error error;
        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(2);
        _exit(find_in(directory, PATTERN, &file, &notices, &error) == -1 &&
                      error.fault == FAULT_MACHINE && strstr(error.text, "a_20261122.dump")
                  ? 0
                  : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    ck_assert_int_eq(status, 0);
}
END_TEST

static const struct {
    const char *entry;
    const char *name;
    enum fault fault; /* 0: fine */
    bool has_date;
} given[] = {
    {"a_20261122.dump", "a_20261122.dump", 0, true},
    {"mine.dump", "mine.dump", 0, false},
    {"dir/", "dir/", FAULT_BACKUP, false},
    {"mine.dump?", "mine.dump", FAULT_BACKUP, false},
    {"mine.dump", "other.dump", FAULT_MACHINE, false},
    {"mine.dump|", "mine.dump", FAULT_MACHINE, false},
};

START_TEST(a_given_file_is_taken_whatever_its_name)
{
    cleanup(scratch_free) char *directory = directory_make();
    entry_make(directory, given[_i].entry);
    cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, given[_i].name);
    struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    utimensat(AT_FDCWD, path, times, 0);
    struct backup_file file = {0};
    struct error error = {0};
    int outcome = stat_given(path, &file, &error);
    ck_assert_int_eq(error.fault, given[_i].fault);
    ck_assert_int_eq(outcome, given[_i].fault ? -1 : 0);
    if (outcome == 0) {
        ck_assert_str_eq(file.path, path);
        ck_assert_int_eq(file.has_name_date, given[_i].has_date);
        ck_assert_int_eq(file.modified, 1000000000);
        ck_assert_int_eq(file.size_bytes, 5);
    }
    backup_file_free(&file);
}
END_TEST

Suite *backup_find_suite(void)
{
    Suite *suite = suite_create("shelf/find");
    add_table_test(suite, the_latest_by_name_is_found, ARRAY_LENGTH(cases));
    add_table_test(suite, without_dates_the_file_modified_last_is_taken, ARRAY_LENGTH(by_file));
    add_table_test(suite, in_an_hour_that_comes_twice_the_later_is_the_one_that_began_later,
                   ARRAY_LENGTH(set_back));
    add_test(suite, of_one_moment_the_file_modified_last_is_taken);
    add_table_test(suite, what_somebody_still_writes_is_passed_over, ARRAY_LENGTH(writers));
    add_test(suite, a_writer_inside_a_directory_is_seen);
    add_table_test(suite, without_leases_growth_tells, ARRAY_LENGTH(quiet));
    add_test(suite, a_broken_lease_does_not_kill);
    add_test(suite, what_is_missing_is_for_the_dump_to_make);
    add_table_test(suite, a_place_that_cannot_be_looked_at_is_no_verdict, ARRAY_LENGTH(missing));
    add_test(suite, an_unreadable_backup_is_not_passed_over);
    add_table_test(suite, a_given_file_is_taken_whatever_its_name, ARRAY_LENGTH(given));
    return suite;
}
