#include "report/text.h"

#include <string.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

static const struct {
    const char *text;
    enum text_shape shape;
    const char *clean;
} texts[] = {
    {NULL, TEXT_LINE, ""},
    {"", TEXT_BLOCK, ""},
    {"plain", TEXT_LINE, "plain"},
    {"caf\u00e9 \u65e5\u672c \U0001f41e", TEXT_LINE, "caf\u00e9 \u65e5\u672c \U0001f41e"},
    {"a\nb\tc", TEXT_BLOCK, "a\nb\tc"},
    {"a\nb\tc", TEXT_LINE, "a\\nb\\tc"},
    {"a\r\nb\rc \n\n", TEXT_BLOCK, "a\nb\\x0dc"},
    {"\033[2Jgone", TEXT_BLOCK, "\\x1b[2Jgone"},
    {"\001\b\177", TEXT_LINE, "\\x01\\x08\\x7f"},
    {"c1 \302\233 31m", TEXT_LINE, "c1 \\u009b 31m"},
    {"turned \u202e\u2066", TEXT_LINE, "turned \\u202e\\u2066"},
    {"\357\277\276\357\277\277", TEXT_LINE, "\\ufffe\\uffff"},
    {"surrogate \355\240\200", TEXT_LINE, "surrogate \\xed\\xa0\\x80"},
    {"overlong \300\257 \340\200\257", TEXT_LINE, "overlong \\xc0\\xaf \\xe0\\x80\\xaf"},
    {"beyond \364\220\200\200 \365", TEXT_LINE, "beyond \\xf4\\x90\\x80\\x80 \\xf5"},
    {"alone \200 \377", TEXT_LINE, "alone \\x80 \\xff"},
    {"cut \360\237\220", TEXT_LINE, "cut \\xf0\\x9f\\x90"},
    /* what must not be read */
    {"postgresql://u:secret@host/db", TEXT_LINE, "postgresql://***@host/db"},
    {"at postgresql+asyncpg://u@host:5432/db now", TEXT_LINE,
     "at postgresql+asyncpg://***@host:5432/db now"},
    {"postgres://u:se/c?r#e@t@host/db", TEXT_LINE, "postgres://***@host/db"},
    {"postgres://u:12@3/4@host/db", TEXT_LINE, "postgres://***@host/db"},
    {"postgres://u:12345/x@host/db", TEXT_LINE, "postgres://u:12345/x@host/db"}, /* a port */
    {"postgres://u:secret", TEXT_LINE, "postgres://***"},
    {"a://u:p@h b://v:q@i", TEXT_BLOCK, "a://***@h b://***@i"},
    {"a://u:p@h\nb://v:q@i", TEXT_BLOCK, "a://***@h\nb://***@i"},
    {"s3://bucket/icon@2x.png", TEXT_LINE, "s3://bucket/icon@2x.png"},
    {"http://host:9000/icon@2x.png", TEXT_LINE, "http://host:9000/icon@2x.png"},
    {"http://[::1]:9000/x", TEXT_LINE, "http://[::1]:9000/x"},
    /* a mask tells nothing: of a short password neither what it is nor that a user's name holds it
     */
    {"postgresql://nix:x@host/db: no password for user \"nix\"", TEXT_LINE,
     "postgresql://***@host/db: no password for user \"nix\""},
    {"host=h password=secret dbname=d", TEXT_LINE, "host=h password=*** dbname=d"},
    {"PASSWORD='it\\'s secret' host=h", TEXT_LINE, "PASSWORD=*** host=h"},
    {"password='cut of", TEXT_LINE, "password=***"},
    {"where password=''", TEXT_LINE, "where password=''"},
    {"x?X-Amz-Credential=AK/1&X-Amz-Signature=ab12&v=1", TEXT_LINE,
     "x?X-Amz-Credential=***&X-Amz-Signature=***&v=1"},
};

START_TEST(texts_are_fit_to_be_shown)
{
    cleanup(free_pointer) char *clean = text_clean(texts[_i].text, SIZE_MAX, texts[_i].shape);
    ck_assert_str_eq(clean, texts[_i].clean);
}
END_TEST

