#include "postgres/hosts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

#define REFERENCE "abcdefghijklmnopqrst"

static const struct {
    const char *host;
    enum host_kind kind;
} names[] = {
    {"dpg-abc123-a.oregon-postgres.render.com", HOST_RENDER},
    {"DPG-ABC123-A.FRANKFURT-POSTGRES.RENDER.COM.", HOST_RENDER},
    {"dpg-abc123-a", HOST_RENDER},
    {"dpg-", HOST_SELF_HOSTED},
    {"dpg-abc123-a.example.org", HOST_SELF_HOSTED},
    {"/tmp/dpg-abc123-a", HOST_SELF_HOSTED},
    {"render.com.example.org", HOST_SELF_HOSTED},
    {".render.com", HOST_SELF_HOSTED},
    {"db." REFERENCE ".supabase.co", HOST_SUPABASE},
    {"aws-0-eu-central-1.pooler.supabase.com", HOST_SUPABASE},
    {"db.notsupabase.co", HOST_SELF_HOSTED},
    {"ep-cool-name-123.eu-central-1.aws.neon.tech", HOST_NEON},
    {"ep-cool-name-123-pooler.eu-central-1.aws.neon.tech", HOST_NEON},
    {"localhost,ep-cool-name-123.eu-central-1.aws.neon.tech", HOST_NEON},
    {"neon.tech", HOST_SELF_HOSTED},
    {"db.example.org", HOST_SELF_HOSTED},
    {"127.0.0.1", HOST_SELF_HOSTED},
    {"/var/run/postgresql", HOST_SELF_HOSTED},
    {"", HOST_SELF_HOSTED},
};

START_TEST(a_host_is_recognised_by_its_name)
{
    struct address address = {0};
    ck_assert_int_eq(host_recognise(&address), HOST_SELF_HOSTED);
    address_set(&address, "host", names[_i].host);
    ck_assert_int_eq(host_recognise(&address), names[_i].kind);
    address_free(&address);
}
END_TEST

#define NEON     "ep-cool-name-123.eu-central-1.aws.neon.tech"
#define RENDER   "dpg-abc123-a.oregon-postgres.render.com"
#define SUPABASE "db." REFERENCE ".supabase.co"
#define POOLER   "aws-0-eu-central-1.pooler.supabase.com"

