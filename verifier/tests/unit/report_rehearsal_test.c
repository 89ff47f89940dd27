/* A rehearsal on the console and as Markdown: what is told, and that nothing in it is more than
 * text.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/rehearsal_text.h"
#include "tests/unit/report_fixture.h"
#include "tests/unit/unit.h"

static struct rehearsal *rehearsal_new(void)
{
    struct rehearsal *rehearsal = xcalloc(1, sizeof(*rehearsal));
    rehearsal->command = (struct rehearsed_command){
        .ran = true, .connected = true, .duration_us = 2000000, .how = "exited with code 0"};
    rehearsal->rows_known = rehearsal->observed = rehearsal->steps_are_migrations = true;
    strcpy(rehearsal->role, "owner");
    strcpy(rehearsal->revision_before, "a1");
    strcpy(rehearsal->revision_after, "b2");
    rehearsal->transactions = 1;
    rehearsal->tables[0] = (struct rehearsed_table){.name = "public.users",
                                                    .was_there = true,
                                                    .is_there = true,
                                                    .rows_before = 60,
                                                    .rows_after = 60,
                                                    .updated = 60,
                                                    .write_blocked_us = 1000000,
                                                    .read_blocked_us = 1000000};
    rehearsal->tables[1] = (struct rehearsed_table){
        .name = "public.still", .was_there = true, .is_there = true, .rows_before = 5};
    rehearsal->tables[2] = (struct rehearsed_table){.name = "public.alembic_version",
                                                    .was_there = true,
                                                    .is_there = true,
                                                    .of_tool = true,
                                                    .updated = 1};
    rehearsal->tables[3] =
        (struct rehearsed_table){.name = "public.a|b<i>\033[31m", .is_there = true, .inserted = 7};
    rehearsal->table_count = 4;
    rehearsal->intervals[0] = (struct rehearsed_interval){
        .table = "public.users",
        .reading = true,
        .mode = "AccessExclusive",
        .from_us = 500000,
        .to_us = 1500000,
        .taker = {.text = "ALTER TABLE users ADD x | <b>", .duration_us = 3000}};
    strcpy(rehearsal->intervals[0].during[0].text, "CREATE INDEX i");
    rehearsal->interval_count = 1;
    strcpy(rehearsal->steps[0].name, "b2");
    strcpy(rehearsal->steps[0].title, "a title");
    rehearsal->step_count = 1;
    strcpy(rehearsal->pending[0].name, "b2");
    strcpy(rehearsal->pending[0].warnings, "line 7: careful");
    rehearsal->pending_count = 1;
    return rehearsal;
}

static void assert_has(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(strstr(text, words[i]) != NULL, "`%s` is not in:\n%s", words[i], text);
}

START_TEST(lines_tell_the_worst)
{
    static const char *const words[] = {
        "2.0 s, a1 -> b2, 1 migration in 1 transaction\n",
        "a failure on the way leaves the database as it was: all is in one transaction\n",
        "|       ###############        | public.users: neither read nor written for 1.0 s",
        "1.0 s, from 500 ms on (AccessExclusive)\n",
        "    by ALTER TABLE users ADD x | <b> (3 ms)\n",
        "    held during CREATE INDEX i (0 ms)\n",
        "public.users: 60 -> 60 rows, 0 inserted, 60 updated, 0 deleted\n",
        "public.a|b<i>\\x1b[31m: 0 -> 0 rows, 7 inserted, 0 updated, 0 deleted, new\n",
        "    0 ms  b2 a title\n",
        "line 7: careful\n",
    };
    cleanup(free_pointer) struct rehearsal *rehearsal = rehearsal_new();
    struct buffer text;
    buffer_init(&text, 100000);
    rehearsal_lines(rehearsal, false, &text);
    assert_has(text.data, words, ARRAY_LENGTH(words));
    ck_assert_ptr_null(strstr(text.data, "still"));
    ck_assert_ptr_null(strstr(text.data, "alembic_version"));
    buffer_free(&text);
}
END_TEST

START_TEST(nothing_blocked_is_said)
{
    cleanup(free_pointer) struct rehearsal *rehearsal = rehearsal_new();
    struct buffer text;
    buffer_init(&text, 100000);
    rehearsal->interval_count = 0;
    rehearsal_lines(rehearsal, false, &text);
    ck_assert_ptr_nonnull(strstr(text.data, "no table that was there was blocked"));
    buffer_free(&text);
}
END_TEST

START_TEST(markdown_is_a_table_of_plain_text)
{
    static const char *const words[] = {
        "### FAIL: migration of shop: the migration is not as expected\n",
        "2.0 s, a1 -> b2, 1 migration in 1 transaction\n",
        "| **FAIL** | write\\_blocked &lt; 1s | expected \\|, found &lt;x> |\n",
        "| public.users | 1.0 s | 1.0 s | 60 updated | ALTER TABLE users ADD x \\| &lt;b> |\n",
        "| public.a\\|b&lt;i>\\\\x1b\\[31m | 0 ms | 0 ms | 7 inserted (new) |  |\n",
        "\n    2.0 s, a1 -> b2",
        "Times are of this machine",
    };
    cleanup(free_pointer) struct rehearsal *rehearsal = rehearsal_new();
    struct sample *sample = sample_new("shop");
    struct outcome *outcome = sample_add(sample, "migration", "write_blocked < 1s", VERDICT_FAIL,
                                         "expected |, found <x>");
    outcome->concern = CONCERN_MIGRATION;
    sample->result.kind = REPORT_MIGRATION;
    sample->result.rehearsal = rehearsal;
    struct buffer text;
    buffer_init(&text, 100000);
    markdown_format(&sample->result, &text);
    assert_has(text.data, words, ARRAY_LENGTH(words));
    buffer_free(&text);
    sample_free(sample);
}
END_TEST

Suite *report_rehearsal_suite(void)
{
    Suite *suite = suite_create("report/rehearsal");
    add_test(suite, lines_tell_the_worst);
    add_test(suite, nothing_blocked_is_said);
    add_test(suite, markdown_is_a_table_of_plain_text);
    return suite;
}
