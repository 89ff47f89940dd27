#include "objects/ranges.h"

#include <math.h>
#include <string.h>

enum {
    NEAR = 64,  /* characters after the first that differs that symbols are taken from */
    DIGITS = 6, /* of a key that its place is guessed from */
    LEVELS = 4, /* how many characters are considered for division at a time */
    CANDIDATE_LIMIT = 4 * 128,
};

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

void range_note_page(struct listed_range *range, const struct object *objects, size_t count)
{
    place_set(&range->first, objects[0].key, objects[0].key_length);
    place_set(&range->after, objects[count - 1].key, objects[count - 1].key_length);
    size_t common = common_length(&range->first, &range->after);
    range->page_count = count;
    memset(range->symbols, 0, sizeof(range->symbols));
    for (size_t i = 0; i < count; i++)
        for (size_t at = common; at < objects[i].key_length && at < common + NEAR; at++) {
            unsigned char c = (unsigned char)objects[i].key[at];
            if (c >= ' ' && c < 0x7f)
                range->symbols[c] = true;
        }
}

/* How many of the symbols lie between two characters: how much the page has moved on there. */
static size_t symbols_between(const struct listed_range *range, unsigned char from,
                              unsigned char to)
{
    size_t count = 0;
    for (unsigned c = from; c < to && c < 128; c++)
        count += range->symbols[c];
    return count;
}

/* Where a key lies among those with the same first `start` bytes, from 0 to 1. */
static double position(const struct listed_range *range, const struct place *place, size_t start)
{
    double base = (double)symbols_between(range, 0, 128) + 1;
    double unit = 1;
    double position = 0;
    for (size_t i = start; i < place->length && i < start + DIGITS; i++) {
        unit /= base;
        position += unit * (double)symbols_between(range, 0, (unsigned char)place->bytes[i]);
    }
    return position;
}

double range_pages_left(const struct listed_range *range)
{
    if (!range->bounded)
        return HUGE_VAL;
    size_t start = common_length(&range->after, &range->until);
    double after = position(range, &range->after, start);
    double first = 0;
    if (common_length(&range->first, &range->after) >= start)
        first = position(range, &range->first, start);
    double left = position(range, &range->until, start) - after;
    if (left < 0) /* keys of characters that the page did not have */
        left = 0;
    return after > first ? left / (after - first) : HUGE_VAL;
}

/* A place that replaces the character at `depth` of the range's beginning. */
struct candidate {
    size_t depth;
    char symbol;
};

static bool is_inside(const struct listed_range *range, const struct candidate *candidate)
{
    if (!range->bounded)
        return true;
    struct place place;
    place_set(&place, range->after.bytes, candidate->depth);
    place.bytes[place.length++] = candidate->symbol;
    return key_compare(place.bytes, place.length, range->until.bytes, range->until.length) < 0;
}

/* Where the page's keys differ first, one page is as wide as it moved on there; nearer to the
 * beginning of the key, a symbol is a page wide or more. */
static size_t level_candidates(const struct listed_range *range, size_t depth, size_t step,
                               struct candidate *ret_candidates)
{
    unsigned char from = (unsigned char)range->after.bytes[depth];
    size_t count = 0;
    size_t passed = 0;
    for (unsigned c = from + 1U; c < 128; c++) {
        struct candidate candidate = {depth, (char)c};
        if (!range->symbols[c] || ++passed % step != 0)
            continue;
        if (!is_inside(range, &candidate))
            break;
        ret_candidates[count++] = candidate;
    }
    return count;
}

struct candidates {
    struct candidate list[CANDIDATE_LIMIT]; /* in ascending order: the deeper, the nearer */
    size_t count;
    size_t level_counts[LEVELS]; /* the deepest first */
    int levels;
};

static void find_candidates(const struct listed_range *range, struct candidates *ret_candidates)
{
    struct candidates *candidates = ret_candidates;
    size_t deepest = common_length(&range->first, &range->after);
    candidates->count = 0;
    candidates->levels = 0;
    if (range->after.length == 0)
        return;
    if (deepest >= range->after.length)
        deepest = range->after.length - 1;
    for (size_t depth = deepest + 1; depth-- > range->prefix_length;) {
        size_t step = 1;
        if (candidates->levels == LEVELS)
            break;
        if (depth == deepest && depth < range->first.length)
            step = symbols_between(range, (unsigned char)range->first.bytes[depth],
                                   (unsigned char)range->after.bytes[depth]);
        size_t found = level_candidates(range, depth, step > 0 ? step : 1,
                                        candidates->list + candidates->count);
        candidates->count += found;
        if (found > 0)
            candidates->level_counts[candidates->levels++] = found;
    }
}

size_t range_splits(const struct listed_range *range)
{
    struct candidates candidates;
    find_candidates(range, &candidates);
    return candidates.count;
}

static void write_place(const struct listed_range *range, const struct candidate *candidate,
                        struct place *ret_place)
{
    place_set(ret_place, range->after.bytes, candidate->depth);
    ret_place->bytes[ret_place->length++] = candidate->symbol;
    ret_place->bytes[ret_place->length] = '\0';
}

/* Nobody knows how far the keys go on, so every level gets half of what is left: places are dense
 * where there surely are keys, and few where there may be none. */
size_t range_split(const struct listed_range *range, size_t wanted, struct place *ret_places)
{
    struct candidates candidates;
    find_candidates(range, &candidates);
    const struct candidate *level = candidates.list;
    size_t written = 0;
    for (int i = 0; i < candidates.levels && written < wanted; i++) {
        size_t count = candidates.level_counts[i];
        size_t share = wanted - written;
        if (i + 1 < candidates.levels)
            share = (share + 1) / 2;
        if (share > count)
            share = count;
        for (size_t j = 0; j < share; j++)
            write_place(range, share == count ? &level[j] : &level[count * (j + 1) / (share + 1)],
                        &ret_places[written++]);
        level += count;
    }
    return written;
}
