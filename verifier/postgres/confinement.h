/* What PostgreSQL's programs may touch while they work on a backup, whose SQL is somebody else's.
 *
 * They may read PostgreSQL's own files, the shared libraries and the machine's locales and time
 * zones, wherever their real directories are, also those that LD_LIBRARY_PATH, TZDIR, LOCPATH,
 * ICU_DATA and RESTORE_VERIFIER_PGFILES (directories separated by colons, for an installation that
 * lies scattered) name; they may run nothing but themselves.
 *
 * A script in the place of a program, such as a wrapper, runs whatever it likes, so it is not held
 * to certain files; the other layers hold for it too.
 */
#ifndef POSTGRES_CONFINEMENT_H
#define POSTGRES_CONFINEMENT_H

#include "base/confine.h"
#include "postgres/address.h"

/* Each fills a struct that the caller frees with confinement_free. */

/* initdb, which needs a shell, and runs before anything of a backup is there. */
void confinement_of_initdb(struct confinement *ret_confinement);

/* The throwaway server: changes files in its own directories only, and is connected to. */
void confinement_of_server(const char *program, const char *data, const char *sockets,
                           struct confinement *ret_confinement);

/* pg_restore or psql, which read the backup at `path` and, if there is one, a list; or pg_dump,
 * which reads no file (NULL). Where the server is somebody's, they may use the network, and read
 * what libpq needs for that address. */
void confinement_of_client(const char *program, const char *path, const char *list_path,
                           const struct address *somebodys, struct confinement *ret_confinement);

#endif
