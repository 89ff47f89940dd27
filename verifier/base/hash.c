#include "base/hash.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

enum { SHA256_SIZE = 32 };

/* SHA-256 is in every OpenSSL, and MD5 missing only where a policy forbids it (FIPS): the calls
 * fail when memory is gone or nothing could be checked. */
static void must(int ok)
{
    if (ok != 1) {
        fputs("restore-verifier: OpenSSL cannot compute SHA-256 or MD5\n", stderr);
        abort();
    }
}

static EVP_MD_CTX *begin(const EVP_MD *kind)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(context != NULL);
    must(EVP_DigestInit_ex(context, kind, NULL));
    return context;
}

void hex_format(const unsigned char *bytes, size_t length, char *ret_hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        *ret_hex++ = digits[bytes[i] >> 4];
        *ret_hex++ = digits[bytes[i] & 15];
    }
    *ret_hex = '\0';
}

/* ---- SHA-256 ---- */

struct sha256 {
    EVP_MD_CTX *context;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *hash = xcalloc(1, sizeof(*hash));
    hash->context = begin(EVP_sha256());
    return hash;
}

void sha256_update(struct sha256 *hash, const void *bytes, size_t length)
{
    must(EVP_DigestUpdate(hash->context, bytes, length));
}

void sha256_final(struct sha256 *hash, char ret_hex[SHA256_HEX_SIZE])
{
    unsigned char digest[SHA256_SIZE];
    must(EVP_DigestFinal_ex(hash->context, digest, NULL));
    hex_format(digest, sizeof(digest), ret_hex);
}

void sha256_free(struct sha256 *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

void sha256_freep(struct sha256 **hash)
{
    sha256_free(*hash);
}

/* ---- MD5 ---- */

struct md5 {
    EVP_MD_CTX *context;
};

struct md5 *md5_new(void)
{
    struct md5 *hash = xcalloc(1, sizeof(*hash));
    hash->context = begin(EVP_md5());
    return hash;
}

void md5_update(struct md5 *hash, const void *bytes, size_t length)
{
    must(EVP_DigestUpdate(hash->context, bytes, length));
}

void md5_final(struct md5 *hash, unsigned char ret_digest[MD5_SIZE])
{
    must(EVP_DigestFinal_ex(hash->context, ret_digest, NULL));
}

void md5_free(struct md5 *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

void md5_freep(struct md5 **hash)
{
    md5_free(*hash);
}
