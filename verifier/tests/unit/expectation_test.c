#include "scenario/expectation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

static const struct {
    const char *text;
    bool is_query;
    const char *metric; /* as metric_name gives it */
    bool warn, change, percent;
    enum comparison comparison;
    long double low, high;
    const char *same_as;
} parsed[] = {
    {"row_count >= 1", false, "row_count", false, false, false, COMPARE_GREATER_OR_EQUAL, 1, 0,
     NULL},
    {"row_count>=1", false, "row_count", false, false, false, COMPARE_GREATER_OR_EQUAL, 1, 0, NULL},
    {"warn: row_count != 0", false, "row_count", true, false, false, COMPARE_NOT_EQUAL, 0, 0, NULL},
    {"row_count = 9223372036854775807", false, "row_count", false, false, false, COMPARE_EQUAL,
     9223372036854775807.0L, 0, NULL},
    {"row_count = 18446744073709551615", false, "row_count", false, false, false, COMPARE_EQUAL,
     18446744073709551615.0L, 0, NULL},
    {"row_count between 1 and 10000000", false, "row_count", false, false, false, COMPARE_BETWEEN,
     1, 10000000, NULL},
    {"row_count between -1.5 and -1.5", false, "row_count", false, false, false, COMPARE_BETWEEN,
     -1.5L, -1.5L, NULL},
    {"row_count same as dump", false, "row_count", false, false, false, COMPARE_SAME_AS, 0, 0,
     "dump"},
    {"object_count same as copy", false, "object_count", false, false, false, COMPARE_SAME_AS, 0, 0,
     "copy"},
    {"change for row_count >= -5%", false, "row_count", false, true, true, COMPARE_GREATER_OR_EQUAL,
     -5, 0, NULL},
    {"warn: change for row_count between -5% and +0.5%", false, "row_count", true, true, true,
     COMPARE_BETWEEN, -5, 0.5L, NULL},
    {"change for row_count >= -100", false, "row_count", false, true, false,
     COMPARE_GREATER_OR_EQUAL, -100, 0, NULL},
    {"freshness(created_at) < 26h", false, "freshness(created_at)", false, false, false,
     COMPARE_LESS, 93600, 0, NULL},
    {"freshness ( created_at ) <= 1.5m", false, "freshness(created_at)", false, false, false,
     COMPARE_LESS_OR_EQUAL, 90, 0, NULL},
    {"freshness(a) < 30d", false, "freshness(a)", false, false, false, COMPARE_LESS, 2592000, 0,
     NULL},
    {"total_size > 10MB", false, "total_size", false, false, false, COMPARE_GREATER, 10000000, 0,
     NULL},
    {"total_size > 4GiB", false, "total_size", false, false, false, COMPARE_GREATER, 4294967296.0L,
     0, NULL},
    {"total_size > 12", false, "total_size", false, false, false, COMPARE_GREATER, 12, 0, NULL},
    {"missing(reports.url) = 0", false, "missing(reports.url)", false, false, false, COMPARE_EQUAL,
     0, 0, NULL},
    {"orphaned(public.reports.url) = 0", false, "orphaned(public.reports.url)", false, false, false,
     COMPARE_EQUAL, 0, 0, NULL},
    {"missing( a.b ,c.d.e) of copy in shots/ <= 5", false, "missing(a.b, c.d.e) of copy in shots/",
     false, false, false, COMPARE_LESS_OR_EQUAL, 5, 0, NULL},
    {"object_count  of  copy>= 1", false, "object_count of copy", false, false, false,
     COMPARE_GREATER_OR_EQUAL, 1, 0, NULL},
    {"change for total_size in a/b between -1MB and 1MB", false, "total_size in a/b", false, true,
     false, COMPARE_BETWEEN, -1000000, 1000000, NULL},
    {"object_count in \"a b/\" same as copy", false, "object_count in \"a b/\"", false, false,
     false, COMPARE_SAME_AS, 0, 0, "copy"},
    {"object_count in 'a\"b c'= 1", false, "object_count in 'a\"b c'", false, false, false,
     COMPARE_EQUAL, 1, 0, NULL},
    {"object_count in '=x' = 1", false, "object_count in \"=x\"", false, false, false,
     COMPARE_EQUAL, 1, 0, NULL},
    {"object_count in \"plain\" = 1", false, "object_count in plain", false, false, false,
     COMPARE_EQUAL, 1, 0, NULL},
    {"freshness(\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80) > 1s", false,
     "freshness(\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80)", false, false, false, COMPARE_GREATER, 1, 0,
     NULL},
    {"sequences behind=0", false, "sequences behind", false, false, false, COMPARE_EQUAL, 0, 0,
     NULL},
    {"duration < 5m", false, "duration", false, false, false, COMPARE_LESS, 300, 0, NULL},
    {"write_blocked < 500ms", false, "write_blocked", false, false, false, COMPARE_LESS, 0.5L, 0,
     NULL},
    {"read_blocked(public.users) = 0", false, "read_blocked(public.users)", false, false, false,
     COMPARE_EQUAL, 0, 0, NULL},
    {"warn: rows_updated < 100000", false, "rows_updated", true, false, false, COMPARE_LESS, 100000,
     0, NULL},
    {"= 0", true, "value", false, false, false, COMPARE_EQUAL, 0, 0, NULL},
    {" warn: >= -0.25 ", true, "value", true, false, false, COMPARE_GREATER_OR_EQUAL, -0.25L, 0,
     NULL},
    {"between 1 and 2", true, "value", false, false, false, COMPARE_BETWEEN, 1, 2, NULL},
};

