#include "scenario/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "tests/unit/unit.h"

/* Where the environment names a directory for it, leaves each scenario there, with what was told of
 * it: for test_json_schema.py, which holds them against the schema. */
static void keep_scenario(const char *bytes, size_t length, const struct strings *problems)
{
    const char *directory = getenv("SCENARIOS_KEPT");
    if (!directory)
        return;
    struct error error;
    cleanup(free_pointer) char *path = xasprintf("%s/XXXXXX", directory);
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    for (size_t i = 0; i < problems->count; i++) {
        cleanup(free_pointer) char *line = xasprintf("# %s\n", problems->items[i]);
        ck_assert_int_eq(write_all(descriptor, line, strlen(line), path, &error), 0);
    }
    ck_assert_int_eq(write_all(descriptor, bytes, length, path, &error), 0);
    close(descriptor);
}

/* Loads `length` bytes from a temporary file; what is told has FILE in place of its path. */
static int load(const char *bytes, size_t length, struct scenario **ret_scenario,
                struct strings *ret_problems)
{
    char path[] = "/tmp/scenario_test.XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    struct error error;
    ck_assert_int_eq(write_all(descriptor, bytes, length, path, &error), 0);
    close(descriptor);
    struct strings problems = {0};
    int result = scenario_load(path, ret_scenario, &problems);
    unlink(path);
    keep_scenario(bytes, length, &problems);
    if (result == 0)
        ck_assert_uint_eq(problems.count, 0);
    for (size_t i = 0; i < problems.count; i++) {
        ck_assert_msg(starts_with(problems.items[i], path), "%s", problems.items[i]);
        strings_addf(ret_problems, "FILE%s", problems.items[i] + strlen(path));
    }
    strings_free(&problems);
    return result;
}

static void set_environment(void)
{
    unsetenv("UNSET");
    unsetenv("BACKUP_DIR");
    setenv("DATABASE_URL", "postgresql+asyncpg://user:hush@db/bugspark", 1);
    setenv("S3_ENDPOINT_URL", "https://s3.example.com", 1);
    setenv("S3_ACCESS_KEY", "access", 1);
    setenv("S3_SECRET_KEY", "hush: [", 1);
    setenv("HUSH", "mysql://user:hush@db", 1);
}

static const char example[] =
    "scenario: bugspark                # name of the suite\n"
    "\n"
    "source:\n"
    "  host: self-hosted\n"
    "  database: ${DATABASE_URL}\n"
    "\n"
    "backups:\n"
    "  location: ${BACKUP_DIR:-./backups}\n"
    "  name: bugspark_%Y%m%d.dump.gz\n"
    "  max_age: 26h\n"
    "  keep: 30d\n"
    "\n"
    "restore:\n"
    "  server: throwaway\n"
    "  jobs: 2\n"
    "  timeout: 45m\n"
    "  exclude:\n"
    "    - EXTENSION pg_graphql\n"
    "    - SCHEMA auth\n"
    "\n"
    "alembic:\n"
    "  version: head\n"
    "  migrations: ../bugspark/packages/api/migrations/versions\n"
    "\n"
    "tables:\n"
    "  users:\n"
    "    - row_count >= 1\n"
    "    - row_count same as dump\n"
    "    - change for row_count >= -5% # against the last backup that verified\n"
    "  public.reports:\n"
    "    - row_count between 1 and 10000000\n"
    "    - freshness(created_at) < 26h\n"
    "    - warn: row_count >= 1000\n"
    "\n"
    "queries:\n"
    "  - name: every report has a project\n"
    "    sql: select count(*) from reports r where p.id is null\n"
    "    expect: = 0\n"
    "\n"
    "objects:\n"
    "  bucket: s3://${S3_BUCKET_NAME:-bugspark-uploads}\n"
    "  endpoint: ${S3_ENDPOINT_URL}\n"
    "  region: auto\n"
    "  access_key: ${S3_ACCESS_KEY}\n"
    "  secret_key: ${S3_SECRET_KEY}\n"
    "  copy: ${BACKUP_DIR:-./backups}/uploads\n"
    "  checks:\n"
    "    - object_count >= 1\n"
    "    - object_count same as copy\n"
    "    - change for object_count >= -1%\n"
    "    - missing(reports.screenshot_url) = 0\n";

static void assert_tables(const struct scenario *scenario)
{
    ck_assert_uint_eq(scenario->table_count, 2);
    const struct table_expectations *users = &scenario->tables[0];
    const struct table_expectations *reports = &scenario->tables[1];
    ck_assert_str_eq(users->table, "users");
    ck_assert_uint_eq(users->mark.line, 26);
    ck_assert_uint_eq(users->count, 3);
    ck_assert_str_eq(users->expectations[0].text, "row_count >= 1");
    ck_assert_uint_eq(users->expectations[0].mark.line, 27);
    ck_assert_uint_eq(users->expectations[0].mark.column, 7);
    ck_assert_str_eq(reports->table, "public.reports");
    ck_assert_uint_eq(reports->count, 3);
    ck_assert_ldouble_eq(reports->expectations[1].low, 93600);
    ck_assert(!reports->expectations[1].warn);
    ck_assert(reports->expectations[2].warn);
    ck_assert_str_eq(reports->expectations[2].text, "row_count >= 1000");
}

static void assert_objects(const struct objects *objects)
{
    ck_assert(objects->present);
    ck_assert_str_eq(objects->bucket, "s3://bugspark-uploads");
    ck_assert_str_eq(objects->access.endpoint, "https://s3.example.com");
    ck_assert_str_eq(objects->access.region, "auto");
    ck_assert_str_eq(objects->access.access_key, "access");
    ck_assert_str_eq(objects->access.secret_key, "hush: [");
    cleanup(free_pointer) char *copy = path_absolute("backups/uploads");
    ck_assert_str_eq(objects->copy, copy);
    ck_assert_uint_eq(objects->check_count, 4);
    ck_assert_str_eq(objects->checks[3].arguments.items[0], "reports.screenshot_url");
}

