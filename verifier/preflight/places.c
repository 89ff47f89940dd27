/* Where backups, histories and objects lie: may we read there, write, and delete again? */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "dump/create.h"
#include "history/history.h"
#include "postgres/tools.h"
#include "preflight/areas.h"
#include "shelf/age.h"
#include "shelf/find.h"
#include "shelf/location.h"
#include "shelf/manifest.h"

static const char probe_text[] = "written by `restore-verifier check`, which deletes it again\n";

/* --- probing ---------------------------------------------------------------------------------- */

/* What one place lets us do, and why not. */
struct probe {
    bool reads, writes, deletes;
    bool is_missing;    /* a directory that is not there yet */
    bool has_clock;     /* of a bucket, which dates what is written */
    int64_t ahead_s;    /* of our own clock */
    char *name;         /* of what we wrote */
    struct error error; /* of the first that failed */
};

static int stop(void *context, const struct object *object, struct error *error)
{
    bool *seen = context;
    (void)object;
    *seen = true;
    return cannot_verify(error, "one is enough");
}

static int list_some(struct store *store, int64_t deadline_ms, bool *ret_any, struct error *error)
{
    *ret_any = false;
    return store_list(store, "", deadline_ms, stop, ret_any, error) < 0 && !*ret_any ? -1 : 0;
}

static int64_t give_text(void *context, void *bytes, size_t size, struct error *error)
{
    const char **left = context;
    size_t length = strlen(*left) < size ? strlen(*left) : size;
    (void)error;
    memcpy(bytes, *left, length);
    *left += length;
    return (int64_t)length;
}

static int take_nothing(void *context, const void *bytes, size_t length, struct error *error)
{
    (void)context;
    (void)bytes;
    (void)length;
    (void)error;
    return 0;
}

static void probe_bucket(struct store *store, int64_t deadline_ms, bool write, struct probe *probe)
{
    const char *text = probe_text;
    struct object object = {0};
    size_t length = strlen(probe->name);
    bool any;
    time_t now = time(NULL);
    if (list_some(store, deadline_ms, &any, &probe->error) < 0)
        return;
    probe->reads = true;
    if (!write || store_put(store, probe->name, length, deadline_ms, give_text, &text, NULL,
                            &probe->error) < 0)
        return;
    probe->writes = true;
    probe->reads = store_get(store, probe->name, length, deadline_ms, take_nothing, NULL, &object,
                             &probe->error) == 0;
    probe->has_clock = probe->reads && object.modified_ms > 0;
    probe->ahead_s = object.modified_ms / 1000 - now;
    struct error kept = probe->error;
    probe->deletes = store_delete(store, probe->name, length, deadline_ms,
                                  probe->reads ? &probe->error : &kept) == 0;
}

static void probe_directory(struct shelf *shelf, bool write, struct probe *probe)
{
    const char *directory = shelf_directory(shelf);
    struct stat status;
    struct error ignored;
    if (stat(directory, &status) < 0) {
        probe->is_missing = errno == ENOENT;
        cannot_verify(&probe->error, "cannot look at %s: %s", directory, strerror(errno));
        return;
    }
    if (!S_ISDIR(status.st_mode))
        cannot_verify(&probe->error, "%s is not a directory", directory);
    else if (access(directory, R_OK | X_OK) < 0)
        cannot_verify(&probe->error, "cannot read %s: %s: run this as a user that may", directory,
                      strerror(errno));
    else
        probe->reads = true;
    if (!probe->reads || !write)
        return;
    probe->writes = shelf_write(shelf, probe->name, probe_text, &probe->error) == 0;
    probe->deletes = probe->writes && shelf_remove(shelf, probe->name, &ignored) == 0;
}

/* To be freed with probe_free. */
static void probe_place(struct shelf *shelf, int64_t timeout_ms, bool write, struct probe *probe)
{
    *probe = (struct probe){
        .name = xasprintf(".restore-verifier.check.%ld.%ld", (long)getpid(), (long)time(NULL))};
    if (shelf_directory(shelf))
        probe_directory(shelf, write, probe);
    else
        probe_bucket(shelf_store(shelf), deadline_after(timeout_ms), write, probe);
}

static void probe_free(struct probe *probe)
{
    free(probe->name);
}

/* --- backups ---------------------------------------------------------------------------------- */

