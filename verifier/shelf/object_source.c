#include "shelf/object_source.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "archive/source.h"
#include "base/memory.h"

#define RING_BYTES  (4 * 1024 * 1024)
#define LARGEST_RUN (256 * 1024)
#define NOT_GIVEN   SIZE_MAX

struct object_source {
    struct source source;
    struct shelf *shelf;
    const char *name;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock: */
    uint64_t filled, taken; /* bytes, counted from the beginning */
    bool ended, failed, stop;
    struct error error;
    /* The consumer's alone: */
    size_t holding; /* so many bytes from `taken` on are in the consumer's hands */
    uint8_t ring[RING_BYTES];
};

/* Waits for room and fills it; false when the consumer has gone. */
static bool ring_fill(struct object_source *object, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        pthread_mutex_lock(&object->lock);
        while (!object->stop && object->filled - object->taken == RING_BYTES)
            pthread_cond_wait(&object->changed, &object->lock);
        bool stop = object->stop;
        size_t room = RING_BYTES - (size_t)(object->filled - object->taken);
        pthread_mutex_unlock(&object->lock);
        if (stop)
            return false;
        size_t at = (size_t)(object->filled % RING_BYTES);
        size_t part = length < room ? length : room;
        if (part > RING_BYTES - at)
            part = RING_BYTES - at;
        memcpy(object->ring + at, bytes, part);
        bytes += part;
        length -= part;
        pthread_mutex_lock(&object->lock);
        object->filled += part;
        pthread_cond_signal(&object->changed);
        pthread_mutex_unlock(&object->lock);
    }
    return true;
}

static bool is_stopped(struct object_source *object)
{
    pthread_mutex_lock(&object->lock);
    bool stop = object->stop;
    pthread_mutex_unlock(&object->lock);
    return stop;
}

/* Called without bytes now and then, while none come. */
static int object_take(void *context, const void *bytes, size_t length, struct error *error)
{
    struct object_source *object = context;
    if (is_stopped(object) || !ring_fill(object, bytes, length))
        return cannot_verify(error, "nobody reads it any longer");
    return 0;
}

static void *object_thread(void *context)
{
    struct object_source *object = context;
    struct error error;
    int failed = shelf_get(object->shelf, object->name, object_take, object, &error);
    pthread_mutex_lock(&object->lock);
    object->ended = true;
    object->failed = failed < 0;
    if (failed < 0)
        object->error = error;
    pthread_cond_signal(&object->changed);
    pthread_mutex_unlock(&object->lock);
    return NULL;
}

static int object_source_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                              struct error *error)
{
    struct object_source *object = (struct object_source *)source;
    int result = 0;
    pthread_mutex_lock(&object->lock);
    object->taken += object->holding;
    object->holding = 0;
    pthread_cond_signal(&object->changed);
    while (!object->ended && object->filled == object->taken)
        pthread_cond_wait(&object->changed, &object->lock);
    size_t at = (size_t)(object->taken % RING_BYTES);
    size_t length = (size_t)(object->filled - object->taken);
    if (length == 0 && object->failed) {
        *error = object->error;
        result = -1;
    } else {
        if (length > LARGEST_RUN)
            length = LARGEST_RUN;
        if (length > RING_BYTES - at)
            length = RING_BYTES - at;
        object->holding = length;
        *ret_bytes = object->ring + at;
        *ret_length = length;
    }
    pthread_mutex_unlock(&object->lock);
    return result;
}

static void object_source_close(struct source *source)
{
    struct object_source *object = (struct object_source *)source;
    pthread_mutex_lock(&object->lock);
    object->stop = true;
    pthread_cond_signal(&object->changed);
    pthread_mutex_unlock(&object->lock);
    pthread_join(object->thread, NULL);
    pthread_cond_destroy(&object->changed);
    pthread_mutex_destroy(&object->lock);
    free(object);
}

/* No signal is for this thread: the one that waits for them must get them. */
static int thread_start(struct object_source *object)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int reason = pthread_create(&object->thread, NULL, object_thread, object);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return reason;
}

static int object_source_new(struct shelf *shelf, const char *name, struct source **ret_source,
                             struct error *error)
{
    struct object_source *object = xmalloc(sizeof(*object));
    object->source = (struct source){object_source_next, object_source_close};
    object->shelf = shelf;
    object->name = name;
    object->filled = object->taken = object->holding = 0;
    object->ended = object->failed = object->stop = false;
    pthread_mutex_init(&object->lock, NULL);
    pthread_cond_init(&object->changed, NULL);
    int reason = thread_start(object);
    if (reason != 0) {
        pthread_cond_destroy(&object->changed);
        pthread_mutex_destroy(&object->lock);
        free(object);
        return cannot_verify(error, "cannot start a thread: %s", strerror(reason));
    }
    *ret_source = &object->source;
    return 0;
}

int object_read(struct archive *archive, struct shelf *shelf, const char *name, int64_t size_bytes,
                const struct archive_options *options, struct error *error)
{
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    cleanup(source_closep) struct source *source = NULL;
    if (object_source_new(shelf, name, &source, error) < 0)
        return -1;
    if (archive_read_stream(archive, path, source, size_bytes, options, error) == 0)
        return 0;
    struct error transfer;
    int64_t rest;
    if (error->fault == FAULT_BACKUP && source_drain(source, &rest, &transfer) < 0) {
        *error = transfer;
        error_prefix(error, "%s: ", path);
    }
    return -1;
}
