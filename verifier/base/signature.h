/* Signatures with Ed25519, by OpenSSL: 64 bytes, as `openssl pkeyutl -sign -rawin` makes them and
 * `-verify -rawin` checks them. Keys are PEM files. */
#ifndef BASE_SIGNATURE_H
#define BASE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/hash.h"

enum { SIGNATURE_SIZE = 64 };

struct signature_key;

/* Refused: a file that others than its owner can read, one with a passphrase, and a key of another
 * type. */
int signature_key_read_private(const char *path, struct signature_key **ret_key,
                               struct error *error);
int signature_key_read_public(const char *path, struct signature_key **ret_key,
                              struct error *error);
void signature_key_free(struct signature_key *key); /* takes NULL */
void signature_key_freep(struct signature_key **key);

/* The SHA-256 of the public key as DER (SubjectPublicKeyInfo), which names the pair. */
int signature_key_name(const struct signature_key *key, char ret_name[SHA256_HEX_SIZE],
                       struct error *error);

int signature_make(const struct signature_key *key, const void *bytes, size_t length,
                   unsigned char ret_signature[SIGNATURE_SIZE], struct error *error);
bool signature_fits(const struct signature_key *key, const void *bytes, size_t length,
                    const void *signature, size_t signature_length);

#endif
