#include "objects/answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "objects/listing_page.h"
#include "tests/unit/unit.h"

#define PAGE(content)                                                                              \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                                 \
    "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" content                 \
    "</ListBucketResult>"
#define OBJECT(key)                                                                                \
    "<Contents><Key>" key "</Key><LastModified>2026-11-22T14:03:05.123Z</LastModified>"            \
    "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>5</Size></Contents>"
#define LAST "<IsTruncated>false</IsTruncated>"
#define MORE "<IsTruncated>true</IsTruncated>"

static const struct {
    const char *name;
    const char *xml;
    const char *keys; /* each with a line break; NULL: an error */
    bool truncated;
} pages[] = {
    {"empty", PAGE(LAST), "", false},
    {"two", PAGE(LAST OBJECT("a") OBJECT("b")), "a\nb\n", false},
    {"more", PAGE(MORE OBJECT("a")), "a\n", true},
    {"encoded", PAGE(LAST "<EncodingType>url</EncodingType>" OBJECT("a%2Bb+c%26%0D")), "a+b c&\r\n",
     false},
    {"encoded, told at the end", PAGE(LAST OBJECT("%C3%A4") "<EncodingType>url</EncodingType>"),
     "\xc3\xa4\n", false},
    {"not encoded", PAGE(LAST OBJECT("a%2Bb+c&amp;&#228;")), "a%2Bb+c&\xc3\xa4\n", false},
    {"CDATA and a comment", PAGE(LAST OBJECT("a<![CDATA[<&>]]>b<!-- c -->d")), "a<&>bd\n", false},
    {"counted rightly", PAGE(LAST "<KeyCount>1</KeyCount>" OBJECT("a")), "a\n", false},
    {"prefixes are no keys",
     PAGE(LAST OBJECT("a") "<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>"), "a\n", false},
    {"counted wrongly", PAGE(LAST "<KeyCount>2</KeyCount>" OBJECT("a")), NULL, false},
    {"count is no number", PAGE(LAST "<KeyCount>-1</KeyCount>"), NULL, false},
    {"nothing", "", NULL, false},
    {"no XML", "Bad Gateway", NULL, false},
    {"HTML", "<html><body>Sign in</body></html>", NULL, false},
    {"does not tell whether it is the last", PAGE(OBJECT("a")), NULL, false},
    {"tells it twice", PAGE(LAST MORE OBJECT("a")), NULL, false},
    {"tells it oddly", PAGE("<IsTruncated>perhaps</IsTruncated>"), NULL, false},
    {"an error with status 200", "<Error><Code>InternalError</Code></Error>", NULL, false},
    {"cut in a key", "<ListBucketResult>" LAST "<Contents><Key>a", NULL, false},
    {"cut after an object", "<ListBucketResult>" LAST OBJECT("a"), NULL, false},
    {"without a key", PAGE(LAST "<Contents><Size>5</Size></Contents>"), NULL, false},
    {"with an empty key", PAGE(LAST OBJECT("")), NULL, false},
    {"with two keys", PAGE(LAST "<Contents><Key>a</Key><Key>b</Key><Size>1</Size></Contents>"),
     NULL, false},
    {"without a size", PAGE(LAST "<Contents><Key>a</Key></Contents>"), NULL, false},
    {"with a negative size", PAGE(LAST "<Contents><Key>a</Key><Size>-5</Size></Contents>"), NULL,
     false},
    {"with a size beyond all",
     PAGE(LAST "<Contents><Key>a</Key><Size>99999999999999999999</Size></Contents>"), NULL, false},
    {"with a size that is none", PAGE(LAST "<Contents><Key>a</Key><Size>5x</Size></Contents>"),
     NULL, false},
    {"badly encoded", PAGE(LAST "<EncodingType>url</EncodingType>" OBJECT("a%2")), NULL, false},
    {"an entity",
     "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult>" LAST OBJECT("&a;") "</ListBucketResult>",
     NULL, false},
    {"entities that grow",
     "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"
     "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><ListBucketResult>" LAST OBJECT(
         "&c;") "</ListBucketResult>",
     NULL, false},
    {"a file",
     "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><ListBucketResult>" LAST OBJECT(
         "&a;") "</ListBucketResult>",
     NULL, false},
    {"a document type alone",
     "<!DOCTYPE ListBucketResult SYSTEM \"http://127.0.0.1:1/x.dtd\"><ListBucketResult>" LAST
     "</ListBucketResult>",
     NULL, false},
    {"nested deeply",
     PAGE(LAST "<a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a>"
               "</a>"),
     NULL, false},
    {"an unknown entity", PAGE(LAST OBJECT("&nbsp;")), NULL, false},
    {"no UTF-8", PAGE(LAST OBJECT("\xff\xfe")), NULL, false},
    {"two documents", PAGE(LAST) PAGE(LAST), NULL, false},
};

static int read_page(const char *xml, size_t length, size_t at_a_time,
                     struct listing_page *ret_page, struct error *error)
{
    struct page_reader *reader = page_reader_new();
    for (size_t at = 0; at < length; at += at_a_time)
        page_reader_feed(reader, xml + at, length - at < at_a_time ? length - at : at_a_time);
    int failed = page_reader_finish(reader, ret_page, error);
    page_reader_free(reader);
    return failed;
}

