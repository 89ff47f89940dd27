/* The size of the terminal that a stream writes to, as it is now. COLUMNS says how wide a stream is
 * that is no terminal, and makes a terminal narrower, never wider than it is. */
#ifndef REPORT_TERMINAL_H
#define REPORT_TERMINAL_H

#include <stddef.h>
#include <stdio.h>

struct terminal_size {
    size_t columns;
    size_t rows;
};

/* `otherwise` where nothing tells. */
struct terminal_size terminal_size(FILE *stream, struct terminal_size otherwise);

#endif
