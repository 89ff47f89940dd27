/* The rows in COPY text data: how many, how long, and a fingerprint of them all.
 *
 * A push scanner in constant memory: feed it the data of one table in blocks of any size, in order.
 *
 * Source of the format: dumpTableData_copy in pg_dump.c. Every row ends with a newline, a newline
 * or a backslash inside a value is escaped, and after the last row pg_dump always writes the line
 * `\.` and two empty lines, into custom, directory and tar archives just as into plain SQL, for an
 * empty table too (all versions since 7.1, and every archive at hand, do). So data without `\.` is
 * cut, however well its last row looks, and that is an error. It is not what `pg_dump --inserts`
 * writes into an archive: that is SQL (plain_new_fragment in plain.h).
 *
 * Lines may end with CR LF (a plain dump that went through a Windows text file): COPY escapes a CR
 * inside a value, so one before the newline belongs to the line's end and is not part of the row.
 *
 * Rows read back with `COPY ... TO STDOUT` come from libpq each with its newline but without `\.`:
 * feed each as it comes, then ROWS_TERMINATOR.
 */
#ifndef ARCHIVE_ROWS_H
#define ARCHIVE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct row_totals {
    int64_t rows;
    int64_t bytes;             /* of all rows, without their newlines */
    int64_t largest_row_bytes; /* likewise */
    /* The sum, modulo 2^128, of the XXH3 (128 bits) of each row without its newline; low half
     * first. So the order of rows does not matter and their number does. All zero when not asked
     * for. It tells rows that differ by accident, not by malice. */
    uint64_t fingerprint[2];
};

#define ROWS_TERMINATOR "\\.\n"

struct rows; /* a running scan */

struct rows *rows_new(bool fingerprint);
void rows_free(struct rows *rows); /* takes NULL */
void rows_freep(struct rows **rows);
void rows_reset(struct rows *rows); /* ready for the data of another table */

/* `rows_feed` takes the data of a table and nothing else: after the terminator only newlines may
 * come, or rows_finish fails. `rows_feed_until_end` stops behind the terminator's line and returns
 * the number of bytes taken, which is less than `length` only when rows_ended(). */
void rows_feed(struct rows *rows, const void *bytes, size_t length);
size_t rows_feed_until_end(struct rows *rows, const void *bytes, size_t length);
bool rows_ended(const struct rows *rows); /* the terminator's line was read whole */

/* What was read so far, complete or not: for progress and for messages. */
int64_t rows_so_far(const struct rows *rows);

/* Bad backup: no terminator, a last row without newline, something behind the terminator. */
int rows_finish(const struct rows *rows, struct row_totals *ret_totals, struct error *error);

#endif
