#include "objects/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "objects/refusal.h"
#include "objects/signature.h"

enum {
    ANSWER_LIMIT = 1024 * 1024,
    CONNECT_TIMEOUT_MS = 15 * 1000,
    STALL_MS = 20 * 1000,    /* without a byte: the connection is given up */
    PATIENCE_MS = 90 * 1000, /* from the first fault of a request to giving it up */
    FIRST_ATTEMPTS = 4,      /* while nothing has ever been answered: it may be the scenario */
    CONTRADICTIONS = 5,      /* a store that contradicts itself this often means it */
    BACKOFF_FIRST_MS = 100,
    BACKOFF_LIMIT_MS = 8000,
};

struct client {
    struct endpoint *endpoint;
    CURLM *multi;
    CURL **idle;
    size_t idle_count;
    struct transfer *running;
    struct transfer *waiting; /* for their next attempt */
    struct transfer *done;
};

static void list_add(struct transfer **list, struct transfer *transfer)
{
    transfer->next = *list;
    *list = transfer;
}

static void list_remove(struct transfer **list, const struct transfer *transfer)
{
    while (*list && *list != transfer)
        list = &(*list)->next;
    if (*list)
        *list = transfer->next;
}

static void initialize_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

int endpoint_open(const struct store_options *options, struct endpoint **ret_endpoint,
                  struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialize_curl);
    struct settings settings;
    if (settings_find(options, &settings, error) < 0)
        return -1;
    struct endpoint *endpoint = xcalloc(1, sizeof(*endpoint));
    endpoint->settings = settings;
    endpoint->region = xstrdup(settings.region);
    pthread_mutex_init(&endpoint->lock, NULL);
    *ret_endpoint = endpoint;
    return 0;
}

void endpoint_free(struct endpoint *endpoint)
{
    if (!endpoint)
        return;
    settings_free(&endpoint->settings);
    free(endpoint->region);
    pthread_mutex_destroy(&endpoint->lock);
    free(endpoint);
}

static char *endpoint_region(struct endpoint *endpoint)
{
    pthread_mutex_lock(&endpoint->lock);
    char *region = xstrdup(endpoint->region);
    pthread_mutex_unlock(&endpoint->lock);
    return region;
}

static bool endpoint_answered(struct endpoint *endpoint, bool now)
{
    pthread_mutex_lock(&endpoint->lock);
    endpoint->answered = endpoint->answered || now;
    bool answered = endpoint->answered;
    pthread_mutex_unlock(&endpoint->lock);
    return answered;
}

/* Takes the region that an answer to a request in `asked` has named, where it was only guessed. */
static bool endpoint_learn_region(struct endpoint *endpoint, const char *asked, const char *named)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    if (!endpoint->settings.region_guessed || *named == '\0' ||
        strspn(named, allowed) != strlen(named))
        return false;
    pthread_mutex_lock(&endpoint->lock);
    bool learned = !endpoint->region_named && strcmp(endpoint->region, named) != 0;
    if (learned) {
        free(endpoint->region);
        endpoint->region = xstrdup(named);
        endpoint->region_named = true;
    }
    /* Another request may have learned it meanwhile. */
    bool changed = learned || strcmp(endpoint->region, asked) != 0;
    pthread_mutex_unlock(&endpoint->lock);
    return changed;
}

/* ---- what libcurl calls ---- */

