#include "dump/dump_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { ATTEMPTS = 100 };

struct dump_lock {
    int descriptor; /* -1: there are no locks here */
    char *path;
};

static int busy(int descriptor, const char *directory, const char *pattern, struct error *error)
{
    char text[32] = "";
    ssize_t length = pread(descriptor, text, sizeof(text) - 1, 0);
    long pid = length > 0 ? strtol(text, NULL, 10) : 0;
    char holder[64] = "";
    if (pid > 0)
        snprintf(holder, sizeof(holder), " (process %ld)", pid);
    return cannot_verify(error,
                         "another dump of %s into %s is at work%s: wait for its end, or stop it",
                         pattern, directory, holder);
}

/* Its last owner may have removed the file just before we locked it. */
static bool is_in_place(int descriptor, const char *path)
{
    struct stat ours;
    struct stat named;
    return fstat(descriptor, &ours) == 0 && stat(path, &named) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

static void pid_write(int descriptor)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%d\n", getpid());
    /* For the message alone; on a full disk it stays empty. */
    if (ftruncate(descriptor, 0) < 0 || pwrite(descriptor, text, (size_t)length, 0) < 0)
        return;
}

int dump_lock_take(const char *directory, const char *pattern, struct dump_lock **ret_lock,
                   struct error *error)
{
    cleanup(free_pointer) char *path = xasprintf("%s/.lock.%s", directory, pattern);
    cleanup(close_descriptor) int descriptor = -1;
    bool locked = false;
    for (int i = 0; i < ATTEMPTS && !locked; i++) {
        close_descriptor(&descriptor);
        descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (descriptor < 0)
            return cannot_verify(error,
                                 "cannot open %s, which keeps two dumps apart: %s; when it is "
                                 "another user's, let the same user make every dump",
                                 path, strerror(errno));
        if (flock(descriptor, LOCK_EX | LOCK_NB) == 0)
            locked = is_in_place(descriptor, path);
        else if (errno == EWOULDBLOCK)
            return busy(descriptor, directory, pattern, error);
        else
            break;
    }
    struct dump_lock *lock = xcalloc(1, sizeof(*lock));
    lock->path = take(&path);
    lock->descriptor = locked ? descriptor : -1;
    if (locked) {
        pid_write(descriptor);
        descriptor = -1;
    } else {
        unlink(lock->path);
    }
    *ret_lock = lock;
    return 0;
}

void dump_lock_release(struct dump_lock *lock)
{
    if (!lock)
        return;
    if (lock->descriptor >= 0)
        unlink(lock->path);
    close_descriptor(&lock->descriptor);
    free(lock->path);
    free(lock);
}

void dump_lock_releasep(struct dump_lock **lock)
{
    dump_lock_release(*lock);
}
