#include "report/progress.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/report_fixture.h"
#include "tests/unit/unit.h"

enum { MEGABYTE = 1024 * 1024, NOW_MS = 5000000 };

static const struct {
    const char *name;
    enum stage stage; /* STAGE_COUNT: none is running */
    int64_t elapsed_ms;
    int64_t read_bytes;
    int64_t size_bytes;
    const char *line;
} lines[] = {
    {"find", STAGE_FIND, 10, 0, 0, "shop: looking for the backup"},
    {"read, size unknown", STAGE_READ, 4000, MEGABYTE, 0, "shop: reading the backup (4.0 s)"},
    {"read, early", STAGE_READ, 500, 25 * MEGABYTE, 100 * MEGABYTE,
     "shop: reading the backup, 25 %, 25.0 MiB of 100 MiB"},
    {"read", STAGE_READ, 4000, 25 * MEGABYTE, 100 * MEGABYTE,
     "shop: reading the backup, 25 %, 25.0 MiB of 100 MiB, 12 s of reading left (4.0 s)"},
    {"read, too little", STAGE_READ, 4000, MEGABYTE, 100 * MEGABYTE,
     "shop: reading the backup, 1 %, 1.0 MiB of 100 MiB (4.0 s)"},
    {"read, all", STAGE_READ, 4000, 100 * MEGABYTE, 100 * MEGABYTE,
     "shop: reading the backup, 100 %, 100 MiB of 100 MiB (4.0 s)"},
    {"read, more than all", STAGE_READ, 4000, 200 * MEGABYTE, 100 * MEGABYTE,
     "shop: reading the backup (4.0 s)"},
    {"restore", STAGE_RESTORE, 65000, 0, 0, "shop: restoring (1 min 5 s)"},
    {"objects", STAGE_OBJECTS, 10, 0, 0, "shop: listing the bucket"},
    {"check", STAGE_CHECK, 0, 0, 0, "shop: checking, 2 of 3 checks, 1 not passed"},
    {"none", STAGE_COUNT, 0, 0, 0, "shop: between stages"},
};

static struct sample *running(enum stage stage, int64_t started_ms)
{
    struct sample *sample = sample_new("shop");
    sample->facts.began_ms = 1;
    sample_add(sample, "a", "b", VERDICT_PASS, "");
    sample_add(sample, "a", "c", VERDICT_FAIL, "");
    sample_add(sample, "a", "d", VERDICT_NONE, "");
    if (stage < STAGE_COUNT)
        sample->facts.stages[stage] =
            (struct stage_fact){.state = STAGE_RUNNING, .started_ms = started_ms};
    return sample;
}

START_TEST(a_line_tells_what_is_known)
{
    struct sample *sample = running(lines[_i].stage, NOW_MS - lines[_i].elapsed_ms);
    sample->facts.read_bytes = lines[_i].read_bytes;
    sample->facts.backup.size_bytes = lines[_i].size_bytes;
    struct buffer line;
    buffer_init(&line, 4096);
    progress_line(&sample->result, NOW_MS, &line);
    ck_assert_str_eq(line.data, lines[_i].line);
    buffer_free(&line);
    sample_free(sample);
}
END_TEST

static const struct {
    const char *name;
    int64_t rows;
    int64_t row_count;
    int index_count;
    int index_percent;
    const char *index;
    const char *line;
} restores[] = {
    {"nothing seen", 0, 900, 0, 0, "", "shop: restoring"},
    {"rows", 4500000, 9000000, 0, 0, "",
     "shop: restoring, 50 %, 4,500,000 of 9,000,000 rows, 1.0 MiB"},
    {"more rows than known", 12, 9, 0, 0, "", "shop: restoring, 12 rows, 1.0 MiB"},
    {"an index", 0, 0, 1, 45, "trgm: scanning table",
     "shop: restoring, building trgm: scanning table, 45 %"},
    {"indexes", 9, 9, 3, -1, "trgm: sorting",
     "shop: restoring, 100 %, 9 of 9 rows, 1.0 MiB, building trgm: sorting and 2 more"},
    {"a hostile index", 0, 0, 1, -1, "\033[31m\"x\n", "shop: restoring, building \\x1b[31m\"x\\n"},
};

START_TEST(a_restore_tells_what_the_server_tells)
{
    struct sample *sample = running(STAGE_RESTORE, NOW_MS);
    struct restore_seen *seen = &sample->facts.restoring;
    sample->facts.backup.row_count = restores[_i].row_count;
    seen->rows = restores[_i].rows;
    seen->bytes = MEGABYTE;
    seen->index_count = restores[_i].index_count;
    seen->index_percent = restores[_i].index_percent;
    seen->current = 1;
    strcpy(seen->index[1], restores[_i].index);
    struct buffer line;
    buffer_init(&line, 4096);
    progress_line(&sample->result, NOW_MS, &line);
    ck_assert_str_eq(line.data, restores[_i].line);
    buffer_free(&line);
    sample_free(sample);
}
END_TEST

