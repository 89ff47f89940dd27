/* What a rehearsal runs: the scenario's commands with all places filled in, or Alembic's upgrade in
 * the directory of its alembic.ini. */
#ifndef REHEARSAL_WHAT_RUNS_H
#define REHEARSAL_WHAT_RUNS_H

#include "base/error.h"
#include "base/migration_tool.h"
#include "scenario/scenario.h"

struct what_runs {
    struct version_table version_table; /* where the tool writes down what is applied */
    struct strings command;
    struct strings back;
    char back_problem[512]; /* why the way back cannot be tried, or "" */
    struct strings environment;
    char *directory;        /* NULL: ours */
    struct strings secrets; /* values that are not to be shown */
};

/* Only the table. */
void what_runs_versions(const struct scenario *scenario, struct what_runs *what);

/* Where the copy is, for the command. */
struct copy_place {
    const char *host; /* a directory with a socket, or an address */
    const char *port;
    const char *password; /* NULL: none is asked for */
    const char *database;
    const char *role;
    const char *from; /* the revision; NULL where it is not a single one */
};

/* All else, anew each time. Cannot verify: it cannot be said where the copy is, or what would run.
 */
int what_runs_find(const struct scenario *scenario, const struct copy_place *place,
                   struct what_runs *what, struct error *error);
/* One command and its environment, for a place without a revision. */
int what_runs_fill(const struct strings *arguments, const struct strings *environment,
                   const struct copy_place *place, struct what_runs *what, struct error *error);
void what_runs_free(struct what_runs *what); /* takes a zeroed one */

#endif
