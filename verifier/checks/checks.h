/* What a check is, and what it may say.
 *
 * A check looks at one thing of one backup and says one of four verdicts. Stages have done the work
 * before (found, read, restored the backup); checks judge the facts they left and ask the restored
 * database. Each runs in a process of its own, see harness/: it may crash or hang and harms nothing
 * but its own verdict.
 */
#ifndef CHECKS_CHECKS_H
#define CHECKS_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "archive/archive.h"
#include "base/error.h"
#include "history/trend.h"
#include "postgres/address.h"
#include "scenario/scenario.h"
#include "shelf/manifest.h"
#include "shelf/record.h"
#include "stages/facts.h"
#include "stages/stages.h"

enum verdict {
    VERDICT_NONE,  /* has not spoken: not run, or still running */
    VERDICT_PASS,  /* looked, and it holds */
    VERDICT_FAIL,  /* the backup is bad, or its data is */
    VERDICT_ERROR, /* could not be looked at */
    VERDICT_SKIP,  /* what it needs is not there, and another check says why */
};

/* What a verdict that is no pass is about, the most serious first: a report is headed by the first
 * of those that its checks give (report/headline.h). */
enum concern {
    CONCERN_USUAL,     /* of an outcome: what its check is about */
    CONCERN_BACKUP,    /* it is damaged, does not restore, or lacks what was dumped */
    CONCERN_NOT_FOUND, /* there is none */
    CONCERN_DATA,      /* not what the scenario expects */
    CONCERN_FUTURE,    /* its date */
    CONCERN_AGE,
    CONCERN_REVISION, /* of the schema */
    CONCERN_BEHIND,   /* migrations of the project are not applied */
    CONCERN_OBJECTS,  /* of the bucket and its copy */
    CONCERN_TIME,     /* how long the restore took: says nothing about the backup */
    CONCERN_MIGRATION_FAILED,
    CONCERN_MIGRATION, /* it does what the scenario does not expect */
    CONCERN_ALARM,     /* damage that went unnoticed */
    CONCERN_SCENARIO,  /* asks for what cannot be: an error, and nobody's but the scenario's */
    CONCERN_COUNT,
};

/* A measured value, for properties and histories. */
struct value {
    char name[160];
    char text[192];
};

enum { OUTCOME_VALUES = 8 };

/* What a check said. Lies in shared memory: fixed sizes, no pointers. */
struct outcome {
    enum verdict verdict;
    bool warn;     /* a pass that speaks; `message` says what */
    bool left_out; /* a skip: it was not asked for */
    enum concern concern;
    int64_t started_ms; /* of clock_ms(); 0: never started */
    int64_t duration_ms;
    char message[1024];  /* one sentence; for a plain pass what was seen, or "" */
    char details[16384]; /* expected, found, where; lines */
    struct value values[OUTCOME_VALUES];
    size_t value_count;
};

/* What checks look at; borrowed by all of them. */
struct subject {
    const struct scenario *scenario;
    const struct facts *facts;
    const struct archive *archive;   /* `complete` is false when STAGE_READ did not succeed */
    const struct manifest *manifest; /* of the dump; NULL: there is none, see facts->manifest */
    const struct record *previous;   /* of the last backup that verified; NULL: there is none */
    const struct address *database;  /* the restored database; NULL: there is none */
    /* What the scenario's migrations make of an empty database; NULL: no check asks for it, or the
     * error says why it is not known. */
    const struct archive *from_migrations;
    const struct error *migrations_problem;
    const struct listed_objects *objects; /* NULL: no check asks for them */
    const struct past *past;              /* what the history knows; NULL: no check asks for it */
    bool one_of_several;                  /* `archive` is what a larger one holds of the database */
    time_t now;
};

/* Looks at the subject and says what it sees. */
typedef void look_function(const struct subject *subject, const void *parameter,
                           struct outcome *outcome);

struct check {
    char *group; /* "backup", "tables", ...: the end of the JUnit classname */
    char *name;  /* a sentence, unique in its plan */
    int64_t timeout_ms;
    enum stage needs; /* skipped unless this stage is done; STAGE_COUNT: needs nothing */
    enum stage tells; /* of this stage, when it failed; STAGE_COUNT: of none */
    enum concern concern;
    look_function *look;   /* NULL: somebody else sets its outcome */
    const void *parameter; /* borrowed from the scenario, or `owned` */
    void *owned;           /* freed with the plan; NULL: nothing */
    bool each_database;    /* plan_expand makes one of it for each database of the backup */
    char *database;        /* that one; NULL: the only one, or the backup as a whole */
};

