/* A rehearsal as Markdown: for the comment on a pull request, or $GITHUB_STEP_SUMMARY. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checks/rehearsed.h"
#include "report/cases.h"
#include "report/files.h"
#include "report/rehearsal_text.h"
#include "report/text.h"

enum { TABLES_MOST = 15, STATEMENT_BYTES_MOST = 160 };

/* One line, in which nothing is Markdown or HTML; freed by the caller. */
static char *escaped(const char *text, size_t size)
{
    cleanup(free_pointer) char *clean = text_clean(text, size, TEXT_LINE);
    struct buffer line;
    buffer_init(&line, strlen(clean) * 6 + 1);
    for (const char *next = clean; *next; next++) {
        if (*next == '<')
            buffer_append_text(&line, "&lt;");
        else if (*next == '&')
            buffer_append_text(&line, "&amp;");
        else if (strchr("\\`*_[]|#~", *next))
            buffer_printf(&line, "\\%c", *next);
        else
            buffer_append(&line, next, 1);
    }
    return buffer_steal(&line);
}

static const char *verdict_word(const struct report_case *one)
{
    static const char *const words[] = {[VERDICT_NONE] = "ERROR",
                                        [VERDICT_PASS] = "PASS",
                                        [VERDICT_FAIL] = "**FAIL**",
                                        [VERDICT_ERROR] = "**ERROR**",
                                        [VERDICT_SKIP] = "SKIP"};
    return one->verdict == VERDICT_PASS && one->warn ? "**WARN**" : words[one->verdict];
}

static void case_rows(const struct result *result, struct buffer *target)
{
    struct cases cases;
    cases_build(result, &cases);
    buffer_append_text(target, "| | expected | found |\n|---|---|---|\n");
    for (size_t i = 0; i < cases.count; i++) {
        const struct report_case *one = &cases.items[i];
        cleanup(free_pointer) char *name = escaped(one->name, SIZE_MAX);
        cleanup(free_pointer) char *message = escaped(one->message, SIZE_MAX);
        buffer_printf(target, "| %s | %s | %s |\n", verdict_word(one), name, message);
    }
    buffer_append_text(target, "\n");
    cases_free(&cases);
}

/* "2,000 new, 75,000 changed, 3 deleted" */
static void rows_cell(const struct rehearsed_table *table, struct buffer *target)
{
    static const char *const words[] = {"inserted", "updated", "deleted"};
    const int64_t counts[] = {table->inserted, table->updated, table->deleted};
    bool first = true;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        char count[COUNT_TEXT_SIZE];
        count_format(counts[i], count);
        if (counts[i] > 0)
            buffer_printf(target, "%s%s %s", first ? "" : ", ", count, words[i]);
        first = first && counts[i] == 0;
    }
    buffer_printf(target, "%s%s", table->rewritten ? (first ? "rewritten" : ", rewritten") : "",
                  !table->was_there  ? " (new)"
                  : !table->is_there ? " (gone)"
                                     : "");
}

static void table_row(const struct rehearsal *rehearsal, const struct rehearsed_table *table,
                      struct buffer *target)
{
    char writing[SPAN_TEXT_SIZE], reading[SPAN_TEXT_SIZE];
    const struct rehearsed_interval *worst = rehearsal_worst(rehearsal, table->name);
    cleanup(free_pointer) char *name = escaped(table->name, sizeof(table->name));
    cleanup(free_pointer) char *taker =
        worst ? escaped(worst->taker.text, STATEMENT_BYTES_MOST) : xstrdup("");
    span_format(table->write_blocked_us, writing);
    span_format(table->read_blocked_us, reading);
    buffer_printf(target, "| %s | %s | %s | ", name, writing, reading);
    rows_cell(table, target);
    buffer_printf(target, " | %s |\n", taker);
}

static void table_rows(const struct rehearsal *rehearsal, struct buffer *target)
{
    const struct rehearsed_table *tables[TABLES_MOST];
    size_t count = rehearsal_told_tables(rehearsal, tables, TABLES_MOST);
    if (count == 0)
        return;
    buffer_append_text(target, "| table | not written for | not read for | rows | by |\n"
                               "|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        table_row(rehearsal, tables[i], target);
    buffer_append_text(target, "\n");
}

static void rest(const struct rehearsal *rehearsal, struct buffer *target)
{
    struct buffer lines;
    buffer_init(&lines, (size_t)1 << 20);
    rehearsal_lines(rehearsal, true, &lines);
    buffer_append_text(target, "<details><summary>All of it</summary>\n\n");
    /* Indented, nothing in it is Markdown, whatever it holds. */
    for (const char *line = lines.data; *line;) {
        size_t length = strcspn(line, "\n");
        buffer_printf(target, "    %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    buffer_append_text(target, "\n</details>\n\n");
    buffer_free(&lines);
    rehearsal_limits(rehearsal, target);
}

void markdown_format(const struct result *result, struct buffer *target)
{
    static const char *const words[] = {"PASS", "FAIL", "ERROR"};
    const struct rehearsal *rehearsal = result->rehearsal;
    cleanup(free_pointer) char *scenario = escaped(result->scenario, SIZE_MAX);
    cleanup(free_pointer) char *headline = result_headline(result);
    buffer_printf(target, "### %s: migration of %s: %s\n\n", words[result_exit_code(result)],
                  scenario, headline);
    if (rehearsal && rehearsal->command.ran) {
        struct buffer summary;
        buffer_init(&summary, 4096);
        rehearsal_summary(rehearsal, &summary);
        cleanup(free_pointer) char *line = escaped(summary.data, SIZE_MAX);
        buffer_printf(target, "%s\n\n", line);
        buffer_free(&summary);
    }
    case_rows(result, target);
    if (rehearsal && rehearsal->command.ran) {
        table_rows(rehearsal, target);
        rest(rehearsal, target);
    }
}

int rehearsal_report(const struct result *result, const char *directory, struct error *error)
{
    struct buffer text;
    buffer_init(&text, (size_t)16 << 20);
    markdown_format(result, &text);
    int outcome = junit_write(result, directory, error);
    if (outcome == 0)
        outcome = result_file_write(result, directory, "md", &text, error);
    buffer_free(&text);
    return outcome;
}
