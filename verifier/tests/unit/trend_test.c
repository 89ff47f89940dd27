#include "history/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

/* --- numbers ---------------------------------------------------------------------------------- */

enum { MOST = 12 };

static const struct {
    size_t count;
    long double numbers[MOST];
    long double mean, median, spread; /* spread in units of 1.4826 */
} series[] = {
    {1, {5}, 5, 5, 0},
    {2, {0, 0}, 0, 0, 0},
    {2, {4, 1}, 2.5L, 2.5L, 1.5L},
    {3, {9, 1, 2}, 4, 2, 1},
    {4, {1, 2, 3, 100}, 26.5L, 2.5L, 1},
    {5, {7, 7, 7, 7, 1000}, 205.6L, 7, 0},
    {5, {-5, 5, 0, -1, 1}, 0, 0, 1},
    {2,
     {9223372036854775807.0L, 9223372036854775807.0L},
     9223372036854775807.0L,
     9223372036854775807.0L,
     0},
    {3, {9223372036854775807.0L, 0, 0}, 9223372036854775807.0L / 3, 0, 0},
    {3, {0.1L, 0.2L, 0.4L}, 0.7L / 3, 0.2L, 0.1L},
};

START_TEST(mean_median_and_spread)
{
    struct usual usual;
    long double before[MOST];
    memcpy(before, series[_i].numbers, sizeof(before));
    usual_find(before, series[_i].count, 0, &usual);
    ck_assert_mem_eq(before, series[_i].numbers, sizeof(before));
    ck_assert_ldouble_eq_tol(numbers_mean(before, series[_i].count), series[_i].mean, 1e-6L);
    ck_assert_ldouble_eq_tol(usual.median, series[_i].median, 1e-9L);
    ck_assert_ldouble_eq_tol(usual.spread, 1.4826L * series[_i].spread, 1e-9L);
}
END_TEST

/* What is usual of a week: the last number that is, and the first that is not, in both directions.
 */
static const struct {
    long double week[7], least;
    long double low, too_low, high, too_high;
} usuals[] = {
    /* constant: a tenth, or `least` */
    {{500, 500, 500, 500, 500, 500, 500}, 1, 450, 449, 550, 551},
    {{3, 3, 3, 3, 3, 3, 3}, 1, 2, 1, 4, 5},
    {{0, 0, 0, 0, 0, 0, 0}, 1, -1, -2, 1, 2},
    {{0.2L, 0.2L, 0.2L, 0.2L, 0.2L, 0.2L, 0.2L}, 5, 0, -4.9L, 5.2L, 5.3L},
    /* one odd night makes nothing usual */
    {{500, 500, 9999, 500, 500, 500, 500}, 1, 450, 449, 550, 551},
    /* a spread: 5 * 1.4826 * 30 = 222.39 */
    {{460, 470, 480, 500, 520, 530, 540}, 1, 277.7L, 277.6L, 722.3L, 722.4L},
    /* growth is usual, and so is another night of it */
    {{100, 110, 120, 130, 140, 150, 160}, 1, -18.2L, -18.3L, 278.2L, 278.3L},
    {{9e18L, 9e18L, 9e18L, 9e18L, 9e18L, 9e18L, 9e18L}, 1, 8.1e18L, 8e18L, 9.9e18L, 1e19L},
};

START_TEST(what_is_usual)
{
    struct usual usual;
    usual_find(usuals[_i].week, 7, usuals[_i].least, &usual);
    ck_assert(usual_holds(&usual, usual.median));
    ck_assert(usual_holds(&usual, usuals[_i].low));
    ck_assert(!usual_holds(&usual, usuals[_i].too_low));
    ck_assert(usual_holds(&usual, usuals[_i].high));
    ck_assert(!usual_holds(&usual, usuals[_i].too_high));
    ck_assert(!usual_holds(&usual, (long double)NAN));
}
END_TEST

static const struct {
    long double difference, before, percent;
} percents[] = {
    {-20, 500, -4},    {500, 500, 100},     {-500, 500, -100},
    {0, 0, 0},         {1, 0, HUGE_VALL},   {-1, 0, -HUGE_VALL},
    {0.05L, 0.1L, 50}, {9e18L, 9e18L, 100}, {-9e18L, 1, -9e20L},
};

START_TEST(percent_of_something_and_of_nothing)
{
    long double found = percent_of(percents[_i].difference, percents[_i].before);
    ck_assert(found == percents[_i].percent ||
              fabsl(found - percents[_i].percent) < 1e-9L * fabsl(found));
}
END_TEST

/* --- nights ----------------------------------------------------------------------------------- */

enum { NOW = 1800000000, HOUR = 3600, DAY = 24 * HOUR, RUNS = 6, UNKNOWN = 1000 };

#define RUN(days_ago, backup, exit_code)                                                           \
    {                                                                                              \
        days_ago, backup, exit_code, NULL, false, 0                                                \
    }
#define OF(days_ago, backup, exit_code, made)                                                      \
    {                                                                                              \
        days_ago, backup, exit_code, NULL, false, made                                             \
    }
#define BY(days_ago, backup, command)                                                              \
    {                                                                                              \
        days_ago, backup, 0, command, false, 0                                                     \
    }
#define GIVEN(days_ago, backup)                                                                    \
    {                                                                                              \
        days_ago, backup, 0, NULL, true, 0                                                         \
    }

