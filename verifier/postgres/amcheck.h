/* PostgreSQL's own checker of indexes and tables, the extension amcheck.
 *
 * Only a superuser can make it, and a database that somebody else's SQL has filled is no place for
 * a superuser to be: its event triggers would run. So it is made while a database is still empty.
 * Its functions only look, and everybody may call them. An index's own functions and operators run
 * as the owner of its table, and nothing of the backup belongs to a superuser by then.
 */
#ifndef POSTGRES_AMCHECK_H
#define POSTGRES_AMCHECK_H

#include <stdbool.h>

#include "postgres/connection.h"

/* Makes it in a database that is still empty, as the user of the address. FAULT_MACHINE: it is not
 * installed (with its Debian package), or the user is no superuser. */
int amcheck_make(const struct address *database, struct error *error);

/* Makes it in what every later database of a throwaway server is a copy of. `maintenance` is its
 * superuser's connection to the server at `server`. */
int amcheck_make_for_all(struct connection *maintenance, const struct address *server,
                         struct error *error);

/* The names for SQL of its functions in a database, to be freed by the caller. */
struct amcheck_functions {
    char *index; /* (regclass, boolean); NULL: it is not there */
    char *table; /* (regclass, ...); NULL: not there, as before PostgreSQL 14 */
};

int amcheck_find(struct connection *connection, struct amcheck_functions *ret_functions,
                 struct error *error);
void amcheck_functions_free(struct amcheck_functions *functions); /* takes a zeroed one */

#endif
