#include "base/new_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

static const char partial[] = ".partial.";

enum { QUIET_S = 60 };

struct new_file {
    int directory;
    int descriptor;
    char *path; /* that it will have */
    const char *name;
    char *hidden;   /* .NAME.partial.PID-NUMBER */
    bool is_hidden; /* that name is in use */
};

static int no_access(const char *path, int reason, struct error *error)
{
    const char *advice = reason == EACCES || reason == EPERM
                             ? "; run this as a user that may write "
                               "there"
                         : reason == ENOSPC || reason == EDQUOT ? ": make room there"
                                                                : "";
    return cannot_verify(error, "cannot write %s: %s%s", path, strerror(reason), advice);
}

static int hidden_open(struct new_file *file, struct error *error)
{
    file->descriptor =
        openat(file->directory, file->hidden, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file->descriptor < 0)
        return no_access(file->path, errno, error);
    file->is_hidden = true;
    return 0;
}

static bool cannot_be_nameless(int reason)
{
    return reason == EOPNOTSUPP || reason == EISDIR || reason == EINVAL || reason == ENOENT ||
           reason == ENOSYS;
}

static int descriptor_open(struct new_file *file, enum new_file_kind kind, struct error *error)
{
    if (kind == NEW_FILE_HIDDEN)
        return hidden_open(file, error);
    file->descriptor = openat(file->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file->descriptor >= 0)
        return 0;
    return cannot_be_nameless(errno) ? hidden_open(file, error)
                                     : no_access(file->path, errno, error);
}

int new_file_open(const char *directory, const char *name, enum new_file_kind kind,
                  struct new_file **ret_file, struct error *error)
{
    cleanup(new_file_freep) struct new_file *file = xcalloc(1, sizeof(*file));
    file->path = xasprintf("%s/%s", directory, name);
    file->name = file->path + strlen(file->path) - strlen(name);
    /* In containers, pids come again. */
    unsigned int unique = (unsigned int)clock_ms();
    if (getrandom(&unique, sizeof(unique), 0) < 0)
        unique ^= (unsigned int)time(NULL);
    file->hidden = xasprintf(".%s%s%d-%u", name, partial, getpid(), unique);
    file->descriptor = -1;
    file->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->directory < 0)
        return cannot_verify(error, "cannot open the directory %s: %s", directory, strerror(errno));
    if (descriptor_open(file, kind, error) < 0)
        return -1;
    flock(file->descriptor, LOCK_EX | LOCK_NB); /* where there are no locks, nothing is swept */
    *ret_file = take(&file);
    return 0;
}

int new_file_descriptor(const struct new_file *file)
{
    return file->descriptor;
}

const char *new_file_path(const struct new_file *file)
{
    return file->path;
}

/* Gives the nameless file a name that is free. */
static int name_link(struct new_file *file, const char *name)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", file->descriptor);
    int linked = linkat(AT_FDCWD, link, file->directory, name, AT_SYMLINK_FOLLOW);
    if (linked < 0 && errno == ENOENT) /* no /proc here; this needs a capability */
        linked = linkat(file->descriptor, "", file->directory, name, AT_EMPTY_PATH);
    return linked;
}

static int hidden_rename(struct new_file *file, bool replace)
{
    if (replace)
        return renameat(file->directory, file->hidden, file->directory, file->name);
    int renamed =
        renameat2(file->directory, file->hidden, file->directory, file->name, RENAME_NOREPLACE);
    if (renamed == 0 || (errno != EINVAL && errno != ENOSYS))
        return renamed;
    /* NFS: a second name, then away with the first. */
    if (linkat(file->directory, file->hidden, file->directory, file->name, 0) < 0)
        return -1;
    return unlinkat(file->directory, file->hidden, 0);
}

static int name_give(struct new_file *file, bool replace)
{
    if (!file->is_hidden && !replace)
        return name_link(file, file->name);
    if (!file->is_hidden) {
        if (name_link(file, file->hidden) < 0)
            return -1;
        file->is_hidden = true;
    }
    if (hidden_rename(file, replace) < 0)
        return -1;
    file->is_hidden = false;
    return 0;
}

int new_file_publish(struct new_file *file, bool replace, struct error *error)
{
    if (fsync(file->descriptor) < 0)
        return no_access(file->path, errno, error);
    if (name_give(file, replace) < 0) {
        if (errno == EEXIST)
            return cannot_verify(error, "%s exists already: --force replaces it", file->path);
        return no_access(file->path, errno, error);
    }
    /* Some file systems cannot sync directories (EINVAL): then there is nothing to do. */
    if (fsync(file->directory) < 0 && errno != EINVAL)
        return cannot_verify(error, "%s is written, but its directory could not be synced: %s",
                             file->path, strerror(errno));
    return 0;
}

void new_file_free(struct new_file *file)
{
    if (!file)
        return;
    if (file->is_hidden)
        unlinkat(file->directory, file->hidden, 0);
    close_descriptor(&file->descriptor);
    close_descriptor(&file->directory);
    free(file->hidden);
    free(file->path);
    free(file);
}

void new_file_freep(struct new_file **file)
{
    new_file_free(*file);
}

/* The NAME of .NAME.partial.PID-NUMBER; NULL when it is something else. */
static char *hidden_name_read(const char *hidden)
{
    const char *last = NULL;
    for (const char *next = hidden; (next = strstr(next, partial)); next++)
        last = next;
    if (hidden[0] != '.' || !last || last <= hidden + 1)
        return NULL;
    const char *pid = last + strlen(partial);
    if (*pid == '\0' || pid[strspn(pid, "0123456789-")] != '\0')
        return NULL;
    return xstrndup(hidden + 1, (size_t)(last - hidden - 1));
}

static void leftover_remove(int directory, const char *hidden)
{
    struct stat status;
    cleanup(close_descriptor) int descriptor =
        openat(directory, hidden, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
        time(NULL) - status.st_mtim.tv_sec > QUIET_S && flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        unlinkat(directory, hidden, 0);
}

void new_files_sweep(const char *directory, bool (*wanted)(const char *name, const void *context),
                     const void *context)
{
    DIR *entries = opendir(directory);
    if (!entries)
        return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        cleanup(free_pointer) char *name = hidden_name_read(entry->d_name);
        if (name && wanted(name, context))
            leftover_remove(dirfd(entries), entry->d_name);
    }
    closedir(entries);
}
