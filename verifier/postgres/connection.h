/* Asking a server something: a thin layer over libpq with deadlines and errors of our kind. */
#ifndef POSTGRES_CONNECTION_H
#define POSTGRES_CONNECTION_H

#include <libpq-fe.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "postgres/address.h"

struct connection;

/* SQL for the client encoding that names are wanted in: UTF-8. Of a database in SQL_ASCII nobody
 * knows what its bytes mean, and the server would refuse those that are no UTF-8. */
#define CLIENT_ENCODING_SQL                                                                        \
    "case current_setting('server_encoding') when 'SQL_ASCII' then 'SQL_ASCII' else 'UTF8' end"

/* SQL for a search_path on which nobody but PostgreSQL has put anything: what others made must be
 * named with its schema. */
#define OWN_NAMES_SQL "SET search_path = pg_catalog, pg_temp"

/* Connects within `timeout_ms`. The error says what to look at, never the password. */
int connection_open(const struct address *address, int64_t timeout_ms,
                    struct connection **ret_connection, struct error *error);
void connection_close(struct connection *connection); /* takes NULL */
void connection_closep(struct connection **connection);

/* From now on, every answer must have come by then; the connection is of no use when one has not.
 * At first there is no such limit. While signals are held (base/signals.h), one that arrives ends
 * the waiting too. */
void connection_set_deadline(struct connection *connection, int64_t deadline_ms);

/* Runs SQL (one statement, with `parameters` as text for $1, $2 ...; NULL-terminated, or NULL) and
 * gives its result, to be freed with PQclear. The fault of an error is FAULT_MACHINE; its text is
 * the server's message, and `ret_state` (may be NULL) the five letters of its SQLSTATE, or "". */
int connection_query(struct connection *connection, const char *sql, const char *const *parameters,
                     PGresult **ret_result, char ret_state[6], struct error *error);

/* Runs a query and gives its rows one by one (each is a result of one row), so that memory does not
 * grow with their number. Errors as above; rows may have been given before. */
typedef void row_visitor(void *context, const PGresult *row);
int connection_each(struct connection *connection, const char *sql, row_visitor *visit,
                    void *context, char ret_state[6], struct error *error);

/* Runs a COPY ... TO STDOUT and gives its rows one by one, each with its line feed. */
typedef void copied_row(void *context, const char *row, size_t length);
int connection_copy_out(struct connection *connection, const char *sql, copied_row *take_row,
                        void *context, struct error *error);

/* Runs statements without results (several, separated by semicolons, are fine). */
int connection_execute(struct connection *connection, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs a query of one column and then, one by one, the statements that it gives. */
int connection_execute_each(struct connection *connection, const char *sql, struct error *error);

/* "schema"."table" or "name", quoted for SQL: to be freed by the caller. */
char *identifier_quote(const char *name);
char *literal_quote(const char *text);
/* The same of a table as scenarios name it, "users" or "public.reports": its parts are taken as
 * they are written, without folding to lower case, as pg_dump lists them. */
char *table_quote(const char *table);

int connection_server_version(const struct connection *connection); /* 150018 */
PGconn *connection_raw(struct connection *connection);              /* borrowed */

void result_clear(PGresult **result); /* for cleanup() */

#endif
