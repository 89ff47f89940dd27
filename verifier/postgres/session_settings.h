/* Settings that a database gives its sessions (ALTER DATABASE ... SET), of those that change what a
 * migration does there: where names are looked for, how values look, how long something may wait.
 *
 * They are no part of a dump without --create. Only PostgreSQL's own of a short list are looked at:
 * others may hold secrets. Source: "Client Connection Defaults" in PostgreSQL's documentation.
 */
#ifndef POSTGRES_SESSION_SETTINGS_H
#define POSTGRES_SESSION_SETTINGS_H

#include "postgres/connection.h"
#include "postgres/surroundings.h"

/* Reads those of the connected database as "name=value", those that the connected role has there or
 * everywhere before those of the database alone. */
int session_settings_read(struct connection *connection, struct strings *ret_settings,
                          struct error *error);

/* The same of what a manifest tells of the source, for sessions of `role` there; NULL: of nobody in
 * particular. */
void session_settings_of(const struct surroundings *surroundings, const char *role,
                         struct strings *ret_settings);

/* Makes them settings of a database, through a connection to another one in which nothing else is
 * done afterwards. What is not of the list is passed over; "search_path=app, public" is understood
 * as it was read. */
int session_settings_make(struct connection *connection, const struct strings *settings,
                          const char *database, struct error *error);

#endif
