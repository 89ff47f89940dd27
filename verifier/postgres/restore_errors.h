/* What pg_restore and psql complain about, one by one, and whose fault each complaint is.
 *
 * Exit codes are not enough: pg_restore exits 1 for a schema that was there already and for half
 * the rows missing alike. Each error is read with its place in the table of contents and classed.
 * What is not known to be harmless, or this machine's fault, is the backup's.
 */
#ifndef POSTGRES_RESTORE_ERRORS_H
#define POSTGRES_RESTORE_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

enum restore_error_class {
    RESTORE_HARMLESS, /* nothing is missing because of it */
    RESTORE_MACHINE,  /* something that this machine or server lacks */
    RESTORE_BACKUP,   /* the backup: everything that is not known */
};

struct restore_error {
    enum restore_error_class class;
    char *message; /* "could not execute query: ERROR:  relation \"a\" does not exist" */
    char *place;   /* "TABLE DATA users postgres", "line 12", or "" */
    char *command; /* the first line of the failed SQL, or "" */
    char *context; /* the first line of where the server was, or "" */
};

struct restore_errors {
    struct restore_error *items;
    size_t count;
    size_t counts[3]; /* by class */
};

/* Reads the standard error of pg_restore or psql (run with LC_ALL=C). `has_public_schema` tells
 * whether the archive has an entry for the schema public, `cut` that the text is not complete: then
 * the rest is counted as one more error of the backup. */
void restore_errors_parse(const char *text, bool has_public_schema, bool cut,
                          struct restore_errors *ret_errors);
void restore_errors_free(struct restore_errors *errors); /* takes a zeroed one */

/* Moves the errors of `next` behind those of `all`. */
void restore_errors_join(struct restore_errors *all, struct restore_errors *next);

/* Did a statement fail because what it drops is not there? */
bool restore_error_is_failed_drop(const struct restore_error *error);

/* Adds an error that no line spoke of, such as an exit code without words. */
void restore_errors_add(struct restore_errors *errors, enum restore_error_class class,
                        const char *message);

#endif
