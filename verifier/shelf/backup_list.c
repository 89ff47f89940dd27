#include "shelf/backup_list.h"

#include <stdlib.h>
#include <string.h>

#include "shelf/companions.h"
#include "shelf/manifest.h"

enum { HOUR_S = 3600 };

struct listing {
    struct shelf *shelf;
    const char *pattern;
    struct backup_list list;
};

struct name_date date_of_file(time_t modified)
{
    struct name_date date = {
        .time = modified, .end = modified + 1, .has_time = true, .undated = true};
    struct tm parts;
    if (localtime_r(&modified, &parts)) {
        date.year = parts.tm_year + 1900;
        date.month = parts.tm_mon + 1;
        date.day = parts.tm_mday;
    }
    return date;
}

static time_t began(struct shelf *shelf, const struct shelf_entry *entry)
{
    cleanup(manifest_free) struct manifest manifest = {0};
    struct error ignored;
    int outcome = manifest_select(shelf, entry->name, entry->size_bytes, NULL, &manifest, &ignored);
    return outcome == 0 && manifest.size_bytes == entry->size_bytes ? manifest.began
                                                                    : entry->modified;
}

static void list_add(struct backup_list *list, const struct shelf_entry *entry,
                     const struct name_date *date)
{
    list->backups = xreallocarray(list->backups, list->count + 1, sizeof(*list->backups));
    struct listed_backup *backup = &list->backups[list->count++];
    *backup = (struct listed_backup){.name = xstrdup(entry->name), .date = *date, .entry = *entry};
    backup->entry.name = backup->name;
}

static void add_dated(struct listing *listing, const struct shelf_entry *entry,
                      const struct name_date *named)
{
    bool counts = !named->undated && !shelf_ignores_dates(listing->shelf);
    struct name_date date = counts ? *named : date_of_file(entry->modified);
    list_add(&listing->list, entry, &date);
    if (date.comes_twice)
        listing->list.backups[listing->list.count - 1].began = began(listing->shelf, entry);
}

static int take_entry(void *context, const struct shelf_entry *entry, struct error *error)
{
    (void)error;
    struct listing *listing = context;
    struct name_date date;
    cleanup(free_pointer) char *companion_of = companion_backup(entry->name);
    if (name_pattern_match(listing->pattern, entry->name, &date))
        add_dated(listing, entry, &date);
    else if (companion_of && name_pattern_match(listing->pattern, companion_of, &date))
        strings_add(&listing->list.companions, entry->name);
    else if (name_pattern_near(listing->pattern, entry->name))
        strings_add(&listing->list.near, entry->name);
    return 0;
}

static int newest_first(const void *left, const void *right)
{
    const struct listed_backup *one = left;
    const struct listed_backup *other = right;
    bool same_hour = one->date.comes_twice && other->date.comes_twice &&
                     llabs((long long)one->date.time - (long long)other->date.time) < HOUR_S;
    if (same_hour && one->began != other->began)
        return one->began > other->began ? -1 : 1;
    if (one->date.time != other->date.time)
        return one->date.time > other->date.time ? -1 : 1;
    if (one->entry.modified != other->entry.modified)
        return one->entry.modified > other->entry.modified ? -1 : 1;
    return strcmp(other->name, one->name);
}

/* A bucket may hold millions of other things, which need not be listed. In a directory all is,
 * since a hidden name can be meant as well. */
static char *beginning_of(const struct shelf *shelf, const char *pattern)
{
    return shelf_store(shelf) ? xstrndup(pattern, strcspn(pattern, "%")) : xstrdup("");
}

int backup_list_read(struct shelf *shelf, const char *pattern, struct backup_list *ret_list,
                     struct error *error)
{
    struct listing listing = {.shelf = shelf, .pattern = pattern};
    if (name_pattern_check(pattern, error) < 0)
        return -1;
    cleanup(free_pointer) char *beginning = beginning_of(shelf, pattern);
    if (shelf_list(shelf, beginning, take_entry, &listing, error) < 0) {
        backup_list_free(&listing.list);
        return -1;
    }
    struct backup_list *list = &listing.list;
    if (list->count > 0)
        qsort(list->backups, list->count, sizeof(*list->backups), newest_first);
    *ret_list = *list;
    return 0;
}

void backup_list_free(struct backup_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->backups[i].name);
    free(list->backups);
    strings_free(&list->near);
    strings_free(&list->companions);
    *list = (struct backup_list){0};
}

bool backup_list_has(const struct backup_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->backups[i].name, name) == 0)
            return true;
    return false;
}
