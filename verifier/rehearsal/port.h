/* A port of the loopback device behind which the server's unix socket is, for commands that know
 * hosts and ports only. The server itself has no network; a thread of ours passes bytes on. */
#ifndef REHEARSAL_PORT_H
#define REHEARSAL_PORT_H

#include "base/error.h"

struct port;

/* `socket_path`: of the server. */
int port_open(const char *socket_path, struct port **ret_port, struct error *error);
int port_number(const struct port *port);
/* Ends all connections through it. Takes NULL. */
void port_close(struct port *port);

#endif
