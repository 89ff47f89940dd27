#include "sabotage/sabotage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/file.h"
#include "base/memory.h"
#include "postgres/connection.h"
#include "sabotage/damage.h"
#include "shelf/find.h"
#include "shelf/location.h"
#include "shelf/manifest.h"
#include "shelf/retention.h"

enum { DAY_S = 24 * 60 * 60 };

const char *sabotage_name(enum sabotage_kind kind)
{
    static const char *const names[SABOTAGE_COUNT] = {
        [SABOTAGE_CUT] = "cut off",
        [SABOTAGE_FLIP] = "a byte flipped",
        [SABOTAGE_MISSING_DATA] = "the data of a table missing",
        [SABOTAGE_ROW_REMOVED] = "a row removed",
        [SABOTAGE_ROW_CHANGED] = "a row changed",
        [SABOTAGE_EMPTIED] = "a table emptied",
        [SABOTAGE_INDEX] = "an index left out",
        [SABOTAGE_CONSTRAINT] = "a constraint left out",
        [SABOTAGE_TRIGGER] = "a trigger left out",
        [SABOTAGE_POLICY] = "a policy left out",
        [SABOTAGE_VIEW] = "a view left out",
        [SABOTAGE_SEQUENCE] = "a sequence left out",
        [SABOTAGE_SEQUENCE_SET] = "a sequence set back",
        [SABOTAGE_OLDER] = "an older backup under this name",
        [SABOTAGE_OTHER_DATABASE] = "a backup of another database under this name",
        [SABOTAGE_OTHER_MANIFEST] = "the manifest of another night",
        [SABOTAGE_OBJECT] = "an object that rows refer to missing",
    };
    return names[kind];
}

/* ---- what they say ---- */

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t sabotage_random(uint64_t *state, uint64_t below)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return (z ^ (z >> 31)) % below;
}

uint64_t damage_random(struct damage *damage, uint64_t below)
{
    return sabotage_random(&damage->state, below);
}

static void say(char *text, size_t size, const char *format, va_list arguments)
{
    cleanup(free_pointer) char *words = xvasprintf(format, arguments);
    text_copy(text, size, words);
}

int damage_not_here(struct damage *damage, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(damage->fact->done, sizeof(damage->fact->done), format, arguments);
    va_end(arguments);
    return DAMAGE_NOT_HERE;
}

void damage_tell(struct damage *damage, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(damage->fact->done, sizeof(damage->fact->done), format, arguments);
    va_end(arguments);
}

void damage_remedy(struct damage *damage, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(damage->fact->remedy, sizeof(damage->fact->remedy), format, arguments);
    va_end(arguments);
}

void damage_remedy_object(struct damage *damage, const char *type, const char *name)
{
    static const struct {
        const char *type, *catalog, *column;
    } places[] = {
        {"INDEX", "pg_indexes", "indexname"}, {"CONSTRAINT", "pg_constraint", "conname"},
        {"TRIGGER", "pg_trigger", "tgname"},  {"POLICY", "pg_policies", "policyname"},
        {"VIEW", "pg_views", "viewname"},     {"SEQUENCE", "pg_sequences", "sequencename"}};
    cleanup(free_pointer) char *literal = literal_quote(name);
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++)
        if (strcmp(places[i].type, type) == 0)
            damage_remedy(damage,
                          "expect `same as last verified` under schema; or ask for it under "
                          "queries: `select count(*) from %s where %s = %s`, and expect `= 1`",
                          places[i].catalog, places[i].column, literal);
}

void damage_remedy_sequence(struct damage *damage, const char *name)
{
    damage_remedy(
        damage,
        "expect `sequences behind = 0` under schema, if it gives out the keys of a table; "
        "or ask for it under queries: `select last_value from %s`, and expect at least "
        "what it has reached",
        name);
}

/* ---- the kinds ---- */

static int left_out(struct damage *damage, struct error *error)
{
    static const struct {
        const char *what;
        const char *types[4];
    } kinds[SABOTAGE_COUNT] = {
        [SABOTAGE_INDEX] = {"index", {"INDEX"}},
        [SABOTAGE_CONSTRAINT] = {"constraint", {"CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT"}},
        [SABOTAGE_TRIGGER] = {"trigger", {"TRIGGER"}},
        [SABOTAGE_POLICY] = {"policy", {"POLICY"}},
        [SABOTAGE_VIEW] = {"view", {"VIEW"}},
        [SABOTAGE_SEQUENCE] = {"sequence", {"SEQUENCE"}},
    };
    bool plain = damage->archive->format == ARCHIVE_PLAIN;
    return (plain ? plain_left_out : entries_left_out)(damage, kinds[damage->order->kind].types,
                                                       kinds[damage->order->kind].what, error);
}