START_TEST(the_example_loads_whole)
{
    set_environment();
    struct strings problems = {0};
    struct scenario *scenario = NULL;
    int result = load(example, strlen(example), &scenario, &problems);
    ck_assert_msg(result == 0, "%s", problems.count ? problems.items[0] : "no problem told");
    ck_assert_str_eq(scenario->name, "bugspark");
    ck_assert_int_eq(scenario->source.host, HOST_SELF_HOSTED);
    ck_assert_str_eq(scenario->source.database, "postgresql+asyncpg://user:hush@db/bugspark");
    cleanup(free_pointer) char *location = path_absolute("backups");
    ck_assert_str_eq(scenario->backups.location, location);
    ck_assert_str_eq(scenario->backups.names.patterns[PART_WHOLE], "bugspark_%Y%m%d.dump.gz");
    ck_assert_int_eq(scenario->backups.max_age_s, 93600);
    ck_assert_int_eq(scenario->backups.keep.young_s, 2592000);
    ck_assert(!scenario->backups.keep.by_periods);
    ck_assert_ptr_null(scenario->restore.server);
    ck_assert_int_eq(scenario->restore.jobs, 2);
    ck_assert_int_eq(scenario->restore.timeout_ms, 45 * 60 * 1000);
    ck_assert_uint_eq(scenario->restore.exclude.count, 2);
    ck_assert_str_eq(scenario->restore.exclude.items[1], "SCHEMA auth");
    ck_assert(!scenario->restore.contents);
    ck_assert_uint_eq(scenario->alembic_count, 1);
    ck_assert_int_eq(scenario->alembic[0].version, VERSION_HEAD);
    ck_assert_uint_eq(scenario->alembic[0].migrations.count, 1);
    cleanup(free_pointer) char *versions =
        path_absolute("../bugspark/packages/api/migrations/versions");
    ck_assert_str_eq(scenario->alembic[0].migrations.items[0], versions);
    ck_assert_str_eq(scenario->alembic[0].table, "alembic_version");
    assert_tables(scenario);
    ck_assert_uint_eq(scenario->query_count, 1);
    ck_assert_str_eq(scenario->queries[0].name, "every report has a project");
    ck_assert_str_eq(scenario->queries[0].sql, "select count(*) from reports r where p.id is null");
    ck_assert_int_eq(scenario->queries[0].expect.comparison, COMPARE_EQUAL);
    assert_objects(&scenario->objects);
    scenario_free(scenario);
    strings_free(&problems);
}
END_TEST

START_TEST(defaults_are_filled_in)
{
    struct strings problems = {0};
    struct scenario *scenario = NULL;
    static const char text[] = "\xEF\xBB\xBFscenario: a-B_9\r\n";
    ck_assert_int_eq(load(text, strlen(text), &scenario, &problems), 0);
    ck_assert_uint_eq(problems.count, 0);
    ck_assert_str_eq(scenario->name, "a-B_9");
    cleanup(free_pointer) char *location = path_absolute("backups");
    ck_assert_str_eq(scenario->backups.location, location);
    ck_assert_str_eq(scenario->backups.names.patterns[PART_WHOLE], "a-B_9_%Y%m%d.dump.gz");
    ck_assert_int_eq(scenario->restore.timeout_ms, 30 * 60 * 1000);
    ck_assert_int_eq(scenario->restore.jobs, 0);
    ck_assert_int_eq(scenario->source.host, HOST_GUESS);
    ck_assert_ptr_null(scenario->source.database);
    ck_assert_uint_eq(scenario->alembic_count, 0);
    ck_assert(!scenario->objects.present);
    ck_assert_ptr_null(scenario->history.location);
    ck_assert(!scenario->history.none);
    ck_assert_int_eq(scenario->history.keep_s, 400 * 86400);
    scenario_free(scenario);
}
END_TEST

START_TEST(a_history_may_lie_elsewhere)
{
    static const struct {
        const char *value, *location;
        bool none;
    } rows[] = {{"none", NULL, true}, {"s3://b/p", "s3://b/p", false}, {"/h", "/h", false}};
    struct strings problems = {0};
    struct scenario *scenario = NULL;
    cleanup(free_pointer) char *text =
        xasprintf("scenario: a\nhistory: %s\nhistory_keep: 30d\n", rows[_i].value);
    ck_assert_int_eq(load(text, strlen(text), &scenario, &problems), 0);
    ck_assert(scenario->history.none == rows[_i].none);
    ck_assert_pstr_eq(scenario->history.location, rows[_i].location);
    ck_assert_int_eq(scenario->history.keep_s, 30 * 86400);
    scenario_free(scenario);
}
END_TEST

START_TEST(keep_may_count_periods)
{
    static const char text[] = "scenario: a\nbackups: {keep: {weekly: 5, monthly: 12}}\n";
    struct strings problems = {0};
    struct scenario *scenario = NULL;
    ck_assert_int_eq(load(text, strlen(text), &scenario, &problems), 0);
    ck_assert(scenario->backups.keep.by_periods);
    ck_assert_int_eq(scenario->backups.keep.periods[KEEP_WEEKLY], 5);
    ck_assert_int_eq(scenario->backups.keep.periods[KEEP_MONTHLY], 12);
    ck_assert_int_eq(scenario->backups.keep.young_s, 35 * 86400);
    ck_assert_int_eq(scenario->source.timeout_ms, 2 * 60 * 60 * 1000);
    scenario_free(scenario);
}
END_TEST

START_TEST(alembic_may_have_several_histories)
{
    static const char text[] =
        "scenario: a\n"
        "alembic:\n"
        "  - {version: head, migrations: [m/core, m/plugins]}\n"
        "  - {version: known, config: api/alembic.ini, table: app.alembic_version}\n"
        "  - {version: same as dump, table: x}\n"
        "  - {version: same as last verified, table: y}\n";
    struct strings problems = {0};
    struct scenario *scenario = NULL;
    ck_assert_int_eq(load(text, strlen(text), &scenario, &problems), 0);
    ck_assert_uint_eq(scenario->alembic_count, 4);
    ck_assert_uint_eq(scenario->alembic[0].migrations.count, 2);
    cleanup(free_pointer) char *config = path_absolute("api/alembic.ini");
    ck_assert_str_eq(scenario->alembic[1].config, config);
    ck_assert_int_eq(scenario->alembic[2].version, VERSION_SAME_AS_DUMP);
    ck_assert_int_eq(scenario->alembic[3].version, VERSION_SAME_AS_LAST_VERIFIED);
    size_t count = 0;
    cleanup(free_pointer) struct version_table *tables = scenario_version_tables(scenario, &count);
    ck_assert_uint_eq(count, 4);
    ck_assert_str_eq(tables[0].name, "alembic_version");
    ck_assert_str_eq(tables[1].name, "app.alembic_version");
    scenario_free(scenario);
}
END_TEST

