#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

char *scratch_new(void)
{
    char *directory = xstrdup("/tmp/unit.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chmod(directory, 0755), 0);
    return directory;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *position)
{
    (void)status;
    (void)type;
    (void)position;
    return remove(path);
}

/* Not by tree_remove, which is tested with it. */
void scratch_free(char **directory)
{
    nftw(*directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(*directory);
}

char *scratch_path(const char *directory, const char *name)
{
    return xasprintf("%s/%s", directory, name);
}

void scratch_write(const char *path, const char *text, mode_t mode)
{
    cleanup(close_descriptor) int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    ck_assert_msg(file >= 0, "cannot write %s", path);
    ck_assert_int_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(fchmod(file, mode), 0);
}

bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

struct shelf *scratch_shelf(const char *directory, bool as_bucket)
{
    struct store_options options = {.location = directory};
    struct store *store;
    struct error error;
    if (!as_bucket)
        return shelf_of_directory(directory);
    ck_assert_int_eq(store_open(&options, &store, &error), 0);
    return shelf_of_store(store);
}

/* The last byte of what a process tells is a line's end: half a number is none. */
pid_t scratch_read_pid(const char *path)
{
    for (int64_t deadline_ms = deadline_after(3000); clock_ms() < deadline_ms; usleep(2000)) {
        char text[32] = "";
        cleanup(close_descriptor) int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file >= 0 && read(file, text, sizeof(text) - 1) > 0 && strchr(text, '\n'))
            return (pid_t)strtol(text, NULL, 10);
    }
    ck_abort_msg("nobody wrote a pid to %s", path);
}

static bool has_gone(pid_t pid)
{
    cleanup(free_pointer) char *path = xasprintf("/proc/%d/stat", (int)pid);
    char text[512] = "";
    cleanup(close_descriptor) int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, text, sizeof(text) - 1) <= 0)
        return true;
    const char *state = strrchr(text, ')');
    return state && (starts_with(state, ") Z") || starts_with(state, ") X"));
}

bool process_goes(pid_t pid)
{
    for (int64_t deadline_ms = deadline_after(2000); clock_ms() < deadline_ms; usleep(2000))
        if (has_gone(pid))
            return true;
    return false;
}
