#include "objects/settings.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"

enum { PROFILE_FILE_LIMIT = 1024 * 1024 };

static const char *from_environment(const char *const *names)
{
    for (; *names; names++) {
        const char *value = getenv(*names);
        if (value && *value)
            return value;
    }
    return NULL;
}

/* ---- ~/.aws ---- */

static bool is_section(const char *line, size_t length, bool is_config, const char *profile)
{
    if (length < 2 || line[0] != '[' || line[length - 1] != ']')
        return false;
    line++;
    length -= 2;
    if (is_config && strcmp(profile, "default") != 0) {
        static const char word[] = "profile";
        if (length <= strlen(word) || strncmp(line, word, strlen(word)) != 0)
            return false;
        line += strlen(word);
        length -= strlen(word);
    }
    for (; length > 0 && (*line == ' ' || *line == '\t'); length--)
        line++;
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
        length--;
    return length == strlen(profile) && strncmp(line, profile, length) == 0;
}

/* The value of "name = value", or NULL when the line is another. */
static char *line_value(const char *line, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    if (length < name_length || strncasecmp(line, name, name_length) != 0)
        return NULL;
    line += name_length;
    length -= name_length;
    size_t at = 0;
    while (at < length && (line[at] == ' ' || line[at] == '\t'))
        at++;
    if (at == length || line[at] != '=')
        return NULL;
    at++;
    while (at < length && (line[at] == ' ' || line[at] == '\t'))
        at++;
    return xstrndup(line + at, length - at);
}

char *profile_value(const char *text, bool is_config, const char *profile, const char *name)
{
    bool inside = false;
    for (const char *line = text; *line != '\0';) {
        size_t whole = strcspn(line, "\n");
        size_t length = whole;
        while (length > 0 && strchr(" \t\r", line[length - 1]))
            length--;
        char *value = NULL;
        if (line[0] == '[')
            inside = is_section(line, length, is_config, profile);
        else if (inside)
            value = line_value(line, length, name);
        if (value)
            return value;
        line += whole + (line[whole] == '\n');
    }
    return NULL;
}

struct profile {
    const char *name;
    struct buffer credentials;
    struct buffer config;
    char *credentials_path;
};

/* A file that is not there is no error: few machines have it. */
static int read_file(const char *path, struct buffer *ret_text, struct error *error)
{
    buffer_init(ret_text, PROFILE_FILE_LIMIT);
    if (access(path, F_OK) < 0)
        return 0;
    buffer_free(ret_text);
    return file_read(path, PROFILE_FILE_LIMIT, ret_text, error);
}

static int profile_read(const char *name, struct profile *ret_profile, struct error *error)
{
    const char *home = getenv("HOME");
    const char *credentials = getenv("AWS_SHARED_CREDENTIALS_FILE");
    const char *config = getenv("AWS_CONFIG_FILE");
    const char *chosen = name ? name : from_environment((const char *[]){"AWS_PROFILE", NULL});
    struct profile profile = {.name = chosen ? chosen : "default"};
    profile.credentials_path =
        credentials ? xstrdup(credentials) : xasprintf("%s/.aws/credentials", home ? home : "");
    cleanup(free_pointer) char *config_path =
        config ? xstrdup(config) : xasprintf("%s/.aws/config", home ? home : "");
    if (read_file(profile.credentials_path, &profile.credentials, error) < 0 ||
        read_file(config_path, &profile.config, error) < 0) {
        buffer_free(&profile.credentials);
        free(profile.credentials_path);
        return -1;
    }
    *ret_profile = profile;
    return 0;
}

static void profile_free(struct profile *profile)
{
    if (profile->credentials.data)
        OPENSSL_cleanse(profile->credentials.data, profile->credentials.length);
    buffer_free(&profile->credentials);
    buffer_free(&profile->config);
    free(profile->credentials_path);
}

static char *profile_get(const struct profile *profile, const char *name)
{
    char *value = profile_value(profile->credentials.data, false, profile->name, name);
    return value ? value : profile_value(profile->config.data, true, profile->name, name);
}

/* What was given, or one of the variables, or the profile's; NULL when nobody says. */
static char *find_value(const char *given, const char *const *variables,
                        const struct profile *profile, const char *profile_name)
{
    if (!given || !*given)
        given = from_environment(variables);
    if (given)
        return xstrdup(given);
    return profile_get(profile, profile_name);
}

/* ---- location and endpoint ---- */

static bool is_bucket_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);
    return length >= 1 && length <= 255 && strspn(name, allowed) == length &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int find_location(const char *location, struct settings *settings, struct error *error)
{
    const char *path = location + strlen("s3://");
    size_t bucket_length = strcspn(path, "/");
    settings->bucket = xstrndup(path, bucket_length);
    const char *prefix = path + bucket_length;
    prefix += strspn(prefix, "/") > 0;
    settings->prefix =
        *prefix == '\0' || ends_with(prefix, "/") ? xstrdup(prefix) : xasprintf("%s/", prefix);
    settings->name = xstrdup(location);
    /* Not shown: somebody may have put the keys there. */
    if (!is_bucket_name(settings->bucket) && strchr(path, '@'))
        return cannot_verify(error,
                             "the location of a bucket is not of the form s3://BUCKET/PREFIX: "
                             "keys are given as access_key and secret_key");
    if (!is_bucket_name(settings->bucket))
        return cannot_verify(error, "%s: `%s` is no name of a bucket: write s3://BUCKET/PREFIX",
                             location, settings->bucket);
    if (strlen(settings->prefix) >= KEY_LIMIT)
        return cannot_verify(error, "%s: the prefix is longer than a key may be", location);
    return 0;
}

