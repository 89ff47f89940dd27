#include "shelf/name_pattern.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

#define BUGSPARK "bugspark_%Y%m%d.dump.gz"
#define SUPABASE "db_cluster-%d-%m-%Y@%H-%M-%S.backup.gz"
#define RENDER   "%Y-%m-%dT%H:%MZ.dir.tar.gz"

static void zone_set(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static const struct {
    const char *zone;
    const char *pattern;
    const char *name;
    const char *time; /* in UTC; NULL: does not match */
    int64_t length_s;
} matches[] = {
    {"UTC", BUGSPARK, "bugspark_20261122.dump.gz", "2026-11-22T00:00:00Z", 86400},
    {"UTC", BUGSPARK, "bugspark_20240229.dump.gz", "2024-02-29T00:00:00Z", 86400},
    {"UTC", BUGSPARK, "bugspark_20230229.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, "bugspark_20260230.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, "bugspark_20261131.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, "bugspark_20261300.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, "bugspark_20260022.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, "bugspark_20261100.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, "bugspark_00001122.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, "bugspark_2026112.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, "bugspark_202611222.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, "bugspark_2026 122.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, "bugspark_20261122.dump.gz.tmp", NULL, 0},
    {"UTC", BUGSPARK, "bugspark_20261122.dump.g", NULL, 0},
    {"UTC", BUGSPARK, "Bugspark_20261122.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, ".bugspark_20261122.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, "bugspark_-0261122.dump.gz", NULL, 0},
    {"UTC", BUGSPARK, "", NULL, 0},
    {"America/New_York", BUGSPARK, "bugspark_20261122.dump.gz", "2026-11-22T05:00:00Z", 86400},
    {"America/New_York", BUGSPARK, "bugspark_20261101.dump.gz", "2026-11-01T04:00:00Z", 90000},
    {"Asia/Tokyo", BUGSPARK, "bugspark_20261122.dump.gz", "2026-11-21T15:00:00Z", 86400},
    /* midnight did not exist */
    {"America/Sao_Paulo", BUGSPARK, "bugspark_20181104.dump.gz", "2018-11-04T03:00:00Z", 82800},
    {"UTC", SUPABASE, "db_cluster-27-07-2026@08-49-13.backup.gz", "2026-07-27T08:49:13Z", 1},
    {"Europe/Berlin", SUPABASE, "db_cluster-27-07-2026@08-49-13.backup.gz", "2026-07-27T06:49:13Z",
     1},
    {"UTC", SUPABASE, "db_cluster-07-27-2026@08-49-13.backup.gz", NULL, 0},
    {"UTC", SUPABASE, "db_cluster-27-07-2026@24-49-13.backup.gz", NULL, 0},
    {"UTC", SUPABASE, "db_cluster-27-07-2026@08-60-13.backup.gz", NULL, 0},
    {"UTC", SUPABASE, "db_cluster-27-07-2026@08-49-60.backup.gz", NULL, 0},
    /* twice, taken as the first; never, taken as if there were no summer time */
    {"Europe/Berlin", "%F-%R.dump", "2026-10-25-02:30.dump", "2026-10-25T00:30:00Z", 60},
    {"Europe/Berlin", "%F-%R.dump", "2026-10-25-03:30.dump", "2026-10-25T02:30:00Z", 60},
    {"Europe/Berlin", "%F-%R.dump", "2026-03-29-02:30.dump", "2026-03-29T01:30:00Z", 60},
    {"Europe/Dublin", "%F-%R.dump", "2026-07-01-02:30.dump", "2026-07-01T01:30:00Z", 60},
    {"America/New_York", RENDER, "2025-08-12T19:18Z.dir.tar.gz", "2025-08-12T19:18:00Z", 60},
    {"America/New_York", "%FT%TZ", "2025-08-12T19:18:01Z", "2025-08-12T19:18:01Z", 1},
    {"America/New_York", "%F-%H-Zoo", "2025-08-12-19-Zoo", "2025-08-12T23:00:00Z", 3600},
    {"America/New_York", "%F-%HZoo", "2025-08-12-19Zoo", "2025-08-12T23:00:00Z", 3600},
    {"America/New_York", "Z%F", "Z2025-08-12", "2025-08-12T04:00:00Z", 86400},
    {"Asia/Tokyo", "%FT%T%z", "2025-08-12T19:18:01+0530", "2025-08-12T13:48:01Z", 1},
    {"Asia/Tokyo", "%FT%T%z", "2025-08-12T19:18:01-0800", "2025-08-13T03:18:01Z", 1},
    {"Asia/Tokyo", "%FT%T%z", "2025-08-12T19:18:01-1500", NULL, 0},
    {"Asia/Tokyo", "%FT%T%z", "2025-08-12T19:18:01 0800", NULL, 0},
    {"Asia/Tokyo", "a-%s.dump", "a-1795356185.dump", "2026-11-22T14:03:05Z", 1},
    {"Asia/Tokyo", "a-%s.dump", "a-795356185.dump", NULL, 0},
    {"UTC", "a%y%j", "a26060", "2026-03-01T00:00:00Z", 86400},
    {"UTC", "a%y%j", "a26366", NULL, 0},
    {"UTC", "a%y%j", "a24366", "2024-12-31T00:00:00Z", 86400},
    {"UTC", "a%y%j", "a70001", "1970-01-01T00:00:00Z", 86400},
    {"UTC", "a%y%j", "a69001", NULL, 0},
    {"UTC", "a%Y-%j-%m-%d", "a2026-060-03-01", "2026-03-01T00:00:00Z", 86400},
    {"UTC", "a%Y-%j-%m-%d", "a2026-060-03-02", NULL, 0},
    {"UTC", "a%F%d", "a2026-11-2222", "2026-11-22T00:00:00Z", 86400},
    {"UTC", "a%F%d", "a2026-11-2221", NULL, 0},
    {"UTC", "%Y-%m-%e", "2026-11- 2", "2026-11-02T00:00:00Z", 86400},
    {"UTC", "%Y-%m-%e", "2026-11-22", "2026-11-22T00:00:00Z", 86400},
    {"UTC", "%Y-%m-%e", "2026-11-02", NULL, 0},
    {"UTC", "100%%-%F", "100%-2026-11-02", "2026-11-02T00:00:00Z", 86400},
    {"UTC", "%F-%q", "2026-11-02-%q", NULL, 0},
};

START_TEST(names_match_or_not)
{
    zone_set(matches[_i].zone);
    struct name_date date = {.time = 77};
    bool matched = name_pattern_match(matches[_i].pattern, matches[_i].name, &date);
    ck_assert_msg(matched == (matches[_i].time != NULL), "%s: %d", matches[_i].name, matched);
    if (!matched) {
        ck_assert_int_eq(date.time, 77);
        return;
    }
    char text[TIME_TEXT_SIZE];
    time_format_utc(date.time, text);
    ck_assert_str_eq(text, matches[_i].time);
    ck_assert_int_eq(date.end - date.time, matches[_i].length_s);
    ck_assert_int_eq(date.has_time, matches[_i].length_s <= 3600);
}
END_TEST

START_TEST(the_date_is_kept_as_it_is_written)
{
    zone_set("Asia/Tokyo");
    struct name_date date;
    ck_assert(name_pattern_match(BUGSPARK, "bugspark_20261122.dump.gz", &date));
    ck_assert_int_eq(date.year, 2026);
    ck_assert_int_eq(date.month, 11);
    ck_assert_int_eq(date.day, 22);
}
END_TEST

static const struct {
    const char *pattern;
    const char *name;
    bool matches;
} undated[] = {
    {"latest.dump.gz", "latest.dump.gz", true},
    {"latest.dump.gz", "latest.dump.gz.1", false},
    {"a_%a.dump", "a_Mon.dump", true},
    {"a_%a.dump", "a_Sun.dump", true},
    {"a_%a.dump", "a_mon.dump", false},
    {"a_%a.dump", "a_onT.dump", false},
    {"a_%u.dump", "a_7.dump", true},
    {"a_%u.dump", "a_0.dump", false},
    {"a_%u.dump", "a_8.dump", false},
    {"a_%u_%a.dump", "a_1_Mon.dump", true},
    {"a_%u_%a.dump", "a_1_Tue.dump", false},
    {"a_%H.dump", "a_23.dump", true},
};

START_TEST(names_without_a_date_match)
{
    struct name_date date;
    ck_assert_int_eq(name_pattern_match(undated[_i].pattern, undated[_i].name, &date),
                     undated[_i].matches);
    ck_assert(!undated[_i].matches || date.undated);
    ck_assert(name_pattern_match("a_%a_%F.dump", "a_Mon_2026-11-23.dump", &date));
    ck_assert(!date.undated);
    char *name;
    struct error error;
    ck_assert_int_eq(name_pattern_format("a_%a_%u.dump", 1795356185, &name, &error), 0);
    ck_assert_str_eq(name, "a_Sun_7.dump");
    free(name);
}
END_TEST

/* Clocks are set back from 03:00 to 02:00. */
static const struct {
    const char *zone;
    const char *pattern;
    const char *name;
    bool twice;
} hours[] = {
    {"Europe/Berlin", "%F-%R", "2026-10-25-02:30", true},
    {"Europe/Berlin", "%F-%R", "2026-10-25-03:00", false},
    {"Europe/Berlin", "%F-%R", "2026-10-25-01:59", false},
    {"Europe/Berlin", "%F-%R", "2026-03-29-02:30", false},
    {"Europe/Berlin", "%F-%R%z", "2026-10-25-02:30+0100", false},
    {"Europe/Berlin", "%F-%RZ", "2026-10-25-02:30Z", false},
    {"Europe/Berlin", "%F", "2026-10-25", false},
    {"UTC", "%F-%R", "2026-10-25-02:30", false},
    {"Asia/Tokyo", "%F-%R", "2026-10-25-02:30", false},
};

START_TEST(an_hour_that_comes_twice_is_known)
{
    struct name_date date;
    zone_set(hours[_i].zone);
    ck_assert(name_pattern_match(hours[_i].pattern, hours[_i].name, &date));
    ck_assert_int_eq(date.comes_twice, hours[_i].twice);
}
END_TEST

static const struct {
    const char *pattern;
    const char *words; /* in the error; NULL: fine */
} checks[] = {
    {BUGSPARK, NULL},
    {SUPABASE, NULL},
    {RENDER, NULL},
    {"%s", NULL},
    {"%D.dump", "%D is not understood"},
    {"%-d%m%Y", "%-d is not understood"},
    {"%Ey%m%d", "%Ey is not understood"},
    {"%Y%b%d", "%b is not understood"},
    {"%A.dump", "%A is not understood"},
    {"%Y%m%d%", "lone %"},
    {"%Y%m%d%-", "%- is not understood"},
    {"backups/%F", "slash"},
    {"%F\n", "control"},
    {"latest.dump", NULL},
    {"", NULL},
    {"%Y-%m.dump", NULL},
    {"%m%d.dump", NULL},
    {"%Y%M%d.dump", NULL},
    {"%F-%M.dump", "%M"},
    {"%F-%H-%S.dump", "%S"},
    {"%F%z.dump", "%z"},
};

START_TEST(patterns_are_refused_up_front)
{
    struct error error = {0};
    int outcome = name_pattern_check(checks[_i].pattern, &error);
    ck_assert_int_eq(outcome, checks[_i].words ? -1 : 0);
    if (checks[_i].words) {
        ck_assert_int_eq(error.fault, FAULT_MACHINE);
        ck_assert_msg(strstr(error.text, checks[_i].words) != NULL, "%s", error.text);
    }
}
END_TEST

START_TEST(a_name_has_room_for_what_is_put_around_it)
{
    struct error error;
    char pattern[300] = {0};
    memset(pattern, 'a', 223 - 10);
    strcat(pattern, "%F");
    ck_assert_int_eq(name_pattern_check(pattern, &error), 0);
    strcat(pattern, "a");
    ck_assert_int_eq(name_pattern_check(pattern, &error), -1);
    memset(pattern, 'a', sizeof(pattern) - 1);
    ck_assert_int_eq(name_pattern_check(pattern, &error), -1);
}
END_TEST

static const struct {
    const char *zone;
    const char *pattern;
    time_t time;
    const char *name; /* NULL: refused */
} formats[] = {
    {"UTC", BUGSPARK, 1795356185, "bugspark_20261122.dump.gz"},
    {"Asia/Tokyo", "%F-%R", 1795356185, "2026-11-22-23:03"},
    {"Asia/Tokyo", RENDER, 1795356185, "2026-11-22T14:03Z.dir.tar.gz"},
    {"Asia/Tokyo", "%FT%T%z", 1795356185, "2026-11-22T23:03:05+0900"},
    {"Asia/Tokyo", "%s.dump", 1795356185, "1795356185.dump"},
    {"Asia/Tokyo", "%y%j.dump", 1795356185, "26326.dump"},
    {"UTC", "%Y-%m-%e", 1793577600, "2026-11- 2"},
    {"UTC", BUGSPARK, -86400, NULL},
    {"UTC", BUGSPARK, 253402300800, NULL}, /* year 10000 */
    {"UTC", "%y%j", 3187209600, NULL},     /* 2070, which reads as 1970... */
    {"UTC", "%D", 1795356185, NULL},
};

START_TEST(names_are_written_as_they_are_read)
{
    zone_set(formats[_i].zone);
    struct error error;
    char *name = NULL;
    int outcome = name_pattern_format(formats[_i].pattern, formats[_i].time, &name, &error);
    ck_assert_int_eq(outcome, formats[_i].name ? 0 : -1);
    if (formats[_i].name) {
        ck_assert_str_eq(name, formats[_i].name);
        struct name_date date;
        ck_assert(name_pattern_match(formats[_i].pattern, name, &date));
        ck_assert_int_le(date.time, formats[_i].time);
        ck_assert_int_gt(date.end, formats[_i].time);
    }
    free(name);
}
END_TEST

static const struct {
    const char *pattern;
    const char *name;
    bool near;
} nears[] = {
    {BUGSPARK, "bugspark_20261122.dump.gz.tmp", true},
    {BUGSPARK, "bugspark_20261122.dump.gz.partial", true},
    {BUGSPARK, ".bugspark_20261122.dump.gz.partial.417", true},
    {BUGSPARK, "bugspark_2026112.dump.gz", true},
    {BUGSPARK, "bugspark_latest.dump.gz", true},
    {BUGSPARK, "bugspark_20261122.dump.gz", false},
    {BUGSPARK, "bugspark_20261122.dump.gz.sha256", false},
    {BUGSPARK, "bugspark_20261122.dump.gz.json", false},
    {BUGSPARK, "other_20261122.dump.gz", false},
    {BUGSPARK, "uploads", false},
    {BUGSPARK, ".", false},
    {"db%F.dump.gz", "db2026-1-1.dump.gz", true}, /* its beginning is short */
    {"db%F.dump.gz", "db2026-1-1.dump", false},
    {"db%F.dump.gz", "ab2026-1-1.dump.gz", false},
    {RENDER, "2025-08-12T19:18Z.dir.tar.gz.part", true},
    {RENDER, "2025-08-12T19_18Z.dir.tar.gz", true},
    {RENDER, "notes.txt", false},
    {"latest", "latest", false},
};

START_TEST(half_named_files_are_seen)
{
    ck_assert_msg(name_pattern_near(nears[_i].pattern, nears[_i].name) == nears[_i].near, "%s",
                  nears[_i].name);
}
END_TEST

Suite *backup_name_pattern_suite(void)
{
    Suite *suite = suite_create("shelf/name_pattern");
    add_table_test(suite, names_without_a_date_match, ARRAY_LENGTH(undated));
    add_table_test(suite, an_hour_that_comes_twice_is_known, ARRAY_LENGTH(hours));
    add_table_test(suite, names_match_or_not, ARRAY_LENGTH(matches));
    add_test(suite, the_date_is_kept_as_it_is_written);
    add_table_test(suite, patterns_are_refused_up_front, ARRAY_LENGTH(checks));
    add_test(suite, a_name_has_room_for_what_is_put_around_it);
    add_table_test(suite, names_are_written_as_they_are_read, ARRAY_LENGTH(formats));
    add_table_test(suite, half_named_files_are_seen, ARRAY_LENGTH(nears));
    return suite;
}
