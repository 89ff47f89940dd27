/* Reading the backup whole, in a thread beside the starting server: hashed, unpacked, counted and
 * checked to its end in a single pass. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/account.h"
#include "base/memory.h"
#include "shelf/age.h"
#include "shelf/object_source.h"
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

static void *read_backup(void *context)
{
    struct stages *stages = context;
    struct backup_reading *reading = &stages->reading;
    const struct backup_file *backup = &stages->backup;
    reading->outcome =
        shelf_directory(stages->shelf)
            ? archive_read(&stages->archive, backup->path, &reading->options, &reading->error)
            : object_read(&stages->archive, stages->shelf, backup->name, backup->size_bytes,
                          &reading->options, &reading->error);
    stage_end(stages->facts, STAGE_READ, reading->outcome, &reading->error);
    contents_known(stages); /* nobody waits for it any longer */
    return NULL;
}

void reading_start(struct stages *stages)
{
    struct backup_reading *reading = &stages->reading;
    stages->copy_path = xasprintf("%s/backup", stages->options->work);
    pthread_mutex_init(&reading->mutex, NULL);
    pthread_cond_init(&reading->changed, NULL);
    reading->options = (struct archive_options){
        .copy_path = stages->copy_path,
        .always_copy = shelf_directory(stages->shelf) &&
                       !account_may(&stages->account, stages->backup.path, R_OK),
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

static void record_archive(struct stages *stages)
{
    const struct archive *archive = &stages->archive;
    struct backup_fact *fact = &stages->facts->backup;
    if (archive->stored_bytes > 0)
        fact->size_bytes = archive->stored_bytes;
    bool bare = archive->container == ARCHIVE_BARE;
    if (archive->format != ARCHIVE_UNKNOWN_FORMAT)
        snprintf(fact->format, sizeof(fact->format), "%s%s%s", archive_format_name(archive->format),
                 bare ? "" : " in ", bare ? "" : archive_container_name(archive->container));
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
    return manifest &&
           (!stages->archive.complete || strcmp(manifest->sha256, stages->archive.sha256) == 0);
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
static void choose_source(struct stages *stages)
{
    const struct archive *archive = &stages->archive;
    stages->restore_format = archive->complete                          ? archive->restore_format
                             : archive->format == ARCHIVE_DIRECTORY_TAR ? ARCHIVE_DIRECTORY
                                                                        : archive->format;
    if (archive->restore_path)
        stages->restore_path = xstrdup(archive->restore_path);
    else if (access(stages->copy_path, F_OK) == 0)
        stages->restore_path = xstrdup(stages->copy_path);
    else if (archive->format != ARCHIVE_UNKNOWN_FORMAT && archive->container == ARCHIVE_BARE &&
             shelf_directory(stages->shelf))
        stages->restore_path = xstrdup(stages->backup.path);
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
    record_time(stages);
    choose_source(stages);
    copy_owner = stages->account;
    if (geteuid() == 0 && access(stages->copy_path, F_OK) == 0)
        nftw(stages->copy_path, give_away, 16, FTW_PHYS);
    return read_the_same(stages);
}
