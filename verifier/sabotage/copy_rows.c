#include "sabotage/copy_rows.h"

#include <string.h>

#include "base/memory.h"

static bool is_terminator(const char *line, size_t length)
{
    return length >= 2 && memcmp(line, "\\.", 2) == 0 && (length == 2 || line[2] == '\r');
}

bool copy_row_change(char *row, size_t length, int column)
{
    char *end = row + length;
    char *value = row;
    for (; column > 0; column--) {
        char *tab = memchr(value, '\t', (size_t)(end - value));
        if (!tab)
            return false;
        value = tab + 1;
    }
    for (char *c = value; c < end && *c != '\t'; c++) {
        static const char characters[] = "abcdefghijklmnopqrstuvwxyza01234567890";
        const char *found = strchr(characters, *c);
        if (*c == '\\') { /* and what it escapes */
            c++;
        } else if (*c != '\0' && found) {
            *c = found[1];
            return true;
        }
    }
    return false;
}

/* One line, of which `row` is the number; adds what becomes of it. True: it was the one. */
static bool line_edit(const struct row_change *change, int64_t row, const char *line, size_t length,
                      struct buffer *ret_rows)
{
    size_t begin = ret_rows->length;
    bool removed =
        change->edit == ROWS_REMOVED || (change->edit == ROW_REMOVED && row == change->row);
    if (removed)
        return true;
    buffer_append(ret_rows, line, length + 1);
    return change->edit == ROW_CHANGED && row >= change->row &&
           copy_row_change(ret_rows->data + begin, length, change->column);
}

int64_t copy_rows_edit(const struct row_change *change, const struct buffer *rows,
                       struct buffer *ret_rows)
{
    int64_t row = 0;
    int64_t edited = -1;
    const char *at = rows->data;
    const char *end = rows->data + rows->length;
    const char *newline;
    while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
        size_t length = (size_t)(newline - at);
        if (is_terminator(at, length))
            break;
        bool all = change->edit == ROWS_REMOVED;
        if (edited >= 0 && !all)
            buffer_append(ret_rows, at, length + 1);
        else if (line_edit(change, row, at, length, ret_rows))
            edited = all ? row + 1 : row;
        at = newline + 1;
        row++;
    }
    buffer_append(ret_rows, at, (size_t)(end - at));
    return edited;
}

/* ---- columns ---- */

/* The columns of "(id, "two, words")", as they are written. */
static void columns_split(const char *columns, struct strings *ret_columns)
{
    const char *begin = columns + (*columns == '(');
    bool quoted = false;
    for (const char *c = begin; *c; c++) {
        if (*c == '"')
            quoted = !quoted;
        if (quoted || (*c != ',' && *c != ')'))
            continue;
        cleanup(free_pointer) char *name = xstrndup(begin, (size_t)(c - begin));
        strings_add(ret_columns, name);
        begin = c + 1 + (c[1] == ' ');
    }
}

static bool is_text(const char *definition, const char *column)
{
    static const char *const types[] = {"text", "character varying", "public.citext"};
    for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
        cleanup(free_pointer) char *line = xasprintf("\n    %s %s", column, types[i]);
        const char *found = strstr(definition, line);
        if (found && !starts_with(found + strlen(line), "[")) /* no array */
            return true;
    }
    return false;
}

/* Is the column named in a line that has `word`? */
static bool is_named_with(const char *text, const char *column, const char *word)
{
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        cleanup(free_pointer) char *one = xstrndup(line, length);
        if (strstr(one, word) && strstr(one, column))
            return true;
        line += length + (line[length] == '\n');
    }
    return false;
}

int copy_text_column(const char *columns, const char *definition, const char *keys, size_t start)
{
    cleanup(strings_free) struct strings names = {0};
    columns_split(columns, &names);
    for (size_t i = 0; i < names.count; i++) {
        size_t index = (start + i) % names.count;
        const char *column = names.items[index];
        if (is_text(definition, column) && !is_named_with(definition, column, "CHECK") &&
            !is_named_with(keys, column, "KEY"))
            return (int)index;
    }
    return -1;
}
