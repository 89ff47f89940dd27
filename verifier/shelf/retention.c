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
        strings_free(&list->items[i].records);
        free(list->items[i].last_of_other);
    }
    free(list->items);
    *list = (struct retained_list){0};
}

static struct backup_state state_of(const struct retained *backup)
{
    return (struct backup_state){
        .name = backup->name, .size_bytes = backup->size_bytes, .modified = backup->modified};
}

static int manifest_confirms(struct shelf *shelf, const struct retained *backup,
                             const struct record *record, struct error *error)
{
    cleanup(manifest_free) struct manifest manifest = {0};
    int outcome =
        manifest_select(shelf, backup->name, backup->size_bytes, record->sha256, &manifest, error);
    if (outcome == 0 && strcmp(manifest.sha256, record->sha256) != 0)
        return cannot_verify(error, "its record and its manifest name different sha256");
    return outcome < 0 ? -1 : 0;
}

int retained_record(struct shelf *shelf, const struct retained *backup, const char *scenario,
                    const char *database, const char *reports, struct record *ret_record,
                    struct error *error)
{
    cleanup(record_places_free) struct record_places places;
    cleanup(record_free) struct record record = {0};
    if (backup->incomplete)
        return 1;
    struct backup_state state = state_of(backup);
    record_places_of(shelf, backup->name, scenario, database, reports, &places);
    int outcome = record_read(&places, &state, &record, error);
    if (outcome != 0)
        return outcome;
    if (manifest_confirms(shelf, backup, &record, error) < 0)
        return -1;
    *ret_record = record;
    record = (struct record){0};
    return 0;
}

static int by_name(const void *left, const void *right)
{
    return strcmp((*(struct retained *const *)left)->name,
                  (*(struct retained *const *)right)->name);
}

/* Gives each backup the names of its records, of all that lie beside backups. */
static void records_give(struct retained_list *list, const struct strings *companions)
{
    cleanup(free_pointer) struct retained **sorted = xcalloc(list->count + 1, sizeof(*sorted));
    for (size_t i = 0; i < list->count; i++)
        sorted[i] = &list->items[i];
    qsort(sorted, list->count, sizeof(*sorted), by_name);
    for (size_t i = 0; i < companions->count; i++) {
        const char *name = companions->items[i];
        cleanup(free_pointer) char *backup = companion_backup(name);
        cleanup(free_pointer) char *of_one = record_of_database_backup(name);
        cleanup(free_pointer) char *of_all = record_name(backup, NULL);
        struct retained wanted = {.name = backup}, *key = &wanted;
        struct retained **found = bsearch(&key, sorted, list->count, sizeof(*sorted), by_name);
        if (found && (of_one || strcmp(name, of_all) == 0))
            strings_add(&(*found)->records, name);
    }
}

