#include "objects/transfer.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "objects/signature.h"

enum {
    CONNECT_TIMEOUT_MS = 15 * 1000,
    STALL_MS = 20 * 1000, /* without a byte: the connection is given up */
};

/* ---- what libcurl calls ---- */

bool status_is_success(long status)
{
    return status >= 200 && status < 300;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;
    curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &transfer->response.status);
    if (transfer->receive && status_is_success(transfer->response.status)) {
        transfer->take_failed = transfer->receive(transfer, bytes, length, &transfer->error) < 0;
        transfer->progress_ms = clock_ms(); /* after it: taking them may have been long */
        return transfer->take_failed ? CURL_WRITEFUNC_ERROR : length;
    }
    transfer->progress_ms = clock_ms();
    if (buffer_append(&transfer->answer, bytes, length) < 0)
        return CURL_WRITEFUNC_ERROR;
    return length;
}

static size_t give_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = transfer->body_length - transfer->sent;
    if (length > size * count)
        length = size * count;
    transfer->progress_ms = clock_ms();
    memcpy(bytes, (const char *)transfer->body + transfer->sent, length);
    transfer->sent += length;
    return length;
}

/* libcurl starts again on another connection when the one it reused was closed. */
static int rewind_body(void *context, curl_off_t offset, int origin)
{
    struct transfer *transfer = context;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > transfer->body_length)
        return CURL_SEEKFUNC_FAIL;
    transfer->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* A number and the character that must follow it; -1 when it is something else. */
static int64_t range_number(const char **text, char end)
{
    char *after;
    errno = 0;
    long long number = strtoll(*text, &after, 10);
    bool good = errno == 0 && after != *text && number >= 0 && *after == end;
    *text = good && end ? after + 1 : after;
    return good ? number : -1;
}

/* "bytes 100-199/2000" */
static void take_content_range(struct response *response, const char *value)
{
    if (!starts_with(value, "bytes "))
        return;
    value += strlen("bytes ");
    int64_t from = range_number(&value, '-');
    int64_t to = from < 0 ? -1 : range_number(&value, '/');
    int64_t total = to < 0 ? -1 : range_number(&value, '\0');
    if (total > 0) {
        response->range_from = from;
        response->range_total = total;
    }
}

static void copy_value(char *destination, size_t size, const char *value)
{
    size_t length = strlen(value);
    if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
        value++;
        length -= 2;
    }
    if (length >= size)
        length = 0;
    memcpy(destination, value, length);
    destination[length] = '\0';
}

/* Scheme and host: what follows may hold a signature, and what stands before the host a password.
 */
static void take_location(struct response *response, const char *value)
{
    const char *host = strstr(value, "://");
    size_t length = host ? (size_t)(host + 3 - value) + strcspn(host + 3, "/?#") : 0;
    if (length == 0 || length >= sizeof(response->elsewhere) || memchr(value, '@', length))
        return;
    for (size_t i = 0; i < length; i++)
        if (value[i] <= ' ' || value[i] > '~')
            return;
    memcpy(response->elsewhere, value, length);
    response->elsewhere[length] = '\0';
}

static void take_header(struct response *response, const char *name, const char *value)
{
    if (strcasecmp(name, "etag") == 0)
        copy_value(response->etag, sizeof(response->etag), value);
    else if (strcasecmp(name, "content-range") == 0)
        take_content_range(response, value);
    else if (strcasecmp(name, "last-modified") == 0)
        response->modified_ms = (int64_t)curl_getdate(value, NULL) * 1000;
    else if (strcasecmp(name, "date") == 0)
        response->date_s = (int64_t)curl_getdate(value, NULL);
    else if (strcasecmp(name, "x-amz-bucket-region") == 0)
        copy_value(response->region, sizeof(response->region), value);
    else if (strcasecmp(name, "location") == 0)
        take_location(response, value);
    else if (strcasecmp(name, "retry-after") == 0)
        response->retry_after_ms = strspn(value, "0123456789") == strlen(value) && strlen(value) < 6
                                       ? strtol(value, NULL, 10) * 1000
                                       : 0;
    else if (strcasecmp(name, "x-amz-server-side-encryption") == 0)
        response->other_etag = response->other_etag || strcmp(value, "AES256") != 0;
    else if (strcasecmp(name, "x-amz-server-side-encryption-customer-algorithm") == 0)
        response->other_etag = true;
}

static void response_clear(struct response *response)
{
    *response = (struct response){
        .length = -1, .range_from = -1, .range_total = -1, .modified_ms = -1, .date_s = -1};
}

static size_t take_header_line(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;
    char line[1024];
    transfer->progress_ms = clock_ms();
    if (length >= sizeof(line))
        return length; /* none that we look at is that long */
    memcpy(line, bytes, length);
    line[length] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    if (starts_with(line, "HTTP/"))
        response_clear(&transfer->response);
    char *value = strchr(line, ':');
    if (!value)
        return length;
    *value++ = '\0';
    value += strspn(value, " \t");
    take_header(&transfer->response, line, value);
    return length;
}

/* ---- one attempt ---- */

static char *request_path(const struct settings *settings, const struct transfer *transfer)
{
    struct buffer path;
    buffer_init(&path, 16 * KEY_LIMIT);
    buffer_append_text(&path, settings->path ? settings->path : "");
    buffer_append_text(&path, "/");
    if (!settings->virtual_host)
        percent_encode(&path, settings->bucket, strlen(settings->bucket), false);
    if (transfer->key) {
        if (!settings->virtual_host)
            buffer_append_text(&path, "/");
        percent_encode(&path, settings->prefix, strlen(settings->prefix), true);
        percent_encode(&path, transfer->key, transfer->key_length, true);
    }
    return buffer_steal(&path);
}

