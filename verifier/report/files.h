/* The files of a run's reports: DIRECTORY/SCENARIO.KIND.ENDING. */
#ifndef REPORT_FILES_H
#define REPORT_FILES_H

#include "report/report.h"

/* From the root on; to be freed by the caller. `ending`: "xml", "md", "log". */
char *result_file_path(const struct result *result, const char *directory, const char *ending);

/* Writes it by way of a temporary name; makes the directory. What an earlier run left does not stay
 * when it cannot be written. */
int result_file_write(const struct result *result, const char *directory, const char *ending,
                      const struct buffer *content, struct error *error);

/* Removes it, if it is there. */
int result_file_remove(const struct result *result, const char *directory, const char *ending,
                       struct error *error);

#endif