START_TEST(a_backup_may_be_a_set_of_files)
{
    static const char text[] = "scenario: a\nbackups:\n  name:\n    data: data_%F.sql\n"
                               "    roles: roles_%Y-%m-%d.sql\n";
    struct strings problems = {0};
    struct scenario *scenario = NULL;
    int result = load(text, strlen(text), &scenario, &problems);
    ck_assert_msg(result == 0, "%s", problems.count ? problems.items[0] : "no problem told");
    ck_assert(backup_names_are_a_set(&scenario->backups.names));
    ck_assert_uint_eq(backup_names_count(&scenario->backups.names), 2);
    ck_assert_str_eq(scenario->backups.names.patterns[PART_DATA], "data_%F.sql");
    ck_assert_str_eq(scenario->backups.names.patterns[PART_ROLES], "roles_%Y-%m-%d.sql");
    scenario_free(scenario);
}
END_TEST

START_TEST(revisions_are_a_list_or_words)
{
    static const char *const texts[] = {"scenario: a\nalembic: {version: [1e10, '0012']}\n",
                                        "scenario: a\nalembic: {version: 1e10  0012}\n"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct strings problems = {0};
        struct scenario *scenario = NULL;
        ck_assert_int_eq(load(texts[i], strlen(texts[i]), &scenario, &problems), 0);
        ck_assert_int_eq(scenario->alembic[0].version, VERSION_LISTED);
        ck_assert_uint_eq(scenario->alembic[0].revisions.count, 2);
        ck_assert_str_eq(scenario->alembic[0].revisions.items[0], "1e10");
        ck_assert_str_eq(scenario->alembic[0].revisions.items[1], "0012");
        scenario_free(scenario);
    }
}
END_TEST

#define NAMED "scenario: x\n"
#define QUERY "scenario: x\nqueries:\n- name: a\n  sql: select 1\n  expect: "

/* What is told, wholly, in its order; up to four lines. None: it loads and all of it is available.
 */