static bool is_success(long status)
{
    return status >= 200 && status < 300;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;
    curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &transfer->response.status);
    if (transfer->receive && is_success(transfer->response.status)) {
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

static void set_headers(struct client *client, struct transfer *transfer, const char *host,
                        const char *path, const char *query)
{
    const struct settings *settings = &client->endpoint->settings;
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

static void set_options(struct client *client, struct transfer *transfer)
{
    CURL *handle = transfer->handle;
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
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
    if (client->endpoint->settings.ca_file)
        curl_easy_setopt(handle, CURLOPT_CAINFO, client->endpoint->settings.ca_file);
}

static CURL *take_handle(struct client *client)
{
    if (client->idle_count > 0)
        return client->idle[--client->idle_count];
    CURL *handle = curl_easy_init();
    if (!handle)
        abort(); /* out of memory */
    return handle;
}

static void give_handle_back(struct client *client, struct transfer *transfer)
{
    curl_multi_remove_handle(client->multi, transfer->handle);
    curl_easy_reset(transfer->handle);
    client->idle = xreallocarray(client->idle, client->idle_count + 1, sizeof(*client->idle));
    client->idle[client->idle_count++] = transfer->handle;
    transfer->handle = NULL;
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
}

static void attempt(struct client *client, struct transfer *transfer)
{
    const struct settings *settings = &client->endpoint->settings;
    if (transfer->prepare)
        transfer->prepare(transfer);
    free(transfer->region);
    transfer->region = endpoint_region(client->endpoint);
    transfer->sent = 0;
    transfer->take_failed = false;
    response_clear(&transfer->response);
    buffer_clear(&transfer->answer);
    transfer->handle = take_handle(client);

    cleanup(free_pointer) char *host = settings_host(settings, transfer->region);
    cleanup(free_pointer) char *path = request_path(settings, transfer);
    cleanup(free_pointer) char *query = query_text(&transfer->query);
    cleanup(free_pointer) char *url =
        xasprintf("%s://%s%s%s%s", settings->scheme, host, path, *query ? "?" : "", query);
    set_options(client, transfer);
    set_body(transfer);
    set_timeouts(transfer);
    set_headers(client, transfer, host, path, query);
    curl_easy_setopt(transfer->handle, CURLOPT_URL, url);
    curl_multi_add_handle(client->multi, transfer->handle);
    list_add(&client->running, transfer);
}

/* ---- what an attempt has come to ---- */

static bool connection_may_recover(CURLcode code)
{
    static const CURLcode final[] = {
        CURLE_URL_MALFORMAT,        CURLE_UNSUPPORTED_PROTOCOL, CURLE_PEER_FAILED_VERIFICATION,
        CURLE_SSL_CACERT_BADFILE,   CURLE_SSL_ISSUER_ERROR,     CURLE_WRITE_ERROR,
        CURLE_BAD_FUNCTION_ARGUMENT};
    for (size_t i = 0; i < ARRAY_LENGTH(final); i++)
        if (code == final[i])
            return false;
    return true;
}

static int explain_connection(const struct transfer *transfer, CURLcode code, struct error *error)
{
    const struct settings *settings = transfer->settings;
    cleanup(free_pointer) char *host = settings_host(settings, transfer->region);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return cannot_verify(error,
                             "%s: the certificate of %s cannot be trusted (%s): if it is one of "
                             "your own, name its authority's file in S3_CA_FILE",
                             settings->name, host, curl_easy_strerror(code));
    if (code == CURLE_COULDNT_RESOLVE_HOST)
        return cannot_verify(error, "%s: there is no host %s: is the endpoint right?",
                             settings->name, host);
    if (code == CURLE_WRITE_ERROR)
        return cannot_verify(error, "%s: %s sent an answer longer than any it may have",
                             settings->name, host);
    return cannot_verify(error, "%s: %s cannot be talked to: %s", settings->name, host,
                         curl_easy_strerror(code));
}

static enum judgement judge_refusal(struct transfer *transfer, struct error *error)
{
    struct error_answer answer;
    struct endpoint *endpoint = transfer->client->endpoint;
    long status = transfer->response.status;
    error_answer_parse(transfer->answer.data, transfer->answer.length, &answer);
    const char *region =
        transfer->response.region[0] != '\0' ? transfer->response.region : answer.region;
    if ((status == 301 || status == 307 || status == 400 || status == 403) &&
        endpoint_learn_region(endpoint, transfer->region, region)) {
        cannot_verify(error, "%s: the bucket is in the region %s", endpoint->settings.name, region);
        return ANSWER_AGAIN;
    }
    refusal_explain(transfer, &answer, error);
    if (transfer->missing_is_answer &&
        ((status == 404 && refusal_is_missing_key(&answer)) || status == 412))
        return transfer->judge ? transfer->judge(transfer, error) : ANSWER_GOOD;
    return refusal_may_pass(status, &answer) ? ANSWER_AGAIN : ANSWER_BAD;
}

static enum judgement judge_attempt(struct transfer *transfer, CURLcode code, struct error *error)
{
    curl_off_t length = -1;
    curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &transfer->response.status);
    curl_easy_getinfo(transfer->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    transfer->response.length = length;
    if (transfer->take_failed) {
        *error = transfer->error;
        return ANSWER_BAD;
    }
    if (code != CURLE_OK) {
        explain_connection(transfer, code, error);
        return connection_may_recover(code) ? ANSWER_AGAIN : ANSWER_BAD;
    }
    if (!is_success(transfer->response.status))
        return judge_refusal(transfer, error);
    endpoint_answered(transfer->client->endpoint, true);
    enum judgement judgement = transfer->judge ? transfer->judge(transfer, error) : ANSWER_GOOD;
    transfer->contradictions += judgement == ANSWER_AGAIN;
    return judgement;
}

/* Growing pauses, random so that many who wait do not come back together. */
static int64_t pause_ms(const struct transfer *transfer)
{
    int64_t pause = BACKOFF_LIMIT_MS;
    if (transfer->attempts < 8)
        pause = BACKOFF_FIRST_MS << (transfer->attempts - 1);
    if (pause > BACKOFF_LIMIT_MS)
        pause = BACKOFF_LIMIT_MS;
    uint32_t random = 0;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        random = (uint32_t)clock_ms() * 2654435761U;
    pause = pause / 2 + (int64_t)(random % (uint64_t)(pause / 2 + 1));
    int64_t asked_ms = transfer->response.retry_after_ms;
    return asked_ms > pause ? asked_ms : pause;
}

/* Whether and when a failed attempt is repeated; when not, why, in `error`. */
static bool is_repeated(struct transfer *transfer, struct error *error)
{
    int64_t now_ms = clock_ms();
    if (transfer->attempts++ == 0)
        transfer->first_fault_ms = now_ms;
    transfer->due_ms = now_ms + pause_ms(transfer);
    bool hopeless = transfer->attempts >= FIRST_ATTEMPTS &&
                    !endpoint_answered(transfer->client->endpoint, false);
    if (!hopeless && transfer->contradictions < CONTRADICTIONS &&
        transfer->due_ms < transfer->deadline_ms &&
        transfer->due_ms - transfer->first_fault_ms < PATIENCE_MS)
        return true;
    char waited[DURATION_TEXT_SIZE];
    duration_format(now_ms - transfer->first_fault_ms, waited);
    struct error last = *error;
    const char *over = transfer->due_ms >= transfer->deadline_ms ? ", and the time is over" : "";
    cannot_verify(error, "%s (tried %d time%s in %s%s)", last.text, transfer->attempts,
                  transfer->attempts == 1 ? "" : "s", waited, over);
    return false;
}

static void finish_attempt(struct client *client, struct transfer *transfer, CURLcode code)
{
    struct error error;
    enum judgement judgement = judge_attempt(transfer, code, &error);
    list_remove(&client->running, transfer);
    give_handle_back(client, transfer);
    if (judgement == ANSWER_AGAIN && is_repeated(transfer, &error)) {
        list_add(&client->waiting, transfer);
        return;
    }
    transfer->take_failed = judgement != ANSWER_GOOD;
    if (judgement != ANSWER_GOOD)
        transfer->error = error;
    list_add(&client->done, transfer);
}

/* ---- the client ---- */

struct client *client_new(struct endpoint *endpoint)
{
    struct client *client = xcalloc(1, sizeof(*client));
    client->endpoint = endpoint;
    client->multi = curl_multi_init();
    if (!client->multi)
        abort(); /* out of memory */
    return client;
}

const struct settings *client_settings(const struct client *client)
{
    return &client->endpoint->settings;
}

void client_cancel(struct client *client)
{
    while (client->running) {
        struct transfer *transfer = client->running;
        list_remove(&client->running, transfer);
        give_handle_back(client, transfer);
    }
    client->waiting = NULL;
    client->done = NULL;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    client_cancel(client);
    for (size_t i = 0; i < client->idle_count; i++)
        curl_easy_cleanup(client->idle[i]);
    free(client->idle);
    curl_multi_cleanup(client->multi);
    free(client);
}

void client_start(struct client *client, struct transfer *transfer, int64_t deadline_ms)
{
    transfer->client = client;
    transfer->settings = &client->endpoint->settings;
    transfer->deadline_ms = deadline_ms;
    transfer->attempts = transfer->contradictions = 0;
    if (!transfer->answer.data)
        buffer_init(&transfer->answer,
                    transfer->answer_limit > 0 ? transfer->answer_limit : ANSWER_LIMIT);
    attempt(client, transfer);
}

static void repeat_due(struct client *client, int *timeout_ms)
{
    int64_t now_ms = clock_ms();
    for (struct transfer *transfer = client->waiting, *next; transfer; transfer = next) {
        next = transfer->next;
        if (transfer->due_ms <= now_ms) {
            list_remove(&client->waiting, transfer);
            attempt(client, transfer);
        } else if (transfer->due_ms - now_ms < *timeout_ms) {
            *timeout_ms = (int)(transfer->due_ms - now_ms);
        }
    }
}

static void collect_finished(struct client *client)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        struct transfer *transfer = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        finish_attempt(client, transfer, code);
    }
}

