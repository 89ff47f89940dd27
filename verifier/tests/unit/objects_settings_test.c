#include "objects/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

static const char *const variables[] = {"S3_ENDPOINT_URL",
                                        "AWS_ENDPOINT_URL_S3",
                                        "AWS_ENDPOINT_URL",
                                        "S3_REGION",
                                        "AWS_REGION",
                                        "AWS_DEFAULT_REGION",
                                        "S3_ACCESS_KEY",
                                        "S3_SECRET_KEY",
                                        "S3_SESSION_TOKEN",
                                        "AWS_ACCESS_KEY_ID",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_PROFILE",
                                        "S3_CA_FILE",
                                        "AWS_CA_BUNDLE",
                                        "AWS_CONFIG_FILE",
                                        "AWS_SHARED_CREDENTIALS_FILE"};

/* Runs in the process of one test alone. */
static void clear_environment(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++)
        unsetenv(variables[i]);
    setenv("HOME", "/nonexistent", 1);
}

static const struct {
    const char *location;
    const char *endpoint;
    const char *region;
    const char *prefix;
    const char *host; /* as requests name it; NULL: an error */
    const char *found_region;
    bool virtual_host;
} places[] = {
    {"s3://b", "http://127.0.0.1:9000", NULL, "", "127.0.0.1:9000", "us-east-1", false},
    {"s3://b/p", "https://minio.example/", "eu-1", "p/", "minio.example", "eu-1", false},
    {"s3://b/p/q/", "minio.example:443", "auto", "p/q/", "minio.example", "us-east-1", false},
    {"s3://b", "http://h:80", NULL, "", "h", "us-east-1", false},
    {"s3://b", "http://h:443", NULL, "", "h:443", "us-east-1", false},
    {"s3://b", NULL, NULL, "", "b.s3.us-east-1.amazonaws.com", "us-east-1", true},
    {"s3://b", NULL, "eu-west-1", "", "b.s3.eu-west-1.amazonaws.com", "eu-west-1", true},
    {"s3://b", NULL, "cn-north-1", "", "b.s3.cn-north-1.amazonaws.com.cn", "cn-north-1", true},
    {"s3://b.c", NULL, NULL, "", "s3.us-east-1.amazonaws.com", "us-east-1", false},
    {"s3://b", "https://x.r2.cloudflarestorage.com", "auto", "", "x.r2.cloudflarestorage.com",
     "auto", false},
    {"s3://b", "https://s3.eu-central-1.wasabisys.com", NULL, "", "s3.eu-central-1.wasabisys.com",
     "eu-central-1", false},
    {"s3://b", "https://b.nyc3.digitaloceanspaces.com", NULL, "", "b.nyc3.digitaloceanspaces.com",
     "nyc3", true},
    {"s3://b", "https://s3.us-west-004.backblazeb2.com", "auto", "",
     "s3.us-west-004.backblazeb2.com", "us-west-004", false},
    {"s3://", "http://h", NULL, NULL, NULL, NULL, false},
    {"s3://a b", "http://h", NULL, NULL, NULL, NULL, false},
    {"s3://..", "http://h", NULL, NULL, NULL, NULL, false},
    {"s3://AK:hidden@b/p", "http://h", NULL, NULL, NULL, NULL, false},
    {"s3://AK:hid/hidden@b/p", "http://h", NULL, NULL, NULL, NULL, false},
    {"s3://b", "ftp://h", NULL, NULL, NULL, NULL, false},
    {"s3://b", "https://h/path/v1", NULL, "", "h", "us-east-1", false},
    {"s3://b", "https://h/path/b/", NULL, NULL, NULL, NULL, false},
    {"s3://b", "https://h/b", NULL, NULL, NULL, NULL, false},
    {"s3://b", "https://h//path", NULL, NULL, NULL, NULL, false},
    {"s3://b", "https://h/a b", NULL, NULL, NULL, NULL, false},
    {"s3://b", "https://h/a?b", NULL, NULL, NULL, NULL, false},
    {"s3://b", "https://h/a%20b", NULL, NULL, NULL, NULL, false},
    {"s3://b", "https://", NULL, NULL, NULL, NULL, false},
    {"s3://b", "https://user:hidden@h", NULL, NULL, NULL, NULL, false},
    {"s3://b", "http://h", "eu/1", NULL, NULL, NULL, false},
    {"s3://b", "http://h", "e\nx: y", NULL, NULL, NULL, false},
};

START_TEST(places_are_found)
{
    clear_environment();
    struct settings settings = {0};
    struct error error = {0};
    const struct store_options options = {.location = places[_i].location,
                                          .endpoint = places[_i].endpoint,
                                          .region = places[_i].region,
                                          .access_key = "AK",
                                          .secret_key = "hidden"};
    int found = settings_find(&options, &settings, &error);
    ck_assert_ptr_null(strstr(error.text, "hidden"));
    if (!places[_i].host) {
        ck_assert_int_eq(found, -1);
        return;
    }
    ck_assert_msg(found == 0, "%s", error.text);
    cleanup(free_pointer) char *host = settings_host(&settings, settings.region);
    ck_assert_str_eq(host, places[_i].host);
    ck_assert_str_eq(settings.prefix, places[_i].prefix);
    ck_assert_str_eq(settings.region, places[_i].found_region);
    ck_assert(settings.virtual_host == places[_i].virtual_host);
    settings_free(&settings);
}
END_TEST

