/* What clients of one bucket share: settings, and what answers have told about it. Used by many
 * threads at a time. */
#ifndef OBJECTS_ENDPOINT_H
#define OBJECTS_ENDPOINT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "objects/settings.h"

struct endpoint {
    struct settings settings;
    pthread_mutex_t lock; /* for what follows */
    char *region;
    bool region_named;   /* by an answer: it is not guessed again */
    bool answered;       /* a request has succeeded */
    int64_t stopping_ms; /* what tidies up has until then; 0: nobody has told us to stop */
};

/* -1 when libcurl cannot be used. */
int endpoint_open(const struct store_options *options, struct endpoint **ret_endpoint,
                  struct error *error);
void endpoint_free(struct endpoint *endpoint); /* takes NULL */

/* The region to sign for: freed by the caller. */
char *endpoint_region(struct endpoint *endpoint);

/* Takes the region that an answer to a request in `asked` has named, where it was only guessed.
 * Tells whether another one is to be tried. */
bool endpoint_learn_region(struct endpoint *endpoint, const char *asked, const char *named);

/* Whether a request has succeeded, `now` or before. */
bool endpoint_answered(struct endpoint *endpoint, bool now);

/* To be asked when a signal tells us to stop: until when what tidies up may go on, which is a
 * little later than the first time this was asked. */
int64_t endpoint_stopping(struct endpoint *endpoint);

#endif