START_TEST(what_is_right_parses)
{
    struct expectation expectation;
    char *problem = NULL;
    size_t offset = 0;
    ck_assert_msg(expectation_parse(parsed[_i].text, parsed[_i].is_query, &expectation, &problem,
                                    &offset) == 0,
                  "%s: %s", parsed[_i].text, problem);
    cleanup(free_pointer) char *name = metric_name(&expectation);
    ck_assert_str_eq(name, parsed[_i].metric);
    ck_assert_int_eq(expectation.warn, parsed[_i].warn);
    ck_assert_int_eq(expectation.change, parsed[_i].change);
    ck_assert_int_eq(expectation.percent, parsed[_i].percent);
    ck_assert_int_eq(expectation.comparison, parsed[_i].comparison);
    ck_assert_ldouble_eq(expectation.low, parsed[_i].low);
    ck_assert_ldouble_eq(expectation.high, parsed[_i].high);
    ck_assert_pstr_eq(expectation.same_as, parsed[_i].same_as);
    expectation_free(&expectation);
    ck_assert_ptr_null(expectation.text);
}
END_TEST

START_TEST(the_text_is_as_written_without_warn)
{
    struct expectation expectation;
    char *problem = NULL;
    size_t offset = 0;
    ck_assert_int_eq(
        expectation_parse(" warn :  row_count  >= 1 \n", false, &expectation, &problem, &offset),
        0);
    ck_assert_str_eq(expectation.text, "row_count  >= 1");
    expectation_free(&expectation);
}
END_TEST

static const struct {
    const char *text;
    const char *metric;
    bool anomaly, change;
    unsigned last_nights;
    bool percent, history;
    long double low;
} against_nights[] = {
    {"row_count >= 1", "row_count", false, false, 0, false, false, 1},
    {"change for row_count >= -5%", "row_count", false, true, 0, true, false, -5},
    {"change avg last 7 for row_count >= -10%", "row_count", false, true, 7, true, true, -10},
    {"change  avg last  2 for row_count>=-10", "row_count", false, true, 2, false, true, -10},
    {"change avg last 100 for object_count of copy in a/ < 0.5%", "object_count of copy in a/",
     false, true, 100, true, true, 0.5L},
    {"change avg last 007 for total_size > -1MB", "total_size", false, true, 7, false, true,
     -1000000},
    {"anomaly for row_count", "row_count", true, false, 0, false, true, 0},
    {"anomaly for object_count in \"a b/\" ", "object_count in \"a b/\"", true, false, 0, false,
     true, 0},
    {"restore_time < 30m", "restore_time", false, false, 0, false, false, 1800},
    {"restore_time<1.5s", "restore_time", false, false, 0, false, false, 1.5L},
    {"backup_size >= 1MB", "backup_size", false, false, 0, false, false, 1000000},
    {"change for restore_time <= +50%", "restore_time", false, true, 0, true, true, 50},
    {"change for restore_time <= +10s", "restore_time", false, true, 0, false, true, 10},
    {"change for backup_size >= -1GiB", "backup_size", false, true, 0, false, true, -1073741824.0L},
    {"anomaly for restore_time", "restore_time", true, false, 0, false, true, 0},
};

