/* Where a bucket is and as whom it is asked, found out of options, environment and the files that
 * AWS's tools share. Source of the files' form: "Configuration and credential file settings" of the
 * AWS SDKs and Tools reference guide. */
#ifndef OBJECTS_SETTINGS_H
#define OBJECTS_SETTINGS_H

#include <stdbool.h>

#include "base/error.h"
#include "objects/store.h"

struct settings {
    char *name;   /* "s3://bucket/prefix", for messages */
    char *bucket; /* as in the location */
    char *prefix; /* empty, or ends with a slash */
    char *scheme; /* "http" or "https" */
    char *host;   /* of the endpoint, as the Host header has it; without the bucket */
    char *path;   /* of the endpoint, before the bucket, such as "/storage/v1/s3"; empty or NULL */
    bool virtual_host;
    bool aws;     /* the endpoint is AWS's own, and follows the region */
    char *region; /* never NULL */
    bool region_guessed;
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL: none */
    char *ca_file;       /* NULL: the system's */
};

int settings_find(const struct store_options *options, struct settings *ret_settings,
                  struct error *error);
void settings_free(struct settings *settings); /* takes a zeroed one */

/* The host to send a request to in this region, as the Host header has it: freed by the caller. */
char *settings_host(const struct settings *settings, const char *region);

/* One value of a profile in the text of a credentials file (or, with `is_config`, of a config file,
 * where sections are named [profile NAME]); NULL when there is none. Freed by the caller. */
char *profile_value(const char *text, bool is_config, const char *profile, const char *name);

#endif
