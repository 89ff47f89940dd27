/* The section `migration` of a scenario, and the places that are filled in later. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "scenario/placeholders.h"
#include "scenario/scenario.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static int load(const char *text, struct scenario **ret_scenario, struct strings *ret_problems)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "x.yaml");
    cleanup(free_pointer) char *whole = xasprintf("scenario: x\n%s", text);
    struct strings problems = {0};
    scratch_write(path, whole, 0600);
    int loaded = scenario_load(path, ret_scenario, &problems);
    for (size_t i = 0; i < problems.count; i++)
        strings_add(ret_problems, problems.items[i] + strlen(path));
    strings_free(&problems);
    return loaded;
}

static const char example[] = "migration:\n"
                              "  command: [alembic, upgrade, head]\n"
                              "  directory: /srv/api\n"
                              "  environment:\n"
                              "    DATABASE_URL: ${migration.url:postgresql+asyncpg}\n"
                              "    WORKERS: 2\n"
                              "    EMPTY: ''\n"
                              "  back: [alembic, downgrade, \"${migration.from}\"]\n"
                              "  timeout: 90s\n"
                              "  tcp: true\n"
                              "  superuser: yes\n"
                              "  network: on\n"
                              "  checks:\n"
                              "    - duration < 5m\n"
                              "    - write_blocked(users) < 10s\n"
                              "    - warn: rows_updated < 100000\n"
                              "    - lost_on_return = 0\n";

START_TEST(every_key_is_read)
{
    cleanup(scenario_freep) struct scenario *scenario = NULL;
    cleanup(strings_free) struct strings problems = {0};
    ck_assert_msg(load(example, &scenario, &problems) == 0, "%s", strings_first(&problems));
    const struct migration_wanted *migration = &scenario->migration;
    ck_assert(migration->present && migration->tcp && migration->superuser && migration->network);
    ck_assert_uint_eq(migration->command.count, 3);
    ck_assert_str_eq(migration->command.items[2], "head");
    ck_assert_str_eq(migration->directory, "/srv/api");
    ck_assert_uint_eq(migration->environment.count, 3);
    ck_assert_str_eq(migration->environment.items[1], "WORKERS=2");
    ck_assert_str_eq(migration->environment.items[2], "EMPTY=");
    ck_assert(placeholder_is_in(migration->environment.items[0], PLACEHOLDER_URL));
    ck_assert(placeholder_is_in(migration->back.items[2], PLACEHOLDER_FROM));
    ck_assert(!placeholder_of_address_is_in(migration->back.items[2]));
    ck_assert_int_eq(migration->timeout_ms, 90000);
    ck_assert_uint_eq(migration->check_count, 4);
    ck_assert_str_eq(migration->checks[1].arguments.items[0], "users");
    ck_assert(migration->checks[2].warn && !migration->checks[3].warn);
    ck_assert_uint_eq(migration->mark.line, 2);
}
END_TEST

START_TEST(without_the_section_nothing_is_asked_for)
{
    cleanup(scenario_freep) struct scenario *scenario = NULL;
    cleanup(strings_free) struct strings problems = {0};
    ck_assert_int_eq(load("", &scenario, &problems), 0);
    ck_assert(!scenario->migration.present);
    ck_assert_int_eq(scenario->migration.timeout_ms, 30 * 60 * 1000);
}
END_TEST

#define ENVIRONMENT "environment: {URL: \"${migration.url}\"}"

static const struct {
    const char *text;
    const char *problem; /* NULL: none */
} files[] = {
    {"migration: {command: [a], " ENVIRONMENT "}\n", NULL},
    {"migration: {command: [psql, \"${migration.url}\"]}\n", NULL},
    {"alembic: {version: a}\nmigration: {back: [b], checks: [lost_on_return = 0]}\n", NULL},
    {"migration: {" ENVIRONMENT "}\n", ":2:1: `migration` lacks the key `command`, such as "},
    {"migration: {command: alembic upgrade head, " ENVIRONMENT "}\n",
     ":2:22: `command` expects a list, such as [alembic, upgrade, head]: no shell reads it"},
    {"migration: {command: [], " ENVIRONMENT "}\n", ":2:22: `command` expects a list, such as "},
    {"migration: {command: [a]}\n", ":2:1: `migration` tells nobody where the copy is"},
    {"migration: {command: [a, \"${migration.from}\"]}\n",
     ":2:1: `migration` tells nobody where the copy is"},
    {"migration: {command: [a], environment: {URL: \"${DATABASE_URL:-x}\"}}\n",
     ":2:1: `migration` tells nobody where the copy is"},
    {"migration: {command: [a], environment: {URL: \"${migration.ulr}\"}}\n",
     ":2:47: unknown place `${migration.ulr}`: did you mean `migration.url`?"},
    {"migration: {command: [a], environment: {URL: \"${migration.url:}\"}}\n",
     "behind ${migration.url: stands a scheme and nothing else"},
    {"migration: {command: [a], environment: {URL: \"${migration.url:postgres://x}\"}}\n",
     "behind ${migration.url: stands a scheme and nothing else"},
    {"migration: {command: [a], environment: {URL: \"${migration.host:x}\"}}\n",
     "`${migration.host}` takes nothing behind it"},
    {"migration: {command: [a], environment: {1X: \"${migration.url}\"}}\n",
     ":2:41: `1X` is no name of an environment variable"},
    {"migration: {command: [a], environment: {X: [a]}}\n", ":2:44: `X` expects a text"},
    {"migration: {command: [a], environment: {X: }}\n", "`X` expects a text; an empty one"},
    {"migration: {command: [a], environment: [X]}\n", ":2:40: `environment` expects at least one"},
    {"migration: {command: [a, [b]], " ENVIRONMENT "}\n", "`command` expects a text in each item"},
    {"migration: {command: [a, \"\\t\"], " ENVIRONMENT "}\n",
     "`command` holds a control character"},
    {"migration: {comand: [a], " ENVIRONMENT "}\n",
     "unknown key `comand` in `migration`: did you mean `command`?"},
    {"migration: {command: [a], timeout: 0, " ENVIRONMENT "}\n", "`timeout` expects a duration"},
    {"migration: {command: [a], checks: [row_count = 0], " ENVIRONMENT "}\n",
     ":2:36: `row_count` is measured of a table: put it under `tables`"},
    {"tables: {t: [rows_deleted = 0]}\n",
     ":2:14: `rows_deleted` is measured of a migration: put it under `migration`, `checks`"},
    {"migration: {command: [a], checks: [rows_deleted same as dump], " ENVIRONMENT "}\n",
     "`rows_deleted` cannot be the same as something: compare it with a number"},
    {"migration: {command: [a], checks: [change for duration < 5%], " ENVIRONMENT "}\n",
     "no change of `duration` is recorded"},
    {"migration: {command: [a], checks: [duration < 5m, duration < 5m], " ENVIRONMENT "}\n",
     "twice"},
    {"migration: {command: [a], checks: [lost_on_return = 0], " ENVIRONMENT "}\n",
     ":2:36: `lost_on_return` needs `back`"},
    {"restore: {server: 'postgres://h'}\nmigration: {command: [a], " ENVIRONMENT "}\n",
     ":3:1: a migration is rehearsed on a throwaway server only"},
    {"backups: {databases: all}\nmigration: {command: [a], " ENVIRONMENT "}\n",
     ":3:1: `migration` is about one database"},
    {"commands: [{name: c, run: [a], environment: {U: \"${restored.url:postgresql+psycopg}\"}}]\n",
     NULL},
    {"commands: [{name: c, run: [a]}]\n",
     ":2:19: the command `c` is not told where the database is"},
    {"commands: [{name: c, run: [a, \"${restored.url}\"]}, {name: c, run: "
     "[\"${restored.port}\"]}]\n",
     ":2:59: a command named `c` stands here twice: first on line 2"},
    {"commands: [{run: [a, \"${restored.url}\"]}]\n", "`commands` lacks the key `name`"},
    {"commands: [{name: c}]\n", "`commands` lacks the key `run`"},
    {"commands: []\n", "`commands` expects a list of at least one"},
    {"commands: [{name: c, run: [\"${restored.from}\"]}]\n", "unknown place `${restored.from}`"},
    {"commands: [{name: c, run: [\"${migration.url}\"]}]\n",
     "`${migration.url}` is known under `migration` only"},
    {"migration: {command: [\"${restored.url}\"]}\n",
     "`${restored.url}` is known under `commands`"},
    {"restore: {server: 'postgres://h'}\ncommands: [{name: c, run: [\"${restored.url}\"]}]\n",
     "commands run on a copy on a throwaway server only"},
    {"backups: {databases: all}\ncommands: [{name: c, run: [\"${restored.url}\"]}]\n",
     "`commands` are about one database"},
    {"queries: [{name: q, sql: \"select '${migration.url}'\", expect: = 0}]\n",
     "`${migration.url}` is known under `migration` only"},
};