static const char credentials[] = "# comment\n"
                                  "[default]\n"
                                  "aws_access_key_id = DEFAULT\r\n"
                                  "aws_secret_access_key=one\n"
                                  "[ work ]\n"
                                  "aws_access_key_id\t=\tWORK  \n"
                                  "aws_secret_access_key = t=w o\n"
                                  "AWS_SESSION_TOKEN = three\n"
                                  "[empty]";
static const char config[] = "[default]\nregion = eu-west-1\n[profile work]\nregion=eu-west-2\n"
                             "[work]\nregion=wrong\n";

static const struct {
    const char *text;
    bool is_config;
    const char *profile;
    const char *name;
    const char *value;
} values[] = {
    {credentials, false, "default", "aws_access_key_id", "DEFAULT"},
    {credentials, false, "default", "aws_secret_access_key", "one"},
    {credentials, false, "default", "aws_session_token", NULL},
    {credentials, false, "work", "aws_access_key_id", "WORK"},
    {credentials, false, "work", "aws_secret_access_key", "t=w o"},
    {credentials, false, "work", "aws_session_token", "three"},
    {credentials, false, "empty", "aws_access_key_id", NULL},
    {credentials, false, "other", "aws_access_key_id", NULL},
    {config, true, "default", "region", "eu-west-1"},
    {config, true, "work", "region", "eu-west-2"},
    {config, true, "wor", "region", NULL},
};

START_TEST(profiles_are_read)
{
    cleanup(free_pointer) char *value =
        profile_value(values[_i].text, values[_i].is_config, values[_i].profile, values[_i].name);
    if (values[_i].value)
        ck_assert_str_eq(value, values[_i].value);
    else
        ck_assert_ptr_null(value);
}
END_TEST

static const struct {
    const char *name;
    const char *given[2]; /* access and secret key in the options */
    const char *profile;
    const char *set[8];     /* NAME, value ... */
    const char *access_key; /* NULL: an error */
    const char *session_token;
} keys[] = {
    {"given", {"AK", "SK"}, NULL, {"S3_ACCESS_KEY", "X", "S3_SECRET_KEY", "Y"}, "AK", NULL},
    {"given, out of the environment",
     {"X", "Y"},
     NULL,
     {"S3_ACCESS_KEY", "X", "S3_SECRET_KEY", "Y", "S3_SESSION_TOKEN", "Z"},
     "X",
     "Z"},
    {"given, and another's token",
     {"AK", "SK"},
     NULL,
     {"S3_ACCESS_KEY", "X", "S3_SECRET_KEY", "Y", "S3_SESSION_TOKEN", "Z"},
     "AK",
     NULL},
    {"S3", {NULL}, NULL, {"S3_ACCESS_KEY", "X", "S3_SECRET_KEY", "Y"}, "X", NULL},
    {"AWS",
     {NULL},
     NULL,
     {"AWS_ACCESS_KEY_ID", "X", "AWS_SECRET_ACCESS_KEY", "Y", "AWS_SESSION_TOKEN", "Z"},
     "X",
     "Z"},
    {"never mixed",
     {NULL},
     NULL,
     {"S3_ACCESS_KEY", "X", "AWS_SECRET_ACCESS_KEY", "Y"},
     "DEFAULT",
     NULL},
    {"file", {NULL}, NULL, {NULL}, "DEFAULT", NULL},
    {"profile",
     {NULL},
     "work",
     {"AWS_ACCESS_KEY_ID", "X", "AWS_SECRET_ACCESS_KEY", "Y"},
     NULL,
     NULL},
    {"profile by name", {NULL}, NULL, {"AWS_PROFILE", "empty"}, NULL, NULL},
};

START_TEST(keys_are_found)
{
    clear_environment();
    struct error error = {0};
    char path[] = "/tmp/credentials.XXXXXX";
    ck_assert_int_ge(mkstemp(path), 0);
    ck_assert_int_eq(file_replace(path, credentials, strlen(credentials), &error), 0);
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    for (int i = 0; i < 8 && keys[_i].set[i]; i += 2)
        setenv(keys[_i].set[i], keys[_i].set[i + 1], 1);
    struct settings settings = {0};
    const struct store_options options = {.location = "s3://b",
                                          .endpoint = "http://h",
                                          .access_key = keys[_i].given[0],
                                          .secret_key = keys[_i].given[1],
                                          .profile = keys[_i].profile};
    int found = settings_find(&options, &settings, &error);
    unlink(path);
    if (!keys[_i].access_key) { /* of `work`: its secret has a space */
        ck_assert_int_eq(found, -1);
        ck_assert_ptr_null(strstr(error.text, "t=w o"));
        return;
    }
    ck_assert_msg(found == 0, "%s: %s", keys[_i].name, error.text);
    ck_assert_str_eq(settings.access_key, keys[_i].access_key);
    if (keys[_i].session_token)
        ck_assert_str_eq(settings.session_token, keys[_i].session_token);
    else
        ck_assert_ptr_null(settings.session_token);
    settings_free(&settings);
}
END_TEST

Suite *objects_settings_suite(void)
{
    Suite *suite = suite_create("objects/settings");
    add_table_test(suite, places_are_found, ARRAY_LENGTH(places));
    add_table_test(suite, profiles_are_read, ARRAY_LENGTH(values));
    add_table_test(suite, keys_are_found, ARRAY_LENGTH(keys));
    return suite;
}
