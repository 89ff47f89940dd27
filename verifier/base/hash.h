/* SHA-256 and MD5 of a stream of bytes, by OpenSSL. MD5 is for the ETags of object stores, and says
 * nothing against somebody who means harm. */
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

enum { MD5_SIZE = 16, MD5_HEX_SIZE = 33 };

struct md5; /* a running hash */

struct md5 *md5_new(void);
void md5_update(struct md5 *hash, const void *bytes, size_t length);
void md5_final(struct md5 *hash, unsigned char ret_digest[MD5_SIZE]); /* call once */
void md5_free(struct md5 *hash);                                      /* takes NULL */
void md5_freep(struct md5 **hash);

/* Two lower-case digits a byte, and a NUL. */
void hex_format(const unsigned char *bytes, size_t length, char *ret_hex);

#endif
