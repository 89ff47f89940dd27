/* What the checks of objects share. */
#ifndef CHECKS_LISTED_H
#define CHECKS_LISTED_H

#include "checks/checks.h"

/* The bucket, or the copy where the expectation says so. */
const struct listed_store *listed_of(const struct subject *subject,
                                     const struct expectation *expectation);
/* Was it listed? If not, the outcome says why. */
bool listed_is_there(const struct listed_store *store, struct outcome *outcome);
/* The prefix that an expectation asks for; "" for all. Borrowed. */
const char *listed_prefix(const struct expectation *expectation);
/* How many objects, or bytes, the expectation asks about. */
int64_t listed_number(const struct listed_store *store, const struct expectation *expectation);
/* The name of the measured value: to be freed by the caller. */
char *objects_value_name(const struct expectation *expectation);

#endif
