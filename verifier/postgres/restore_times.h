/* Where the time of a restore went, by what the throwaway server's log says of each statement that
 * took RESTORE_STATEMENT_MS or longer (its setting log_min_duration_statement).
 *
 * For reading only: SQL of a backup can write lines of that shape too.
 */
#ifndef POSTGRES_RESTORE_TIMES_H
#define POSTGRES_RESTORE_TIMES_H

#include <stdint.h>

#include "base/error.h"

enum { RESTORE_STATEMENT_MS = 10, RESTORE_SLOWEST = 5, STATEMENT_TEXT_SIZE = 100 };

enum statement_kind {
    STATEMENT_DATA,
    STATEMENT_INDEX,
    STATEMENT_CONSTRAINT,
    STATEMENT_OTHER,
    STATEMENT_KINDS
};

struct statement_time {
    int64_t duration_ms;
    char text[STATEMENT_TEXT_SIZE]; /* its beginning, on one line */
};

/* Of all connections together, so that it may be longer than the restore. */
struct restore_times {
    int64_t kind_ms[STATEMENT_KINDS];
    struct statement_time slowest[RESTORE_SLOWEST]; /* the slowest first; 0 ms: none */
};

int restore_times_read(const char *log_path, struct restore_times *ret_times, struct error *error);

/* "data 5.0 s, indexes 6.1 s; slowest: 3.2 s CREATE INDEX i ON ..., ..."; "" when nothing took
 * long. Freed by the caller. */
char *restore_times_describe(const struct restore_times *times);

#endif
