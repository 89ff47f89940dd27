#include "report/progress.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "report/cases.h"
#include "report/terminal.h"
#include "report/text.h"

enum { COLUMNS_UNKNOWN = 80, ROWS_UNKNOWN = 24, LINE_LIMIT = 4096, SCREEN_LIMIT = 1024 * 1024 };

struct progress {
    FILE *stream; /* borrowed */
    bool terminal;
    bool color;
    int64_t began_ms;
    int64_t drawn_ms;
    size_t live_lines;    /* on the screen, above the cursor */
    size_t *live_columns; /* of each */
    int64_t *plain_ms;    /* of each scenario: when its last plain line was written */
    size_t plain_count;
};

struct progress *progress_new(FILE *stream, bool terminal, bool color)
{
    struct progress *progress = xcalloc(1, sizeof(*progress));
    progress->stream = stream;
    progress->terminal = terminal;
    progress->color = color;
    progress->began_ms = clock_ms();
    return progress;
}

void progress_free(struct progress *progress)
{
    if (!progress)
        return;
    progress_clear(progress);
    free(progress->plain_ms);
    free(progress->live_columns);
    free(progress);
}

static bool is_over(const struct result *result)
{
    enum stage_state stop = result->facts->stages[STAGE_STOP].state;
    return stop == STAGE_DONE || stop == STAGE_FAILED;
}

/* The first stage that is running; stages overlap, and the earlier one is waited for. */
static enum stage running_stage(const struct facts *facts)
{
    for (size_t i = 0; i < STAGE_COUNT; i++)
        if (facts->stages[i].state == STAGE_RUNNING)
            return i;
    return STAGE_COUNT;
}

/* `alone`: nothing else tells how long it will take. */
static void read_progress(const struct facts *facts, int64_t elapsed_ms, bool alone,
                          struct buffer *line)
{
    int64_t done = facts->read_bytes;
    int64_t total = facts->backup.size_bytes;
    if (done <= 0 || total <= 0 || done > total)
        return;
    char done_text[SIZE_TEXT_SIZE];
    char total_text[SIZE_TEXT_SIZE];
    size_format(done, done_text);
    size_format(total, total_text);
    double part = (double)done / (double)total;
    buffer_printf(line, ", %d %%, %s of %s", (int)(part * 100), done_text, total_text);
    if (!alone || elapsed_ms < 2000 || part < 0.02 || done == total)
        return; /* too early to tell */
    char left[DURATION_TEXT_SIZE];
    duration_format((int64_t)((double)elapsed_ms * (1 - part) / part), left);
    buffer_printf(line, ", %s of reading left", left);
}

/* What the server tells of the rows; those of tables that came and went between two looks are not
 * in it. */
static void copy_progress(const struct facts *facts, struct buffer *line)
{
    char rows[COUNT_TEXT_SIZE], all[COUNT_TEXT_SIZE], size[SIZE_TEXT_SIZE];
    int64_t done = facts->restoring.rows;
    int64_t total = facts->backup.row_count;
    if (done <= 0)
        return;
    count_format(done, rows);
    count_format(total, all);
    size_format(facts->restoring.bytes, size);
    if (total >= done)
        buffer_printf(line, ", %d %%, %s of %s rows, %s", (int)((double)done * 100 / (double)total),
                      rows, all, size);
    else
        buffer_printf(line, ", %s rows, %s", rows, size);
}

static void index_progress(const struct facts *facts, struct buffer *line)
{
    const struct restore_seen *seen = &facts->restoring;
    int count = seen->index_count;
    int percent = seen->index_percent;
    if (count <= 0)
        return;
    cleanup(free_pointer) char *index = clean_line(seen->index[seen->current & 1]);
    buffer_printf(line, ", building %.*s", (int)text_fitting(index, 70), index);
    if (percent >= 0 && percent <= 100)
        buffer_printf(line, ", %d %%", percent);
    if (count > 1)
        buffer_printf(line, " and %d more", count - 1);
}

