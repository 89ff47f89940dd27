/* What the definitions in a table of contents say about the needs of a restore.
 *
 * Definitions are SQL that pg_dump wrote; only the few statements that matter are looked into, word
 * by word, so that neither strings nor comments nor quoted names mislead.
 */
#ifndef ARCHIVE_FACTS_H
#define ARCHIVE_FACTS_H

#include "archive/archive.h"

/* Fills encoding, extensions and roles from the entries. Cannot verify: too many roles. */
int facts_gather(struct archive *archive, struct error *error);

/* Takes "COPY s.t (a, b) FROM stdin;\n" apart; the results are to be freed. The schema is "" where
 * none is named. -1: it is no such statement. */
int copy_statement_parse(const char *statement, char **ret_schema, char **ret_name,
                         char **ret_columns);

/* Takes "-- load via partition root s.t" apart in the same way: what defines the data of a
 * partition whose rows are loaded through `s.t`, in dumps since 2023. Without COPY nothing else
 * tells. */
int root_comment_parse(const char *definition, char **ret_schema, char **ret_name);

/* Is the first statement a CREATE? pg_dump since 15 has an entry also for a schema public that it
 * leaves to be there already, whose definition is a comment. */
bool definition_creates(const char *definition);

/* Adds the role names in a GRANT, REVOKE, CREATE POLICY, ALTER DEFAULT PRIVILEGES or CREATE USER
 * MAPPING to `roles`, except PUBLIC and those that stand for whoever is connected. */
void roles_in_definition(const char *definition, struct strings *roles);

#endif
