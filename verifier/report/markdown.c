/* Results as Markdown: for $GITHUB_STEP_SUMMARY, or the comment on a pull request. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number.h"
#include "checks/rehearsed.h"
#include "report/cases.h"
#include "report/rehearsal_text.h"
#include "report/text.h"

enum { TABLES_MOST = 15, STATEMENT_BYTES_MOST = 160 };

static bool is_word(char one)
{
    return isalnum((unsigned char)one) || one == '_';
}

/* "@somebody", at which GitHub and GitLab would call that person. */
static bool is_mention(const char *text, const char *at)
{
    return *at == '@' && is_word(at[1]) && (at == text || !is_word(at[-1]));
}

/* One line, in which nothing is Markdown or HTML, nor calls anybody; freed by the caller. */
static char *escaped(const char *text, size_t size)
{
    cleanup(free_pointer) char *whole = text_clean(text, size, TEXT_LINE);
    cleanup(free_pointer) char *clean = text_shorten(whole, TEXT_REPORTED_MOST, NULL);
    struct buffer line;
    buffer_init(&line, strlen(clean) * 9 + 1);
    for (const char *next = clean; *next; next++) {
        if (*next == '<')
            buffer_append_text(&line, "&lt;");
        else if (*next == '&')
            buffer_append_text(&line, "&amp;");
        else if (is_mention(clean, next))
            buffer_append_text(&line, "@<!-- -->");
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
        cleanup(free_pointer) char *full =
            one->database ? xasprintf("%s: %s", one->database, one->name) : xstrdup(one->name);
        cleanup(free_pointer) char *name = escaped(full, SIZE_MAX);
        cleanup(free_pointer) char *seen =
            one->message[0] != '\0' ? xstrdup(one->message) : case_seen(one);
        cleanup(free_pointer) char *message = escaped(seen, SIZE_MAX);
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

/* --- a verification --------------------------------------------------------------------------- */

static const char *fault_word(const struct report_case *one)
{
    return one->verdict == VERDICT_FAIL ? "" : "could not be looked at: ";
}

/* What failed, then what could not be looked at: the first thing that is read. */
static void faults(const struct cases *cases, struct buffer *target)
{
    static const enum verdict verdicts[] = {VERDICT_FAIL, VERDICT_ERROR};
    bool any = false;
    for (size_t v = 0; v < ARRAY_LENGTH(verdicts); v++)
        for (size_t i = 0; i < cases->count; i++) {
            const struct report_case *one = &cases->items[i];
            if (one->verdict != verdicts[v])
                continue;
            cleanup(free_pointer) char *name = escaped(one->name, SIZE_MAX);
            cleanup(free_pointer) char *message = escaped(one->message, SIZE_MAX);
            buffer_printf(target, "- **%s**: %s%s\n", name, fault_word(one), message);
            any = true;
        }
    if (any)
        buffer_append_text(target, "\n");
}

static void row(struct buffer *target, const char *name, const char *value, size_t size)
{
    cleanup(free_pointer) char *line = escaped(value, size);
    if (*line)
        buffer_printf(target, "| %s | %s |\n", name, line);
}

static void row_of_time(struct buffer *target, const char *name, time_t time)
{
    char text[TIME_TEXT_SIZE] = "";
    if (time != 0)
        time_format_utc(time, text);
    row(target, name, text, sizeof(text));
}

static void backup_rows(const struct facts *facts, struct buffer *target)
{
    const struct backup_fact *backup = &facts->backup;
    char size[SIZE_TEXT_SIZE];
    if (backup->path[0] == '\0')
        return;
    size_format(backup->size_bytes, size);
    buffer_append_text(target, "| backup | |\n|---|---|\n");
    cleanup(free_pointer) char *path = clean_line(backup->path);
    const char *slash = strrchr(path, '/');
    row(target, "file", slash ? slash + 1 : path, SIZE_MAX);
    row_of_time(target, "made", backup->time);
    row(target, "size", size, sizeof(size));
    row(target, "format", backup->format, sizeof(backup->format));
    row(target, "dumped from", backup->server_version, sizeof(backup->server_version));
    if (facts->stages[STAGE_READ].state == STAGE_DONE) {
        row(target, "tables", counted(backup->table_count).text, COUNT_TEXT_SIZE);
        row(target, "rows", counted(backup->row_count).text, COUNT_TEXT_SIZE);
    }
    if (facts->stages[STAGE_RESTORE].state == STAGE_DONE)
        row(target, "restored into PostgreSQL", facts->server.version,
            sizeof(facts->server.version));
    row(target, "SHA-256", backup->sha256, sizeof(backup->sha256));
    buffer_append_text(target, "\n");
}

static void stage_rows(const struct facts *facts, struct buffer *target)
{
    static const char *const words[] = {
        [STAGE_RUNNING] = " (interrupted)", [STAGE_DONE] = "", [STAGE_FAILED] = " (failed)"};
    bool any = false;
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        const struct stage_fact *fact = &facts->stages[stage];
        char time[DURATION_TEXT_SIZE] = "";
        if (fact->state == STAGE_NOT_REACHED || (size_t)fact->state >= ARRAY_LENGTH(words))
            continue;
        if (fact->state != STAGE_RUNNING)
            duration_format(fact->duration_ms, time);
        if (!any)
            buffer_append_text(target, "| stage | took |\n|---|---|\n");
        buffer_printf(target, "| %s | %s%s |\n", stage_name(stage), time, words[fact->state]);
        any = true;
    }
    if (any)
        buffer_append_text(target, "\n");
}

static void verified(const struct result *result, struct buffer *target)
{
    const char *remedy = result_remedy(result);
    struct cases cases;
    cases_build(result, &cases);
    faults(&cases, target);
    cases_free(&cases);
    if (remedy)
        buffer_printf(target, "What to do: %s.\n\n", remedy);
    case_rows(result, target);
    if (!result->facts)
        return;
    backup_rows(result->facts, target);
    stage_rows(result->facts, target);
}

void markdown_format(const struct result *result, struct buffer *target)
{
    static const char *const words[] = {"PASS", "FAIL", "ERROR"};
    const struct rehearsal *rehearsal = result->rehearsal;
    cleanup(free_pointer) char *scenario = escaped(result->scenario, SIZE_MAX);
    cleanup(free_pointer) char *headline = result_headline(result);
    buffer_printf(target, "### %s: %s%s: %s\n\n", words[result_exit_code(result)],
                  result->kind == REPORT_MIGRATION ? "migration of " : "", scenario, headline);
    if (result->kind != REPORT_MIGRATION) {
        verified(result, target);
        return;
    }
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
