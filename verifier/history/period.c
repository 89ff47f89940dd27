#include "history/period.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DAY_S = 24 * 60 * 60 };

void day_format(time_t time, char text[DAY_TEXT_SIZE])
{
    struct tm parts;
    gmtime_r(&time, &parts);
    strftime(text, DAY_TEXT_SIZE, "%F", &parts);
}

/* The beginning of a month; the thirteenth is the next year's first. */
static time_t month_begin(int year, int month)
{
    struct tm parts = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = 1};
    return timegm(&parts);
}

/* `pattern` has a 9 for a digit. */
static bool looks_like(const char *text, const char *pattern)
{
    for (; *pattern; text++, pattern++)
        if (*pattern == '9' ? *text < '0' || *text > '9' : *text != *pattern)
            return false;
    return *text == '\0';
}

static int number_at(const char *text, int digits)
{
    int number = 0;
    for (int i = 0; i < digits; i++)
        number = 10 * number + (text[i] - '0');
    return number;
}

static bool read_day(const char *text, time_t *ret_day)
{
    struct tm parts = {.tm_year = number_at(text, 4) - 1900,
                       .tm_mon = number_at(text + 5, 2) - 1,
                       .tm_mday = number_at(text + 8, 2)};
    char again[DAY_TEXT_SIZE];
    *ret_day = timegm(&parts);
    day_format(*ret_day, again);
    return strncmp(again, text, strlen(again)) == 0; /* there is no 31 June */
}

static bool read_months(const char *text, struct period *period)
{
    int first = 1, count = 12;
    bool is_quarter = looks_like(text, "9999-Q9"), is_month = looks_like(text, "9999-99");
    if (!is_quarter && !is_month && !looks_like(text, "9999"))
        return false;
    if (is_quarter) {
        first = 3 * (text[6] - '0') - 2;
        count = 3;
    } else if (is_month) {
        first = number_at(text + 5, 2);
        count = 1;
    }
    period->from = month_begin(number_at(text, 4), first);
    period->to = month_begin(number_at(text, 4), first + count);
    return first >= 1 && first + count <= 13;
}

static bool read_days(const char *text, struct period *period)
{
    time_t last = 0;
    if (!looks_like(text, "9999-99-99..9999-99-99") || !read_day(text, &period->from) ||
        !read_day(text + strlen("9999-99-99.."), &last))
        return false;
    period->to = last + DAY_S;
    return period->to > period->from;
}

int period_parse(const char *text, struct period *ret_period, struct error *error)
{
    struct period period = {0};
    if (!read_months(text, &period) && !read_days(text, &period))
        return cannot_verify(error,
                             "`%s` is no period: write 2026, 2026-Q3, 2026-07 or "
                             "2026-07-01..2026-09-30",
                             text);
    snprintf(period.name, sizeof(period.name), "%s", text);
    *ret_period = period;
    return 0;
}
