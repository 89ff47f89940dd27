/* The part of statement.c that knows where statements name roles, and its errors. */
#ifndef ARCHIVE_PLAIN_ROLES_H
#define ARCHIVE_PLAIN_ROLES_H

#include "archive/plain/statement.h"

/* Cannot verify, or bad backup, with the line and the beginning of the statement. */
void statements_blame(const struct statements *statements, enum fault fault, const char *what,
                      struct error *error);
/* The same, as callers return it; here, so that compilers and analysers see that it is -1. */
static inline int statements_refuse(const struct statements *statements, const char *why,
                                    struct error *error)
{
    statements_blame(statements, FAULT_MACHINE, why, error);
    return -1;
}
static inline int statements_damaged(const struct statements *statements, const char *what,
                                     struct error *error)
{
    statements_blame(statements, FAULT_BACKUP, what, error);
    return -1;
}

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
