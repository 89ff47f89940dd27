#include "shelf/backup_list.h"

#include <stdlib.h>
#include <string.h>

#include "shelf/companions.h"

struct listing {
    const char *pattern;
    struct backup_list list;
};

static void list_add(struct backup_list *list, const struct shelf_entry *entry,
                     const struct name_date *date)
{
    list->backups = xreallocarray(list->backups, list->count + 1, sizeof(*list->backups));
    struct listed_backup *backup = &list->backups[list->count++];
    *backup = (struct listed_backup){.name = xstrdup(entry->name), .date = *date, .entry = *entry};
    backup->entry.name = backup->name;
}

static int take_entry(void *context, const struct shelf_entry *entry, struct error *error)
{
    (void)error;
    struct listing *listing = context;
    struct name_date date;
    cleanup(free_pointer) char *companion_of = companion_backup(entry->name);
    if (name_pattern_match(listing->pattern, entry->name, &date))
        list_add(&listing->list, entry, &date);
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
    struct listing listing = {.pattern = pattern};
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
