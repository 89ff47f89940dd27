#include "objects/client.h"

#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/signals.h"
#include "objects/answer.h"
#include "objects/refusal.h"

enum {
    ANSWER_LIMIT = 1024 * 1024,
    TICK_MS = 250,           /* between two looks at what may end a request */
    IDLE_MS = 1000,          /* without a byte: whoever waits for it is asked */
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
    if (transfer->prepare)
        transfer->prepare(transfer);
    free(transfer->region);
    transfer->region = endpoint_region(client->endpoint);
    transfer_set_up(transfer, take_handle(client));
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

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

/* As libcurl reads the environment, less its exceptions. */
static bool names_proxy(const char *scheme)
{
    bool is_https = strcmp(scheme, "https") == 0;
    return is_set("all_proxy") || is_set("ALL_PROXY") ||
           (is_https ? is_set("https_proxy") || is_set("HTTPS_PROXY") : is_set("http_proxy"));
}

/* What it may come of, where libcurl's words leave people alone. */
static const char *connection_hint(const struct transfer *transfer, CURLcode code)
{
    const char *scheme = transfer->settings->scheme;
    bool ever = endpoint_answered(transfer->client->endpoint, false);
    if (names_proxy(scheme))
        return " (the environment names a proxy: is it meant, and right?)";
    if (code == CURLE_URL_MALFORMAT)
        return " (is the endpoint right?)";
    if (code == CURLE_SSL_CONNECT_ERROR)
        return " (if it speaks no TLS there, the endpoint begins with http://)";
    if (!ever && strcmp(scheme, "http") == 0 &&
        (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
         code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY))
        return " (if it speaks TLS there, the endpoint begins with https://)";
    return "";
}

/* And not of another host, or another time. */
static bool is_of_nobody_known(CURL *handle)
{
    long result = X509_V_OK;
    curl_easy_getinfo(handle, CURLINFO_SSL_VERIFYRESULT, &result);
    return result > X509_V_ERR_UNSPECIFIED && result != X509_V_ERR_CERT_NOT_YET_VALID &&
           result != X509_V_ERR_CERT_HAS_EXPIRED;
}

static int explain_connection(const struct transfer *transfer, CURLcode code, struct error *error)
{
    const struct settings *settings = transfer->settings;
    cleanup(free_pointer) char *host = settings_host(settings, transfer->region);
    const char *reason = *transfer->problem ? transfer->problem : curl_easy_strerror(code);
    if (code == CURLE_SSL_CACERT_BADFILE)
        return cannot_verify(error,
                             "%s: %s holds no certificates to trust, or cannot be read: correct "
                             "S3_CA_FILE (or AWS_CA_BUNDLE, or ca_bundle in the profile)",
                             settings->name, settings->ca_file ? settings->ca_file : "this system");
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return cannot_verify(error, "%s: the certificate of %s cannot be trusted (%s)%s",
                             settings->name, host, reason,
                             is_of_nobody_known(transfer->handle)
                                 ? ": if it is one of your own, name its authority's file in "
                                   "S3_CA_FILE"
                                 : "");
    if (code == CURLE_COULDNT_RESOLVE_HOST)
        return cannot_verify(error, "%s: there is no host %s: %s", settings->name, host,
                             settings->aws ? "no endpoint is given, so it is Amazon's: set "
                                             "`endpoint` or S3_ENDPOINT_URL for another store"
                                           : "is the endpoint right?");
    if (code == CURLE_WRITE_ERROR)
        return cannot_verify(error, "%s: %s sent an answer longer than any it may have",
                             settings->name, host);
    return cannot_verify(error, "%s: %s cannot be talked to: %s%s", settings->name, host,
                         curl_easy_strerror(code), connection_hint(transfer, code));
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
    if (!status_is_success(transfer->response.status))
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

/* A program that is told to stop does not wait for a store, except to take away what it has begun
 * there. */
static bool is_stopped(struct transfer *transfer)
{
    if (!signals_held())
        return false;
    int64_t until_ms = endpoint_stopping(transfer->client->endpoint);
    if (transfer->tidies && clock_ms() < until_ms)
        return false;
    cannot_verify(&transfer->error, "%s: given up, because we are told to stop",
                  transfer->settings->name);
    return true;
}

static bool is_given_up(struct transfer *transfer)
{
    if (is_stopped(transfer))
        return true;
    return transfer->idle && clock_ms() - transfer->progress_ms >= IDLE_MS &&
           transfer->idle(transfer, &transfer->error) < 0;
}

static void end_given_up(struct client *client)
{
    struct transfer **const lists[] = {&client->running, &client->waiting};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++)
        for (struct transfer *transfer = *lists[i], *next; transfer; transfer = next) {
            next = transfer->next;
            if (!is_given_up(transfer))
                continue;
            list_remove(lists[i], transfer);
            if (transfer->handle)
                give_handle_back(client, transfer);
            transfer->take_failed = true;
            list_add(&client->done, transfer);
        }
}

int client_wait(struct client *client, struct transfer **ret_transfer, struct error *error)
{
    while (!client->done) {
        int timeout_ms = TICK_MS;
        int running;
        end_given_up(client);
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
