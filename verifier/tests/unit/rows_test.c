#include "archive/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

/* Feeds in blocks of `block` bytes, each in memory of its own so that a read beyond it is seen. */
static int scan(const char *text, size_t length, size_t block, struct row_totals *totals,
                struct error *error)
{
    cleanup(rows_freep) struct rows *rows = rows_new(true);
    for (size_t at = 0; at < length; at += block) {
        size_t size = length - at < block ? length - at : block;
        char *copy = xmalloc(size);
        memcpy(copy, text + at, size);
        rows_feed(rows, copy, size);
        free(copy);
    }
    return rows_finish(rows, totals, error);
}

static const struct {
    const char *text;
    const char *error; /* part of the message, or NULL */
    int64_t rows, bytes, largest;
} data[] = {
    {"\\.\n\n\n", NULL, 0, 0, 0},
    {"a\n\\.\n\n\n", NULL, 1, 1, 1},
    {"1\tone\n2\t\\N\n\\.\n", NULL, 2, 9, 5},
    {"\n\n\\.\n", NULL, 2, 0, 0},                       /* rows of a table without columns */
    {"\\\\.\n.\n\\N\n\\..\n\\\n\\.\n", NULL, 5, 10, 3}, /* nearly terminators */
    {"a\r\nbb\r\n\\.\r\n\r\n", NULL, 2, 3, 2},          /* CR LF */
    {"a\rb\r\n\\.\n", NULL, 1, 3, 3},
    {"a\r\r\n\\.\n", NULL, 1, 2, 2},
    {"a\n\\.\n\nb\n", "follows the end", 0, 0, 0},
    {"a\n\\.\n\\.\n", "follows the end", 0, 0, 0},
    {"", "missing", 0, 0, 0},
    {"a\n", "behind row 1: the line", 0, 0, 0},
    {"a\nb", "middle of a line, behind row 1", 0, 0, 0},
    {"a\n\\", "middle of a line", 0, 0, 0},
    {"a\n\\.", "middle of a line", 0, 0, 0},
    {"a\n\\.\r", "middle of a line", 0, 0, 0},
};

START_TEST(data_is_counted_whatever_the_blocks)
{
    size_t length = strlen(data[_i].text);
    struct row_totals whole = {0};
    for (size_t block = length + 1; block > 0; block--) {
        struct row_totals totals = {.rows = -7};
        struct error error = {.text = ""};
        int result = scan(data[_i].text, length, block, &totals, &error);
        if (data[_i].error) {
            ck_assert_int_eq(result, -1);
            ck_assert_int_eq(error.fault, FAULT_BACKUP);
            ck_assert_msg(strstr(error.text, data[_i].error) != NULL, "%s", error.text);
            ck_assert_int_eq(totals.rows, -7);
            continue;
        }
        ck_assert_msg(result == 0, "%s", error.text);
        ck_assert_int_eq(totals.rows, data[_i].rows);
        ck_assert_int_eq(totals.bytes, data[_i].bytes);
        ck_assert_int_eq(totals.largest_row_bytes, data[_i].largest);
        if (block == length + 1)
            whole = totals;
        ck_assert_mem_eq(&totals, &whole, sizeof(totals));
    }
}
END_TEST

static const struct {
    const char *one, *other;
    bool same;
} pairs[] = {
    {"a\nb\n\\.\n", "b\na\n\\.\n", true},  {"a\nb\n\\.\n", "b\r\na\r\n\\.\r\n", true},
    {"a\nb\n\\.\n", "a\nc\n\\.\n", false}, {"a\nb\n\\.\n", "ab\n\\.\n", false},
    {"a\na\n\\.\n", "b\nb\n\\.\n", false}, /* an exclusive or of the hashes would not see these */
    {"\\.\n", "\n\\.\n", false},           {"a\n\\.\n", "a\na\n\\.\n", false},
};

