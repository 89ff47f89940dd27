/* Writes the page of all scenarios (report/page.h), and their metrics, from their histories. */
#ifndef COMMANDS_PAGES_H
#define COMMANDS_PAGES_H

#include "base/error.h"
#include "commands/loading.h"

/* Of the scenarios that could be loaded; a history that cannot be read is told on the page.
 * `max_age_s` is how long ago a verification may be that proves a backup; 0: the usual. `metrics`
 * is a file (report/metrics.h); NULL: none. */
int write_pages(const struct loaded *loaded, int64_t max_age_s, const char *reports,
                const char *metrics, struct error *error);

#endif
