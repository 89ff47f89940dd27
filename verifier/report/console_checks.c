#include "report/console_checks.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "report/text.h"

enum {
    VALUE_LEAST = 20, /* columns of what a passed check has seen */
    NAME_MOST = 60,   /* columns; longer names push what is behind them */
    DETAIL_LINES = 8, /* the rest is in the report */
};

/* The lines of the details that the message has not told already; freed by the caller. */
static char *new_details(const struct report_case *one)
{
    struct buffer lines;
    buffer_init(&lines, strlen(one->details) + 2);
    for (const char *next = one->details; *next;) {
        size_t length = strcspn(next, "\n");
        cleanup(free_pointer) char *line = xstrndup(next, length);
        if (length == 0 || !strstr(one->message, line))
            buffer_printf(&lines, "%s\n", line);
        next += length + (next[length] == '\n');
    }
    return buffer_steal(&lines);
}

/* What is wrong with a scenario is told whole: it is what has to be mended. */
static void details(const struct paper *paper, const struct report_case *one, const char *file)
{
    cleanup(free_pointer) char *told = new_details(one);
    bool whole = paper->verbose || strcmp(one->group, "scenario") == 0;
    size_t most = whole ? SIZE_MAX : DETAIL_LINES;
    size_t left_out = paper_wrap(paper, told, PAPER_DIM, PAPER_INDENT, most);
    if (left_out == 0)
        return;
    cleanup(free_pointer) char *rest =
        xasprintf("... %zu more line%s in %s", left_out, left_out == 1 ? "" : "s", file);
    paper_wrap(paper, rest, PAPER_DIM, PAPER_INDENT, SIZE_MAX);
}

/* With --verbose also how long it took. */
static void add_time(const struct paper *paper, const struct report_case *one, struct buffer *text)
{
    char duration[DURATION_TEXT_SIZE];
    duration_format(one->duration_ms, duration);
    if (paper->verbose)
        buffer_printf(text, "%s(%s)", text->length > 0 ? " " : "", duration);
}

/* What was seen stands beside the name, in a column of its own that goes on below; or on lines of
 * its own, where there is no room for a column, or a word that does not fit into it. */
static void passed_line(const struct paper *paper, const struct report_case *one, size_t name_width)
{
    cleanup(free_pointer) char *value = case_seen(one);
    struct buffer text;
    buffer_init(&text, strlen(value) + DURATION_TEXT_SIZE + 8);
    buffer_append_text(&text, value);
    add_time(paper, one, &text);
    size_t columns = text_columns(one->name, SIZE_MAX);
    size_t gap = columns < name_width ? name_width - columns + 2 : 2;
    size_t used = PAPER_INDENT + columns + gap;
    size_t room = used < paper->width ? paper->width - used : 0;
    size_t length = paper_line_length(text.data, room);
    bool beside = text_columns(text.data, length) <= room &&
                  (text.data[length] == '\0' || room >= VALUE_LEAST);

    fprintf(paper->stream, "  ");
    paper_word(paper, "PASS");
    fprintf(paper->stream, "  %s", one->name);
    if (beside && length > 0) {
        fprintf(paper->stream, "%*s", (int)gap, "");
        paper_paint(paper, PAPER_DIM);
        fwrite(text.data, 1, length, paper->stream);
        paper_unpaint(paper);
        length += text.data[length] == ' ';
    }
    fputc('\n', paper->stream);
    paper_wrap(paper, text.data + (beside ? length : 0), PAPER_DIM, beside ? used : PAPER_INDENT,
               SIZE_MAX);
    buffer_free(&text);
    if (paper->verbose)
        paper_wrap(paper, one->details, PAPER_DIM, PAPER_INDENT, SIZE_MAX);
}

