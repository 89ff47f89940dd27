/* Restoring a backup into a database with pg_restore, or psql for plain SQL. */
#ifndef POSTGRES_RESTORE_H
#define POSTGRES_RESTORE_H

#include "base/process.h"
#include "postgres/address.h"
#include "postgres/restore_errors.h"
#include "postgres/tools.h"

struct restore_options {
    const struct tools *tools;
    const struct account *account; /* who the restoring program runs as */
    const struct address *database;
    const char *path;      /* file or directory that the program can read */
    bool plain;            /* SQL text: psql restores it */
    const char *list_path; /* the entries to restore, one "ID;" a line; NULL: all */
    bool has_public_schema;
    bool throwaway;    /* the server is ours: reached by its socket, and by nothing else */
    const char *fills; /* the directory of the server's data, if it is here; NULL */
    int jobs;
    int64_t deadline_ms;
};

struct restore_result {
    bool clean; /* exited with 0 and without a word of error */
    char *how;  /* "exited with code 1" */
    struct restore_errors errors;
    struct confined confined; /* which layers held the program */
};

/* Runs the restore to its end, confined to what it needs (postgres/confinement.h). 0 whatever the
 * program reported: the result says it. -1 when it could not be run, or not to its end, or the disk
 * was all but full. */
int restore_run(const struct restore_options *options, struct restore_result *ret_result,
                struct error *error);
/* Puts the errors of `next`, which came after it, behind those of `all`; what held for both is what
 * held for each. Frees `next`. */
void restore_result_join(struct restore_result *all, struct restore_result *next);
void restore_result_free(struct restore_result *result); /* takes a zeroed one */

#endif
