/* For how long which tables could not be read or written, and by what: from the locks that were
 * seen (samples of pg_locks, event triggers) and the server's log. Pure.
 *
 * A lock is held until its transaction ends. It was taken between the last sample without it and
 * the first sight of it, but not before the statement that took it began; it was released between
 * the last sight of it and the next sample without it, but not after the log shows the end of its
 * transaction. Of what is possible the longest counts: an interval is longer than the truth by at
 * most the distance of two samples, and shorter by none, but for the log's millisecond.
 */
#ifndef REHEARSAL_BLOCKING_H
#define REHEARSAL_BLOCKING_H

#include "rehearsal/server_log.h"

/* A lock that was seen in one or several samples that followed each other. */
struct held_lock {
    struct transaction_id transaction;
    uint32_t relation;
    char mode[32];
    int64_t first_us, last_us;
};

/* Of the same transaction, on the same relation, in the same mode. */
bool held_lock_same(const struct held_lock *one, const struct held_lock *other);

/* Samples with their times, one after the other. */
struct lock_samples {
    int64_t *times_us;
    size_t time_count;
    struct held_lock *locks;
    size_t lock_count;
};

enum { BLOCKING_DURING = 3 };

/* An interval in which a table could not be written, and perhaps not even read. */
struct blocked {
    uint32_t table;
    bool reading;
    char mode[32]; /* of the lock, without "Lock" */
    int64_t from_us, to_us;
    const struct logged_statement *taker;                   /* NULL: not known */
    const struct logged_statement *during[BLOCKING_DURING]; /* the longest behind it; or NULL */
    size_t during_more;
};

/* Which table a lock on a relation concerns (itself, or that of an index), with its name for
 * comparing with statements; 0: none that was there before. */
typedef uint32_t relation_table(const void *context, uint32_t relation, const char **ret_name);

struct blocking {
    struct blocked *items; /* the longest first; those of one table and kind do not meet */
    size_t count;
};

/* Statements are borrowed from the log. `end_us`: what is still held then is held until then. */
void blocking_find(const struct lock_samples *samples, const struct server_log *log,
                   relation_table *table_of, const void *context, int64_t end_us,
                   struct blocking *ret_blocking);
void blocking_free(struct blocking *blocking);

/* The longest interval of a table (0: of any), in microseconds; reading or else writing. */
int64_t blocking_longest(const struct blocking *blocking, uint32_t table, bool reading);

#endif
