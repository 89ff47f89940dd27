/* A check's own look into the restored database, see postgres/reader.h: read only, in UTC, without
 * row security's filter, and finding only what is PostgreSQL's own. What session_table, session_row
 * and session_each run finds in a session_open what the scenario names, too. There a name of a
 * function needs its pg_catalog, and an operator operands of exactly its types: the backup may
 * have made others that fit better. */
#ifndef CHECKS_SESSION_H
#define CHECKS_SESSION_H

#include "checks/checks.h"
#include "postgres/connection.h"

/* NULL when there is no session; the outcome has its verdict then. */
struct connection *session_open(const struct subject *subject, struct outcome *outcome);

/* For tables alone, with names as the archive has them: in its encoding instead of UTF-8. No view
 * can be read. */
struct connection *session_open_encoded(const struct subject *subject, struct outcome *outcome);

/* Between one table and the next: gives back the locks of what was read, of which a server has
 * fewer than a database may have tables and indexes. */
int session_next(struct connection *connection, struct error *error);

/* Finds a table by the name a scenario uses ("users", "public.reports") and gives its name for SQL,
 * fully qualified and quoted, to be freed by the caller. NULL when there is none: the outcome says
 * so, and whose fault that is (names.h). `subject` is NULL for a table that no scenario names: then
 * the backup is bad. */
char *session_table(struct connection *connection, const struct subject *subject, const char *table,
                    struct outcome *outcome);

/* Both: a session, and the name of a table for SQL. NULL when one of them is not to be had. */
struct connection *session_open_table(const struct subject *subject, const char *table,
                                      char **ret_table, struct outcome *outcome);

/* Runs a query that gives one row and returns it; NULL when it failed (the outcome says so, as an
 * error, or as a failure when the server says that its data is corrupt). */
PGresult *session_row(struct connection *connection, const char *sql, struct outcome *outcome);

/* Runs a query and gives its rows one by one. -1 when it failed: the outcome says so, as above. */
int session_each(struct connection *connection, const char *sql, row_visitor *visit, void *context,
                 struct outcome *outcome);

/* Judges a measured number by an expectation, with words: `name` is what was measured ("users:
 * row_count"), `measured_text` how a person reads it. */
void session_judge(const struct expectation *expectation, const char *name, long double measured,
                   const char *measured_text, struct outcome *outcome);

#endif