/* Old enough for an alarm; NULL: there is none. Borrowed from the list. */
static const char *older_name(const struct sabotage_order *order, const struct retained_list *list)
{
    time_t own = 0;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, order->name) == 0)
            own = list->items[i].time;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].time + order->scenario->backups.max_age_s + DAY_S < own)
            return list->items[i].name;
    return NULL;
}

/* Plain SQL does not say when it was made: another file has to stand for it. */
static int older_night(struct damage *damage, struct error *error)
{
    struct retained_list list = {0};
    cleanup(strings_free) struct strings notices = {0};
    if (retained_list_read(damage->shelf, &damage->order->scenario->backups.names, &list, &notices,
                           error) < 0)
        return -1;
    const char *name = older_name(damage->order, &list);
    cleanup(free_pointer) char *path = name ? shelf_path(damage->shelf, name) : NULL;
    damage_tell(damage, "%s has this one's name", name ? name : "");
    damage_remedy(damage, "say how fresh the data must be: `freshness(created_at) < 26h` under one "
                          "of the tables, with a column of yours");
    retained_list_free(&list);
    if (!path)
        return damage_not_here(damage, "plain SQL does not say when it was made, and no older "
                                       "backup is here that could have this one's name");
    return file_copy(path, damage->to, error);
}

static int of_contents(struct damage *damage, struct error *error)
{
    bool plain = damage->archive->format == ARCHIVE_PLAIN;
    if (!plain && damage->archive->format != ARCHIVE_CUSTOM)
        return damage_not_here(damage,
                               "not tried in the format \"%s\": only in custom archives "
                               "and in plain SQL",
                               archive_format_name(damage->archive->format));
    switch ((int)damage->order->kind) {
    case SABOTAGE_MISSING_DATA:
        return (plain ? plain_missing_data : entries_missing_data)(damage, error);
    case SABOTAGE_ROW_REMOVED:
        return (plain ? plain_rows : entries_rows)(damage, ROW_REMOVED, error);
    case SABOTAGE_ROW_CHANGED:
        return (plain ? plain_rows : entries_rows)(damage, ROW_CHANGED, error);
    case SABOTAGE_EMPTIED:
        return (plain ? plain_rows : entries_rows)(damage, ROWS_REMOVED, error);
    case SABOTAGE_SEQUENCE_SET:
        return (plain ? plain_sequence : entries_sequence)(damage, error);
    case SABOTAGE_OLDER:
        return plain ? older_night(damage, error) : entries_older(damage, error);
    case SABOTAGE_OTHER_DATABASE:
        return (plain ? plain_other_database : entries_other_database)(damage, error);
    default:
        return left_out(damage, error);
    }
}

static int damage_file(struct damage *damage, struct error *error)
{
    switch ((int)damage->order->kind) {
    case SABOTAGE_CUT:
        return damage_cut(damage, error);
    case SABOTAGE_FLIP:
        return damage_flip(damage, error);
    case SABOTAGE_OTHER_MANIFEST:
        damage->fact->must = true;
        damage_tell(damage, "its manifest is that of a dump of the day before");
        return file_copy(damage->from, damage->to, error);
    default:
        return of_contents(damage, error);
    }
}

/* ---- the backup ---- */

/* What is damaged, and what lies beside it. */
struct original {
    struct shelf *shelf;
    struct backup_file file;
    size_t count; /* of files: more than one only of a set */
    struct original_file {
        const char *path;
        const char *name; /* on the shelf */
        time_t modified;
        struct archive archive;
        struct exclusion exclusion;
    } * files;
    struct manifest manifest;
    bool has_manifest;
};

static void original_free(struct original *original)
{
    for (size_t i = 0; i < original->count; i++) {
        exclusion_free(&original->files[i].exclusion);
        archive_free(&original->files[i].archive);
    }
    free(original->files);
    manifest_free(&original->manifest);
    backup_file_free(&original->file);
    shelf_free(original->shelf);
}

static int shelf_of(const struct sabotage_order *order, struct shelf **ret_shelf,
                    struct error *error)
{
    if (!order->origin)
        return location_open(order->scenario, ret_shelf, error);
    *ret_shelf = shelf_of_directory(order->origin);
    if (order->scenario->backups.time != DATED_BY_NAME)
        shelf_ignore_dates(*ret_shelf);
    return 0;
}

