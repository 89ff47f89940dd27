#include "shelf/companions.h"

#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "shelf/record.h"

static const char *const endings[] = {".next.manifest.json", ".manifest.json", ".verified.json"};

char *companion_backup(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++)
        if (ends_with(name, endings[i]))
            return xstrndup(name, strlen(name) - strlen(endings[i]));
    return record_of_database_backup(name);
}

static int hash_bytes(void *context, const void *bytes, size_t length, struct error *error)
{
    (void)error;
    sha256_update(context, bytes, length);
    return 0;
}

/* Of two manifests that lie beside a backup: is `next` the one that belongs to it? Its size tells,
 * unless both have it. */
static int next_belongs(struct shelf *shelf, const char *name, const char *current_name,
                        const struct manifest *next, bool *ret_belongs, struct error *error)
{
    cleanup(manifest_free) struct manifest current = {0};
    struct shelf_entry backup;
    int outcome = shelf_look(shelf, name, &backup, error);
    if (outcome < 0)
        return -1;
    if (outcome > 0 || backup.size_bytes != next->size_bytes) {
        *ret_belongs = false;
        return 0;
    }
    outcome = manifest_read(shelf, current_name, &current, error);
    if (outcome < 0 && error->fault == FAULT_MACHINE)
        return -1;
    *ret_belongs = true;
    if (outcome != 0 || current.size_bytes != backup.size_bytes)
        return 0;
    char sha256[SHA256_HEX_SIZE];
    cleanup(sha256_freep) struct sha256 *hash = sha256_new();
    if (shelf_get(shelf, name, hash_bytes, hash, error) < 0)
        return -1;
    sha256_final(hash, sha256);
    *ret_belongs = strcmp(sha256, next->sha256) == 0;
    return 0;
}

/* A replacement that was killed after the new backup got its name has left that backup's manifest
 * under its second name, where the next one would be written over it. */
static int companions_settle(struct shelf *shelf, const char *name, const char *current_name,
                             const char *next_name, struct error *error)
{
    cleanup(manifest_free) struct manifest next = {0};
    bool belongs = false;
    int outcome = manifest_read(shelf, next_name, &next, error);
    if (outcome < 0 && error->fault == FAULT_MACHINE)
        return -1;
    if (outcome != 0) /* none, or one that belongs to nothing */
        return 0;
    if (next_belongs(shelf, name, current_name, &next, &belongs, error) < 0)
        return -1;
    return belongs ? manifest_rename(&next, shelf, next_name, current_name, error) : 0;
}

int companions_before(struct shelf *shelf, const char *name, const char *database, bool replaces,
                      const struct manifest *manifest, struct error *error)
{
    cleanup(free_pointer) char *current = manifest_name(name);
    cleanup(free_pointer) char *next = manifest_next_name(name);
    cleanup(record_places_free) struct record_places places;
    record_places_of(shelf, name, "", database, NULL, &places);
    /* What is there of an earlier backup of that name speaks of other bytes. */
    if (record_remove(&places, error) < 0)
        return -1;
    if ((replaces ? companions_settle(shelf, name, current, next, error)
                  : shelf_remove(shelf, next, error)) < 0)
        return -1;
    return manifest_write(manifest, shelf, replaces ? next : current, error);
}

int companions_after(struct shelf *shelf, const char *name, bool replaces,
                     const struct manifest *manifest, struct error *error)
{
    cleanup(free_pointer) char *current = manifest_name(name);
    cleanup(free_pointer) char *next = manifest_next_name(name);
    if (replaces && manifest_rename(manifest, shelf, next, current, error) < 0)
        return error_prefix(error, "the backup is written, but its manifest still has its second "
                                   "name: ");
    return 0;
}

void companions_withdraw(struct shelf *shelf, const char *name, bool replaces)
{
    cleanup(free_pointer) char *manifest = manifest_name(name);
    struct shelf_entry entry;
    struct error ignored;
    /* It has its name all the same when only the last sync failed: then the manifest belongs to it.
     * Whether a replacement took place cannot be told, so both manifests stay. */
    if (!replaces && shelf_look(shelf, name, &entry, &ignored) > 0)
        shelf_remove(shelf, manifest, &ignored);
}

int companions_remove(struct shelf *shelf, const char *name, struct error *error)
{
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
        cleanup(free_pointer) char *companion = xasprintf("%s%s", name, endings[i]);
        if (shelf_remove(shelf, companion, error) < 0)
            return -1;
    }
    return 0;
}
