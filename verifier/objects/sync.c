#include "objects/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "objects/encoding.h"
#include "objects/folder.h"
#include "objects/inventory.h"
#include "objects/key_table.h"
#include "objects/sync_record.h"

enum {
    TRANSFERS = 16,
    TRANSFERS_LIMIT = 256,
    ATTEMPTS = 3,        /* at an object whose content is not what the listing says */
    FAILURES_LIMIT = 64, /* in a row: then the others will fail as well */
};

struct job {
    struct key_entry *entry;
    struct object wanted;  /* as the bucket lists it */
    int64_t written_bytes; /* that the progress has */
    struct job *next;
};

struct sync {
    const struct sync_options *options;
    struct sync_progress *progress; /* the options', or nobody's */
    struct folder *folder;          /* NULL: a dry run into a directory that is not there */
    struct key_table table;
    struct sync_result result;

    pthread_mutex_t lock; /* for what follows, and for `result` */
    pthread_cond_t changed;
    struct job *first;
    struct job *last;
    bool listed; /* no more jobs will come */
    bool stop;
    int failures;
    int in_a_row;       /* of these, the last */
    struct error error; /* the first */
};

static void tell(const struct sync *sync, const char *what, const struct object *object)
{
    if (!sync->options->tell)
        return;
    cleanup(free_pointer) char *key = key_printable(object->key, object->key_length);
    sync->options->tell(sync->options->context, what, key);
}

/* ---- one object ---- */

struct writing {
    int descriptor;
    const char *path;
    struct sync_progress *progress;
    int64_t *written_bytes;
};

/* So much of it is written by now. */
static void note_written(struct sync_progress *progress, int64_t *written_bytes, int64_t now_bytes)
{
    progress->done_bytes += now_bytes - *written_bytes;
    *written_bytes = now_bytes;
}

static int write_bytes(void *context, const void *bytes, size_t length, struct error *error)
{
    const struct writing *writing = context;
    note_written(writing->progress, writing->written_bytes,
                 *writing->written_bytes + (int64_t)length);
    return write_all(writing->descriptor, bytes, length, writing->path, error);
}

static int set_time(int descriptor, int64_t modified_ms)
{
    if (modified_ms < 0)
        return 0;
    const struct timespec time = {.tv_sec = (time_t)(modified_ms / 1000),
                                  .tv_nsec = (long)(modified_ms % 1000) * 1000000};
    const struct timespec times[] = {time, time};
    return futimens(descriptor, times);
}

/* `ret_object` is what has been read: the object may have been replaced since it was listed. */
static int fetch_into(const struct sync *sync, struct job *job, int descriptor,
                      struct object *ret_object, struct error *error)
{
    const struct object *wanted = &job->wanted;
    struct writing writing = {descriptor, sync->options->copy, sync->progress, &job->written_bytes};
    note_written(sync->progress, &job->written_bytes, 0);
    if (ftruncate(descriptor, 0) < 0 || lseek(descriptor, 0, SEEK_SET) < 0)
        return cannot_verify(error, "cannot write to %s: %s", sync->options->copy, strerror(errno));
    if (store_get(sync->options->bucket, wanted->key, wanted->key_length,
                  sync->options->deadline_ms, write_bytes, &writing, ret_object, error) < 0)
        return -1;
    bool same = strcasecmp(ret_object->etag, wanted->etag) == 0;
    if (same && ret_object->size_bytes != wanted->size_bytes)
        return cannot_verify(error, "the store sent %lld bytes of an object of %lld",
                             (long long)ret_object->size_bytes, (long long)wanted->size_bytes);
    if (same)
        ret_object->modified_ms = wanted->modified_ms;
    if (set_time(descriptor, ret_object->modified_ms) < 0)
        return cannot_verify(error, "cannot set the time of a file in %s: %s", sync->options->copy,
                             strerror(errno));
    return 0;
}

static int copy_object(const struct sync *sync, struct job *job, struct error *error)
{
    char *temporary = NULL;
    int descriptor;
    struct object object = {0};
    if (folder_temporary(sync->folder, &temporary, &descriptor, error) < 0)
        return -1;
    int failed = -1;
    for (int attempt = 0; attempt < ATTEMPTS && failed < 0; attempt++)
        failed = fetch_into(sync, job, descriptor, &object, error);
    close(descriptor);
    if (failed == 0)
        failed = folder_place(sync->folder, temporary, job->wanted.key, job->wanted.key_length,
                              job->entry->file_name, error);
    if (failed < 0) {
        folder_drop(sync->folder, temporary);
    } else {
        struct object *recorded = &job->entry->object;
        recorded->size_bytes = object.size_bytes;
        recorded->modified_ms = object.modified_ms;
        memcpy(recorded->etag, object.etag, sizeof(recorded->etag));
    }
    free(temporary);
    return failed;
}

