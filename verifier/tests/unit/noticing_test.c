#include <string.h>

#include "base/memory.h"
#include "commands/noticing.h"
#include "tests/unit/report_fixture.h"
#include "tests/unit/unit.h"

/* What verify said of a damaged copy, and what that is worth. */
static const struct {
    enum verdict said; /* of the second check; the first passed */
    bool warned, warned_before;
    enum concern concern;
    bool must, right_as_error;
    enum verdict verdict;
    bool warn;
    const char *words;
} rows[] = {
    {VERDICT_FAIL, false, false, 0, true, false, VERDICT_PASS, false,
     "seen by `second`: row 1 is gone"},
    {VERDICT_FAIL, false, false, 0, false, false, VERDICT_PASS, false, "seen by `second`"},
    /* Green: a gap of the scenario, or of ours. */
    {VERDICT_PASS, false, false, 0, false, false, VERDICT_PASS, true,
     "row 1 is gone: nobody noticed; do this"},
    {VERDICT_PASS, false, false, 0, true, false, VERDICT_FAIL, false,
     "nobody noticed, and every scenario must"},
    {VERDICT_PASS, true, false, 0, false, false, VERDICT_PASS, true,
     "only `second` warned; do this"},
    {VERDICT_PASS, true, true, 0, false, false, VERDICT_PASS, true, "nobody noticed"},
    {VERDICT_PASS, true, false, 0, true, false, VERDICT_FAIL, false,
     "only `second` warned, and every"},
    /* Red without blame. */
    {VERDICT_ERROR, false, false, 0, false, false, VERDICT_ERROR, false,
     "does not say that the backup is bad"},
    {VERDICT_ERROR, false, false, 0, true, false, VERDICT_ERROR, false,
     "could not look: `second`: said x"},
    {VERDICT_ERROR, false, false, CONCERN_SCENARIO, false, false, VERDICT_PASS, true,
     "a mistake of the scenario"},
    {VERDICT_ERROR, false, false, CONCERN_SCENARIO, true, false, VERDICT_ERROR, false,
     "does not say"},
    {VERDICT_ERROR, false, false, 0, false, true, VERDICT_PASS, false,
     "seen by `second`, as an error"},
    {VERDICT_NONE, false, false, 0, false, false, VERDICT_ERROR, false, "does not say"},
    {VERDICT_SKIP, false, false, 0, false, false, VERDICT_ERROR, false,
     "did not look at everything"},
};

START_TEST(verify_is_judged)
{
    struct sample *sample = sample_new("s");
    cleanup(strings_free) struct strings before = {0};
    sample_add(sample, "backup", "first", VERDICT_PASS, "");
    struct outcome *second = sample_add(sample, "backup", "second", rows[_i].said, "said /w/d/x");
    second->warn = rows[_i].warned;
    second->concern = rows[_i].concern;
    if (rows[_i].warned_before)
        strings_add(&before, "second");
    struct sabotage_fact fact = {.done = "row 1 is gone",
                                 .remedy = "do this",
                                 .must = rows[_i].must,
                                 .right_as_error = rows[_i].right_as_error};
    struct outcome outcome = {0};
    noticing_judge(&sample->result, &fact, &before, "/w/d", &outcome);
    ck_assert_int_eq(outcome.verdict, rows[_i].verdict);
    ck_assert_int_eq(outcome.warn, rows[_i].warn);
    ck_assert_msg(strstr(outcome.message, rows[_i].words) != NULL, "%s", outcome.message);
    ck_assert_ptr_null(strstr(outcome.details, "/w/d"));
    sample_free(sample);
}
END_TEST

/* That a bucket is not there says nothing about a copy of a backup, but what its rows refer to may.
 */