START_TEST(an_array_without_an_end_is_read_to_its_size)
{
    char array[4];
    memset(array, '\001', sizeof(array));
    cleanup(free_pointer) char *clean = clean_line(array);
    ck_assert_str_eq(clean, "\\x01\\x01\\x01\\x01");
}
END_TEST

START_TEST(every_byte_may_become_longer)
{
    static char text[4096];
    for (size_t i = 0; i + 3 < sizeof(text); i += 3)
        memcpy(text + i, "://", 3);
    cleanup(free_pointer) char *colons = text_clean(text, SIZE_MAX, TEXT_LINE);
    ck_assert_uint_ge(strlen(colons), strlen(text));
    memset(text, '\377', sizeof(text));
    cleanup(free_pointer) char *bytes = clean_line(text);
    ck_assert_uint_eq(strlen(bytes), 4 * sizeof(text));
}
END_TEST

START_TEST(columns_are_those_of_a_terminal)
{
    ck_assert_uint_eq(text_columns("abc", SIZE_MAX), 3);
    ck_assert_uint_eq(text_columns("abc", 2), 2);
    ck_assert_uint_eq(text_columns("e\u0301", SIZE_MAX), 1);
    ck_assert_uint_eq(text_columns("\u65e5\u672c", SIZE_MAX), 4);
    ck_assert_uint_eq(text_fitting("\u65e5\u672c", 3), 3);
    ck_assert_uint_eq(text_fitting("abc", 2), 2);
    ck_assert_uint_eq(text_fitting("abc", 9), 3);
}
END_TEST

static const struct {
    int64_t number;
    const char *count;
    const char *seconds;
} numbers[] = {
    {0, "0", "0.000"},
    {7, "7", "0.007"},
    {999, "999", "0.999"},
    {1000, "1,000", "1.000"},
    {1234567, "1,234,567", "1234.567"},
    {-12345, "-12,345", "0.000"},
    {-123456, "-123,456", "0.000"},
    {INT64_MAX, "9,223,372,036,854,775,807", "9223372036854775.807"},
};

START_TEST(numbers_are_written_for_people_and_for_programs)
{
    char count[COUNT_TEXT_SIZE];
    char seconds[SECONDS_TEXT_SIZE];
    count_format(numbers[_i].number, count);
    seconds_format(numbers[_i].number, seconds);
    ck_assert_str_eq(count, numbers[_i].count);
    ck_assert_str_eq(seconds, numbers[_i].seconds);
}
END_TEST

static const struct {
    const char *text;
    size_t most;
    const char *where;
    const char *shortened;
} long_texts[] = {
    {"", 4, NULL, ""},
    {"1234", 4, "x", "1234"},
    {"12345678", 4, NULL, "12 [... 4 bytes left out ...] 78"},
    {"12345678", 5, "see x", "123 [... 3 bytes left out: see x ...] 78"},
    {"1\n345678", 4, "x", "1\n\n[... 4 bytes left out: x ...]\n78"},
    {"öööööö", 6, NULL, "ö [... 8 bytes left out ...] ö"}, /* no half of a character */
    {"€€€€", 9, NULL, "€ [... 6 bytes left out ...] €"},
    {"12345678", 0, NULL, " [... 8 bytes left out ...] "},
};

START_TEST(long_texts_lose_their_middle)
{
    cleanup(free_pointer) char *shortened =
        text_shorten(long_texts[_i].text, long_texts[_i].most, long_texts[_i].where);
    ck_assert_str_eq(shortened, long_texts[_i].shortened);
}
END_TEST

Suite *report_text_suite(void)
{
    Suite *suite = suite_create("report/text");
    add_table_test(suite, texts_are_fit_to_be_shown, ARRAY_LENGTH(texts));
    add_test(suite, an_array_without_an_end_is_read_to_its_size);
    add_test(suite, every_byte_may_become_longer);
    add_test(suite, columns_are_those_of_a_terminal);
    add_table_test(suite, long_texts_lose_their_middle, ARRAY_LENGTH(long_texts));
    add_table_test(suite, numbers_are_written_for_people_and_for_programs, ARRAY_LENGTH(numbers));
    return suite;
}