struct plan {
    struct check *checks;
    size_t count;
};

/* The checks of a scenario, in order. The scenario must outlive the plan. */
void plan_build(const struct scenario *scenario, struct plan *ret_plan);
void plan_free(struct plan *plan); /* takes a zeroed one */

/* The group of the commands of the scenario's own: their parameter is a struct own_command, and the
 * worker runs them itself, behind all other checks. */
#define COMMANDS_GROUP "commands"

/* Adds a check that is not run: somebody else sets its outcome. */
void plan_add_plain(struct plan *plan, const char *group, const char *name);

/* Which databases a backup holds is only known once it was read: then each of these gets the checks
 * that look at one database, and what was there in their place goes. Those before keep their index,
 * and so their outcomes; what is new has none yet. Nothing happens as long as the facts name none,
 * nor a second time; so the worker and the main process have the same plan. */
void plan_expand(struct plan *plan, const struct databases_fact *databases);

/* How many checks it may have then. */
size_t plan_most(const struct plan *plan);

/* Leaves out the checks whose name does not match the shell pattern `only`: their outcomes say so,
 * and the others have none. Gives the number of those that stay. */
size_t plan_select(const struct plan *plan, const char *only, struct outcome *outcomes);

/* Takes in again those that were left out and tell of a stage that failed: without them nothing
 * would. */
void plan_select_tellers(const struct plan *plan, const struct facts *facts,
                         struct outcome *outcomes);

/* Does a check that was not left out look into the restored database? */
bool plan_needs_database(const struct plan *plan, const struct outcome *outcomes);

/* Does one that has no verdict yet ask what the migrations make of an empty database? */
bool plan_needs_migrations(const struct plan *plan, const struct outcome *outcomes);

/* Does one that has no verdict yet compare with what the history remembers? */
bool plan_needs_history(const struct plan *plan, const struct outcome *outcomes);

/* Was every row of every table held against the backup value for value, and was each the same? */
bool plan_compared_contents(const struct plan *plan, const struct outcome *outcomes);

/* Does it look at the bucket and its copy, and so say nothing about the backup? */
bool check_is_of_objects(const struct check *check);

/* The expectations of the plan's checks of objects that were not left out; gives their number.
 * `ret_expectations` has a place for each check of the plan. */
size_t plan_object_checks(const struct plan *plan, const struct outcome *outcomes,
                          const struct expectation **ret_expectations);

/* How many checks of objects failed, or could not be looked at. */
size_t plan_object_failures(const struct plan *plan, const struct outcome *outcomes);

/* What the outcomes of a whole plan amount to for the record beside the backup. A backup is
 * verified when every check passed, and bad when one failed, but for its age and the time that the
 * restore took. Checks of objects that fail are neither: they say nothing about what it holds, and
 * one object that is missing for good would keep every later backup from being verified, and
 * `prune` from its work. `complete`: no check of the scenario was left out. */
enum proof outcomes_prove(const struct plan *plan, const struct outcome *outcomes, bool complete);

/* Looks: skips when the stage it needs is not done, otherwise asks the check. */
void check_look(const struct check *check, const struct subject *subject, struct outcome *outcome);

/* Of an outcome that did not pass. */
enum concern outcome_concern(const struct outcome *outcome, const struct check *check);

/* What checks say with. Each sets verdict and message; details are added by outcome_detail. */
void outcome_pass(struct outcome *outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void outcome_warn(struct outcome *outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void outcome_fail(struct outcome *outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void outcome_error(struct outcome *outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* An error that only the scenario is to blame for. */
void outcome_mistake(struct outcome *outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void outcome_skip(struct outcome *outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void outcome_from_error(struct outcome *outcome, const struct error *error); /* fail or error */
void outcome_detail(struct outcome *outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void outcome_value(struct outcome *outcome, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "pass", "fail", "error", "skip" */
const char *verdict_name(enum verdict verdict);

#endif
