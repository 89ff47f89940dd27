#include "shelf/name_pattern.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "shelf/local_time.h"

/* Room for what temporary names add (create.h). */
enum { LONGEST_NAME = NAME_MAX - 32, SHORTEST_HINT = 3 };

static const time_t NEVER = INT64_MAX;

enum field {
    FIELD_YEAR,
    FIELD_MONTH,
    FIELD_DAY,
    FIELD_YEAR_DAY,
    FIELD_HOUR,
    FIELD_MINUTE,
    FIELD_SECOND,
    FIELD_EPOCH,
    FIELD_ZONE, /* seconds east of UTC */
    FIELD_WEEKDAY,
    FIELD_COUNT,
};

/* A pattern's conversions, after %F, %R and %T have been written out. */
static const struct conversion {
    char letter;
    enum field field;
    int width;
    int64_t least;
    int64_t most;
} conversions[] = {
    {'Y', FIELD_YEAR, 4, 1970, 9999},    {'y', FIELD_YEAR, 2, 0, 99},
    {'m', FIELD_MONTH, 2, 1, 12},        {'d', FIELD_DAY, 2, 1, 31},
    {'e', FIELD_DAY, 2, 1, 31},          {'j', FIELD_YEAR_DAY, 3, 1, 366},
    {'H', FIELD_HOUR, 2, 0, 23},         {'M', FIELD_MINUTE, 2, 0, 59},
    {'S', FIELD_SECOND, 2, 0, 59},       {'s', FIELD_EPOCH, 10, 1, 9999999999},
    {'z', FIELD_ZONE, 5, -86399, 86399}, {'a', FIELD_WEEKDAY, 3, 1, 7},
    {'u', FIELD_WEEKDAY, 1, 1, 7},
};

struct fields {
    bool present[FIELD_COUNT];
    int64_t values[FIELD_COUNT];
    bool utc; /* a Z behind the time */
};

static const struct conversion *conversion_find(char letter)
{
    for (size_t i = 0; i < ARRAY_LENGTH(conversions); i++)
        if (conversions[i].letter == letter)
            return &conversions[i];
    return NULL;
}

static const char *shorthand(const char *conversion)
{
    if (starts_with(conversion, "%F"))
        return "%Y-%m-%d";
    if (starts_with(conversion, "%R"))
        return "%H:%M";
    if (starts_with(conversion, "%T"))
        return "%H:%M:%S";
    return NULL;
}

/* One piece of a pattern: a literal byte, or a conversion. */
struct piece {
    const struct conversion *conversion; /* NULL: literal */
    char literal;
};

struct pieces {
    struct piece items[LONGEST_NAME];
    size_t count;
};

static int unknown_conversion(const char *text, struct error *error)
{
    /* With its flags and modifiers: "%-d", "%Ey". */
    size_t length = 1 + strspn(text + 1, "_-0^#EO+123456789");
    length += text[length] != '\0';
    if (length == 1 || text[1] == '\0')
        return cannot_verify(error, "it ends in a lone %%: write %%%% for a percent sign");
    return cannot_verify(error,
                         "%.*s is not understood: use %%Y %%y %%m %%d %%e %%j %%H %%M %%S %%F %%R "
                         "%%T %%s %%z %%a %%u (the date as numbers of fixed width)",
                         (int)length, text);
}

/* `pattern` may hold conversions that stand for several, one level deep. */
static int pieces_add(const char *pattern, struct pieces *pieces, struct error *error)
{
    for (const char *next = pattern; *next; next++) {
        struct piece piece = {.literal = *next};
        if (*next == '%') {
            const char *several = shorthand(next);
            if (several) {
                if (pieces_add(several, pieces, error) < 0)
                    return -1;
                next++;
                continue;
            }
            piece.conversion = conversion_find(next[1]);
            if (!piece.conversion && next[1] != '%')
                return unknown_conversion(next, error);
            next++;
        } else if (*next == '/') {
            return cannot_verify(error, "it holds a slash: the directory belongs into "
                                        "backups.location");
        } else if (iscntrl((unsigned char)*next)) {
            return cannot_verify(error, "it holds a control character");
        }
        if (pieces->count == ARRAY_LENGTH(pieces->items))
            return cannot_verify(error, "it is longer than %d bytes", LONGEST_NAME);
        pieces->items[pieces->count++] = piece;
    }
    return 0;
}

