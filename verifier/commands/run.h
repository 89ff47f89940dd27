/* One scenario's verification: from its scenario, through a worker, to its results. (Or another
 * chore of one scenario, which has a report as well: see chores.h.)
 *
 * What a worker learns and says lies in memory shared with the main process, so that there are
 * results whatever becomes of the worker. The main process prepares a run, closes it, and takes
 * away what it left; only run_work runs in the worker.
 */
#ifndef COMMANDS_RUN_H
#define COMMANDS_RUN_H

#include "base/workdir.h"
#include "checks/checks.h"
#include "commands/loading.h"
#include "harness/workers.h"
#include "report/report.h"
#include "stages/stages.h"

struct rehearsing;

struct run {
    const struct scenario *scenario; /* NULL: refused, it will not be worked on */
    char *name;
    struct plan plan;
    struct facts *facts;      /* shared */
    struct outcome *outcomes; /* shared */
    size_t outcomes_size;     /* in bytes; the plan may grow */
    const char *only;         /* the checks that are wanted; NULL: all */
    struct workdir *work;
    struct workdir *socket_work; /* another one, where the first's name does not do for a socket */
    struct stages_options stages;
    const struct expectation **object_checks; /* those of the plan */
    enum report_kind kind;
    struct rehearsing
        *rehearsing; /* what follows when the backup is good; NULL: nothing. Borrowed */
    /* When the restored database stays: the directories that stay with it, quoted for a shell;
     * NULL when it does not. */
    char *kept;
};

/* What the command line says about every run. Borrowed. */
struct run_settings {
    const char *backup;
    const char *server;
    const char *only;
    const char *reports;
    int postgresql; /* 0: as the scenario says */
    bool keep;
    bool no_cache;
    int side_by_side; /* how many runs go on at the same time */
    bool always_restore;
    bool no_record; /* nothing is left beside the backup */
};

/* What kind of run these settings ask for. */
enum report_kind run_kind(const struct run_settings *settings);

/* Plans the checks. A run that cannot start is refused. */
void run_prepare(struct run *run, const struct scenario *scenario,
                 const struct run_settings *settings);

/* Makes the work directories, which are open until run_clean_up: of a thousand runs only those that
 * are at work have theirs. False when the run is refused, now or before; its result is another one
 * then. */
bool run_make_ready(struct run *run);

/* The run of a chore, which verifies nothing: one check, whose outcome is still to come. */
void run_prepare_chore(struct run *run, const struct scenario *scenario, enum report_kind kind,
                       const char *check_name);

/* The same with a plan of several, which is taken. */
void run_prepare_plan(struct run *run, const struct scenario *scenario, enum report_kind kind,
                      const struct plan *plan);

/* The run of the scenario file `index`, which could not be loaded. Its name, and its report's, is
 * the scenario's where that can be read, or else the file's; and never that of another scenario or
 * of another of `runs`, which have as many places as there are files, filled up to `index`. */
void run_refuse_file(struct run *runs, size_t index, const struct loaded *loaded,
                     enum report_kind kind);

/* Whose shard it is, for its report. */
void run_tell_shard(const struct run *run, const struct loaded *loaded);

/* The name of a file without its folder and its ending; to be freed by the caller. */
char *name_of_file(const char *path);

/* Takes over into the plan what the run has found out meanwhile. */
void run_follow(struct run *run);

/* In the worker: the stages, then the checks. `context` is a struct run. */
void run_work(void *context);

/* Gives a verdict to every check that has none, by how the worker ended. */
void run_close(struct run *run, const struct worker *worker);

/* Takes away what the worker left, however it ended, and adds what could not be done to
 * `complaints`. A run that is to be kept is left as it is. */
void run_clean_up(struct run *run, const struct worker *worker, struct strings *complaints);

/* The results; borrowed from the run. */
struct result run_result(const struct run *run);

void run_release(struct run *run);

#endif