static void tell_latest(struct area *area, const struct backup_file *latest)
{
    const struct scenario *scenario = area->scenario;
    char age[DURATION_TEXT_SIZE], size[SIZE_TEXT_SIZE];
    cleanup(manifest_free) struct manifest manifest = {0};
    struct error ignored;
    bool has_manifest = manifest_select(latest->shelf, latest->name, latest->size_bytes, NULL,
                                        &manifest, &ignored) == 0;
    if (has_manifest) {
        area->learned.server_major = version_major(manifest.server);
        area->learned.database_bytes = manifest.database_bytes;
    }
    struct backup_time made =
        has_manifest ? backup_time_of_manifest(latest, manifest.began) : backup_time(latest, NULL);
    int64_t age_s = (int64_t)(time(NULL) - made.time);
    area->learned.backup_bytes = latest->size_bytes;
    learn_extensions_of_backup(area, latest, has_manifest ? &manifest : NULL);
    duration_format(age_s * 1000, age);
    size_format(latest->size_bytes, size);
    bool is_old = scenario->backups.max_age_s > 0 && age_s > scenario->backups.max_age_s;
    if (age_s < -CLOCK_SKEW_S) {
        finding_add(area, "latest backup", NOT_READY,
                    "%s, %s, is dated %s in the future by %s: check the clocks, and the time zone "
                    "of the machine that names the backups (backups.time_zone)",
                    latest->name, size, age + strlen("-"), made.known_from);
        return;
    }
    finding_add(area, "latest backup", is_old ? READY_BUT : READY, "%s, %s, %s old by %s%s",
                latest->name, size, age, made.known_from,
                !is_old ? ""
                : scenario->source.database
                    ? ", which is more than max_age: run the dump"
                    : ", which is more than max_age: find out why there is no newer one");
}

/* The name of the backup of the last run on record; NULL: there is none. Caller frees. */
static char *last_on_record(const struct scenario *scenario)
{
    cleanup(history_freep) struct history *history = NULL;
    cleanup(history_entries_free) struct history_entries entries = {0};
    cleanup(strings_free) struct strings notices = {0};
    struct error ignored;
    if (history_open(scenario, NULL, &history, &ignored) < 0 ||
        history_read(history, &entries, &notices, &ignored) < 0)
        return NULL;
    for (size_t i = entries.count; i > 0; i--)
        if (*entries.items[i - 1].backup && !entries.items[i - 1].given)
            return xstrdup(entries.items[i - 1].backup);
    return NULL;
}

/* A scenario that dumps has none at first; one whose name was changed has lost them. */
static void tell_none(struct area *area)
{
    const char *pattern = area->scenario->backups.names.patterns[PART_WHOLE];
    cleanup(free_pointer) char *last = pattern ? last_on_record(area->scenario) : NULL;
    struct name_date date;
    if (last && name_pattern_match(pattern, last, &date))
        finding_add(area, "latest backup", READY_BUT,
                    "none is there, and the history has %s: was it moved, or deleted?", last);
    else if (last)
        finding_add(area, "latest backup", READY_BUT,
                    "none is named like %s, and the history has %s: check backups.name", pattern,
                    last);
    else
        finding_add(area, "latest backup", READY, "none yet: the first dump makes it");
}

static void look_for_latest(struct area *area, struct shelf *shelf)
{
    cleanup(strings_free) struct strings notices = {0};
    cleanup(backup_file_free) struct backup_file latest = {0};
    struct error error;
    bool dumps = area->scenario->source.database != NULL;
    if (backup_find(shelf, &area->scenario->backups.names, &latest, &notices, &error) == 0)
        tell_latest(area, &latest);
    else if (error.fault == FAULT_BACKUP && dumps)
        tell_none(area);
    else
        finding_add(area, "latest backup", error.fault == FAULT_BACKUP ? READY_BUT : NOT_READY,
                    "%s", error.text);
}

/* What `dump` would fail at before it began, but for a backup of the same name. */
static int look_at_dumping(const struct area *area, struct shelf *shelf, struct error *error)
{
    const char *pattern = area->scenario->backups.names.patterns[PART_WHOLE];
    cleanup(free_pointer) char *path = NULL;
    const struct backup_create_options create = {
        .shelf = shelf, .pattern = pattern, .time = time(NULL), .force = true};
    return area->scenario->source.database && pattern ? backup_create_check(&create, &path, error)
                                                      : 0;
}