static const struct {
    const char *text;
    const char *problems[4];
} files[] = {
    {NAMED, {NULL}},
    {NAMED
     "restore: {server: 'postgres://h', contents: off, trust: yes, amcheck: on, target: rds}\n",
     {NULL}},
    {NAMED "source: {database: host=h password=a://b}\n", {NULL}},
    {NAMED "source: {database: 'postgres://h/d'}\nbackups: {name: x%F.gz}\n", {NULL}},
    {NAMED "backups: {database: my-app}\ntables: {t: [row_count >= 1]}\n", {NULL}},
    {NAMED "backups: {databases: all}\nrestore: {contents: true}\n", {NULL}},
    {NAMED "notify: {success: 'https://h/x', failure: 'http://h', format: slack, timeout: 5s}\n",
     {NULL}},
    {NAMED "notify: {command: [a, ''], environment: {A: '', B: 1}}\n",
     {"FILE:2:23: `command` expects a text in each item, found an empty text"}},
    {NAMED "notify: {command: [a, b], environment: {A: '', B: 1}}\n", {NULL}},
    {NAMED "notify: {timeout: 5s}\n",
     {"FILE:2:1: `notify` tells nobody: it needs `success`, `failure` or `command`"}},
    {NAMED "notify: {success: hooks/hush}\n",
     {"FILE:2:19: `success` expects an https:// or http:// URL with a host, and it begins with "
      "neither https:// nor http://; the value is not shown, it may hold a token"}},
    {NAMED "notify: {success: 'https://h:99999/hush'}\n",
     {"FILE:2:19: `success` expects an https:// or http:// URL with a host, and it has a port that "
      "is none from 1 to 65535; the value is not shown, it may hold a token"}},
    {NAMED "objects: {bucket: /b, endpoint: 'https://h:0'}\n",
     {"FILE:2:33: `endpoint` expects an https:// or http:// URL with a host, and it has a port "
      "that "
      "is none from 1 to 65535"}},
    {NAMED "notify: {failure: 'https:///hush'}\n",
     {"FILE:2:19: `failure` expects an https:// or http:// URL with a host, and it has no host; "
      "the value is not shown, it may hold a token"}},
    {NAMED "notify: {success: 'https://h', format: irc}\n",
     {"FILE:2:40: `format` is ping, slack or json, not `irc`"}},
    {NAMED "notify: {command: [a], format: slack}\n",
     {"FILE:2:1: `format` is that of the URLs `success` and `failure`, and there is none: a "
      "command always gets JSON"}},
    {NAMED "notify: {success: 'https://h', environment: {A: b}}\n",
     {"FILE:2:1: `environment` is that of `command`, and there is none"}},
    {NAMED "notify: {command: run me}\n",
     {"FILE:2:19: `command` expects a list, such as [alembic, upgrade, head]: no shell reads it"}},
    {QUERY "'>= 1'\n", {NULL}},
    {QUERY "{warn: = 0}\n", {NULL}},
    {NAMED "queries:\n- name: $${x}\n  sql: |\n    select $$a$$\n  expect: = 0\n", {NULL}},

    /* YAML */
    {"", {"FILE:1:1: the file is empty: a scenario begins with `scenario: NAME`"}},
    {"# nothing\n", {"FILE:1:1: the file is empty: a scenario begins with `scenario: NAME`"}},
    {"- x\n", {"FILE:1:1: a scenario begins with `scenario: NAME`"}},
    {NAMED "restore:\n\tjobs: 2\n", {"FILE:3:1: a tab cannot indent: use spaces"}},
    {NAMED "---\na: b\n", {"FILE:3:1: a second document begins here: a file holds one scenario"}},
    {NAMED "scenario: y\n", {"FILE:2:1: `scenario` stands here twice: first on line 1"}},
    {"scenario: \"x\n", {"FILE:2:1: a quote is opened and not closed (in what begins on line 1)"}},
    {"scenario: \xff\n", {"FILE:1:11: the file is not UTF-8"}},
    {"# \xc3\xa4\nscenario: \xc3\xa4\xff\n", {"FILE:2:12: the file is not UTF-8"}},
    {"scenario: \"\\0\"\n", {"FILE:1:11: a value cannot hold a NUL character"}},
    {"scenario: x\x01\n", {"FILE:1:12: a control character, which YAML does not allow"}},
    {"scenario: @x\n", {"FILE:1:11: a value that begins with `@` must be in quotes"}},
    {"scenario: &a x\nrestore: *a\n",
     {"FILE:1:11: anchors and aliases are not supported: repeat the value, or put one that begins "
      "with `&` or `*` in quotes",
      "FILE:2:10: anchors and aliases are not supported: repeat the value, or put one that begins "
      "with `&` or `*` in quotes"}},
    {NAMED "? [a]\n: b\n", {"FILE:2:3: a key is a word, not a list or a mapping"}},
    {NAMED "restore: [[[[[[[[[[[[[[[[[[[[[[[[[",
     {"FILE:2:25: nested deeper than a scenario can be"}},
    {QUERY ">= 1\n",
     {"FILE:5:12: a value that begins with `>` or `|` must be in quotes, such as '>= 1'"}},
    {QUERY "!= 0\n", {"FILE:5:11: a value that begins with `!` must be in quotes, such as '!= 0'"}},

    /* keys */
    {"restore: {jobs: 1}\n", {"FILE:1:1: the file lacks the key `scenario`"}},
    {NAMED "tabels: {}\n", {"FILE:2:1: unknown key `tabels`: did you mean `tables`?"}},
    {NAMED "alembic: {qq: 1, version: abc}\n",
     {"FILE:2:11: unknown key `qq` in `alembic`: known here are `version`, `migrations`, `config` "
      "and "
      "`table`"}},
    {NAMED "restore: 5\nsource:\nbackups: []\n",
     {"FILE:2:10: `restore` expects keys such as `server: ...`, found a text",
      "FILE:3:8: `source` expects keys such as `database: ...`, found nothing",
      "FILE:4:10: `backups` expects keys such as `location: ...`, found an empty list"}},
    {NAMED "source: {host: neon}\n", {"FILE:2:9: `source` lacks the key `database`"}},

    {NAMED "backups: {databases: [a, b]}\n", {"FILE:2:22: `databases` expects all, found a list"}},
    {NAMED "backups: {databases: shop}\n",
     {"FILE:2:22: `databases` is all; a single one is named with `database`"}},
    {NAMED "backups: {databases: all, database: a}\n",
     {"FILE:2:1: `database` names one database and `databases: all` means each: remove one"}},
    {NAMED "backups: {databases: all}\ntables: {t: [row_count >= 1]}\nalembic: {version: abc}\n",
     {"FILE:3:10: `tables` are about one database, and `databases: all` means several: give that "
      "one a scenario of its own, with `database`",
      "FILE:4:20: `alembic` is about one database, and `databases: all` means several: give that "
      "one a scenario of its own, with `database`"}},

    /* values */
    {"scenario: a/b\n",
     {"FILE:1:12: the name of a scenario has only letters, digits, - and _: found `a/b`"}},
    {"scenario: ''\n",
     {"FILE:1:11: `scenario` expects a name of letters, digits, - and _, found an empty text"}},
    {"scenario: ~\n",
     {"FILE:1:11: `scenario` expects a name of letters, digits, - and _, found nothing"}},
    {NAMED "restore: {target: neonn}\n",
     {"FILE:2:19: `neonn` is no target that is known: did you mean `neon`? (known here are "
      "`render`, `supabase`, `neon`, `rds`, `vanilla-15`, `vanilla-16`, `vanilla-17` and "
      "`vanilla-18`)"}},
    {NAMED "restore: {target: heroku}\n",
     {"FILE:2:19: `heroku` is no target that is known: known here are `render`, `supabase`, "
      "`neon`, `rds`, `vanilla-15`, `vanilla-16`, `vanilla-17` and `vanilla-18`"}},
    {NAMED "restore: {version: 9.6}\n",
     {"FILE:2:20: `version` expects a major version of PostgreSQL, such as 17, found `9.6`"}},
    {NAMED "restore: {version: 17, server: 'postgres://h'}\n",
     {"FILE:2:20: `version` is that of a throwaway server, and `server` names one that is there "
      "already: remove one"}},
    {NAMED "restore: {version: 17}\n", {NULL}},
    {NAMED "restore: {jobs: 0, timeout: 0, contents: 1, trust: 1}\n",
     {"FILE:2:17: `jobs` expects a number from 1 to 64, found `0`",
      "FILE:2:29: `timeout` expects a duration above zero, such as 90s, 30m, 26h or 30d, found `0`",
      "FILE:2:42: `contents` expects true or false, found `1`",
      "FILE:2:52: `trust` expects true or false, found `1`"}},
    {NAMED "restore: {jobs: 65, timeout: 0s, exclude: []}\n",
     {"FILE:2:17: `jobs` expects a number from 1 to 64, found `65`",
      "FILE:2:30: `timeout` expects a duration above zero, such as 90s, 30m, 26h or 30d, found "
      "`0s`",
      "FILE:2:43: `exclude` expects a list of at least one `- text`, found an empty list"}},
    {NAMED "source: {host: nein, database: x}\n",
     {"FILE:2:16: `nein` is no host that is known: did you mean `neon`?",
      "FILE:2:32: `database` expects a postgresql:// URL or key=value pairs such as host=... "
      "dbname=...; the value is not shown, it may hold a password"}},
    {NAMED "backups: {name: x_%Y%m.gz}\n",
     {"FILE:2:17: `name` does not name a date: it needs %Y, %m and %d, or %F, or %s; or say "
      "`time: modified` (or header), so that the age is known by another way"}},
    {NAMED "backups: {name: x_%Y%Q%m%d.gz}\n",
     {"FILE:2:21: `%Q` cannot be read back from a file name: use %Y %m %d %H %M %S, %y %j %F %T %s "
      "%a %u or %%"}},
    {NAMED "backups: {name: x_%F%}\n",
     {"FILE:2:21: `%` cannot be read back from a file name: use %Y %m %d %H %M %S, %y %j %F %T %s "
      "%a %u or %%"}},
    {NAMED "backups: {name: x_%%Y%%m%%d}\n",
     {"FILE:2:17: `name` does not name a date: it needs %Y, %m and %d, or %F, or %s; or say "
      "`time: modified` (or header), so that the age is known by another way"}},
    {NAMED "backups: {name: latest.dump.gz, time: modified, time_zone: Asia/Tokyo}\n", {NULL}},
    {NAMED "backups: {time: header, name: 'x_%a_%u.dump'}\n", {NULL}},
    {NAMED "backups: {time: mtime, time_zone: Asia/Tokio}\n",
     {"FILE:2:17: `time` is name, header or modified, not `mtime`",
      "FILE:2:35: there is no time zone `Asia/Tokio` on this machine: check the name (such as "
      "Asia/Tokyo), or install the package tzdata"}},
    {NAMED "history: [a]\nhistory_keep: soon\n",
     {"FILE:2:10: `history` expects a directory or s3://bucket/prefix, found a list",
      "FILE:3:15: `history_keep` expects a duration above zero, such as 90s, 30m, 26h or 30d, "
      "found `soon`"}},
    {NAMED "backups: {time: header, keep: 30d}\n",
     {"FILE:2:1: `keep` needs `time: name`: `prune` deletes by the dates in names alone, since any "
      "copy changes when a file was modified. Names that come again replace their own backups: "
      "remove `keep`"}},
    {NAMED "backups: {name: a/%F}\n",
     {"FILE:2:17: `name` is the name of a file, without `/`: the directory is `location`"}},
    {NAMED "backups: {name: {data: d_%F.sql}}\n",
     {"FILE:2:17: `name` is a set of at least two files: name one file alone without its part"}},
    {NAMED "backups: {name: {data: d_%F.sql, rows: r_%F.sql}}\n",
     {"FILE:2:34: unknown key `rows` in `name`: did you mean `roles`?"}},
    {NAMED "backups: {name: {data: d_%F.sql, schema: s_%F_%H.sql}}\n",
     {"FILE:2:17: `name` tells more of the date in one part than in another: the files of one "
      "backup are found by the same date and time in their names"}},
    {NAMED "backups: {name: {data: d_%F.sql, schema: d_%F.sql}}\n",
     {"FILE:2:17: `name` names two of its parts alike"}},
    {NAMED "backups: {name: {roles: r_%F.sql, globals: g_%F.sql}}\n",
     {"FILE:2:17: `name` names no part with a database in it: add its `dump`"}},
    {NAMED "backups: {name: {data: d.sql, schema: s/%F.sql}}\n",
     {"FILE:2:24: `data` does not name a date: it needs %Y, %m and %d, or %F, or %s",
      "FILE:2:39: `schema` is the name of a file, without `/`: the directory is `location`"}},
    {NAMED "backups: {location: 's3://', max_age: 26}\n",
     {"FILE:2:21: `location` lacks the bucket: s3://bucket/prefix",
      "FILE:2:39: `max_age` expects a duration above zero, such as 90s, 30m, 26h or 30d, found "
      "`26`"}},
    {NAMED "backups: {location: ~/b}\nobjects: {bucket: $HOME/o, copy: ~/c}\n",
     {"FILE:2:21: `location` begins with what only a shell replaces: write ${HOME}/...",
      "FILE:3:19: `bucket` begins with what only a shell replaces: write ${HOME}/...",
      "FILE:3:34: `copy` begins with what only a shell replaces: write ${HOME}/..."}},
    {NAMED "objects: {bucket: /proc, copy: /proc/.}\n",
     {"FILE:2:1: `copy` is the bucket itself: name another directory"}},
    {NAMED "objects: {bucket: /proc, copy: /proc/./not-there/uploads}\n",
     {"FILE:2:1: `copy` lies in the bucket: name another directory"}},
    {NAMED "objects: {bucket: /proc/not-there, copy: /proc/}\n",
     {"FILE:2:1: `copy` holds the bucket: name another directory"}},
    {NAMED "backups: {location: /proc/not-there/db}\nobjects: {bucket: 's3://b', copy: "
           "/usr/../proc/not-there}\n",
     {"FILE:3:1: `copy` holds the backups (backups.location), which `sync --delete` would delete: "
      "name another directory"}},
    {NAMED "objects: {bucket: 's3://b', copy: backups/}\n",
     {"FILE:2:1: `copy` holds the backups (backups.location), which `sync --delete` would delete: "
      "name another directory"}},
    {NAMED "alembic: {version: head}\n",
     {"FILE:2:20: `version: head` needs `migrations`, the directory of the migrations, or "
      "`config`, Alembic's own file"}},
    {NAMED "alembic: {version: head, migrations: m, config: alembic.ini}\n",
     {"FILE:2:49: `migrations` and `config` both say where the migrations are: leave one out"}},
    {NAMED "alembic: [{version: a}, {version: b}]\n",
     {"FILE:2:35: the table alembic_version stands here twice: give each history its own `table`"}},
    {NAMED "backups: {keep: {daily: 0, hourly: 3}}\n",
     {"FILE:2:25: `daily` expects a number from 1 to 1000, found `0`",
      "FILE:2:28: unknown key `hourly` in `keep`: known here are `daily`, `weekly`, `monthly` and "
      "`yearly`"}},
    {NAMED "migrations: {tool: alembic}\n",
     {"FILE:2:20: Alembic has a section of its own, `alembic`"}},
    {NAMED "migrations: {tool: djagno}\n",
     {"FILE:2:20: `djagno` is no tool that is known: did you mean `django`?"}},
    {NAMED "migrations: {tool: rails, version: '3'}\n",
     {"FILE:2:36: `version` expects head, known, same as dump or same as last verified"}},
    {NAMED "migrations: {tool: rails, version: head}\n",
     {"FILE:2:36: `version: head` needs `directory`, where the migrations are"}},
    {NAMED "migrations: {tool: rails, directory: db}\n",
     {"FILE:2:20: `directory` needs `version: head`, or `version: known`"}},
    {NAMED "migrations: [{tool: rails}, {tool: golang-migrate}]\n",
     {"FILE:2:36: the table schema_migrations stands here twice: give each history its own "
      "`table`"}},
    {NAMED "alembic: {version: same as yesterday}\n",
     {"FILE:2:20: `version` expects head, known, same as dump, same as last verified, or one or "
      "more revisions"}},
    {NAMED "alembic: {version: 'a;b'}\n",
     {"FILE:2:21: `a;b` is no revision: several are separated by blanks or stand in a list"}},
    {NAMED "alembic: {version: [a, head, a]}\n",
     {"FILE:2:24: `head` is no revision: `version` is head, known, same as dump, same "
      "as last verified, or only revisions",
      "FILE:2:30: the revision `a` stands here twice"}},
    {NAMED "alembic: {version: {warns: a}}\n",
     {"FILE:2:20: `version` expects head, known, same as dump, same as last verified, or one or "
      "more revisions, found a mapping"}},
    {NAMED "alembic: {version: {warn: head}}\n",
     {"FILE:2:11: `version: head` needs `migrations`, the directory of the migrations, or "
      "`config`, Alembic's own file"}},
    {NAMED "alembic: {version: 'a,b'}\n",
     {"FILE:2:21: `a,b` is no revision: several are separated by blanks or stand in a list"}},
    {NAMED "objects: {bucket: /b, access_key: a, endpoint: 'https://u:p@h'}\n",
     {"FILE:2:48: `endpoint` cannot hold a user: use `access_key` and `secret_key`"}},
    {NAMED "objects: {bucket: /b, access_key: a}\n",
     {"FILE:2:1: `access_key` and `secret_key` need each other"}},
    {NAMED "backups: {location: 's3://b', secret_key: a}\n",
     {"FILE:2:1: `access_key` and `secret_key` need each other"}},
    {NAMED "objects: {bucket: /b, checks: [object_count same as copy]}\n",
     {"FILE:2:32: `same as copy` needs `copy`, the directory that `sync` fills"}},

    {NAMED "objects: {bucket: /b, checks: [object_count of copy = 1]}\n",
     {"FILE:2:32: `of copy` needs `copy`, the directory that `sync` fills"}},
    {NAMED "objects: {bucket: /b, copy: /c, checks: [object_count same as copy, "
           "'missing(a.b, a.c) of copy in \"x y\" = 0', warn: total_size in p/ > 1MB]}\n",
     {NULL}},
    {NAMED "objects:\n  bucket: /b\n  checks:\n  - change for missing(a.b) < 1\n"
           "  - object_count of copi = 1\n",
     {"FILE:5:5: no change of `missing(a.b)` is recorded: compare it with a number",
      "FILE:6:21: `of` what? `of copy`; without it the bucket is meant"}},

    /* expectations */
    {NAMED "tables:\n  users: []\n",
     {"FILE:3:10: `users` expects a list of at least one `- expectation`, found an empty list"}},
    {NAMED "tables: {}\n",
     {"FILE:2:9: `tables` expects at least one `table:` with its "
      "expectations, found an empty mapping"}},
    {NAMED "tables:\n  a: row_count >= 1\n",
     {"FILE:3:6: `a` expects a list of at least one `- expectation`, found a text"}},
    {NAMED "tables:\n  a:\n  - row_count >= 1\n  - warn: row_count >=  1\n",
     {"FILE:5:11: `row_count >=  1` stands here twice: first on line 4"}},
    {NAMED "tables:\n  a:\n  - row_count > '1'\n  - \"row_count > x\"\n",
     {"FILE:4:17: `'1'` is no number", "FILE:5:18: `x` is no number"}},
    {NAMED "tables:\n  a:\n  - warn: freshness < 26h\n  - wran: x\n  - missing(a.b) = 0\n",
     {"FILE:4:20: freshness needs a column: freshness(created_at) < 26h",
      "FILE:5:5: unknown key `wran`: did you mean `warn`?",
      "FILE:6:5: `missing(a.b)` is measured of the bucket: put it under `objects`, `checks`"}},
    {NAMED "tables:\n  a:\n  - row_count same as copy\n  - freshness(b) same as dump\n",
     {"FILE:4:5: `row_count` cannot be the same as copy: did you mean `same as dump`?",
      "FILE:5:5: `freshness(b)` cannot be the same as something: compare it with a number"}},
    {NAMED "tables:\n  a.b.c: [row_count > 1]\n  \"\\\"b\\\"\": [row_count > 1]\n"
           "  \"a\\tb\": [row_count > 1]\n",
     {"FILE:3:3: the table name `a.b.c` is neither `name` nor `schema.name`",
      "FILE:4:3: the table name `\"b\"` is written as it is stored, without quotes",
      "FILE:5:3: the table name `a?b` holds a control character, or no UTF-8"}},
    {NAMED "objects: {bucket: /b, checks: [row_count > 1]}\n",
     {"FILE:2:32: `row_count` is measured of a table: put it under `tables`"}},
    {NAMED "tables:\n  a:\n  - sequences behind = 0\n",
     {"FILE:4:5: `sequences behind` is measured of the database: put it under `schema`"}},
    {NAMED "schema:\n- sequences behind\n- warn: sequences behin = 0\n- sequences behind = 0\n"
           "- sequences behind = 0\n- change for sequences behind < 1\n",
     {"FILE:3:19: a comparison is missing: sequences behind = 0",
      "FILE:4:9: `schema` expects same as dump, same as last verified, same as migrations, "
      "same as FILE, grants same as FILE, sequences behind = 0, or ignore: [...], not `sequences "
      "behin = 0`",
      "FILE:6:3: `sequences behind = 0` stands here twice",
      "FILE:7:3: `schema` expects same as dump, same as last verified, same as migrations, "
      "same as FILE, grants same as FILE, sequences behind = 0, or ignore: [...], not `change for "
      "sequences behind < 1`"}},
    /* of the run, and against earlier nights */
    {NAMED "checks: [restore_time < 30m, warn: backup_size >= 1MB, anomaly for restore_time, "
           "'change avg last 7 for backup_size between -20% and +20%']\nhistory: /h\n",
     {NULL}},
    {NAMED "checks: [restore_time < 30m, warn: backup_size >= 1MB]\nhistory: none\n", {NULL}},
    {NAMED "checks: [restore_time < 30m, restore_tim > 1s, restore_time < 30m, restore_time same "
           "as dump]\n",
     {"FILE:2:30: unknown metric `restore_tim`: did you mean `restore_time`?",
      "FILE:2:48: `restore_time < 30m` stands here twice: first on line 2",
      "FILE:2:68: `restore_time` cannot be the same as something: compare it with a number"}},
    {NAMED "checks:\n- row_count > 1\n- anomaly for object_count\n- duration < 5m\n",
     {"FILE:3:3: `row_count` is measured of a table: put it under `tables`",
      "FILE:4:3: `object_count` is measured of the bucket: put it under `objects`, `checks`",
      "FILE:5:3: `duration` is measured of a migration: put it under `migration`, `checks`"}},
    {NAMED "tables:\n  a:\n  - restore_time < 1m\n  - anomaly for freshness(b)\n"
           "  - change avg last 7 for freshness(b) < 1h\n",
     {"FILE:4:5: `restore_time` is measured of the whole run: put it under `checks`, at the top "
      "level",
      "FILE:5:5: no earlier `freshness(b)` is recorded: compare it with a number",
      "FILE:6:5: no change of `freshness(b)` is recorded: compare it with a number"}},
    {NAMED "checks: {restore_time: 30m}\n",
     {"FILE:2:9: `checks` expects a list of at least one `- expectation`, found a mapping"}},
    {NAMED "tables:\n  a: [change for row_count > 1, anomaly for row_count]\n"
           "objects: {bucket: /b, checks: [change avg last 7 for total_size > -1MB]}\n"
           "checks: [change for restore_time < 50%]\nhistory: none\n",
     {"FILE:3:33: `anomaly for row_count` compares with earlier nights, and with `history: none` "
      "nothing remembers them: remove one of the two",
      "FILE:4:32: `change avg last 7 for total_size > -1MB` compares with earlier nights, and with "
      "`history: none` nothing remembers them: remove one of the two",
      "FILE:5:10: `change for restore_time < 50%` compares with earlier nights, and with `history: "
      "none` nothing remembers them: remove one of the two"}},
    {QUERY "anomaly for a\n",
     {"FILE:5:18: `anomaly for` is not for queries: write OP NUMBER, such as = 0"}},
    {QUERY "0\n", {"FILE:5:11: a comparison is missing: did you mean `= 0`?"}},
    {QUERY "= 0\n- name: a\n  sql: select 2\n  expect: = 0\n",
     {"FILE:6:9: a query named `a` stands here twice: first on line 3"}},
    {NAMED "queries:\n- name: \"a\\nb\"\n  sql: ' ; '\n  expect: same as dump\n",
     {"FILE:3:9: `name` holds a control character, or no UTF-8", "FILE:4:8: `sql` holds no query",
      "FILE:5:11: `value` cannot be the same as something: compare it with a number"}},
    {NAMED "queries:\n- nmae: a\n  sql: select 1\n",
     {"FILE:3:3: `queries` lacks the key `expect`", "FILE:3:3: `queries` lacks the key `name`",
      "FILE:3:3: unknown key `nmae` in `queries`: did you mean `name`?"}},

    /* variables */
    {"scenario: x${UNSET}\n",
     {"FILE:1:12: the environment variable `UNSET` is not set: set it, or "
      "write ${UNSET:-default}"}},
    {"scenario: ${UNSET:-x y}\n",
     {"FILE:1:11: the name of a scenario has only letters, digits, - "
      "and _: found the value of `${UNSET:-x y}`"}},
    {NAMED "${HUSH}: 1\n",
     {"FILE:2:1: unknown key `${HUSH}`: known here are `scenario`, `include`, `source`, `backups`, "
      "`restore`, `alembic`, `migrations`, `schema`, `tables`, `queries`, "
      "`objects`, `commands`, `migration`, `checks`, `notify`, `history` and `history_keep`"}},
    {NAMED "restore: {server: \"${HUSH}\", jobs: \"${HUSH}\", timeout: \"${HUSH}\"}\n",
     {"FILE:2:19: `server` expects throwaway or a postgresql:// URL; the value is not shown, it "
      "may hold a password",
      "FILE:2:36: `jobs` expects a number from 1 to 64, found the value of `${HUSH}`",
      "FILE:2:56: `timeout` expects a duration above zero, such as 90s, 30m, 26h or 30d, found the "
      "value of `${HUSH}`"}},
    {NAMED "source: {database: \"${HUSH}\"}\nbackups: {location: \"${HUSH}\"}\n",
     {"FILE:2:20: `database` expects a postgresql:// URL or key=value pairs such as host=... "
      "dbname=...; the value is not shown, it may hold a password",
      "FILE:3:21: `location` expects a directory or s3://bucket/prefix, found a URL of another "
      "kind"}},

    {NAMED "source: {database: 'postgresql://', counts: some}\n",
     {"FILE:2:45: `counts` is exact or none, not `some`"}},

    {NAMED "backups: {location: 's3://b'}\n", {NULL}},
    {NAMED "alembic: {version: known, migrations: m}\nobjects: {bucket: /b}\n"
           "tables:\n  a:\n  - change for row_count > 1\n  - row_count same as dump\n",
     {NULL}},
    {NAMED "tables:\n  a:\n  - change for freshness(b) < 1h\n",
     {"FILE:4:5: no change of `freshness(b)` is recorded: compare it with a number"}},
};

