/* A bucket of an S3-compatible store. Source: the Amazon S3 API reference. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "objects/backend.h"
#include "objects/client.h"
#include "objects/listing.h"
#include "objects/upload.h"

enum { LANES = 32, LANES_LIMIT = 256 };

/* Clients are lent to one thread at a time, so that connections are used again. */
struct s3 {
    struct endpoint *endpoint;
    int lanes;
    pthread_mutex_t lock; /* for what follows */
    struct client **idle;
    size_t idle_count;
};

static struct client *borrow_client(struct s3 *s3)
{
    pthread_mutex_lock(&s3->lock);
    struct client *client = s3->idle_count > 0 ? s3->idle[--s3->idle_count] : NULL;
    pthread_mutex_unlock(&s3->lock);
    return client ? client : client_new(s3->endpoint);
}

static void return_client(struct s3 *s3, struct client *client)
{
    pthread_mutex_lock(&s3->lock);
    s3->idle = xreallocarray(s3->idle, s3->idle_count + 1, sizeof(struct client *));
    s3->idle[s3->idle_count++] = client;
    pthread_mutex_unlock(&s3->lock);
}

static void s3_free(void *self)
{
    struct s3 *s3 = self;
    for (size_t i = 0; i < s3->idle_count; i++)
        client_free(s3->idle[i]);
    free(s3->idle);
    endpoint_free(s3->endpoint);
    pthread_mutex_destroy(&s3->lock);
    free(s3);
}

static int s3_list(void *self, const char *prefix, int64_t deadline_ms, object_visitor *visit,
                   void *context, struct error *error)
{
    struct s3 *s3 = self;
    const struct listing_options options = {.prefix = prefix,
                                            .lanes = s3->lanes,
                                            .deadline_ms = deadline_ms,
                                            .visit = visit,
                                            .context = context};
    struct client *client = borrow_client(s3);
    int failed = listing_run(client, &options, error);
    return_client(s3, client);
    return failed;
}

static void describe(const struct response *response, int64_t size_bytes, struct object *ret_object)
{
    if (!ret_object)
        return;
    *ret_object = (struct object){.size_bytes = size_bytes, .modified_ms = response->modified_ms};
    memcpy(ret_object->etag, response->etag, sizeof(ret_object->etag));
}

/* ---- get ---- */

struct download {
    object_sink *sink;
    void *context;
    int64_t received; /* of the content, in all attempts */
    int64_t skip;     /* to drop of this attempt's answer: received before */
    int64_t total;    /* -1: not told */
    bool begun;       /* this attempt has brought its first byte, and it fits */
    bool changed;     /* it is not the object any more that the first attempt began with */
    char etag[ETAG_SIZE];
    bool other_etag;
    struct md5 *md5;
};

static void prepare_download(struct transfer *transfer)
{
    struct download *download = transfer->context;
    download->begun = false;
    transfer->range_from = download->received;
    if (download->received > 0)
        memcpy(transfer->if_match, download->etag, sizeof(transfer->if_match));
}

/* The headers of an attempt: where its bytes belong, and whether they are still the same object's.
 */
