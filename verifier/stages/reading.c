/* Reading the backup whole, in a thread beside the starting server: hashed, unpacked, counted and
 * checked to its end in a single pass. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/set.h"
#include "base/account.h"
#include "base/memory.h"
#include "shelf/age.h"
#include "shelf/object_source.h"
#include "stages/recipe.h"
#include "stages/requirements.h"
#include "stages/run.h"

static void contents_known(void *context)
{
    struct stages *stages = context;
    struct backup_reading *reading = &stages->reading;
    pthread_mutex_lock(&reading->mutex);
    reading->required = required_versions(&stages->archive);
    reading->contents_known = true;
    pthread_cond_signal(&reading->changed);
    pthread_mutex_unlock(&reading->mutex);
}

static int read_file(const struct stages *stages, const struct part_file *file,
                     const struct archive_options *options, struct archive *archive,
                     struct error *error)
{
    return shelf_directory(stages->shelf)
               ? archive_read(archive, file->path, options, error)
               : object_read(archive, stages->shelf, file->name, file->size_bytes, options, error);
}

static int read_whole(struct stages *stages, struct error *error)
{
    const struct backup_file *backup = &stages->backup;
    char *name = (char *)(uintptr_t)backup->name;
    const struct part_file file = {
        .path = backup->path, .name = name, .size_bytes = backup->size_bytes};
    stages->reading.options.copy_path = stages->sources[0].copy_path;
    stages->reading.options.always_copy = stages->sources[0].always_copy;
    return read_file(stages, &file, &stages->reading.options, &stages->archive, error);
}

/* One after the other; after a failure, what was read up to there is told. */
static int read_set(struct stages *stages, struct error *error)
{
    const struct backup_file *backup = &stages->backup;
    struct archive_options options = stages->reading.options;
    struct archive *parts = xcalloc(backup->part_count, sizeof(*parts));
    struct error together;
    size_t count = 0;
    int outcome = 0;
    options.is_part = true;
    options.contents_known = NULL; /* not before those of all parts are */
    while (count < backup->part_count && outcome == 0) {
        const struct part_file *file = &backup->parts[count];
        struct archive *part = &parts[count++];
        options.copy_path = stages->sources[count - 1].copy_path;
        options.always_copy = stages->sources[count - 1].always_copy;
        outcome = read_file(stages, file, &options, part, error);
        part->part = file->part; /* now, since reading may begin anew */
        part->name = xstrdup(file->name);
        options.progress_before += part->stored_bytes;
    }
    int joined = archive_of_set(&stages->archive, parts, count, &together);
    if (outcome == 0 && joined < 0)
        *error = together;
    return outcome < 0 ? -1 : joined;
}

static void *read_backup(void *context)
{
    struct stages *stages = context;
    struct backup_reading *reading = &stages->reading;
    reading->outcome = stages->backup.part_count > 0 ? read_set(stages, &reading->error)
                                                     : read_whole(stages, &reading->error);
    stage_end(stages->facts, STAGE_READ, reading->outcome, &reading->error);
    contents_known(stages); /* nobody waits for it any longer */
    return NULL;
}

/* Where each file goes that cannot be restored as it lies there. Some are changed before they are
 * restored: grantors.h, platform.h. */
static void sources_plan(struct stages *stages)
{
    const struct backup_file *backup = &stages->backup;
    bool directory = shelf_directory(stages->shelf) != NULL;
    stages->source_count = backup->part_count > 0 ? backup->part_count : 1;
    stages->sources = xcalloc(stages->source_count, sizeof(*stages->sources));
    for (size_t i = 0; i < stages->source_count; i++) {
        struct restore_source *source = &stages->sources[i];
        source->part = backup->part_count > 0 ? backup->parts[i].part : PART_WHOLE;
        const char *path = backup->part_count > 0 ? backup->parts[i].path : backup->path;
        source->copy_path =
            source->part == PART_WHOLE
                ? xasprintf("%s/backup", stages->options->work)
                : xasprintf("%s/backup.%s", stages->options->work, backup_part_name(source->part));
        bool is_changed =
            backup_part_is_of_server(source->part) ||
            (source->part != PART_WHOLE && stages->scenario->restore.exclude.count > 0);
        source->always_copy =
            directory && (is_changed || !account_may(&stages->account, path, R_OK));
    }
}

