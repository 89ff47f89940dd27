/* A byte buffer that grows up to a limit nobody can leave out.
 *
 * Whatever comes from outside (a child's output, a file, an answer) goes through one of these, so
 * that hostile or broken input costs at most `limit` bytes. The content is always followed by a NUL
 * that does not count, so text can be read in place.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data; /* never NULL after buffer_init; owned by the buffer */
    size_t length;
    size_t capacity;
    size_t limit;
    bool overflowed; /* something did not fit and was dropped */
};

/* `limit_bytes` is the largest length; more is refused. */
void buffer_init(struct buffer *buffer, size_t limit_bytes);
void buffer_free(struct buffer *buffer); /* takes a zeroed struct as well */

/* Appends all or nothing: -1 when it would exceed the limit (and `overflowed` is set). */
int buffer_append(struct buffer *buffer, const void *bytes, size_t length);
int buffer_append_text(struct buffer *buffer, const char *text);
int buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void buffer_clear(struct buffer *buffer); /* keeps the memory */

/* Gives the content (NUL-terminated, to be freed by the caller) and leaves the buffer zeroed. */
char *buffer_steal(struct buffer *buffer);

#endif
