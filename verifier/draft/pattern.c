/* The pattern that describes the name of a backup: where is the date in it? Of several dates in one
 * name that is the one of the backup which changes with the names beside it, or else the one that
 * is nearest to when it was made. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "draft/sources.h"
#include "shelf/name_pattern.h"

enum { DATES_MOST = 4, NEAR_S = 20 * 3600 /* as shelf/age.h has it */ };

/* The most telling first; each with the bytes that it takes. */
static const struct date_format {
    const char *date;
    size_t length;
} formats[] = {
    {"%Y-%m-%dT%H:%M:%SZ", 20},
    {"%Y-%m-%dT%H:%M:%S", 19},
    {"%Y-%m-%dT%H-%M-%SZ", 20},
    {"%Y-%m-%dT%H-%M-%S", 19},
    {"%Y-%m-%dT%H%M%SZ", 18},
    {"%Y-%m-%dT%H%M%S", 17},
    {"%Y-%m-%dT%H:%MZ", 17},
    {"%Y-%m-%dT%H:%M", 16},
    {"%Y-%m-%dT%H-%MZ", 17},
    {"%Y-%m-%dT%H-%M", 16},
    {"%Y-%m-%dT%H%MZ", 16},
    {"%Y-%m-%dT%H%M", 15},
    {"%Y%m%dT%H%M%SZ", 16},
    {"%Y%m%dT%H%M%S", 15},
    {"%Y%m%dT%H%MZ", 14},
    {"%Y%m%dT%H%M", 13},
    {"%Y%m%d_%H%M%S", 15},
    {"%Y%m%d-%H%M%S", 15},
    {"%Y-%m-%d_%H-%M-%S", 19},
    {"%Y-%m-%d-%H-%M-%S", 19},
    {"%Y-%m-%d_%H%M%S", 17},
    {"%Y-%m-%d-%H%M%S", 17},
    {"%d-%m-%Y@%H-%M-%S", 19},
    {"%Y-%m-%d_%H-%M", 16},
    {"%Y-%m-%d_%H%M", 15},
    {"%Y-%m-%d-%H%M", 15},
    {"%Y%m%d%H%M%S", 14},
    {"%Y%m%d_%H%M", 13},
    {"%Y%m%d-%H%M", 13},
    {"%Y%m%d%H%M", 12},
    {"%Y-%m-%d", 10},
    {"%Y_%m_%d", 10},
    {"%Y.%m.%d", 10},
    {"%d-%m-%Y", 10},
    {"%d.%m.%Y", 10},
    {"%Y%m%d", 8},
    {"%s", 10},
};

/* A date in a name: its format, and where it begins. */
struct place_of_date {
    const struct date_format *format;
    size_t from;
};

struct dates {
    const char *name;
    struct place_of_date items[DATES_MOST];
    size_t count;
};

/* --- the dates in a name ---------------------------------------------------------------------- */

static void add_literal(struct buffer *pattern, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        buffer_append(pattern, text[i] == '%' ? "%%" : text + i, text[i] == '%' ? 2 : 1);
}

/* The pattern in which the dates of `chosen`, one bit each, may change. Caller frees. */
static char *pattern_of(const struct dates *dates, unsigned chosen)
{
    struct buffer pattern;
    size_t done = 0;
    buffer_init(&pattern, 4096);
    for (size_t i = 0; i < dates->count; i++) {
        const struct place_of_date *date = &dates->items[i];
        if (!(chosen & 1U << i))
            continue;
        add_literal(&pattern, dates->name + done, date->from - done);
        buffer_append_text(&pattern, date->format->date);
        done = date->from + date->format->length;
    }
    add_literal(&pattern, dates->name + done, strlen(dates->name + done));
    return buffer_steal(&pattern);
}

/* Digits beside it make it a number of another kind. */
static bool may_begin(const char *name, size_t from, size_t length)
{
    return isdigit((unsigned char)name[from]) &&
           (from == 0 || !isdigit((unsigned char)name[from - 1])) &&
           !isdigit((unsigned char)name[from + length]);
}

static bool overlaps(const struct dates *dates, size_t from, size_t length)
{
    for (size_t i = 0; i < dates->count; i++)
        if (from < dates->items[i].from + dates->items[i].format->length &&
            dates->items[i].from < from + length)
            return true;
    return false;
}

static bool matches(const char *pattern, const char *name, struct name_date *ret_date)
{
    struct error ignored;
    return name_pattern_check(pattern, &ignored) == 0 &&
           name_pattern_match(pattern, name, ret_date) && !ret_date->undated;
}

static bool is_date_at(const char *name, const struct date_format *format, size_t from)
{
    struct name_date ignored;
    const struct dates one = {.name = name, .items = {{format, from}}, .count = 1};
    if (from + format->length > strlen(name) || !may_begin(name, from, format->length))
        return false;
    cleanup(free_pointer) char *pattern = pattern_of(&one, 1);
    return matches(pattern, name, &ignored);
}

/* Does another date begin in it and end behind it? Then what seems to be its time of day is the
 * year of that: 20261101_2026-11-25. */
static bool runs_into_another(const char *name, const struct date_format *format, size_t from)
{
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++)
        for (size_t at = from + 1; at < from + format->length; at++)
            if (at + formats[i].length > from + format->length && is_date_at(name, &formats[i], at))
                return true;
    return false;
}

