#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/memory.h"

int file_read(const char *path, size_t limit_bytes, struct buffer *ret_content, struct error *error)
{
    cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return cannot_verify(error, "cannot open %s: %s", path, strerror(errno));
    struct buffer content;
    buffer_init(&content, limit_bytes);
    char block[65536];
    ssize_t length;
    while ((length = read(descriptor, block, sizeof(block))) != 0) {
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0) {
            buffer_free(&content);
            return cannot_verify(error, "cannot read %s: %s", path, strerror(errno));
        }
        if (buffer_append(&content, block, (size_t)length) < 0) {
            buffer_free(&content);
            return cannot_verify(error, "%s is larger than the %zu bytes that are read at most",
                                 path, limit_bytes);
        }
    }
    *ret_content = content;
    return 0;
}

int write_all(int descriptor, const void *bytes, size_t length, const char *what,
              struct error *error)
{
    const char *next = bytes;
    while (length > 0) {
        ssize_t written = write(descriptor, next, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == ENOSPC)
            return cannot_verify(
                error, "no space left while writing %s: make room there, or choose another place",
                what);
        if (written < 0)
            return cannot_verify(error, "cannot write %s: %s", what, strerror(errno));
        next += written;
        length -= (size_t)written;
    }
    return 0;
}

static int temporary_write(int descriptor, const char *path, const void *bytes, size_t length,
                           struct error *error)
{
    if (write_all(descriptor, bytes, length, path, error) < 0)
        return -1;
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(descriptor, 0644 & ~mask) < 0 || fsync(descriptor) < 0)
        return cannot_verify(error, "cannot write %s: %s", path, strerror(errno));
    return 0;
}

int file_replace(const char *path, const void *bytes, size_t length, struct error *error)
{
    cleanup(free_pointer) char *temporary = xasprintf("%s.XXXXXX", path);
    cleanup(close_descriptor) int descriptor = mkostemp(temporary, O_CLOEXEC);
    if (descriptor < 0)
        return cannot_verify(error, "cannot write %s: %s", path, strerror(errno));
    if (temporary_write(descriptor, path, bytes, length, error) < 0) {
        unlink(temporary);
        return -1;
    }
    if (rename(temporary, path) < 0) {
        int reason = errno;
        unlink(temporary);
        return cannot_verify(error, "cannot rename %s to %s: %s", temporary, path,
                             strerror(reason));
    }
    return 0;
}

static int entry_remove(const char *path, const struct stat *status, int type, struct FTW *position)
{
    (void)status;
    (void)type;
    (void)position;
    return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int tree_remove(const char *path, struct error *error)
{
    if (nftw(path, entry_remove, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
        return cannot_verify(error, "cannot remove %s: %s", path, strerror(errno));
    return 0;
}

int64_t free_space_bytes(const char *path)
{
    struct statvfs space;
    int64_t bytes;
    if (statvfs(path, &space) < 0 ||
        __builtin_mul_overflow((int64_t)space.f_bavail, (int64_t)space.f_frsize, &bytes))
        return -1;
    return bytes;
}
