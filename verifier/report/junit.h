/* JUnit XML as it is written: texts of more than TEXT_REPORTED_MOST bytes are shortened, and are
 * whole in a log beside it. */
#ifndef REPORT_JUNIT_H
#define REPORT_JUNIT_H

#include "report/report.h"

/* Appends the document to `target`, and what it shortens to `whole`, the content of a file of the
 * name `log`. */
void junit_format_with_log(const struct result *result, const char *log, struct buffer *target,
                           struct buffer *whole);

#endif