static void files_list(struct original *original)
{
    const struct backup_file *file = &original->file;
    original->count = file->part_count ? file->part_count : 1;
    original->files = xcalloc(original->count, sizeof(*original->files));
    original->files[0] =
        (struct original_file){.path = file->path, .name = file->name, .modified = file->modified};
    for (size_t i = 0; i < file->part_count; i++)
        original->files[i] = (struct original_file){.path = file->parts[i].path,
                                                    .name = file->parts[i].name,
                                                    .modified = file->parts[i].modified};
}

static int files_read(const struct sabotage_order *order, struct original *original,
                      struct error *error)
{
    const struct archive_options options = {.is_part = original->file.part_count > 0};
    for (size_t i = 0; i < original->count; i++) {
        struct original_file *file = &original->files[i];
        if (archive_read(&file->archive, file->path, &options, error) < 0)
            return -1;
        exclusion_find(&file->archive, &order->scenario->restore.exclude, &file->exclusion);
    }
    return 0;
}

/* Is it the file that the backup, and so its manifest, is named after? */
static bool is_main(const struct original *original, const struct original_file *file)
{
    return strcmp(file->path, original->file.path) == 0 || original->count == 1;
}

static int manifest_find(struct original *original, struct error *error)
{
    for (size_t i = 0; i < original->count; i++) {
        const struct original_file *file = &original->files[i];
        if (!is_main(original, file))
            continue;
        int read = manifest_select(original->shelf, original->file.name, file->archive.stored_bytes,
                                   file->archive.sha256, &original->manifest, error);
        original->has_manifest = read == 0;
        return read < 0 ? -1 : 0;
    }
    return 0;
}

static int original_open(const struct sabotage_order *order, struct original *original,
                         struct error *error)
{
    struct backup_file *file = &original->file;
    if (shelf_of(order, &original->shelf, error) < 0 ||
        backup_stat(original->shelf, order->name, &order->scenario->backups.names, file, error) < 0)
        return -1;
    if (file->size_bytes != order->size_bytes || file->modified != order->modified)
        return cannot_verify(error, "%s was replaced while copies of it were damaged: run again",
                             file->path);
    files_list(original);
    return files_read(order, original, error) < 0 ? -1 : manifest_find(original, error);
}

/* ---- the copy ---- */

/* Of the day before: other bytes, and another time. */
static void manifest_of_before(struct manifest *manifest)
{
    manifest->began -= DAY_S;
    manifest->ended -= DAY_S;
    for (char *digit = manifest->sha256; *digit; digit++)
        *digit = *digit == '0' ? '1' : '0';
}

static int manifest_put(const struct sabotage_order *order, struct original *original,
                        struct error *error)
{
    if (!original->has_manifest)
        return 0;
    cleanup(shelf_freep) struct shelf *shelf = shelf_of_directory(order->directory);
    cleanup(free_pointer) char *name = manifest_name(original->file.name);
    if (order->kind == SABOTAGE_OTHER_MANIFEST)
        manifest_of_before(&original->manifest);
    return manifest_write(&original->manifest, shelf, name, error);
}

static int directory_make(const char *path, struct error *error)
{
    if ((mkdir(path, 0711) < 0 && errno != EEXIST) || chmod(path, 0711) < 0)
        return cannot_verify(error, "cannot make %s: %s", path, strerror(errno));
    return 0;
}

/* Where a file of the backup goes, in a directory of its own where it lies in one; to be freed by
 * the caller. NULL: it cannot be made. */
static char *target_of(const char *directory, const char *name, struct error *error)
{
    const char *slash = strchr(name, '/');
    cleanup(free_pointer) char *inner =
        slash ? xasprintf("%s/%.*s", directory, (int)(slash - name), name) : NULL;
    if (inner && directory_make(inner, error) < 0)
        return NULL;
    return xasprintf("%s/%s", directory, name);
}

static int damage_one(struct damage *damage, struct original *original, size_t index,
                      struct error *error)
{
    struct original_file *file = &original->files[index];
    cleanup(free_pointer) char *target = target_of(damage->order->directory, file->name, error);
    if (!target)
        return -1;
    damage->shelf = original->shelf;
    damage->from = file->path;
    damage->to = target;
    damage->archive = &file->archive;
    damage->exclusion = &file->exclusion;
    /* It has the SHA-256 of the file. */
    damage->fact->must = original->has_manifest && is_main(original, file);
    int outcome = file->archive.format == ARCHIVE_DIRECTORY ? directory_damage(damage, error)
                                                            : damage_file(damage, error);
    return outcome == DAMAGE_MADE ? copy_dress(target, file->modified, error) : outcome;
}

