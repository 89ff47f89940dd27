/* What a command takes, in lines that a program reads: the manual and the completions for shells
 * are made of them (scripts/manual, scripts/completions), so that they tell what --help tells.
 *
 *     arguments  ARGUMENTS                             as behind "Usage: ...": [SCENARIO.yaml ...]
 *     words      WORDS                                 what the command does
 *     own        NAME LETTER ARGUMENT OPTIONAL WORDS   an option of this command
 *     common     NAME LETTER ARGUMENT OPTIONAL WORDS   one that all accept, and that changes this
 * one
 *
 * Fields are separated by tabs, and empty where there is nothing to tell; OPTIONAL is `optional`
 * where the argument can be left out.
 */
#ifndef COMMANDS_DESCRIBE_H
#define COMMANDS_DESCRIBE_H

#include <argp.h>

#include "commands/options.h"

/* Given alone it asks for these lines, and of the program itself for its commands: NAME SUMMARY. */
#define DESCRIBE_OPTION "--describe"

/* `own` and `common` are the options as --help shows them; those that are hidden are left out. */
_Noreturn void describe_and_exit(const struct usage *usage, const struct argp_option *own,
                                 const struct argp_option *common);

#endif
