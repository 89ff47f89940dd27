#include "notify/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

char *http_host(const char *url)
{
    char *host = NULL;
    CURLU *parts = curl_url();
    if (!parts)
        out_of_memory();
    bool found = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    char *copy = xstrdup(found ? host : "a URL that cannot be read");
    curl_free(host);
    curl_url_cleanup(parts);
    return copy;
}

static size_t take_nothing(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static struct curl_slist *prepare(CURL *handle, const struct http_message *message)
{
    struct curl_slist *headers = NULL;
    cleanup(free_pointer) char *type =
        xasprintf("Content-Type: %s", message->type ? message->type : "");
    curl_easy_setopt(handle, CURLOPT_URL, message->url);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)message->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "restore-verifier/" PROGRAM_VERSION);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_nothing);
    if (!message->body)
        return NULL;
    headers = curl_slist_append(NULL, type);
    headers = headers ? curl_slist_append(headers, "Expect:") : NULL;
    if (!headers)
        out_of_memory();
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, (long)strlen(message->body));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, message->body);
    return headers;
}

/* Of the texts of libcurl only those that it has ready: what it prints may hold more of the URL. */
static int judge(CURL *handle, CURLcode code, const struct http_message *message,
                 struct error *error)
{
    enum { BUSY = 429, SLOW = 408, FIRST_SERVER_ERROR = 500 };
    char timeout[DURATION_TEXT_SIZE];
    long status = 0;
    cleanup(free_pointer) char *host = http_host(message->url);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    duration_format(message->timeout_ms, timeout);
    if (code == CURLE_OPERATION_TIMEDOUT)
        cannot_verify(error, "%s did not answer within %s", host, timeout);
    else if (code != CURLE_OK)
        cannot_verify(error, "%s could not be reached: %s", host, curl_easy_strerror(code));
    else if (status >= 200 && status < 300)
        return 0;
    else if (status >= 300 && status < 400)
        return cannot_verify(error,
                             "%s answered %ld, which leads elsewhere and is not followed: write "
                             "the URL that it leads to",
                             host, status);
    else
        cannot_verify(error, "%s answered %ld", host, status);
    return code != CURLE_OK || status >= FIRST_SERVER_ERROR || status == BUSY || status == SLOW
               ? 1
               : -1;
}

int http_send(const struct http_message *message, struct error *error)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *handle = curl_easy_init();
    if (!handle)
        out_of_memory();
    struct curl_slist *headers = prepare(handle, message);
    int outcome = judge(handle, curl_easy_perform(handle), message, error);
    curl_slist_free_all(headers);
    curl_easy_cleanup(handle);
    return outcome;
}
