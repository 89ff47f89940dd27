/* Looks every 10 ms which locks the sessions of one database hold, in a thread and through a
 * connection of its own to another database of the server. */
#ifndef REHEARSAL_SAMPLER_H
#define REHEARSAL_SAMPLER_H

#include "base/error.h"
#include "postgres/connection.h"
#include "rehearsal/blocking.h"

struct sampler;

/* `connection` is taken. Returns when the first sample was taken. */
int sampler_start(struct connection *connection, const char *database, struct sampler **ret_sampler,
                  struct error *error);

/* Ends it and gives what it saw; -1 when it could not look all the time. Frees the struct. */
int sampler_stop(struct sampler *sampler, struct lock_samples *ret_samples, struct error *error);

void lock_samples_free(struct lock_samples *samples); /* takes a zeroed one */

#endif
