#include "rehearsal/sampler.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

enum { SAMPLE_MS = 10 };

struct sampler {
    pthread_t thread;
    struct connection *connection;
    char *sql;
    atomic_bool ends;
    struct lock_samples samples;
    size_t time_room, lock_room;
    size_t *open; /* places of the locks that the last sample had */
    size_t open_count;
    int outcome;
    struct error error;
};

void lock_samples_free(struct lock_samples *samples)
{
    free(samples->times_us);
    free(samples->locks);
    *samples = (struct lock_samples){0};
}

static void sampler_free(struct sampler *sampler)
{
    connection_close(sampler->connection);
    lock_samples_free(&sampler->samples);
    free(sampler->sql);
    free(sampler->open);
    free(sampler);
}

/* --- one sample ------------------------------------------------------------------------------- */

/* The lock of the last sample that this one is still, or a new one. The server lists them mostly in
 * the same order, so it is looked for from where the one before it was (`hint`). */
static size_t place_of(struct sampler *sampler, const struct held_lock *lock, size_t *hint)
{
    struct lock_samples *samples = &sampler->samples;
    for (size_t i = 0; i < sampler->open_count; i++) {
        size_t next = (*hint + i) % sampler->open_count;
        if (!held_lock_same(&samples->locks[sampler->open[next]], lock))
            continue;
        *hint = next + 1;
        return sampler->open[next];
    }
    if (samples->lock_count == sampler->lock_room) {
        sampler->lock_room = sampler->lock_room ? sampler->lock_room * 2 : 256;
        samples->locks = xreallocarray(samples->locks, sampler->lock_room, sizeof(*samples->locks));
    }
    samples->locks[samples->lock_count] = *lock;
    return samples->lock_count++;
}

static void time_add(struct sampler *sampler, int64_t at_us)
{
    struct lock_samples *samples = &sampler->samples;
    if (samples->time_count == sampler->time_room) {
        sampler->time_room = sampler->time_room ? sampler->time_room * 2 : 1024;
        samples->times_us =
            xreallocarray(samples->times_us, sampler->time_room, sizeof(*samples->times_us));
    }
    samples->times_us[samples->time_count++] = at_us;
}

/* Without locks there is one row, which has only its time. */
static void sample_take(struct sampler *sampler, const PGresult *result)
{
    int rows = PQntuples(result);
    int64_t at_us = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    size_t *open = xcalloc((size_t)rows, sizeof(*open));
    size_t count = 0, hint = 0;
    for (int i = 0; i < rows; i++) {
        struct held_lock lock = {.first_us = at_us, .last_us = at_us};
        if (PQgetisnull(result, i, 1) ||
            !transaction_id_parse(PQgetvalue(result, i, 1), &lock.transaction))
            continue;
        lock.relation = (uint32_t)strtoul(PQgetvalue(result, i, 2), NULL, 10);
        text_copy(lock.mode, sizeof(lock.mode), PQgetvalue(result, i, 3));
        size_t place = place_of(sampler, &lock, &hint);
        sampler->samples.locks[place].last_us = at_us;
        open[count++] = place;
    }
    time_add(sampler, at_us);
    free(sampler->open);
    sampler->open = open;
    sampler->open_count = count;
}

static int sample(struct sampler *sampler, struct error *error)
{
    cleanup(result_clear) PGresult *result = NULL;
    if (connection_query(sampler->connection, sampler->sql, NULL, &result, NULL, error) < 0)
        return -1;
    sample_take(sampler, result);
    return 0;
}

/* --- all of them ------------------------------------------------------------------------------ */

/* From one beginning to the next; after one that took longer, at once. */
static void wait_for_next(struct timespec *next)
{
    struct timespec now;
    next->tv_nsec += SAMPLE_MS * 1000000L;
    if (next->tv_nsec >= 1000000000L) {
        next->tv_nsec -= 1000000000L;
        next->tv_sec++;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec > next->tv_sec || (now.tv_sec == next->tv_sec && now.tv_nsec > next->tv_nsec))
        *next = now;
    else
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static void *sample_all(void *context)
{
    struct sampler *sampler = context;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    while (!sampler->ends && sampler->outcome == 0) {
        wait_for_next(&next);
        sampler->outcome = sample(sampler, &sampler->error);
    }
    return NULL;
}

int sampler_start(struct connection *connection, const char *database, struct sampler **ret_sampler,
                  struct error *error)
{
    struct sampler *sampler = xcalloc(1, sizeof(*sampler));
    sampler->connection = connection;
    cleanup(free_pointer) char *name = literal_quote(database);
    sampler->sql = xasprintf(
        "select (extract(epoch from clock_timestamp()) * 1000000)::bigint, virtualtransaction, "
        "relation, mode from (values (1)) as one left join pg_locks on locktype = 'relation' and "
        "database = (select oid from pg_database where datname = %s) and granted and mode in "
        "('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')",
        name);
    if (sample(sampler, error) < 0) {
        sampler_free(sampler);
        return -1;
    }
    if (pthread_create(&sampler->thread, NULL, sample_all, sampler) != 0) {
        sampler_free(sampler);
        return cannot_verify(error, "cannot start a thread that looks at locks");
    }
    *ret_sampler = sampler;
    return 0;
}

int sampler_stop(struct sampler *sampler, struct lock_samples *ret_samples, struct error *error)
{
    sampler->ends = true;
    pthread_join(sampler->thread, NULL);
    int outcome = sampler->outcome;
    if (outcome < 0) {
        *error = sampler->error;
        error_prefix(error, "locks could not be looked at all the time: ");
    } else {
        *ret_samples = sampler->samples;
        sampler->samples = (struct lock_samples){0};
    }
    sampler_free(sampler);
    return outcome;
}