START_TEST(a_file_tells_exactly_what_is_wrong)
{
    set_environment();
    struct strings problems = {0};
    struct scenario *scenario = NULL;
    int result = load(files[_i].text, strlen(files[_i].text), &scenario, &problems);
    ck_assert((result == 0) == (scenario != NULL));
    for (size_t i = 0; i < ARRAY_LENGTH(files[_i].problems) && files[_i].problems[i]; i++) {
        ck_assert_msg(i < problems.count, "in %s: nobody says %s", files[_i].text,
                      files[_i].problems[i]);
        ck_assert_str_eq(problems.items[i], files[_i].problems[i]);
    }
    for (size_t i = 0; i < problems.count; i++)
        ck_assert_msg(i < 4 && files[_i].problems[i], "in %s: %s", files[_i].text,
                      problems.items[i]);
    ck_assert(!files[_i].problems[0] || problems.count > 0);
    scenario_free(scenario);
    strings_free(&problems);
}
END_TEST

/* However the rest of a file is wrong, its report has its scenario's name. */
static const struct {
    const char *text;
    const char *name; /* NULL: it cannot be read */
} named[] = {
    {"scenario: shop\n", "shop"},
    {"scenario: 'shop' # night\nunknown: 1\n", "shop"},
    {"backups: {location: ${NOWHERE}}\nscenario: shop\n", "shop"},
    {"scenario: ${NAMED_SO}-1\n", "shop-1"},
    {"scenario: ${NOWHERE}\n", NULL},
    {"scenario: ${NOWHERE:-shop}\ntables:\n\tusers: x\n", "shop"},
    {"scenario: shop\ntables: [\n", "shop"},
    {"scenario: shop\n  tables: x\n", "shop"},
    {"tables: [\nscenario: shop\n", "shop"},
    {"tables:\n\tusers: x\nscenario: \"shop\"\nbackups: {}\n", "shop"},
    {"scenario: shop\nscenario: other\n", "shop"},
    {"{scenario: shop, tables: [}\n", "shop"},
    {"scenario:\n  shop\nbackups: }\n", "shop"},
    {"scenario: shop\nsource: {database: \"\xff\"}\n", "shop"},
    {"scenario: a/b\n", NULL},
    {"scenario: [a]\n", NULL},
    {"scenario:\n", NULL},
    {"tables: {scenario: shop}\n", NULL},
    {"tables:\n  scenario: shop\n", NULL},
    {"scenarios: shop\n", NULL},
    {"- scenario: shop\n", NULL},
    {"", NULL},
};