static bool starts_with_bucket(const char *host, const char *bucket)
{
    size_t length = strlen(bucket);
    return strncasecmp(host, bucket, length) == 0 && host[length] == '.' && host[length + 1];
}

/* What is signed and sent as it is. */
#define PATH_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~/-"

static int split_endpoint(const char *endpoint, struct settings *settings, struct error *error)
{
    const char *host = strstr(endpoint, "://");
    size_t scheme_length = host ? (size_t)(host - endpoint) : 0;
    settings->scheme = host ? xstrndup(endpoint, scheme_length) : xstrdup("https");
    host = host ? host + 3 : endpoint;
    size_t length = strcspn(host, "/");
    const char *path = host + length;
    size_t path_length = strlen(path);
    while (path_length > 0 && path[path_length - 1] == '/')
        path_length--;
    settings->path = xstrndup(path, path_length);
    bool known = strcmp(settings->scheme, "https") == 0 || strcmp(settings->scheme, "http") == 0;
    /* Not shown: somebody may have put a password there. */
    if (memchr(host, '@', length))
        return cannot_verify(error,
                             "the endpoint of %s holds a user: give the keys as access_key "
                             "and secret_key",
                             settings->name);
    if (!known || length == 0 || strcspn(host, " \t\r\n?#%\\") < length ||
        strspn(settings->path, PATH_CHARACTERS) < path_length || strstr(settings->path, "//"))
        return cannot_verify(error,
                             "the endpoint of %s is not of the form https://HOST, "
                             "https://HOST:PORT or https://HOST/PATH",
                             settings->name);
    const char *last = strrchr(settings->path, '/');
    if (last && strcmp(last + 1, settings->bucket) == 0)
        return cannot_verify(error,
                             "the endpoint of %s ends with the bucket's name: leave that out",
                             settings->name);
    const char *port = strcmp(settings->scheme, "https") == 0 ? ":443" : ":80";
    settings->host = xstrndup(host, length);
    if (ends_with(settings->host, port))
        settings->host[length - strlen(port)] = '\0';
    return 0;
}

/* A host that begins with the bucket's name, as some providers print it, asks for that style. */
static void find_style(struct settings *settings)
{
    if (!starts_with_bucket(settings->host, settings->bucket))
        return;
    size_t skip = strlen(settings->bucket) + 1;
    memmove(settings->host, settings->host + skip, strlen(settings->host + skip) + 1);
    settings->virtual_host = true;
}

/* The region that the name of an endpoint holds: s3.REGION.amazonaws.com, s3.REGION.wasabisys.com,
 * s3.REGION.backblazeb2.com, REGION.digitaloceanspaces.com, *.r2.cloudflarestorage.com. */
static char *region_of_host(const char *host)
{
    if (ends_with(host, ".r2.cloudflarestorage.com"))
        return xstrdup("auto");
    static const char *const domains[] = {".amazonaws.com",
                                          ".amazonaws.com.cn",
                                          ".wasabisys.com",
                                          ".backblazeb2.com",
                                          ".digitaloceanspaces.com",
                                          ".scw.cloud",
                                          ".linodeobjects.com",
                                          ".ovh.net",
                                          ".exo.io",
                                          ".your-objectstorage.com"};
    for (size_t i = 0; i < ARRAY_LENGTH(domains); i++) {
        if (!ends_with(host, domains[i]))
            continue;
        const char *start = host;
        if (starts_with(start, "s3.dualstack."))
            start += strlen("s3.dualstack.");
        else if (starts_with(start, "s3.") || starts_with(start, "s3-"))
            start += strlen("s3.");
        size_t length = strlen(start);
        if (length <= strlen(domains[i]))
            return NULL;
        length -= strlen(domains[i]);
        return memchr(start, '.', length) ? NULL : xstrndup(start, length);
    }
    return NULL;
}

static void find_region(const char *given, const struct profile *profile, struct settings *settings)
{
    if (given && strcmp(given, "auto") == 0)
        given = NULL;
    settings->region =
        find_value(given, (const char *[]){"S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION", NULL},
                   profile, "region");
    if (settings->region && strcmp(settings->region, "auto") == 0) {
        free(settings->region);
        settings->region = NULL;
    }
    if (settings->region)
        return;
    settings->region_guessed = true;
    settings->region = settings->host ? region_of_host(settings->host) : NULL;
    if (!settings->region)
        settings->region = xstrdup("us-east-1");
}

