#include "backup/companions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/record.h"
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

int companions_before(const char *path, bool replaces, const struct manifest *manifest,
                      struct error *error)
{
    cleanup(free_pointer) char *current = manifest_path(path);
    cleanup(free_pointer) char *next = manifest_next_path(path);
    cleanup(record_places_free) struct record_places places;
    record_places(path, "", NULL, &places);
    /* What is there of an earlier backup of that name speaks of other bytes. */
    if (record_remove(&places, error) < 0 || (!replaces && remove_companion(next, error) < 0))
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
