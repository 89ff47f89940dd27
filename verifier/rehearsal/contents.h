/* Which rows of a database another one does not have, value for value. */
#ifndef REHEARSAL_CONTENTS_H
#define REHEARSAL_CONTENTS_H

#include "postgres/connection.h"
#include "rehearsal/tables.h"

/* How many rows of `table` differ from those of `other` (NULL: it is gone): as many as have to be
 * changed, put back or taken away. Columns that only the other has do not count; where it lacks
 * one, all rows differ. Both connections are the reader's, with the same settings. */
int contents_differ(struct connection *connection, const struct table *table,
                    struct connection *other_connection, const struct table *other,
                    int64_t *ret_rows, struct error *error);

#endif
