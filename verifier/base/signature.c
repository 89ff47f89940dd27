#include "base/signature.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"

enum { KEY_LIMIT_BYTES = 64 * 1024 };

struct signature_key {
    EVP_PKEY *pair;
};

/* Nobody is asked at a terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)context = true;
    return -1;
}

static int refuse_open_file(const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return cannot_verify(
            error, "the private key %s is open to others than its owner: chmod 600 %s", path, path);
    return 0;
}

static int no_private_key(const char *path, bool locked, struct error *error)
{
    if (locked)
        return cannot_verify(error,
                             "the private key %s has a passphrase, which cannot be asked for at "
                             "night: take one without, of mode 0600",
                             path);
    return cannot_verify(error,
                         "there is no private key in %s: make one with openssl genpkey -algorithm "
                         "ed25519 -out %s",
                         path, path);
}

static int no_public_key(const char *path, const struct buffer *content, struct error *error)
{
    if (strstr(content->data, "PRIVATE KEY"))
        return cannot_verify(error,
                             "%s is a private key, and checking takes the public one: openssl pkey "
                             "-in %s -pubout",
                             path, path);
    return cannot_verify(error,
                         "there is no public key in %s: openssl pkey -in KEY -pubout prints that "
                         "of a private key",
                         path);
}

/* Takes the pair. */
static int give(EVP_PKEY *pair, const char *path, struct signature_key **ret_key,
                struct error *error)
{
    if (EVP_PKEY_get_id(pair) != EVP_PKEY_ED25519) {
        const char *type = EVP_PKEY_get0_type_name(pair);
        cannot_verify(error,
                      "the key %s is of the type %s, and evidence is signed with Ed25519: openssl "
                      "genpkey -algorithm ed25519",
                      path, type ? type : "unknown");
        EVP_PKEY_free(pair);
        return -1;
    }
    *ret_key = xcalloc(1, sizeof(**ret_key));
    (*ret_key)->pair = pair;
    return 0;
}

static int read_key(const char *path, bool private, struct signature_key **ret_key,
                    struct error *error)
{
    struct buffer content;
    bool locked = false;
    if (file_read(path, KEY_LIMIT_BYTES, &content, error) < 0)
        return error_prefix(error, "the key: ");
    BIO *memory = BIO_new_mem_buf(content.data, (int)content.length);
    if (!memory)
        out_of_memory();
    EVP_PKEY *pair = private ? PEM_read_bio_PrivateKey(memory, NULL, no_passphrase, &locked)
                             : PEM_read_bio_PUBKEY(memory, NULL, no_passphrase, &locked);
    BIO_free(memory);
    int outcome = pair      ? give(pair, path, ret_key, error)
                  : private ? no_private_key(path, locked, error)
                            : no_public_key(path, &content, error);
    OPENSSL_cleanse(content.data, content.length);
    buffer_free(&content);
    return outcome;
}

int signature_key_read_private(const char *path, struct signature_key **ret_key,
                               struct error *error)
{
    return refuse_open_file(path, error) < 0 ? -1 : read_key(path, true, ret_key, error);
}

int signature_key_read_public(const char *path, struct signature_key **ret_key, struct error *error)
{
    return read_key(path, false, ret_key, error);
}

void signature_key_free(struct signature_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pair);
    free(key);
}

void signature_key_freep(struct signature_key **key)
{
    signature_key_free(*key);
}

int signature_key_name(const struct signature_key *key, char ret_name[SHA256_HEX_SIZE],
                       struct error *error)
{
    unsigned char *der = NULL;
    int length = i2d_PUBKEY(key->pair, &der);
    if (length <= 0)
        return cannot_verify(error, "OpenSSL cannot write the public key");
    struct sha256 *hash = sha256_new();
    sha256_update(hash, der, (size_t)length);
    sha256_final(hash, ret_name);
    sha256_free(hash);
    OPENSSL_free(der);
    return 0;
}

int signature_make(const struct signature_key *key, const void *bytes, size_t length,
                   unsigned char ret_signature[SIGNATURE_SIZE], struct error *error)
{
    size_t size = SIGNATURE_SIZE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context)
        out_of_memory();
    bool made = EVP_DigestSignInit(context, NULL, NULL, NULL, key->pair) == 1 &&
                EVP_DigestSign(context, ret_signature, &size, bytes, length) == 1 &&
                size == SIGNATURE_SIZE;
    EVP_MD_CTX_free(context);
    return made ? 0 : cannot_verify(error, "OpenSSL cannot sign with this key");
}

bool signature_fits(const struct signature_key *key, const void *bytes, size_t length,
                    const void *signature, size_t signature_length)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context)
        out_of_memory();
    bool fits = EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pair) == 1 &&
                EVP_DigestVerify(context, signature, signature_length, bytes, length) == 1;
    EVP_MD_CTX_free(context);
    return fits;
}
