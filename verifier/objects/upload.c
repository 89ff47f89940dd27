#include "objects/upload.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "objects/answer.h"
#include "objects/refusal.h"

enum {
    PART_SIZE = 16 * 1024 * 1024, /* S3 wants at least 5 MiB of all parts but the last */
    PARTS_LIMIT = 10000,
    PARTS_OF_A_SIZE = 1000, /* then they double: 10,000 parts hold more than any object may */
    PART_SIZE_LIMIT = 512 * 1024 * 1024,
    ABORT_TIMEOUT_MS = 30 * 1000,
};

struct upload {
    struct client *client;
    const struct upload_options *options;
    char *id; /* NULL: not in parts */
    char *part;
    size_t part_size;
    size_t part_length;
    bool ended; /* the source has no more */
    int64_t size_bytes;
    int parts;
    struct buffer listed; /* the XML that names the parts */
    struct md5 *md5_of_md5s;
    bool etags_are_md5s;
};

static const char *upload_name(const struct upload *upload)
{
    return client_settings(upload->client)->name;
}

static struct transfer make_transfer(const struct upload *upload, const char *method)
{
    return (struct transfer){
        .method = method, .key = upload->options->key, .key_length = upload->options->key_length};
}

/* Fills the part from the source. */
static int read_part(struct upload *upload, struct error *error)
{
    upload->part_length = 0;
    while (!upload->ended && upload->part_length < upload->part_size) {
        int64_t length =
            upload->options->source(upload->options->context, upload->part + upload->part_length,
                                    upload->part_size - upload->part_length, error);
        if (length < 0)
            return -1;
        upload->ended = length == 0;
        upload->part_length += (size_t)length;
    }
    upload->size_bytes += (int64_t)upload->part_length;
    return 0;
}

static void grow_part(struct upload *upload)
{
    if (upload->parts % PARTS_OF_A_SIZE != 0 || upload->part_size * 2 > PART_SIZE_LIMIT)
        return;
    upload->part_size *= 2;
    upload->part = xreallocarray(upload->part, upload->part_size, 1);
}

/* Sends what is in the part; `ret_etag` is what the store makes of it, compared with its MD5. */
static int send_part(struct upload *upload, char ret_etag[ETAG_SIZE], struct error *error)
{
    struct transfer transfer = make_transfer(upload, "PUT");
    transfer.body = upload->part;
    transfer.body_length = upload->part_length;
    if (upload->id) {
        cleanup(free_pointer) char *number = xasprintf("%d", upload->parts);
        query_add(&transfer.query, "partNumber", number);
        query_add(&transfer.query, "uploadId", upload->id);
    }
    unsigned char digest[MD5_SIZE];
    char hex[MD5_HEX_SIZE];
    cleanup(md5_freep) struct md5 *md5 = md5_new();
    md5_update(md5, upload->part, upload->part_length);
    md5_final(md5, digest);
    hex_format(digest, sizeof(digest), hex);
    md5_update(upload->md5_of_md5s, digest, sizeof(digest));
    transfer.body_md5 = digest;
    int failed = client_perform(upload->client, &transfer, upload->options->deadline_ms, error);
    const struct response *response = &transfer.response;
    bool is_md5 = etag_is_md5(response->etag) && !response->other_etag;
    upload->etags_are_md5s = upload->etags_are_md5s && is_md5;
    if (failed == 0 && is_md5 && strcasecmp(response->etag, hex) != 0)
        failed = cannot_verify(error,
                               "%s: the store has not stored what was sent: its ETag is %s, the "
                               "MD5 %s",
                               upload_name(upload), response->etag, hex);
    memcpy(ret_etag, response->etag, ETAG_SIZE);
    transfer_free(&transfer);
    return failed;
}

/* What the store holds now. */
static int look(const struct upload *upload, struct object *ret_object, struct error *error)
{
    struct transfer transfer = make_transfer(upload, "HEAD");
    transfer.tidies = true;
    int failed = client_perform(upload->client, &transfer, upload->options->deadline_ms, error);
    *ret_object = (struct object){.size_bytes = transfer.response.length,
                                  .modified_ms = transfer.response.modified_ms};
    memcpy(ret_object->etag, transfer.response.etag, ETAG_SIZE);
    if (failed < 0 && transfer.response.status == 404)
        cannot_verify(error,
                      "%s: the store has taken the object and does not have it: was it deleted, or "
                      "moved elsewhere, at once?",
                      upload_name(upload));
    transfer_free(&transfer);
    return failed;
}

