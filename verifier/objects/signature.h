/* Signature version 4 of AWS, as S3 uses it.
 *
 * Source: "Signature Calculations for the Authorization Header" of the Amazon S3 API reference.
 * Only the headers that are given are signed; a store's proxies may add or change any other.
 * (libcurl's own CURLOPT_AWS_SIGV4 signs queries wrongly in the versions that distributions carry.)
 */
#ifndef OBJECTS_SIGNATURE_H
#define OBJECTS_SIGNATURE_H

#include <time.h>

#include "base/memory.h"

/* The SHA-256 of no bytes. */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct signing {
    const char *method;
    const char *host;           /* with the port where the request's Host header has it */
    const char *path;           /* encoded, begins with a slash */
    const char *query;          /* canonical: sorted and encoded; may be empty */
    const char *payload_sha256; /* in hexadecimal digits */
    const char *region;
    const char *access_key;
    const char *secret_key;
    const char *session_token;     /* NULL: none */
    const struct strings *headers; /* more to sign, "lower-case-name:value"; may be NULL */
    time_t time;
};

/* Adds the headers to send ("name: value"): those that were to be signed, the date, the payload's
 * hash, the token and the authorization. Host is signed, and left for libcurl to send. */
void signature_sign(const struct signing *signing, struct strings *headers);

#endif