static int copy_others(const struct sabotage_order *order, const struct original *original,
                       size_t damaged, struct error *error)
{
    for (size_t i = 0; i < original->count; i++) {
        const struct original_file *file = &original->files[i];
        cleanup(free_pointer) char *target =
            i == damaged ? NULL : target_of(order->directory, file->name, error);
        if (i == damaged)
            continue;
        if (!target || file_copy(file->path, target, error) < 0 ||
            copy_dress(target, file->modified, error) < 0)
            return -1;
    }
    return 0;
}

/* Of a set, the first file from some on that has what is looked for. */
static int make_copy(struct damage *damage, struct original *original, struct error *error)
{
    const struct sabotage_order *order = damage->order;
    size_t first = (size_t)damage_random(damage, original->count);
    int outcome = DAMAGE_NOT_HERE;
    if (order->kind == SABOTAGE_OTHER_MANIFEST && !original->has_manifest)
        return damage_not_here(damage, "this backup has no manifest");
    if (order->kind == SABOTAGE_OLDER && original->count > 1)
        return damage_not_here(damage, "not tried with a backup of several files");
    if (directory_make(order->directory, error) < 0)
        return -1;
    for (size_t i = 0; i < original->count && outcome == DAMAGE_NOT_HERE; i++) {
        size_t index = (first + i) % original->count;
        outcome = damage_one(damage, original, index, error);
        if (outcome == DAMAGE_MADE && copy_others(order, original, index, error) < 0)
            return -1;
    }
    return outcome == DAMAGE_MADE ? manifest_put(order, original, error) : outcome;
}

void sabotage_make(const struct sabotage_order *order, struct sabotage_fact *ret_fact)
{
    cleanup(original_free) struct original original = {0};
    struct damage damage = {
        .order = order, .fact = ret_fact, .state = order->seed * SABOTAGE_COUNT + order->kind};
    int outcome;
    *ret_fact = (struct sabotage_fact){0};
    if (order->kind == SABOTAGE_OBJECT)
        outcome = damage_not_here(&damage, "buckets and their copies are not sabotaged");
    else
        outcome = original_open(order, &original, &ret_fact->error) < 0
                      ? -1
                      : make_copy(&damage, &original, &ret_fact->error);
    ret_fact->state = outcome < 0                  ? SABOTAGE_FAILED
                      : outcome == DAMAGE_NOT_HERE ? SABOTAGE_NOT_HERE
                                                   : SABOTAGE_MADE;
}

/* ---- out of a bucket ---- */

struct fetched {
    int descriptor;
    const char *path;
};

static int fetched_write(void *context, const void *bytes, size_t length, struct error *error)
{
    const struct fetched *fetched = context;
    return write_all(fetched->descriptor, bytes, length, fetched->path, error);
}

static int file_fetch(struct shelf *shelf, const char *name, time_t modified, const char *directory,
                      struct error *error)
{
    cleanup(free_pointer) char *path = target_of(directory, name, error);
    cleanup(close_descriptor) int descriptor =
        !path ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct fetched fetched = {.descriptor = descriptor, .path = path};
    if (!path)
        return -1;
    if (descriptor < 0)
        return cannot_verify(error, "cannot create %s: %s", path, strerror(errno));
    if (shelf_get(shelf, name, fetched_write, &fetched, error) < 0)
        return -1;
    close_descriptor(&descriptor);
    return copy_dress(path, modified, error);
}

int sabotage_fetch(const struct scenario *scenario, const char *name, const char *directory,
                   struct error *error)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    cleanup(backup_file_free) struct backup_file file = {0};
    cleanup(free_pointer) char *manifest = manifest_name(name);
    struct shelf_entry entry;
    if (location_open(scenario, &shelf, error) < 0 || directory_make(directory, error) < 0 ||
        backup_stat(shelf, name, &scenario->backups.names, &file, error) < 0)
        return -1;
    for (size_t i = 0; i < file.part_count; i++)
        if (file_fetch(shelf, file.parts[i].name, file.parts[i].modified, directory, error) < 0)
            return -1;
    if (file.part_count == 0 && file_fetch(shelf, name, file.modified, directory, error) < 0)
        return -1;
    int there = shelf_look(shelf, manifest, &entry, error);
    return there != 0 ? (there < 0 ? -1 : 0)
                      : file_fetch(shelf, manifest, entry.modified, directory, error);
}