/* Runs, the oldest first, each some days ago; and the backups that count, the newest first. */
static const struct {
    const char *name;
    struct {
        int days_ago;
        const char *backup;
        int exit_code;
        const char *command; /* NULL: verify */
        bool given;
        int made; /* days ago; 0: as the run; UNKNOWN */
    } runs[RUNS];
    size_t most;
    const char *found;
} pasts[] = {
    {"nothing", {RUN(0, NULL, 0)}, 7, ""},
    {"nights", {RUN(3, "c", 0), RUN(2, "b", 0), RUN(1, "a", 0)}, 7, "a b c"},
    {"not more than asked for", {RUN(3, "c", 0), RUN(2, "b", 0), RUN(1, "a", 0)}, 2, "a b"},
    {"no red ones, none that could not look",
     {RUN(3, "c", 0), RUN(2, "b", 1), RUN(1, "a", 2)},
     7,
     "c"},
    {"other commands", {BY(2, "b", "dump"), BY(2, "b", "rehearse"), RUN(1, "a", 0)}, 7, "a"},
    {"named on the command line", {GIVEN(2, "b"), RUN(1, "a", 0)}, 7, "a"},
    {"tonight's own", {RUN(1, "a", 0), RUN(0, "tonight", 0)}, 7, "a"},
    {"a later backup", {RUN(1, "a", 0), OF(0, "z", 0, -2)}, 7, "a"},
    {"dated in the future", {RUN(1, "a", 0), OF(-1, "z", 0, 2)}, 7, "a"},
    {"twice is once", {RUN(3, "b", 0), OF(1, "b", 0, 3), RUN(1, "a", 0)}, 7, "a b"},
    {"red when looked at again", {RUN(3, "b", 0), OF(1, "b", 1, 3), RUN(1, "a", 0)}, 7, "a"},
    {"green when looked at again", {RUN(3, "b", 1), OF(1, "b", 0, 3)}, 7, "b"},
    {"nothing seen when looked at again", {RUN(3, "b", 0), OF(1, "b", 2, 3)}, 7, "b"},
    {"the same name every night", {RUN(3, "x", 0), RUN(2, "x", 0), RUN(1, "x", 0)}, 7, "x x x"},
    {"times that are not known", {OF(2, "b", 0, UNKNOWN), OF(1, "tonight", 0, UNKNOWN)}, 7, "b"},
    {"no backup", {RUN(2, "b", 0), OF(1, "", 0, UNKNOWN)}, 7, "b"},
};

START_TEST(which_nights_count)
{
    struct history_entries entries = {.items = xcalloc(RUNS, sizeof(*entries.items))};
    for (size_t i = 0; i < RUNS && pasts[_i].runs[i].backup; i++) {
        const char *command = pasts[_i].runs[i].command;
        const int days_ago = pasts[_i].runs[i].days_ago;
        const int other = pasts[_i].runs[i].made;
        const time_t made = NOW - HOUR - (time_t)(other ? other : days_ago) * DAY;
        entries.items[entries.count++] =
            (struct history_entry){.command = xstrdup(command ? command : "verify"),
                                   .began = NOW - (time_t)days_ago * DAY,
                                   .exit_code = pasts[_i].runs[i].exit_code,
                                   .given = pasts[_i].runs[i].given,
                                   .backup = xstrdup(pasts[_i].runs[i].backup),
                                   .backup_time = other == UNKNOWN ? 0 : made};
    }
    struct nights nights;
    struct buffer found;
    buffer_init(&found, 100);
    nights_before(&entries, "tonight", NOW - HOUR, NOW, pasts[_i].most, &nights);
    for (size_t i = 0; i < nights.count; i++)
        buffer_printf(&found, "%s%s", i ? " " : "", nights.items[i]->backup);
    ck_assert_msg(strcmp(found.data ? found.data : "", pasts[_i].found) == 0, "%s: %s",
                  pasts[_i].name, found.data);
    buffer_free(&found);
    nights_free(&nights);
    history_entries_free(&entries);
}
END_TEST

START_TEST(of_a_backup_without_a_time_the_name_tells)
{
    char verify[] = "verify", tonight[] = "tonight", other[] = "other";
    struct history_entry items[] = {
        {.command = verify, .began = NOW - DAY, .backup = other, .backup_time = NOW - DAY},
        {.command = verify, .began = NOW - HOUR, .backup = tonight, .backup_time = NOW - HOUR},
    };
    const struct history_entries entries = {.items = items, .count = 2};
    struct nights nights;
    nights_before(&entries, "tonight", 0, NOW, 7, &nights);
    ck_assert_uint_eq(nights.count, 1);
    ck_assert_ptr_eq(nights.items[0], &items[0]);
    nights_free(&nights);
    nights_free(&nights);
}
END_TEST

Suite *trend_suite(void)
{
    Suite *suite = suite_create("history/trend");
    add_table_test(suite, mean_median_and_spread, ARRAY_LENGTH(series));
    add_table_test(suite, what_is_usual, ARRAY_LENGTH(usuals));
    add_table_test(suite, percent_of_something_and_of_nothing, ARRAY_LENGTH(percents));
    add_table_test(suite, which_nights_count, ARRAY_LENGTH(pasts));
    add_test(suite, of_a_backup_without_a_time_the_name_tells);
    return suite;
}
