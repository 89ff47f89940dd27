#include "notify/notify.h"

#include <string.h>

#include "base/web_url.h"
#include "notify/http.h"
#include "unit.h"

/* What is told, and what is sent. */
static const struct {
    enum notify_format format;
    int exit_code;
    const char *headline;
    const char *sent; /* NULL: nothing but the request */
} messages[] = {
    {NOTIFY_PING, 0, "every check passed", NULL},
    {NOTIFY_PING, 1, "the backup is bad", "FAIL shop: the backup is bad"},
    {NOTIFY_PING, 2, "no space left", "ERROR shop: no space left"},
    {NOTIFY_SLACK, 0, "every check passed", "{\"text\":\"PASS shop: every check passed\"}"},
    {NOTIFY_SLACK, 1, "a<!here>&\"b\"\\",
     "{\"text\":\"FAIL shop: a&lt;!here&gt;&amp;\\\"b\\\"\\\\\"}"},
    {NOTIFY_SLACK, 1, "a\xff\xc3\xa4", "{\"text\":\"FAIL shop: a???\"}"},
    {NOTIFY_JSON, 1, "a\"b\xff",
     "{\"format\":\"restore-verifier notification\",\"version\":1,\"event\":\"failure\","
     "\"scenario\":\"shop\",\"command\":\"verify\",\"began\":\"2026-11-26T02:00:00Z\","
     "\"exit_code\":1,\"headline\":\"a\\\"b?\",\"checks\":{\"all\":3,\"passed\":1,\"failed\":1,"
     "\"errors\":0,\"skipped\":1},\"program\":\"restore-verifier " PROGRAM_VERSION "\"}"},
};

START_TEST(test_a_message)
{
    const struct notification told = {.scenario = "shop",
                                      .command = "verify",
                                      .began = 1795658400,
                                      .exit_code = messages[_i].exit_code,
                                      .headline = messages[_i].headline,
                                      .backup = "",
                                      .checks = 3,
                                      .passed = 1,
                                      .failed = 1,
                                      .skipped = 1};
    cleanup(free_pointer) char *sent = notification_format(&told, messages[_i].format);
    ck_assert_pstr_eq(sent, messages[_i].sent);
}
END_TEST

/* Of a URL the host is named, and no more. */
static const struct {
    const char *url, *host;
} hosts[] = {
    {"https://hooks.example.com/services/T0/B0/hush", "hooks.example.com"},
    {"http://user:hush@127.0.0.1:8080/x?token=hush#hush", "127.0.0.1"},
    {"http://[::1]:1/hush", "[::1]"},
    {"https://a b/hush", "a URL that cannot be read"},
};

START_TEST(test_a_host)
{
    cleanup(free_pointer) char *host = http_host(hosts[_i].url);
    ck_assert_str_eq(host, hosts[_i].host);
}
END_TEST

/* URLs, and what is said of those that nobody could ask. */
static const struct {
    const char *url, *problem;
} urls[] = {
    {"https://hooks.example.com/T0KEN", NULL},
    {"http://h", NULL},
    {"http://127.0.0.1:8080?x", NULL},
    {"https://user:p@ss@h:65535/", NULL},
    {"https://[::1]:1/x", NULL},
    {"https://[fe80::1]", NULL},
    {"https://b\303\274cher.example#x", NULL},
    {"https://h./x:99999@y", NULL}, /* the path is the host's matter */
    {"https://my_host-1", NULL},
    {"htp://x", "begins with neither https:// nor http://"},
    {"HTTPS", "begins with neither https:// nor http://"},
    {"", "begins with neither https:// nor http://"},
    {" https://h", "begins with neither https:// nor http://"},
    {"https://", "has no host"},
    {"https:///path", "has no host"},
    {"https://:80/", "has no host"},
    {"https://?x", "has no host"},
    {"https://user@/", "has no host"},
    {"https://h/a b", "has a space in it"},
    {"https://h h/", "has a space in it"},
    {"https://h/a\tb", "has a space in it"},
    {"https://h/\n", "has a space in it"},
    {"https://https://h", "has a port that is none from 1 to 65535"},
    {"https://host:99999/", "has a port that is none from 1 to 65535"},
    {"https://host:65536", "has a port that is none from 1 to 65535"},
    {"https://host:0/", "has a port that is none from 1 to 65535"},
    {"https://host:", "has a port that is none from 1 to 65535"},
    {"https://host:x/", "has a port that is none from 1 to 65535"},
    {"https://host:80:80/", "has a port that is none from 1 to 65535"},
    {"https://host:-1/", "has a port that is none from 1 to 65535"},
    {"https://[::1/", "has a host that is no name and no address"},
    {"https://[]/", "has a host that is no name and no address"},
    {"https://[::1]x/", "has a host that is no name and no address"},
    {"https://a,b/", "has a host that is no name and no address"},
    {"https://.../", "has a host that is no name and no address"},
    {"https://a../", "has a host that is no name and no address"},
    {"https://${HOOK}/", "has a host that is no name and no address"},
    {"https://a\\b/", "has a host that is no name and no address"},
};

START_TEST(a_url_that_nobody_can_ask_is_refused)
{
    const char *problem = web_url_problem(urls[_i].url);
    if (urls[_i].problem)
        ck_assert_str_eq(problem, urls[_i].problem);
    else
        ck_assert_ptr_null(problem);
}
END_TEST

Suite *notify_suite(void)
{
    Suite *suite = suite_create("notify");
    add_table_test(suite, test_a_message, ARRAY_LENGTH(messages));
    add_table_test(suite, test_a_host, ARRAY_LENGTH(hosts));
    add_table_test(suite, a_url_that_nobody_can_ask_is_refused, ARRAY_LENGTH(urls));
    return suite;
}
