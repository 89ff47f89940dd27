/* Adds what a run came to to its scenario's history. */
#ifndef COMMANDS_REMEMBER_H
#define COMMANDS_REMEMBER_H

#include "commands/run.h"

/* Of a run of part of the checks nothing is remembered, nor where the scenario keeps no history.
 * -1: it could not be written, which makes no result another. */
int remember(const struct scenario *scenario, const struct run *run, const char *reports,
             struct error *error);

#endif
