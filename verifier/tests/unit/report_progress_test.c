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
     "shop: reading the backup, 25 %, 25.0 MiB of 100 MiB, 12 s left (4.0 s)"},
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
    progress_update_at(progress, &sample->result, 1, began_ms + 500);
    fflush(stream);
    ck_assert_uint_eq(length, 0); /* nothing for a quick run */
    for (int64_t ms = 1100; ms < 25000; ms += 100)
        progress_update_at(progress, &sample->result, 1, began_ms + ms);
    progress_free(progress);
    fclose(stream);
    ck_assert_uint_eq(count_of(text, "shop: restoring"), 3);
    ck_assert_uint_eq(count_of(text, "\n"), 3);
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
    add_test(suite, before_and_after_a_run);
    add_test(suite, plain_lines_are_rare);
    add_test(suite, live_lines_are_drawn_over_and_taken_away);
    add_test(suite, live_lines_fit_the_screen);
    return suite;
}
