#include "shelf/backup_list.h"

#include <stdlib.h>
#include <string.h>

#include "shelf/companions.h"
#include "shelf/manifest.h"

enum { HOUR_S = 3600 };

struct listing {
    struct shelf *shelf;
    const struct backup_names *names;
    struct backup_list list;
};

/* --- what is there, file by file -------------------------------------------------------------- */

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

static void list_add(struct backup_list *list, enum backup_part part,
                     const struct shelf_entry *entry, const struct name_date *date)
{
    list->backups = xreallocarray(list->backups, list->count + 1, sizeof(*list->backups));
    struct listed_part *file = xmalloc(sizeof(*file));
    *file = (struct listed_part){.part = part, .name = xstrdup(entry->name), .entry = *entry};
    file->entry.name = file->name;
    list->backups[list->count++] = (struct listed_backup){
        .name = file->name, .date = *date, .entry = file->entry, .parts = file, .part_count = 1};
}

/* The part whose pattern the name matches, or PART_COUNT. */
static enum backup_part part_match(const struct backup_names *names, const char *name,
                                   struct name_date *ret_date)
{
    for (size_t i = 0; i < PART_COUNT; i++)
        if (names->patterns[i] && name_pattern_match(names->patterns[i], name, ret_date))
            return (enum backup_part)i;
    return PART_COUNT;
}

static bool is_near(const struct backup_names *names, const char *name)
{
    for (size_t i = 0; i < PART_COUNT; i++)
        if (names->patterns[i] && name_pattern_near(names->patterns[i], name))
            return true;
    return false;
}

static void add_dated(struct listing *listing, enum backup_part part,
                      const struct shelf_entry *entry, const struct name_date *named)
{
    bool counts = !named->undated && !shelf_ignores_dates(listing->shelf);
    struct name_date date = counts ? *named : date_of_file(entry->modified);
    list_add(&listing->list, part, entry, &date);
    if (date.comes_twice)
        listing->list.backups[listing->list.count - 1].began = began(listing->shelf, entry);
}

static int take_entry(void *context, const struct shelf_entry *entry, struct error *error)
{
    (void)error;
    struct listing *listing = context;
    struct name_date date;
    cleanup(free_pointer) char *companion_of = companion_backup(entry->name);
    enum backup_part part = part_match(listing->names, entry->name, &date);
    if (part != PART_COUNT)
        add_dated(listing, part, entry, &date);
    else if (companion_of && part_match(listing->names, companion_of, &date) != PART_COUNT)
        strings_add(&listing->list.companions, entry->name);
    else if (is_near(listing->names, entry->name))
        strings_add(&listing->list.near, entry->name);
    return 0;
}

/* What all patterns begin with. A bucket may hold millions of other things, which need not be
 * listed. In a directory all is, since a hidden name can be meant as well. */
static char *beginning_of(const struct shelf *shelf, const struct backup_names *names)
{
    const char *first = NULL;
    size_t length = 0;
    for (size_t i = 0; i < PART_COUNT && shelf_store(shelf); i++) {
        const char *pattern = names->patterns[i];
        if (!pattern)
            continue;
        if (!first)
            length = strcspn(pattern, "%");
        else
            while (length > 0 && strncmp(first, pattern, length) != 0)
                length--;
        first = pattern;
    }
    return xstrndup(first ? first : "", length);
}

/* --- sets ------------------------------------------------------------------------------------- */

/* What belongs together stands together: by date, then by part; of two files that could be the same
 * part (two zones can write one moment) the one modified last is first. */
static int by_set(const void *left, const void *right)
{
    const struct listed_backup *one = left;
    const struct listed_backup *other = right;
    if (one->date.time != other->date.time)
        return one->date.time > other->date.time ? -1 : 1;
    if (one->parts->part != other->parts->part)
        return one->parts->part < other->parts->part ? -1 : 1;
    if (one->entry.modified != other->entry.modified)
        return one->entry.modified > other->entry.modified ? -1 : 1;
    return strcmp(other->name, one->name);
}

