#include "shelf/age.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "shelf/backup_list.h"
#include "tests/unit/unit.h"

#define DAY  "a_%Y%m%d.dump"
#define FULL "a_%Y%m%d-%H%M.dump"

static const struct {
    const char *zone;
    const char *pattern;
    const char *name;
    const char *created;  /* in the archive's header; NULL: unknown */
    const char *modified; /* UTC */
    const char *time;     /* expected, UTC */
    const char *known_from;
    const char *contradiction; /* in it; NULL: none */
} cases[] = {
    /* the name tells all */
    {"UTC", FULL, "a_20261122-0301.dump", NULL, "2026-11-25T00:00:00", "2026-11-22T03:01:00Z",
     "its name", NULL},
    {"UTC", FULL, "a_20261122-0301.dump", "2026-11-22T03:00:59", "2026-11-25T00:00:00",
     "2026-11-22T03:01:00Z", "its name", NULL},
    {"Asia/Tokyo", FULL, "a_20261122-0301.dump", NULL, "2026-11-25T00:00:00",
     "2026-11-21T18:01:00Z", "its name", NULL},
    {"UTC", FULL, "a_20261122-0301.dump", "2026-11-21T07:01:00", "2026-11-25T00:00:00",
     "2026-11-22T03:01:00Z", "its name", NULL},
    /* only the day */
    {"UTC", DAY, "a_20261122.dump", NULL, "2026-11-25T00:00:00", "2026-11-22T00:00:00Z",
     "its name's day", NULL},
    {"UTC", DAY, "a_20261122.dump", "2026-11-22T03:00:00", "2026-11-25T00:00:00",
     "2026-11-22T03:00:00Z", "its archive header", NULL},
    {"UTC", DAY, "a_20261122.dump", "2026-11-22T00:00:00", "2026-11-25T00:00:00",
     "2026-11-22T00:00:00Z", "its archive header", NULL},
    {"Asia/Tokyo", DAY, "a_20261122.dump", "2026-11-22T03:00:00", "2026-11-25T00:00:00",
     "2026-11-21T18:00:00Z", "its archive header", NULL},
    {"America/New_York", DAY, "a_20261122.dump", "2026-11-22T23:00:00", "2026-11-25T00:00:00",
     "2026-11-23T04:00:00Z", "its archive header", NULL},
    /* ... of another zone: behind the day, before the day */
    {"UTC", DAY, "a_20261122.dump", "2026-11-23T00:00:00", "2026-11-25T00:00:00",
     "2026-11-22T23:59:59Z", "its archive header", NULL},
    {"UTC", DAY, "a_20261122.dump", "2026-11-23T13:59:59", "2026-11-25T00:00:00",
     "2026-11-22T23:59:59Z", "its archive header", NULL},
    {"UTC", DAY, "a_20261122.dump", "2026-11-23T14:00:00", "2026-11-25T00:00:00",
     "2026-11-22T00:00:00Z", "its name's day", NULL},
    {"UTC", DAY, "a_20261122.dump", "2026-11-21T23:59:59", "2026-11-25T00:00:00",
     "2026-11-22T00:00:00Z", "its name's day", NULL},
    {"UTC", DAY, "a_20261122.dump", "2026-11-21T04:00:00", "2026-11-25T00:00:00",
     "2026-11-22T00:00:00Z", "its name's day", NULL},
    /* an old dump under a new name */
    {"UTC", DAY, "a_20261122.dump", "2026-11-21T03:59:59", "2026-11-25T00:00:00",
     "2026-11-21T03:59:59Z", "its archive header",
     "named 2026-11-22, but the archive in it was made 2026-11-21"},
    {"Asia/Tokyo", DAY, "a_20261122.dump", "2026-11-08T03:00:00", "2026-11-25T00:00:00",
     "2026-11-07T18:00:00Z", "its archive header",
     "named 2026-11-22, but the archive in it was made 2026-11-08"},
    {"UTC", FULL, "a_20261122-0301.dump", "2026-11-21T07:00:59", "2026-11-25T00:00:00",
     "2026-11-21T07:00:59Z", "its archive header", "was made 2026-11-21"},
    /* a new dump under an old name */
    {"UTC", DAY, "a_20261122.dump", "2026-11-23T20:00:00", "2026-11-25T00:00:00",
     "2026-11-22T00:00:00Z", "its name's day", "was made 2026-11-23"},
    {"UTC", FULL, "a_20261122-0301.dump", "2026-11-23T03:02:00", "2026-11-25T00:00:00",
     "2026-11-22T03:01:00Z", "its name", "was made 2026-11-23"},
    /* a name that tells nothing */
    {"UTC", DAY, "mine.dump", NULL, "2026-11-25T00:00:00", "2026-11-25T00:00:00Z",
     "the time its file was modified", NULL},
    {"UTC", DAY, "mine.dump", "2026-11-22T03:00:00", "2026-11-25T00:00:00", "2026-11-22T03:00:00Z",
     "its archive header", NULL},
    {"America/New_York", DAY, "mine.dump", "2026-11-22T03:00:00", "2026-11-22T03:10:00",
     "2026-11-22T03:10:00Z", "the time its file was modified", NULL},
    /* a header with nonsense in it */
    {"UTC", DAY, "a_20261122.dump", "9999-99-99T99:99:99", "2026-11-25T00:00:00",
     "2026-11-22T00:00:00Z", "its name's day", NULL},
};

