/* Words about a scenario file: the list of what is wrong with it, and the nearest known word for
 * one that is not known. */
#ifndef SCENARIO_WORDS_H
#define SCENARIO_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "scenario/expectation.h"

/* What is wrong, and where. All zero is an empty list; it owns its texts. */
struct problem {
    struct mark mark;
    char *text;
};
struct problems {
    struct problem *items;
    size_t count;
};

void problems_add(struct problems *problems, struct mark mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds each to `lines` as "PATH:LINE:COLUMN: text", in the order of the file, and empties the list.
 * Those of included files have the path of theirs, and come behind. After the first hundred only
 * their number is told. */
void problems_move(struct problems *problems, const char *path, struct strings *lines);
void problems_free(struct problems *problems);

/* ": did you mean `x`?" when one is near, else ": known here are `x`, `y` and `z`"; to be freed. */
char *suggestion(const char *word, const char *const *candidates, size_t count);

/* `text` fit for a message: at most 60 bytes, `?` for control characters; to be freed. */
char *shown(const char *text);

#endif
