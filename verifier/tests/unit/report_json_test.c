#include <jansson.h>
#include <string.h>

#include "base/memory.h"
#include "report/report.h"
#include "tests/unit/report_fixture.h"
#include "tests/unit/unit.h"

static json_t *parse(const struct result *results, size_t count)
{
    cleanup(free_pointer) char *text = print_json(results, count);
    ck_assert_uint_eq(text[strlen(text) - 1], '\n');
    json_error_t error;
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(document != NULL, "%s:\n%s", error.text, text);
    return document;
}

START_TEST(a_mixed_result_is_told_in_full)
{
    struct sample *mixed = sample_mixed();
    struct sample *empty = sample_new("empty");
    const struct result results[] = {mixed->result, empty->result};
    json_t *document = parse(results, 2);
    ck_assert_int_eq(json_integer_value(json_object_get(document, "exit_code")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(document, "scenarios")), 2);

    json_t *first = json_array_get(json_object_get(document, "scenarios"), 0);
    const char *format = NULL;
    double restore = 0;
    int checks = 0, passed = 0, warnings = 0, failed = 0, errors = 0, skipped = 0;
    int not_selected = -1, partial = -1;
    json_int_t size_bytes = 0;
    ck_assert_int_eq(json_unpack(first, "{s{ss sI} s{s{sF}} s{si si si si si si si} sb}", "backup",
                                 "format", &format, "size_bytes", &size_bytes, "stages", "restore",
                                 "seconds", &restore, "totals", "checks", &checks, "passed",
                                 &passed, "warnings", &warnings, "failed", &failed, "errors",
                                 &errors, "skipped", &skipped, "not_selected", &not_selected,
                                 "partial", &partial),
                     0);
    ck_assert_str_eq(format, "custom in gzip");
    const char *held = NULL, *missing = NULL;
    ck_assert_int_eq(json_unpack(first, "{s{ss ss}}", "server", "confined_by", &held,
                                 "not_confined_by", &missing),
                     0);
    ck_assert_str_eq(held, "no new privileges, limits");
    ck_assert_str_eq(missing, "Landlock (Function not implemented)");
    ck_assert_int_eq(size_bytes, 154 * 1024 * 1024);
    ck_assert_double_eq(restore, 32.3);
    ck_assert(checks == 8 && passed == 3 && warnings == 1 && failed == 1 && errors == 1 &&
              skipped == 3 && not_selected == 0 && partial == 0);

    json_t *list = json_object_get(first, "checks");
    ck_assert_uint_eq(json_array_size(list), 8);
    const char *verdict = NULL;
    const char *value = NULL;
    int warning = -1;
    ck_assert_int_eq(json_unpack(json_array_get(list, 1), "{ss sb s{ss}}", "verdict", &verdict,
                                 "warning", &warning, "values", "users: row_count", &value),
                     0);
    ck_assert_str_eq(verdict, "pass");
    ck_assert_int_eq(warning, 0);
    ck_assert_str_eq(value, "20000");
    json_unpack(json_array_get(list, 3), "{ss}", "verdict", &verdict);
    ck_assert_str_eq(verdict, "fail");
    json_decref(document);
    sample_free(mixed);
    sample_free(empty);
}
END_TEST

START_TEST(invalid_bytes_do_not_break_the_document)
{
    static const char bad[] = "\377 \300\200 \355\240\200 \033[0m cut \360\237";
    struct sample *sample = sample_new(bad);
    struct outcome *outcome = sample_add(sample, bad, bad, VERDICT_NONE, bad);
    strcpy(outcome->details, bad);
    sample_value(outcome, bad, bad);
    strcpy(sample->facts.backup.path, bad);
    sample->facts.stages[STAGE_FIND].state = 77;
    json_t *document = parse(&sample->result, 1);
    json_t *check = NULL;
    ck_assert_int_eq(json_unpack(document, "{s[{s[o]}]}", "scenarios", "checks", &check), 0);
    ck_assert_str_eq(json_string_value(json_object_get(check, "verdict")), "error");
    ck_assert_str_eq(json_string_value(json_object_get(check, "message")),
                     "\\xff \\xc0\\x80 \\xed\\xa0\\x80 \\x1b[0m cut \\xf0\\x9f");
    json_decref(document);
    sample_free(sample);
}
END_TEST

START_TEST(no_result_is_exit_code_2)
{
    json_t *document = parse(NULL, 0);
    ck_assert_int_eq(json_integer_value(json_object_get(document, "exit_code")), 2);
    json_decref(document);
}
END_TEST

Suite *report_json_suite(void)
{
    Suite *suite = suite_create("report/json");
    add_test(suite, a_mixed_result_is_told_in_full);
    add_test(suite, invalid_bytes_do_not_break_the_document);
    add_test(suite, no_result_is_exit_code_2);
    return suite;
}