static void check_progress(const struct result *result, struct buffer *line)
{
    size_t count = 0;
    size_t done = 0;
    size_t red = 0;
    for (size_t i = 0; result->outcomes && i < result_check_count(result); i++) {
        if (case_is_left_out(result, i))
            continue;
        count++;
        enum verdict verdict = result->outcomes[i].verdict;
        done += verdict != VERDICT_NONE;
        red += verdict == VERDICT_FAIL || verdict == VERDICT_ERROR;
    }
    buffer_printf(line, ", %zu of %zu check%s", done, count, count == 1 ? "" : "s");
    if (red > 0)
        buffer_printf(line, ", %zu not passed", red);
}

/* What this stage is to take: reading and restoring go with the size of the backup. 0: not known.
 */
static int64_t usual_ms(const struct facts *facts, const struct usual_times *usual,
                        enum stage stage)
{
    enum { SCALE_MOST = 4 }; /* beyond, the earlier nights tell nothing of this one */
    int64_t ms = usual->stages_ms[stage];
    if ((stage != STAGE_READ && stage != STAGE_RESTORE) || usual->backup_size_bytes <= 0 ||
        facts->backup.size_bytes <= 0)
        return ms;
    double scale = (double)facts->backup.size_bytes / (double)usual->backup_size_bytes;
    scale = scale > SCALE_MOST ? SCALE_MOST : scale < 1.0 / SCALE_MOST ? 1.0 / SCALE_MOST : scale;
    return (int64_t)((double)ms * scale);
}

/* By what the stages took in earlier nights; reading goes on while the server starts, and the
 * bucket is listed beside everything. A stage that takes much longer than ever tells nothing of
 * what is left, and is worth saying. */
static void time_left(const struct facts *facts, const struct usual_times *usual, int64_t now_ms,
                      struct buffer *line)
{
    char text[DURATION_TEXT_SIZE];
    int64_t left_ms = 0;
    int64_t begin_ms = 0; /* of reading and starting, the longer one */
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        const struct stage_fact *fact = &facts->stages[stage];
        int64_t whole_ms = usual_ms(facts, usual, stage);
        if (stage == STAGE_OBJECTS || fact->state == STAGE_DONE || fact->state == STAGE_FAILED)
            continue;
        int64_t elapsed_ms = fact->state == STAGE_RUNNING ? now_ms - fact->started_ms : 0;
        if (elapsed_ms > whole_ms + whole_ms / 4 + PROGRESS_LATE_MS) {
            duration_format(whole_ms, text);
            buffer_printf(line, ", longer than the usual %s", text);
            return;
        }
        int64_t rest_ms = elapsed_ms < whole_ms ? whole_ms - elapsed_ms : 0;
        if (stage == STAGE_READ || stage == STAGE_START)
            begin_ms = rest_ms > begin_ms ? rest_ms : begin_ms;
        else
            left_ms += rest_ms;
    }
    if (left_ms + begin_ms < PROGRESS_QUIET_MS)
        return;
    duration_format((left_ms + begin_ms) / 1000 * 1000, text);
    buffer_printf(line, ", about %s left", text);
}

static void sync_progress(const struct sync_progress *sync, struct buffer *line)
{
    char count[COUNT_TEXT_SIZE], all[COUNT_TEXT_SIZE], size[SIZE_TEXT_SIZE], whole[SIZE_TEXT_SIZE];
    int64_t done = sync->done_count, wanted = sync->wanted_count;
    int64_t done_bytes = sync->done_bytes, wanted_bytes = sync->wanted_bytes;
    count_format(done, count);
    count_format(wanted, all);
    size_format(done_bytes, size);
    size_format(wanted_bytes, whole);
    if (sync->listed && wanted > 0) {
        buffer_append_text(line, "copying");
        if (wanted_bytes > 0 && done_bytes <= wanted_bytes)
            buffer_printf(line, ", %d %%", (int)((double)done_bytes * 100 / (double)wanted_bytes));
        buffer_printf(line, ", %s of %s object%s, %s of %s", count, all, wanted == 1 ? "" : "s",
                      size, whole);
        return;
    }
    buffer_append_text(line, "comparing the bucket with its copy");
    if (sync->listed_count > 0) {
        count_format(sync->listed_count, all);
        buffer_printf(line, ", %s object%s", all, sync->listed_count == 1 ? "" : "s");
    }
    if (done > 0)
        buffer_printf(line, ", %s copied, %s", count, size);
}

