#include "objects/ranges.h"

#include <string.h>

enum {
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
    memset(range->symbols, 0, sizeof(range->symbols));
    for (size_t i = 0; i < count; i++)
        for (size_t at = common; at < objects[i].key_length; at++) {
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

/* In ascending order: the deeper a place differs, the nearer it is. */
static size_t find_candidates(const struct listed_range *range,
                              struct candidate ret_candidates[CANDIDATE_LIMIT])
{
    size_t deepest = common_length(&range->first, &range->after);
    size_t count = 0;
    int levels = 0;
    if (range->after.length == 0)
        return 0;
    if (deepest >= range->after.length)
        deepest = range->after.length - 1;
    for (size_t depth = deepest + 1; depth-- > range->prefix_length && levels < LEVELS;) {
        size_t step = 1;
        if (depth == deepest && depth < range->first.length)
            step = symbols_between(range, (unsigned char)range->first.bytes[depth],
                                   (unsigned char)range->after.bytes[depth]);
        size_t found = level_candidates(range, depth, step > 0 ? step : 1, ret_candidates + count);
        count += found;
        levels += found > 0;
    }
    return count;
}

size_t range_splits(const struct listed_range *range)
{
    struct candidate candidates[CANDIDATE_LIMIT];
    return find_candidates(range, candidates);
}

size_t range_split(const struct listed_range *range, size_t wanted, struct place *ret_places)
{
    struct candidate candidates[CANDIDATE_LIMIT];
    size_t count = find_candidates(range, candidates);
    if (wanted > count)
        wanted = count;
    for (size_t i = 0; i < wanted; i++) {
        const struct candidate *candidate = &candidates[count * (i + 1) / (wanted + 1)];
        if (wanted == count)
            candidate = &candidates[i];
        place_set(&ret_places[i], range->after.bytes, candidate->depth);
        ret_places[i].bytes[ret_places[i].length++] = candidate->symbol;
        ret_places[i].bytes[ret_places[i].length] = '\0';
    }
    return wanted;
}
