#include "base/error.h"

#include <string.h>

#include "tests/unit/unit.h"

START_TEST(the_two_faults_are_told_apart)
{
    struct error error;
    ck_assert_int_eq(bad_backup(&error, "%s is cut", "a.dump"), -1);
    ck_assert_int_eq(error.fault, FAULT_BACKUP);
    ck_assert_str_eq(error.text, "a.dump is cut");
    ck_assert_int_eq(cannot_verify(&error, "no network"), -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_int_eq(error_prefix(&error, "%s: ", "list"), -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_str_eq(error.text, "list: no network");
}
END_TEST

START_TEST(a_long_text_is_cut_at_the_end_of_a_character)
{
    char text[8];
    text_copy(text, sizeof(text), "1234567");
    ck_assert_str_eq(text, "1234567");
    text_copy(text, sizeof(text), "12345678");
    ck_assert_str_eq(text, "1234...");
    text_copy(text, sizeof(text), "123\u00e9\u00e9\u00e9");
    ck_assert_str_eq(text, "123...");
}
END_TEST

Suite *error_suite(void)
{
    Suite *suite = suite_create("base/error");
    add_test(suite, the_two_faults_are_told_apart);
    add_test(suite, a_long_text_is_cut_at_the_end_of_a_character);
    return suite;
}
