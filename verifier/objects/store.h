/* A place that holds objects: a bucket of an S3-compatible store, or a directory. Nothing above
 * this interface knows which.
 *
 * A key is a string of 1 to 1,024 bytes, not only text: it may hold newlines, NUL, `..` and empty
 * parts. Keys are taken and given relative to the prefix of the location (`s3://bucket/prefix`),
 * exactly as the store has them otherwise.
 *
 * Faults that pass (no connection, a stall, 429, 500, 502, 503, 504, an answer that is cut or
 * contradicts itself) are tried again with growing, random pauses until the deadline; what remains
 * is an error. A listing that could not be read whole is an error, never a shorter one. Every error
 * is of the kind "could not verify" and names the bucket and what to do; none holds a secret.
 *
 * A store may be used by many threads at a time. Callbacks run in the thread that called. The
 * process must ignore SIGPIPE.
 */
#ifndef OBJECTS_STORE_H
#define OBJECTS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"

enum { KEY_LIMIT = 1024, ETAG_SIZE = 128 };

struct object {
    const char *key; /* followed by a NUL that does not count */
    size_t key_length;
    int64_t size_bytes;
    int64_t modified_ms;  /* since 1970 UTC */
    char etag[ETAG_SIZE]; /* without quotes; empty where there is none (a directory) */
};

/* Where and as whom. All borrowed until store_open returns. What is NULL is looked for in the
 * environment: S3_ENDPOINT_URL, S3_REGION, S3_ACCESS_KEY, S3_SECRET_KEY, S3_SESSION_TOKEN, then the
 * AWS_ names, then the profile in ~/.aws/credentials and ~/.aws/config. */
struct store_options {
    const char *location; /* s3://bucket, s3://bucket/prefix, or a directory */
    const char *endpoint; /* "https://host[:port][/path]"; a host that begins with the bucket's name
                             and a dot makes requests in virtual-host style */
    const char *region;   /* "auto" or NULL: guessed, and taken from the answer that names it */
    const char *access_key;
    const char *secret_key;
    const char *session_token;
    const char *profile;
    const char *ca_file; /* certificates to trust instead of the system's */
    int connections;     /* at the same time, for a listing, at most; 0: 32 */
};

struct store;

/* Checks what can be checked without a request: nothing is read or sent. */
int store_open(const struct store_options *options, struct store **ret_store, struct error *error);
void store_free(struct store *store); /* takes NULL */
void store_freep(struct store **store);

/* "s3://bucket/prefix" or the directory, for messages: borrowed. */
const char *store_name(const struct store *store);
/* The bucket's name and the prefix that keys are relative to (ends with a slash, or is empty), as
 * references in a database may hold them; NULL for a directory. Borrowed. */
const char *store_bucket(const struct store *store);
const char *store_prefix(const struct store *store);

/* Gets each object once; what it is given is borrowed for the call. -1 ends the operation, with
 * `error` filled. */
typedef int object_visitor(void *context, const struct object *object, struct error *error);

/* Gives every object whose key begins with `prefix` (may be empty) exactly once, in no particular
 * order. Memory does not grow with their number. */
int store_list(struct store *store, const char *prefix, int64_t deadline_ms, object_visitor *visit,
               void *context, struct error *error);

/* Takes the next bytes of an object's content. -1 ends the operation, with `error` filled. While
 * nothing comes it may be called without bytes, so that it can end the operation all the same. */
typedef int object_sink(void *context, const void *bytes, size_t length, struct error *error);

/* Gives the content in order, each byte once, even when the connection had to be made again in
 * between. Success means: complete by the length that the store tells, and by its MD5 where the
 * ETag is one. `ret_object` (may be NULL) has no key. */
int store_get(struct store *store, const char *key, size_t key_length, int64_t deadline_ms,
              object_sink *sink, void *context, struct object *ret_object, struct error *error);

/* Gives the next bytes of a content into `bytes`: how many, 0 at the end, -1 with `error` filled.
 */
typedef int64_t object_source(void *context, void *bytes, size_t size, struct error *error);

/* Writes an object from a source of unknown length: whole or not at all. A long one goes in parts,
 * which are removed when it fails. Success means that the store has told its length, and the MD5
 * where its ETag is one. `ret_object` (may be NULL) has no key. */
int store_put(struct store *store, const char *key, size_t key_length, int64_t deadline_ms,
              object_source *source, void *context, struct object *ret_object, struct error *error);

/* `ret_found` tells whether it is there; `ret_object` (may be NULL) has no key. */
int store_head(struct store *store, const char *key, size_t key_length, int64_t deadline_ms,
               bool *ret_found, struct object *ret_object, struct error *error);

/* One that is not there is no error. */
int store_delete(struct store *store, const char *key, size_t key_length, int64_t deadline_ms,
                 struct error *error);

/* Which uploads in parts are given up: those that began before `before_ms` and never ended, of keys
 * that begin with `prefix` and that `wanted` says yes to. */
struct sweep_options {
    const char *prefix;
    int64_t before_ms; /* since 1970 UTC */
    bool (*wanted)(const char *key, const void *context);
    const void *context;
};

/* Parts that a killed program has sent are in no listing, and are paid for all the same. Best
 * effort: of the first page that the store gives, and only if we may. */
void store_sweep(struct store *store, const struct sweep_options *options);

struct objects_measured {
    int64_t count;
    int64_t size_bytes;
};

/* Counts the objects whose keys begin with each of `prefixes` and adds up their sizes, in one
 * listing. `ret_measured` has a place for each prefix. */
int store_measure(struct store *store, const struct strings *prefixes, int64_t deadline_ms,
                  struct objects_measured *ret_measured, struct error *error);

/* What all of them begin with: to be freed by the caller. */
char *prefix_common(const struct strings *prefixes);
bool object_is_below(const struct object *object, const char *prefix);

#endif
