#include <string.h>

#include "base/memory.h"
#include "report/report.h"
#include "tests/unit/report_fixture.h"
#include "tests/unit/unit.h"

/* One check of a run. */
struct said {
    enum verdict verdict; /* VERDICT_NONE ends a row; a check that says nothing is an error */
    enum concern check;
    enum concern outcome;
};

#define PASSED                                                                                     \
    {                                                                                              \
        VERDICT_PASS, CONCERN_BACKUP, CONCERN_USUAL                                                \
    }
#define SKIPPED                                                                                    \
    {                                                                                              \
        VERDICT_SKIP, CONCERN_BACKUP, CONCERN_USUAL                                                \
    }
#define FAILED(concern)                                                                            \
    {                                                                                              \
        VERDICT_FAIL, concern, CONCERN_USUAL                                                       \
    }
#define ERRED(concern)                                                                             \
    {                                                                                              \
        VERDICT_ERROR, CONCERN_DATA, concern                                                       \
    }

static const struct {
    const char *headline;
    enum report_kind kind;
    struct said said[4];
} rows[] = {
    {"nothing was checked", REPORT_VERIFY, {{0}}},
    {"every check passed", REPORT_VERIFY, {PASSED, PASSED}},
    {"could not be verified", REPORT_VERIFY, {PASSED, SKIPPED}},
    {"the backup is bad", REPORT_VERIFY, {FAILED(CONCERN_BACKUP), SKIPPED}},
    {"no backup was found", REPORT_VERIFY, {{VERDICT_FAIL, CONCERN_BACKUP, CONCERN_NOT_FOUND}}},
    {"the data is not as expected", REPORT_VERIFY, {FAILED(CONCERN_DATA)}},
    {"the backup is dated in the future", REPORT_VERIFY, {FAILED(CONCERN_FUTURE)}},
    {"the backup is too old", REPORT_VERIFY, {FAILED(CONCERN_AGE)}},
    {"the schema revision is not the expected one", REPORT_VERIFY, {FAILED(CONCERN_REVISION)}},
    {"the backup is behind the migrations",
     REPORT_VERIFY,
     {PASSED, {VERDICT_FAIL, CONCERN_REVISION, CONCERN_BEHIND}}},
    {"the objects are not as expected", REPORT_VERIFY, {FAILED(CONCERN_OBJECTS)}},
    {"the restore did not take the expected time", REPORT_VERIFY, {FAILED(CONCERN_TIME)}},
    {"the objects are not as expected",
     REPORT_VERIFY,
     {FAILED(CONCERN_TIME), FAILED(CONCERN_OBJECTS)}},
    /* the most serious, wherever it stands */
    {"the backup is bad",
     REPORT_VERIFY,
     {FAILED(CONCERN_OBJECTS), FAILED(CONCERN_DATA), FAILED(CONCERN_BACKUP)}},
    {"the data is not as expected", REPORT_VERIFY, {FAILED(CONCERN_AGE), FAILED(CONCERN_DATA)}},
    {"the backup is too old", REPORT_VERIFY, {FAILED(CONCERN_BEHIND), FAILED(CONCERN_AGE)}},
    {"the objects are not as expected, and not everything could be verified",
     REPORT_VERIFY,
     {ERRED(CONCERN_USUAL), FAILED(CONCERN_OBJECTS)}},
    {"the data is not as expected, and not everything could be verified",
     REPORT_VERIFY,
     {ERRED(CONCERN_SCENARIO), FAILED(CONCERN_DATA)}},
    /* an error is nobody's fault but for a scenario's */
    {"could not be verified", REPORT_VERIFY, {PASSED, ERRED(CONCERN_USUAL)}},
    {"the scenario is wrong", REPORT_VERIFY, {PASSED, ERRED(CONCERN_SCENARIO), SKIPPED}},
    {"could not be verified", REPORT_VERIFY, {ERRED(CONCERN_SCENARIO), ERRED(CONCERN_USUAL)}},
    /* memory that a crashed process left behind */
    {"the backup is bad", REPORT_VERIFY, {{VERDICT_FAIL, CONCERN_DATA, CONCERN_COUNT + 7}}},
    {"every selected check passed", REPORT_PARTIAL, {PASSED}},
    {"a backup was made", REPORT_DUMP, {PASSED}},
    {"no backup was made", REPORT_DUMP, {ERRED(CONCERN_USUAL)}},
    {"the scenario is wrong", REPORT_DUMP, {ERRED(CONCERN_SCENARIO)}},
    {"the copy is complete", REPORT_SYNC, {PASSED}},
    {"the copy is not complete", REPORT_SYNC, {ERRED(CONCERN_USUAL)}},
};