static int check_etag(const struct upload *upload, const char *etag, const struct object *object,
                      struct error *error)
{
    if (!etag || strcasecmp(etag, object->etag) == 0)
        return 0;
    return cannot_verify(error,
                         "%s: the store holds another object than was sent: its ETag is %s, and "
                         "should be %s",
                         upload_name(upload), object->etag, etag);
}

static int check_stored(const struct upload *upload, const char *etag, struct object *ret_object,
                        struct error *error)
{
    if (look(upload, ret_object, error) < 0)
        return -1;
    if (ret_object->size_bytes != upload->size_bytes)
        return cannot_verify(error, "%s: the store holds %lld bytes of the %lld that were sent",
                             upload_name(upload), (long long)ret_object->size_bytes,
                             (long long)upload->size_bytes);
    return check_etag(upload, etag, ret_object, error);
}

static int put_at_once(struct upload *upload, struct object *ret_object, struct error *error)
{
    char etag[ETAG_SIZE];
    if (send_part(upload, etag, error) < 0)
        return -1;
    return check_stored(upload, *etag ? etag : NULL, ret_object, error);
}

/* ---- in parts ---- */

static enum judgement judge_begun(struct transfer *transfer, struct error *error)
{
    char **id = transfer->context;
    *id = answer_text(transfer->answer.data, transfer->answer.length, "UploadId");
    if (*id && **id)
        return ANSWER_GOOD;
    free(*id);
    *id = NULL;
    cannot_verify(error, "%s: the store does not name the upload that it was asked to begin",
                  transfer->settings->name);
    return ANSWER_AGAIN;
}

static int begin(struct upload *upload, struct error *error)
{
    struct transfer transfer = make_transfer(upload, "POST");
    transfer.judge = judge_begun;
    transfer.context = &upload->id;
    query_add(&transfer.query, "uploads", "");
    int failed = client_perform(upload->client, &transfer, upload->options->deadline_ms, error);
    transfer_free(&transfer);
    return failed;
}

/* The deadline may have passed, and the parts must go anyhow: they cost money. */
static void abandon(const struct upload *upload)
{
    struct error ignored;
    struct transfer transfer = make_transfer(upload, "DELETE");
    transfer.missing_is_answer = true;
    transfer.tidies = true;
    query_add(&transfer.query, "uploadId", upload->id);
    client_perform(upload->client, &transfer, deadline_after(ABORT_TIMEOUT_MS), &ignored);
    transfer_free(&transfer);
}

/* An error may come with status 200, after a while of white space. */
static enum judgement judge_complete(struct transfer *transfer, struct error *error)
{
    struct error_answer answer;
    cleanup(free_pointer) char *etag =
        answer_text(transfer->answer.data, transfer->answer.length, "ETag");
    if (etag)
        return ANSWER_GOOD;
    error_answer_parse(transfer->answer.data, transfer->answer.length, &answer);
    refusal_explain(transfer, &answer, error);
    return *answer.code == '\0' || refusal_may_pass(0, &answer) ? ANSWER_AGAIN : ANSWER_BAD;
}

static int complete(struct upload *upload, struct error *error)
{
    struct transfer transfer = make_transfer(upload, "POST");
    transfer.judge = judge_complete;
    buffer_append_text(&upload->listed, "</CompleteMultipartUpload>");
    transfer.body = upload->listed.data;
    transfer.body_length = upload->listed.length;
    query_add(&transfer.query, "uploadId", upload->id);
    int failed = client_perform(upload->client, &transfer, upload->options->deadline_ms, error);
    transfer_free(&transfer);
    return failed;
}

static void name_part(struct upload *upload, const char *etag)
{
    buffer_printf(&upload->listed, "<Part><PartNumber>%d</PartNumber><ETag>\"", upload->parts);
    for (const char *c = etag; *c; c++) /* what XML would read otherwise is in no ETag */
        if (!strchr("<>&\"", *c))
            buffer_append(&upload->listed, c, 1);
    buffer_append_text(&upload->listed, "\"</ETag></Part>");
}

static int send_parts(struct upload *upload, struct error *error)
{
    buffer_append_text(&upload->listed, "<CompleteMultipartUpload>");
    for (;;) {
        char etag[ETAG_SIZE];
        if (++upload->parts > PARTS_LIMIT)
            return cannot_verify(error, "%s: the object is longer than a store takes",
                                 upload_name(upload));
        if (send_part(upload, etag, error) < 0)
            return -1;
        if (*etag == '\0')
            return cannot_verify(error, "%s: the store acknowledges no part of the object",
                                 upload_name(upload));
        name_part(upload, etag);
        grow_part(upload);
        if (upload->ended)
            return 0;
        if (read_part(upload, error) < 0)
            return -1;
        if (upload->part_length == 0)
            return 0;
    }
}

