/* The sequences of the restored database against the archive. */
#ifndef CHECKS_SEQUENCES_H
#define CHECKS_SEQUENCES_H

#include "checks/checks.h"
#include "postgres/connection.h"

/* False: one does not go on where the archive says, or cannot be looked at; the outcome says which.
 */
bool sequences_agree(struct connection *connection, const struct subject *subject,
                     struct outcome *outcome);

#endif
