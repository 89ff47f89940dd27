#include "shelf/retention.h"

#include <string.h>

#include "tests/unit/unit.h"

/* Ages in days, newest first; a letter says whether it verified (v) or not (-), and what is to
 * become of it: y young, n newest, V newest verified, o newest verified for another scenario (of a
 * backup that is one, o in place of -), u nothing proven, D deleted. */
static const struct {
    const char *name;
    int keep_days;
    struct {
        double age_days;
        char verified;
        char decision;
    } backups[7];
} cases[] = {
    {"nothing there", 30, {{0, 0, 0}}},
    {"one young", 30, {{1, 'v', 'y'}}},
    {"one old, verified", 30, {{40, 'v', 'V'}}},
    {"one old, not verified", 30, {{40, '-', 'n'}}},
    {"as it should be", 30, {{0, 'v', 'y'}, {1, 'v', 'y'}, {31, 'v', 'D'}, {32, '-', 'D'}}},
    {"exactly keep", 30, {{0, 'v', 'y'}, {30, 'v', 'y'}, {30.001, 'v', 'D'}}},
    {"the dump stopped", 30, {{31, 'v', 'V'}, {32, 'v', 'u'}, {33, '-', 'u'}}},
    {"the dump stopped, the last is bad", 30, {{31, '-', 'n'}, {32, 'v', 'V'}, {33, 'v', 'u'}}},
    {"the dump writes rubbish", 30, {{0, '-', 'y'}, {1, '-', 'y'}, {31, 'v', 'V'}, {32, 'v', 'u'}}},
    {"nothing ever verified", 30, {{0, '-', 'y'}, {31, '-', 'u'}, {32, '-', 'u'}}},
    {"nothing ever verified, all old", 30, {{31, '-', 'n'}, {32, '-', 'u'}}},
    {"the last good one is young", 30, {{0, '-', 'y'}, {29, 'v', 'y'}, {31, 'v', 'D'}}},
    {"a verified date in the future", 30, {{-400, 'v', 'y'}, {31, 'v', 'u'}, {32, '-', 'u'}}},
    {"the end of today", 30, {{-0.9, 'v', 'y'}, {31, 'v', 'D'}}},
    {"an unverified date in the future", 30, {{-400, '-', 'y'}, {1, 'v', 'y'}, {31, 'v', 'D'}}},
    {"another scenario's last one", 30, {{1, 'v', 'y'}, {31, 'o', 'o'}, {32, 'v', 'D'}}},
    {"another scenario's alone", 30, {{1, '-', 'y'}, {31, 'o', 'o'}, {32, '-', 'u'}}},
    {"short", 1, {{0.5, 'v', 'y'}, {1.5, 'v', 'D'}, {2.5, 'v', 'D'}}},
};

static enum retention wanted(char letter)
{
    switch (letter) {
    case 'y':
        return RETAIN_YOUNG;
    case 'n':
        return RETAIN_NEWEST;
    case 'V':
        return RETAIN_NEWEST_VERIFIED;
    case 'o':
        return RETAIN_OTHERS_NEWEST;
    case 'u':
        return RETAIN_NOTHING_PROVEN;
    default:
        return RETAIN_NOT;
    }
}

START_TEST(what_stays)
{
    const time_t now = 1795356185;
    struct retained backups[7] = {0};
    enum retention decisions[7];
    struct retained_list list = {.items = backups};
    while (list.count < 7 && cases[_i].backups[list.count].verified) {
        struct retained *backup = &backups[list.count];
        backup->time = now - (time_t)(cases[_i].backups[list.count].age_days * 86400);
        static char record[] = "b.sql.verified-crm.json";
        backup->last_of_other = cases[_i].backups[list.count].verified == 'o' ? record : NULL;
        backup->verified = cases[_i].backups[list.count++].verified == 'v';
    }
    struct keep keep = {.young_s = cases[_i].keep_days * 86400LL};
    retention_decide(&list, now, &keep, decisions);
    for (size_t i = 0; i < list.count; i++)
        ck_assert_msg(decisions[i] == wanted(cases[_i].backups[i].decision), "%s: backup %zu is %d",
                      cases[_i].name, i, (int)decisions[i]);
}
END_TEST

/* Whatever there is, as long as anything verified, something that verified stays. */
START_TEST(the_last_good_one_is_never_deleted)
{
    enum { DAY = 86400, COUNT = 6 };
    const time_t now = 1795356185;
    for (unsigned verified = 0; verified < 1 << COUNT; verified++)
        for (int first = -2; first < 50; first++) {
            struct retained backups[COUNT] = {0};
            enum retention decisions[COUNT];
            struct retained_list list = {.items = backups, .count = COUNT};
            for (int i = 0; i < COUNT; i++) {
                backups[i].time = now - (first + 7 * i) * (time_t)DAY;
                backups[i].verified = (verified & (1u << i)) != 0;
            }
            struct keep keep = {.young_s = 30 * DAY};
            retention_decide(&list, now, &keep, decisions);
            bool good_stays = false;
            bool young_good = false;
            size_t deleted = 0;
            for (int i = 0; i < COUNT; i++) {
                good_stays |= backups[i].verified && decisions[i] != RETAIN_NOT;
                young_good |= backups[i].verified && now - backups[i].time <= 30 * DAY;
                deleted += decisions[i] == RETAIN_NOT;
                ck_assert(decisions[i] != RETAIN_NOT || now - backups[i].time > 30 * DAY);
            }
            ck_assert(good_stays || verified == 0);
            ck_assert(young_good || deleted == 0);
            ck_assert(decisions[0] != RETAIN_NOT);
        }
}
END_TEST

