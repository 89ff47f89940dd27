#include "backup/companions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/record.h"
#include "base/hash.h"
#include "base/memory.h"

static const char *const endings[] = {".next.manifest.json", ".manifest.json", ".verified.json"};

char *companion_backup(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++)
        if (ends_with(name, endings[i]))
            return xstrndup(name, strlen(name) - strlen(endings[i]));
    return NULL;
}

static int remove_companion(const char *path, struct error *error)
{
    if (unlink(path) < 0 && errno != ENOENT)
        return cannot_verify(error, "cannot remove %s: %s", path, strerror(errno));
    return 0;
}

static int backup_hash(const char *path, char ret_sha256[SHA256_HEX_SIZE], struct error *error)
{
    enum { BLOCK_SIZE = 256 * 1024 };
    cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    cleanup(free_pointer) unsigned char *block = xmalloc(BLOCK_SIZE);
    cleanup(sha256_freep) struct sha256 *hash = sha256_new();
    if (descriptor < 0)
        return cannot_verify(error, "cannot open %s: %s", path, strerror(errno));
    ssize_t length;
    while ((length = read(descriptor, block, BLOCK_SIZE)) != 0) {
        if (length > 0)
            sha256_update(hash, block, (size_t)length);
        else if (errno != EINTR)
            return cannot_verify(error, "cannot read %s: %s", path, strerror(errno));
    }
    sha256_final(hash, ret_sha256);
    return 0;
}

/* Of two manifests that lie beside a backup: is `next` the one that belongs to it? Its size tells,
 * unless both have it. */
static int next_belongs(const char *path, const char *current_path, const struct manifest *next,
                        bool *ret_belongs, struct error *error)
{
    cleanup(manifest_free) struct manifest current = {0};
    struct stat status;
    if (stat(path, &status) < 0 || status.st_size != next->size_bytes) {
        *ret_belongs = false;
        return 0;
    }
    int outcome = manifest_read(current_path, &current, error);
    if (outcome < 0 && error->fault == FAULT_MACHINE)
        return -1;
    *ret_belongs = true;
    if (outcome != 0 || current.size_bytes != status.st_size)
        return 0;
    char sha256[SHA256_HEX_SIZE];
    if (backup_hash(path, sha256, error) < 0)
        return -1;
    *ret_belongs = strcmp(sha256, next->sha256) == 0;
    return 0;
}

/* A replacement that was killed after the new backup got its name has left that backup's manifest
 * under its second name, where the next one would be written over it. */
static int companions_settle(const char *path, const char *current_path, const char *next_path,
                             struct error *error)
{
    cleanup(manifest_free) struct manifest next = {0};
    bool belongs = false;
    int outcome = manifest_read(next_path, &next, error);
    if (outcome < 0 && error->fault == FAULT_MACHINE)
        return -1;
    if (outcome != 0) /* none, or one that belongs to nothing */
        return 0;
    if (next_belongs(path, current_path, &next, &belongs, error) < 0)
        return -1;
    if (belongs && rename(next_path, current_path) < 0)
        return cannot_verify(error,
                             "cannot rename %s, the manifest of the backup that is there: %s",
                             next_path, strerror(errno));
    return 0;
}

int companions_before(const char *path, bool replaces, const struct manifest *manifest,
                      struct error *error)
{
    cleanup(free_pointer) char *current = manifest_path(path);
    cleanup(free_pointer) char *next = manifest_next_path(path);
    cleanup(record_places_free) struct record_places places;
    record_places(path, "", NULL, &places);
    /* What is there of an earlier backup of that name speaks of other bytes. */
    if (record_remove(&places, error) < 0)
        return -1;
    if ((replaces ? companions_settle(path, current, next, error) : remove_companion(next, error)) <
        0)
        return -1;
    return manifest_write(manifest, replaces ? next : current, error);
}

int companions_after(const char *path, bool replaces, struct error *error)
{
    cleanup(free_pointer) char *current = manifest_path(path);
    cleanup(free_pointer) char *next = manifest_next_path(path);
    if (replaces && rename(next, current) < 0)
        return cannot_verify(error, "the backup is written, but %s cannot be renamed to %s: %s",
                             next, current, strerror(errno));
    return 0;
}

void companions_withdraw(const char *path, bool replaces)
{
    cleanup(free_pointer) char *manifest = manifest_path(path);
    struct stat status;
    /* It has its name all the same when only the last sync failed: then the manifest belongs to it.
     * Whether a replacement took place cannot be told, so both manifests stay. */
    if (!replaces && lstat(path, &status) < 0)
        unlink(manifest);
}

int companions_remove(const char *path, struct error *error)
{
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
        cleanup(free_pointer) char *companion = xasprintf("%s%s", path, endings[i]);
        if (remove_companion(companion, error) < 0)
            return -1;
    }
    return 0;
}
