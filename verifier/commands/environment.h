/* Variables from a file, for those who start us without a shell of their own: cron, a service. */
#ifndef COMMANDS_ENVIRONMENT_H
#define COMMANDS_ENVIRONMENT_H

#include "base/error.h"

/* Sets the variables that the file names, a line each, as NAME=value. The value is taken as it
 * stands there, to the end of the line: quotes, `$`, `&` and blanks mean themselves. Empty lines
 * and those that begin with # say nothing.
 *
 * cannot_verify: the file cannot be read, others than its owner may read it, or a line is no
 * NAME=value; no error shows a value. */
int environment_load(const char *path, struct error *error);

#endif
