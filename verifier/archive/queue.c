/* A layer that runs ahead in a thread of its own. */
#include "archive/source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define QUEUE_RUNS      8
#define QUEUE_RUN_BYTES (256 * 1024)

struct run {
    size_t length;
    uint8_t bytes[QUEUE_RUN_BYTES];
};

struct queue_source {
    struct source source;
    struct source *below;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock: */
    unsigned filled, taken; /* runs, counted from the beginning */
    bool ended, failed, stop;
    struct error error;
    /* The consumer's alone: */
    bool holding; /* the run at `taken` is in the consumer's hands */
    struct run runs[QUEUE_RUNS];
};

/* Waits for a free run; NULL when the consumer has gone. */
static struct run *run_to_fill(struct queue_source *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (!queue->stop && queue->filled - queue->taken == QUEUE_RUNS)
        pthread_cond_wait(&queue->changed, &queue->lock);
    struct run *run = queue->stop ? NULL : &queue->runs[queue->filled % QUEUE_RUNS];
    pthread_mutex_unlock(&queue->lock);
    return run;
}

static void run_filled(struct queue_source *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->filled++;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

/* Small runs are gathered, so that a switch between the threads is worth it. */
static int queue_pump(struct queue_source *queue, struct error *error)
{
    struct run *run = NULL;
    for (;;) {
        const uint8_t *bytes;
        size_t length;
        if (source_next(queue->below, &bytes, &length, error) < 0)
            return -1;
        if (length == 0) {
            if (run && run->length > 0)
                run_filled(queue);
            return 0;
        }
        while (length > 0) {
            if (!run) {
                run = run_to_fill(queue);
                if (!run)
                    return 0;
                run->length = 0;
            }
            size_t part = QUEUE_RUN_BYTES - run->length;
            if (part > length)
                part = length;
            memcpy(run->bytes + run->length, bytes, part);
            run->length += part;
            bytes += part;
            length -= part;
            if (run->length == QUEUE_RUN_BYTES) {
                run_filled(queue);
                run = NULL;
            }
        }
    }
}

static void *queue_thread(void *argument)
{
    struct queue_source *queue = argument;
    struct error error;
    int failed = queue_pump(queue, &error);
    pthread_mutex_lock(&queue->lock);
    queue->ended = true;
    if (failed < 0) {
        queue->failed = true;
        queue->error = error;
    }
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

static int queue_source_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                             struct error *error)
{
    struct queue_source *queue = (struct queue_source *)source;
    int result = 0;
    pthread_mutex_lock(&queue->lock);
    if (queue->holding) {
        queue->taken++;
        queue->holding = false;
        pthread_cond_signal(&queue->changed);
    }
    while (!queue->ended && queue->filled == queue->taken)
        pthread_cond_wait(&queue->changed, &queue->lock);
    if (queue->filled != queue->taken) {
        struct run *run = &queue->runs[queue->taken % QUEUE_RUNS];
        queue->holding = true;
        *ret_bytes = run->bytes;
        *ret_length = run->length;
    } else if (queue->failed) {
        *error = queue->error;
        result = -1;
    } else {
        *ret_length = 0;
    }
    pthread_mutex_unlock(&queue->lock);
    return result;
}

static void queue_source_close(struct source *source)
{
    struct queue_source *queue = (struct queue_source *)source;
    pthread_mutex_lock(&queue->lock);
    queue->stop = true;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    pthread_join(queue->thread, NULL);
    source_close(queue->below);
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

int queue_source_new(struct source *below, struct source **ret_source, struct error *error)
{
    struct queue_source *queue = xmalloc(sizeof(*queue));
    queue->source = (struct source){queue_source_next, queue_source_close};
    queue->below = below;
    queue->filled = queue->taken = 0;
    queue->ended = queue->failed = queue->stop = queue->holding = false;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    int reason = pthread_create(&queue->thread, NULL, queue_thread, queue);
    if (reason != 0) {
        pthread_cond_destroy(&queue->changed);
        pthread_mutex_destroy(&queue->lock);
        free(queue);
        return cannot_verify(error, "cannot start a thread: %s", strerror(reason));
    }
    *ret_source = &queue->source;
    return 0;
}
