/* What an archive asks of the server that it is restored into. */
#ifndef STAGES_REQUIREMENTS_H
#define STAGES_REQUIREMENTS_H

#include "archive/archive.h"
#include "base/memory.h"
#include "postgres/connection.h"
#include "stages/exclusion.h"

/* Major versions of PostgreSQL that an archive asks for; 0: it does not say. */
struct required_versions {
    int server; /* the lowest that is certain to take it: that of the server it was dumped from, of
                   the pg_restore that reads it, or of what knows the statements that its pg_dump
                   wrote, whichever is highest */
    int reader; /* the lowest whose pg_restore can read it at all */
    bool has_statistics; /* in entries, which servers since 18 take */
};
bool entry_is_statistics(const struct archive_entry *entry);
struct required_versions required_versions(const struct archive *archive);

/* Does PostgreSQL let only superusers create it? */
bool entry_needs_superuser(const struct archive_entry *entry);

/* Why only a superuser can restore the archive, as far as its contents tell ("it has the event
 * trigger x"), or NULL: to be freed by the caller. */
char *superuser_reason(const struct archive *archive, struct connection *connection);

/* Is it a set whose data are for a schema with triggers and foreign keys? That is pg_dump
 * --schema-only and --data-only, and not --section=pre-data and --section=data. */
bool fills_schema(const struct archive *archive);

/* May it be that some of its tables can only be filled before others? Then several jobs, which
 * begin with the largest, may fail where one, which goes by the order of the archive, does not, or
 * be lucky where one fails. */
bool needs_its_order(const struct archive *archive);

/* The locale that the archive's database had, as options of CREATE DATABASE: to be freed by the
 * caller; NULL when it does not say. */
char *required_locale(const struct archive *archive);

/* Does the archive create the schema `public` itself? Then the empty one of a fresh database is in
 * its way; otherwise it is needed, also where the archive has an entry for it. */
bool creates_public_schema(const struct archive *archive);

/* Does restore.exclude name an extension that the archive has? */
bool extension_is_left_out(const struct archive *archive, const struct exclusion *exclusion,
                           const char *extension);

/* Does a server have it? */
int extension_is_available(struct connection *connection, const char *extension,
                           bool *ret_available, struct error *error);

/* The error that names those that are missing for that major version, with their Debian packages.
 * `can_leave_out`: restore.exclude can name them. */
int extensions_refuse(const struct strings *missing, int major, bool can_leave_out,
                      struct error *error);

/* Looks up every extension that the archive needs, but for those that are left out. The error names
 * all that are missing, with their Debian packages where these are known. */
int extensions_available(const struct archive *archive, const struct exclusion *exclusion,
                         struct connection *connection, struct error *error);

#endif
