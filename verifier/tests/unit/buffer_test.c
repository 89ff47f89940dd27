#include "base/buffer.h"

#include <string.h>

#include "tests/unit/unit.h"

START_TEST(an_append_over_the_limit_changes_nothing)
{
    struct buffer buffer;
    buffer_init(&buffer, 8);
    ck_assert_int_eq(buffer_append_text(&buffer, "12345"), 0);
    ck_assert_int_eq(buffer_append_text(&buffer, "6789"), -1);
    ck_assert_str_eq(buffer.data, "12345");
    ck_assert(buffer.overflowed);
    ck_assert_int_eq(buffer_append_text(&buffer, "678"), 0);
    ck_assert_str_eq(buffer.data, "12345678");
    buffer_free(&buffer);
}
END_TEST

START_TEST(a_large_append_keeps_every_byte)
{
    char block[1000];
    memset(block, 'x', sizeof(block));
    struct buffer buffer;
    buffer_init(&buffer, 100000);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(buffer_append(&buffer, block, sizeof(block)), 0);
    ck_assert_uint_eq(buffer.length, 100000);
    ck_assert_uint_eq(strspn(buffer.data, "x"), 100000);
    buffer_free(&buffer);
}
END_TEST

Suite *buffer_suite(void)
{
    Suite *suite = suite_create("base/buffer");
    add_test(suite, an_append_over_the_limit_changes_nothing);
    add_test(suite, a_large_append_keeps_every_byte);
    return suite;
}
