#include "base/workdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

static const char name_prefix[] = "restore-verifier.";

/* How long a killed server may take to vanish. */
enum { GONE_TIMEOUT_MS = 10000 };

struct workdir {
    char *path;
    int lock; /* keeps the lock on `owner`; closed by exec, shared by forked workers */
};

const char *workdir_parent(void)
{
    const char *parent = getenv("TMPDIR");
    return parent && *parent ? parent : "/tmp";
}

static void workdir_free(struct workdir *workdir)
{
    close_descriptor(&workdir->lock);
    free(workdir->path);
    free(workdir);
}

static void workdir_freep(struct workdir **workdir)
{
    if (*workdir)
        workdir_free(*workdir);
}

static int lock_file(const char *path, int flags)
{
    int lock = open(path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0)
        close_descriptor(&lock);
    return lock;
}

/* The file gets its name when it is locked already: a sweep never finds it without its owner. */
static int owner_create(const char *directory)
{
    cleanup(free_pointer) char *owner = xasprintf("%s/owner", directory);
    cleanup(free_pointer) char *unnamed = xasprintf("%s/owner.new", directory);
    int lock = lock_file(unnamed, O_CREAT | O_EXCL);
    if (lock >= 0 && rename(unnamed, owner) < 0)
        close_descriptor(&lock);
    return lock;
}

int workdir_create(const char *parent, struct workdir **ret_workdir, struct error *error)
{
    cleanup(workdir_freep) struct workdir *workdir = xcalloc(1, sizeof(*workdir));
    workdir->lock = -1;
    /* Whole, since servers and tools stand in other directories than we do. */
    cleanup(free_pointer) char *real_parent = realpath(parent, NULL);
    workdir->path =
        xasprintf("%s/%s%d.XXXXXX", real_parent ? real_parent : parent, name_prefix, getpid());
    if (!mkdtemp(workdir->path))
        return cannot_verify(
            error,
            "cannot make a work directory in %s: %s; set TMPDIR to a directory that "
            "can be written",
            parent, strerror(errno));
    workdir->lock = owner_create(workdir->path);
    if (workdir->lock < 0 || chmod(workdir->path, 0711) < 0) {
        int reason = errno;
        tree_remove(workdir->path, error);
        return cannot_verify(error, "cannot prepare %s: %s", workdir->path, strerror(reason));
    }
    *ret_workdir = take(&workdir);
    return 0;
}

const char *workdir_path(const struct workdir *workdir)
{
    return workdir->path;
}

/* Sends SIGKILL to the processes whose current directory is inside `directory` (a postmaster stays
 * in its data directory) and gives how many there were. */
static size_t kill_inhabitants(const char *directory)
{
    size_t found = 0;
    size_t length = strlen(directory);
    DIR *processes = opendir("/proc");
    if (!processes)
        return 0;
    for (struct dirent *entry; (entry = readdir(processes));) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (*end != '\0' || pid <= 1 || pid == getpid())
            continue;
        char link[64];
        char current[PATH_MAX];
        snprintf(link, sizeof(link), "/proc/%ld/cwd", pid);
        ssize_t size = readlink(link, current, sizeof(current) - 1);
        if (size <= 0)
            continue;
        current[size] = '\0';
        if (strncmp(current, directory, length) != 0 || (current[length] != '/' && current[length]))
            continue;
        kill((pid_t)pid, SIGKILL);
        /* Orphans of a dead worker are ours to reap when we are their subreaper. */
        waitpid((pid_t)pid, NULL, WNOHANG);
        found++;
    }
    closedir(processes);
    return found;
}

static int directory_remove(const char *directory, struct error *error)
{
    cleanup(free_pointer) char *real = realpath(directory, NULL);
    int64_t deadline_ms = deadline_after(GONE_TIMEOUT_MS);
    while (real && kill_inhabitants(real) > 0 && clock_ms() < deadline_ms)
        usleep(5000);
    return tree_remove(directory, error);
}

int workdir_remove(struct workdir *workdir, struct error *error)
{
    if (!workdir)
        return 0;
    int removed = directory_remove(workdir->path, error);
    workdir_free(workdir);
    return removed;
}

void workdir_keep(struct workdir *workdir)
{
    cleanup(free_pointer) char *owner = xasprintf("%s/owner", workdir->path);
    unlink(owner); /* a directory without an owner file is nobody's leftover */
    workdir_free(workdir);
}

size_t workdir_sweep(const char *parent)
{
    size_t removed = 0;
    DIR *entries = opendir(parent);
    if (!entries)
        return 0;
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (!starts_with(entry->d_name, name_prefix))
            continue;
        cleanup(free_pointer) char *path = xasprintf("%s/%s", parent, entry->d_name);
        struct stat status;
        /* Only what is ours: in a shared /tmp anyone may make a directory of this name. */
        if (lstat(path, &status) < 0 || !S_ISDIR(status.st_mode) || status.st_uid != geteuid())
            continue;
        cleanup(free_pointer) char *owner = xasprintf("%s/owner", path);
        cleanup(close_descriptor) int lock = lock_file(owner, 0);
        struct error ignored;
        if (lock >= 0 && directory_remove(path, &ignored) == 0)
            removed++;
    }
    closedir(entries);
    return removed;
}