void reading_start(struct stages *stages)
{
    struct backup_reading *reading = &stages->reading;
    sources_plan(stages);
    pthread_mutex_init(&reading->mutex, NULL);
    pthread_cond_init(&reading->changed, NULL);
    reading->options = (struct archive_options){
        .fingerprint = stages->scenario->restore.contents,
        .progress_bytes = &stages->facts->read_bytes,
        .contents_known = contents_known,
        .contents_known_context = stages,
    };
    stages->barrier = account_barrier(&stages->account, stages->options->work);
    if (!stages->barrier)
        stages->barrier = account_barrier(&stages->account, stages->options->socket_work);
    stage_begin(stages->facts, STAGE_READ);
    if (pthread_create(&reading->thread, NULL, read_backup, stages) != 0) {
        fputs("restore-verifier: cannot start a thread\n", stderr);
        _exit(2);
    }
}

struct required_versions reading_required_versions(struct stages *stages)
{
    struct backup_reading *reading = &stages->reading;
    pthread_mutex_lock(&reading->mutex);
    while (!reading->contents_known)
        pthread_cond_wait(&reading->changed, &reading->mutex);
    struct required_versions required = reading->required;
    pthread_mutex_unlock(&reading->mutex);
    return required;
}

static void copy_text(char *destination, size_t size, const char *text)
{
    text_copy(destination, size, text ? text : "");
}

static void format_words(const struct archive *archive, char *words, size_t size)
{
    bool bare = archive->container == ARCHIVE_BARE;
    if (archive->format != ARCHIVE_UNKNOWN_FORMAT)
        snprintf(words, size, "%s%s%s", archive_format_name(archive->format), bare ? "" : " in ",
                 bare ? "" : archive_container_name(archive->container));
}

/* "a set of roles, schema and data, plain" */
static void tell_format(const struct archive *archive, struct backup_fact *fact)
{
    char format[sizeof(fact->format)] = "";
    cleanup(strings_free) struct strings parts = {0};
    format_words(archive, format, sizeof(format));
    for (size_t i = 0; i < archive->part_count; i++)
        strings_add(&parts, backup_part_name(archive->parts[i].part));
    cleanup(free_pointer) char *listed = strings_listed(&parts);
    cleanup(free_pointer) char *words =
        archive->part_count > 0 ? xasprintf("%s, %s", listed, format) : xstrdup(format);
    text_copy(fact->format, sizeof(fact->format), words);
}

static void record_archive(struct stages *stages)
{
    const struct archive *archive = &stages->archive;
    struct backup_fact *fact = &stages->facts->backup;
    if (archive->stored_bytes > 0)
        fact->size_bytes = archive->stored_bytes;
    tell_format(archive, fact);
    if (archive->version_major > 0)
        snprintf(fact->archive_version, sizeof(fact->archive_version), "%d.%d",
                 archive->version_major, archive->version_minor);
    copy_text(fact->server_version, sizeof(fact->server_version), archive->server_version);
    copy_text(fact->pg_dump_version, sizeof(fact->pg_dump_version), archive->pg_dump_version);
    copy_text(fact->database, sizeof(fact->database), archive->database);
    copy_text(fact->encoding, sizeof(fact->encoding), archive->encoding);
    if (!archive->complete)
        return;
    memcpy(fact->sha256, archive->sha256, sizeof(fact->sha256));
    fact->table_count = (int64_t)archive->table_count;
    for (size_t i = 0; i < archive->table_count; i++)
        fact->row_count += archive->tables[i].totals.rows;
}

/* Does the manifest speak of these bytes, as far as that is known? */
static bool manifest_counts(const struct stages *stages)
{
    const struct manifest *manifest = stages_manifest(stages);
    return manifest && (!stages->archive.complete ||
                        strcmp(manifest->sha256, archive_main(&stages->archive)->sha256) == 0);
}

static void tell_needs(struct stages *stages)
{
    struct backup_fact *fact = &stages->facts->backup;
    cleanup(strings_free) struct strings needs = {0};
    if (!stages->archive.complete)
        return;
    restore_needs(&stages->archive, manifest_counts(stages) ? &stages->manifest : NULL, &needs);
    cleanup(free_pointer) char *listed = strings_listed(&needs);
    text_copy(fact->needs, sizeof(fact->needs), listed);
}

