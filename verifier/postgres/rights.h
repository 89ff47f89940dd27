/* What a role could do beyond its own database, and taking it away.
 *
 * A superuser's SQL reaches the machine: it runs programs, reads and writes files. So does that of
 * members of some of PostgreSQL's own roles. On a throwaway server a restore may need a superuser;
 * after it nobody does.
 */
#ifndef POSTGRES_RIGHTS_H
#define POSTGRES_RIGHTS_H

#include <stdbool.h>

#include "postgres/connection.h"

/* What makes the connected user dangerous: "is a superuser", "is a member of
 * pg_execute_server_program", to be freed by the caller. NULL: nothing does. */
int rights_find(struct connection *connection, char **ret_danger, struct error *error);

/* For a throwaway server into which a backup was restored, through its superuser's connection to a
 * database that is not the restored one. Ends all other sessions and lets nobody log in any more;
 * takes every special right from every role but the connected one; and removes the settings that a
 * backup made for its database or for everybody and that do more than change how values look. Who
 * was a superuser may still read everything, as its views expect. Touches nothing of the backup. */
int rights_take(struct connection *maintenance, struct error *error);

/* In the restored database, as the role that looks into it: does nothing there run with more rights
 * than it has? A superuser who restored can have given functions to the server's own superuser, or
 * opened those that reach files; the error names one. */
int rights_are_taken(struct connection *connection, bool by_superuser, struct error *error);

#endif
