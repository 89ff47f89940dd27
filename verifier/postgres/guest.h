/* Databases that we make on a server: the one to restore into, alone on a throwaway server or as a
 * guest on somebody's own.
 *
 * On somebody's server a guest's name begins with restore_verifier_, and its owner holds an
 * advisory lock of that name for as long as it lives. A guest whose lock is free was left behind by
 * a run that was killed: the next run drops it. Nothing else is ever dropped.
 */
#ifndef POSTGRES_GUEST_H
#define POSTGRES_GUEST_H

#include <stdbool.h>

#include "postgres/connection.h"

struct guest_options {
    const char *name;
    const char *encoding; /* of the archive; NULL: the server's default */
    const char *locale;   /* options of CREATE DATABASE for the archive's; NULL: not known */
    const char *owner;    /* role that owns it; NULL: the connected one */
    bool on_our_server;   /* a checkpoint there costs nobody anything */
};

/* Creates the database. Where the system does not have the locale, "C" serves (C.UTF-8 for UTF8),
 * and `ret_locale_missing` tells. */
int guest_create(struct connection *connection, const struct guest_options *options,
                 bool *ret_locale_missing, struct error *error);

/* Takes the lock that says the guest is in use, until the connection closes. */
int guest_lock(struct connection *connection, const char *name, struct error *error);

/* Marks the database as one that guest_sweep leaves. */
int guest_keep(struct connection *connection, const char *name, struct error *error);

/* Drops the database, throwing out whoever is connected to it. It is no error when it is not there.
 */
int guest_drop(struct connection *connection, const char *name, struct error *error);

/* Drops the guests that nobody holds and nobody wants to keep. Gives how many. */
int guest_sweep(struct connection *connection);

/* A new name: restore_verifier_PID_RANDOM. To be freed by the caller. */
char *guest_name(void);

#endif
