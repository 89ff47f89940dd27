/* Is this server that server? */
#ifndef POSTGRES_IDENTITY_H
#define POSTGRES_IDENTITY_H

#include <stdbool.h>

#include "postgres/connection.h"

/* Does `address` lead to the server that we are connected to, whichever host, port, socket or
 * database it names? Told by when the server was started, to the microsecond, and by its system
 * identifier where that may be read; a copy or a standby, which shares the identifier, is another
 * server. When `address` cannot be reached within some seconds, only what is written counts: the
 * same host and port. */
bool server_is_same(struct connection *connection, const struct address *connected,
                    const struct address *address);

#endif