START_TEST(the_name_is_read_whatever_else_is_wrong)
{
    setenv("NAMED_SO", "shop", 1);
    unsetenv("NOWHERE");
    char path[] = "/tmp/scenario-test-XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, named[_i].text, strlen(named[_i].text)),
                     (ssize_t)strlen(named[_i].text));
    close(file);
    cleanup(free_pointer) char *name = scenario_name_read(path);
    unlink(path);
    ck_assert_msg((name != NULL) == (named[_i].name != NULL), "%s", named[_i].text);
    if (name)
        ck_assert_str_eq(name, named[_i].name);
    ck_assert_ptr_null(scenario_name_read(path));
}
END_TEST

START_TEST(a_version_may_only_be_told_of)
{
    static const char *const texts[] = {
        "scenario: a\nalembic: {version: {warn: head}, migrations: m}\n",
        "scenario: a\nalembic:\n  version:\n    warn: [1a, 2b]\n",
        "scenario: a\nalembic: {version: known, migrations: m}\n",
    };
    static const enum version_wanted versions[] = {VERSION_HEAD, VERSION_LISTED, VERSION_KNOWN};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct strings problems = {0};
        struct scenario *scenario = NULL;
        ck_assert_int_eq(load(texts[i], strlen(texts[i]), &scenario, &problems), 0);
        ck_assert_int_eq(scenario->alembic[0].version, versions[i]);
        ck_assert_int_eq(scenario->alembic[0].warn, i < 2);
        ck_assert_uint_eq(scenario->alembic[0].revisions.count, i == 1 ? 2 : 0);
        scenario_free(scenario);
    }
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    struct strings problems = {0};
    struct scenario *scenario = NULL;
    ck_assert_int_eq(scenario_load("/nowhere/x.yaml", &scenario, &problems), -1);
    ck_assert_uint_eq(problems.count, 1);
    ck_assert(starts_with(problems.items[0], "/nowhere/x.yaml: "));
    ck_assert_ptr_nonnull(strstr(problems.items[0], "No such file"));
    strings_free(&problems);
}
END_TEST

