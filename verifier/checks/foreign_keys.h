/* Whether foreign keys hold. PostgreSQL asks when rows come, and when a key is made; nobody asks
 * where rows are loaded into a schema that has its keys already, with triggers switched off. */
#ifndef CHECKS_FOREIGN_KEYS_H
#define CHECKS_FOREIGN_KEYS_H

#include "checks/checks.h"
#include "postgres/connection.h"

/* False: one does not, or it could not be looked at; the outcome says so. */
bool foreign_keys_hold(struct connection *connection, const struct archive *archive,
                       struct outcome *outcome);

#endif
