/* One small HTTP request, to a URL that may be a secret: errors name the host and no more of it.
 *
 * Redirects are not followed: where a message goes is said in the scenario. What is answered is not
 * read but for its status. The process must ignore SIGPIPE.
 */
#ifndef NOTIFY_HTTP_H
#define NOTIFY_HTTP_H

#include <stdint.h>

#include "base/error.h"

struct http_message {
    const char *url;
    const char *type; /* of the body, "application/json" */
    const char *body; /* it is sent with POST; NULL: GET */
    int64_t timeout_ms;
};

/* 0: it was answered with a status of success. 1: it was not, and another attempt may do. -1: it
 * was not, and will not be. */
int http_send(const struct http_message *message, struct error *error);

/* "hooks.example.com", for messages; to be freed. */
char *http_host(const char *url);

#endif