static int by_place(const void *left, const void *right)
{
    const struct place_of_date *one = left, *other = right;
    return (one->from > other->from) - (one->from < other->from);
}

static void find_dates(const char *name, struct dates *ret_dates)
{
    size_t whole = strlen(name);
    struct dates dates = {.name = name};
    for (size_t i = 0; i < ARRAY_LENGTH(formats); i++)
        for (size_t from = 0; from + formats[i].length <= whole; from++)
            if (dates.count < DATES_MOST && !overlaps(&dates, from, formats[i].length) &&
                is_date_at(name, &formats[i], from) && !runs_into_another(name, &formats[i], from))
                dates.items[dates.count++] = (struct place_of_date){&formats[i], from};
    qsort(dates.items, dates.count, sizeof(*dates.items), by_place);
    *ret_dates = dates;
}

size_t draft_count_dates(const char *name)
{
    struct dates dates;
    find_dates(name, &dates);
    return dates.count;
}

/* --- which of several ------------------------------------------------------------------------- */

/* Dates of the name that may change together. */
struct rival {
    unsigned chosen; /* a bit for each of the dates */
    char *pattern;
    struct name_date date;
    size_t like;    /* names beside it that it describes as well */
    bool is_nearby; /* to when the backup was made */
};

/* Does it differ from the name in its dates alone? */
static bool is_alike(const struct dates *dates, const char *other)
{
    size_t length = strlen(dates->name);
    size_t next = 0;
    if (strlen(other) != length || strcmp(other, dates->name) == 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        while (next < dates->count &&
               i >= dates->items[next].from + dates->items[next].format->length)
            next++;
        bool is_date = next < dates->count && i >= dates->items[next].from;
        if (!is_date && other[i] != dates->name[i])
            return false;
    }
    return true;
}

static bool is_nearby(const struct name_date *date, time_t made)
{
    return made >= date->time - NEAR_S && made < date->end + NEAR_S;
}

/* Gives how many names beside it are alike. */
static size_t judge(const struct dates *dates, const struct name_hints *hints, struct rival *rivals,
                    size_t count)
{
    size_t alike = 0;
    for (size_t i = 0; hints->others && i < hints->others->count; i++) {
        struct name_date ignored;
        if (!is_alike(dates, hints->others->items[i]))
            continue;
        alike++;
        for (size_t k = 0; k < count; k++)
            rivals[k].like +=
                name_pattern_match(rivals[k].pattern, hints->others->items[i], &ignored);
    }
    for (size_t k = 0; k < count; k++)
        rivals[k].is_nearby = hints->made > 0 && is_nearby(&rivals[k].date, hints->made);
    return alike;
}

static bool is_better(const struct rival *one, const struct rival *other)
{
    if (one->like != other->like)
        return one->like > other->like;
    if (one->is_nearby != other->is_nearby)
        return one->is_nearby;
    return one->date.time > other->date.time;
}

/* By the names beside it, where most of those that are alike are described; without any, by when it
 * was made. */
static bool is_sure(const struct rival *best, const struct rival *rivals, size_t count,
                    size_t alike)
{
    size_t as_many = 0;
    bool is_nearest = best->is_nearby;
    for (size_t i = 0; i < count; i++) {
        as_many += rivals[i].like == best->like;
        if (rivals[i].is_nearby && rivals[i].chosen & ~best->chosen)
            is_nearest = false;
    }
    if (alike > 0)
        return 2 * best->like > alike && as_many == 1;
    return is_nearest;
}

/* Those that the name itself allows: dates that differ do not change together, and where all are
 * the same, each of them is the backup's. */
static size_t find_rivals(const struct dates *dates, struct rival *rivals)
{
    unsigned all = (1U << dates->count) - 1;
    size_t count = 0;
    for (unsigned chosen = all; chosen > 0; chosen--) {
        struct rival *rival = &rivals[count];
        cleanup(free_pointer) char *pattern = pattern_of(dates, chosen);
        if (!matches(pattern, dates->name, &rival->date))
            continue;
        rival->pattern = take(&pattern);
        rival->chosen = chosen;
        count++;
    }
    return count;
}

static char *choose(const struct dates *dates, const struct name_hints *hints,
                    struct strings *rival_patterns)
{
    struct rival rivals[1U << DATES_MOST] = {0};
    size_t count = find_rivals(dates, rivals);
    size_t alike = judge(dates, hints, rivals, count);
    struct rival *best = &rivals[0];
    for (size_t i = 1; i < count; i++)
        if (is_better(&rivals[i], best))
            best = &rivals[i];
    bool sure = is_sure(best, rivals, count, alike);
    char *chosen = take(&best->pattern);
    for (size_t i = 0; i < count; i++) {
        if (!sure && rivals[i].pattern)
            strings_add(rival_patterns, rivals[i].pattern);
        free(rivals[i].pattern);
    }
    return chosen;
}

char *draft_pattern(const char *name, const struct name_hints *hints, bool *ret_is_undated,
                    struct strings *rivals)
{
    struct dates dates;
    find_dates(name, &dates);
    *ret_is_undated = dates.count == 0;
    return dates.count > 1 ? choose(&dates, hints, rivals) : pattern_of(&dates, 1);
}
