/* What is written for people, line by line: in the columns of a terminal, and in its colours. */
#ifndef REPORT_PAPER_H
#define REPORT_PAPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct paper {
    FILE *stream;
    size_t width;
    bool color;
    bool verbose;
    bool list_passed;
    const char *reports; /* the directory; NULL: there is none */
};

enum {
    PAPER_WORD = 5,   /* columns of "ERROR" */
    PAPER_INDENT = 9, /* two blanks, the verdict's word, two blanks */
};

#define PAPER_DIM  "\033[2m"
#define PAPER_BOLD "\033[1m"

/* `style` is one of these, or "". */
void paper_paint(const struct paper *paper, const char *style);
void paper_unpaint(const struct paper *paper);

/* A verdict's word, in its colour. */
void paper_word(const struct paper *paper, const char *text);

/* The length of the next line of `text` in `columns`: up to its end or the last blank that fits. */
size_t paper_line_length(const char *text, size_t columns);

/* Writes a text on lines of its own, indented; gives the number of lines of it that were left out
 * because there are more than `most_lines`. */
size_t paper_wrap(const struct paper *paper, const char *text, const char *style, size_t indent,
                  size_t most_lines);

#endif