static const struct {
    const char *before;
    const char *certificate;
    const char *after;   /* what address_argument gives; NULL: it is refused */
    const char *words;   /* in the error, or in the only notice; NULL: no notice */
    enum host_kind kind; /* HOST_GUESS: recognised */
} adjustments[] = {
    /* nothing to do */
    {"host=db.example.org user=u", NULL, "user='u' host='db.example.org'", NULL, 0},
    {"host=db.example.org sslmode=disable", NULL, "host='db.example.org' sslmode='disable'", NULL,
     0},
    {"host=/run/postgresql", NULL, "host='/run/postgresql'", NULL, 0},
    {"host=a,b", NULL, "host='a,b'", NULL, 0},
    {"dbname=x", NULL, "dbname='x'", NULL, 0},

    /* TLS */
    {"host=" RENDER, NULL, "host='" RENDER "' sslmode='require'", NULL, 0},
    {"host=" RENDER " sslmode=prefer", NULL, "host='" RENDER "' sslmode='require'", NULL, 0},
    {"host=" RENDER " sslmode=allow", NULL, "host='" RENDER "' sslmode='require'", NULL, 0},
    {"host=" RENDER " sslmode=verify-ca", NULL, "host='" RENDER "' sslmode='verify-ca'", NULL, 0},
    {"host=" RENDER " sslmode=verify-full", NULL, "host='" RENDER "' sslmode='verify-full'", NULL,
     0},
    {"host=" RENDER " sslmode=disable", NULL, NULL,
     "from Render comes over the internet and needs TLS", 0},
    {"host=" RENDER " sslmode=nonsense", NULL, NULL, "sslmode=nonsense", 0},
    {"host=dpg-abc123-a", NULL, "host='dpg-abc123-a'", NULL, 0},
    {"host=dpg-abc123-a sslmode=disable", NULL, "host='dpg-abc123-a' sslmode='disable'", NULL, 0},
    {"host=" SUPABASE, NULL, "host='" SUPABASE "' sslmode='require'", NULL, 0},
    {"host=" SUPABASE " sslmode=disable", NULL, NULL, "from Supabase", 0},
    {"host=" NEON, NULL, "host='" NEON "' sslmode='require'", NULL, 0},
    {"host=" NEON " sslmode=disable", NULL, NULL, "from Neon", 0},
    {"host=db.mine.example", NULL, "host='db.mine.example' sslmode='require'", NULL, HOST_NEON},
    {"host=/run/postgresql", NULL, "host='/run/postgresql'", NULL, HOST_SUPABASE},
    {"host=" RENDER, NULL, "host='" RENDER "'", NULL, HOST_SELF_HOSTED},

    /* certificates, on every host */
    {"host=h", "/ca.pem", "host='h' sslrootcert='/ca.pem' sslmode='verify-full'", NULL, 0},
    {"host=" RENDER " sslmode=require", "/ca.pem",
     "host='" RENDER "' sslmode='verify-full' sslrootcert='/ca.pem'", NULL, 0},
    {"host=h sslmode=verify-ca", "/ca.pem", "host='h' sslmode='verify-ca' sslrootcert='/ca.pem'",
     NULL, 0},
    {"host=h sslrootcert=/ca.pem", "/ca.pem",
     "host='h' sslrootcert='/ca.pem' sslmode='verify-full'", NULL, 0},
    {"host=h sslrootcert=/other.pem", "/ca.pem", NULL, "two certificates", 0},
    {"host=h sslmode=disable", "/ca.pem", NULL, "remove one of them", 0},

    /* Supabase's poolers */
    {"host=" POOLER " port=5432 user=postgres." REFERENCE, NULL,
     "user='postgres." REFERENCE "' host='" POOLER "' port='5432' sslmode='require'", NULL, 0},
    {"host=" POOLER " user=postgres." REFERENCE, NULL,
     "user='postgres." REFERENCE "' host='" POOLER "' sslmode='require'", NULL, 0},
    {"host=" POOLER " port=6543 user=postgres." REFERENCE, NULL, NULL,
     "use " POOLER ":5432 instead, its session pooler", 0},
    {"host=" SUPABASE " port=6543 user=postgres", NULL, NULL, "use " SUPABASE ":5432 instead", 0},
    {"host=" POOLER " user=postgres", NULL, NULL, "as postgres.PROJECT-REF", 0},
    {"host=" POOLER, NULL, NULL, "as postgres.PROJECT-REF", 0},
    {"host=" POOLER " user=u options=reference=" REFERENCE, NULL,
     "user='u' host='" POOLER "' options='reference=" REFERENCE "' sslmode='require'", NULL, 0},
    {"host=h port=6543", NULL, "host='h' port='6543'", NULL, 0},

    /* Neon's */
    {"host=ep-cool-name-123-pooler.eu-central-1.aws.neon.tech sslmode=require", NULL,
     "host='" NEON "' sslmode='require'", "pooler.eu-central-1.aws.neon.tech is Neon's pooler", 0},
    {"host=ep-cool-name-123-POOLER.eu-central-1.aws.neon.tech", NULL,
     "host='" NEON "' sslmode='require'", "dumping from " NEON " instead", 0},
    {"host=ep-pooler-123.aws.neon.tech", NULL,
     "host='ep-pooler-123.aws.neon.tech' sslmode='require'", NULL, 0},
    {"host=-pooler.aws.neon.tech", NULL, "host='-pooler.aws.neon.tech' sslmode='require'", NULL, 0},
    {"host=x-pooler.example.org", NULL, "host='x-pooler.example.org'", NULL, 0},
    {"host=" NEON "," RENDER, NULL, NULL, "several hosts", 0},
};

START_TEST(an_address_is_made_to_fit_its_host)
{
    struct address address = {0};
    struct strings notices = {0};
    struct error error = {0};
    ck_assert_int_eq(address_parse(adjustments[_i].before, &address, &error), 0);
    address_set(&address, "password", "s3cret");
    enum host_kind kind = adjustments[_i].kind;
    if (kind == HOST_GUESS)
        kind = host_recognise(&address);
    int adjusted = host_adjust(kind, adjustments[_i].certificate, &address, &notices, &error);
    if (adjustments[_i].after) {
        ck_assert_msg(adjusted == 0, "%s", error.text);
        cleanup(free_pointer) char *after = address_argument(&address);
        ck_assert_str_eq(after, adjustments[_i].after);
        ck_assert_uint_eq(notices.count, adjustments[_i].words != NULL);
    } else {
        ck_assert_int_eq(adjusted, -1);
        ck_assert_int_eq(error.fault, FAULT_MACHINE);
    }
    const char *said = adjustments[_i].after ? (notices.count ? notices.items[0] : "") : error.text;
    if (adjustments[_i].words)
        ck_assert_msg(strstr(said, adjustments[_i].words) != NULL, "%s", said);
    ck_assert_ptr_null(strstr(said, "s3cret"));
    strings_free(&notices);
    address_free(&address);
}
END_TEST