static void judge_backups(struct area *area, struct shelf *shelf, const struct probe *probe)
{
    const struct scenario *scenario = area->scenario;
    const char *where = shelf_location(shelf);
    bool dumps = scenario->source.database != NULL;
    bool prunes = scenario->backups.keep.young_s > 0 || scenario->backups.keep.by_periods;
    struct error error;
    if (probe->is_missing && dumps && look_at_dumping(area, shelf, &error) == 0)
        finding_add(area, "backups", READY, "%s is not there yet: the first dump makes it", where);
    else if (probe->is_missing && dumps)
        finding_add(area, "backups", NOT_READY, "%s", error.text);
    else if (!probe->reads)
        finding_add(area, "backups", NOT_READY, "%s%s", probe->error.text,
                    probe->is_missing ? ": check backups.location" : "");
    else if (!probe->writes)
        finding_add(area, "backups", dumps ? NOT_READY : READY_BUT,
                    "%s can be read, but not written%s: %s", where,
                    dumps ? "" : ", so that records and history go to the reports",
                    probe->error.text);
    else if (!probe->deletes)
        finding_add(area, "backups", prunes ? NOT_READY : READY_BUT,
                    "%s can be written, but nothing deleted there%s; %s stays behind: %s", where,
                    prunes ? ", which `prune` (backups.keep) needs" : "", probe->name,
                    probe->error.text);
    else if (look_at_dumping(area, shelf, &error) < 0)
        finding_add(area, "backups", NOT_READY, "%s", error.text);
    else
        finding_add(area, "backups", READY, "%s can be read, written and cleared", where);
}

void look_at_backups(struct area *area)
{
    struct error error;
    struct probe probe;
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    if (location_open(area->scenario, &shelf, &error) < 0) {
        finding_add(area, "backups", NOT_READY, "%s", error.text);
        return;
    }
    probe_place(shelf, area->timeout_ms, true, &probe);
    judge_backups(area, shelf, &probe);
    if (probe.has_clock)
        judge_clock(area, "the bucket of the backups", probe.ahead_s);
    if (probe.reads)
        look_for_latest(area, shelf);
    probe_free(&probe);
}

/* --- room ------------------------------------------------------------------------------------- */

static char *parent_of(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 1 && path[length - 1] != '/')
        length--;
    return xstrndup(path, length);
}

/* As much as the last backup took; where there is none, a quarter of the database is what a
 * compressed dump may well take, and a sixteenth is little. */
void look_at_room(struct area *area)
{
    const struct learned *learned = &area->learned;
    const char *location = area->scenario->backups.location;
    cleanup(free_pointer) char *above = parent_of(location);
    bool is_directory = !starts_with(location, "s3://");
    int64_t wanted =
        learned->backup_bytes > 0 ? learned->backup_bytes : learned->database_bytes / 4;
    int64_t free_bytes = is_directory ? free_space_bytes(location) : -1;
    char room[SIZE_TEXT_SIZE], needed[SIZE_TEXT_SIZE];
    if (is_directory && free_bytes < 0)
        free_bytes = free_space_bytes(above); /* the first dump makes it there */
    if (free_bytes < 0 || !area->scenario->source.database)
        return;
    size_format(free_bytes, room);
    size_format(wanted, needed);
    int64_t least =
        learned->backup_bytes > 0 ? learned->backup_bytes : learned->database_bytes / 16;
    bool is_full = free_bytes < least;
    bool is_short = free_bytes / 2 < wanted;
    finding_add(area, "room for backups",
                is_full    ? NOT_READY
                : is_short ? READY_BUT
                           : READY,
                "%s free%s%s%s", room, wanted > 0 ? ", and a backup takes about " : "",
                wanted > 0 ? needed : "",
                is_full    ? ": make room there, or name another place (backups.location)"
                : is_short ? ": make room for the next two, or keep fewer"
                           : "");
}

/* --- history and reports ---------------------------------------------------------------------- */

/* As the first run makes it: in the directory above, which is not made. */
static bool may_be_made(const struct area *area, const char *path)
{
    struct probe probe;
    cleanup(free_pointer) char *above = parent_of(path);
    cleanup(shelf_freep) struct shelf *shelf = shelf_of_directory(above);
    probe_place(shelf, area->timeout_ms, true, &probe);
    probe_free(&probe);
    return probe.writes;
}

