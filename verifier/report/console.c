#include "report/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "report/console_checks.h"
#include "report/rehearsal_text.h"
#include "report/terminal.h"
#include "report/text.h"

enum {
    /* Columns that lines are wrapped to where they have blanks: those of the terminal, within what
     * can be read. */
    WIDTH_UNKNOWN = 100,
    WIDTH_LEAST = 40,
    WIDTH_MOST = 160,
    NOTE_LINES = 4,
    LISTED_MOST = 60, /* with more checks than this in a run, passed ones are only counted */
};

static void add_count(struct buffer *line, int count, const char *words)
{
    if (count > 0)
        buffer_printf(line, "%s%d %s", line->length > 0 ? ", " : "", count, words);
}

static void headline(const struct paper *paper, const struct result *result)
{
    static const char *const words[] = {"PASS", "FAIL", "ERROR"};
    struct totals totals;
    result_totals(result, &totals);
    cleanup(free_pointer) char *name = text_line(result->scenario);
    paper_word(paper, words[result_exit_code(result)]);
    fputs("  ", paper->stream);
    paper_paint(paper, PAPER_BOLD);
    fputs(name, paper->stream);
    paper_unpaint(paper);
    cleanup(free_pointer) char *sentence = result_headline(result);
    fprintf(paper->stream, ": %s\n", sentence);

    struct buffer line;
    buffer_init(&line, 2000);
    add_count(&line, totals.passed, "passed");
    add_count(&line, totals.warnings, "of them with a warning");
    add_count(&line, totals.failed, "failed");
    add_count(&line, totals.errors, "could not be looked at");
    add_count(&line, totals.skipped, "skipped");
    add_count(&line, totals.left_out, "not selected");
    paper_wrap(paper, line.data, "", PAPER_INDENT - 2, SIZE_MAX);
    buffer_free(&line);
}

/* Adds a part to a line of parts divided by commas; "" adds nothing. */
static void add_part(struct buffer *line, const char *before, const char *text, size_t size,
                     const char *behind)
{
    cleanup(free_pointer) char *clean = text_clean(text, size, TEXT_LINE);
    if (clean[0] != '\0')
        buffer_printf(line, "%s%s%s%s", line->length > 0 ? ", " : "", before, clean, behind);
}

static void add_age(struct buffer *line, const struct facts *facts)
{
    char age[DURATION_TEXT_SIZE];
    if (facts->backup.time == 0 || facts->began == 0)
        return;
    int64_t age_s = (int64_t)facts->began - (int64_t)facts->backup.time;
    duration_format(llabs(age_s) * 1000, age);
    add_part(line, "", age, sizeof(age), age_s < 0 ? " in the future" : " old");
}

static void backup_line(const struct paper *paper, const struct facts *facts)
{
    const struct backup_fact *backup = &facts->backup;
    struct buffer line;
    buffer_init(&line, 64 * 1024);
    if (backup->path[0] != '\0') {
        const char *slash = memrchr(backup->path, '/', strnlen(backup->path, PATH_MAX));
        const char *name = slash && slash + 1 < backup->path + PATH_MAX ? slash + 1 : backup->path;
        char size[SIZE_TEXT_SIZE];
        size_format(backup->size_bytes, size);
        add_part(&line, "", name, sizeof(backup->path) - (size_t)(name - backup->path), "");
        add_age(&line, facts);
        add_part(&line, "", size, sizeof(size), "");
        add_part(&line, "", backup->format, sizeof(backup->format), "");
    }
    if (facts->stages[STAGE_READ].state == STAGE_DONE) {
        char count[COUNT_TEXT_SIZE];
        count_format(backup->table_count, count);
        add_part(&line, "", count, sizeof(count), backup->table_count == 1 ? " table" : " tables");
        count_format(backup->row_count, count);
        add_part(&line, "", count, sizeof(count), backup->row_count == 1 ? " row" : " rows");
    }
    const struct stage_fact *find = &facts->stages[STAGE_FIND];
    if (line.length == 0 && find->state == STAGE_FAILED && find->error.fault != FAULT_BACKUP)
        buffer_append_text(&line, "no backup was found");
    if (line.length > 0)
        paper_wrap(paper, line.data, "", PAPER_INDENT - 2, SIZE_MAX);
    buffer_free(&line);
}

static void server_line(const struct paper *paper, const struct facts *facts)
{
    const struct server_fact *server = &facts->server;
    struct buffer line;
    buffer_init(&line, 64 * 1024);
    add_part(&line, "restored into ", server->where, sizeof(server->where), "");
    add_part(&line, "PostgreSQL ", server->version, sizeof(server->version), "");
    add_part(&line, "as ", server->restored_as, sizeof(server->restored_as), "");
    add_part(&line, "in the locale C, because this is not here: ", server->locale_missing,
             sizeof(server->locale_missing), "");
    if (server->where[0] != '\0' && facts->stages[STAGE_RESTORE].state == STAGE_DONE)
        paper_wrap(paper, line.data, PAPER_DIM, PAPER_INDENT - 2, SIZE_MAX);
    buffer_free(&line);
}

