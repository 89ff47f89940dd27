#include "objects/endpoint.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

enum { TIDYING_MS = 2000 };

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

char *endpoint_region(struct endpoint *endpoint)
{
    pthread_mutex_lock(&endpoint->lock);
    char *region = xstrdup(endpoint->region);
    pthread_mutex_unlock(&endpoint->lock);
    return region;
}

bool endpoint_answered(struct endpoint *endpoint, bool now)
{
    pthread_mutex_lock(&endpoint->lock);
    endpoint->answered = endpoint->answered || now;
    bool answered = endpoint->answered;
    pthread_mutex_unlock(&endpoint->lock);
    return answered;
}

int64_t endpoint_stopping(struct endpoint *endpoint)
{
    pthread_mutex_lock(&endpoint->lock);
    if (endpoint->stopping_ms == 0)
        endpoint->stopping_ms = deadline_after(TIDYING_MS);
    int64_t stopping_ms = endpoint->stopping_ms;
    pthread_mutex_unlock(&endpoint->lock);
    return stopping_ms;
}

bool endpoint_learn_region(struct endpoint *endpoint, const char *asked, const char *named)
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