static void spoken_lines(const struct paper *paper, const struct report_case *one, const char *name,
                         const char *file)
{
    fprintf(paper->stream, "  ");
    paper_word(paper, one->verdict == VERDICT_FAIL   ? "FAIL"
                      : one->verdict == VERDICT_PASS ? "WARN"
                      : one->verdict == VERDICT_SKIP ? "SKIP"
                                                     : "ERROR");
    fputs("  ", paper->stream);
    paper_paint(paper, one->verdict == VERDICT_SKIP ? "" : PAPER_BOLD);
    fputs(name, paper->stream);
    paper_unpaint(paper);
    struct buffer time;
    buffer_init(&time, DURATION_TEXT_SIZE + 8);
    add_time(paper, one, &time);
    fprintf(paper->stream, "%s%s\n", time.length > 0 ? "  " : "", time.data);
    buffer_free(&time);
    paper_wrap(paper, one->message, "", PAPER_INDENT, SIZE_MAX);
    details(paper, one, file);
}

/* Names may take so much that what is behind them has its place. */
static size_t name_most(const struct paper *paper)
{
    size_t left = paper->width - PAPER_INDENT - 2 - VALUE_LEAST;
    return left < NAME_MOST ? left : NAME_MOST;
}

static bool same_skip(const struct report_case *one, const struct report_case *other)
{
    return one->verdict == VERDICT_SKIP && other->verdict == VERDICT_SKIP &&
           strcmp(one->message, other->message) == 0;
}

/* One failure commonly makes many checks impossible: they are one line unless asked for. */
static void skipped_lines(const struct paper *paper, const struct cases *cases, const char *file)
{
    for (size_t i = 0; i < cases->count; i++) {
        const struct report_case *one = &cases->items[i];
        bool told = false;
        size_t same = 0;
        for (size_t j = 0; j < cases->count; j++) {
            bool is_same = same_skip(one, &cases->items[j]);
            told = told || (is_same && j < i);
            same += is_same;
        }
        if (same == 0 || (told && !paper->verbose))
            continue;
        cleanup(free_pointer) char *many = xasprintf("%zu checks", same);
        spoken_lines(paper, one, same > 1 && !paper->verbose ? many : one->name, file);
    }
}

static bool same_error(const struct report_case *one, const struct report_case *other)
{
    return one->verdict == VERDICT_ERROR && other->verdict == VERDICT_ERROR &&
           strcmp(one->message, other->message) == 0;
}

/* "a, b and c", or "a and 16 other checks". Caller frees. */
static char *names_of_same(const struct cases *cases, const struct report_case *one)
{
    enum { NAMED_MOST = 3 };
    cleanup(strings_free) struct strings names = {0};
    for (size_t i = 0; i < cases->count; i++)
        if (same_error(one, &cases->items[i]))
            strings_add(&names, cases->items[i].name);
    return names.count <= NAMED_MOST
               ? strings_listed(&names)
               : xasprintf("%s and %zu other checks", one->name, names.count - 1);
}

/* So is what kept many from being looked at, such as the end of the run: at the first of them. What
 * each would have looked at, the report tells. */
static void error_lines(const struct paper *paper, const struct cases *cases, size_t index,
                        const char *file)
{
    const struct report_case *one = &cases->items[index];
    struct report_case first = *one;
    size_t same = 0;
    for (size_t i = 0; i < cases->count && !paper->verbose; i++) {
        bool is_same = same_error(one, &cases->items[i]);
        if (is_same && i < index)
            return;
        if (is_same && strcmp(one->details, cases->items[i].details) != 0)
            first.details = (char[]){""};
        same += is_same;
    }
    cleanup(free_pointer) char *names = names_of_same(cases, one);
    spoken_lines(paper, &first, same > 1 ? names : one->name, file);
}

void console_checks(const struct paper *paper, const struct cases *cases, const char *file)
{
    size_t name_width = 0;
    for (size_t i = 0; i < cases->count; i++) {
        size_t columns = text_columns(cases->items[i].name, SIZE_MAX);
        if (columns > name_width && columns <= name_most(paper))
            name_width = columns;
    }
    for (size_t i = 0; i < cases->count; i++) {
        const struct report_case *one = &cases->items[i];
        if (one->verdict == VERDICT_SKIP)
            continue;
        if (one->verdict == VERDICT_ERROR)
            error_lines(paper, cases, i, file);
        else if (one->verdict != VERDICT_PASS || one->warn)
            spoken_lines(paper, one, one->name, file);
        else if (paper->list_passed)
            passed_line(paper, one, name_width);
    }
    skipped_lines(paper, cases, file);
}
