#include "scenario/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/nearest.h"

enum { PROBLEMS_SHOWN = 100, SHOWN_BYTES = 60 };

void problems_add(struct problems *problems, struct mark mark, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = xvasprintf(format, arguments);
    va_end(arguments);
    size_t count = problems->count;
    if ((count & (count - 1)) == 0) /* full at every power of two */
        problems->items =
            xreallocarray(problems->items, count ? count * 2 : 1, sizeof(*problems->items));
    problems->items[problems->count++] = (struct problem){mark, text};
}

static int problem_compare(const void *left, const void *right)
{
    const struct problem *a = left;
    const struct problem *b = right;
    if (a->mark.file != b->mark.file)
        return strcmp(a->mark.file ? a->mark.file : "", b->mark.file ? b->mark.file : "");
    if (a->mark.line != b->mark.line)
        return a->mark.line < b->mark.line ? -1 : 1;
    if (a->mark.column != b->mark.column)
        return a->mark.column < b->mark.column ? -1 : 1;
    return strcmp(a->text, b->text);
}

void problems_move(struct problems *problems, const char *path, struct strings *lines)
{
    if (problems->count > 0)
        qsort(problems->items, problems->count, sizeof(*problems->items), problem_compare);
    for (size_t i = 0; i < problems->count && i < PROBLEMS_SHOWN; i++) {
        const struct problem *problem = &problems->items[i];
        strings_addf(lines, "%s:%u:%u: %s", problem->mark.file ? problem->mark.file : path,
                     problem->mark.line, problem->mark.column, problem->text);
    }
    if (problems->count > PROBLEMS_SHOWN) {
        const struct problem *problem = &problems->items[PROBLEMS_SHOWN];
        strings_addf(lines, "%s:%u:%u: and %zu more problems from here on",
                     problem->mark.file ? problem->mark.file : path, problem->mark.line,
                     problem->mark.column, problems->count - PROBLEMS_SHOWN);
    }
    problems_free(problems);
}

void problems_free(struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        free(problems->items[i].text);
    free(problems->items);
    *problems = (struct problems){0};
}

char *suggestion(const char *word, const char *const *candidates, size_t count)
{
    const char *near = nearest(word, candidates, count);
    if (near)
        return xasprintf(": did you mean `%s`?", near);
    struct buffer list;
    buffer_init(&list, 4096);
    buffer_append_text(&list, count == 1 ? ": known here is " : ": known here are ");
    for (size_t i = 0; i < count; i++) {
        const char *comma = i == 0 ? "" : i + 1 == count ? " and " : ", ";
        buffer_printf(&list, "%s`%s`", comma, candidates[i]);
    }
    return buffer_steal(&list);
}

char *shown(const char *text)
{
    char *copy = xmalloc(SHOWN_BYTES + 1);
    text_copy(copy, SHOWN_BYTES + 1, text);
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return copy;
}