/* "MD5 of the parts' MD5s - their number", as S3 makes it; NULL when the parts have other ETags. */
static char *expected_etag(struct upload *upload)
{
    unsigned char digest[MD5_SIZE];
    char hex[MD5_HEX_SIZE];
    md5_final(upload->md5_of_md5s, digest);
    hex_format(digest, sizeof(digest), hex);
    return upload->etags_are_md5s ? xasprintf("%s-%d", hex, upload->parts) : NULL;
}

/* Some stores give an object of parts an ETag of their own, which says nothing about the parts,
 * each of which has been compared. */
static int check_joined(const struct upload *upload, const char *etag, struct object *ret_object,
                        struct error *error)
{
    struct object object;
    if (check_stored(upload, NULL, &object, error) < 0)
        return -1;
    size_t md5_length = MD5_HEX_SIZE - 1;
    bool comparable = strspn(object.etag, "0123456789abcdefABCDEF") == md5_length &&
                      object.etag[md5_length] == '-';
    *ret_object = object;
    return comparable ? check_etag(upload, etag, &object, error) : 0;
}

static int put_in_parts(struct upload *upload, struct object *ret_object, struct error *error)
{
    if (begin(upload, error) < 0)
        return -1;
    if (send_parts(upload, error) < 0) {
        abandon(upload);
        return -1;
    }
    cleanup(free_pointer) char *etag = expected_etag(upload);
    if (complete(upload, error) == 0)
        return check_joined(upload, etag, ret_object, error);
    /* The answer may have been lost, and the repetition refused. */
    struct error ignored;
    if (etag && check_stored(upload, etag, ret_object, &ignored) == 0)
        return 0;
    abandon(upload);
    return -1;
}

/* ---- what killed programs left ---- */

static void sweep_one(struct client *client, const struct sweep_options *options,
                      const struct unfinished *unfinished)
{
    const char *prefix = client_settings(client)->prefix;
    if (!unfinished->key || !unfinished->id || unfinished->begun_ms < 0 ||
        unfinished->begun_ms >= options->before_ms || !starts_with(unfinished->key, prefix))
        return;
    const char *key = unfinished->key + strlen(prefix);
    if (!options->wanted(key, options->context))
        return;
    struct error ignored;
    struct transfer transfer = {
        .method = "DELETE", .key = key, .key_length = strlen(key), .missing_is_answer = true};
    query_add(&transfer.query, "uploadId", unfinished->id);
    client_perform(client, &transfer, deadline_after(ABORT_TIMEOUT_MS), &ignored);
    transfer_free(&transfer);
}

void upload_sweep(struct client *client, const struct sweep_options *options)
{
    struct error ignored;
    struct unfinished_list list = {0};
    cleanup(free_pointer) char *prefix =
        xasprintf("%s%s", client_settings(client)->prefix, options->prefix);
    struct transfer transfer = {.method = "GET"};
    query_add(&transfer.query, "uploads", "");
    query_add(&transfer.query, "prefix", prefix);
    if (client_perform(client, &transfer, deadline_after(ABORT_TIMEOUT_MS), &ignored) == 0 &&
        unfinished_list_parse(transfer.answer.data, transfer.answer.length, &list, &ignored) == 0)
        for (size_t i = 0; i < list.count; i++)
            sweep_one(client, options, &list.items[i]);
    unfinished_list_free(&list);
    transfer_free(&transfer);
}

int upload_run(struct client *client, const struct upload_options *options,
               struct object *ret_object, struct error *error)
{
    struct upload upload = {.client = client,
                            .options = options,
                            .part_size = options->part_size > 0 ? options->part_size : PART_SIZE,
                            .md5_of_md5s = md5_new(),
                            .etags_are_md5s = true};
    struct object object;
    upload.part = xmalloc(upload.part_size);
    buffer_init(&upload.listed, 4 * 1024 * 1024);
    int failed = read_part(&upload, error);
    if (failed == 0)
        failed = upload.ended ? put_at_once(&upload, &object, error)
                              : put_in_parts(&upload, &object, error);
    if (failed == 0 && ret_object)
        *ret_object = object;
    buffer_free(&upload.listed);
    md5_free(upload.md5_of_md5s);
    free(upload.part);
    free(upload.id);
    return failed;
}
