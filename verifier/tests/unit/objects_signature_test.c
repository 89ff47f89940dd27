/* The examples of "Signature Calculations for the Authorization Header" in AWS's documentation. */
#include "objects/signature.h"

#include <string.h>

#include "tests/unit/unit.h"

#define PUT_SHA256 "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

static const struct {
    const char *method;
    const char *path;
    const char *query;
    const char *payload_sha256;
    const char *headers[3]; /* to be signed as well */
    const char *signed_headers;
    const char *signature;
} examples[] = {
    {"GET",
     "/test.txt",
     "",
     EMPTY_SHA256,
     {"range:bytes=0-9"},
     "host;range;x-amz-content-sha256;x-amz-date",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PUT",
     "/test%24file.text",
     "",
     PUT_SHA256,
     {"x-amz-storage-class:REDUCED_REDUNDANCY", "date:Fri, 24 May 2013 00:00:00 GMT"},
     "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"GET",
     "/",
     "lifecycle=",
     EMPTY_SHA256,
     {NULL},
     "host;x-amz-content-sha256;x-amz-date",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"GET",
     "/",
     "max-keys=2&prefix=J",
     EMPTY_SHA256,
     {NULL},
     "host;x-amz-content-sha256;x-amz-date",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static struct signing example_signing(int i)
{
    return (struct signing){.method = examples[i].method,
                            .host = "examplebucket.s3.amazonaws.com",
                            .path = examples[i].path,
                            .query = examples[i].query,
                            .payload_sha256 = examples[i].payload_sha256,
                            .region = "us-east-1",
                            .access_key = "AKIAIOSFODNN7EXAMPLE",
                            .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                            .time = 1369353600};
}

START_TEST(signatures_are_those_of_the_documentation)
{
    struct strings more = {0};
    struct strings headers = {0};
    for (int i = 0; i < 3 && examples[_i].headers[i]; i++)
        strings_add(&more, examples[_i].headers[i]);
    struct signing signing = example_signing(_i);
    signing.headers = &more;
    signature_sign(&signing, &headers);
    cleanup(free_pointer) char *expected = xasprintf(
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
        "aws4_request,SignedHeaders=%s,Signature=%s",
        examples[_i].signed_headers, examples[_i].signature);
    ck_assert_str_eq(headers.items[headers.count - 1], expected);
    ck_assert(strings_contain(&headers, "x-amz-date: 20130524T000000Z"));
    strings_free(&more);
    strings_free(&headers);
}
END_TEST

START_TEST(a_session_token_is_sent_and_signed)
{
    struct strings headers = {0};
    struct signing signing = example_signing(2);
    signing.session_token = "FwoGZXIvYXdzEXAMPLE";
    signature_sign(&signing, &headers);
    ck_assert(strings_contain(&headers, "x-amz-security-token: FwoGZXIvYXdzEXAMPLE"));
    const char *authorization = headers.items[headers.count - 1];
    ck_assert_ptr_nonnull(strstr(authorization, "x-amz-date;x-amz-security-token,"));
    ck_assert_ptr_null(strstr(authorization, examples[2].signature));
    for (size_t i = 0; i < headers.count; i++)
        ck_assert_ptr_null(strstr(headers.items[i], signing.secret_key));
    strings_free(&headers);
}
END_TEST

Suite *objects_signature_suite(void)
{
    Suite *suite = suite_create("objects/signature");
    add_table_test(suite, signatures_are_those_of_the_documentation, ARRAY_LENGTH(examples));
    add_test(suite, a_session_token_is_sent_and_signed);
    return suite;
}