START_TEST(what_is_held_against_earlier_nights_parses)
{
    struct expectation expectation;
    char *problem = NULL;
    size_t offset = 0;
    const char *text = against_nights[_i].text;
    ck_assert_msg(expectation_parse(text, false, &expectation, &problem, &offset) == 0, "%s: %s",
                  text, problem);
    cleanup(free_pointer) char *name = metric_name(&expectation);
    ck_assert_str_eq(name, against_nights[_i].metric);
    ck_assert_int_eq(expectation.anomaly, against_nights[_i].anomaly);
    ck_assert_int_eq(expectation.change, against_nights[_i].change);
    ck_assert_uint_eq(expectation.last_nights, against_nights[_i].last_nights);
    ck_assert_int_eq(expectation.percent, against_nights[_i].percent);
    ck_assert_ldouble_eq(expectation.low, against_nights[_i].low);
    ck_assert_int_eq(expectation_asks_history(&expectation), against_nights[_i].history);
    expectation_free(&expectation);
}
END_TEST

static const struct {
    const char *text;
    bool is_query;
    size_t offset;
    const char *words; /* part of the problem */
} refused[] = {
    {"", false, 0, "a metric is missing"},
    {">= 1", false, 0, "a metric is missing"},
    {"rowcount >= 1", false, 0, "did you mean `row_count`"},
    {"wibble >= 1", false, 0, "known here are `row_count`, `freshness`"},
    {"row_count", false, 9, "a comparison is missing"},
    {"row_count 5", false, 10, "`5` is no comparison"},
    {"row_count => 5", false, 10, "did you mean `>=`"},
    {"row_count == 5", false, 10, "did you mean `=`"},
    {"row_count <> 5", false, 10, "did you mean `!=`"},
    {"row_count >=", false, 12, "a number is missing"},
    {"row_count >= x", false, 13, "`x` is no number"},
    {"row_count >= nan", false, 13, "`nan` is no number"},
    {"row_count >= inf", false, 13, "`inf` is no number"},
    {"row_count >= 0x10", false, 13, "`x` is no unit"},
    {"row_count >= 1e6", false, 13, "`e` is no unit"},
    {"row_count >= 1_000", false, 13, "no separators"},
    {"row_count >= 1,000", false, 13, "no separators"},
    {"row_count >= 1.", false, 13, "such as 5 or 0.5"},
    {"row_count >= .5", false, 13, "`.5` is no number"},
    {"row_count >= 1.2.3", false, 13, "such as 5 or 0.5"},
    {"row_count >= - 5", false, 13, "`-` is no number"},
    {"row_count >= --5", false, 13, "is no number"},
    {"row_count >= 18446744073709551616", false, 13, "too many digits"},
    {"row_count >= 0.0000000000000000001", false, 13, "too many digits"},
    {"row_count >= 1 000", false, 15, "`000` is too much"},
    {"row_count >= 1 and more", false, 15, "`and more` is too much"},
    {"row_count >= 5%", false, 13, "only for changes"},
    {"row_count >= 5h", false, 13, "takes no such unit"},
    {"row_count(x) >= 5", false, 9, "takes nothing in parentheses"},
    {"row_count between 1", false, 19, "`and` is missing"},
    {"row_count between 2 and 1", false, 18, "the smaller number comes first"},
    {"change for row_count between 1% and 2", false, 29, "both numbers are percent"},
    {"row_count same dump", false, 15, "`as` is missing"},
    {"row_count same as", false, 17, "same as what"},
    {"row_count same as dmp", false, 18, "did you mean `dump`"},
    {"change row_count >= 1", false, 7, "`for` is missing"},
    {"change", false, 6, "`for` is missing: change for row_count >= -5%, or change avg last 7"},
    {"change fro row_count >= 1", false, 7, "did you mean `change for`"},
    {"change agv last 7 for row_count >= 1", false, 7, "did you mean `change avg`"},
    {"chnage for row_count >= 1", false, 0, "did you mean `change`"},
    {"change avg 7 for row_count >= 1", false, 11, "`last` is missing: change avg last 7"},
    {"change avg last for row_count >= 1", false, 16, "a number of nights, from 2 to 100"},
    {"change avg last 1 for row_count >= 1", false, 16, "a number of nights, from 2 to 100"},
    {"change avg last 101 for row_count >= 1", false, 16, "a number of nights, from 2 to 100"},
    {"change avg last 4294967298 for row_count >= 1", false, 16, "a number of nights"},
    {"change avg last -7 for row_count >= 1", false, 16, "a number of nights"},
    {"change avg last 7d for row_count >= 1", false, 16, "a number of nights"},
    {"change avg last 7 row_count >= 1", false, 18, "`for` is missing: change avg last 7 for"},
    {"change avg last 7 for row_cuont >= 1", false, 22, "did you mean `row_count`"},
    {"change avg last 7 for row_count", false, 31, "a comparison is missing"},
    {"change avg last 7 for row_count same as dump", false, 40, "compared with a number"},
    {"change for anomaly for row_count", false, 11, "unknown metric `anomaly`: known here are"},
    {"anomoly for row_count", false, 0, "did you mean `anomaly`"},
    {"anomaly row_count", false, 8, "`for` is missing: anomaly for row_count"},
    {"anomaly for", false, 11, "a metric is missing"},
    {"anomaly for row_count >= 5", false, 22, "takes none: anomaly for row_count"},
    {"restore_time < 30", false, 15, "needs a unit"},
    {"restore_time < 30MB", false, 15, "restore_time takes no such unit: restore_time < 30m"},
    {"restore_time(a) < 30m", false, 12, "takes nothing in parentheses"},
    {"backup_size > 1h", false, 14, "backup_size takes no such unit: backup_size >= 1MB"},
    {"change for restore_time <= 50", false, 27, "needs a unit"},
    {"change for row_count same as dump", false, 29, "compared with a number"},
    {"freshness < 26h", false, 9, "freshness needs a column: freshness(created_at) < 26h"},
    {"freshness() < 26h", false, 10, "freshness needs a column"},
    {"freshness(a.b) < 26h", false, 10, "freshness needs a column"},
    {"freshness(a < 26h", false, 9, "the `)` is missing"},
    {"freshness(a) < 26", false, 15, "needs a unit"},
    {"freshness(a) < 26x", false, 15, "`x` is no unit"},
    {"missing(url) = 0", false, 8, "a table and a column"},
    {"missing(.url) = 0", false, 8, "a table and a column"},
    {"missing(a..url) = 0", false, 8, "a table and a column"},
    {"missing(a.b.c.d) = 0", false, 8, "a table and a column"},
    {"missing(a.b,) = 0", false, 12, "a table and a column"},
    {"missing(a.b, a.b) = 0", false, 13, "stands here twice"},
    {"object_count of bucket = 0", false, 16, "`of` what? `of copy`"},
    {"object_count in = 0", false, 16, "`in` needs a prefix"},
    {"object_count in", false, 15, "`in` needs a prefix"},
    {"object_count in '' = 0", false, 16, "`in` needs a prefix"},
    {"object_count in 'a = 0", false, 16, "a quote is opened and not closed"},
    {"object_count in a of copy = 0", false, 18, "`of copy` stands before `in`"},
    {"object_count in a", false, 17, "a comparison is missing"},
    {"object_count of copy same as copy", false, 29, "compared with itself"},
    {"row_count of copy = 0", false, 10, "`of` is no comparison"},
    {"sequences = 0", false, 0, "`sequences behind`, "},
    {"sequences behind", false, 16, "a comparison is missing: sequences behind = 0"},
    {"sequences behind(a) = 0", false, 16, "takes nothing in parentheses"},
    {"row_count >= 1\x01", false, 0, "control character"},
    {"row_count >= \xff", false, 0, "control character, or no UTF-8"},
    {"freshness(\xc2\x85) < 1h", false, 0, "control character, or no UTF-8"},
    {"freshness(\xed\xa0\x80) < 1h", false, 0, "control character, or no UTF-8"},
    {"freshness(\xe0\x83\xa4) < 1h", false, 0, "control character, or no UTF-8"},
    {"freshness(\xf4\x90\x80\x80) < 1h", false, 0, "control character, or no UTF-8"},
    {"duration < 5", false, 11, "needs a unit"},
    {"duration(a) < 5s", false, 8, "takes nothing in parentheses"},
    {"write_blocked < 5MB", false, 16, "takes no such unit"},
    {"write_blocked() < 5s", false, 14, "needs a table, or no parentheses"},
    {"read_blocked(a.b.c) = 0", false, 13, "needs a table, or no parentheses"},
    {"rows_deleted(a, b) = 0", false, 13, "needs a table, or no parentheses"},
    {"tables_rewritten(a) = 0", false, 16, "takes nothing in parentheses"},
    {"rows_deletd = 0", false, 0, "did you mean `rows_deleted`"},
    {"0", true, 0, "did you mean `= 0`"},
    {"-1.5", true, 0, "did you mean `= -1.5`"},
    {"row_count = 0", true, 0, "has no metric"},
    {"change for = 0", true, 6, "not for queries"},
    {"anomaly for row_count", true, 7, "`anomaly for` is not for queries"},
    {"", true, 0, "a comparison is missing"},
    {"= 5%", true, 2, "only for changes"},
    {"= 5h", true, 2, "a query takes no such unit"},
    {"= 'x'", true, 2, "is no number"},
};