START_TEST(a_section_tells_what_is_wrong)
{
    cleanup(scenario_freep) struct scenario *scenario = NULL;
    cleanup(strings_free) struct strings problems = {0};
    int loaded = load(files[_i].text, &scenario, &problems);
    const char *found = strings_first(&problems);
    if (!files[_i].problem)
        ck_assert_msg(loaded == 0, "%s: %s", files[_i].text, found);
    else
        ck_assert_msg(loaded < 0 && problems.count == 1 && strstr(found, files[_i].problem),
                      "%s: %s", files[_i].text, found);
}
END_TEST

START_TEST(places_are_filled_in)
{
    static const char *const values[PLACEHOLDER_COUNT] = {[PLACEHOLDER_URL] =
                                                              "me@localhost/copy?host=/tmp",
                                                          [PLACEHOLDER_FROM] = "abc",
                                                          [PLACEHOLDER_PORT] = "5432"};
    static const char *const texts[][2] = {
        {"", ""},
        {"plain", "plain"},
        {"\x01migration.url\x02", "postgresql://me@localhost/copy?host=/tmp"},
        {"a \x01migration.url:x+y\x02 b", "a x+y://me@localhost/copy?host=/tmp b"},
        {"\x01migration.from\x02\x01migration.port\x02", "abc5432"},
        {"\x01migration.password\x02-", "-"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        cleanup(free_pointer) char *filled = placeholders_fill(texts[i][0], values);
        ck_assert_str_eq(filled, texts[i][1]);
    }
}
END_TEST

Suite *migration_wanted_suite(void)
{
    Suite *suite = suite_create("scenario/migration");
    add_test(suite, every_key_is_read);
    add_test(suite, without_the_section_nothing_is_asked_for);
    add_table_test(suite, a_section_tells_what_is_wrong, ARRAY_LENGTH(files));
    add_test(suite, places_are_filled_in);
    return suite;
}
