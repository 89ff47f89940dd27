#include "postgres/surroundings.h"

#include <stdlib.h>

#include "base/secret.h"
#include "tests/unit/unit.h"

static const struct {
    const char *role;
    bool of_database;
    const char *name, *value;
    const char *statement;
} settings[] = {
    {"", true, "work_mem", "9MB", "ALTER DATABASE \"sh\"\"op\" SET work_mem TO '9MB'"},
    {"", false, "lock_timeout", "1h", "ALTER ROLE ALL SET lock_timeout TO '1h'"},
    {"it's", false, "a.b", "o'x", "ALTER ROLE \"it's\" SET a.b TO 'o''x'"},
    {"a", true, "search_path", "app, \"$user\",\"p,\"\"q\"",
     "ALTER ROLE \"a\" IN DATABASE \"sh\"\"op\" SET search_path TO 'app', '$user', 'p,\"q'"},
    {"", true, "search_path", "", "ALTER DATABASE \"sh\"\"op\" SET search_path TO ''"},
    {"", true, "search_path", "a; drop table t", /* one name, and no more */
     "ALTER DATABASE \"sh\"\"op\" SET search_path TO 'a; drop table t'"},
    {"", true, "x = 1; drop table t; set y", "1", NULL},
    {"", true, "", "1", NULL},
    {"", true, "app.password", "1", NULL},
};

START_TEST(a_setting_as_a_statement)
{
    struct surroundings surroundings = {0};
    surroundings_add_setting(&surroundings, settings[_i].role, settings[_i].of_database,
                             settings[_i].name, settings[_i].value);
    cleanup(free_pointer) char *statement = setting_statement(&surroundings.settings[0], "sh\"op");
    ck_assert_pstr_eq(statement, settings[_i].statement);
    surroundings_free(&surroundings);
}
END_TEST

static const struct {
    const char *name, *value;
    bool secret;
} secrets[] = {
    {"search_path", "app, public", false},
    {"work_mem", "64MB", false},
    {"timezone", "America/Argentina/Buenos_Aires", false},
    {"shared_preload_libraries", "pg_stat_statements,auto_explain", false},
    {"app.tenant", "3f2a", false},
    {"log_min_duration_statement", "250", false},
    {"app.settings.jwt_secret", "x", true},
    {"app.api_key", "x", true},
    {"my.Password", NULL, true},
    {"app.url", "https://user:word@host/x", true},
    {"app.x", "eyJhbGciOi.x.y", true},
    {"app.x", "0123456789abcdef0123456789abcdef", true},
    {"app.x", "sk-live-4eC39HqLyjWDarjtT1zdp7dc", true},
    {"app.x", NULL, false},
};

START_TEST(what_looks_like_a_secret)
{
    ck_assert_msg(looks_secret(secrets[_i].name, secrets[_i].value) == secrets[_i].secret, "%s",
                  secrets[_i].name);
}
END_TEST

Suite *surroundings_suite(void)
{
    Suite *suite = suite_create("postgres/surroundings");
    add_table_test(suite, a_setting_as_a_statement, ARRAY_LENGTH(settings));
    add_table_test(suite, what_looks_like_a_secret, ARRAY_LENGTH(secrets));
    return suite;
}
