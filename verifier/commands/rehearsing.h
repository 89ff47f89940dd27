/* The rehearsal of a scenario's migration, behind a run that found its backup to be good: prepared
 * and reported in the main process, done in the run's worker while its server still runs. */
#ifndef COMMANDS_REHEARSING_H
#define COMMANDS_REHEARSING_H

#include "base/children.h"
#include "commands/run.h"
#include "rehearsal/rehearsal.h"

struct rehearsing {
    struct run report;           /* its plan and outcomes */
    struct rehearsal *rehearsal; /* shared */
    char *log_path;              /* where what the commands print goes */
    bool *done;                  /* shared: the backup was good, so it was tried */
};

/* Does the scenario say what is to be run, or where the files of Alembic's migrations are? */
bool rehearsing_is_asked_for(const struct scenario *scenario);

void rehearsing_prepare(const struct scenario *scenario, const char *reports,
                        struct rehearsing *ret_rehearsing);

/* In the worker. */
void rehearsing_work(struct rehearsing *rehearsing, const struct run *run,
                     const struct stages *stages);

/* When the worker has ended, however: every outcome has a verdict then, and what the command may
 * have left running is ended. `spared`: other workers. */
void rehearsing_close(struct rehearsing *rehearsing, const struct run *run,
                      const struct pids *spared);

struct result rehearsing_result(const struct rehearsing *rehearsing);
void rehearsing_release(struct rehearsing *rehearsing); /* takes a zeroed one */

#endif
