#include "backup/retention.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/companions.h"
#include "backup/manifest.h"
#include "backup/name_pattern.h"
#include "backup/record.h"

/* A name that only tells the day, written where the day begins 14 hours earlier. */
enum { MAX_AHEAD_S = 38 * 3600 };

/* --- what is there ---------------------------------------------------------------------------- */

void retained_list_free(struct retained_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].path);
        free(list->items[i].unproven);
    }
    free(list->items);
    *list = (struct retained_list){0};
}

static int newest_first(const void *left, const void *right)
{
    const struct retained *one = left;
    const struct retained *other = right;
    if (one->time != other->time)
        return one->time > other->time ? -1 : 1;
    if (one->modified != other->modified)
        return one->modified > other->modified ? -1 : 1;
    return strcmp(other->name, one->name);
}

int retained_record(const struct retained *backup, const char *scenario, const char *reports,
                    struct record *ret_record, struct error *error)
{
    cleanup(record_places_free) struct record_places places;
    cleanup(manifest_free) struct manifest manifest = {0};
    cleanup(record_free) struct record record = {0};
    struct backup_state state = {
        .name = backup->name, .size_bytes = backup->size_bytes, .modified = backup->modified};
    record_places(backup->path, scenario, reports, &places);
    int outcome = record_read(&places, &state, &record, error);
    if (outcome != 0)
        return outcome;
    outcome = manifest_select(backup->path, backup->size_bytes, record.sha256, &manifest, error);
    if (outcome < 0)
        return -1;
    if (outcome == 0 && strcmp(manifest.sha256, record.sha256) != 0)
        return cannot_verify(error, "its record and its manifest name different sha256");
    *ret_record = record;
    record = (struct record){0};
    return 0;
}

static void look_for_record(struct retained *backup, const char *scenario, const char *reports)
{
    struct record record = {0};
    struct error error;
    int outcome = retained_record(backup, scenario, reports, &record, &error);
    backup->verified = outcome == 0;
    if (outcome < 0)
        backup->unproven = xstrdup(error.text);
    record_free(&record);
}

/* Links and directories are left alone: what a link points to is somewhere else, and a tree is
 * nothing that a date in its name may have deleted. */
static void list_add(struct retained_list *list, const char *location, const char *name,
                     const struct name_date *date, struct strings *notices)
{
    cleanup(free_pointer) char *path = xasprintf("%s/%s", location, name);
    struct stat status;
    if (lstat(path, &status) < 0)
        return;
    if (!S_ISREG(status.st_mode)) {
        strings_addf(notices, "%s is left alone: it is no ordinary file", path);
        return;
    }
    list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
    struct retained *backup = &list->items[list->count++];
    *backup = (struct retained){.path = take(&path),
                                .time = date->end - 1,
                                .modified = status.st_mtim.tv_sec,
                                .size_bytes = status.st_size};
    backup->name = strrchr(backup->path, '/') + 1;
}

void retained_list_prove(struct retained_list *list, const char *scenario, const char *reports)
{
    for (size_t i = 0; i < list->count; i++)
        look_for_record(&list->items[i], scenario, reports);
}

int retained_list_read(const char *location, const char *pattern, struct retained_list *ret_list,
                       struct strings *notices, struct error *error)
{
    if (name_pattern_check(pattern, error) < 0)
        return -1;
    DIR *entries = opendir(location);
    if (!entries)
        return cannot_verify(error, "cannot list %s: %s: check backups.location", location,
                             strerror(errno));
    struct retained_list list = {0};
    struct dirent *entry;
    struct name_date date;
    while (errno = 0, (entry = readdir(entries)))
        if (name_pattern_match(pattern, entry->d_name, &date))
            list_add(&list, location, entry->d_name, &date, notices);
    int reason = errno;
    closedir(entries);
    if (reason != 0) {
        retained_list_free(&list);
        return cannot_verify(error, "cannot list %s: %s", location, strerror(reason));
    }
    if (list.count > 0)
        qsort(list.items, list.count, sizeof(*list.items), newest_first);
    *ret_list = list;
    return 0;
}

/* --- what may go ------------------------------------------------------------------------------ */

void retention_decide(const struct retained_list *list, time_t now, int64_t keep_s,
                      enum retention *ret_decisions)
{
    size_t newest_verified = 0;
    while (newest_verified < list->count && !list->items[newest_verified].verified)
        newest_verified++;
    /* A date in the future proves nothing about the present. */
    bool proven = false;
    for (size_t i = 0; i < list->count; i++) {
        const struct retained *backup = &list->items[i];
        if (backup->verified && now - backup->time <= keep_s && backup->time - now < MAX_AHEAD_S)
            proven = true;
    }
    for (size_t i = 0; i < list->count; i++) {
        enum retention decision = proven ? RETAIN_NOT : RETAIN_NOTHING_PROVEN;
        if (now - list->items[i].time <= keep_s)
            decision = RETAIN_YOUNG;
        else if (i == newest_verified)
            decision = RETAIN_NEWEST_VERIFIED;
        else if (i == 0)
            decision = RETAIN_NEWEST;
        ret_decisions[i] = decision;
    }
}

const char *retention_words(enum retention decision)
{
    switch (decision) {
    case RETAIN_NEWEST:
        return "it is the newest backup";
    case RETAIN_NEWEST_VERIFIED:
        return "it is the newest backup that verified";
    case RETAIN_NOTHING_PROVEN:
        return "no younger backup has verified";
    case RETAIN_YOUNG:
    case RETAIN_NOT:
        break;
    }
    return "";
}

void retained_orphans(const char *location, const char *pattern, time_t before,
                      struct strings *ret_paths)
{
    DIR *entries = opendir(location);
    struct name_date date;
    struct stat status;
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        cleanup(free_pointer) char *backup = companion_backup(entry->d_name);
        if (backup && name_pattern_match(pattern, backup, &date) && date.end <= before &&
            fstatat(dirfd(entries), backup, &status, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
            strings_addf(ret_paths, "%s/%s", location, entry->d_name);
    }
    if (entries)
        closedir(entries);
}

int retained_delete(const struct retained *backup, const char *scenario, const char *reports,
                    struct error *error)
{
    cleanup(record_places_free) struct record_places places;
    record_places(backup->path, scenario, reports, &places);
    /* The record first: should we be killed, nothing says of a backup that is gone, or of another
     * one that gets its name, that it verified. */
    if (record_remove(&places, error) < 0)
        return -1;
    if (unlink(backup->path) < 0 && errno != ENOENT)
        return cannot_verify(error, "cannot delete %s: %s", backup->path, strerror(errno));
    return companions_remove(backup->path, error);
}
