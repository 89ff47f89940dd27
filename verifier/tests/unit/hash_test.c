#include "base/hash.h"

#include <string.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

/* FIPS 180-2, appendix B. */
static const struct {
    const char *text;
    size_t repeated;
    const char *digest;
} vectors[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

START_TEST(known_digests)
{
    cleanup(sha256_freep) struct sha256 *hash = sha256_new();
    for (size_t i = 0; i < vectors[_i].repeated; i++)
        sha256_update(hash, vectors[_i].text, strlen(vectors[_i].text));
    char digest[SHA256_HEX_SIZE];
    sha256_final(hash, digest);
    ck_assert_str_eq(digest, vectors[_i].digest);
}
END_TEST

START_TEST(nothing_can_be_freed)
{
    sha256_free(NULL);
}
END_TEST

Suite *hash_suite(void)
{
    Suite *suite = suite_create("base/hash");
    add_table_test(suite, known_digests, ARRAY_LENGTH(vectors));
    add_test(suite, nothing_can_be_freed);
    return suite;
}
