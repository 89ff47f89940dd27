/* Writes the page of all scenarios (report/page.h) from their histories. */
#ifndef COMMANDS_PAGES_H
#define COMMANDS_PAGES_H

#include "base/error.h"
#include "commands/options.h"

/* Of the scenarios that could be loaded; a history that cannot be read is told on the page.
 * `max_age_s` is how long ago a verification may be that proves a backup; 0: the usual. */
int write_page(const struct loaded *loaded, int64_t max_age_s, const char *reports,
               struct error *error);

#endif
