/* Requests to one bucket, many at a time, each tried again until it is answered or its time is
 * over.
 *
 * When a signal that is held (base/signals.h) tells the program to stop, requests end with an error
 * at once, except those that tidy up: these have two seconds, all of them together.
 *
 * A client is used by one thread at a time: it starts transfers and waits for whichever is done
 * first.
 */
#ifndef OBJECTS_CLIENT_H
#define OBJECTS_CLIENT_H

#include <stdint.h>

#include "base/error.h"
#include "objects/endpoint.h"
#include "objects/transfer.h"

struct client;
struct client *client_new(struct endpoint *endpoint);
const struct settings *client_settings(const struct client *client);
void client_free(struct client *client); /* takes NULL; drops what has not finished */

void client_start(struct client *client, struct transfer *transfer, int64_t deadline_ms);

/* Waits for the next transfer that is done: 0 when it was answered, -1 when it failed, with `error`
 * filled. `ret_transfer` is set in both cases; there must be a transfer under way. */
int client_wait(struct client *client, struct transfer **ret_transfer, struct error *error);

/* Drops all that has not finished. */
void client_cancel(struct client *client);

/* Starts it and waits for it: for a client that has nothing else under way. */
int client_perform(struct client *client, struct transfer *transfer, int64_t deadline_ms,
                   struct error *error);

#endif
