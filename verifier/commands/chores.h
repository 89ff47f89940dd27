/* Chores that are done to one scenario after the other and leave a report of each, as verify does:
 * dump and sync.
 *
 * Before the first begins, each report is written once as that of a run that did not come to its
 * end: whatever happens, none of last night stays. Nor does that of a scenario that no longer asks
 * for the chore.
 */
#ifndef COMMANDS_CHORES_H
#define COMMANDS_CHORES_H

#include <jansson.h>

#include "commands/options.h"
#include "report/report.h"

struct chore {
    enum report_kind kind;
    const char *check;  /* what its report says was done: "a backup is made" */
    bool no_report;     /* it is only told what would be done */
    bool holds_signals; /* it looks for those that ask us to stop: they count behind its report */
    /* NULL: every scenario asks for it. */
    bool (*is_asked_for)(const struct scenario *scenario);
    void (*tell_not_asked_for)(const struct scenario *scenario);
    /* Does it and prints what there is to say. The outcome is a pass or an error; the facts, what
     * is known of the backup. `own` is that of chores_run. `details` may be given a JSON object,
     * which is told as the key `details_key`. */
    void (*work)(const struct scenario *scenario, const struct common_options *common,
                 const void *own, struct facts *facts, struct outcome *outcome, json_t **details);
    const char *details_key;
    const char *command; /* its name */
};

/* Gives the exit code. */
int chores_run(const struct chore *chore, const struct common_options *common, const void *own);

#endif