/* How large files end: `item` is repeated up to `length` bytes. */
static const struct {
    const char *begin;
    const char *item;
    size_t length;
    const char *last; /* what the last problem says */
} large[] = {
    {NAMED "restore:\n  exclude:\n", "  - x\n", 900000, "more values than a scenario can hold"},
    {NAMED "# ", "x", (1 << 20) + 1, "is larger than"},
    {NAMED "tables:\n  a:\n", "  - x\n", 1200, "more problems from here on"},
    {"scenario: ", "x", 10 + 101, "at most 100 characters, this one has 101"},
    {NAMED "restore: ", "[", 500000, "nested deeper"},
    {NAMED "restore: ", "{a: ", 500000, "nested deeper"},
    {NAMED "source: {database: \"", "${LONG}", 900000, "too long"},
};

START_TEST(large_files_cost_little)
{
    static char value[100000];
    memset(value, 'x', sizeof(value) - 1);
    setenv("LONG", value, 1);
    struct buffer text;
    buffer_init(&text, 2 << 20);
    buffer_append_text(&text, large[_i].begin);
    while (text.length < large[_i].length)
        buffer_append_text(&text, large[_i].item);
    if (strstr(large[_i].begin, "\""))
        buffer_append_text(&text, "\"}\n");
    struct strings problems = {0};
    struct scenario *scenario = NULL;
    ck_assert_int_eq(load(text.data, text.length, &scenario, &problems), -1);
    ck_assert_uint_ge(problems.count, 1);
    ck_assert_uint_le(problems.count, 101);
    const char *last = problems.items[problems.count - 1];
    bool counted = strstr(last, "more problems") != NULL;
    ck_assert_msg(strstr(counted ? problems.items[0] : last, large[_i].last) ||
                      strstr(last, large[_i].last),
                  "%s", last);
    strings_free(&problems);
    buffer_free(&text);
}
END_TEST

