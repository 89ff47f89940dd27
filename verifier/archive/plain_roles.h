/* The part of plain_statement.c that knows where statements name roles, and its errors. */
#ifndef ARCHIVE_PLAIN_ROLES_H
#define ARCHIVE_PLAIN_ROLES_H

#include "archive/plain_statement.h"

/* Cannot verify, and bad backup, with the line and the beginning of the statement. */
int statements_refuse(const struct statements *statements, const char *why, struct error *error);
int statements_damaged(const struct statements *statements, const char *what, struct error *error);

/* The word read last names a role: created by this dump, or needed by it. */
int roles_read(struct statements *statements, const struct words *words, bool created,
               struct error *error);
/* If the word read last is `word`, the next one names a role. */
int roles_read_after(struct statements *statements, struct words *words, const char *word,
                     struct error *error);

/* Whole statements, their verb (for CREATE: the kind of object) being the word read last. */
int roles_of_grant(struct statements *statements, struct words *words, struct error *error);
int roles_of_alter(struct statements *statements, struct words *words, struct error *error);
int roles_of_create_role(struct statements *statements, struct words *words, struct error *error);
int roles_of_owned(struct statements *statements, struct words *words, struct error *error);
int roles_of_policy(struct statements *statements, struct words *words, struct error *error);

#endif
