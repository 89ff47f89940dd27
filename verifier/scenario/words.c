#include "scenario/words.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"

enum { PROBLEMS_SHOWN = 100, SHOWN_BYTES = 60, WORD_BYTES = 40 };

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
        strings_addf(lines, "%s:%u:%u: %s", path, problem->mark.line, problem->mark.column,
                     problem->text);
    }
    if (problems->count > PROBLEMS_SHOWN) {
        const struct problem *problem = &problems->items[PROBLEMS_SHOWN];
        strings_addf(lines, "%s:%u:%u: and %zu more problems from here on", path,
                     problem->mark.line, problem->mark.column, problems->count - PROBLEMS_SHOWN);
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

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][WORD_BYTES + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        last[j] = j;
    memcpy(before, last, sizeof(rows[0]));
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b_length];
}

const char *nearest(const char *word, const char *const *candidates, size_t count)
{
    size_t length = strnlen(word, WORD_BYTES + 1);
    if (length == 0 || length > WORD_BYTES)
        return NULL;
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t candidate_length = strnlen(candidates[i], WORD_BYTES);
        size_t longer = length > candidate_length ? length : candidate_length;
        size_t distance = edit_distance(word, length, candidates[i], candidate_length);
        if (distance <= (longer + 2) / 3 && distance < longer && distance < best_distance) {
            best = candidates[i];
            best_distance = distance;
        }
    }
    return best;
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
