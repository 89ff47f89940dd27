/* Looking on while a throwaway server is being restored into: rows that COPY has taken, and indexes
 * that are being built, as the server's own pg_stat_progress_copy (since 14) and
 * pg_stat_progress_create_index (since 12) tell.
 *
 * It asks in a session of its own, as the server's superuser, who alone may see what others do: in
 * a database that the backup does not touch, opened before the backup's SQL runs, with nothing on
 * its search_path but PostgreSQL's own. The views are read from shared memory, and nothing is
 * locked that a restore could wait for. A session that does not answer in time, or not well, is
 * asked no more, and what it would have told is not known; nothing else depends on it. It has to be
 * stopped before the rights are taken (postgres/rights.h), which ends every session but one.
 */
#ifndef POSTGRES_RESTORE_WATCH_H
#define POSTGRES_RESTORE_WATCH_H

#include <stdint.h>

#include "postgres/address.h"

enum { WATCHED_INDEX_SIZE = 256 };

/* What was seen last. Written by the watching thread, read by anybody at any time, also by another
 * process. Rows are those seen, so at least as many were copied: of a table that came and went
 * between two looks nothing is known. */
struct restore_seen {
    _Atomic int64_t rows;
    _Atomic int64_t bytes; /* as COPY took them */
    _Atomic int index_count;
    _Atomic int index_percent; /* of what `index` says; -1: not known */
    /* "reports_title_trgm: scanning table", from the backup: to be cleaned. One of them is current,
     * the other one is written. */
    char index[2][WATCHED_INDEX_SIZE];
    _Atomic int current;
};

struct restore_watch;

/* NULL when it cannot be looked at. `seen` is borrowed, and zeroed. */
struct restore_watch *restore_watch_start(const struct address *server, struct restore_seen *seen);
/* The restore begins anew: what was seen does not count. Takes NULL. */
void restore_watch_again(struct restore_watch *watch);
/* Ends the session, within a second also when the server hangs. Takes NULL. */
void restore_watch_stop(struct restore_watch *watch);

#endif