START_TEST(what_is_wrong_is_told)
{
    struct expectation expectation = {.low = 42};
    char *problem = NULL;
    size_t offset = 4242;
    ck_assert_msg(expectation_parse(refused[_i].text, refused[_i].is_query, &expectation, &problem,
                                    &offset) == -1,
                  "%s parses", refused[_i].text);
    ck_assert_msg(strstr(problem, refused[_i].words), "%s: %s", refused[_i].text, problem);
    ck_assert_msg(offset == refused[_i].offset, "%s: offset %zu", refused[_i].text, offset);
    ck_assert_ldouble_eq(expectation.low, 42);
    free(problem);
}
END_TEST

static const struct {
    const char *text; /* as of a query */
    long double below, least, most, above;
    bool holds_below, holds_least, holds_most, holds_above;
} judged[] = {
    {"= 5", 4, 5, 5, 6, false, true, true, false},
    {"!= 5", 4, 5, 5, 6, true, false, false, true},
    {"< 5", 4, 5, 5, 6, true, false, false, false},
    {"<= 5", 4, 5, 5, 6, true, true, true, false},
    {"> 5", 4, 5, 5, 6, false, false, false, true},
    {">= 5", 4, 5, 5, 6, false, true, true, true},
    {"between 5 and 7", 4, 5, 7, 8, false, true, true, false},
    {"= 9223372036854775807", 9223372036854775806.0L, 9223372036854775807.0L,
     9223372036854775807.0L, 9223372036854775808.0L, false, true, true, false},
    {"= 0.1", 0.09L, 0.1L, 0.1L, 0.11L, false, true, true, false},
};