static const struct {
    const char *name;
    enum chore_step step;
    int64_t elapsed_ms;
    int64_t archive_bytes;
    struct sync_progress sync;
    const char *line;
} chores[] = {
    {"connecting", CHORE_CONNECT, 10, 0, {0}, "shop: connecting to the database"},
    {"counting", CHORE_COUNT_ROWS, 2000, 0, {0}, "shop: counting its rows (2.0 s)"},
    {"dumping", CHORE_DUMP, 65000, 3 * MEGABYTE, {0}, "shop: dumping, 3.0 MiB (1 min 5 s)"},
    {"nothing listed", CHORE_SYNC, 10, 0, {0}, "shop: comparing the bucket with its copy"},
    {"one listed",
     CHORE_SYNC,
     10,
     0,
     {.listed_count = 1},
     "shop: comparing the bucket with its copy, 1 object"},
    {"copying while it lists",
     CHORE_SYNC,
     1000,
     0,
     {.listed_count = 12000, .wanted_count = 9, .done_count = 7, .done_bytes = MEGABYTE},
     "shop: comparing the bucket with its copy, 12,000 objects, 7 copied, 1.0 MiB (1.0 s)"},
    {"copying",
     CHORE_SYNC,
     10,
     0,
     {true, 12000, 1234, 4 * MEGABYTE, 12, MEGABYTE},
     "shop: copying, 25 %, 12 of 1,234 objects, 1.0 MiB of 4.0 MiB"},
    {"one, and empty",
     CHORE_SYNC,
     10,
     0,
     {true, 5, 1, 0, 0, 0},
     "shop: copying, 0 of 1 object, 0 B of 0 B"},
    {"more than was listed",
     CHORE_SYNC,
     10,
     0,
     {true, 5, 2, 10, 1, 20},
     "shop: copying, 1 of 2 objects, 20 B of 10 B"},
    {"nothing to copy",
     CHORE_SYNC,
     10,
     0,
     {true, 5, 0, 0, 0, 0},
     "shop: comparing the bucket with its copy, 5 objects"},
};

START_TEST(a_chore_tells_where_it_stands)
{
    struct sample *sample = running(STAGE_COUNT, NOW_MS);
    struct chore_fact *chore = &sample->facts.chore;
    sample->result.kind = chores[_i].step == CHORE_SYNC ? REPORT_SYNC : REPORT_DUMP;
    chore->step = chores[_i].step;
    chore->began_ms = NOW_MS - chores[_i].elapsed_ms;
    chore->archive_bytes = chores[_i].archive_bytes;
    chore->sync = chores[_i].sync;
    struct buffer line;
    buffer_init(&line, 4096);
    progress_line(&sample->result, NOW_MS, &line);
    ck_assert_str_eq(line.data, chores[_i].line);
    buffer_free(&line);
    sample_free(sample);
}
END_TEST

static const struct {
    const char *name;
    enum stage stage;
    int64_t elapsed_ms;
    int64_t size_bytes; /* the usual one is 100 */
    const char *words;
} times_left[] = {
    {"the rest of this stage, and those to come", STAGE_RESTORE, 10000, 100,
     ", about 25 s left (10 s)"},
    {"with the size of the backup", STAGE_RESTORE, 10000, 200, ", about 55 s left (10 s)"},
    {"not beyond all measure", STAGE_RESTORE, 10000, 100000, ", about 1 min 55 s left (10 s)"},
    {"a backup of no size", STAGE_RESTORE, 10000, 0, ", about 25 s left (10 s)"},
    {"a bit late", STAGE_RESTORE, 37000, 100, ", about 5.0 s left (37 s)"},
    {"late", STAGE_RESTORE, 60000, 100, ", longer than the usual 30 s (1 min)"},
    {"reading and starting at the same time", STAGE_READ, 1000, 100, ", about 44 s left (1.0 s)"},
    {"all but done", STAGE_CHECK, 4500, 100, " (4.5 s)"},
};

START_TEST(the_time_left_is_that_of_earlier_nights)
{
    static const struct usual_times usual = {.stages_ms = {[STAGE_READ] = 10000,
                                                           [STAGE_START] = 2000,
                                                           [STAGE_RESTORE] = 30000,
                                                           [STAGE_CHECK] = 5000},
                                             .backup_size_bytes = 100};
    enum stage stage = times_left[_i].stage;
    struct sample *sample = running(stage, NOW_MS - times_left[_i].elapsed_ms);
    for (enum stage before = 0; before < stage; before++)
        sample->facts.stages[before].state = STAGE_DONE;
    sample->facts.backup.size_bytes = times_left[_i].size_bytes;
    sample->result.usual = &usual;
    struct buffer line;
    buffer_init(&line, 4096);
    progress_line(&sample->result, NOW_MS, &line);
    ck_assert_msg(ends_with(line.data, times_left[_i].words), "%s", line.data);
    ck_assert_uint_eq(times_left[_i].words[0] == ' ',
                      !strstr(line.data, "left") && !strstr(line.data, "usual"));
    buffer_free(&line);
    sample_free(sample);
}
END_TEST

