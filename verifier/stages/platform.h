/* What the files of a host's tool take for granted.
 *
 * `supabase db dump` leaves out what every project of that host has: the schemas that extensions
 * are put into, and the publication that the host listens to, which its files alter all the same.
 * On a throwaway server they are made, empty. */
#ifndef STAGES_PLATFORM_H
#define STAGES_PLATFORM_H

#include "archive/archive.h"
#include "base/memory.h"
#include "postgres/connection.h"

/* cannot_verify: the files have rows of tables in a schema that none of them creates. Such a schema
 * is the host's own, with tables of which only the host knows what they are. */
int platform_check(const struct archive *archive, struct error *error);

/* In the database of the connection. Of a set alone: one file has all that it needs. */
int platform_make(const struct archive *archive, struct connection *connection,
                  struct error *error);

/* Blanks the statements that create these extensions or comment on them, in a file of SQL that must
 * be a copy of our own and hold no data. */
int platform_leave_out(const char *path, const struct strings *extensions, struct error *error);

#endif
