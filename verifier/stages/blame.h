/* What a restore reported: written down with its reasons, and whose fault it is. */
#ifndef STAGES_BLAME_H
#define STAGES_BLAME_H

#include "postgres/restore.h"
#include "stages/run.h"

/* Writes the errors into the facts of the restore. */
void restore_errors_record(struct stages *stages, const struct restore_result *result);

/* 0 when none of those that were written down counts. An error of this machine comes first: what
 * follows it may be only its consequence. */
int restore_errors_judge(const struct stages *stages, struct error *error);

#endif