/* In pieces as a connection may bring them. */
static const size_t pieces[] = {1, 2, 3, 7, 100, 65536};

static void check_page(int index, size_t at_a_time)
{
    struct listing_page page = {0};
    struct error error = {0};
    int read = read_page(pages[index].xml, strlen(pages[index].xml), at_a_time, &page, &error);
    if (!pages[index].keys) {
        ck_assert_msg(read < 0, "%s was read", pages[index].name);
        ck_assert_int_eq(error.fault, FAULT_MACHINE);
        ck_assert_str_ne(error.text, "");
        return;
    }
    ck_assert_msg(read == 0, "%s: %s", pages[index].name, error.text);
    struct buffer keys;
    buffer_init(&keys, 10000);
    for (size_t i = 0; i < page.count; i++) {
        struct object object = listing_page_object(&page, i);
        buffer_append(&keys, object.key, object.key_length);
        buffer_append_text(&keys, "\n");
        ck_assert_int_eq(object.size_bytes, 5);
        ck_assert_int_eq(object.modified_ms, 1795356185123);
        ck_assert_str_eq(object.etag, "d41d8cd98f00b204e9800998ecf8427e");
    }
    ck_assert_str_eq(keys.data, pages[index].keys);
    ck_assert(page.truncated == pages[index].truncated);
    buffer_free(&keys);
    listing_page_free(&page);
}

START_TEST(pages_are_read_whole_or_not_at_all)
{
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++)
        check_page(_i, pieces[i]);
}
END_TEST

/* However a page is cut, it is not read as a shorter one. */
START_TEST(no_beginning_of_a_page_is_a_page)
{
    static const char whole[] = PAGE(LAST OBJECT("a") OBJECT("b"));
    for (size_t length = 0; length + 1 < sizeof(whole); length++) {
        struct listing_page page;
        struct error error;
        ck_assert_msg(read_page(whole, length, 64, &page, &error) < 0,
                      "the first %zu bytes were read", length);
    }
}
END_TEST

START_TEST(a_key_may_hold_a_nul)
{
    static const char xml[] = PAGE(LAST "<EncodingType>url</EncodingType>" OBJECT("a%00b"));
    struct listing_page page;
    struct error error;
    ck_assert_int_eq(read_page(xml, strlen(xml), 64, &page, &error), 0);
    size_t length;
    const char *key = listing_page_key(&page, 0, &length);
    ck_assert_uint_eq(length, 3);
    ck_assert_mem_eq(key, "a\0b", 4);
    listing_page_free(&page);
}
END_TEST

START_TEST(an_object_without_an_etag_has_an_empty_one)
{
    static const char xml[] =
        PAGE(LAST OBJECT("a") "<Contents><Key>b</Key><Size>1</Size></Contents>" OBJECT("c"));
    struct listing_page page;
    struct error error;
    ck_assert_int_eq(read_page(xml, strlen(xml), 64, &page, &error), 0);
    ck_assert_str_eq(listing_page_object(&page, 1).etag, "");
    ck_assert_int_eq(listing_page_object(&page, 1).modified_ms, -1);
    ck_assert_str_ne(listing_page_object(&page, 2).etag, "");
    listing_page_free(&page);
}
END_TEST

START_TEST(tokens_and_starts_are_told)
{
    static const char xml[] =
        PAGE(MORE "<Name>b</Name><EncodingType>url</EncodingType><StartAfter>a%2F%26</StartAfter>"
                  "<ContinuationToken>old</ContinuationToken>"
                  "<NextContinuationToken>n%2Fe&amp;w\n+</NextContinuationToken>");
    struct listing_page page;
    struct error error;
    ck_assert_int_eq(read_page(xml, strlen(xml), 64, &page, &error), 0);
    ck_assert_str_eq(page.start_after, "a%2F%26");
    ck_assert_str_eq(page.token, "old");
    ck_assert_str_eq(page.next_token, "n%2Fe&w\n+"); /* as it is: it goes back as it came */
    ck_assert_str_eq(page.bucket, "b");
    ck_assert_ptr_null(page.marker);
    listing_page_free(&page);
}
END_TEST

START_TEST(errors_are_read)
{
    static const char xml[] = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>expecting "
                              "'eu-west-1'</Message><Region>eu-west-1</Region></Error>";
    struct error_answer answer;
    error_answer_parse(xml, strlen(xml), &answer);
    ck_assert_str_eq(answer.code, "AuthorizationHeaderMalformed");
    ck_assert_str_eq(answer.message, "expecting 'eu-west-1'");
    ck_assert_str_eq(answer.region, "eu-west-1");
    error_answer_parse("<Error><Code>x", 14, &answer);
    error_answer_parse("", 0, &answer);
    ck_assert_str_eq(answer.code, "");
}
END_TEST

Suite *objects_answer_suite(void)
{
    Suite *suite = suite_create("objects/answer");
    add_table_test(suite, pages_are_read_whole_or_not_at_all, ARRAY_LENGTH(pages));
    add_test(suite, no_beginning_of_a_page_is_a_page);
    add_test(suite, a_key_may_hold_a_nul);
    add_test(suite, an_object_without_an_etag_has_an_empty_one);
    add_test(suite, tokens_and_starts_are_told);
    add_test(suite, errors_are_read);
    return suite;
}
