/* What the hosts of PostgreSQL ask of whoever dumps a database there.
 *
 * Render, Supabase and Neon are told by the names of their hosts, as their documentation of 2025
 * gives them. Their poolers in transaction mode are no place for pg_dump: it needs one session from
 * its beginning to its end, and the settings it makes would stay in the connections of others.
 *
 *   Render     dpg-ID-a.REGION-postgres.render.com wants TLS; the internal dpg-ID-a does not
 *   Supabase   db.REF.supabase.co:5432 is IPv6 only without an add-on;
 *              REGION.pooler.supabase.com:5432 is the session pooler, user postgres.REF;
 *              port 6543 is the transaction pooler on both
 *   Neon       ep-ID-pooler.REGION.neon.tech is a transaction pooler, without -pooler it is not
 */
#ifndef POSTGRES_HOSTS_H
#define POSTGRES_HOSTS_H

#include "base/error.h"
#include "base/host_kind.h"
#include "postgres/address.h"

/* Whose host it is by its name; HOST_SELF_HOSTED when nothing is known about the name. Pure. */
enum host_kind host_recognise(const struct address *address);

/* "render", "supabase", "neon", "self-hosted". */
const char *host_name(enum host_kind kind);

/* Changes the address to what works, or says why none does, and what would. `kind` is not
 * HOST_GUESS. `root_certificate`, an absolute path or NULL, makes libpq verify the server's name
 * and certificate, on every host. Rewritten hosts are told in `notices`. Pure. FAULT_MACHINE. */
int host_adjust(enum host_kind kind, const char *root_certificate, struct address *address,
                struct strings *notices, struct error *error);

/* What a failure to connect means on that host, when it means something particular: put behind the
 * error's text. Pure. */
void host_explain(enum host_kind kind, const struct address *address, struct error *error);

#endif