static int find_endpoint(const struct store_options *options, const struct profile *profile,
                         struct settings *settings, struct error *error)
{
    cleanup(free_pointer) char *endpoint = find_value(
        options->endpoint,
        (const char *[]){"S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", NULL},
        profile, "endpoint_url");
    if (endpoint) {
        if (split_endpoint(endpoint, settings, error) < 0)
            return -1;
        find_style(settings);
    } else {
        /* A certificate for *.s3.amazonaws.com holds for no bucket with a dot in its name. */
        settings->aws = true;
        settings->scheme = xstrdup("https");
        settings->virtual_host = !strchr(settings->bucket, '.');
    }
    return 0;
}

char *settings_host(const struct settings *settings, const char *region)
{
    cleanup(free_pointer) char *host =
        settings->aws
            ? xasprintf("s3.%s.amazonaws.com%s", region, starts_with(region, "cn-") ? ".cn" : "")
            : xstrdup(settings->host);
    return settings->virtual_host ? xasprintf("%s.%s", settings->bucket, host) : take(&host);
}

/* ---- keys ---- */

struct keys {
    const char *access_key, *secret_key, *session_token;
};

static bool is_given(const char *text)
{
    return text && *text;
}

/* A scenario has no place for a token: that of the environment belongs to the keys there, also
 * where the scenario takes them over. */
static const char *find_token(const struct keys *chosen, const struct keys *places, size_t count)
{
    const char *token = chosen->session_token;
    for (size_t i = 0; i < count && !is_given(token); i++)
        if (is_given(places[i].access_key) && strcmp(places[i].access_key, chosen->access_key) == 0)
            token = places[i].session_token;
    return is_given(token) ? token : NULL;
}

/* The two keys come from one place: one of each would be nobody's. */
static int find_keys(const struct store_options *options, const struct profile *profile,
                     struct settings *settings, struct error *error)
{
    const struct keys places[] = {
        {options->access_key, options->secret_key, options->session_token},
        {getenv("S3_ACCESS_KEY"), getenv("S3_SECRET_KEY"), getenv("S3_SESSION_TOKEN")},
        {getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN")},
    };
    for (size_t i = options->profile ? ARRAY_LENGTH(places) : 0; i < ARRAY_LENGTH(places); i++) {
        if (!is_given(places[i].access_key) || !is_given(places[i].secret_key))
            continue;
        const char *token = find_token(&places[i], places, ARRAY_LENGTH(places));
        settings->access_key = xstrdup(places[i].access_key);
        settings->secret_key = xstrdup(places[i].secret_key);
        settings->session_token = token ? xstrdup(token) : NULL;
        return 0;
    }
    settings->access_key = profile_get(profile, "aws_access_key_id");
    settings->secret_key = profile_get(profile, "aws_secret_access_key");
    settings->session_token = profile_get(profile, "aws_session_token");
    if (settings->access_key && settings->secret_key)
        return 0;
    return cannot_verify(error,
                         "there are no keys for %s: set access_key and secret_key in the scenario, "
                         "or S3_ACCESS_KEY and S3_SECRET_KEY, or AWS_ACCESS_KEY_ID and "
                         "AWS_SECRET_ACCESS_KEY, or the profile `%s` in %s",
                         settings->name, profile->name, profile->credentials_path);
}

/* Header values: a line break in one would be another header. */
static int check_values(const struct settings *settings, struct error *error)
{
    const char *const values[] = {settings->access_key, settings->secret_key,
                                  settings->session_token, settings->region};
    static const char *const names[] = {"access key", "secret key", "session token", "region"};
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
        for (const char *c = values[i]; c && *c; c++)
            if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f ||
                (i == 3 && strchr("/.:@?#", *c)))
                return cannot_verify(error,
                                     "the %s for %s holds a character that it cannot have: was it "
                                     "copied with a space or a line break?",
                                     names[i], settings->name);
    return 0;
}

int settings_find(const struct store_options *options, struct settings *ret_settings,
                  struct error *error)
{
    struct settings settings = {0};
    struct profile profile;
    if (profile_read(options->profile, &profile, error) < 0)
        return -1;
    bool failed = find_location(options->location, &settings, error) < 0 ||
                  find_endpoint(options, &profile, &settings, error) < 0;
    if (!failed) {
        find_region(options->region, &profile, &settings);
        settings.ca_file =
            find_value(options->ca_file, (const char *[]){"S3_CA_FILE", "AWS_CA_BUNDLE", NULL},
                       &profile, "ca_bundle");
        failed = find_keys(options, &profile, &settings, error) < 0 ||
                 check_values(&settings, error) < 0;
    }
    profile_free(&profile);
    if (failed) {
        settings_free(&settings);
        return -1;
    }
    *ret_settings = settings;
    return 0;
}

static void free_secret(char *secret)
{
    if (secret)
        OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}

void settings_free(struct settings *settings)
{
    free(settings->name);
    free(settings->bucket);
    free(settings->prefix);
    free(settings->scheme);
    free(settings->host);
    free(settings->path);
    free(settings->region);
    free(settings->access_key);
    free_secret(settings->secret_key);
    free_secret(settings->session_token);
    free(settings->ca_file);
    *settings = (struct settings){0};
}