START_TEST(a_number_holds_or_does_not)
{
    struct expectation expectation;
    char *problem = NULL;
    size_t offset;
    ck_assert_int_eq(expectation_parse(judged[_i].text, true, &expectation, &problem, &offset), 0);
    ck_assert_int_eq(expectation_holds(&expectation, judged[_i].below), judged[_i].holds_below);
    ck_assert_int_eq(expectation_holds(&expectation, judged[_i].least), judged[_i].holds_least);
    ck_assert_int_eq(expectation_holds(&expectation, judged[_i].most), judged[_i].holds_most);
    ck_assert_int_eq(expectation_holds(&expectation, judged[_i].above), judged[_i].holds_above);
    ck_assert_msg(!expectation_holds(&expectation, (long double)NAN), "%s holds for no number",
                  judged[_i].text);
    expectation_free(&expectation);
}
END_TEST

START_TEST(what_needs_another_side_never_holds_alone)
{
    struct expectation change = {.change = true, .comparison = COMPARE_GREATER_OR_EQUAL, .low = 0};
    struct expectation same = {.comparison = COMPARE_SAME_AS};
    struct expectation anomaly = {.anomaly = true};
    ck_assert(!expectation_holds(&anomaly, 0));
    ck_assert(change_holds(&change, 0));
    ck_assert(!change_holds(&change, -0.5L));
    ck_assert(!change_holds(&change, (long double)NAN));
    ck_assert(!expectation_holds(&change, 1));
    ck_assert(!expectation_holds(&same, 0));
    ck_assert(comparison_holds(COMPARE_SAME_AS, 3, 3));
    ck_assert(!comparison_holds(COMPARE_SAME_AS, 3, 4));
    ck_assert(!comparison_holds(COMPARE_BETWEEN, 3, 3));
}
END_TEST

Suite *expectation_suite(void)
{
    Suite *suite = suite_create("scenario/expectation");
    add_table_test(suite, what_is_right_parses, ARRAY_LENGTH(parsed));
    add_table_test(suite, what_is_held_against_earlier_nights_parses, ARRAY_LENGTH(against_nights));
    add_test(suite, the_text_is_as_written_without_warn);
    add_table_test(suite, what_is_wrong_is_told, ARRAY_LENGTH(refused));
    add_table_test(suite, a_number_holds_or_does_not, ARRAY_LENGTH(judged));
    add_test(suite, what_needs_another_side_never_holds_alone);
    return suite;
}
