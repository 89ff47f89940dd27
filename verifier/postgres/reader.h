/* Looking into a database that somebody else's SQL has filled.
 *
 * What a backup brings along (functions, operators, casts, views, rules, policies, settings of its
 * database) may be made to change what is seen, or to do more than reading. Against the first, our
 * own statements find nothing but what is PostgreSQL's; against the second, the role that looks may
 * read everything and do nothing else, and every transaction is read only.
 *
 * On somebody's own server no role is made: there the URL's user looks, in the same sessions.
 */
#ifndef POSTGRES_READER_H
#define POSTGRES_READER_H

#include <stdbool.h>

#include "postgres/connection.h"

/* The name of the role. */
extern const char reader_role[];

/* Makes the role on a throwaway server. `maintenance` is its superuser's connection, to a database
 * that is not the restored one. After rights_take, so that nothing restored could give it rights.
 */
int reader_create(struct connection *maintenance, struct error *error);

/* Lets the role into a restored database, and keeps everybody from making objects there. */
int reader_admit(struct connection *maintenance, const char *database, struct error *error);

enum reader_sight {
    READER_TABLES,    /* no view and no foreign table can be read */
    READER_RELATIONS, /* no foreign table can be: it reaches out of the database */
};

/* Connects and begins a transaction. The session is in UTC, without row security's filter, and
 * finds only what is PostgreSQL's own: other names must have their schema. */
int reader_open(const struct address *database, enum reader_sight sight, int64_t timeout_ms,
                struct connection **ret_connection, struct error *error);

/* Until it is called with false, a session of READER_RELATIONS also finds what the database's own
 * search_path names, behind what is PostgreSQL's: for names that a scenario gives, and for views
 * whose functions look for something. What we say ourselves meanwhile must name pg_catalog
 * wherever types do not match exactly. */
int reader_see_names(struct connection *connection, bool see, struct error *error);

#endif