/* A file of which no record tells: is it the object, by its MD5? Then it only needs the time. */
static bool is_same_content(const struct sync *sync, const struct job *job)
{
    const struct object *wanted = &job->wanted;
    struct error ignored;
    cleanup(free_pointer) char *file_name = NULL;
    cleanup(close_descriptor) int descriptor = -1;
    if (!job->entry->present || job->entry->object.size_bytes != wanted->size_bytes ||
        !etag_is_md5(wanted->etag) ||
        folder_find(sync->folder, wanted->key, wanted->key_length, &file_name, &descriptor,
                    &ignored) < 0 ||
        descriptor < 0)
        return false;
    cleanup(md5_freep) struct md5 *md5 = md5_new();
    cleanup(free_pointer) char *block = xmalloc(65536);
    ssize_t length;
    while ((length = read(descriptor, block, 65536)) > 0)
        md5_update(md5, block, (size_t)length);
    unsigned char digest[MD5_SIZE];
    char hex[MD5_HEX_SIZE];
    md5_final(md5, digest);
    hex_format(digest, sizeof(digest), hex);
    if (length < 0 || strcasecmp(hex, wanted->etag) != 0)
        return false;
    if (sync->options->dry_run)
        return true;
    if (set_time(descriptor, wanted->modified_ms) < 0)
        return false;
    job->entry->object.modified_ms = wanted->modified_ms;
    memcpy(job->entry->object.etag, wanted->etag, sizeof(wanted->etag));
    return true;
}

static int look_for(void *context, const struct object *object, struct error *error)
{
    const struct object *wanted = context;
    if (object->key_length != wanted->key_length ||
        memcmp(object->key, wanted->key, wanted->key_length) != 0)
        return 0;
    return cannot_verify(error, "the store lists it, and says that it is not there");
}

/* An object that was deleted since it was listed is nobody's fault. One that is still listed has
 * been lost by the store. */
static bool is_gone(const struct sync *sync, struct job *job, struct error *error)
{
    struct object *wanted = &job->wanted;
    int64_t deadline_ms = sync->options->deadline_ms;
    bool found = true;
    struct error ignored;
    return store_head(sync->options->bucket, wanted->key, wanted->key_length, deadline_ms, &found,
                      NULL, &ignored) == 0 &&
           !found &&
           store_list(sync->options->bucket, wanted->key, deadline_ms, look_for, wanted, error) ==
               0;
}

static void note_failure(struct sync *sync, const struct job *job, const struct error *error)
{
    pthread_mutex_lock(&sync->lock);
    if (sync->failures++ == 0) {
        cleanup(free_pointer) char *key = key_printable(job->wanted.key, job->wanted.key_length);
        sync->error = *error;
        error_prefix(&sync->error, "`%.300s` was not copied: ", key);
    }
    sync->stop = sync->stop || ++sync->in_a_row >= FAILURES_LIMIT;
    pthread_mutex_unlock(&sync->lock);
}

static void work_on(struct sync *sync, struct job *job)
{
    struct error error;
    if (is_same_content(sync, job)) {
        job->entry->marked = true;
        return;
    }
    if (copy_object(sync, job, &error) < 0) {
        if (!is_gone(sync, job, &error))
            note_failure(sync, job, &error);
        return;
    }
    job->entry->marked = true;
    pthread_mutex_lock(&sync->lock);
    sync->in_a_row = 0;
    sync->result.copied.count++;
    sync->result.copied.size_bytes += job->entry->object.size_bytes;
    tell(sync, "copied", &job->entry->object);
    pthread_mutex_unlock(&sync->lock);
}

/* ---- workers ---- */

static struct job *next_job(struct sync *sync)
{
    pthread_mutex_lock(&sync->lock);
    while (!sync->first && !sync->listed && !sync->stop)
        pthread_cond_wait(&sync->changed, &sync->lock);
    struct job *job = sync->stop ? NULL : sync->first;
    if (job) {
        sync->first = job->next;
        if (!sync->first)
            sync->last = NULL;
    }
    pthread_mutex_unlock(&sync->lock);
    return job;
}

