/* Trying the alarm of one scenario: copies of its backup are damaged, verified as if they were
 * tonight's, and judged. */
#ifndef COMMANDS_SABOTEUR_H
#define COMMANDS_SABOTEUR_H

#include "commands/options.h"
#include "commands/run.h"

/* What is the same for all scenarios. */
struct alarm {
    const struct common_options *common;
    uint64_t seed;
    size_t most;        /* how many damages are tried, which the seed chooses; 0: all that apply */
    const char *server; /* to restore into; NULL: as the scenario says */
    bool no_cache;      /* as of verify */
    int64_t deadline_ms;
    struct progress *progress; /* NULL: quiet */
    bool interrupted;
    int exit_code; /* worse than the results', when something of ours failed */
};

/* Plans the report: the undamaged backup, then each kind of damage, of which those are skipped that
 * do not match the shell pattern `only` (NULL: none). */
void saboteur_prepare(const struct scenario *scenario, const char *only, struct run *report);

/* Fills the report and writes it. `green`: the run that has found the backup to be so; NULL: it is
 * verified first. signals_block() must have been called before. */
void saboteur_try(struct alarm *alarm, const struct scenario *scenario, struct run *report,
                  const struct run *green);

/* Takes away what an earlier run reported of the alarm. */
void saboteur_forget(struct alarm *alarm, const struct run *report);

/* Writes it as it is. */
void saboteur_report(struct alarm *alarm, const struct run *report);

#endif
