/* Who may do what, as a backup says it: its GRANT, REVOKE and ALTER DEFAULT PRIVILEGES statements.
 * They are not restored, and so read from the backup alone.
 */
#ifndef ARCHIVE_GRANTS_H
#define ARCHIVE_GRANTS_H

#include "archive/archive.h"

/* The statement on one line, without its semicolon, to be freed by the caller; NULL when it gives
 * or takes no right on an object: a role in a role is none, nor are rights on the database, which
 * has another name elsewhere. */
char *grant_statement(const char *text, size_t length);

/* Adds all of a backup, in its order. Cannot verify: there are more than were kept. */
int grants_find(const struct archive *archive, struct strings *ret_grants, struct error *error);

#endif
