#include "archive/plain/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { LINES_MOST = 1000000 };

/* As pg_dump begins with them. What they are set to is part of it: with anything else they would
 * not be without effect. */
static const struct {
    const char *setting, *statement;
} known[PLAIN_LINE_KINDS] = {
    [PLAIN_TRANSACTION_TIMEOUT] = {"transaction_timeout", "SET transaction_timeout = 0"},
    [PLAIN_IDLE_TIMEOUT] = {"idle_in_transaction_session_timeout",
                            "SET idle_in_transaction_session_timeout = 0"},
    [PLAIN_ACCESS_METHOD] = {"default_table_access_method",
                             "SET default_table_access_method = heap"},
};

void plain_lines_free(struct plain_lines *lines)
{
    free(lines->items);
    *lines = (struct plain_lines){0};
}

const char *plain_line_setting(enum plain_line_kind kind)
{
    return known[kind].setting;
}

static void add(struct plain_lines *lines, int64_t number, enum plain_line_kind kind)
{
    if (lines->count >= LINES_MOST)
        return; /* psql will complain about those */
    lines->items = xreallocarray(lines->items, lines->count + 1, sizeof(*lines->items));
    lines->items[lines->count++] = (struct plain_line){number, kind};
}

void plain_lines_restrict(struct plain_lines *lines, int64_t number)
{
    add(lines, number, PLAIN_RESTRICT);
}

void plain_lines_statement(struct plain_lines *lines, const char *statement, int64_t number)
{
    for (int kind = 0; kind < PLAIN_LINE_KINDS; kind++)
        if (known[kind].statement && strcmp(known[kind].statement, statement) == 0)
            add(lines, number, (enum plain_line_kind)kind);
}

static bool is_of_kind(const char *line, enum plain_line_kind kind)
{
    if (kind == PLAIN_RESTRICT)
        return starts_with(line, "\\restrict ") || starts_with(line, "\\unrestrict ");
    const char *statement = known[kind].statement;
    const char *end = line + strlen(statement);
    return starts_with(line, statement) && *end == ';' && end[1 + strspn(end + 1, "\r\n")] == '\0';
}

/* Reads on to the beginning of line `number`. False: there is none. */
static bool line_find(FILE *file, int64_t *at, int64_t number)
{
    while (*at < number) {
        int c = getc_unlocked(file);
        if (c == EOF)
            return false;
        *at += c == '\n';
    }
    return true;
}

/* Writes spaces over the line at which `file` stands, if there is nothing else in it. */
static int line_blank(FILE *file, enum plain_line_kind kind, int64_t *at)
{
    char line[1024]; /* none of them is as long */
    if (!fgets(line, sizeof(line), file))
        return -1;
    *at += ends_with(line, "\n");
    if (!ends_with(line, "\n") || !is_of_kind(line, kind))
        return 0;
    long length = (long)strlen(line);
    memset(line, ' ', strcspn(line, "\r\n"));
    if (fseek(file, -length, SEEK_CUR) < 0 || fputs(line, file) == EOF ||
        fseek(file, 0, SEEK_CUR) < 0) /* between writing and reading */
        return -1;
    return 0;
}

static int lines_blank(const struct plain_lines *lines, const bool kinds[PLAIN_LINE_KINDS],
                       FILE *file)
{
    int64_t at = 1;
    for (size_t i = 0; i < lines->count; i++) {
        const struct plain_line *line = &lines->items[i];
        if (kinds[line->kind] && line_find(file, &at, line->number) &&
            line_blank(file, line->kind, &at) < 0)
            return -1;
    }
    return ferror(file) ? -1 : 0;
}

int plain_lines_blank(const struct plain_lines *lines, const bool kinds[PLAIN_LINE_KINDS],
                      const char *path, struct error *error)
{
    FILE *file = fopen(path, "r+e");
    int outcome = file ? lines_blank(lines, kinds, file) : -1;
    if (file && fclose(file) != 0)
        outcome = -1;
    if (outcome < 0)
        return cannot_verify(error, "cannot change the copy of the backup, %s: %s", path,
                             strerror(errno));
    return 0;
}
