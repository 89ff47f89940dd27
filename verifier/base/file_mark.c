#include "base/file_mark.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* FNV-1a; differences are looked for, and nobody gains by hiding one. */
static uint64_t mix(uint64_t hash, uint64_t number)
{
    for (; number != 0; number >>= 8U)
        hash = (hash ^ (number & 0xffU)) * 1099511628211U;
    /* Where the number ends: 1 and 2 are not 513. */
    return hash * 1099511628211U;
}

static uint64_t digest(const char *name, const struct stat *status)
{
    uint64_t hash = 14695981039346656037U;
    for (; *name != '\0'; name++)
        hash = mix(hash, (unsigned char)*name);
    hash = mix(hash, (uint64_t)status->st_size);
    hash = mix(hash, (uint64_t)status->st_mtim.tv_sec);
    return mix(hash, (uint64_t)status->st_mtim.tv_nsec);
}

static int cannot_look(const char *path, struct error *error)
{
    return cannot_verify(error, "cannot look at %s: %s", path, strerror(errno));
}

static int directory_digest(const char *path, uint64_t *ret_files, struct error *error)
{
    DIR *entries = opendir(path);
    if (!entries)
        return cannot_look(path, error);
    uint64_t files = 0;
    const struct dirent *entry;
    while ((errno = 0, (entry = readdir(entries)))) {
        struct stat status;
        if (fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            !S_ISDIR(status.st_mode))
            files += digest(entry->d_name, &status);
    }
    int reason = errno;
    closedir(entries);
    errno = reason;
    if (reason != 0)
        return cannot_look(path, error);
    *ret_files = files;
    return 0;
}

int file_mark_take(const char *path, struct file_mark *ret_mark, struct error *error)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return cannot_look(path, error);
    struct file_mark mark = {.device = status.st_dev, .inode = status.st_ino};
    if (!S_ISDIR(status.st_mode))
        mark.files = digest("", &status);
    else if (directory_digest(path, &mark.files, error) < 0)
        return -1;
    *ret_mark = mark;
    return 0;
}

int file_mark_check(const char *path, const struct file_mark *mark, struct error *error)
{
    struct file_mark now;
    if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
        return cannot_verify(error, "it was deleted while it was read: run again");
    if (file_mark_take(path, &now, error) < 0)
        return -1;
    if (now.device == mark->device && now.files == mark->files)
        return 0;
    if (now.device == mark->device && now.inode == mark->inode)
        return cannot_verify(error, "it was replaced while it was read, or is still being written: "
                                    "run again");
    return cannot_verify(error, "it was replaced while it was read: run again");
}
