/* The commands of a scenario's own, as checks that the worker runs itself: what they start is its
 * child, and nothing else goes on meanwhile. */
#ifndef COMMANDS_OWN_COMMANDS_H
#define COMMANDS_OWN_COMMANDS_H

#include "commands/run.h"

/* Judges those that have no verdict yet. */
void own_commands_look(const struct run *run, const struct subject *subject,
                       const struct stages *stages);

#endif
