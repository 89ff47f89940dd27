/* Why a statement of a restore failed, in a person's words: what PostgreSQL says names the symptom,
 * and who reads it at night wants the reason and the remedy. */
#ifndef POSTGRES_RESTORE_REASONS_H
#define POSTGRES_RESTORE_REASONS_H

#include "postgres/restore_errors.h"

/* Whole sentences without the last stop, to be freed; NULL: the reason is not known. */
char *restore_reason(const struct restore_error *error);

#endif