static void chore_line(const struct chore_fact *chore, int64_t now_ms, struct buffer *line)
{
    char size[SIZE_TEXT_SIZE], elapsed[DURATION_TEXT_SIZE];
    int64_t elapsed_ms = now_ms - chore->began_ms;
    enum chore_step step = chore->step;
    switch (step) {
    case CHORE_NONE:
    case CHORE_CONNECT:
        buffer_append_text(line, "connecting to the database");
        break;
    case CHORE_COUNT_ROWS:
        buffer_append_text(line, "counting its rows");
        break;
    case CHORE_DUMP:
        size_format(chore->archive_bytes, size);
        buffer_printf(line, "dumping, %s", size);
        break;
    case CHORE_SYNC:
        sync_progress(&chore->sync, line);
        break;
    }
    if (elapsed_ms < PROGRESS_QUIET_MS)
        return;
    duration_format(elapsed_ms, elapsed);
    buffer_printf(line, " (%s)", elapsed);
}

void progress_line(const struct result *result, int64_t now_ms, struct buffer *line)
{
    static const char *const doing[STAGE_COUNT + 1] = {
        [STAGE_FIND] = "looking for the backup",       [STAGE_READ] = "reading the backup",
        [STAGE_START] = "starting a server",           [STAGE_RESTORE] = "restoring",
        [STAGE_OBJECTS] = "listing the bucket",        [STAGE_CHECK] = "checking",
        [STAGE_REHEARSE] = "rehearsing the migration", [STAGE_STOP] = "stopping the server",
    };
    static const char *const ended[] = {"passed", "failed", "not verified"};
    cleanup(free_pointer) char *name = text_line(result->scenario);
    buffer_printf(line, "%.*s: ", (int)text_fitting(name, 60), name);
    if (!result->facts || result->facts->began_ms == 0) {
        buffer_append_text(line, "waiting");
        return;
    }
    if (result->kind == REPORT_DUMP || result->kind == REPORT_SYNC) {
        chore_line(&result->facts->chore, now_ms, line);
        return;
    }
    if (is_over(result)) {
        buffer_append_text(line, ended[result_exit_code(result)]);
        return;
    }
    enum stage stage = running_stage(result->facts);
    if (stage == STAGE_COUNT) {
        buffer_append_text(line, "between stages");
        return;
    }
    int64_t elapsed_ms = now_ms - result->facts->stages[stage].started_ms;
    buffer_append_text(line, doing[stage]);
    if (stage == STAGE_READ)
        read_progress(result->facts, elapsed_ms, !result->usual, line);
    if (stage == STAGE_RESTORE) {
        copy_progress(result->facts, line);
        index_progress(result->facts, line);
    }
    if (stage == STAGE_CHECK)
        check_progress(result, line);
    if (result->usual && elapsed_ms >= PROGRESS_QUIET_MS)
        time_left(result->facts, result->usual, now_ms, line);
    if (elapsed_ms >= PROGRESS_QUIET_MS) {
        char elapsed[DURATION_TEXT_SIZE];
        duration_format(elapsed_ms, elapsed);
        buffer_printf(line, " (%s)", elapsed);
    }
}

static struct terminal_size size_of(const struct progress *progress)
{
    return terminal_size(progress->stream, (struct terminal_size){COLUMNS_UNKNOWN, ROWS_UNKNOWN});
}

/* The rows that the live lines take by now: a window that became narrower has folded them. */
static size_t live_rows(const struct progress *progress, size_t columns)
{
    size_t rows = 0;
    for (size_t i = 0; i < progress->live_lines; i++) {
        size_t own = (progress->live_columns[i] + columns - 1) / columns;
        rows += own > 0 ? own : 1;
    }
    return rows;
}

/* Takes the cursor to the first live line. */
static void rewind_screen(const struct progress *progress, size_t columns, struct buffer *screen)
{
    size_t rows = live_rows(progress, columns);
    buffer_append_text(screen, "\r");
    if (rows > 0)
        buffer_printf(screen, "\033[%zuA", rows);
}

