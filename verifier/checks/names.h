/* Names that a scenario uses and the restored database does not have, and whose fault that is.
 *
 * A table that the manifest or the last backup that verified knows is missing: the backup is bad.
 * One that neither knows never was there, and one that is written nearly like another is mistyped:
 * the scenario is wrong, which is an error. Where nothing tells, the backup is held to be bad.
 */
#ifndef CHECKS_NAMES_H
#define CHECKS_NAMES_H

#include "checks/checks.h"
#include "postgres/connection.h"

/* `table` as the scenario writes it ("users", "public.reports"). */
void table_is_unknown(struct connection *connection, const struct subject *subject,
                      const char *table, struct outcome *outcome);

/* What `table`, quoted for SQL, has no column of. `label` names the table in words. */
void column_is_unknown(struct connection *connection, const char *table, const char *label,
                       const char *column, struct outcome *outcome);

/* ": did you mean `public.reports`?" for a relation that a query names, or ""; to be freed. The
 * connection is in no transaction that failed. */
char *relation_suggestion(struct connection *connection, const char *relation);

#endif