START_TEST(a_bucket_notices_nothing)
{
    struct sample *sample = sample_new("s");
    const struct strings before = {0};
    const struct sabotage_fact fact = {.done = "cut", .remedy = ""};
    struct outcome outcome = {0};
    sample_add(sample, "backup", "first", VERDICT_PASS, "");
    sample_add(sample, "objects", "bucket", VERDICT_FAIL, "gone");
    sample->checks[1].needs = STAGE_COUNT;
    noticing_judge(&sample->result, &fact, &before, "/w", &outcome);
    ck_assert_str_eq(outcome.message, "cut: nobody noticed");
    sample->checks[1].needs = STAGE_RESTORE;
    noticing_judge(&sample->result, &fact, &before, "/w", &outcome);
    ck_assert_str_eq(outcome.message, "seen by `bucket`: cut");
    sample_free(sample);
}
END_TEST

START_TEST(only_a_green_backup_is_damaged)
{
    static const struct {
        enum verdict said, verdict;
        bool green;
    } originals[] = {{VERDICT_PASS, VERDICT_PASS, true},
                     {VERDICT_FAIL, VERDICT_FAIL, false},
                     {VERDICT_ERROR, VERDICT_ERROR, false},
                     {VERDICT_SKIP, VERDICT_ERROR, false}};
    for (size_t i = 0; i < ARRAY_LENGTH(originals); i++) {
        struct sample *sample = sample_new("s");
        struct outcome outcome = {0};
        sample_add(sample, "backup", "first", originals[i].said, "because");
        ck_assert_int_eq(noticing_is_green(&sample->result, &outcome), originals[i].green);
        ck_assert_int_eq(outcome.verdict, originals[i].verdict);
        sample_free(sample);
    }
}
END_TEST

/* ---- what its report says ---- */

static const struct {
    enum verdict said[3]; /* of the original and two damages */
    bool warn;            /* the last */
    int exit_code;
    const char *headline;
} reports[] = {
    {{VERDICT_PASS, VERDICT_PASS, VERDICT_PASS},
     false,
     0,
     "the alarm works: 2 of 2 damages noticed"},
    {{VERDICT_PASS, VERDICT_PASS, VERDICT_SKIP},
     false,
     0,
     "the alarm works: 1 of 1 damage noticed"},
    {{VERDICT_PASS, VERDICT_PASS, VERDICT_PASS},
     true,
     0,
     "the alarm has gaps: 1 of 2 damages noticed"},
    {{VERDICT_PASS, VERDICT_PASS, VERDICT_FAIL},
     false,
     1,
     "damage went unnoticed: 1 of 2 damages noticed"},
    {{VERDICT_PASS, VERDICT_PASS, VERDICT_ERROR},
     false,
     2,
     "the alarm could not be tried: 1 of 2 damages noticed"},
    {{VERDICT_PASS, VERDICT_SKIP, VERDICT_SKIP}, false, 2, "the alarm could not be tried"},
    {{VERDICT_FAIL, VERDICT_SKIP, VERDICT_SKIP}, false, 1, "the backup is bad"},
    {{VERDICT_ERROR, VERDICT_SKIP, VERDICT_SKIP}, false, 2, "the alarm could not be tried"},
};

START_TEST(a_report_is_headed)
{
    static const char *const names[] = {"the backup, undamaged", "cut off", "a row removed"};
    struct sample *sample = sample_new("s");
    sample->result.kind = REPORT_SABOTAGE;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct outcome *outcome =
            sample_add(sample, i ? DAMAGE_GROUP : "original", names[i], reports[_i].said[i], "x");
        outcome->warn = i == 2 && reports[_i].warn;
        outcome->concern = i && reports[_i].said[i] == VERDICT_FAIL ? CONCERN_ALARM : CONCERN_USUAL;
    }
    cleanup(free_pointer) char *headline = result_headline(&sample->result);
    ck_assert_str_eq(headline, reports[_i].headline);
    ck_assert_int_eq(result_exit_code(&sample->result), reports[_i].exit_code);
    sample_free(sample);
}
END_TEST

Suite *noticing_suite(void)
{
    Suite *suite = suite_create("noticing");
    add_table_test(suite, verify_is_judged, ARRAY_LENGTH(rows));
    add_test(suite, a_bucket_notices_nothing);
    add_test(suite, only_a_green_backup_is_damaged);
    add_table_test(suite, a_report_is_headed, ARRAY_LENGTH(reports));
    return suite;
}