/* What is asked for with --verbose: a line, where there is something to say. */
static void verbose_line(const struct paper *paper, const char *before, const char *text,
                         size_t size)
{
    struct buffer line;
    buffer_init(&line, 64 * 1024);
    add_part(&line, before, text, size, "");
    if (paper->verbose && line.length > 0)
        paper_wrap(paper, line.data, PAPER_DIM, PAPER_INDENT - 2, SIZE_MAX);
    buffer_free(&line);
}

static void confinement_line(const struct paper *paper, const struct facts *facts)
{
    const struct server_fact *server = &facts->server;
    struct buffer line;
    buffer_init(&line, 64 * 1024);
    add_part(&line, "confined by ", server->confined_by, sizeof(server->confined_by), "");
    add_part(&line, "not by ", server->not_confined_by, sizeof(server->not_confined_by), "");
    if (paper->verbose && line.length > 0)
        paper_wrap(paper, line.data, PAPER_DIM, PAPER_INDENT - 2, SIZE_MAX);
    buffer_free(&line);
}

static void stage_line(const struct paper *paper, const struct facts *facts)
{
    struct buffer line;
    buffer_init(&line, 2000);
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        const struct stage_fact *stage = &facts->stages[i];
        const char *comma = line.length > 0 ? ", " : "";
        char time[DURATION_TEXT_SIZE];
        duration_format(stage->duration_ms, time);
        if (stage->state == STAGE_DONE)
            buffer_printf(&line, "%s%s %s", comma, stage_name(i), time);
        else if (stage->state == STAGE_FAILED)
            buffer_printf(&line, "%s%s failed after %s", comma, stage_name(i), time);
        else if (stage->state == STAGE_RUNNING)
            buffer_printf(&line, "%s%s interrupted", comma, stage_name(i));
    }
    paper_wrap(paper, line.data, PAPER_DIM, PAPER_INDENT - 2, SIZE_MAX);
    buffer_free(&line);
}

static void note(const struct paper *paper, const char *text, size_t size)
{
    cleanup(free_pointer) char *clean = text_clean(text, size, TEXT_BLOCK);
    cleanup(free_pointer) char *line = xasprintf("note: %s", clean);
    if (clean[0] != '\0' && paper_wrap(paper, line, "", PAPER_INDENT - 2,
                                       paper->verbose ? SIZE_MAX : (size_t)NOTE_LINES) > 0)
        paper_wrap(paper, "...", "", PAPER_INDENT - 2, SIZE_MAX);
}

static void notes(const struct paper *paper, const struct facts *facts)
{
    note(paper, facts->backup.notices, sizeof(facts->backup.notices));
    if (facts->databases.others[0] != '\0') {
        cleanup(free_pointer) char *line =
            xasprintf("restored as well, and not looked at: %.*s",
                      (int)sizeof(facts->databases.others), facts->databases.others);
        note(paper, line, SIZE_MAX);
    }
    if (facts->restore.excluded_count > 0) {
        cleanup(free_pointer) char *line =
            xasprintf("%d archive entr%s left out on request (restore: exclude)",
                      facts->restore.excluded_count,
                      facts->restore.excluded_count == 1 ? "y was" : "ies were");
        note(paper, line, SIZE_MAX);
    }
    const struct stage_fact *stop = &facts->stages[STAGE_STOP];
    if (stop->state == STAGE_FAILED) /* no check speaks of what comes after the checks */
        note(paper, stop->error.text, sizeof(stop->error.text));
}

static void rehearsal_part(const struct paper *paper, const struct rehearsal *rehearsal)
{
    struct buffer text;
    buffer_init(&text, (size_t)4 << 20);
    if (rehearsal->command.ran)
        rehearsal_lines(rehearsal, paper->verbose, &text);
    if (rehearsal->command.ran)
        rehearsal_limits(rehearsal, &text);
    paper_wrap(paper, text.data, "", PAPER_INDENT - 2, SIZE_MAX);
    buffer_free(&text);
}

static void scenario_lines(const struct paper *paper, const struct result *result)
{
    headline(paper, result);
    if (result->rehearsal) {
        rehearsal_part(paper, result->rehearsal);
    } else if (result->facts) {
        backup_line(paper, result->facts);
        server_line(paper, result->facts);
        confinement_line(paper, result->facts);
        verbose_line(paper, "a restore for real needs ", result->facts->backup.needs,
                     sizeof(result->facts->backup.needs));
        verbose_line(paper, "server: ", result->facts->server.origin,
                     sizeof(result->facts->server.origin));
        stage_line(paper, result->facts);
        verbose_line(paper, "restore: ", result->facts->restore.time_spent,
                     sizeof(result->facts->restore.time_spent));
        notes(paper, result->facts);
    }
    cleanup(free_pointer) char *name = result_file_name(result);
    cleanup(free_pointer) char *file =
        paper->reports ? xasprintf("%s/%s.xml", paper->reports, name) : xstrdup("the report");
    struct cases cases;
    cases_build(result, &cases);
    console_checks(paper, &cases, file);
    cases_free(&cases);
    fputc('\n', paper->stream);
}