/* Backups by their times, newest first. Of one that lacks a file, it may still arrive. */
static const struct {
    struct keep keep;
    const char *backups; /* "2026-11-26T02v": verified; "?": a set that lacks a file */
    const char *kept;    /* a letter for each: p period, V, n, u, D, y */
} periods[] = {
    {{.young_s = 3 * 86400, .by_periods = true, .periods = {3}},
     "2026-11-26T02v 2026-11-25T02v 2026-11-24T02v 2026-11-23T02v",
     "pppD"},
    {{.young_s = 3 * 86400, .by_periods = true, .periods = {3}},
     "2026-11-26T14- 2026-11-26T02v 2026-11-24T02v 2026-11-20T02- 2026-11-19T02v",
     "npppD"},
    {{.young_s = 2 * 86400, .by_periods = true, .periods = {2, 2}}, /* Monday is the 23rd */
     "2026-11-26T02v 2026-11-25T02v 2026-11-23T02v 2026-11-22T02v 2026-11-16T02v 2026-11-15T02v",
     "ppDpDD"},
    {{.young_s = 86400, .by_periods = true, .periods = {1, 0, 2, 2}},
     "2026-11-26T02v 2026-11-01T02v 2026-10-31T02v 2026-10-01T02v 2025-12-31T02v 2024-12-31T02v",
     "pDpDpD"},
    {{.young_s = 2 * 86400, .by_periods = true, .periods = {2}},
     "2026-11-26T02- 2026-11-25T02- 2026-11-20T02v 2026-11-19T02v",
     "ppVu"},
    {{.young_s = 2 * 86400, .by_periods = true, .periods = {2}},
     "2031-01-01T02v 2026-11-26T02v 2026-11-25T02v 2026-11-19T02v",
     "yppD"},
    {{.young_s = 2 * 86400, .by_periods = true, .periods = {2}},
     "2026-11-26T02? 2026-11-25T02v 2026-11-23T02? 2026-11-22T02v 2026-11-22T01v",
     "ypDpD"},
};

START_TEST(one_stays_for_each_period)
{
    static const char letters[] = "ypnVuD";
    static const enum retention decisions_of[] = {RETAIN_YOUNG,          RETAIN_PERIOD,
                                                  RETAIN_NEWEST,         RETAIN_NEWEST_VERIFIED,
                                                  RETAIN_NOTHING_PROVEN, RETAIN_NOT};
    struct tm noon = {.tm_year = 126, .tm_mon = 10, .tm_mday = 26, .tm_hour = 15, .tm_isdst = -1};
    struct retained backups[8] = {0};
    enum retention decisions[8];
    struct retained_list list = {.items = backups};
    char found[9] = "";
    for (const char *text = periods[_i].backups; *text; text += strspn(text, " ")) {
        struct tm parts = {.tm_isdst = -1};
        text = strptime(text, "%Y-%m-%dT%H", &parts);
        ck_assert_ptr_nonnull(text);
        backups[list.count].incomplete = *text == '?';
        backups[list.count].verified = *text++ == 'v';
        backups[list.count++].time = mktime(&parts);
    }
    retention_decide(&list, mktime(&noon), &periods[_i].keep, decisions);
    for (size_t i = 0; i < list.count; i++)
        for (size_t j = 0; j < ARRAY_LENGTH(decisions_of); j++)
            if (decisions[i] == decisions_of[j])
                found[i] = letters[j];
    ck_assert_str_eq(found, periods[_i].kept);
}
END_TEST

START_TEST(every_reason_has_words)
{
    ck_assert_str_eq(retention_words(RETAIN_NEWEST), "it is the newest backup");
    ck_assert_str_eq(retention_words(RETAIN_NEWEST_VERIFIED),
                     "it is the newest backup that verified");
    ck_assert_str_eq(retention_words(RETAIN_OTHERS_NEWEST),
                     "it is the newest backup that verified for another scenario");
    ck_assert_str_eq(retention_words(RETAIN_NOTHING_PROVEN), "no younger backup has verified");
    ck_assert_str_eq(retention_words(RETAIN_YOUNG), "");
    ck_assert_str_eq(retention_words(RETAIN_NOT), "");
}
END_TEST

Suite *backup_retention_suite(void)
{
    Suite *suite = suite_create("shelf/retention");
    add_table_test(suite, what_stays, ARRAY_LENGTH(cases));
    add_test(suite, the_last_good_one_is_never_deleted);
    add_table_test(suite, one_stays_for_each_period, ARRAY_LENGTH(periods));
    add_test(suite, every_reason_has_words);
    return suite;
}
