/* Changes a copy of plain SQL, line by line, before it is restored. */
#ifndef STAGES_COPY_LINES_H
#define STAGES_COPY_LINES_H

#include <stdbool.h>

#include "base/error.h"

/* Blanks what is not to be restored of a line, which keeps its length; false when it stays as it
 * is. Of a very long line it gets pieces. */
typedef bool line_blank(char *line, const void *context);

/* `path` must be a copy of our own. Up to the first line that begins with `until`; NULL: all. */
int copy_lines_blank(const char *path, const char *until, line_blank *blank, const void *context,
                     struct error *error);

#endif