/* When the backup was made: its manifest knows; else its name and its header together. */
static void record_time(struct stages *stages)
{
    const struct archive *archive = &stages->archive;
    struct backup_fact *fact = &stages->facts->backup;
    const struct tm *creation = archive->has_creation_time ? &archive->creation_local : NULL;
    struct backup_time made = manifest_counts(stages)
                                  ? backup_time_of_manifest(&stages->backup, stages->manifest.began)
                              : stages->scenario->backups.time == DATED_BY_HEADER
                                  ? backup_time_of_header(&stages->backup, creation)
                                  : backup_time(&stages->backup, creation);
    fact->time = made.time;
    text_copy(fact->time_from, sizeof(fact->time_from), made.known_from);
    text_copy(fact->contradiction, sizeof(fact->contradiction), made.contradiction);
}

/* nftw gives its callback no context. */
static struct account copy_owner;

static int give_away(const char *path, const struct stat *status, int type, struct FTW *position)
{
    (void)status;
    (void)type;
    (void)position;
    return lchown(path, copy_owner.uid, copy_owner.gid);
}

/* What there is to restore from. Of a backup that was found to be bad (for --always-restore) it is
 * the copy as far as that got, or the backup itself where it needs no unpacking. */
static void choose_source(const struct stages *stages, const struct archive *archive,
                          const char *stored, struct restore_source *source)
{
    source->archive = archive;
    source->format = archive->complete                          ? archive->restore_format
                     : archive->format == ARCHIVE_DIRECTORY_TAR ? ARCHIVE_DIRECTORY
                                                                : archive->format;
    if (archive->restore_path)
        source->path = xstrdup(archive->restore_path);
    else if (access(source->copy_path, F_OK) == 0)
        source->path = xstrdup(source->copy_path);
    else if (archive->format != ARCHIVE_UNKNOWN_FORMAT && archive->container == ARCHIVE_BARE &&
             shelf_directory(stages->shelf))
        source->path = xstrdup(stored);
}

static void choose_sources(struct stages *stages)
{
    static const struct archive unread;
    const struct archive *archive = &stages->archive;
    bool is_set = stages->backup.part_count > 0;
    stages->is_restorable = true;
    for (size_t i = 0; i < stages->source_count; i++) {
        struct restore_source *source = &stages->sources[i];
        if (is_set)
            choose_source(stages, i < archive->part_count ? &archive->parts[i] : &unread,
                          stages->backup.parts[i].path, source);
        else
            choose_source(stages, archive, stages->backup.path, source);
        stages->is_restorable = stages->is_restorable && source->path;
        if (!backup_part_is_of_server(source->part) &&
            (stages->restore_format == ARCHIVE_UNKNOWN_FORMAT || source->format == ARCHIVE_PLAIN))
            stages->restore_format = source->format;
    }
}

/* The copies belong to who restores them. */
static void give_copies_away(const struct stages *stages)
{
    copy_owner = stages->account;
    for (size_t i = 0; i < stages->source_count && geteuid() == 0; i++)
        if (access(stages->sources[i].copy_path, F_OK) == 0)
            nftw(stages->sources[i].copy_path, give_away, 16, FTW_PHYS);
}

/* Not where the machine failed: a store that did not answer would only be asked in vain again. */
static bool worth_asking(const struct backup_reading *reading)
{
    return reading->outcome == 0 || reading->error.fault == FAULT_BACKUP;
}

/* What was found, read, and described by its manifest, must be one and the same. */
static int read_the_same(struct stages *stages)
{
    struct backup_reading *reading = &stages->reading;
    struct error error;
    if (worth_asking(reading) && backup_still_there(&stages->backup, &error) < 0) {
        stage_fail(stages->facts, STAGE_READ, &error);
        return -1;
    }
    return reading->outcome;
}

int reading_finish(struct stages *stages)
{
    struct backup_reading *reading = &stages->reading;
    pthread_join(reading->thread, NULL);
    pthread_mutex_destroy(&reading->mutex);
    pthread_cond_destroy(&reading->changed);
    record_archive(stages);
    manifest_stage(stages);
    tell_needs(stages);
    record_time(stages);
    choose_sources(stages);
    give_copies_away(stages);
    return read_the_same(stages);
}
