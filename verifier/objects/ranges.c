#include "objects/ranges.h"

#include <math.h>
#include <string.h>

enum {
    SYMBOL_LIMIT = 128,
    DIGITS = 6,        /* of a key that its position is taken from */
    PLACE_DIGITS = 3,  /* that a place is written with */
    NUMBER_DIGITS = 4, /* a part of no more is a year, a month, a count: what follows is near */
    LEVELS = 6,        /* how many characters are considered for division at a time */
};

/* Of a page: nearer to each other, two places would share one. Some are fuller than others. */
static const double PART_OF_PAGE = 1.6;

void place_set(struct place *place, const char *bytes, size_t length)
{
    if (length > KEY_LIMIT)
        length = KEY_LIMIT;
    memcpy(place->bytes, bytes, length);
    place->bytes[length] = '\0';
    place->length = length;
}

int key_compare(const char *left, size_t left_length, const char *right, size_t right_length)
{
    int order = memcmp(left, right, left_length < right_length ? left_length : right_length);
    if (order != 0)
        return order;
    return (left_length > right_length) - (left_length < right_length);
}

static size_t common_length(const struct place *left, const struct place *right)
{
    size_t shorter = left->length < right->length ? left->length : right->length;
    size_t length = 0;
    while (length < shorter && left->bytes[length] == right->bytes[length])
        length++;
    return length;
}

/* ---- the symbols of keys ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The characters of the part of a path that `at` is in, from there on. What follows a dot says what
 * kind of file it is. */
static void collect_symbols(const char *key, size_t length, size_t at, bool symbols[SYMBOL_LIMIT])
{
    for (; at < length && key[at] != '/' && key[at] != '.'; at++)
        if (key[at] >= ' ' && key[at] < 0x7f)
            symbols[(unsigned char)key[at]] = true;
}

static bool any_of(const bool symbols[SYMBOL_LIMIT], char from, char to)
{
    for (char c = from; c <= to; c++)
        if (symbols[(unsigned char)c])
            return true;
    return false;
}

static void add_all(bool symbols[SYMBOL_LIMIT], char from, char to)
{
    for (char c = from; c <= to; c++)
        symbols[(unsigned char)c] = true;
}

/* From the characters that were seen to those that others will have: all digits where there was
 * one, hexadecimal ones or the whole alphabet; punctuation only where there is nothing else. */
static void complete_symbols(bool symbols[SYMBOL_LIMIT])
{
    bool digits = any_of(symbols, '0', '9');
    bool lower = any_of(symbols, 'a', 'z');
    bool upper = any_of(symbols, 'A', 'Z');
    if (!digits && !lower && !upper)
        return;
    for (int c = 0; c < SYMBOL_LIMIT; c++)
        symbols[c] = symbols[c] && (is_digit((char)c) || is_letter((char)c));
    if (digits)
        add_all(symbols, '0', '9');
    if (lower)
        add_all(symbols, 'a', digits && !any_of(symbols, 'g', 'z') ? 'f' : 'z');
    if (upper)
        add_all(symbols, 'A', digits && !any_of(symbols, 'G', 'Z') ? 'F' : 'Z');
}

void range_note_page(struct listed_range *range, const struct listing_page *page)
{
    struct place first;
    size_t length;
    const char *key = listing_page_key(page, 0, &length);
    place_set(&first, key, length);
    range->begin = range->after;
    if (range->begin.length < range->prefix_length)
        place_set(&range->begin, key, range->prefix_length);
    key = listing_page_key(page, page->count - 1, &length);
    place_set(&range->after, key, length);
    range->common = common_length(&first, &range->after);
    range->page_count = page->count;
    memset(range->symbols, 0, sizeof(range->symbols));
    for (size_t i = 0; i < page->count; i++) {
        key = listing_page_key(page, i, &length);
        collect_symbols(key, length, range->common, range->symbols);
    }
}

/* ---- where a key lies ---- */

/* The characters that keys consist of, in order, taken as the digits of a fraction. */
struct alphabet {
    unsigned char symbols[SYMBOL_LIMIT];
    int count;
};

static size_t part_begin(const struct place *place, size_t at, size_t least)
{
    while (at > least && place->bytes[at - 1] != '/')
        at--;
    return at;
}

/* That of the part of `after` that `depth` is in, from there on. */
static void alphabet_set(struct alphabet *alphabet, const struct listed_range *range, size_t depth)
{
    bool symbols[SYMBOL_LIMIT] = {false};
    if (part_begin(&range->after, range->common, range->prefix_length) <= depth)
        memcpy(symbols, range->symbols, sizeof(symbols));
    collect_symbols(range->after.bytes, range->after.length, depth, symbols);
    complete_symbols(symbols);
    alphabet->count = 0;
    for (int c = 0; c < SYMBOL_LIMIT; c++)
        if (symbols[c])
            alphabet->symbols[alphabet->count++] = (unsigned char)c;
}

static int rank(const struct alphabet *alphabet, unsigned char c)
{
    int rank = 0;
    while (rank < alphabet->count && alphabet->symbols[rank] < c)
        rank++;
    return rank;
}

/* Where a key lies among those with the same first `start` bytes, from 0 to 1. */
static double position(const struct alphabet *alphabet, const struct place *place, size_t start)
{
    double unit = 1;
    double position = 0;
    for (size_t i = start; i < place->length && i < start + DIGITS && alphabet->count > 0; i++) {
        unit /= alphabet->count;
        position += unit * rank(alphabet, (unsigned char)place->bytes[i]);
    }
    return position < 1 ? position : 1;
}

