#include "shelf/retention.h"

#include <stdlib.h>
#include <string.h>

#include "shelf/backup_list.h"
#include "shelf/companions.h"
#include "shelf/manifest.h"

/* A name that only tells the day, written where the day begins 14 hours earlier. */
enum { MAX_AHEAD_S = 38 * 3600 };

/* --- what is there ---------------------------------------------------------------------------- */

void retained_list_free(struct retained_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        strings_free(&list->items[i].files);
        free(list->items[i].unproven);
    }
    free(list->items);
    *list = (struct retained_list){0};
}

int retained_record(struct shelf *shelf, const struct retained *backup, const char *scenario,
                    const char *reports, struct record *ret_record, struct error *error)
{
    cleanup(record_places_free) struct record_places places;
    cleanup(manifest_free) struct manifest manifest = {0};
    cleanup(record_free) struct record record = {0};
    if (backup->incomplete)
        return 1;
    struct backup_state state = {
        .name = backup->name, .size_bytes = backup->size_bytes, .modified = backup->modified};
    record_places(shelf, backup->name, scenario, reports, &places);
    int outcome = record_read(&places, &state, &record, error);
    if (outcome != 0)
        return outcome;
    outcome =
        manifest_select(shelf, backup->name, backup->size_bytes, record.sha256, &manifest, error);
    if (outcome < 0)
        return -1;
    if (outcome == 0 && strcmp(manifest.sha256, record.sha256) != 0)
        return cannot_verify(error, "its record and its manifest name different sha256");
    *ret_record = record;
    record = (struct record){0};
    return 0;
}

static void retained_add(struct retained_list *list, const struct listed_backup *backup)
{
    struct retained *added = &list->items[list->count++];
    *added = (struct retained){.name = xstrdup(backup->name),
                               .incomplete = backup->missing.count > 0,
                               .time = backup->date.end - 1,
                               .modified = backup->entry.modified,
                               .size_bytes = backup->entry.size_bytes};
    for (size_t i = 0; i < backup->part_count; i++)
        strings_add(&added->files, backup->parts[i].name);
}

/* Links and directories are left alone: what a link points to is somewhere else, and a tree is
 * nothing that a date in its name may have deleted. */
int retained_list_read(struct shelf *shelf, const struct backup_names *names,
                       struct retained_list *ret_list, struct strings *notices, struct error *error)
{
    cleanup(backup_list_free) struct backup_list found = {0};
    if (backup_list_read(shelf, names, &found, error) < 0)
        return -1;
    struct retained_list list = {.shelf = shelf,
                                 .items = xcalloc(found.count + 1, sizeof(*list.items))};
    for (size_t i = 0; i < found.count; i++) {
        const struct listed_backup *backup = &found.backups[i];
        cleanup(free_pointer) char *path = shelf_path(shelf, backup->name);
        if (backup->entry.kind != SHELF_FILE)
            strings_addf(notices, "%s is left alone: it is no ordinary file", path);
        else
            retained_add(&list, backup);
    }
    *ret_list = list;
    return 0;
}

void retained_list_prove(struct retained_list *list, const char *scenario, const char *reports)
{
    for (size_t i = 0; i < list->count; i++) {
        struct retained *backup = &list->items[i];
        cleanup(record_free) struct record record = {0};
        struct error error;
        int outcome = retained_record(list->shelf, backup, scenario, reports, &record, &error);
        backup->verified = outcome == 0;
        if (outcome < 0)
            backup->unproven = xstrdup(error.text);
    }
}

/* --- what may go ------------------------------------------------------------------------------ */

void retention_decide(const struct retained_list *list, time_t now, int64_t keep_s,
                      enum retention *ret_decisions)
{
    size_t newest = 0, newest_verified = 0;
    while (newest < list->count && list->items[newest].incomplete)
        newest++;
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
        else if (i == newest)
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

static bool is_old(const struct backup_names *names, const char *name, time_t before)
{
    struct name_date date;
    for (size_t i = 0; i < PART_COUNT; i++)
        if (names->patterns[i] && name_pattern_match(names->patterns[i], name, &date) &&
            date.end <= before)
            return true;
    return false;
}

void retained_orphans(struct shelf *shelf, const struct backup_names *names, time_t before,
                      struct strings *ret_names)
{
    cleanup(backup_list_free) struct backup_list found = {0};
    struct error ignored;
    if (backup_list_read(shelf, names, &found, &ignored) < 0)
        return;
    for (size_t i = 0; i < found.companions.count; i++) {
        const char *name = found.companions.items[i];
        cleanup(free_pointer) char *backup = companion_backup(name);
        if (is_old(names, backup, before) && !backup_list_find(&found, backup))
            strings_add(ret_names, name);
    }
}

int retained_delete(struct shelf *shelf, const struct retained *backup, const char *scenario,
                    const char *reports, struct error *error)
{
    cleanup(record_places_free) struct record_places places;
    record_places(shelf, backup->name, scenario, reports, &places);
    /* The record first: should we be killed, nothing says of a backup that is gone, or of another
     * one that gets its name, that it verified. A set of which a part is gone is no backup any
     * more; what is left of it goes with the next run. */
    if (record_remove(&places, error) < 0)
        return -1;
    for (size_t i = 0; i < backup->files.count; i++)
        if (shelf_remove(shelf, backup->files.items[i], error) < 0 ||
            companions_remove(shelf, backup->files.items[i], error) < 0)
            return -1;
    return 0;
}
