#include "base/clock.h"

#include <stdlib.h>

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

/* The hour of a moment in local time. */
static int hour_of(time_t time)
{
    struct tm parts;
    localtime_r(&time, &parts);
    return parts.tm_hour;
}

START_TEST(a_time_zone_is_used_and_given_back)
{
    setenv("TZ", "America/New_York", 1);
    time_zone_use("Asia/Tokyo");
    ck_assert_int_eq(hour_of(1795356185), 23);
    time_zone_use("UTC");
    ck_assert_int_eq(hour_of(1795356185), 14);
    time_zone_use(NULL);
    ck_assert_int_eq(hour_of(1795356185), 9);
    ck_assert_str_eq(getenv("TZ"), "America/New_York");
}
END_TEST

static const struct {
    const char *name;
    bool exists;
} zones[] = {
    {"Asia/Tokyo", true},    {"UTC", true},        {"Europe/Berlin", true},
    {"Asia/Tokio", false},   {"", false},          {"/usr/share/zoneinfo/UTC", false},
    {"../../../etc", false}, {"Europe", false},    {"zone.tab", false},
    {"JST-9", false},        {"tzdata.zi", false},
};

START_TEST(a_time_zone_exists_or_not)
{
    ck_assert_int_eq(time_zone_exists(zones[_i].name), zones[_i].exists);
}
END_TEST

Suite *clock_suite(void)
{
    Suite *suite = suite_create("base/clock");
    add_table_test(suite, durations_are_written_for_people, ARRAY_LENGTH(durations));
    add_test(suite, deadlines_saturate);
    add_test(suite, times_are_utc);
    add_test(suite, a_time_zone_is_used_and_given_back);
    add_table_test(suite, a_time_zone_exists_or_not, ARRAY_LENGTH(zones));
    return suite;
}