START_TEST(before_and_after_a_run)
{
    struct sample *sample = running(STAGE_COUNT, 0);
    struct buffer line;
    buffer_init(&line, 4096);
    sample->facts.began_ms = 0;
    progress_line(&sample->result, NOW_MS, &line);
    ck_assert_str_eq(line.data, "shop: waiting");
    buffer_clear(&line);
    sample->facts.began_ms = 1;
    sample->facts.stages[STAGE_STOP].state = STAGE_DONE;
    progress_line(&sample->result, NOW_MS, &line);
    ck_assert_str_eq(line.data, "shop: not verified");
    buffer_free(&line);
    sample_free(sample);
}
END_TEST

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

START_TEST(plain_lines_are_rare)
{
    struct sample *sample = running(STAGE_RESTORE, clock_ms());
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    struct progress *progress = progress_new(stream, false, false);
    int64_t began_ms = clock_ms();
    for (int64_t ms = 0; ms < 9900; ms += 100)
        progress_update_at(progress, &sample->result, 1, began_ms + ms);
    fflush(stream);
    ck_assert_uint_eq(length, 0); /* nothing for a quick run */
    for (int64_t ms = 9900; ms < 25000; ms += 100)
        progress_update_at(progress, &sample->result, 1, began_ms + ms);
    progress_free(progress);
    fclose(stream);
    ck_assert_uint_eq(count_of(text, "shop: restoring"), 2);
    ck_assert_uint_eq(count_of(text, "\n"), 2);
    ck_assert_ptr_null(strchr(text, '\033'));
    free(text);
    sample_free(sample);
}
END_TEST

START_TEST(live_lines_are_drawn_over_and_taken_away)
{
    struct sample *one = running(STAGE_RESTORE, clock_ms());
    struct sample *other = running(STAGE_FIND, clock_ms());
    const struct result results[] = {one->result, other->result};
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    struct progress *progress = progress_new(stream, true, false);
    int64_t began_ms = clock_ms();
    progress_update_at(progress, results, 2, began_ms + 500);
    fflush(stream);
    ck_assert_uint_eq(length, 0);
    progress_update_at(progress, results, 2, began_ms + 1100);
    progress_update_at(progress, results, 2, began_ms + 1150); /* too soon to be redrawn */
    progress_update_at(progress, results, 2, began_ms + 1300);
    fflush(stream);
    ck_assert_uint_eq(count_of(text, "\033[2A"), 1);
    ck_assert_uint_eq(count_of(text, "\n"), 4);
    progress_clear(progress);
    progress_clear(progress); /* the second has nothing to take away */
    ck_assert_uint_eq(count_of(text, "\033[2A\033[J"), 1);
    ck_assert_uint_eq(count_of(text, "\033[2A"), 2);
    progress_free(progress);
    fclose(stream);
    free(text);
    sample_free(one);
    sample_free(other);
}
END_TEST

START_TEST(live_lines_fit_the_screen)
{
    enum { SCENARIOS = 100 };
    struct sample *sample = running(STAGE_READ, clock_ms());
    char name[300];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    sample->result.scenario = name;
    sample->facts.backup.size_bytes = 100;
    sample->facts.read_bytes = 50;
    struct result results[SCENARIOS];
    for (size_t i = 0; i < SCENARIOS; i++)
        results[i] = sample->result;
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    struct progress *progress = progress_new(stream, true, false);
    progress_update_at(progress, results, SCENARIOS, clock_ms() + 5000);
    fflush(stream);
    ck_assert_uint_eq(count_of(text, "\n"), 23); /* of 24 rows when nothing else is known */
    ck_assert_uint_eq(count_of(text, "and 78 more"), 1);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        ck_assert_uint_lt(strcspn(line + (*line == '\r'), "\033\n"), 80);
        if (!strchr(line, '\n'))
            break;
    }
    progress_free(progress);
    fclose(stream);
    free(text);
    sample_free(sample);
}
END_TEST

Suite *report_progress_suite(void)
{
    Suite *suite = suite_create("report/progress");
    add_table_test(suite, a_line_tells_what_is_known, ARRAY_LENGTH(lines));
    add_table_test(suite, a_chore_tells_where_it_stands, ARRAY_LENGTH(chores));
    add_table_test(suite, a_restore_tells_what_the_server_tells, ARRAY_LENGTH(restores));
    add_table_test(suite, the_time_left_is_that_of_earlier_nights, ARRAY_LENGTH(times_left));
    add_test(suite, before_and_after_a_run);
    add_test(suite, plain_lines_are_rare);
    add_test(suite, live_lines_are_drawn_over_and_taken_away);
    add_test(suite, live_lines_fit_the_screen);
    return suite;
}
