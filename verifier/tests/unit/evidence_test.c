#include <string.h>

#include "base/memory.h"
#include "history/history.h"
#include "report/evidence.h"
#include "unit.h"

enum { DAY = 24 * 60 * 60 };

/* Bad ones have no first day. */
static const struct {
    const char *text, *first, *last;
} periods[] = {
    {"2026", "2026-01-01", "2026-12-31"},
    {"2026-Q1", "2026-01-01", "2026-03-31"},
    {"2026-Q4", "2026-10-01", "2026-12-31"},
    {"2024-02", "2024-02-01", "2024-02-29"},
    {"2026-12", "2026-12-01", "2026-12-31"},
    {"2024-02-29..2024-02-29", "2024-02-29", "2024-02-29"},
    {"2025-12-31..2026-01-01", "2025-12-31", "2026-01-01"},
    {"", NULL, NULL},
    {"26", NULL, NULL},
    {"2026-Q0", NULL, NULL},
    {"2026-Q5", NULL, NULL},
    {"2026-q1", NULL, NULL},
    {"2026-00", NULL, NULL},
    {"2026-13", NULL, NULL},
    {"2026-1", NULL, NULL},
    {"2026 ", NULL, NULL},
    {"2026-02-29..2026-03-01", NULL, NULL},
    {"2026-03-02..2026-03-01", NULL, NULL},
    {"2026-03-01", NULL, NULL},
    {"../../etc", NULL, NULL},
};

START_TEST(test_a_period)
{
    struct period period;
    struct error error;
    char day[DAY_TEXT_SIZE];
    int outcome = period_parse(periods[_i].text, &period, &error);
    ck_assert_msg(outcome == (periods[_i].first ? 0 : -1), "%s", periods[_i].text);
    if (outcome < 0)
        return;
    ck_assert_str_eq(period.name, periods[_i].text);
    day_format(period.from, day);
    ck_assert_str_eq(day, periods[_i].first);
    day_format(period.to - 1, day);
    ck_assert_str_eq(day, periods[_i].last);
    ck_assert_int_eq(period.to % DAY, 0);
}
END_TEST

/* The digests are those of "x" and of another text. */
START_TEST(test_a_chain)
{
    static const char one[] = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    static const char other[] = "594e519ae499312b29433b7dd8a97ff068defcba9755b6d5d00e84c524d67b06";
    struct chain chain, again;
    chain_begin(&chain);
    ck_assert_uint_eq(strspn(chain.link, "0"), 64);
    chain_add(&chain, one);
    chain_add(&chain, other);
    chain_begin(&again);
    chain_add(&again, other);
    chain_add(&again, one);
    ck_assert_str_ne(chain.link, again.link);
    ck_assert_str_eq(chain.link,
                     "c93926ca05ff3e3385c1a56d6d9ce42ef0b4c08c9c70d7874d4339c5ef85497e");
}
END_TEST

/* A run of each day from the first on: v passed, r red, ? could not look, - none. What is found of
 * the third to the ninth day; it is the tenth. */
static const struct {
    const char *days;
    int verified, red, unseen, missing;
    size_t gaps, episodes;
    bool ends_green; /* the last of the episodes */
} stories[] = {
    {"vvvvvvvvvv", 7, 0, 0, 0, 0, 0, false}, {"----------", 0, 0, 0, 7, 1, 0, false},
    {"----vvvvvv", 5, 0, 0, 2, 1, 0, false}, {"----v-vv-v", 3, 0, 0, 4, 3, 0, false},
    {"vvvrrvvvvv", 5, 2, 0, 0, 0, 1, true},  {"vvvrr?vvvv", 4, 2, 1, 0, 0, 1, true},
    {"rrvvvvvvvv", 7, 0, 0, 0, 0, 1, true},  {"rvvvvvvvvv", 7, 0, 0, 0, 0, 0, false},
    {"vvvvvvvvrv", 6, 1, 0, 0, 0, 1, true},  {"vvvvvvvvrr", 6, 1, 0, 0, 0, 1, false},
    {"vvvvvvvvvr", 7, 0, 0, 0, 0, 0, false}, {"v?vr-rv---", 2, 2, 0, 3, 2, 2, true},
};

static struct history_entry run_of(char kind, time_t began)
{
    struct history_entry entry = {.command = xstrdup("verify"),
                                  .headline = xstrdup(""),
                                  .program = xstrdup("p"),
                                  .server = xstrdup("15"),
                                  .backup = xstrdup("b"),
                                  .began = began,
                                  .exit_code = kind == 'v'   ? 0
                                               : kind == 'r' ? 1
                                                             : 2};
    history_entry_name(&entry);
    return entry;
}

START_TEST(test_a_story)
{
    struct period period;
    struct error error;
    struct evidence evidence;
    struct history_entry items[16];
    struct history_entries entries = {.items = items};
    ck_assert_int_eq(period_parse("2026-07-03..2026-07-09", &period, &error), 0);
    time_t first = period.from - (time_t)2 * DAY;
    for (int day = 0; stories[_i].days[day]; day++)
        if (stories[_i].days[day] != '-')
            items[entries.count++] =
                run_of(stories[_i].days[day], first + (time_t)day * DAY + 7200);
    const struct page_scenario told = {.name = "s", .entries = &entries, .path = "p"};
    evidence_gather(&told, 1, &period, first + (time_t)9 * DAY + 9000, NULL, &evidence);
    const struct evidence_scenario *scenario = &evidence.scenarios[0];
    ck_assert_int_eq(scenario->nights, 7);
    ck_assert_int_eq(scenario->verified, stories[_i].verified);
    ck_assert_int_eq(scenario->red, stories[_i].red);
    ck_assert_int_eq(scenario->unseen, stories[_i].unseen);
    ck_assert_int_eq(scenario->missing, stories[_i].missing);
    ck_assert_uint_eq(scenario->gap_count, stories[_i].gaps);
    ck_assert_uint_eq(scenario->episode_count, stories[_i].episodes);
    if (scenario->episode_count > 0)
        ck_assert(!scenario->episodes[scenario->episode_count - 1].green != stories[_i].ends_green);
    evidence_free(&evidence);
    for (size_t i = 0; i < entries.count; i++)
        history_entry_free(&items[i]);
}
END_TEST

Suite *evidence_suite(void)
{
    Suite *suite = suite_create("evidence");
    add_table_test(suite, test_a_period, ARRAY_LENGTH(periods));
    add_test(suite, test_a_chain);
    add_table_test(suite, test_a_story, ARRAY_LENGTH(stories));
    return suite;
}
