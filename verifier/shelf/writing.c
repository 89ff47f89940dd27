#include "shelf/writing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/memory.h"

enum { QUIET_S = 60, WATCH_US = 1200000 };

enum writer { WRITER_NONE, WRITER_PRESENT, WRITER_UNKNOWN };

static bool is_later(struct timespec one, struct timespec other)
{
    return one.tv_sec != other.tv_sec ? one.tv_sec > other.tv_sec : one.tv_nsec > other.tv_nsec;
}

/* Calls `visit` for every regular file right in the directory, until it returns other than 0. */
typedef int file_visitor(int directory, const char *name, const struct stat *status, void *context,
                         struct error *error);

static int files_visit(const char *path, file_visitor *visit, void *context, struct error *error)
{
    DIR *entries = opendir(path);
    if (!entries)
        return cannot_verify(error, "cannot open the directory %s: %s", path, strerror(errno));
    int outcome = 0;
    while (outcome == 0) {
        errno = 0;
        struct dirent *entry = readdir(entries);
        if (!entry) {
            if (errno != 0)
                outcome = cannot_verify(error, "cannot list %s: %s", path, strerror(errno));
            break;
        }
        struct stat status;
        if (fstatat(dirfd(entries), entry->d_name, &status, 0) < 0) {
            if (errno != ENOENT) /* removed meanwhile */
                outcome = cannot_verify(error, "cannot look at %s/%s: %s", path, entry->d_name,
                                        strerror(errno));
            continue;
        }
        if (S_ISREG(status.st_mode))
            outcome = visit(dirfd(entries), entry->d_name, &status, context, error);
    }
    closedir(entries);
    return outcome;
}

static int extent_add(int directory, const char *name, const struct stat *status, void *context,
                      struct error *error)
{
    (void)directory;
    struct extent *extent = context;
    if (__builtin_add_overflow(extent->size_bytes, status->st_size, &extent->size_bytes))
        return cannot_verify(error, "%s has an impossible size", name);
    if (is_later(status->st_mtim, extent->modified))
        extent->modified = status->st_mtim;
    extent->file_count++;
    extent->has_toc = extent->has_toc || strcmp(name, "toc.dat") == 0;
    return 0;
}

int extent_measure(const char *path, bool is_directory, struct extent *ret_extent,
                   struct error *error)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return cannot_verify(error, "cannot look at %s: %s", path, strerror(errno));
    struct extent extent = {.modified = status.st_mtim};
    if (!is_directory) {
        extent.size_bytes = status.st_size;
        extent.file_count = 1;
    } else if (files_visit(path, extent_add, &extent, error) < 0) {
        return -1;
    }
    *ret_extent = extent;
    return 0;
}

/* On these the kernel refuses leases for reasons of its own. */
static bool is_remote(int descriptor)
{
    static const uint32_t remote[] = {
        NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, FUSE_SUPER_MAGIC,
        CEPH_SUPER_MAGIC, V9FS_MAGIC,      AFS_SUPER_MAGIC,  AFS_FS_MAGIC,     CODA_SUPER_MAGIC,
    };
    struct statfs system;
    if (fstatfs(descriptor, &system) < 0)
        return true;
    for (size_t i = 0; i < ARRAY_LENGTH(remote); i++)
        if ((uint32_t)system.f_type == remote[i])
            return true;
    return false;
}

static enum writer lease_ask(int descriptor)
{
    /* Whoever opens the file for writing before we let go makes the kernel send a signal: SIGIO
     * would end us, SIGURG does nothing. */
    if (fcntl(descriptor, F_SETSIG, SIGURG) < 0)
        return WRITER_UNKNOWN;
    if (fcntl(descriptor, F_SETLEASE, F_RDLCK) == 0) {
        fcntl(descriptor, F_SETLEASE, F_UNLCK);
        return is_remote(descriptor) ? WRITER_UNKNOWN : WRITER_NONE;
    }
    return errno == EAGAIN && !is_remote(descriptor) ? WRITER_PRESENT : WRITER_UNKNOWN;
}

static int writer_find(int directory, const char *name, enum writer *writer, struct error *error)
{
    cleanup(close_descriptor) int descriptor =
        openat(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0 && (errno == EWOULDBLOCK || errno == ENOENT)) {
        /* Another one's lease is in the way, or it is being renamed. */
        *writer = WRITER_PRESENT;
        return 0;
    }
    if (descriptor < 0)
        return cannot_verify(error,
                             "cannot open %s: %s; run this as a user that may read the backups",
                             name, strerror(errno));
    *writer = lease_ask(descriptor);
    return 0;
}

/* The answer for several files: one writer is enough, and one that is not known leaves all open. */
static int writer_add(int directory, const char *name, const struct stat *status, void *context,
                      struct error *error)
{
    (void)status;
    enum writer *all = context;
    enum writer one;
    if (*all == WRITER_PRESENT)
        return 0;
    if (writer_find(directory, name, &one, error) < 0)
        return -1;
    if (one != WRITER_NONE)
        *all = one;
    return 0;
}

static bool is_recent(const struct extent *extent)
{
    return time(NULL) - extent->modified.tv_sec < QUIET_S;
}

static bool extent_differs(const struct extent *one, const struct extent *other)
{
    return one->size_bytes != other->size_bytes || one->file_count != other->file_count ||
           one->modified.tv_sec != other->modified.tv_sec ||
           one->modified.tv_nsec != other->modified.tv_nsec;
}

int is_being_written(const char *path, bool is_directory, bool *ret_writing, struct error *error)
{
    enum writer writer = WRITER_NONE;
    struct extent before;
    struct extent after;
    if ((is_directory ? files_visit(path, writer_add, &writer, error)
                      : writer_find(AT_FDCWD, path, &writer, error)) < 0)
        return is_directory ? error_prefix(error, "%s: ", path) : -1;
    if (writer == WRITER_PRESENT) {
        *ret_writing = true;
        return 0;
    }
    if (extent_measure(path, is_directory, &before, error) < 0)
        return -1;
    bool writing = is_directory && !before.has_toc && is_recent(&before);
    if (writer == WRITER_UNKNOWN && is_recent(&before) && !writing) {
        usleep(WATCH_US);
        if (extent_measure(path, is_directory, &after, error) < 0)
            return -1;
        writing = extent_differs(&before, &after);
    }
    *ret_writing = writing;
    return 0;
}