START_TEST(a_name_of_100_bytes_is_good)
{
    char text[11 + 100 + 1] = "scenario: ";
    memset(text + 10, 'x', 100);
    struct strings problems = {0};
    struct scenario *scenario = NULL;
    ck_assert_int_eq(load(text, strlen(text), &scenario, &problems), 0);
    scenario_free(scenario);
}
END_TEST

Suite *scenario_load_suite(void)
{
    Suite *suite = suite_create("scenario/scenario");
    add_test(suite, the_example_loads_whole);
    add_test(suite, defaults_are_filled_in);
    add_table_test(suite, a_history_may_lie_elsewhere, 3);
    add_test(suite, keep_may_count_periods);
    add_test(suite, alembic_may_have_several_histories);
    add_test(suite, a_backup_may_be_a_set_of_files);
    add_test(suite, revisions_are_a_list_or_words);
    add_table_test(suite, a_file_tells_exactly_what_is_wrong, ARRAY_LENGTH(files));
    add_test(suite, a_file_that_is_not_there_is_named);
    add_table_test(suite, large_files_cost_little, ARRAY_LENGTH(large));
    add_table_test(suite, the_name_is_read_whatever_else_is_wrong, ARRAY_LENGTH(named));
    add_test(suite, a_version_may_only_be_told_of);
    add_test(suite, a_name_of_100_bytes_is_good);
    return suite;
}