static void retained_add(struct retained_list *list, const struct listed_backup *backup)
{
    struct retained *added = &list->items[list->count++];
    *added = (struct retained){.name = xstrdup(backup->name),
                               .incomplete = backup->missing.count > 0,
                               .time = backup->date.end - 1,
                               .day_only = !backup->date.has_time,
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
    records_give(&list, &found.companions);
    *ret_list = list;
    return 0;
}

static bool proves(struct shelf *shelf, const struct retained *backup, const char *name)
{
    cleanup(record_free) struct record record = {0};
    struct backup_state state = state_of(backup);
    struct error ignored;
    return !backup->incomplete && record_read_named(shelf, name, &state, &record, &ignored) == 0 &&
           manifest_confirms(shelf, backup, &record, &ignored) == 0;
}

/* Records of other databases are told apart by what follows the backup's name in theirs. */
static void find_last_of_others(struct retained_list *list, const char *database)
{
    cleanup(strings_free) struct strings seen = {0};
    for (size_t i = 0; i < list->count; i++) {
        struct retained *backup = &list->items[i];
        cleanup(free_pointer) char *own = record_name(backup->name, database);
        for (size_t k = 0; k < backup->records.count; k++) {
            const char *name = backup->records.items[k];
            const char *whose = name + strlen(backup->name);
            if (strcmp(name, own) == 0 || strings_contain(&seen, whose) ||
                !proves(list->shelf, backup, name))
                continue;
            strings_add(&seen, whose);
            if (!backup->last_of_other)
                backup->last_of_other = xstrdup(name);
        }
    }
}

void retained_list_prove(struct retained_list *list, const char *scenario, const char *database,
                         const char *reports)
{
    find_last_of_others(list, database);
    for (size_t i = 0; i < list->count; i++) {
        struct retained *backup = &list->items[i];
        cleanup(record_free) struct record record = {0};
        struct error error;
        int outcome =
            retained_record(list->shelf, backup, scenario, database, reports, &record, &error);
        backup->verified = outcome == 0;
        backup->object_failures = record.object_failures;
        if (outcome < 0)
            backup->unproven = xstrdup(error.text);
    }
}

/* --- what may go ------------------------------------------------------------------------------ */

/* A number that is the same for all times of one period. */
static int period_of(time_t time, enum keep_period period)
{
    struct tm parts;
    char week[16];
    localtime_r(&time, &parts);
    switch (period) {
    case KEEP_DAILY:
        return parts.tm_year * 366 + parts.tm_yday;
    case KEEP_WEEKLY:
        strftime(week, sizeof(week), "%G%V", &parts);
        return (int)strtol(week, NULL, 10);
    case KEEP_MONTHLY:
        return parts.tm_year * 12 + parts.tm_mon;
    case KEEP_YEARLY:
    case KEEP_PERIOD_COUNT:
        break;
    }
    return parts.tm_year;
}

/* A date in the future proves nothing about the present. */
static bool is_ahead(const struct retained *backup, time_t now)
{
    return backup->time - now >= MAX_AHEAD_S;
}

/* Marks what is kept for the last `count` periods that have a backup, and a set of which a part is
 * missing is none. */
static void mark_periods(const struct retained_list *list, time_t now, enum keep_period period,
                         int count, enum retention *decisions)
{
    for (size_t i = 0; i < list->count && count > 0;) {
        int this = period_of(list->items[i].time, period);
        size_t kept = i;
        size_t next = i;
        for (; next < list->count && period_of(list->items[next].time, period) == this; next++)
            if (list->items[kept].incomplete ||
                (list->items[next].verified && !list->items[kept].verified))
                kept = next;
        if (!list->items[kept].incomplete && !is_ahead(&list->items[kept], now)) {
            decisions[kept] = RETAIN_PERIOD;
            count--;
        }
        i = next;
    }
}

/* The files of a set may still be arriving. */
static bool is_young(const struct retained *backup, time_t now, const struct keep *keep)
{
    return keep->by_periods && !backup->incomplete ? is_ahead(backup, now)
                                                   : now - backup->time <= keep->young_s;
}

void retention_decide(const struct retained_list *list, time_t now, const struct keep *keep,
                      enum retention *ret_decisions)
{
    size_t newest = 0, newest_verified = 0;
    while (newest < list->count && list->items[newest].incomplete)
        newest++;
    while (newest_verified < list->count && !list->items[newest_verified].verified)
        newest_verified++;
    bool proven = false;
    for (size_t i = 0; i < list->count; i++) {
        const struct retained *backup = &list->items[i];
        if (backup->verified && now - backup->time <= keep->young_s && !is_ahead(backup, now))
            proven = true;
    }
    for (size_t i = 0; i < list->count; i++)
        ret_decisions[i] = RETAIN_NOT;
    for (enum keep_period period = 0; period < KEEP_PERIOD_COUNT; period++)
        mark_periods(list, now, period, keep->periods[period], ret_decisions);
    for (size_t i = 0; i < list->count; i++) {
        if (is_young(&list->items[i], now, keep))
            ret_decisions[i] = RETAIN_YOUNG;
        else if (ret_decisions[i] == RETAIN_PERIOD)
            continue;
        else if (i == newest_verified)
            ret_decisions[i] = RETAIN_NEWEST_VERIFIED;
        else if (i == newest)
            ret_decisions[i] = RETAIN_NEWEST;
        else if (list->items[i].last_of_other)
            ret_decisions[i] = RETAIN_OTHERS_NEWEST;
        else if (!proven)
            ret_decisions[i] = RETAIN_NOTHING_PROVEN;
    }
}

const char *retention_words(enum retention decision)
{
    switch (decision) {
    case RETAIN_NEWEST:
        return "it is the newest backup";
    case RETAIN_NEWEST_VERIFIED:
        return "it is the newest backup that verified";
    case RETAIN_OTHERS_NEWEST:
        return "it is the newest backup that verified for another scenario";
    case RETAIN_NOTHING_PROVEN:
        return "no younger backup has verified";
    case RETAIN_PERIOD:
        return "it is kept for its day, week, month or year";
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
                    const char *database, const char *reports, struct error *error)
{
    cleanup(record_places_free) struct record_places places;
    record_places_of(shelf, backup->name, scenario, database, reports, &places);
    for (size_t i = 0; i < backup->records.count; i++)
        if (shelf_remove(shelf, backup->records.items[i], error) < 0)
            return -1;
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