static const struct {
    const char *host;
    const char *said;
    const char *words; /* NULL: nothing is added */
} explanations[] = {
    {SUPABASE, "failed: Network is unreachable", "session pooler"},
    {SUPABASE, "failed: Cannot assign requested address", "IPv6"},
    {SUPABASE, "could not translate host name", "IPv6"},
    {SUPABASE, "timeout expired", "IPv6"},
    {SUPABASE, "password authentication failed", NULL},
    {POOLER, "failed: Network is unreachable", NULL},
    {"db.example.org", "failed: Network is unreachable", NULL},
    {"dpg-abc123-a", "could not translate host name", "external URL"},
    {"dpg-abc123-a", "Connection refused", NULL},
    {RENDER, "could not translate host name", NULL},
    {NEON, "ERROR:  Endpoint ID is not specified.", "name the host"},
    {NEON, "Network is unreachable", NULL},
};

START_TEST(a_failure_to_connect_is_explained)
{
    struct address address = {0};
    struct error error;
    address_set(&address, "host", explanations[_i].host);
    cannot_verify(&error, "%s", explanations[_i].said);
    host_explain(host_recognise(&address), &address, &error);
    ck_assert(starts_with(error.text, explanations[_i].said));
    if (explanations[_i].words)
        ck_assert_msg(strstr(error.text, explanations[_i].words) != NULL, "%s", error.text);
    else
        ck_assert_str_eq(error.text, explanations[_i].said);
    address_free(&address);
}
END_TEST

/* libpq would read these variables by itself, after the rules were applied. */
START_TEST(the_environment_counts_where_the_address_is_silent)
{
    struct address address = {0};
    struct strings notices = {0};
    struct error error = {0};
    setenv("PGHOST", "ep-x-pooler.aws.neon.tech", 1);
    setenv("PGSSLMODE", "verify-full", 1);
    setenv("PGPORT", "", 1);
    ck_assert_int_eq(address_parse("dbname=app user=u", &address, &error), 0);
    address_take_environment(&address);
    ck_assert_int_eq(host_adjust(host_recognise(&address), NULL, &address, &notices, &error), 0);
    cleanup(free_pointer) char *text = address_argument(&address);
    ck_assert_str_eq(text, "user='u' dbname='app' host='ep-x.aws.neon.tech' sslmode='verify-full'");
    strings_free(&notices);
    address_free(&address);
}
END_TEST

START_TEST(files_are_named_from_the_root)
{
    struct address address = {0};
    struct error error = {0};
    ck_assert_int_eq(chdir("/tmp"), 0);
    ck_assert_int_eq(address_parse("host=h passfile=p sslcert=/c sslrootcert=system sslkey=a/k",
                                   &address, &error),
                     0);
    address_resolve_files(&address);
    ck_assert_str_eq(address_get(&address, "passfile"), "/tmp/p");
    ck_assert_str_eq(address_get(&address, "sslcert"), "/c");
    ck_assert_str_eq(address_get(&address, "sslrootcert"), "system");
    ck_assert_str_eq(address_get(&address, "sslkey"), "/tmp/a/k");
    ck_assert_str_eq(address_get(&address, "host"), "h");
    address_free(&address);
}
END_TEST

Suite *hosts_suite(void)
{
    Suite *suite = suite_create("postgres/hosts");
    add_table_test(suite, a_host_is_recognised_by_its_name, ARRAY_LENGTH(names));
    add_table_test(suite, an_address_is_made_to_fit_its_host, ARRAY_LENGTH(adjustments));
    add_table_test(suite, a_failure_to_connect_is_explained, ARRAY_LENGTH(explanations));
    add_test(suite, the_environment_counts_where_the_address_is_silent);
    add_test(suite, files_are_named_from_the_root);
    return suite;
}