static void judge_own_place(struct area *area, const char *check, const char *path,
                            const struct probe *probe, const char *advice)
{
    if (probe->writes)
        finding_add(area, check, READY, "%s can be written", path);
    else if (probe->is_missing && may_be_made(area, path))
        finding_add(area, check, READY, "%s is not there yet: the first run makes it", path);
    else if (probe->is_missing)
        finding_add(area, check, NOT_READY, "%s is not there, and cannot be made%s", path, advice);
    else
        finding_add(area, check, NOT_READY, "%s%s", probe->error.text, advice);
}

void look_at_reports(struct area *area, const char *reports)
{
    struct probe probe;
    cleanup(free_pointer) char *path = path_absolute(reports);
    cleanup(shelf_freep) struct shelf *shelf = shelf_of_directory(path);
    probe_place(shelf, area->timeout_ms, true, &probe);
    judge_own_place(area, "reports", path, &probe, "; --reports names another directory");
    probe_free(&probe);
}

/* Where it lies beside the backups, those have told. */
void look_at_history(struct area *area)
{
    struct error error;
    struct probe probe;
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    const char *location = area->scenario->history.location;
    if (area->scenario->history.none || !location)
        return;
    const struct store_options options = location_options(area->scenario, location);
    if (shelf_open(&options, &shelf, &error) < 0) {
        finding_add(area, "history", NOT_READY, "%s", error.text);
        return;
    }
    probe_place(shelf, area->timeout_ms, true, &probe);
    judge_own_place(area, "history", location, &probe, "");
    probe_free(&probe);
}

/* --- objects ---------------------------------------------------------------------------------- */

/* One object is read as far as its first bytes: that is another right than listing. */
struct first {
    char key[KEY_LIMIT + 1];
    size_t length;
};

static int take_first(void *context, const struct object *object, struct error *error)
{
    struct first *first = context;
    first->length = object->key_length;
    memcpy(first->key, object->key, object->key_length);
    return cannot_verify(error, "one is enough");
}

static int take_bytes(void *context, const void *bytes, size_t length, struct error *error)
{
    bool *came = context;
    (void)bytes;
    *came = *came || length > 0;
    return *came ? cannot_verify(error, "some are enough") : 0;
}

static void look_at_bucket(struct area *area, struct store *store)
{
    struct first first = {0};
    struct error error;
    bool came = false;
    int64_t deadline_ms = deadline_after(area->timeout_ms);
    const char *where = store_name(store);
    if (store_list(store, "", deadline_ms, take_first, &first, &error) < 0 && first.length == 0)
        finding_add(area, "objects", NOT_READY, "%s", error.text);
    else if (first.length == 0)
        finding_add(area, "objects", READY_BUT, "%s holds no object: is it the right one?", where);
    else if (store_get(store, first.key, first.length, deadline_ms, take_bytes, &came, NULL,
                       &error) < 0 &&
             !came)
        finding_add(area, "objects", NOT_READY, "%s can be listed, but not read: %s", where,
                    error.text);
    else
        finding_add(area, "objects", READY, "%s can be listed and read", where);
}

static void look_at_copy(struct area *area, const char *copy)
{
    struct stat status;
    bool is_there = stat(copy, &status) == 0;
    if (is_there && !S_ISDIR(status.st_mode))
        finding_add(area, "copy of objects", NOT_READY, "%s is not a directory", copy);
    else if (is_there && access(copy, R_OK | W_OK | X_OK) < 0)
        finding_add(area, "copy of objects", NOT_READY,
                    "cannot write in %s: %s: run this as a user that may", copy, strerror(errno));
    else if (is_there)
        finding_add(area, "copy of objects", READY, "%s can be written", copy);
    else
        finding_add(area, "copy of objects", READY_BUT,
                    "%s is not there yet: `restore-verifier sync` makes it", copy);
}

void look_at_objects(struct area *area)
{
    const struct objects *objects = &area->scenario->objects;
    cleanup(store_freep) struct store *store = NULL;
    struct error error;
    if (!objects->present)
        return;
    const struct store_options options = store_options_for(objects->bucket, &objects->access);
    if (store_open(&options, &store, &error) < 0)
        finding_add(area, "objects", NOT_READY, "%s", error.text);
    else
        look_at_bucket(area, store);
    if (objects->copy)
        look_at_copy(area, objects->copy);
}
