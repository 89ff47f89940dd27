#include "archive/pool.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/memory.h"

#define THREADS_MOST 16

struct pool {
    pthread_mutex_t lock;
    size_t next, count;
    bool failed;
    size_t failed_index;
    struct error error;
    int (*work)(void *context, size_t i, struct error *error);
    void *context;
};

static void *pool_thread(void *argument)
{
    struct pool *pool = argument;
    pthread_mutex_lock(&pool->lock);
    while (!pool->failed && pool->next < pool->count) {
        size_t i = pool->next++;
        pthread_mutex_unlock(&pool->lock);
        struct error error;
        int result = pool->work(pool->context, i, &error);
        pthread_mutex_lock(&pool->lock);
        if (result < 0 && (!pool->failed || i < pool->failed_index)) {
            pool->failed = true;
            pool->failed_index = i;
            pool->error = error;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

int pool_run(size_t count, int threads, int (*work)(void *context, size_t i, struct error *error),
             void *context, struct error *error)
{
    struct pool pool = {.count = count, .work = work, .context = context};
    pthread_mutex_init(&pool.lock, NULL);
    pthread_t started[THREADS_MOST];
    int running = 0;
    /* With fewer threads than wanted the work is only slower. */
    while (running < threads - 1 && running < THREADS_MOST && (size_t)running + 1 < count &&
           pthread_create(&started[running], NULL, pool_thread, &pool) == 0)
        running++;
    pool_thread(&pool);
    for (int i = 0; i < running; i++)
        pthread_join(started[i], NULL);
    pthread_mutex_destroy(&pool.lock);
    if (!pool.failed)
        return 0;
    *error = pool.error;
    return -1;
}
