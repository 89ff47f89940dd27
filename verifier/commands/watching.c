#include "commands/watching.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "report/progress.h"

struct watching {
    struct result result;
    struct progress *progress;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool over;
};

static void *look_on(void *context)
{
    struct watching *watching = context;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&watching->lock);
    while (!watching->over) {
        progress_update(watching->progress, &watching->result, 1);
        next.tv_nsec += PROGRESS_REDRAW_MS * 1000000L;
        next.tv_sec += next.tv_nsec / 1000000000;
        next.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&watching->changed, &watching->lock, &next);
    }
    pthread_mutex_unlock(&watching->lock);
    return NULL;
}

/* No signal is for this thread: the main one waits for them, or ends by them. */
static int thread_start(struct watching *watching)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int reason = pthread_create(&watching->thread, NULL, look_on, watching);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return reason;
}

static void watching_free(struct watching *watching)
{
    progress_free(watching->progress);
    pthread_cond_destroy(&watching->changed);
    pthread_mutex_destroy(&watching->lock);
    free(watching);
}

struct watching *watching_start(const struct common_options *common, const char *scenario,
                                const struct facts *facts, enum report_kind kind)
{
    pthread_condattr_t monotonic;
    if (common->quiet)
        return NULL;
    struct watching *watching = xcalloc(1, sizeof(*watching));
    watching->result = (struct result){.scenario = scenario, .facts = facts, .kind = kind};
    watching->progress = progress_new(stderr, isatty(STDERR_FILENO), wants_color(STDERR_FILENO));
    pthread_mutex_init(&watching->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watching->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (thread_start(watching) == 0)
        return watching;
    watching_free(watching);
    return NULL;
}

void watching_end(struct watching *watching)
{
    if (!watching)
        return;
    pthread_mutex_lock(&watching->lock);
    watching->over = true;
    pthread_cond_signal(&watching->changed);
    pthread_mutex_unlock(&watching->lock);
    pthread_join(watching->thread, NULL);
    watching_free(watching);
}
