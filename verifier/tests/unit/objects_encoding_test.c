#include "objects/encoding.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

static const struct {
    const char *text;
    bool keep_slash;
    const char *encoded;
} encodings[] = {
    {"azAZ09-._~", false, "azAZ09-._~"},
    {"a b+c", false, "a%20b%2Bc"},
    {"a/b", false, "a%2Fb"},
    {"a//b/../c", true, "a//b/../c"},
    {"&%=<>\"'*!()$", true, "%26%25%3D%3C%3E%22%27%2A%21%28%29%24"},
    {"\xf0\x9f\x98\x80\n", true, "%F0%9F%98%80%0A"},
};

START_TEST(keys_are_encoded_as_signatures_want_it)
{
    struct buffer text;
    buffer_init(&text, 1000);
    percent_encode(&text, encodings[_i].text, strlen(encodings[_i].text), encodings[_i].keep_slash);
    ck_assert_str_eq(text.data, encodings[_i].encoded);
    long length = percent_decode(text.data, text.length, false);
    ck_assert_int_eq(length, (long)strlen(encodings[_i].text));
    ck_assert_mem_eq(text.data, encodings[_i].text, (size_t)length);
    buffer_free(&text);
}
END_TEST

static const struct {
    const char *encoded;
    bool plus_is_space;
    long length;
    const char *decoded;
} decodings[] = {
    {"a+b", true, 3, "a b"},   {"a+b", false, 3, "a+b"},
    {"a%2Bb", true, 3, "a+b"}, {"%00x", true, 2, "\0x"},
    {"%", true, -1, NULL},     {"a%2", true, -1, NULL},
    {"%zz", true, -1, NULL},   {"%4", true, -1, NULL},
    {"", true, 0, ""},         {"%e2%82%ac", true, 3, "\xe2\x82\xac"},
};

START_TEST(encoded_keys_are_decoded)
{
    cleanup(free_pointer) char *text = xstrdup(decodings[_i].encoded);
    long length = percent_decode(text, strlen(text), decodings[_i].plus_is_space);
    ck_assert_int_eq(length, decodings[_i].length);
    if (length > 0)
        ck_assert_mem_eq(text, decodings[_i].decoded, (size_t)length);
}
END_TEST

START_TEST(queries_are_sorted_and_encoded)
{
    struct query query = {0};
    query_add(&query, "start-after", "a b&c=d");
    query_add(&query, "list-type", "2");
    query_add_bytes(&query, "prefix", "\0/", 2);
    query_add(&query, "list", "x");
    query_add(&query, "encoding-type", "url");
    cleanup(free_pointer) char *text = query_text(&query);
    ck_assert_str_eq(text, "encoding-type=url&list=x&list-type=2&prefix=%00%2F&start-after="
                           "a%20b%26c%3Dd");
    query_free(&query);
}
END_TEST

static const struct {
    const char *etag;
    bool is_md5;
} etags[] = {
    {"d41d8cd98f00b204e9800998ecf8427e", true},    {"D41D8CD98F00B204E9800998ECF8427E", true},
    {"d41d8cd98f00b204e9800998ecf8427e-1", false}, {"d41d8cd98f00b204e9800998ecf8427", false},
    {"d41d8cd98f00b204e9800998ecf8427g", false},   {"", false},
};

START_TEST(etags_that_are_no_md5_are_told)
{
    ck_assert(etag_is_md5(etags[_i].etag) == etags[_i].is_md5);
}
END_TEST

Suite *objects_encoding_suite(void)
{
    Suite *suite = suite_create("objects/encoding");
    add_table_test(suite, keys_are_encoded_as_signatures_want_it, ARRAY_LENGTH(encodings));
    add_table_test(suite, encoded_keys_are_decoded, ARRAY_LENGTH(decodings));
    add_test(suite, queries_are_sorted_and_encoded);
    add_table_test(suite, etags_that_are_no_md5_are_told, ARRAY_LENGTH(etags));
    return suite;
}
