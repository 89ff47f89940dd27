/* Texts of a scenario file that is written: for draft/ only. */
#ifndef DRAFT_TEXT_H
#define DRAFT_TEXT_H

#include "base/buffer.h"

enum { FILE_LIMIT_BYTES = 4 << 20 };

/* As yaml_scalar(), of a value of a scenario, in which `${` would begin a variable. */
char *value_scalar(const char *text);

/* Fit for a comment: on one line. To be freed by the caller. */
char *comment_text(const char *text);

/* "  key: value" with a comment, or NULL, at its column. */
void add_line(struct buffer *file, const char *comment, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
