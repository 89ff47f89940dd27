/* The sums of checks, without a database: freshness, sequences. */
#include "checks/freshness.h"
#include "checks/kinds.h"
#include "checks/numbering.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define HOUR      3600
#define STAMP     "timestamp without time zone"
#define WITH_ZONE "timestamp with time zone"

static const struct {
    const char *known_from, *type;
    int64_t tolerance_s;
} tolerances[] = {
    {"its manifest", WITH_ZONE, 300},
    {"its manifest", STAMP, 300},
    {"its name", "text", 300},
    {"its archive header", "date", 14 * HOUR},
    {"its name's day", WITH_ZONE, 38 * HOUR},
    {"its name's day", "date", 38 * HOUR},
};

START_TEST(the_newest_value_may_be_a_little_later)
{
    ck_assert_int_eq(freshness_tolerance_s(tolerances[_i].known_from, tolerances[_i].type),
                     tolerances[_i].tolerance_s);
}
END_TEST

static const struct {
    const char *known_from, *type;
    int64_t ahead_s;
    const char *words; /* "": none */
} advices[] = {
    {"its manifest", WITH_ZONE, 1200, ""}, /* two moments, each in its zone */
    {"its manifest", WITH_ZONE, 2 * HOUR, ""},
    {"its manifest", STAMP, 2 * HOUR, "local time"},
    {"its manifest", STAMP, 2 * HOUR - 1200, "local time"},
    {"its manifest", STAMP, 20 * HOUR, ""}, /* no zone is that far */
    {"its name", STAMP, 2 * HOUR + 10, "local time"},
    {"its name", STAMP, 2 * HOUR - 10, "local time"},
    {"its name", STAMP, 5400, "set TZ"},
    {"its archive header", WITH_ZONE, 9 * HOUR, "set TZ"},
    {"its archive header", WITH_ZONE, 15 * HOUR, ""},
};

START_TEST(zones_are_named_where_they_may_be_the_reason)
{
    const char *words =
        freshness_zone_advice(advices[_i].known_from, advices[_i].type, advices[_i].ahead_s);
    if (*advices[_i].words)
        ck_assert_msg(strstr(words, advices[_i].words), "%s", words);
    else
        ck_assert_str_eq(words, "");
}
END_TEST

static const struct {
    int64_t last;
    bool used;
    int64_t step, reached;
    bool behind;
} states[] = {
    {10, true, 1, 10, false},
    {9, true, 1, 10, true},
    {10, false, 1, 10, true}, /* gives out 10 itself */
    {11, false, 1, 10, false},
    {1, false, 1, 0, false},
    {100, true, 50, 149, false}, /* keys are taken from a block */
    {100, true, 50, 150, true},
    {-10, true, -1, -10, false},
    {-9, true, -1, -10, true},
    {-5, false, -1, -4, false},
    {INT64_MAX, true, 1, INT64_MAX, false},
    {INT64_MIN, true, -1, INT64_MIN, false},
    {INT64_MAX, false, 1, INT64_MAX, true},
};

START_TEST(a_sequence_is_behind_when_its_next_value_is_taken)
{
    ck_assert(stands_behind(states[_i].last, states[_i].used, states[_i].step,
                            states[_i].reached) == states[_i].behind);
}
END_TEST

/* A backup named by a clock that is `ahead_s` ahead of ours; its file was modified `modified_s`
 * ago. */
static const struct {
    int64_t ahead_s, modified_s;
    bool zone; /* the scenario tells one */
    const char *words;
    const char *others; /* are not said */
} futures[] = {
    {9 * HOUR - 30, 10, false, "9 h ahead of the time its file was modified", "(TZ)"},
    {5 * HOUR + 1800 - 90, 0, false, "5 h 30 min ahead", "(TZ)"},
    {9 * HOUR - 30, 10, true, "check whether backups.time_zone, Asia/Tokyo, is", "(TZ)"},
    {14 * HOUR + 60, 10, true, "(TZ)", "backups.time_zone"},
    {9 * HOUR - 420, 0, false, "or name that zone with backups.time_zone", "ahead of the time"},
    {14 * HOUR + 60, 0, false, "(TZ)", "backups.time_zone"},
    {400, 86400, false, "or name that zone", "ahead of the time"},
};

START_TEST(a_zone_is_suggested_where_it_may_be_one)
{
    static char tokyo[] = "Asia/Tokyo";
    const time_t now = 1795356185;
    struct facts *facts = xcalloc(1, sizeof(*facts));
    struct outcome *outcome = xcalloc(1, sizeof(*outcome));
    struct scenario scenario = {.backups = {.time_zone = futures[_i].zone ? tokyo : NULL}};
    struct subject subject = {.scenario = &scenario, .facts = facts, .now = now};
    facts->stages[STAGE_FIND].state = STAGE_DONE;
    facts->backup.time = now + futures[_i].ahead_s;
    facts->backup.modified = now - futures[_i].modified_s;
    strcpy(facts->backup.time_from, "its name");
    backup_is_recent(&subject, NULL, outcome);
    ck_assert_int_eq(outcome->verdict, VERDICT_FAIL);
    ck_assert_int_eq(outcome->concern, CONCERN_FUTURE);
    ck_assert_msg(strstr(outcome->message, futures[_i].words) != NULL, "%s", outcome->message);
    ck_assert_msg(strstr(outcome->message, futures[_i].others) == NULL, "%s", outcome->message);
    free(outcome);
    free(facts);
}
END_TEST

Suite *judging_suite(void)
{
    Suite *suite = suite_create("checks/judging");
    add_table_test(suite, the_newest_value_may_be_a_little_later, ARRAY_LENGTH(tolerances));
    add_table_test(suite, zones_are_named_where_they_may_be_the_reason, ARRAY_LENGTH(advices));
    add_table_test(suite, a_sequence_is_behind_when_its_next_value_is_taken, ARRAY_LENGTH(states));
    add_table_test(suite, a_zone_is_suggested_where_it_may_be_one, ARRAY_LENGTH(futures));
    return suite;
}
