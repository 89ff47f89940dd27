/* Percent-encoding as S3 wants it, and queries in their canonical form. */
#ifndef OBJECTS_ENCODING_H
#define OBJECTS_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Everything but A-Z a-z 0-9 - . _ ~ becomes %XX; a slash too, unless `keep_slash`. */
void percent_encode(struct buffer *into, const char *bytes, size_t length, bool keep_slash);

/* Undoes it in place; `plus_is_space` as in queries and in listings. Gives the new length, -1 when
 * a percent sign is not followed by two hexadecimal digits. */
long percent_decode(char *bytes, size_t length, bool plus_is_space);

/* The value of a hexadecimal digit, -1 for another character. */
int hex_value(char digit);

/* Parameters of a request, kept encoded and sorted: the form that is sent is the form that is
 * signed. All zero is an empty query. */
struct query {
    char **pairs; /* "name=value", both encoded */
    size_t count;
};
enum { QUERY_LIMIT = 64 * 1024 };
void query_add(struct query *query, const char *name, const char *value);
void query_add_bytes(struct query *query, const char *name, const char *value, size_t length);
char *query_text(const struct query *query); /* to be freed by the caller */
void query_free(struct query *query);

/* Is it an MD5, by its form: 32 hexadecimal digits? (One of an upload in parts ends in "-N".) */
bool etag_is_md5(const char *etag);

#endif
