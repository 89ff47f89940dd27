/* SHA-256 of a stream of bytes, by OpenSSL. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>

#define SHA256_HEX_SIZE 65 /* 64 digits and a NUL */

struct sha256; /* a running hash */

struct sha256 *sha256_new(void);
void sha256_update(struct sha256 *hash, const void *bytes, size_t length);
void sha256_final(struct sha256 *hash, char ret_hex[SHA256_HEX_SIZE]); /* call once */
void sha256_free(struct sha256 *hash);                                 /* takes NULL */
void sha256_freep(struct sha256 **hash);

#endif
