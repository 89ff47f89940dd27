/* The lines of a plain dump that a psql or a server older than its pg_dump refuses, and without
 * which the same is restored: limits of time, and what keeps psql from running commands. */
#ifndef ARCHIVE_PLAIN_LINES_H
#define ARCHIVE_PLAIN_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum plain_line_kind {
    PLAIN_RESTRICT, /* \restrict and \unrestrict */
    PLAIN_TRANSACTION_TIMEOUT,
    PLAIN_IDLE_TIMEOUT,
    PLAIN_ACCESS_METHOD,
    PLAIN_LINE_KINDS,
};

struct plain_line {
    int64_t number; /* from 1 */
    enum plain_line_kind kind;
};

struct plain_lines {
    struct plain_line *items; /* in the order of the file */
    size_t count;
};
void plain_lines_free(struct plain_lines *lines);

/* The name of the setting that lines of the kind set; NULL for PLAIN_RESTRICT. */
const char *plain_line_setting(enum plain_line_kind kind);

/* Adds the line if it is one: `statement` is a whole one, without its semicolon. */
void plain_lines_statement(struct plain_lines *lines, const char *statement, int64_t number);
void plain_lines_restrict(struct plain_lines *lines, int64_t number);

/* Blanks, in a file of our own with that dump, the lines of the kinds that are true in `kinds`, but
 * for lines with something else in them. Cannot verify: the file cannot be changed. */
int plain_lines_blank(const struct plain_lines *lines, const bool kinds[PLAIN_LINE_KINDS],
                      const char *path, struct error *error);

#endif