static void add_header(struct transfer *transfer, const char *header)
{
    struct curl_slist *list = curl_slist_append(transfer->headers, header);
    if (!list)
        abort(); /* out of memory */
    transfer->headers = list;
}

static void hash_body(const struct transfer *transfer, char ret_hex[SHA256_HEX_SIZE])
{
    cleanup(sha256_freep) struct sha256 *hash = sha256_new();
    sha256_update(hash, transfer->body, transfer->body_length);
    sha256_final(hash, ret_hex);
}

static void set_headers(struct transfer *transfer, const char *host, const char *path,
                        const char *query)
{
    const struct settings *settings = transfer->settings;
    char payload_hex[SHA256_HEX_SIZE] = EMPTY_SHA256;
    if (transfer->body_length > 0)
        hash_body(transfer, payload_hex);
    struct strings headers = {0};
    const struct signing signing = {.method = transfer->method,
                                    .host = host,
                                    .path = path,
                                    .query = query,
                                    .payload_sha256 = payload_hex,
                                    .region = transfer->region,
                                    .access_key = settings->access_key,
                                    .secret_key = settings->secret_key,
                                    .session_token = settings->session_token,
                                    .time = time(NULL)};
    signature_sign(&signing, &headers);
    strings_add(&headers, "Expect:");       /* no waiting for a 100 */
    strings_add(&headers, "Content-Type:"); /* nor a form */
    if (transfer->range_from > 0)
        strings_addf(&headers, "Range: bytes=%lld-", (long long)transfer->range_from);
    if (transfer->if_match[0] != '\0')
        strings_addf(&headers, "If-Match: \"%s\"", transfer->if_match);
    if (transfer->body_md5) {
        char text[4 * (MD5_SIZE + 2) / 3 + 1];
        EVP_EncodeBlock((unsigned char *)text, transfer->body_md5, MD5_SIZE);
        strings_addf(&headers, "Content-MD5: %s", text);
    }
    for (size_t i = 0; i < headers.count; i++)
        add_header(transfer, headers.items[i]);
    strings_free(&headers);
    curl_easy_setopt(transfer->handle, CURLOPT_HTTPHEADER, transfer->headers);
}

static void set_body(struct transfer *transfer)
{
    CURL *handle = transfer->handle;
    if (strcmp(transfer->method, "HEAD") == 0) {
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    } else if (strcmp(transfer->method, "PUT") == 0) {
        curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)transfer->body_length);
        curl_easy_setopt(handle, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(handle, CURLOPT_READDATA, transfer);
        curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, rewind_body);
        curl_easy_setopt(handle, CURLOPT_SEEKDATA, transfer);
    } else if (strcmp(transfer->method, "POST") == 0) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, transfer->body ? transfer->body : "");
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_length);
    } else if (strcmp(transfer->method, "GET") != 0) {
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, transfer->method);
    }
}

/* With little time left, a stall must show while there is time for another attempt. */
static void set_timeouts(struct transfer *transfer)
{
    CURL *handle = transfer->handle;
    transfer->progress_ms = clock_ms();
    transfer->stall_ms = STALL_MS;
    long connect_ms = CONNECT_TIMEOUT_MS;
    if (transfer->deadline_ms != NO_DEADLINE) {
        int64_t left_ms = transfer->deadline_ms - clock_ms();
        if (left_ms < 1)
            left_ms = 1;
        if (left_ms / 4 + 1 < transfer->stall_ms)
            transfer->stall_ms = left_ms / 4 + 1;
        if (left_ms / 4 + 1 < connect_ms)
            connect_ms = left_ms / 4 + 1;
        if (left_ms < INT32_MAX)
            curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)left_ms);
    }
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
}

static void set_options(struct transfer *transfer)
{
    CURL *handle = transfer->handle;
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    /* Whoever gives up waits for no name server either. */
    curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "restore-verifier/" PROGRAM_VERSION);
    curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 64L * 1024);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header_line);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(handle, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, transfer->problem);
    if (transfer->settings->ca_file)
        curl_easy_setopt(handle, CURLOPT_CAINFO, transfer->settings->ca_file);
}

void transfer_set_up(struct transfer *transfer, CURL *handle)
{
    const struct settings *settings = transfer->settings;
    transfer->handle = handle;
    transfer->sent = 0;
    transfer->take_failed = false;
    transfer->problem[0] = '\0';
    response_clear(&transfer->response);
    buffer_clear(&transfer->answer);
    cleanup(free_pointer) char *host = settings_host(settings, transfer->region);
    cleanup(free_pointer) char *path = request_path(settings, transfer);
    cleanup(free_pointer) char *query = query_text(&transfer->query);
    cleanup(free_pointer) char *url =
        xasprintf("%s://%s%s%s%s", settings->scheme, host, path, *query ? "?" : "", query);
    set_options(transfer);
    set_body(transfer);
    set_timeouts(transfer);
    set_headers(transfer, host, path, query);
    curl_easy_setopt(handle, CURLOPT_URL, url);
}

void transfer_free(struct transfer *transfer)
{
    query_free(&transfer->query);
    buffer_free(&transfer->answer);
    free(transfer->region);
    transfer->region = NULL;
}
