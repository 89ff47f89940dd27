#include "postgres/restore_times.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"

/* Longer lines are read in pieces, of which the first one tells enough. */
enum { LINE_BYTES = 4096, DESCRIPTION_BYTES = 2048, WORTH_SAYING_MS = 50 };

/* Appends what there is room for, every run of white space as one space. */
static void add_words(char text[STATEMENT_TEXT_SIZE], const char *words)
{
    size_t length = strlen(text);
    for (; *words && length + 1 < STATEMENT_TEXT_SIZE; words++)
        if (!isspace((unsigned char)*words))
            text[length++] = *words;
        else if (length > 0 && text[length - 1] != ' ')
            text[length++] = ' ';
    text[length] = '\0';
}

static enum statement_kind kind_of(const char *statement)
{
    if (starts_with(statement, "COPY ") || starts_with(statement, "INSERT "))
        return STATEMENT_DATA;
    if (starts_with(statement, "CREATE INDEX ") || starts_with(statement, "CREATE UNIQUE INDEX "))
        return STATEMENT_INDEX;
    if (starts_with(statement, "ALTER TABLE ") && strstr(statement, " ADD CONSTRAINT "))
        return STATEMENT_CONSTRAINT;
    return STATEMENT_OTHER;
}

static void add_statement(struct restore_times *times, const struct statement_time *statement)
{
    struct statement_time next = *statement;
    times->kind_ms[kind_of(next.text)] += next.duration_ms;
    for (size_t i = 0; i < RESTORE_SLOWEST; i++) {
        struct statement_time *place = &times->slowest[i];
        if (next.duration_ms > place->duration_ms) {
            struct statement_time moved = *place;
            *place = next;
            next = moved;
        }
    }
}

/* "... LOG:  duration: 12.345 ms  statement: CREATE INDEX ..." */
static bool begin_statement(const char *line, struct statement_time *ret_statement)
{
    static const char before[] = "LOG:  duration: ", between[] = " ms  statement: ";
    const char *found = strstr(line, before);
    const char *text = found ? strstr(found, between) : NULL;
    if (!text)
        return false;
    *ret_statement = (struct statement_time){
        .duration_ms = (int64_t)strtod(found + strlen(before), NULL),
    };
    add_words(ret_statement->text, text + strlen(between));
    return true;
}

int restore_times_read(const char *log_path, struct restore_times *ret_times, struct error *error)
{
    FILE *log = fopen(log_path, "re");
    if (!log)
        return cannot_verify(error, "cannot read %s: %s", log_path, strerror(errno));
    struct restore_times times = {0};
    struct statement_time statement = {0};
    char line[LINE_BYTES];
    while (fgets(line, sizeof(line), log)) {
        if (line[0] == '\t') { /* the statement goes on */
            add_words(statement.text, line);
            continue;
        }
        add_statement(&times, &statement);
        if (!begin_statement(line, &statement))
            statement = (struct statement_time){0};
    }
    fclose(log);
    add_statement(&times, &statement);
    *ret_times = times;
    return 0;
}

/* What stands in parentheses is long and tells little: columns, or an index's operators. */
static size_t telling_length(const char *statement)
{
    size_t length = strcspn(statement, "(;");
    while (length > 0 && statement[length - 1] == ' ')
        length--;
    return length;
}

char *restore_times_describe(const struct restore_times *times)
{
    static const char *const names[STATEMENT_KINDS] = {"data", "indexes", "constraints", "other"};
    struct buffer text;
    char duration[DURATION_TEXT_SIZE];
    buffer_init(&text, DESCRIPTION_BYTES);
    for (size_t i = 0; i < STATEMENT_KINDS; i++) {
        duration_format(times->kind_ms[i], duration);
        if (times->kind_ms[i] >= WORTH_SAYING_MS)
            buffer_printf(&text, "%s%s %s", text.length > 0 ? ", " : "", names[i], duration);
    }
    for (size_t i = 0; i < RESTORE_SLOWEST; i++) {
        const struct statement_time *slow = &times->slowest[i];
        duration_format(slow->duration_ms, duration);
        if (slow->duration_ms >= WORTH_SAYING_MS)
            buffer_printf(&text, "%s%s %.*s", i == 0 ? "; slowest: " : ", ", duration,
                          (int)telling_length(slow->text), slow->text);
    }
    return buffer_steal(&text);
}
