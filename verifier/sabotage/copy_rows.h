/* The rows of one table, as COPY has them, with one of them changed. */
#ifndef SABOTAGE_COPY_ROWS_H
#define SABOTAGE_COPY_ROWS_H

#include <stdint.h>

#include "base/buffer.h"

enum row_edit {
    ROW_REMOVED,
    ROW_CHANGED,  /* a letter or digit of one value: the first row from `row` on that has one */
    ROWS_REMOVED, /* all */
};

struct row_change {
    enum row_edit edit;
    int64_t row; /* from 0 */
    int column;  /* from 0, for ROW_CHANGED */
};

/* `rows` may end with the terminator and more, which stays. Gives the row, from 0, that was
 * changed; of all rows their number; -1: there is none that could be. */
int64_t copy_rows_edit(const struct row_change *change, const struct buffer *rows,
                       struct buffer *ret_rows);

/* Changes a letter or digit of the value in that column of a row (without its newline); false when
 * there is none. The row stays as long as it is, and loads as before. */
bool copy_row_change(char *row, size_t length, int column);

/* Which of the columns of a COPY ("(id, name)") are texts by the CREATE TABLE of their table; from
 * 0, the first from `start` on, around; -1: none. Columns that `keys` speaks of, which may refer to
 * other rows, and those that a CHECK of the table names, are none. */
int copy_text_column(const char *columns, const char *definition, const char *keys, size_t start);

#endif