/* How far the last page has moved on among the keys with the same first `start` bytes. */
static double page_width(const struct listed_range *range, const struct alphabet *alphabet,
                         size_t start)
{
    double begin = 0;
    if (common_length(&range->begin, &range->after) >= start)
        begin = position(alphabet, &range->begin, start);
    return position(alphabet, &range->after, start) - begin;
}

double range_pages_left(const struct listed_range *range)
{
    if (!range->bounded)
        return HUGE_VAL;
    struct alphabet alphabet;
    size_t start = common_length(&range->after, &range->until);
    alphabet_set(&alphabet, range, start);
    double left =
        position(&alphabet, &range->until, start) - position(&alphabet, &range->after, start);
    double width = page_width(range, &alphabet, start);
    if (left < 0) /* keys of characters that the page did not have */
        left = 0;
    return width > 0 ? left / width : HUGE_VAL;
}

/* ---- levels ---- */

/* A character of `after` that places replace, with what they keep before it: from `from`, where
 * `after` is, to `to`. The deeper the character, the nearer are its places. */
struct level {
    size_t depth;
    struct alphabet alphabet;
    double from;
    double to;
    bool known;  /* how dense keys are */
    size_t most; /* places */
};

static bool is_number(const struct place *place, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        if (!is_digit(place->bytes[i]))
            return false;
    return end > begin && end - begin <= NUMBER_DIGITS;
}

/* The next character that is worth a level, nearer to the beginning: in the part where the page's
 * keys differ, and in numbers, any; in other parts above, whose last characters mean nothing, only
 * the first. -1 when there is none. */
static long next_depth(const struct listed_range *range, size_t depth, size_t deepest)
{
    const struct place *after = &range->after;
    size_t begin = part_begin(after, depth, range->prefix_length);
    bool all = part_begin(after, deepest, range->prefix_length) == begin;
    if (!all) {
        const char *slash = memchr(after->bytes + depth, '/', after->length - depth);
        all = slash && is_number(after, begin, (size_t)(slash - after->bytes));
    }
    if (depth > begin)
        return all ? (long)depth - 1 : (long)begin;
    if (begin <= range->prefix_length || begin < 2)
        return -1;
    size_t end = begin - 1; /* the slash */
    size_t above = part_begin(after, end, range->prefix_length);
    return is_number(after, above, end) ? (long)end - 1 : (long)above;
}

static void level_set(const struct listed_range *range, size_t depth, struct level *level)
{
    level->depth = depth;
    alphabet_set(&level->alphabet, range, depth);
    level->from = position(&level->alphabet, &range->after, depth);
    level->to = 1;
    if (range->bounded && common_length(&range->after, &range->until) >= depth)
        level->to = position(&level->alphabet, &range->until, depth);
    double width = page_width(range, &level->alphabet, depth);
    level->known = width > 0;
    /* Where nothing is known, one place for each symbol at most. */
    double least = level->known ? PART_OF_PAGE * width : 1.0 / (level->alphabet.count + 1);
    double most = level->alphabet.count > 0 ? (level->to - level->from) / least : 0;
    level->most = most < 0 ? 0 : most < KEY_LIMIT ? (size_t)most : KEY_LIMIT;
}

static void write_place(const struct listed_range *range, const struct level *level, double value,
                        struct place *ret_place)
{
    const struct alphabet *alphabet = &level->alphabet;
    place_set(ret_place, range->after.bytes, level->depth);
    size_t needed = level->depth;
    for (int i = 0; i < PLACE_DIGITS && ret_place->length < KEY_LIMIT; i++) {
        value *= alphabet->count;
        int digit = (int)value;
        if (digit >= alphabet->count)
            digit = alphabet->count - 1;
        value -= digit;
        ret_place->bytes[ret_place->length++] = (char)alphabet->symbols[digit];
        if (digit > 0)
            needed = ret_place->length;
    }
    ret_place->length = needed;
    ret_place->bytes[needed] = '\0';
}

static bool is_between(const struct listed_range *range, const struct place *last,
                       const struct place *place)
{
    return key_compare(last->bytes, last->length, place->bytes, place->length) < 0 &&
           (!range->bounded ||
            key_compare(place->bytes, place->length, range->until.bytes, range->until.length) < 0);
}

/* Nobody knows how far the keys go on, so every level gets a part of what is left: places are dense
 * where there surely are keys, and few where there may be none. */
size_t range_split(const struct listed_range *range, size_t wanted, struct place *ret_places)
{
    const struct place *last = &range->after;
    size_t written = 0;
    if (range->after.length <= range->prefix_length)
        return 0;
    size_t deepest = range->common;
    if (deepest >= range->after.length)
        deepest = range->after.length - 1;
    long depth = (long)deepest;
    for (int levels = 0; levels < LEVELS && depth >= (long)range->prefix_length && written < wanted;
         depth = next_depth(range, (size_t)depth, deepest)) {
        struct level level;
        level_set(range, (size_t)depth, &level);
        size_t share = wanted - written;
        if (depth > (long)range->prefix_length)
            share = level.known ? (share + 1) / 2 : (share + 3) / 4;
        if (share > level.most)
            share = level.most;
        double gap = (level.to - level.from) / (double)(share + 1);
        for (size_t i = 0; i < share; i++) {
            struct place *place = &ret_places[written];
            write_place(range, &level, level.from + gap * (double)(i + 1), place);
            if (!is_between(range, last, place))
                continue;
            last = place;
            written++;
        }
        levels += share > 0;
    }
    return written;
}
