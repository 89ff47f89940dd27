/* The parts of progress display that take the time from outside, so that they can be tested. */
#ifndef REPORT_PROGRESS_H
#define REPORT_PROGRESS_H

#include "report/report.h"

/* One line on where a scenario stands, without its end: "bugspark: reading, 45 %, 66 MiB of
 * 147 MiB, 4.0 s left". The time left is told only where the work to come is known, or what it took
 * in earlier nights. */
void progress_line(const struct result *result, int64_t now_ms, struct buffer *line);

/* As progress_update, at `now_ms` of clock_ms(). */
void progress_update_at(struct progress *progress, const struct result *results, size_t count,
                        int64_t now_ms);

enum {
    PROGRESS_QUIET_MS = 1000, /* a run that is over by then shows nothing */
    PROGRESS_REDRAW_MS = 100,
    PROGRESS_PLAIN_MS = 10000,
    PROGRESS_LATE_MS = 2000, /* and a quarter more than usual are nothing unusual */
};

#endif
