/* What verify made of a damaged copy: did the alarm go off, and did it blame the backup? */
#ifndef COMMANDS_NOTICING_H
#define COMMANDS_NOTICING_H

#include "base/memory.h"
#include "report/report.h"
#include "sabotage/sabotage.h"

/* The names of the checks that warned, of a run that was green. */
void warned_checks(const struct result *result, struct strings *ret_names);

/* Says into `outcome` how a copy fared: noticed is a pass. Unnoticed is a warning with what would
 * have noticed it, or a failure where every scenario must. What could not be looked at is an error.
 * `before`: the checks that warned of the undamaged backup. `directory`, where the copy lay, is
 * left out of what is quoted. */
void noticing_judge(const struct result *result, const struct sabotage_fact *fact,
                    const struct strings *before, const char *directory, struct outcome *outcome);

/* The undamaged backup, which has to be green; true when it is. */
bool noticing_is_green(const struct result *result, struct outcome *outcome);

#endif
