/* The copy that a migration is rehearsed on, and who may do what with it.
 *
 * It is made by CREATE DATABASE ... TEMPLATE, so that every table has the oid that it had. While
 * the command runs (copy_open until copy_close) its owner can log in, and can connect to nothing
 * but the copy that holds anything of the backup; sessions are counted and logged, and event
 * triggers tell of locks. After it nobody has special rights any more, as after a restore
 * (postgres/rights.h).
 *
 * What the restored database, or the command, has made runs as that owner. Our superuser is
 * connected to the copy only while it makes or removes our event triggers, when those of others are
 * switched off, and finds PostgreSQL's own names only. The functions stand in pg_catalog, where no
 * dump of the schema sees them; event triggers are made and dropped without firing any.
 */
#ifndef REHEARSAL_COPY_H
#define REHEARSAL_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/stages.h"

extern const char copy_name[];

/* A connection as the server's superuser, as whom nobody else can log in: to `database`, or to that
 * of the maintenance (NULL), with libpq's `options` (NULL: none). */
int server_enter(const struct lent_server *server, const char *database, const char *options,
                 struct connection **ret_connection, struct error *error);

/* The role that owns most of the restored tables; to be freed by the caller. */
int copy_owner(struct connection *reader, char **ret_owner, struct error *error);

int copy_make(const struct lent_server *server, const char *owner, struct error *error);
/* A database of the same name and owner with nothing in it, in place of the copy. */
int copy_make_empty(const struct lent_server *server, const char *owner, struct error *error);
void copy_drop(const struct lent_server *server);

struct copy_rights {
    const char *owner;
    bool superuser;
    const char *password; /* that the owner needs; NULL: none */
};

/* `ret_observed` is false where the database has no PL/pgSQL, and so no event triggers of ours. */
int copy_open(const struct lent_server *server, const struct copy_rights *rights,
              bool *ret_observed, struct error *error);
/* Ends its sessions, and lets the reader in. `ret_log_end`: where in the server's log they end. */
int copy_close(const struct lent_server *server, int64_t *ret_log_end, struct error *error);

/* The copy as the role that only reads; after copy_close. */
void copy_address(const struct lent_server *server, struct address *ret_address);

#endif
