/* Before the night: is everything there that a scenario names, and may we do with it what a night
 * does?
 *
 * Connects to the database, the buckets and the server to restore into, looks at directories,
 * tools, clocks and migrations. Nothing of anybody's is changed: where backups are written, a small
 * object of ours is written, read and deleted again. What cannot be reached is told within the
 * timeout.
 */
#ifndef PREFLIGHT_PREFLIGHT_H
#define PREFLIGHT_PREFLIGHT_H

#include <stddef.h>
#include <stdint.h>

#include "scenario/scenario.h"

enum readiness {
    READY,
    READY_BUT, /* a night works, and something is worth knowing */
    NOT_READY,
};

struct finding {
    const char *check; /* "database", "backups": static */
    enum readiness readiness;
    char *text; /* what was seen, and what to do about it */
};

struct findings {
    struct finding *items;
    size_t count;
};

/* In the order in which a night needs them. While it runs it has threads; the process must ignore
 * SIGPIPE. `reports` is the directory of the reports. To be freed. */
void preflight_run(const struct scenario *scenario, const char *reports, int64_t timeout_ms,
                   struct findings *ret_findings);
void findings_free(struct findings *findings);

#endif
