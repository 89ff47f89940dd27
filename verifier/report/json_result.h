/* A result as an element of "scenarios", for commands that add to it; report.h prints whole ones.
 */
#ifndef REPORT_JSON_RESULT_H
#define REPORT_JSON_RESULT_H

#include <jansson.h>

#include "report/report.h"

json_t *result_object(const struct result *result);

#endif
