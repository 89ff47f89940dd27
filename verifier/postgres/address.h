/* Where a PostgreSQL server is: connection strings, read as libpq and as SQLAlchemy write them.
 *
 * Understood: libpq URLs, `key=value` strings, and SQLAlchemy's postgresql+DRIVER:// URLs, whose
 * driver is dropped and whose asyncpg options are translated (ssl=require is sslmode=require). An
 * address may hold a password: print only what address_describe gives.
 */
#ifndef POSTGRES_ADDRESS_H
#define POSTGRES_ADDRESS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/memory.h"

/* Keywords of libpq with their values, only those that are set. */
struct address {
    struct strings keywords;
    struct strings values; /* as many as keywords */
};

int address_parse(const char *text, struct address *ret_address, struct error *error);
void address_free(struct address *address); /* takes a zeroed one */
void address_copy(const struct address *address, struct address *ret_copy);

const char *address_get(const struct address *address, const char *keyword); /* NULL: not set */
void address_set(struct address *address, const char *keyword, const char *value);

/* Fills in from libpq's environment variables (PGHOST, PGPORT, PGSSLMODE ...) what the address does
 * not set and hosts.h looks at. */
void address_take_environment(struct address *address);

/* Makes the files that it names (certificates, keys, pass file) absolute paths: pg_dump works in
 * another directory. */
void address_resolve_files(struct address *address);

/* "db.example.com:5432/bugspark", "/tmp/socket/bugspark": no user, no password. Freed by the
 * caller. */
char *address_describe(const struct address *address);

/* A connection string without the password, fit for an argument of pg_dump or psql, and the
 * environment that goes with it to a server that the user names: the password, and what our own
 * environment tells libpq where the address is silent. */
char *address_argument(const struct address *address);
void address_environment(const struct address *address, struct strings *environment);

/* The files that libpq may look for when it connects there; some may not exist. */
void address_files(const struct address *address, struct strings *paths);

/* Do both name the same server and database? Compares host, port and database as written. */
bool address_same(const struct address *left, const struct address *right);

#endif