static void *run_worker(void *context)
{
    struct sync *sync = context;
    struct job *job;
    while ((job = next_job(sync))) {
        work_on(sync, job);
        note_written(sync->progress, &job->written_bytes, job->wanted.size_bytes);
        sync->progress->done_count++;
        free(job);
    }
    return NULL;
}

static bool is_stopped(struct sync *sync)
{
    pthread_mutex_lock(&sync->lock);
    bool stopped = sync->stop;
    pthread_mutex_unlock(&sync->lock);
    return stopped;
}

static void add_job(struct sync *sync, struct key_entry *entry, const struct object *wanted)
{
    struct job *job = xcalloc(1, sizeof(*job));
    job->entry = entry;
    job->wanted = *wanted;
    job->wanted.key = entry->object.key;
    sync->progress->wanted_count++;
    sync->progress->wanted_bytes += wanted->size_bytes;
    pthread_mutex_lock(&sync->lock);
    if (sync->last)
        sync->last->next = job;
    else
        sync->first = job;
    sync->last = job;
    pthread_cond_signal(&sync->changed);
    pthread_mutex_unlock(&sync->lock);
}

struct workers {
    pthread_t threads[TRANSFERS_LIMIT];
    int count;
};

/* Signals go to the thread that waits for them, not to these. */
static void workers_start(struct sync *sync, struct workers *workers)
{
    int wanted = sync->options->transfers > 0 ? sync->options->transfers : TRANSFERS;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (workers->count < wanted && workers->count < TRANSFERS_LIMIT &&
           pthread_create(&workers->threads[workers->count], NULL, run_worker, sync) == 0)
        workers->count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void workers_finish(struct sync *sync, struct workers *workers, bool stop)
{
    pthread_mutex_lock(&sync->lock);
    sync->listed = true;
    sync->stop = sync->stop || stop;
    pthread_cond_broadcast(&sync->changed);
    pthread_mutex_unlock(&sync->lock);
    if (workers->count == 0 && !sync->options->dry_run)
        run_worker(sync); /* no thread could be made */
    for (int i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    while (sync->first) {
        struct job *job = sync->first;
        sync->first = job->next;
        free(job);
    }
}

/* ---- the whole ---- */

static int note_local(void *context, const struct object *object, const char *file_name,
                      struct error *error)
{
    struct sync *sync = context;
    bool existed;
    struct key_entry *entry = key_table_add(&sync->table, object, &existed);
    if (existed)
        return cannot_verify(error,
                             "%s holds one object twice, in %s and in %s: remove the wrong one",
                             sync->options->copy, entry->file_name, file_name);
    entry->file_name = xstrdup(file_name);
    entry->present = true;
    return 0;
}

static bool is_same(const struct key_entry *entry, const struct object *object)
{
    const struct object *local = &entry->object;
    /* Without a record: size and time must do where the ETag is no MD5 that could be compared. */
    bool same_etag = strcasecmp(local->etag, object->etag) == 0 ||
                     (local->etag[0] == '\0' && !etag_is_md5(object->etag));
    return entry->present && local->size_bytes == object->size_bytes &&
           local->modified_ms == object->modified_ms && same_etag;
}

static int note_remote(void *context, const struct object *object, struct error *error)
{
    struct sync *sync = context;
    bool existed;
    struct key_entry *entry = key_table_add(&sync->table, object, &existed);
    if (existed && (entry->listed || !entry->present))
        return cannot_verify(error, "%s lists an object twice", store_name(sync->options->bucket));
    entry->listed = true;
    sync->progress->listed_count++;
    sync->result.bucket.count++;
    sync->result.bucket.size_bytes += object->size_bytes;
    const struct job job = {.entry = entry, .wanted = *object};
    if (is_same(entry, object)) {
        memcpy(entry->object.etag, object->etag, sizeof(object->etag));
        entry->marked = true;
    } else if (!sync->options->dry_run) {
        add_job(sync, entry, object);
    } else if (!is_same_content(sync, &job)) {
        sync->result.copied.count++;
        sync->result.copied.size_bytes += object->size_bytes;
        tell(sync, "would copy", object);
    }
    return is_stopped(sync) ? cannot_verify(error, "too much has failed") : 0;
}

static int delete_entry(struct sync *sync, const struct key_entry *entry, struct error *error)
{
    cleanup(free_pointer) char *file_name = NULL;
    cleanup(close_descriptor) int descriptor = -1;
    const struct object *object = &entry->object;
    if (!sync->options->dry_run) {
        /* It may have made way for a folder since it was seen. */
        if (folder_find(sync->folder, object->key, object->key_length, &file_name, &descriptor,
                        error) < 0)
            return -1;
        if (file_name && folder_remove(sync->folder, file_name, error) < 0)
            return -1;
    }
    sync->result.deleted.count++;
    sync->result.deleted.size_bytes += object->size_bytes;
    tell(sync, sync->options->dry_run ? "would delete" : "deleted", object);
    return 0;
}

static int settle_others(struct sync *sync, struct error *error)
{
    bool delete = sync->options->delete;
    for (const struct key_entry *entry = sync->table.first; entry; entry = entry->next) {
        if (!entry->present || entry->listed)
            continue;
        if (delete &&sync->result.bucket.count == 0)
            return cannot_verify(error,
                                 "%s is empty, and the copy in %s is not: nothing was deleted. If "
                                 "that is meant, delete the copy yourself",
                                 store_name(sync->options->bucket), sync->options->copy);
        if (delete &&delete_entry(sync, entry, error) < 0)
            return -1;
        if (!delete) {
            sync->result.extra.count++;
            sync->result.extra.size_bytes += entry->object.size_bytes;
        }
    }
    return 0;
}

static int transfer_all(struct sync *sync, struct error *error)
{
    struct workers workers = {0};
    if (!sync->options->dry_run)
        workers_start(sync, &workers);
    int failed =
        store_list(sync->options->bucket, "", sync->options->deadline_ms, note_remote, sync, error);
    sync->progress->listed = failed == 0;
    workers_finish(sync, &workers, failed < 0);
    if (sync->failures == 0)
        return failed;
    *error = sync->error;
    if (sync->failures > 1)
        error_prefix(error, "%s%d objects were not copied, the first: ",
                     sync->in_a_row < FAILURES_LIMIT ? "" : "given up, because ", sync->failures);
    return -1;
}

static int open_copy(struct sync *sync, struct error *error)
{
    const struct sync_options *options = sync->options;
    if (options->dry_run && access(options->copy, F_OK) < 0)
        return 0;
    if (folder_open(options->copy, !options->dry_run, &sync->folder, error) < 0)
        return -1;
    if (!options->dry_run) {
        if (flock(sync->folder->descriptor, LOCK_EX | LOCK_NB) < 0)
            return cannot_verify(error, "another sync is writing to %s: wait for it",
                                 options->copy);
        if (folder_sweep(sync->folder, error) < 0)
            return -1;
    }
    if (folder_walk(sync->folder, note_local, sync, error) < 0)
        return -1;
    sync_record_read(sync->folder, &sync->table);
    if (options->delete &&sync->table.first &&
        !sync_record_is_of(sync->folder, store_name(options->bucket)))
        return cannot_verify(error,
                             "the last sync that filled %s was not one of %s: nothing was deleted, "
                             "nor copied. Are `bucket` and `copy` right? Then run sync without "
                             "--delete first",
                             options->copy, store_name(options->bucket));
    return 0;
}

static int run(struct sync *sync, struct error *error)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t began_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (open_copy(sync, error) < 0 || transfer_all(sync, error) < 0 ||
        settle_others(sync, error) < 0)
        return -1;
    if (sync->options->dry_run)
        return 0;
    if (syncfs(sync->folder->descriptor) < 0)
        return cannot_verify(error, "cannot write to %s: %s", sync->options->copy, strerror(errno));
    return sync_record_write(sync->folder, store_name(sync->options->bucket), began_ms,
                             &sync->table, error);
}

int sync_run(const struct sync_options *options, struct sync_result *ret_result,
             struct error *error)
{
    struct sync_progress nobodys = {0};
    struct sync sync = {.options = options,
                        .progress = options->progress ? options->progress : &nobodys};
    key_table_init(&sync.table);
    pthread_mutex_init(&sync.lock, NULL);
    pthread_cond_init(&sync.changed, NULL);
    int failed = run(&sync, error);
    if (failed == 0)
        *ret_result = sync.result;
    folder_free(sync.folder);
    key_table_free(&sync.table);
    pthread_cond_destroy(&sync.changed);
    pthread_mutex_destroy(&sync.lock);
    return failed;
}
