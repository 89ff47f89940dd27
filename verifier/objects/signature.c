#include "objects/signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "objects/encoding.h"

enum { DIGEST_SIZE = 32, CANONICAL_LIMIT = 256 * 1024 };

static void hmac(const void *key, size_t key_length, const char *text,
                 unsigned char ret_digest[DIGEST_SIZE])
{
    unsigned int length = 0;
    if (!HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text, strlen(text),
              ret_digest, &length) ||
        length != DIGEST_SIZE)
        abort(); /* without SHA-256 nothing works, and nothing may be sent */
}

static void signing_key(const struct signing *signing, const char *date,
                        unsigned char ret_key[DIGEST_SIZE])
{
    char *secret = xasprintf("AWS4%s", signing->secret_key);
    unsigned char key[DIGEST_SIZE];
    hmac(secret, strlen(secret), date, key);
    hmac(key, sizeof(key), signing->region, key);
    hmac(key, sizeof(key), "s3", key);
    hmac(key, sizeof(key), "aws4_request", ret_key);
    OPENSSL_cleanse(secret, strlen(secret));
    OPENSSL_cleanse(key, sizeof(key));
    free(secret);
}

static int header_compare(const void *left, const void *right)
{
    const char *one = *(char *const *)left;
    const char *other = *(char *const *)right;
    size_t one_length = strcspn(one, ":");
    size_t other_length = strcspn(other, ":");
    int order = memcmp(one, other, one_length < other_length ? one_length : other_length);
    return order != 0 ? order : (one_length > other_length) - (one_length < other_length);
}

static void collect_headers(const struct signing *signing, const char *time_text,
                            struct strings *ret_headers)
{
    strings_addf(ret_headers, "host:%s", signing->host);
    strings_addf(ret_headers, "x-amz-content-sha256:%s", signing->payload_sha256);
    strings_addf(ret_headers, "x-amz-date:%s", time_text);
    if (signing->session_token)
        strings_addf(ret_headers, "x-amz-security-token:%s", signing->session_token);
    for (size_t i = 0; signing->headers && i < signing->headers->count; i++)
        strings_add(ret_headers, signing->headers->items[i]);
    qsort(ret_headers->items, ret_headers->count, sizeof(*ret_headers->items), header_compare);
}

/* "host;x-amz-date", to be freed by the caller. */
static char *header_names(const struct strings *headers)
{
    struct buffer names;
    buffer_init(&names, CANONICAL_LIMIT);
    for (size_t i = 0; i < headers->count; i++) {
        if (i > 0)
            buffer_append(&names, ";", 1);
        buffer_append(&names, headers->items[i], strcspn(headers->items[i], ":"));
    }
    return buffer_steal(&names);
}

static void hash_canonical(const struct signing *signing, const struct strings *headers,
                           const char *names, char ret_hex[SHA256_HEX_SIZE])
{
    struct buffer text;
    buffer_init(&text, CANONICAL_LIMIT);
    buffer_printf(&text, "%s\n%s\n%s\n", signing->method, signing->path, signing->query);
    for (size_t i = 0; i < headers->count; i++)
        buffer_printf(&text, "%s\n", headers->items[i]);
    buffer_printf(&text, "\n%s\n%s", names, signing->payload_sha256);
    cleanup(sha256_freep) struct sha256 *hash = sha256_new();
    sha256_update(hash, text.data, text.length);
    sha256_final(hash, ret_hex);
    buffer_free(&text);
}

static void send_header(struct strings *headers, const char *header)
{
    size_t name = strcspn(header, ":");
    if (name != strlen("host") || strncmp(header, "host", name) != 0)
        strings_addf(headers, "%.*s: %s", (int)name, header, header + name + 1);
}

void signature_sign(const struct signing *signing, struct strings *headers)
{
    struct tm parts;
    gmtime_r(&signing->time, &parts);
    char date[16];
    char time_text[32];
    strftime(date, sizeof(date), "%Y%m%d", &parts);
    strftime(time_text, sizeof(time_text), "%Y%m%dT%H%M%SZ", &parts);

    struct strings signed_headers = {0};
    collect_headers(signing, time_text, &signed_headers);
    cleanup(free_pointer) char *names = header_names(&signed_headers);
    char request_hex[SHA256_HEX_SIZE];
    hash_canonical(signing, &signed_headers, names, request_hex);
    cleanup(free_pointer) char *scope = xasprintf("%s/%s/s3/aws4_request", date, signing->region);
    cleanup(free_pointer) char *to_sign =
        xasprintf("AWS4-HMAC-SHA256\n%s\n%s\n%s", time_text, scope, request_hex);

    unsigned char key[DIGEST_SIZE];
    unsigned char digest[DIGEST_SIZE];
    char signature[2 * DIGEST_SIZE + 1];
    signing_key(signing, date, key);
    hmac(key, sizeof(key), to_sign, digest);
    OPENSSL_cleanse(key, sizeof(key));
    hex_format(digest, sizeof(digest), signature);

    for (size_t i = 0; i < signed_headers.count; i++)
        send_header(headers, signed_headers.items[i]);
    strings_addf(headers,
                 "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%s",
                 signing->access_key, scope, names, signature);
    strings_free(&signed_headers);
}
