/* Does a setting hold something that nobody else should read? Better once too often. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>

/* Judged by the name ("app.jwt_secret") and by the look of the value: a URL with a password, a
 * token, a key. `value` may be NULL. */
bool looks_secret(const char *name, const char *value);

#endif
