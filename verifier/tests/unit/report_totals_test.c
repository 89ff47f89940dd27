#include <string.h>

#include "base/memory.h"
#include "report/report.h"
#include "tests/unit/report_fixture.h"
#include "tests/unit/unit.h"

/* One letter a check: p pass, w warning, f fail, e error, s skip, l left out, n nothing said, ? no
 * verdict. */
static const struct {
    const char *checks;
    int exit_code;
    struct totals totals;
} runs[] = {
    {"", 2, {0, 0, 0, 0, 0, 0, 0}},    {"p", 0, {1, 1, 0, 0, 0, 0, 0}},
    {"w", 0, {1, 1, 1, 0, 0, 0, 0}},   {"pw", 0, {2, 2, 1, 0, 0, 0, 0}},
    {"f", 1, {1, 0, 0, 1, 0, 0, 0}},   {"e", 2, {1, 0, 0, 0, 1, 0, 0}},
    {"s", 2, {1, 0, 0, 0, 0, 1, 0}},   {"n", 2, {1, 0, 0, 0, 1, 0, 0}},
    {"?", 2, {1, 0, 0, 0, 1, 0, 0}},   {"pf", 1, {2, 1, 0, 1, 0, 0, 0}},
    {"pe", 2, {2, 1, 0, 0, 1, 0, 0}},  {"ps", 2, {2, 1, 0, 0, 0, 1, 0}},
    {"pn", 2, {2, 1, 0, 0, 1, 0, 0}},  {"fe", 2, {2, 0, 0, 1, 1, 0, 0}},
    {"ef", 2, {2, 0, 0, 1, 1, 0, 0}},  {"fs", 1, {2, 0, 0, 1, 0, 1, 0}},
    {"fn", 2, {2, 0, 0, 1, 1, 0, 0}},  {"es", 2, {2, 0, 0, 0, 1, 1, 0}},
    {"pfs", 1, {3, 1, 0, 1, 0, 1, 0}}, {"pwfesn", 2, {6, 2, 1, 1, 2, 1, 0}},
    {"pl", 0, {2, 1, 0, 0, 0, 0, 1}},  {"sl", 2, {2, 0, 0, 0, 0, 1, 1}},
    {"fl", 1, {2, 0, 0, 1, 0, 0, 1}},  {"nl", 2, {2, 0, 0, 0, 1, 0, 1}},
    {"l", 2, {1, 0, 0, 0, 0, 0, 1}},
};

static struct sample *run_of(const char *checks)
{
    struct sample *sample = sample_new("bugspark");
    for (const char *letter = checks; *letter != '\0'; letter++) {
        enum verdict verdict = *letter == 'p' || *letter == 'w'   ? VERDICT_PASS
                               : *letter == 'f'                   ? VERDICT_FAIL
                               : *letter == 'e'                   ? VERDICT_ERROR
                               : *letter == 's' || *letter == 'l' ? VERDICT_SKIP
                               : *letter == 'n'                   ? VERDICT_NONE
                                                                  : VERDICT_SKIP + 3;
        struct outcome *outcome = sample_add(sample, "backup", "name", verdict, "message");
        /* a warning that is set without a pass must not count, nor must a check be left out that
         * has spoken */
        outcome->warn = strchr("wfes", *letter);
        outcome->left_out = strchr("lpfe", *letter);
    }
    return sample;
}

START_TEST(the_exit_code_is_the_worst)
{
    struct sample *sample = run_of(runs[_i].checks);
    ck_assert_int_eq(result_exit_code(&sample->result), runs[_i].exit_code);
    ck_assert_int_eq(results_exit_code(&sample->result, 1), runs[_i].exit_code);
    struct totals totals;
    result_totals(&sample->result, &totals);
    ck_assert_mem_eq(&totals, &runs[_i].totals, sizeof(totals));
    sample_free(sample);
}
END_TEST

START_TEST(the_worst_scenario_decides)
{
    struct sample *good = run_of("p");
    struct sample *bad = run_of("f");
    struct sample *broken = run_of("e");
    const struct result results[] = {good->result, broken->result, bad->result};
    ck_assert_int_eq(results_exit_code(results, 0), 2);
    ck_assert_int_eq(results_exit_code(results, 1), 0);
    ck_assert_int_eq(results_exit_code(results, 3), 2);
    ck_assert_int_eq(results_exit_code(results + 2, 1), 1);
    sample_free(good);
    sample_free(bad);
    sample_free(broken);
}
END_TEST

START_TEST(a_result_of_nothing_is_an_error)
{
    struct result result = {.scenario = "bugspark"};
    ck_assert_int_eq(result_exit_code(&result), 2);
    struct sample *sample = run_of("p");
    sample->result.outcomes = NULL;
    ck_assert_int_eq(result_exit_code(&sample->result), 2);
    sample_free(sample);
}
END_TEST

Suite *report_totals_suite(void)
{
    Suite *suite = suite_create("report/totals");
    add_table_test(suite, the_exit_code_is_the_worst, ARRAY_LENGTH(runs));
    add_test(suite, the_worst_scenario_decides);
    add_test(suite, a_result_of_nothing_is_an_error);
    return suite;
}