/* One scenario may have several results: of its backup, of its migration, of its alarm. The worst
 * counts. Gives how many scenarios there are. */
static size_t count_scenarios(const struct result *results, size_t count, int ret_codes[3])
{
    size_t scenarios = 0;
    for (size_t i = 0; i < count; i++) {
        int worst = 0;
        size_t first = count;
        for (size_t j = 0; j < count; j++)
            if (strcmp(results[j].scenario, results[i].scenario) == 0) {
                int code = result_exit_code(&results[j]);
                worst = code > worst ? code : worst;
                first = j < first ? j : first;
            }
        if (first < i)
            continue;
        ret_codes[worst]++;
        scenarios++;
    }
    return scenarios;
}

static void last_line(const struct paper *paper, const struct result *results, size_t count)
{
    int scenarios[3] = {0};
    int checks = 0;
    size_t all = count_scenarios(results, count, scenarios);
    for (size_t i = 0; i < count; i++) {
        struct totals totals;
        result_totals(&results[i], &totals);
        checks += totals.checks - totals.left_out;
    }
    struct buffer line;
    buffer_init(&line, SIZE_MAX / 2);
    buffer_printf(&line, "%zu scenario%s: ", all, all == 1 ? "" : "s");
    const char *comma = "";
    static const char *const words[] = {"passed", "failed", "not verified"};
    for (size_t code = 0; code < ARRAY_LENGTH(words); code++) {
        if (scenarios[code] > 0)
            buffer_printf(&line, "%s%d %s", comma, scenarios[code], words[code]);
        comma = scenarios[code] > 0 ? ", " : comma;
    }
    if (count == 0)
        buffer_append_text(&line, "nothing was verified");
    buffer_printf(&line, "; %d check%s.", checks, checks == 1 ? "" : "s");
    if (paper->reports)
        buffer_printf(&line, " Reports: %s", paper->reports);
    paper_wrap(paper, line.data, PAPER_BOLD, 0, SIZE_MAX);
    buffer_free(&line);
}

/* "a, b and c", or the first of many; the others stand above, and what to do must not drown in
 * them. */
static char *names_of_some(const struct strings *names)
{
    enum { NAMES_MOST = 6 };
    cleanup(strings_free) struct strings some = {0};
    size_t shown = names->count > NAMES_MOST ? NAMES_MOST - 1 : names->count;
    for (size_t i = 0; i < shown; i++)
        strings_add(&some, names->items[i]);
    if (names->count > shown)
        strings_addf(&some, "%zu more", names->count - shown);
    return strings_listed(&some);
}

/* What to do about each that is red, and once where it is the same about several. */
static void advice(const struct paper *paper, const struct result *results, size_t count)
{
    cleanup(strings_free) struct strings told = {0};
    for (size_t i = 0; i < count; i++) {
        const char *remedy = result_remedy(&results[i]);
        cleanup(strings_free) struct strings names = {0};
        if (!remedy || strings_contain(&told, remedy))
            continue;
        for (size_t j = i; j < count; j++) {
            const char *other = result_remedy(&results[j]);
            cleanup(free_pointer) char *name = text_line(results[j].scenario);
            if (other && strcmp(other, remedy) == 0 && !strings_contain(&names, name))
                strings_add(&names, name);
        }
        strings_add(&told, remedy);
        cleanup(free_pointer) char *about = names_of_some(&names);
        cleanup(free_pointer) char *line = xasprintf("What to do about %s: %s.", about, remedy);
        paper_wrap(paper, line, "", 0, SIZE_MAX);
    }
}

static size_t width_of(FILE *stream)
{
    size_t columns = terminal_size(stream, (struct terminal_size){WIDTH_UNKNOWN, 0}).columns;
    return columns < WIDTH_LEAST ? WIDTH_LEAST : columns > WIDTH_MOST ? WIDTH_MOST : columns;
}

void console_print(const struct result *results, size_t count, bool color, bool verbose,
                   const char *reports_directory, FILE *stream)
{
    cleanup(free_pointer) char *reports = reports_directory ? text_line(reports_directory) : NULL;
    size_t checks = 0;
    for (size_t i = 0; i < count; i++)
        checks += result_check_count(&results[i]);
    struct paper paper = {
        .stream = stream,
        .width = width_of(stream),
        .color = color,
        .verbose = verbose,
        .list_passed = verbose || checks <= LISTED_MOST,
        .reports = reports,
    };
    for (size_t i = 0; i < count; i++)
        scenario_lines(&paper, &results[i]);
    last_line(&paper, results, count);
    advice(&paper, results, count);
    fflush(stream);
}
