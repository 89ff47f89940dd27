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

/* Few owners with many objects each, as applications have them: a page is of one of them. */
static char *clumped_key(int i)
{
    unsigned owner = (unsigned)(i % 9) * 477218589U;
    return xasprintf("%08x-%04x/%08x-%04x/%08x.png", owner, owner % 65521, owner * 69069U, i % 2,
                     (unsigned)i * 2654435761U);
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
    {"hexadecimal", hex_key, 20000, 12}, {"counted", counted_key, 20000, 7},
    {"dated", dated_key, 20000, 5},      {"emoji", emoji_key, 20000, 7},
    {"nested", nested_key, 5000, 1},     {"clumped", clumped_key, 20000, 7},
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
    struct listing_page page = {.objects = xcalloc(count, sizeof(*page.objects)), .count = count};
    buffer_init(&page.texts, 10 * 1000 * 1000);
    for (size_t i = 0; i < count; i++) {
        page.objects[i] =
            (struct listed_object){.key = page.texts.length, .key_length = strlen(keys[i])};
        buffer_append(&page.texts, keys[i], strlen(keys[i]) + 1);
    }
    range_note_page(range, &page);
    listing_page_free(&page);
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
    const char *begin; /* of the page */
    const char *first;
    const char *after;
    const char *until; /* NULL: unbounded */
    size_t prefix_length;
    size_t wanted;
    const char *places; /* each with a space */
} divisions[] = {
    {"as wide as the page", "", "0a", "1f", NULL, 0, 15, "4c 79 a6 d3 "},
    {"no more than wanted", "", "0a", "1f", NULL, 0, 2, "6a b5 "},
    {"nothing wanted", "", "0a", "1f", NULL, 0, 0, ""},
    {"up to a bound", "", "0a", "1f", "8", 0, 15, "4f8 "},
    {"below a bound", "", "0a", "1f", "2", 0, 15, ""},
    {"from where the page began", "e", "e1", "e5", NULL, 0, 15, "ebc f28 f94 "},
    {"never before the prefix", "", "p/0a", "p/1f", NULL, 2, 15, "p/4c p/79 p/a6 p/d3 "},
    {"one key", "", "k", "k", NULL, 0, 15, "s "},
    {"one key of a folder", "", "a/b", "a/b", NULL, 0, 15,
     "a/duf a/gol a/jir a/mcx a/oxc a/rri a/ulo a/xfu dgn gn jtn n qgn tn wtn "},
    {"days, months, years", "2024/03/01/0a", "2024/03/01/1f", "2024/03/02/ab", NULL, 0, 15,
     "2024/03/0368 2024/03/0526 2024/03/0684 2024/03/0842 2024/03/16 2024/03/3 2024/03/44 "
     "2024/03/58 2024/03/72 2024/03/86 2024/0475 2024/065 2024/0825 2024/515 2027 "},
    {"the beginnings of the parts above", "a1b2/c3d4/00", "a1b2/c3d4/10", "a1b2/c3d4/ff", NULL, 0,
     15,
     "a1b2/ca8 a1b2/d13 a1b2/d7e a1b2/de9 a1b2/e54 a1b2/ebf a1b2/f2a a1b2/f95 af2 bca ca1 d79 e5 "
     "f28 "},
    {"not the file's kind", "", "0a.png", "1f.png", NULL, 0, 15, "4c 79 a6 d3 "},
};

START_TEST(divisions_stay_inside)
{
    struct listed_range range = {.prefix_length = divisions[_i].prefix_length};
    struct place places[WANTED];
    place_set(&range.after, divisions[_i].begin, strlen(divisions[_i].begin));
    char *keys[2] = {xstrdup(divisions[_i].first), xstrdup(divisions[_i].after)};
    note(&range, keys, strcmp(keys[0], keys[1]) == 0 ? 1 : 2);
    if (divisions[_i].until) {
        range.bounded = true;
        place_set(&range.until, divisions[_i].until, strlen(divisions[_i].until));
    }
    size_t count = range_split(&range, divisions[_i].wanted, places);
    assert_places(&range, places, count);
    struct buffer text;
    buffer_init(&text, 10000);
    for (size_t i = 0; i < count; i++)
        buffer_printf(&text, "%s ", places[i].bytes);
    ck_assert_msg(strcmp(text.data, divisions[_i].places) == 0, "%s: %s", divisions[_i].name,
                  text.data);
    buffer_free(&text);
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
