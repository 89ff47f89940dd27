/* Adds what a run came to to its scenario's history, and tells when that does not work: it makes no
 * result another. Of a run of part of the checks nothing is remembered, nor where the scenario
 * keeps no history. */
#ifndef COMMANDS_REMEMBER_H
#define COMMANDS_REMEMBER_H

#include "commands/run.h"

/* "the data is not as expected: users: row_count >= 1: 0": what is the matter, and the first check
 * that says so; fit to be shown; to be freed by the caller. */
char *result_headline_whole(const struct result *result);

void remember(const struct scenario *scenario, const struct run *run, const char *reports);

#endif