static size_t width_of(const struct pieces *pieces)
{
    size_t width = 0;
    for (size_t i = 0; i < pieces->count; i++)
        width += pieces->items[i].conversion ? (size_t)pieces->items[i].conversion->width : 1;
    return width;
}

static void fields_told(const struct pieces *pieces, bool told[FIELD_COUNT])
{
    memset(told, 0, FIELD_COUNT * sizeof(*told));
    for (size_t i = 0; i < pieces->count; i++)
        if (pieces->items[i].conversion)
            told[pieces->items[i].conversion->field] = true;
}

static bool day_is_told(const struct pieces *pieces)
{
    bool told[FIELD_COUNT];
    fields_told(pieces, told);
    bool day = (told[FIELD_MONTH] && told[FIELD_DAY]) || told[FIELD_YEAR_DAY];
    return told[FIELD_EPOCH] || (told[FIELD_YEAR] && day);
}

/* Without a day there is nothing that a time of day could be added to. */
static int time_is_told_in_order(const struct pieces *pieces, struct error *error)
{
    bool told[FIELD_COUNT];
    fields_told(pieces, told);
    if (told[FIELD_EPOCH] || !day_is_told(pieces))
        return 0;
    if (told[FIELD_MINUTE] && !told[FIELD_HOUR])
        return cannot_verify(error, "it has minutes (%%M) and no hours (%%H): was %%m, the month, "
                                    "meant?");
    if (told[FIELD_SECOND] && !told[FIELD_MINUTE])
        return cannot_verify(error, "it has seconds (%%S) and no minutes (%%M)");
    if (told[FIELD_ZONE] && !told[FIELD_HOUR])
        return cannot_verify(error, "it has a time zone (%%z) and no hours (%%H)");
    return 0;
}

static int pattern_read(const char *pattern, struct pieces *ret_pieces, struct error *error)
{
    ret_pieces->count = 0;
    if (pieces_add(pattern, ret_pieces, error) < 0 || time_is_told_in_order(ret_pieces, error) < 0)
        return -1;
    if (width_of(ret_pieces) > LONGEST_NAME)
        return cannot_verify(error, "its names are longer than %d bytes", LONGEST_NAME);
    return 0;
}

int name_pattern_check(const char *pattern, struct error *error)
{
    struct pieces pieces;
    if (pattern_read(pattern, &pieces, error) < 0)
        return error_prefix(error, "backups.name \"%s\": ", pattern);
    return 0;
}

/* Exactly `count` digits. */
static bool digits_read(const char *text, int count, int64_t *ret_number)
{
    int64_t number = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        number = number * 10 + (text[i] - '0');
    }
    *ret_number = number;
    return true;
}

static bool zone_read(const char *text, int64_t *ret_seconds)
{
    int64_t hours;
    int64_t minutes;
    if ((text[0] != '+' && text[0] != '-') || !digits_read(text + 1, 2, &hours) ||
        !digits_read(text + 3, 2, &minutes) || hours > 14 || minutes > 59)
        return false;
    *ret_seconds = (hours * 60 + minutes) * (text[0] == '-' ? -60 : 60);
    return true;
}

/* As strftime writes it in the C locale, the only one that we use. */
static bool weekday_read(const char *text, int64_t *ret_day)
{
    static const char names[] = "MonTueWedThuFriSatSun";
    for (int day = 0; day < 7; day++)
        if (strncmp(text, names + (size_t)day * 3, 3) == 0) {
            *ret_day = day + 1;
            return true;
        }
    return false;
}

static bool value_read(const struct conversion *conversion, const char *text, int64_t *ret_value)
{
    if (conversion->field == FIELD_ZONE)
        return zone_read(text, ret_value);
    if (conversion->letter == 'a')
        return weekday_read(text, ret_value);
    bool padded = conversion->letter == 'e' && text[0] == ' ';
    return digits_read(text + padded, conversion->width - padded, ret_value);
}

