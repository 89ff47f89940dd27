/* Tells those whom scenarios name under `notify` what a command run came to, each scenario once.
 * That somebody could not be told is said on standard error and in the scenario's report, and makes
 * no result another. */
#ifndef COMMANDS_NOTIFYING_H
#define COMMANDS_NOTIFYING_H

#include "commands/options.h"
#include "notify/notify.h"
#include "report/report.h"

/* What `results` say of the scenario, of which there may be several. `extra` is what else went
 * wrong and is nobody's alone, or NULL. */
void notify_results(struct notifier *notifier, const struct scenario *scenario,
                    const struct result *results, size_t count, const char *extra,
                    const char *reports);

/* The reports of a night that were left in the directory: of `kinds`, the ends of their names
 * before .xml, "" for that of verify. */
void notify_night(struct notifier *notifier, const struct scenario *scenario, time_t began,
                  const struct strings *kinds, const char *extra, const char *reports);
/* The worst exit code of these. */
int night_exit_code(const struct scenario *scenario, time_t began, const struct strings *kinds,
                    const char *reports);

#endif
