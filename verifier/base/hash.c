#include "base/hash.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

struct sha256 {
    EVP_MD_CTX *context;
};

/* SHA-256 is in every OpenSSL; its calls fail only when memory is gone or OpenSSL is broken. */
static void must(int ok)
{
    if (ok != 1) {
        fputs("restore-verifier: OpenSSL cannot compute SHA-256\n", stderr);
        abort();
    }
}

struct sha256 *sha256_new(void)
{
    struct sha256 *hash = xcalloc(1, sizeof(*hash));
    hash->context = EVP_MD_CTX_new();
    must(hash->context != NULL);
    must(EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL));
    return hash;
}

void sha256_update(struct sha256 *hash, const void *bytes, size_t length)
{
    must(EVP_DigestUpdate(hash->context, bytes, length));
}

void sha256_final(struct sha256 *hash, char ret_hex[SHA256_HEX_SIZE])
{
    unsigned char digest[32];
    unsigned int length = 0;
    must(EVP_DigestFinal_ex(hash->context, digest, &length));
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
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
