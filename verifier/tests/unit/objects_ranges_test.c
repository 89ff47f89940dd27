#include "objects/ranges.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

enum { PAGE_KEYS = 1000, WANTED = 15 };

static int compare_keys(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static char *hex_key(int i)
{
    return xasprintf("%08x-%04x/%08x.png", (unsigned)i * 2654435761U, (unsigned)i % 65536,
                     (unsigned)i * 40503U);
}

static char *counted_key(int i)
{
    return xasprintf("reports/2024/%06d.png", i);
}

static char *dated_key(int i)
{
    return xasprintf("%04d/%02d/%02d/%08x", 2020 + i / 4000, 1 + i % 12, 1 + i % 28,
                     (unsigned)i * 2654435761U);
}

static char *emoji_key(int i)
{
    return xasprintf("\xf0\x9f\x98\x80/%05d\xc3\xa4", i);
}

static char *nested_key(int i)
{
    return xasprintf("%.*s%d", i % 900,
                     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", i);
}

static const struct {
    const char *name;
    char *(*key)(int i);
    int count;
    size_t used; /* how many of the parts of a first division hold keys, at least */
} sets[] = {
    {"hexadecimal", hex_key, 20000, 12}, {"counted", counted_key, 20000, 8},
    {"dated", dated_key, 20000, 3},      {"emoji", emoji_key, 20000, 8},
    {"nested", nested_key, 5000, 1},
};

static char **make_keys(int set)
{
    char **keys = xcalloc((size_t)sets[set].count, sizeof(char *));
    for (int i = 0; i < sets[set].count; i++)
        keys[i] = sets[set].key(i);
    qsort(keys, (size_t)sets[set].count, sizeof(char *), compare_keys);
    return keys;
}

static void note(struct listed_range *range, char **keys, size_t count)
{
    struct object *objects = xcalloc(count, sizeof(*objects));
    for (size_t i = 0; i < count; i++)
        objects[i] = (struct object){.key = keys[i], .key_length = strlen(keys[i])};
    range_note_page(range, objects, count);
    free(objects);
}

static void assert_places(const struct listed_range *range, const struct place *places,
                          size_t count)
{
    const struct place *last = &range->after;
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_lt(key_compare(last->bytes, last->length, places[i].bytes, places[i].length),
                         0);
        ck_assert_uint_eq(strlen(places[i].bytes), places[i].length);
        last = &places[i];
    }
    if (range->bounded)
        ck_assert_int_lt(
            key_compare(last->bytes, last->length, range->until.bytes, range->until.length), 0);
}

static size_t count_between(char **keys, int count, const char *after, const char *until)
{
    size_t between = 0;
    for (int i = 0; i < count; i++)
        between += strcmp(keys[i], after) > 0 && (!until || strcmp(keys[i], until) <= 0);
    return between;
}

START_TEST(a_first_division_spreads_the_keys)
{
    char **keys = make_keys(_i);
    struct listed_range range = {0};
    struct place places[WANTED];
    note(&range, keys, PAGE_KEYS);
    size_t count = range_split(&range, WANTED, places);
    ck_assert_uint_le(count, WANTED);
    assert_places(&range, places, count);
    size_t used = count_between(keys, sets[_i].count, range.after.bytes,
                                count > 0 ? places[0].bytes : NULL) > 0;
    size_t total = PAGE_KEYS + count_between(keys, sets[_i].count, range.after.bytes,
                                             count > 0 ? places[0].bytes : NULL);
    for (size_t i = 0; i < count; i++) {
        size_t between = count_between(keys, sets[_i].count, places[i].bytes,
                                       i + 1 < count ? places[i + 1].bytes : NULL);
        used += between > 0;
        total += between;
    }
    ck_assert_uint_eq(total, (size_t)sets[_i].count);
    ck_assert_msg(used >= sets[_i].used, "%s: %zu of %zu parts hold keys", sets[_i].name, used,
                  count + 1);
    for (int i = 0; i < sets[_i].count; i++)
        free(keys[i]);
    free(keys);
}
END_TEST

static const struct {
    const char *name;
    const char *first;
    const char *after;
    const char *until; /* NULL: unbounded */
    size_t prefix_length;
    size_t wanted;
    size_t count;
    const char *places[4];
} divisions[] = {
    {"one page a symbol", "a1", "b9", NULL, 0, 3, 1, {"c"}},
    {"below a bound", "a1", "a9", "b", 0, 4, 0, {NULL}},
    {"up to a bound", "b0", "b3", "bb", 0, 4, 1, {"b9"}},
    {"never before the prefix", "p/1", "p/2", NULL, 2, 2, 2, {"p/6", "p/b"}},
    {"one key", "k", "k", NULL, 0, 2, 0, {NULL}},
    {"nothing wanted", "a1", "b9", NULL, 0, 0, 0, {NULL}},
    {"the bound is never a place", "a1", "b9", "c", 0, 4, 0, {NULL}},
};

START_TEST(divisions_stay_inside)
{
    struct listed_range range = {.prefix_length = divisions[_i].prefix_length};
    struct place places[16];
    char *keys[3] = {xstrdup(divisions[_i].first), xstrdup(divisions[_i].after), NULL};
    bool one = strcmp(keys[0], keys[1]) == 0;
    note(&range, keys, one ? 1 : 2);
    /* The symbols that a longer page would have shown. */
    for (const char *c = "1369bc"; *c; c++)
        range.symbols[(unsigned char)*c] = true;
    if (divisions[_i].until) {
        range.bounded = true;
        place_set(&range.until, divisions[_i].until, strlen(divisions[_i].until));
    }
    if (one)
        memset(range.symbols, 0, sizeof(range.symbols));
    size_t count = range_split(&range, divisions[_i].wanted, places);
    assert_places(&range, places, count);
    ck_assert_msg(count == divisions[_i].count, "%s: %zu places", divisions[_i].name, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_str_eq(places[i].bytes, divisions[_i].places[i]);
    free(keys[0]);
    free(keys[1]);
}
END_TEST

/* The longest keys: nothing is written beyond a place. */
START_TEST(longest_keys_are_divided)
{
    char first[KEY_LIMIT + 1];
    char after[KEY_LIMIT + 1];
    memset(first, 'a', KEY_LIMIT);
    memset(after, 'a', KEY_LIMIT);
    first[KEY_LIMIT] = after[KEY_LIMIT] = '\0';
    first[KEY_LIMIT - 1] = '1';
    after[KEY_LIMIT - 1] = '2';
    char *keys[] = {first, after};
    struct listed_range range = {0};
    struct place places[WANTED];
    note(&range, keys, 2);
    range.symbols['3'] = range.symbols['b'] = true;
    size_t count = range_split(&range, WANTED, places);
    ck_assert_uint_gt(count, 1);
    assert_places(&range, places, count);
}
END_TEST

Suite *objects_ranges_suite(void)
{
    Suite *suite = suite_create("objects/ranges");
    add_table_test(suite, a_first_division_spreads_the_keys, ARRAY_LENGTH(sets));
    add_table_test(suite, divisions_stay_inside, ARRAY_LENGTH(divisions));
    add_test(suite, longest_keys_are_divided);
    return suite;
}
