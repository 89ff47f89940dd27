/* Texts made fit to be shown: whatever a backup, a server or a child process wrote ends up in
 * reports, and must neither break a document, nor command a terminal, nor carry a password.
 */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/number.h"

enum text_shape {
    TEXT_LINE,  /* line ends and tabs are written out, too */
    TEXT_BLOCK, /* lines; blanks at the end are left away */
};

/* A copy of `text`, to be freed by the caller; of a NULL it is "". At most `size` bytes are read,
 * so that an array that lost its NUL does no harm; SIZE_MAX for texts that are known to end.
 *
 * The copy is valid UTF-8 and valid in XML 1.0. Bytes that are no UTF-8 and control characters are
 * written as \x1b, characters that turn the direction of text and those XML forbids as \u202e. The
 * user part of URLs and the values of password= and of signatures of S3 are replaced by ***. */
char *text_clean(const char *text, size_t size, enum text_shape shape);

/* The same, on one line, of a text that is known to end. */
char *text_line(const char *text);

/* The same for an array, whose size is known. */
#define clean_line(array) text_clean((array), sizeof(array), TEXT_LINE)

/* What a report holds of one text, at most: dashboards choke on more. */
enum { TEXT_REPORTED_MOST = 4096 };

/* A copy of a cleaned text, to be freed by the caller. Of more than `most_bytes` the middle is left
 * out, between characters, and a note in its place says how much, and `where` the whole is
 * ("all of it is in shop.log"; NULL: nowhere). What is kept, without the note, fits into
 * `most_bytes`. */
char *text_shorten(const char *text, size_t most_bytes, const char *where);

/* Columns that the first `length` bytes of a cleaned text take on a terminal. */
size_t text_columns(const char *text, size_t length);

/* Bytes of a cleaned text that fit into `columns`. */
size_t text_fitting(const char *text, size_t columns);

#define SECONDS_TEXT_SIZE 32
/* "1234.567": for programs, in every locale; negative durations are 0. */
void seconds_format(int64_t duration_ms, char text[SECONDS_TEXT_SIZE]);

#endif