START_TEST(a_fingerprint_is_of_the_rows_and_not_of_their_order)
{
    struct row_totals one, other;
    struct error error;
    ck_assert_int_eq(scan(pairs[_i].one, strlen(pairs[_i].one), 1000, &one, &error), 0);
    ck_assert_int_eq(scan(pairs[_i].other, strlen(pairs[_i].other), 1, &other, &error), 0);
    bool same = memcmp(one.fingerprint, other.fingerprint, sizeof(one.fingerprint)) == 0;
    ck_assert_int_eq(same, pairs[_i].same);
}
END_TEST

START_TEST(long_rows_hash_alike_in_one_block_and_in_many)
{
    /* XXH3 changes its ways at 16, 128, 240 and 256 bytes, and its state buffers 256. */
    for (size_t length = 0; length < 2000; length += 1 + length / 50) {
        cleanup(free_pointer) char *text = xmalloc(length + 5);
        for (size_t i = 0; i < length; i++)
            text[i] = (char)('a' + (i * 7 + i / 26) % 26);
        memcpy(text + length, "\n\\.\n", 5);
        struct row_totals one, other;
        struct error error;
        ck_assert_int_eq(scan(text, length + 4, length + 4, &one, &error), 0);
        ck_assert_int_eq(scan(text, length + 4, 37, &other, &error), 0);
        ck_assert_mem_eq(&one, &other, sizeof(one));
    }
}
END_TEST

START_TEST(fingerprints_add_up)
{
    char all[1000] = "";
    unsigned __int128 sum = 0;
    struct row_totals totals;
    struct error error;
    for (int i = 0; i < 64; i++) { /* so many that the low half overflows many times */
        char row[16];
        int length = snprintf(row, sizeof(row), "%d\n\\.\n", i);
        ck_assert_int_eq(scan(row, (size_t)length, 16, &totals, &error), 0);
        sum += (unsigned __int128)totals.fingerprint[1] << 64 | totals.fingerprint[0];
        strncat(all, row, (size_t)length - 3);
    }
    strcat(all, ROWS_TERMINATOR);
    ck_assert_int_eq(scan(all, strlen(all), 7, &totals, &error), 0);
    ck_assert_uint_eq(totals.fingerprint[0], (uint64_t)sum);
    ck_assert_uint_eq(totals.fingerprint[1], (uint64_t)(sum >> 64));
}
END_TEST

START_TEST(the_end_is_found_in_the_middle_of_a_block)
{
    cleanup(rows_freep) struct rows *rows = rows_new(false);
    static const char text[] = "a\nb\n\\.\n\n--\nc\n";
    ck_assert_uint_eq(rows_feed_until_end(rows, text, 3), 3);
    ck_assert(!rows_ended(rows));
    ck_assert_uint_eq(rows_feed_until_end(rows, text + 3, sizeof(text) - 4), 4);
    ck_assert(rows_ended(rows));
    struct row_totals totals;
    struct error error;
    ck_assert_int_eq(rows_finish(rows, &totals, &error), 0);
    ck_assert_int_eq(totals.rows, 2);
    ck_assert_uint_eq(totals.fingerprint[0] | totals.fingerprint[1], 0);
    rows_reset(rows);
    ck_assert_int_eq(rows_finish(rows, &totals, &error), -1);
    rows_feed(rows, ROWS_TERMINATOR, strlen(ROWS_TERMINATOR));
    ck_assert_int_eq(rows_finish(rows, &totals, &error), 0);
    ck_assert_int_eq(totals.rows, 0);
}
END_TEST

Suite *rows_suite(void)
{
    Suite *suite = suite_create("archive/rows");
    add_table_test(suite, data_is_counted_whatever_the_blocks, ARRAY_LENGTH(data));
    add_table_test(suite, a_fingerprint_is_of_the_rows_and_not_of_their_order, ARRAY_LENGTH(pairs));
    add_test(suite, long_rows_hash_alike_in_one_block_and_in_many);
    add_test(suite, fingerprints_add_up);
    add_test(suite, the_end_is_found_in_the_middle_of_a_block);
    return suite;
}
