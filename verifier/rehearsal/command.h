/* Running a command of the user's own, and everything that it starts.
 *
 * It runs as the user who called us, without a shell, in a process group of its own, with an
 * environment made for it: PATH, locale, TZ, HOME, VIRTUAL_ENV, and what the scenario says. Unless
 * it asks for the machine's network it has an empty one of its own, in which unix sockets work: so
 * a wrong address cannot lead it to another database than the copy. What it prints is drained while
 * it runs; beginning and end are kept. When it has ended, or its time is over, everything that it
 * has left running is ended too, whatever process group it went into.
 */
#ifndef REHEARSAL_COMMAND_H
#define REHEARSAL_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

struct command {
    const struct strings *arguments;   /* argv */
    const struct strings *environment; /* "NAME=value" */
    const char *directory;             /* NULL: ours */
    int64_t timeout_ms;
    bool network;
    const struct strings *secrets; /* not to stand in what it printed */
};

struct command_end {
    bool overdue;  /* and so ended by us */
    int exit_code; /* -1 when a signal ended it */
    char how[128]; /* "exited with code 1" */
    int64_t duration_us;
    size_t left_running; /* processes that it left */
    bool has_network;    /* also when it was to have none, and this machine gives no other */
    char *output;        /* both streams, beginning and end, without secrets */
    char *last_lines;    /* of it */
};

/* -1: it could not be started. */
int command_run(const struct command *command, struct command_end *ret_end, struct error *error);
void command_end_free(struct command_end *end); /* takes a zeroed one */

/* Has a process without the machine's network on this machine really none? */
bool command_network_can_be_taken(void);

#endif
