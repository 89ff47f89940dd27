#include "base/clock.h"

#include "base/memory.h"
#include "tests/unit/unit.h"

static const struct {
    int64_t duration_ms;
    const char *text;
} durations[] = {
    {0, "0.0 s"},
    {1349, "1.3 s"},
    {59999, "60 s"},
    {250000, "4 min 10 s"},
    {3600000, "1 h"},
    {26 * 3600000LL + 300000, "1 d 2 h"},
    {-93600000, "-1 d 2 h"},
};

START_TEST(durations_are_written_for_people)
{
    char text[DURATION_TEXT_SIZE];
    duration_format(durations[_i].duration_ms, text);
    ck_assert_str_eq(text, durations[_i].text);
}
END_TEST

START_TEST(deadlines_saturate)
{
    ck_assert_int_eq(deadline_after(INT64_MAX), NO_DEADLINE);
    ck_assert_int_eq(deadline_poll_ms(NO_DEADLINE), -1);
    ck_assert_int_eq(deadline_poll_ms(clock_ms() - 5), 0);
    ck_assert_int_gt(deadline_poll_ms(deadline_after(10000)), 5000);
}
END_TEST

START_TEST(times_are_utc)
{
    char text[TIME_TEXT_SIZE];
    time_format_utc(1795356185, text);
    ck_assert_str_eq(text, "2026-11-22T14:03:05Z");
    time_format_junit(1795356185, text);
    ck_assert_str_eq(text, "2026-11-22T14:03:05");
}
END_TEST

Suite *clock_suite(void)
{
    Suite *suite = suite_create("base/clock");
    add_table_test(suite, durations_are_written_for_people, ARRAY_LENGTH(durations));
    add_test(suite, deadlines_saturate);
    add_test(suite, times_are_utc);
    return suite;
}
