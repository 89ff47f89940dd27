/* Is there a pooler in between that hands one session to several clients?
 *
 * PgBouncer and its like, in transaction mode, give each transaction any of their server
 * connections. pg_dump then leaves in those what it sets for its session, an empty search_path
 * among it, for the application to find; and nothing that spans transactions holds.
 */
#ifndef POSTGRES_POOLER_H
#define POSTGRES_POOLER_H

#include <stdint.h>

#include "base/error.h"
#include "postgres/address.h"

/* 0 as well when that cannot be told. FAULT_MACHINE, with what to do: it does; or no connection can
 * be made at all, or not by the deadline. */
int pooler_refuse(const struct address *address, int64_t deadline_ms, struct error *error);

#endif
