/* A rehearsal as JSON. */
#ifndef REPORT_REHEARSAL_JSON_H
#define REPORT_REHEARSAL_JSON_H

#include <jansson.h>

#include "rehearsal/rehearsal.h"

/* NULL: the command did not run. A new reference. */
json_t *rehearsal_object(const struct rehearsal *rehearsal);

#endif
