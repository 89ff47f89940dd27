#include "postgres/address.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *text;
    const char *description;
    const char *argument; /* without the password, which is always "s3cret@/" or none */
    bool password;
} addresses[] = {
    {"postgresql://u:s3cret%40%2F@db.example.com:6543/app", "db.example.com:6543/app",
     "user='u' host='db.example.com' port='6543' dbname='app'", true},
    {"postgres://u@h/app", "h:5432/app", "user='u' host='h' dbname='app'", false},
    {"postgresql://u@h", "h:5432/u", "user='u' host='h'", false},
    {"host=h dbname=app user=u password='s3cret@/'", "h:5432/app", "host='h' dbname='app' user='u'",
     true},
    {"host=h dbname='my app' user='o\\'neil' password='s3cret@/'", "h:5432/my app",
     "host='h' dbname='my app' user='o\\'neil'", true},
    {"postgresql://u:s3cret%40%2F@h/my%20app", "h:5432/my app", "user='u' host='h' dbname='my app'",
     true},
    {"postgresql://u:s3cret%40%2F@[2001:db8::1]:5433/app", "[2001:db8::1]:5433/app",
     "user='u' host='2001:db8::1' port='5433' dbname='app'", true},
    {"postgresql://u@h1:1,h2:2/app", "h1,h2:1,2/app",
     "user='u' host='h1,h2' port='1,2' dbname='app'", false},
    {"postgresql:///app?host=/run/postgresql", "/run/postgresql/app",
     "host='/run/postgresql' dbname='app'", false},
    {"postgresql://%2Frun%2Fpostgresql/app", "/run/postgresql/app",
     "host='/run/postgresql' dbname='app'", false},
    {"postgresql+asyncpg://u:s3cret%40%2F@h/app?ssl=require", "h:5432/app",
     "user='u' host='h' dbname='app' sslmode='require'", true},
    {"postgresql+asyncpg://u@h/app?ssl=true&prepared_statement_cache_size=0", "h:5432/app",
     "user='u' host='h' dbname='app' sslmode='require'", false},
    {"postgresql+asyncpg://u@h/app?ssl=false", "h:5432/app",
     "user='u' host='h' dbname='app' sslmode='disable'", false},
    {"postgresql+psycopg2://u@h/app?pgbouncer=true&ssl=verify-full&connect_timeout=5", "h:5432/app",
     "user='u' host='h' dbname='app' connect_timeout='5' sslmode='verify-full'", false},
    {"postgres+asyncpg://u@h/app?command_timeout=60&server_settings=x&timeout=3", "h:5432/app",
     "user='u' host='h' dbname='app'", false},
    {"postgresql+asyncpg://u:a?b&ssl=x@h/app?ssl=require", "h:5432/app",
     "user='u' host='h' dbname='app' sslmode='require'", true},
    {"postgresql://u@h/app?sslpassword=s3cret%40%2F", "h:5432/app",
     "user='u' host='h' dbname='app'", false},
};

/* Options in libpq's order, which is not ours to test: each must be there, and nothing else. */
static void assert_same_options(const char *found, const char *expected)
{
    ck_assert_msg(strlen(found) == strlen(expected), "%s, not %s", found, expected);
    cleanup(free_pointer) char *copy = xstrdup(expected);
    for (char *next = copy; next;) {
        char *end = strstr(next, "' ");
        if (end)
            end[1] = '\0';
        ck_assert_msg(strstr(found, next), "%s is not in %s", next, found);
        next = end ? end + 2 : NULL;
    }
}

START_TEST(addresses_are_read_and_shown_without_password)
{
    clearenv();
    struct address address;
    struct error error = {0};
    int outcome = address_parse(addresses[_i].text, &address, &error);
    ck_assert_msg(outcome == 0, "%s: %s", addresses[_i].text, error.text);
    cleanup(free_pointer) char *description = address_describe(&address);
    cleanup(free_pointer) char *argument = address_argument(&address);
    ck_assert_str_eq(description, addresses[_i].description);
    assert_same_options(argument, addresses[_i].argument);
    ck_assert(!strstr(argument, "s3cret") && !strstr(description, "s3cret"));
    cleanup(strings_free) struct strings environment = {0};
    address_environment(&address, &environment);
    ck_assert_uint_eq(environment.count, addresses[_i].password);
    if (strstr(addresses[_i].text, "s3cret") && addresses[_i].password)
        ck_assert_str_eq(environment.items[0], "PGPASSWORD=s3cret@/");
    /* What we write, we read again. */
    struct address again;
    ck_assert_int_eq(address_parse(argument, &again, &error), 0);
    ck_assert(address_same(&address, &again));
    address_free(&again);
    address_free(&address);
}
END_TEST

