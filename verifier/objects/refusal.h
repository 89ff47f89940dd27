/* Answers that are no success: which of them may pass, and what the others mean for a person. */
#ifndef OBJECTS_REFUSAL_H
#define OBJECTS_REFUSAL_H

#include <stdbool.h>

#include "objects/answer.h"
#include "objects/transfer.h"

/* Is it a fault that may pass by itself? */
bool refusal_may_pass(long status, const struct error_answer *answer);

/* Does a 404 tell that the object is missing, and not the bucket? An answer without a code (HEAD)
 * does not tell. */
bool refusal_is_missing_key(const struct error_answer *answer);

/* Fills `error` with what the answer means and what to do. Returns -1. */
int refusal_explain(const struct transfer *transfer, const struct error_answer *answer,
                    struct error *error);

#endif
