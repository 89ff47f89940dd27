/* The size of the terminal that a stream writes to. */
#ifndef REPORT_TERMINAL_H
#define REPORT_TERMINAL_H

#include <stddef.h>
#include <stdio.h>

struct terminal_size {
    size_t columns;
    size_t rows;
};

/* `otherwise` where the stream is no terminal, or one that does not tell. */
struct terminal_size terminal_size(FILE *stream, struct terminal_size otherwise);

#endif
