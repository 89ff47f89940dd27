/* One request to a bucket and its answer, as libcurl is told of it. */
#ifndef OBJECTS_TRANSFER_H
#define OBJECTS_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "objects/encoding.h"
#include "objects/settings.h"
#include "objects/store.h"

enum judgement {
    ANSWER_GOOD,  /* done */
    ANSWER_AGAIN, /* a fault that may pass; `error` says which */
    ANSWER_BAD,   /* a failure; `error` is filled */
};

/* What a response's headers tell. */
struct response {
    long status;
    int64_t length;     /* of the body; -1 */
    int64_t range_from; /* of Content-Range; -1 */
    int64_t range_total;
    int64_t modified_ms; /* -1 */
    int64_t date_s;      /* the server's clock; -1 */
    int64_t retry_after_ms;
    bool other_etag; /* encrypted in a way that makes the ETag no MD5 */
    char etag[ETAG_SIZE];
    char region[64];
    char elsewhere[128]; /* "https://HOST", where a redirection leads */
};

/* A request and its answer. Set what is asked, zero the rest; it must stay where it is until it is
 * done, and be freed with transfer_free. */
struct transfer {
    const char *method;
    const char *key; /* NULL: the bucket. The prefix of the location belongs to it */
    size_t key_length;
    struct query query;
    const void *body; /* borrowed */
    size_t body_length;
    const unsigned char *body_md5; /* NULL: not told; a bucket with a lock wants it */
    bool missing_is_answer;        /* 404 and 412 go to `judge` */
    size_t answer_limit;           /* 0: 1 MiB */
    bool tidies;                   /* goes on for a moment when we are told to stop */

    /* Called before each attempt, may be NULL: `range_from` and `if_match` may be set by it. */
    void (*prepare)(struct transfer *transfer);
    int64_t range_from; /* 0: from the beginning */
    char if_match[ETAG_SIZE];
    /* Takes the body of a 2xx answer; NULL: it is collected in `answer`. */
    int (*receive)(struct transfer *transfer, const char *bytes, size_t length,
                   struct error *error);
    /* Judges a complete answer with a status of 2xx; NULL: it is good. */
    enum judgement (*judge)(struct transfer *transfer, struct error *error);
    /* Called about once a second while nothing comes, may be NULL: -1 ends the transfer. */
    int (*idle)(struct transfer *transfer, struct error *error);
    void *context;

    struct response response;
    struct buffer answer;

    /* The client's own. */
    struct client *client;
    const struct settings *settings;
    CURL *handle;
    char problem[CURL_ERROR_SIZE]; /* libcurl's words, of a certificate above all */
    struct curl_slist *headers;
    char *region;
    size_t sent;
    bool take_failed;
    int attempts;       /* that failed */
    int contradictions; /* of those, answers that `judge` refused */
    int64_t first_fault_ms;
    int64_t progress_ms; /* when the last byte went or came */
    int64_t stall_ms;    /* how long none may */
    int64_t deadline_ms;
    int64_t due_ms; /* of the next attempt, when it waits for one */
    struct error error;
    struct transfer *next; /* in a list of the client */
};

void transfer_free(struct transfer *transfer);

/* For the client only: makes a handle send the request, in the region `transfer->region`, and take
 * the answer. */
void transfer_set_up(struct transfer *transfer, CURL *handle);
bool status_is_success(long status);

#endif