static void remember_line(struct progress *progress, size_t index, size_t columns)
{
    progress->live_columns =
        xreallocarray(progress->live_columns, index + 1, sizeof(*progress->live_columns));
    progress->live_columns[index] = columns;
}

/* Gives its columns. */
static size_t add_live_line(const struct progress *progress, const struct result *result,
                            int64_t now_ms, size_t columns, struct buffer *screen)
{
    struct buffer line;
    buffer_init(&line, LINE_LIMIT);
    progress_line(result, now_ms, &line);
    /* One column less: a full line would wrap, and the way up would be longer than known. */
    size_t length = text_fitting(line.data, columns - 1);
    size_t name = strcspn(line.data, ":");
    name = name < length ? name : length;
    buffer_printf(screen, "%s%.*s%s%.*s\033[K\n", progress->color ? "\033[1m" : "", (int)name,
                  line.data, progress->color ? "\033[0m" : "", (int)(length - name),
                  line.data + name);
    columns = text_columns(line.data, length);
    buffer_free(&line);
    return columns;
}

static void draw(struct progress *progress, const struct result *results, size_t count,
                 int64_t now_ms)
{
    struct terminal_size size = size_of(progress);
    size_t most = size.rows - 2;
    struct buffer screen;
    buffer_init(&screen, SCREEN_LIMIT);
    rewind_screen(progress, size.columns, &screen);

    size_t lines = 0;
    size_t hidden = 0;
    for (size_t i = 0; i < count; i++) {
        bool active = results[i].facts && results[i].facts->began_ms != 0 && !is_over(&results[i]);
        if ((count > most && !active) || lines == most) {
            hidden++; /* of more scenarios than rows, those under way matter */
            continue;
        }
        size_t columns = add_live_line(progress, &results[i], now_ms, size.columns, &screen);
        remember_line(progress, lines++, columns);
    }
    if (hidden > 0) {
        buffer_printf(&screen, "... and %zu more\033[K\n", hidden);
        remember_line(progress, lines++, 0);
    }
    buffer_append_text(&screen, "\033[J");
    fwrite(screen.data, 1, screen.length, progress->stream);
    fflush(progress->stream);
    buffer_free(&screen);
    progress->live_lines = lines;
    progress->drawn_ms = now_ms;
}

static void write_plain(struct progress *progress, const struct result *results, size_t count,
                        int64_t now_ms)
{
    if (progress->plain_count < count) {
        progress->plain_ms = xreallocarray(progress->plain_ms, count, sizeof(*progress->plain_ms));
        for (size_t i = progress->plain_count; i < count; i++)
            progress->plain_ms[i] = progress->began_ms;
        progress->plain_count = count;
    }
    for (size_t i = 0; i < count; i++) {
        if (!results[i].facts || results[i].facts->began_ms == 0 || is_over(&results[i]))
            continue;
        if (now_ms - progress->plain_ms[i] < PROGRESS_PLAIN_MS)
            continue;
        struct buffer line;
        buffer_init(&line, LINE_LIMIT);
        progress_line(&results[i], now_ms, &line);
        fprintf(progress->stream, "%s\n", line.data);
        buffer_free(&line);
        progress->plain_ms[i] = now_ms;
    }
    fflush(progress->stream);
}

void progress_update_at(struct progress *progress, const struct result *results, size_t count,
                        int64_t now_ms)
{
    if (now_ms - progress->began_ms < PROGRESS_QUIET_MS)
        return;
    if (!progress->terminal)
        write_plain(progress, results, count, now_ms);
    else if (progress->drawn_ms == 0 || now_ms - progress->drawn_ms >= PROGRESS_REDRAW_MS)
        draw(progress, results, count, now_ms);
}

void progress_update(struct progress *progress, const struct result *results, size_t count)
{
    progress_update_at(progress, results, count, clock_ms());
}

void progress_clear(struct progress *progress)
{
    if (!progress)
        return;
    if (progress->live_lines > 0) {
        fprintf(progress->stream, "\r\033[%zuA\033[J",
                live_rows(progress, size_of(progress).columns));
        fflush(progress->stream);
    }
    progress->live_lines = 0;
    progress->drawn_ms = 0;
}