/* `text` has at least the conversion's width. */
static bool field_read(const struct conversion *conversion, const char *text, struct fields *fields)
{
    int64_t value = 0;
    if (!value_read(conversion, text, &value))
        return false;
    if (conversion->letter == 'e' && text[0] == '0')
        return false;
    if (value < conversion->least || value > conversion->most)
        return false;
    if (conversion->letter == 'y') {
        value += value >= 69 ? 1900 : 2000;
        if (value < 1970)
            return false;
    }
    if (fields->present[conversion->field] && fields->values[conversion->field] != value)
        return false;
    fields->present[conversion->field] = true;
    fields->values[conversion->field] = value;
    return true;
}

static bool is_time_of_day(const struct piece *piece)
{
    return piece->conversion &&
           (piece->conversion->field == FIELD_HOUR || piece->conversion->field == FIELD_MINUTE ||
            piece->conversion->field == FIELD_SECOND);
}

/* A literal Z right behind a time, and not the beginning of a word. */
static bool says_utc(const struct pieces *pieces)
{
    bool told[FIELD_COUNT];
    fields_told(pieces, told);
    if (told[FIELD_EPOCH] || told[FIELD_ZONE])
        return false;
    for (size_t i = 1; i < pieces->count; i++) {
        const struct piece *piece = &pieces->items[i];
        if (piece->conversion || piece->literal != 'Z' || !is_time_of_day(piece - 1))
            continue;
        if (i + 1 == pieces->count || piece[1].conversion ||
            !isalnum((unsigned char)piece[1].literal))
            return true;
    }
    return false;
}

/* Month and day from the day of the year. False for the 366th of a common year, and when both are
 * given and differ. */
static bool year_day_apply(struct fields *fields)
{
    if (!fields->present[FIELD_YEAR_DAY])
        return true;
    struct tm parts = {.tm_year = (int)fields->values[FIELD_YEAR] - 1900,
                       .tm_mday = (int)fields->values[FIELD_YEAR_DAY]};
    timegm(&parts);
    if (parts.tm_year + 1900 != fields->values[FIELD_YEAR])
        return false;
    if ((fields->present[FIELD_MONTH] && fields->values[FIELD_MONTH] != parts.tm_mon + 1) ||
        (fields->present[FIELD_DAY] && fields->values[FIELD_DAY] != parts.tm_mday))
        return false;
    fields->values[FIELD_MONTH] = parts.tm_mon + 1;
    fields->values[FIELD_DAY] = parts.tm_mday;
    return true;
}

static time_t moment(const struct fields *fields, const struct tm *parts)
{
    struct tm copy = *parts;
    if (fields->present[FIELD_ZONE])
        return timegm(&copy) - (time_t)fields->values[FIELD_ZONE];
    return fields->utc ? timegm(&copy) : local_time(parts);
}

static bool date_from_calendar(struct fields *fields, struct name_date *date)
{
    if (!year_day_apply(fields))
        return false;
    struct tm parts = {.tm_year = (int)fields->values[FIELD_YEAR] - 1900,
                       .tm_mon = (int)fields->values[FIELD_MONTH] - 1,
                       .tm_mday = (int)fields->values[FIELD_DAY],
                       .tm_hour = (int)fields->values[FIELD_HOUR],
                       .tm_min = (int)fields->values[FIELD_MINUTE],
                       .tm_sec = (int)fields->values[FIELD_SECOND]};
    struct tm real = parts;
    timegm(&real);
    if (real.tm_mday != parts.tm_mday)
        return false; /* 30 February */
    date->year = parts.tm_year + 1900;
    date->month = parts.tm_mon + 1;
    date->day = parts.tm_mday;
    date->has_time = fields->present[FIELD_HOUR];
    date->time = moment(fields, &parts);
    date->comes_twice = date->has_time && !fields->present[FIELD_ZONE] && !fields->utc &&
                        local_time_comes_twice(&parts);
    if (fields->present[FIELD_SECOND]) {
        date->end = date->time + 1;
    } else if (fields->present[FIELD_MINUTE]) {
        date->end = date->time + 60;
    } else if (fields->present[FIELD_HOUR]) {
        date->end = date->time + 3600;
    } else {
        parts.tm_mday++;
        date->end = moment(fields, &parts);
    }
    return true;
}

static bool date_from_epoch(const struct fields *fields, struct name_date *date)
{
    struct tm parts;
    date->time = (time_t)fields->values[FIELD_EPOCH];
    date->end = date->time + 1;
    date->has_time = true;
    if (!localtime_r(&date->time, &parts))
        return false;
    date->year = parts.tm_year + 1900;
    date->month = parts.tm_mon + 1;
    date->day = parts.tm_mday;
    return true;
}

