#include "base/ticker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"

struct ticker {
    int64_t pause_ms;
    bool (*tick)(void *context);
    void *context;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping; /* under the mutex */
};

/* False: it is to be stopped. */
static bool pause_a_moment(struct ticker *ticker)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ticker->pause_ms / 1000;
    until.tv_nsec += ticker->pause_ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&ticker->mutex);
    int waited = 0;
    while (!ticker->stopping && waited == 0)
        waited = pthread_cond_timedwait(&ticker->changed, &ticker->mutex, &until);
    bool stopping = ticker->stopping;
    pthread_mutex_unlock(&ticker->mutex);
    return !stopping;
}

static void *run(void *context)
{
    struct ticker *ticker = context;
    while (pause_a_moment(ticker) && ticker->tick(ticker->context))
        ;
    return NULL;
}

static void ticker_free(struct ticker *ticker)
{
    pthread_cond_destroy(&ticker->changed);
    pthread_mutex_destroy(&ticker->mutex);
    free(ticker);
}

struct ticker *ticker_start(int64_t pause_ms, bool (*tick)(void *context), void *context)
{
    struct ticker *ticker = xcalloc(1, sizeof(*ticker));
    pthread_condattr_t monotonic;
    sigset_t all, before;
    ticker->pause_ms = pause_ms;
    ticker->tick = tick;
    ticker->context = context;
    pthread_mutex_init(&ticker->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&ticker->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&ticker->thread, NULL, run, ticker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        return ticker;
    ticker_free(ticker);
    return NULL;
}

void ticker_stop(struct ticker *ticker)
{
    if (!ticker)
        return;
    pthread_mutex_lock(&ticker->mutex);
    ticker->stopping = true;
    pthread_cond_signal(&ticker->changed);
    pthread_mutex_unlock(&ticker->mutex);
    pthread_join(ticker->thread, NULL);
    ticker_free(ticker);
}
