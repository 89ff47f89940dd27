#include "base/utf8.h"

#include <string.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

static const struct {
    const char *bytes;
    size_t length; /* that may be read */
    size_t taken;  /* 0: no character */
    uint32_t code;
} characters[] = {
    {"a", 1, 1, 'a'},
    {"\x1b[", 2, 1, 0x1b},
    {"\xc3\xa9", 2, 2, 0xe9},
    {"\xe2\x82\xac", 3, 3, 0x20ac},
    {"\xf0\x9f\x98\x80", 4, 4, 0x1f600},
    {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
    {"", 0, 0, 0},
    {"\xc3\xa9", 1, 0, 0},            /* cut */
    {"\xe2\x82", UTF8_LONGEST, 0, 0}, /* cut by its NUL */
    {"\x80", 1, 0, 0},                /* no lead */
    {"\xc1\xbf", 2, 0, 0},            /* overlong */
    {"\xe0\x9f\xbf", 3, 0, 0},        /* overlong */
    {"\xf0\x8f\xbf\xbf", 4, 0, 0},    /* overlong */
    {"\xed\xa0\x80", 3, 0, 0},        /* a surrogate */
    {"\xf4\x90\x80\x80", 4, 0, 0},    /* beyond Unicode */
    {"\xff", 1, 0, 0},
};

START_TEST(a_character_is_read_whole_or_not_at_all)
{
    uint32_t code = 0;
    ck_assert_uint_eq(utf8_decode(characters[_i].bytes, characters[_i].length, &code),
                      characters[_i].taken);
    ck_assert_uint_eq(code, characters[_i].code);
}
END_TEST

static const struct {
    const char *text;
    bool printable;
} texts[] = {
    {"", true},          {"caf\xc3\xa9 \xf0\x9f\x98\x80", true},
    {"a\nb", false},     {"a\x7f", false},
    {"\xc2\x9b", false}, {"\xc2\xa0", true},
    {"\xff", false},     {"a\xc3", false},
};

START_TEST(control_characters_and_other_encodings_are_not_printable)
{
    ck_assert_int_eq(is_printable(texts[_i].text), texts[_i].printable);
}
END_TEST

START_TEST(characters_are_counted)
{
    static const char text[] = "caf\xc3\xa9 \xf0\x9f\x98\x80";
    ck_assert_uint_eq(utf8_count(text, strlen(text)), 6);
}
END_TEST

Suite *utf8_suite(void)
{
    Suite *suite = suite_create("base/utf8");
    add_table_test(suite, a_character_is_read_whole_or_not_at_all, ARRAY_LENGTH(characters));
    add_table_test(suite, control_characters_and_other_encodings_are_not_printable,
                   ARRAY_LENGTH(texts));
    add_test(suite, characters_are_counted);
    return suite;
}
