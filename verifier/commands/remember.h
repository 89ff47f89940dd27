/* Adds what a run came to to its scenario's history, and tells when that does not work: it makes no
 * result another. Of a run of part of the checks nothing is remembered, nor where the scenario
 * keeps no history. */
#ifndef COMMANDS_REMEMBER_H
#define COMMANDS_REMEMBER_H

#include "commands/run.h"

void remember(const struct scenario *scenario, const struct run *run, const char *reports);

#endif