/* Matches the first `length` bytes of `name`, which have to be the width of the pattern. */
static bool pieces_match(const struct pieces *pieces, const char *name, size_t length,
                         struct name_date *ret_date)
{
    struct fields fields = {.utc = says_utc(pieces)};
    if (length != width_of(pieces))
        return false;
    for (size_t i = 0; i < pieces->count; i++) {
        const struct piece *piece = &pieces->items[i];
        if (!piece->conversion) {
            if (*name++ != piece->literal)
                return false;
            continue;
        }
        if (!field_read(piece->conversion, name, &fields))
            return false;
        name += piece->conversion->width;
    }
    struct name_date date = {.undated = true, .time = NEVER, .end = NEVER};
    if (!day_is_told(pieces)) {
        *ret_date = date;
        return true;
    }
    date = (struct name_date){0};
    if (fields.present[FIELD_EPOCH] ? !date_from_epoch(&fields, &date)
                                    : !date_from_calendar(&fields, &date))
        return false;
    *ret_date = date;
    return true;
}

bool name_pattern_match(const char *pattern, const char *name, struct name_date *ret_date)
{
    struct pieces pieces;
    struct error ignored;
    return pattern_read(pattern, &pieces, &ignored) == 0 &&
           pieces_match(&pieces, name, strlen(name), ret_date);
}

int name_pattern_format(const char *pattern, time_t time, char **ret_name, struct error *error)
{
    if (name_pattern_check(pattern, error) < 0)
        return -1;
    struct pieces pieces;
    struct tm parts;
    char name[NAME_MAX + 1];
    struct name_date date;
    if (pattern_read(pattern, &pieces, error) < 0)
        return -1;
    if (!(says_utc(&pieces) ? gmtime_r(&time, &parts) : localtime_r(&time, &parts)) ||
        strftime(name, sizeof(name), pattern, &parts) == 0 ||
        !pieces_match(&pieces, name, strlen(name), &date) ||
        (!date.undated && (time < date.time - 86400 || time >= date.end + 86400)))
        return cannot_verify(error,
                             "backups.name \"%s\" gives no usable name at %" PRIdMAX
                             " seconds since 1970: is the clock right?",
                             pattern, (intmax_t)time);
    *ret_name = xstrdup(name);
    return 0;
}

static bool is_companion(const char *name)
{
    static const char *const endings[] = {".json", ".manifest", ".meta",   ".md5",
                                          ".sha1", ".sha256",   ".sha512", ".b3",
                                          ".sig",  ".asc",      ".minisig"};
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++)
        if (ends_with(name, endings[i]))
            return true;
    return false;
}

static size_t literals_in_front(const struct pieces *pieces, char text[LONGEST_NAME + 1])
{
    size_t length = 0;
    while (length < pieces->count && !pieces->items[length].conversion) {
        text[length] = pieces->items[length].literal;
        length++;
    }
    text[length] = '\0';
    return length;
}

static size_t literals_behind(const struct pieces *pieces, char text[LONGEST_NAME + 1])
{
    size_t first = pieces->count;
    while (first > 0 && !pieces->items[first - 1].conversion)
        first--;
    size_t length = pieces->count - first;
    for (size_t i = 0; i < length; i++)
        text[i] = pieces->items[first + i].literal;
    text[length] = '\0';
    return length;
}

bool name_pattern_near(const char *pattern, const char *name)
{
    struct pieces pieces;
    struct error ignored;
    struct name_date date;
    if (pattern_read(pattern, &pieces, &ignored) < 0 || is_companion(name) ||
        pieces_match(&pieces, name, strlen(name), &date))
        return false;
    if (name[0] == '.' && pattern[0] != '.')
        name++;
    size_t width = width_of(&pieces);
    if (strlen(name) >= width && pieces_match(&pieces, name, width, &date))
        return true;
    char front[LONGEST_NAME + 1];
    char end[LONGEST_NAME + 1];
    bool says_much = literals_in_front(&pieces, front) >= SHORTEST_HINT;
    bool ends_so = literals_behind(&pieces, end) >= SHORTEST_HINT && ends_with(name, end);
    return starts_with(name, front) && (says_much || ends_so);
}