/* For a server that the user names: what libpq knows, where the address is silent, and no more. */
START_TEST(libpq_of_a_child_finds_what_ours_finds)
{
    struct address address;
    struct error error = {0};
    clearenv();
    setenv("HOME", "/home/u", 1);
    setenv("PGHOST", "elsewhere", 1);
    setenv("PGPASSWORD", "caller's", 1);
    setenv("PGSSLROOTCERT", "/ca.pem", 1);
    setenv("PGPASSFILE", "/pass", 1);
    setenv("PGSERVICEFILE", "/service", 1);
    setenv("PGDATA", "/data", 1);
    setenv("DATABASE_URL", "postgresql://u:s3cret@h/d", 1);
    ck_assert_int_eq(address_parse("host=h dbname=d sslcert=/c", &address, &error), 0);
    cleanup(strings_free) struct strings environment = {0};
    address_environment(&address, &environment);
    static const char *const given[] = {"HOME=/home/u", "PGPASSWORD=caller's", "PGPASSFILE=/pass",
                                        "PGSSLROOTCERT=/ca.pem", "PGSERVICEFILE=/service"};
    for (size_t i = 0; i < ARRAY_LENGTH(given); i++)
        ck_assert_msg(strings_contain(&environment, given[i]), "%s", given[i]);
    ck_assert_uint_eq(environment.count, ARRAY_LENGTH(given));
    cleanup(strings_free) struct strings files = {0};
    address_files(&address, &files);
    static const char *const looked_for[] = {"/c",
                                             "/ca.pem",
                                             "/pass",
                                             "/service",
                                             "/home/u/.pgpass",
                                             "/home/u/.pg_service.conf",
                                             "/home/u/.postgresql"};
    for (size_t i = 0; i < ARRAY_LENGTH(looked_for); i++)
        ck_assert_msg(strings_contain(&files, looked_for[i]), "%s", looked_for[i]);
    ck_assert_uint_eq(files.count, ARRAY_LENGTH(looked_for));
    address_set(&address, "password", "its own");
    strings_free(&environment);
    address_environment(&address, &environment);
    ck_assert(strings_contain(&environment, "PGPASSWORD=its own"));
    ck_assert(!strings_contain(&environment, "PGPASSWORD=caller's"));
    address_free(&address);
}
END_TEST

START_TEST(a_scheme_within_a_password_makes_no_url)
{
    struct address address;
    struct error error = {0};
    ck_assert_int_eq(address_parse("host=h password=a://b", &address, &error), 0);
    ck_assert_str_eq(address_get(&address, "password"), "a://b");
    address_free(&address);
}
END_TEST

static const char *const unreadable[] = {
    "mysql://u:s3cret@h/app",
    "postgresqlx://u:s3cret@h/app",
    "postgresql://u:s3cret@word@h/app",     /* would show "word" as a part of the host */
    "postgresql://u:s3cret/word@h/app",     /* would show it as a part of the database */
    "postgresql://u:s3cret@h:port/app?x=y", /* an option that nobody knows */
    "host=h password=s3cret word dbname=app",
    "host=h password='s3cret",
    "postgresql://u:s3cret%zz@h/app",
    "postgresql://u:s3cret@[::1/app",
    "s3cret",
};

START_TEST(what_cannot_be_read_is_an_error_without_password)
{
    struct address address = {.keywords = {.count = 77}};
    struct error error = {0};
    ck_assert_msg(address_parse(unreadable[_i], &address, &error) == -1, "%s", unreadable[_i]);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_uint_eq(address.keywords.count, 77);
    ck_assert_msg(!strstr(error.text, "s3cret") && !strstr(error.text, "word dbname"), "%s",
                  error.text);
}
END_TEST

START_TEST(a_huge_text_is_an_error)
{
    cleanup(free_pointer) char *text = xcalloc(100001, 1);
    memset(text, 'x', 100000);
    struct address address;
    struct error error = {0};
    ck_assert_int_eq(address_parse(text, &address, &error), -1);
}
END_TEST

START_TEST(values_are_set_and_copied)
{
    struct address address = {0};
    struct address copy;
    address_set(&address, "host", "one");
    address_set(&address, "host", "two");
    address_copy(&address, &copy);
    address_set(&address, "host", "three");
    ck_assert_uint_eq(address.keywords.count, 1);
    ck_assert_str_eq(address_get(&copy, "host"), "two");
    ck_assert_ptr_null(address_get(&copy, "port"));
    ck_assert(!address_same(&address, &copy));
    address_free(&address);
    address_free(&copy);
}
END_TEST

Suite *address_suite(void)
{
    Suite *suite = suite_create("postgres/address");
    add_table_test(suite, addresses_are_read_and_shown_without_password, ARRAY_LENGTH(addresses));
    add_test(suite, libpq_of_a_child_finds_what_ours_finds);
    add_test(suite, a_scheme_within_a_password_makes_no_url);
    add_table_test(suite, what_cannot_be_read_is_an_error_without_password,
                   ARRAY_LENGTH(unreadable));
    add_test(suite, a_huge_text_is_an_error);
    add_test(suite, values_are_set_and_copied);
    return suite;
}