static int begin_attempt(struct transfer *transfer, struct error *error)
{
    struct download *download = transfer->context;
    const struct response *response = &transfer->response;
    bool partial = response->status == 206;
    curl_off_t length = -1;
    curl_easy_getinfo(transfer->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    int64_t total = partial ? response->range_total : length;
    if (partial && response->range_from != download->received)
        return cannot_verify(error, "%s: the store sends another part than was asked for",
                             transfer->settings->name);
    if (download->received > 0 &&
        (strcmp(download->etag, response->etag) != 0 || total != download->total))
        return cannot_verify(error, "%s: the object was replaced while it was read: run again",
                             transfer->settings->name);
    memcpy(download->etag, response->etag, sizeof(download->etag));
    download->total = total;
    download->other_etag = response->other_etag;
    download->skip = partial ? 0 : download->received;
    download->begun = true;
    return 0;
}

static int receive_download(struct transfer *transfer, const char *bytes, size_t length,
                            struct error *error)
{
    struct download *download = transfer->context;
    if (!download->begun && begin_attempt(transfer, error) < 0)
        return -1;
    if (download->skip > 0) {
        size_t dropped = (uint64_t)download->skip < length ? (size_t)download->skip : length;
        download->skip -= (int64_t)dropped;
        bytes += dropped;
        length -= dropped;
    }
    if (length == 0)
        return 0;
    transfer->attempts = 0; /* it gets on: its patience begins anew */
    md5_update(download->md5, bytes, length);
    download->received += (int64_t)length;
    return download->sink(download->context, bytes, length, error);
}

static int idle_download(struct transfer *transfer, struct error *error)
{
    struct download *download = transfer->context;
    return download->sink(download->context, "", 0, error);
}

static enum judgement judge_download(struct transfer *transfer, struct error *error)
{
    struct download *download = transfer->context;
    if (transfer->response.status == 404)
        return ANSWER_BAD; /* in the words that are there */
    if (transfer->response.status == 412) {
        cannot_verify(error, "%s: the object was replaced while it was read: run again",
                      transfer->settings->name);
        return ANSWER_BAD;
    }
    if (!download->begun && begin_attempt(transfer, error) < 0)
        return ANSWER_BAD;
    if (download->total >= 0 && download->received != download->total) {
        cannot_verify(error, "%s: the store sent %lld of %lld bytes", transfer->settings->name,
                      (long long)download->received, (long long)download->total);
        return download->received < download->total ? ANSWER_AGAIN : ANSWER_BAD;
    }
    return ANSWER_GOOD;
}

static int check_content(const struct settings *settings, struct download *download,
                         struct error *error)
{
    bool is_md5 = etag_is_md5(download->etag) && !download->other_etag;
    unsigned char digest[MD5_SIZE];
    char hex[MD5_HEX_SIZE];
    md5_final(download->md5, digest);
    hex_format(digest, sizeof(digest), hex);
    if (is_md5 && strcasecmp(hex, download->etag) != 0)
        return cannot_verify(error,
                             "%s: what the store sent is not the object: its MD5 is %s, the ETag "
                             "says %s",
                             settings->name, hex, download->etag);
    if (!is_md5 && download->total < 0)
        return cannot_verify(error,
                             "%s: the store tells neither the length nor the MD5 of the object, so "
                             "that it cannot be known to be whole",
                             settings->name);
    return 0;
}

static int s3_get(void *self, const char *key, size_t key_length, int64_t deadline_ms,
                  object_sink *sink, void *context, struct object *ret_object, struct error *error)
{
    struct s3 *s3 = self;
    cleanup(md5_freep) struct md5 *md5 = md5_new();
    struct download download = {.sink = sink, .context = context, .total = -1, .md5 = md5};
    struct transfer transfer = {.method = "GET",
                                .key = key,
                                .key_length = key_length,
                                .missing_is_answer = true,
                                .prepare = prepare_download,
                                .receive = receive_download,
                                .idle = idle_download,
                                .judge = judge_download,
                                .context = &download};
    struct client *client = borrow_client(s3);
    int failed = client_perform(client, &transfer, deadline_ms, error);
    return_client(s3, client);
    if (failed == 0)
        failed = check_content(&s3->endpoint->settings, &download, error);
    if (failed == 0)
        describe(&transfer.response, download.received, ret_object);
    transfer_free(&transfer);
    return failed;
}

/* ---- the others ---- */

static int s3_put(void *self, const char *key, size_t key_length, int64_t deadline_ms,
                  object_source *source, void *context, struct object *ret_object,
                  struct error *error)
{
    struct s3 *s3 = self;
    struct client *client = borrow_client(s3);
    const struct upload_options options = {.key = key,
                                           .key_length = key_length,
                                           .deadline_ms = deadline_ms,
                                           .source = source,
                                           .context = context};
    int failed = upload_run(client, &options, ret_object, error);
    return_client(s3, client);
    return failed;
}

static int drop_body(struct transfer *transfer, const char *bytes, size_t length,
                     struct error *error)
{
    (void)transfer;
    (void)bytes;
    (void)length;
    (void)error;
    return 0;
}

static enum judgement accept_missing(struct transfer *transfer, struct error *error)
{
    (void)transfer;
    (void)error;
    return ANSWER_GOOD;
}

/* HEAD has no body that could tell a missing bucket from a missing object, so when it finds
 * nothing, GET is asked why. */
static int head_by_get(struct client *client, const char *key, size_t key_length,
                       int64_t deadline_ms, bool *ret_found, struct object *ret_object,
                       struct error *error)
{
    struct transfer transfer = {.method = "GET",
                                .key = key,
                                .key_length = key_length,
                                .missing_is_answer = true,
                                .tidies = true,
                                .receive = drop_body,
                                .judge = accept_missing};
    int failed = client_perform(client, &transfer, deadline_ms, error);
    if (failed == 0) {
        *ret_found = transfer.response.status != 404;
        if (*ret_found)
            describe(&transfer.response, transfer.response.length, ret_object);
    }
    transfer_free(&transfer);
    return failed;
}

static int s3_head(void *self, const char *key, size_t key_length, int64_t deadline_ms,
                   bool *ret_found, struct object *ret_object, struct error *error)
{
    struct s3 *s3 = self;
    struct client *client = borrow_client(s3);
    struct transfer transfer = {
        .method = "HEAD", .key = key, .key_length = key_length, .tidies = true};
    int failed = client_perform(client, &transfer, deadline_ms, error);
    if (failed == 0 && transfer.response.length >= 0) {
        describe(&transfer.response, transfer.response.length, ret_object);
        *ret_found = true;
    } else if (failed == 0 || transfer.response.status == 404 || transfer.response.status == 400 ||
               transfer.response.status == 403 || transfer.response.status == 301) {
        failed = head_by_get(client, key, key_length, deadline_ms, ret_found, ret_object, error);
    }
    transfer_free(&transfer);
    return_client(s3, client);
    return failed;
}

static int s3_delete(void *self, const char *key, size_t key_length, int64_t deadline_ms,
                     struct error *error)
{
    struct s3 *s3 = self;
    struct client *client = borrow_client(s3);
    struct transfer transfer = {.method = "DELETE",
                                .key = key,
                                .key_length = key_length,
                                .missing_is_answer = true,
                                .tidies = true};
    int failed = client_perform(client, &transfer, deadline_ms, error);
    transfer_free(&transfer);
    return_client(s3, client);
    return failed;
}

static void s3_sweep(void *self, const struct sweep_options *options)
{
    struct s3 *s3 = self;
    struct client *client = borrow_client(s3);
    upload_sweep(client, options);
    return_client(s3, client);
}

int s3_open(const struct store_options *options, struct store *ret_store, struct error *error)
{
    static const struct backend backend = {.free = s3_free,
                                           .list = s3_list,
                                           .get = s3_get,
                                           .put = s3_put,
                                           .head = s3_head,
                                           .delete = s3_delete,
                                           .sweep = s3_sweep};
    struct endpoint *endpoint;
    if (endpoint_open(options, &endpoint, error) < 0)
        return -1;
    struct s3 *s3 = xcalloc(1, sizeof(*s3));
    s3->endpoint = endpoint;
    s3->lanes = options->connections > 0 ? options->connections : LANES;
    if (s3->lanes > LANES_LIMIT)
        s3->lanes = LANES_LIMIT;
    pthread_mutex_init(&s3->lock, NULL);
    *ret_store = (struct store){.backend = &backend,
                                .self = s3,
                                .bucket = endpoint->settings.bucket,
                                .prefix = endpoint->settings.prefix};
    return 0;
}