static struct tm parts_of(const char *text)
{
    struct tm parts = {0};
    ck_assert_int_eq(sscanf(text, "%d-%d-%dT%d:%d:%d", &parts.tm_year, &parts.tm_mon,
                            &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec),
                     6);
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return parts;
}

START_TEST(the_older_time_wins)
{
    setenv("TZ", cases[_i].zone, 1);
    tzset();
    struct tm modified = parts_of(cases[_i].modified);
    struct tm created = cases[_i].created ? parts_of(cases[_i].created) : (struct tm){0};
    struct backup_file file = {.modified = timegm(&modified)};
    file.has_name_date = name_pattern_match(cases[_i].pattern, cases[_i].name, &file.name_date);
    struct backup_time found = backup_time(&file, cases[_i].created ? &created : NULL);
    char text[TIME_TEXT_SIZE];
    time_format_utc(found.time, text);
    ck_assert_str_eq(text, cases[_i].time);
    ck_assert_str_eq(found.known_from, cases[_i].known_from);
    if (cases[_i].contradiction)
        ck_assert_msg(strstr(found.contradiction, cases[_i].contradiction) != NULL, "%s",
                      found.contradiction);
    else
        ck_assert_str_eq(found.contradiction, "");
}
END_TEST

START_TEST(impossible_numbers_of_a_header_do_no_harm)
{
    struct backup_file file = {.modified = 1795356185};
    struct tm created = {.tm_year = 0x7fffffff, .tm_mon = -5, .tm_mday = 0x7fffffff};
    ck_assert_int_eq(backup_time(&file, &created).time, 1795356185);
}
END_TEST

/* Where names tell no date. The file was modified at 2026-11-22T14:03:05Z. */
static const struct {
    const char *created; /* NULL: unknown */
    bool by_header;
    const char *time;
    const char *known_from;
    const char *contradiction;
} undated[] = {
    {NULL, false, "2026-11-22T14:03:05Z", "the time its file was modified", ""},
    {"2026-11-22T14:01:00", false, "2026-11-22T14:03:05Z", "the time its file was modified", ""},
    {"2026-11-20T14:01:00", false, "2026-11-20T14:01:00Z", "its archive header",
     "modified 2026-11-22, but the archive in it was made 2026-11-20"},
    {"2026-11-20T14:01:00", true, "2026-11-20T14:01:00Z", "its archive header", ""},
    {"2026-11-22T23:01:00", true, "2026-11-22T14:03:05Z", "the time its file was modified", ""},
    {NULL, true, "2026-11-22T14:03:05Z", "the time its file was modified", ""},
};

START_TEST(a_name_need_not_tell_the_date)
{
    setenv("TZ", "UTC", 1);
    tzset();
    struct tm created = undated[_i].created ? parts_of(undated[_i].created) : (struct tm){0};
    const struct tm *header = undated[_i].created ? &created : NULL;
    struct backup_file file = {.modified = 1795356185, .has_name_date = true};
    file.name_date = date_of_file(file.modified);
    struct backup_time found =
        undated[_i].by_header ? backup_time_of_header(&file, header) : backup_time(&file, header);
    char text[TIME_TEXT_SIZE];
    time_format_utc(found.time, text);
    ck_assert_str_eq(text, undated[_i].time);
    ck_assert_str_eq(found.known_from, undated[_i].known_from);
    ck_assert_str_eq(found.contradiction, undated[_i].contradiction);
    /* A manifest knows better than a file that was copied. */
    ck_assert_str_eq(backup_time_of_manifest(&file, 1790000000).contradiction, "");
}
END_TEST

Suite *backup_age_suite(void)
{
    Suite *suite = suite_create("shelf/age");
    add_table_test(suite, the_older_time_wins, sizeof(cases) / sizeof(cases[0]));
    add_table_test(suite, a_name_need_not_tell_the_date, sizeof(undated) / sizeof(undated[0]));
    add_test(suite, impossible_numbers_of_a_header_do_no_harm);
    return suite;
}
