/* How many scenarios are verified side by side: each has a server and processes of its own. */
#ifndef COMMANDS_JOBS_H
#define COMMANDS_JOBS_H

#include <stddef.h>
#include <stdint.h>

/* What this machine is to share out. */
struct machine {
    int processors;
    int64_t memory_bytes; /* what is still to be had */
};

/* `wanted` is that of the command line: a number, 0 for none, JOBS_AUTO. At least 1, and never more
 * than there are scenarios, nor than have memory for the least that a server needs. */
int jobs_for(const struct machine *machine, int wanted, size_t scenarios);

/* The same for the machine that we are on; says so when it is fewer than were asked for. */
int jobs_here(int wanted, size_t scenarios);

#endif
