#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
        return cannot_verify(error, "cannot replace %s: %s", path, strerror(reason));
    }
    return 0;
}

/* How deep a tree is walked with a descriptor for each level; what lies deeper is first moved up.
 */
enum { TREE_DEPTH = 32 };

/* A tree being removed. Names are looked up in open directories only, never along a path: whoever
 * may still write into the tree could put a link into that path, and lead us out of it. */
struct removal {
    int top;      /* descriptor of the tree */
    size_t moved; /* directories moved up from below TREE_DEPTH */
    int reason;   /* errno of the first failure; 0: none */
};

static bool tree_is_gone(const char *path)
{
    struct stat status;
    return lstat(path, &status) < 0 && errno == ENOENT;
}

static void removal_failed(struct removal *removal)
{
    if (removal->reason == 0 && errno != ENOENT)
        removal->reason = errno;
}

static void directory_empty(struct removal *removal, int directory, int depth);

static void directory_remove_at(struct removal *removal, int parent, const char *name, int depth)
{
    if (depth == TREE_DEPTH) {
        char up[64];
        snprintf(up, sizeof(up), ".removing.%d.%zu", getpid(), ++removal->moved);
        if (renameat(parent, name, removal->top, up) < 0)
            removal_failed(removal);
        return;
    }
    int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0) {
        removal_failed(removal);
        return;
    }
    directory_empty(removal, directory, depth);
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0)
        removal_failed(removal);
}

/* Closes `directory`. */
static void directory_empty(struct removal *removal, int directory, int depth)
{
    DIR *entries = fdopendir(directory);
    if (!entries) {
        removal_failed(removal);
        close(directory);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(directory, entry->d_name, 0) == 0)
            continue;
        if (errno == EISDIR || errno == EPERM)
            directory_remove_at(removal, directory, entry->d_name, depth + 1);
        else
            removal_failed(removal);
    }
    closedir(entries);
}

int tree_remove(const char *path, struct error *error)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return cannot_verify(error, "cannot remove %s: %s", path, strerror(errno));
    struct removal removal = {.moved = 0};
    size_t moved_before;
    do {
        moved_before = removal.moved;
        removal.reason = 0;
        removal.top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (removal.top < 0)
            removal_failed(&removal);
        else
            directory_empty(&removal, removal.top, 0);
    } while (removal.reason == 0 && rmdir(path) < 0 && errno != ENOENT &&
             removal.moved > moved_before);
    if (removal.reason == 0 && !tree_is_gone(path))
        removal.reason = ENOTEMPTY;
    if (removal.reason != 0)
        return cannot_verify(error, "cannot remove %s: %s", path, strerror(removal.reason));
    return 0;
}

/* Behind any "./" and "/" that begin it. */
static const char *past_dots(const char *path)
{
    for (;;) {
        if (*path == '/')
            path++;
        else if (path[0] == '.' && (path[1] == '/' || path[1] == '\0'))
            path++;
        else
            return path;
    }
}

char *path_absolute(const char *path)
{
    cleanup(free_pointer) char *here = *path == '/' ? xstrdup("") : getcwd(NULL, 0);
    if (!here)
        return xstrdup(path);
    if (strcmp(here, "/") == 0)
        *here = '\0';
    struct buffer absolute;
    buffer_init(&absolute, SIZE_MAX / 2);
    buffer_append_text(&absolute, here);
    while (*(path = past_dots(path)) != '\0') {
        size_t length = strcspn(path, "/");
        buffer_append_text(&absolute, "/");
        buffer_append(&absolute, path, length);
        path += length;
    }
    if (absolute.length == 0)
        buffer_append_text(&absolute, "/");
    return buffer_steal(&absolute);
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
