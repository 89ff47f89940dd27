/* From what was seen of a command (locks, log, tables before and after) to what is told of it. */
#ifndef REHEARSAL_FINDINGS_H
#define REHEARSAL_FINDINGS_H

#include "rehearsal/blocking.h"
#include "rehearsal/rehearsal.h"
#include "rehearsal/tables.h"

struct seen {
    const struct tables *before, *after;
    const struct server_log *log;
    const struct lock_samples *samples;
    const struct row_work *work; /* NULL: not known */
    size_t work_count;
    int64_t began_us, ended_us; /* of the command, by the server's clock */
};

/* Cannot verify: there are more tables than can be told of. */
int findings_tables(const struct seen *seen, const struct scenario *scenario,
                    struct rehearsal *rehearsal, struct error *error);
void findings_blocking(const struct seen *seen, struct rehearsal *rehearsal);
void findings_steps(const struct seen *seen, struct rehearsal *rehearsal);
/* What failed, or was never committed, whatever the command's exit code says: psql goes on. */
void findings_unheeded(const struct seen *seen, struct rehearsal *rehearsal);
/* Tables and columns that are gone, and what is not sound and was not so before. */
void findings_schema(const struct seen *seen, struct rehearsal *rehearsal);

/* A statement without the values in it: 'x' becomes '...'. */
void statement_words(const char *text, char *ret_words, size_t size);

#endif