static struct sample *run_of(size_t row)
{
    struct sample *sample = sample_new("bugspark");
    sample->result.kind = rows[row].kind;
    for (size_t i = 0; rows[row].said[i].verdict != VERDICT_NONE; i++) {
        const struct said *said = &rows[row].said[i];
        sample_add(sample, "group", "name", said->verdict, "message")->concern = said->outcome;
        sample->checks[i].concern = said->check;
    }
    return sample;
}

START_TEST(the_headline_says_what_is_the_matter)
{
    struct sample *sample = run_of((size_t)_i);
    cleanup(free_pointer) char *headline = result_headline(&sample->result);
    ck_assert_str_eq(headline, rows[_i].headline);
    sample_free(sample);
}
END_TEST

START_TEST(every_report_is_headed_so)
{
    struct sample *sample = run_of((size_t)_i);
    cleanup(free_pointer) char *console = print_console(&sample->result, 1, false, false);
    cleanup(free_pointer) char *json = print_json(&sample->result, 1);
    cleanup(free_pointer) char *line = xasprintf(" bugspark: %s\n", rows[_i].headline);
    cleanup(free_pointer) char *member = xasprintf("\"headline\": \"%s\"", rows[_i].headline);
    cleanup(free_pointer) char *property =
        xasprintf("<property name=\"headline\" value=\"%s\"/>", rows[_i].headline);
    struct buffer junit;
    buffer_init(&junit, 1 << 20);
    junit_format(&sample->result, &junit);
    ck_assert_msg(strstr(console, line) != NULL, "%s", console);
    ck_assert_msg(strstr(json, member) != NULL, "%s", json);
    ck_assert_msg(strstr(junit.data, property) != NULL, "%s", junit.data);
    buffer_free(&junit);
    sample_free(sample);
}
END_TEST

START_TEST(a_partial_run_says_how_much_it_saw)
{
    struct sample *sample = sample_new("bugspark");
    sample->result.kind = REPORT_PARTIAL;
    sample_add(sample, "group", "left out", VERDICT_SKIP, "not selected")->left_out = true;
    cleanup(free_pointer) char *nothing = result_headline(&sample->result);
    ck_assert_str_eq(nothing, "nothing was checked (0 of 1 check)");
    struct outcome *outcome = sample_add(sample, "group", "seen", VERDICT_PASS, "");
    cleanup(free_pointer) char *passed = result_headline(&sample->result);
    ck_assert_str_eq(passed, "every selected check passed (1 of 2 checks)");
    outcome->verdict = VERDICT_FAIL;
    cleanup(free_pointer) char *failed = result_headline(&sample->result);
    ck_assert_str_eq(failed, "the backup is bad (1 of 2 checks)");
    sample_free(sample);
}
END_TEST

Suite *report_headline_suite(void)
{
    Suite *suite = suite_create("report/headline");
    add_table_test(suite, the_headline_says_what_is_the_matter, ARRAY_LENGTH(rows));
    add_table_test(suite, every_report_is_headed_so, ARRAY_LENGTH(rows));
    add_test(suite, a_partial_run_says_how_much_it_saw);
    return suite;
}
