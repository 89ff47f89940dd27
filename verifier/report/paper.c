#include "report/paper.h"

#include <string.h>

#include "base/memory.h"
#include "report/text.h"

void paper_paint(const struct paper *paper, const char *style)
{
    if (paper->color)
        fputs(style, paper->stream);
}

void paper_unpaint(const struct paper *paper)
{
    paper_paint(paper, "\033[0m");
}

void paper_word(const struct paper *paper, const char *text)
{
    static const struct {
        const char *word;
        const char *style;
    } styles[] = {{"PASS", "\033[32m"},
                  {"WARN", "\033[33m"},
                  {"FAIL", "\033[1;31m"},
                  {"ERROR", "\033[1;35m"},
                  {"SKIP", "\033[36m"}};
    for (size_t i = 0; i < ARRAY_LENGTH(styles); i++)
        if (strcmp(styles[i].word, text) == 0)
            paper_paint(paper, styles[i].style);
    fprintf(paper->stream, "%-*s", PAPER_WORD, text);
    paper_unpaint(paper);
}

size_t paper_line_length(const char *text, size_t columns)
{
    size_t end = strcspn(text, "\n");
    size_t fitting = text_fitting(text, columns);
    if (fitting >= end)
        return end;
    size_t blank = fitting;
    while (blank > 0 && text[blank] != ' ')
        blank--;
    if (blank > 0 && strspn(text, " ") < blank)
        return blank;
    return strcspn(text, " \n"); /* a path is worth more whole than within the width */
}

size_t paper_wrap(const struct paper *paper, const char *text, const char *style, size_t indent,
                  size_t most_lines)
{
    size_t left_out = 0;
    for (size_t lines = 0; *text != '\0'; lines++) {
        size_t length = paper_line_length(text, paper->width - indent);
        if (length == 0 && *text == ' ')
            length = strcspn(text, "\n");
        if (lines < most_lines) {
            fprintf(paper->stream, "%*s", (int)indent, "");
            paper_paint(paper, style);
            fwrite(text, 1, length, paper->stream);
            paper_unpaint(paper);
            fputc('\n', paper->stream);
        } else {
            left_out++;
        }
        text += length;
        text += *text == '\n' || *text == ' ';
    }
    return left_out;
}