/* libcurl's own watch for slow transfers counts averages, and notices late. */
static void end_stalled(struct client *client)
{
    int64_t now_ms = clock_ms();
    for (struct transfer *transfer = client->running, *next; transfer; transfer = next) {
        next = transfer->next;
        if (now_ms - transfer->progress_ms > transfer->stall_ms)
            finish_attempt(client, transfer, CURLE_OPERATION_TIMEDOUT);
    }
}

int client_wait(struct client *client, struct transfer **ret_transfer, struct error *error)
{
    while (!client->done) {
        int timeout_ms = 1000;
        int running;
        repeat_due(client, &timeout_ms);
        curl_multi_perform(client->multi, &running);
        collect_finished(client);
        end_stalled(client);
        if (!client->done)
            curl_multi_poll(client->multi, NULL, 0, timeout_ms, NULL);
    }
    struct transfer *transfer = client->done;
    list_remove(&client->done, transfer);
    *ret_transfer = transfer;
    if (!transfer->take_failed)
        return 0;
    *error = transfer->error;
    return -1;
}

int client_perform(struct client *client, struct transfer *transfer, int64_t deadline_ms,
                   struct error *error)
{
    client_start(client, transfer, deadline_ms);
    struct transfer *done;
    return client_wait(client, &done, error);
}

void transfer_free(struct transfer *transfer)
{
    query_free(&transfer->query);
    buffer_free(&transfer->answer);
    free(transfer->region);
    transfer->region = NULL;
}