static void backup_free(struct listed_backup *backup)
{
    for (size_t i = 0; i < backup->part_count; i++)
        free(backup->parts[i].name);
    free(backup->parts);
    strings_free(&backup->missing);
}

/* Takes over the file of `other`, which is of the same date. */
static void set_take(struct listed_backup *set, struct listed_backup *other)
{
    struct listed_part *last = &set->parts[set->part_count - 1];
    if (last->part == other->parts->part) {
        backup_free(other);
        return;
    }
    set->parts = xreallocarray(set->parts, set->part_count + 1, sizeof(*set->parts));
    set->parts[set->part_count++] = *other->parts;
    free(other->parts);
}

/* The file that a set of that date should have. */
static void missing_add(struct listed_backup *set, const char *pattern)
{
    char *name = NULL;
    struct error ignored;
    if (name_pattern_format(pattern, set->date.time, &name, &ignored) < 0)
        name = xstrdup(pattern);
    strings_add(&set->missing, name);
    free(name);
}

/* What the parts are together. A part that is not a file makes the whole something else. */
static void set_close(struct listed_backup *set, const struct backup_names *names)
{
    bool has[PART_COUNT] = {false};
    struct shelf_entry whole = {.kind = SHELF_FILE};
    for (size_t i = 0; i < set->part_count; i++) {
        const struct shelf_entry *entry = &set->parts[i].entry;
        has[set->parts[i].part] = true;
        whole.size_bytes += entry->size_bytes;
        if (entry->modified > whole.modified)
            whole.modified = entry->modified;
        if (entry->kind != SHELF_FILE)
            whole.kind = entry->kind;
    }
    for (size_t i = 0; i < PART_COUNT; i++)
        if (names->patterns[i] && !has[i])
            missing_add(set, names->patterns[i]);
    enum backup_part main_part = backup_part_main(has);
    for (size_t i = 0; i < set->part_count; i++)
        if (set->parts[i].part == main_part)
            set->name = set->parts[i].name;
    whole.name = set->name;
    set->entry = whole;
}

static void sets_make(struct backup_list *list, const struct backup_names *names)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct listed_backup *last = kept > 0 ? &list->backups[kept - 1] : NULL;
        if (last && last->date.time == list->backups[i].date.time)
            set_take(last, &list->backups[i]);
        else
            list->backups[kept++] = list->backups[i];
    }
    list->count = kept;
    for (size_t i = 0; i < list->count; i++)
        set_close(&list->backups[i], names);
}

/* --- together --------------------------------------------------------------------------------- */

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

static int names_check(const struct backup_names *names, struct error *error)
{
    for (size_t i = 0; i < PART_COUNT; i++)
        if (names->patterns[i] && name_pattern_check(names->patterns[i], error) < 0)
            return -1;
    return 0;
}

int backup_list_read(struct shelf *shelf, const struct backup_names *names,
                     struct backup_list *ret_list, struct error *error)
{
    struct listing listing = {.shelf = shelf, .names = names};
    if (names_check(names, error) < 0)
        return -1;
    cleanup(free_pointer) char *beginning = beginning_of(shelf, names);
    if (shelf_list(shelf, beginning, take_entry, &listing, error) < 0) {
        backup_list_free(&listing.list);
        return -1;
    }
    struct backup_list *list = &listing.list;
    bool sets = backup_names_are_a_set(names);
    if (list->count > 0)
        qsort(list->backups, list->count, sizeof(*list->backups), sets ? by_set : newest_first);
    if (sets)
        sets_make(list, names);
    *ret_list = *list;
    return 0;
}

void backup_list_free(struct backup_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        backup_free(&list->backups[i]);
    free(list->backups);
    strings_free(&list->near);
    strings_free(&list->companions);
    *list = (struct backup_list){0};
}

const struct listed_backup *backup_list_find(const struct backup_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        for (size_t j = 0; j < list->backups[i].part_count; j++)
            if (strcmp(list->backups[i].parts[j].name, name) == 0)
                return &list->backups[i];
    return NULL;
}
