/* Adds what a run came to to its scenario's history. When that does not work it is told, and makes
 * no result another. Of a run of part of the checks nothing is remembered, nor where the scenario
 * keeps no history. */
#ifndef COMMANDS_REMEMBER_H
#define COMMANDS_REMEMBER_H

#include "commands/run.h"

/* "the data is not as expected: users: row_count >= 1: 0": what is the matter, and the first check
 * that says so; fit to be shown; to be freed by the caller. */
char *result_headline_whole(const struct result *result);

/* What there is to say of the histories of several scenarios: once where it is the same of them.
 * All zero is nothing. */
struct remembering {
    struct remembered {
        char *text;
        char *first; /* the scenario that it was said of first */
        size_t count;
    } * items;
    size_t count;
};

void remember(const struct scenario *scenario, const struct run *run, const char *reports,
              struct remembering *remembering);
/* Prints it, and frees what it holds. */
void remembering_tell(struct remembering *remembering);

#endif
