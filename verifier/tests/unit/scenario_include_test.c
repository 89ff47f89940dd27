#include "scenario/scenario.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

/* Files of a scratch directory, the first of them the scenario. */
struct files {
    struct {
        const char *name;
        const char *text;
    } items[4];
};

/* Problems are those of the scenario, with the directory's name taken away. */
static int load(const char *directory, const struct files *files, struct scenario **ret_scenario,
                struct strings *ret_problems)
{
    cleanup(strings_free) struct strings problems = {0};
    for (size_t i = 0; i < 4 && files->items[i].name; i++) {
        cleanup(free_pointer) char *path = scratch_path(directory, files->items[i].name);
        scratch_write(path, files->items[i].text, 0644);
    }
    cleanup(free_pointer) char *path = scratch_path(directory, files->items[0].name);
    int loaded = scenario_load(path, ret_scenario, &problems);
    for (size_t i = 0; i < problems.count; i++) {
        ck_assert_msg(starts_with(problems.items[i], directory), "%s", problems.items[i]);
        strings_add(ret_problems, problems.items[i] + strlen(directory) + 1);
    }
    return loaded;
}

static const struct files shared = {{
    {"shop.yaml", "scenario: shop\n"
                  "include: [first.yaml, second.yaml]\n"
                  "backups:\n  max_age: 1h\n"
                  "tables:\n  users: [row_count >= 2]\n"},
    {"first.yaml",
     "backups:\n  max_age: 2h\n  may_be_empty: true\n  time_zone: Asia/Tokyo\n"
     "restore: {jobs: 2, timeout: 10m}\n"
     "tables:\n  users: [row_count >= 1, row_count < 9]\n  orders: [row_count = 0]\n"},
    {"second.yaml", "include: third.yaml\nrestore:\n  jobs: 3\n"},
    {"third.yaml", "restore:\n  jobs: 4\n  timeout: 20m\n  contents: true\n"},
}};

START_TEST(what_a_file_says_stands_over_what_it_includes)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(scenario_freep) struct scenario *scenario = NULL;
    cleanup(strings_free) struct strings problems = {0};
    int loaded = load(scratch, &shared, &scenario, &problems);
    ck_assert_msg(loaded == 0, "%s", strings_first(&problems));
    ck_assert_str_eq(scenario->name, "shop");
    ck_assert_int_eq(scenario->backups.max_age_s, 3600);
    ck_assert(scenario->backups.may_be_empty);
    ck_assert_str_eq(scenario->backups.time_zone, "Asia/Tokyo");
    ck_assert_int_eq(scenario->restore.jobs, 3);             /* the later file stands over .. */
    ck_assert_int_eq(scenario->restore.timeout_ms, 1200000); /* .. with what it includes */
    ck_assert(scenario->restore.contents);
    ck_assert_uint_eq(scenario->table_count, 2);
    ck_assert_str_eq(scenario->tables[0].table, "users");
    ck_assert_uint_eq(scenario->tables[0].count, 1); /* a list is replaced */
    ck_assert_ptr_null(scenario->tables[0].mark.file);
    ck_assert(ends_with(scenario->tables[1].mark.file, "/first.yaml"));
    ck_assert_uint_eq(scenario->tables[1].mark.line, 8);
    ck_assert_uint_eq(scenario->included.count, 3);
}
END_TEST

START_TEST(what_is_included_is_told_though_it_is_wrong)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(strings_free) struct strings included = {0};
    cleanup(free_pointer) char *shop = scratch_path(scratch, "shop.yaml");
    cleanup(free_pointer) char *fleet = scratch_path(scratch, "fleet.yaml");
    scratch_write(shop, "scenario: shop\ninclude: fleet.yaml\ntables: [\n", 0644);
    scratch_write(fleet, "restore: [\n", 0644);
    scenario_included(shop, &included);
    ck_assert_uint_eq(included.count, 1);
    ck_assert_str_eq(included.items[0], fleet);
}
END_TEST

#define SHOP "scenario: shop\ninclude: fleet.yaml\n"

static const struct {
    struct files files;
    const char *problems[4]; /* how each begins, and words of it behind a blank and `...` */
} wrong[] = {
    {{{{"shop.yaml", SHOP}}}, {"shop.yaml:2:10: ...No such file", "...counts from the directory"}},
    {{{{"shop.yaml", "scenario: shop\ninclude: ~\n"}}}, {"shop.yaml:2:10: ...found nothing"}},
    {{{{"shop.yaml", "scenario: shop\ninclude: {a: b}\n"}}}, {"shop.yaml:2:10: ...a mapping"}},
    {{{{"shop.yaml", "scenario: shop\ninclude: []\n"}}}, {"shop.yaml:2:10: ...an empty list"}},
    {{{{"shop.yaml", "scenario: shop\ninclude: /etc/passwd\n"}}},
     {"shop.yaml:2:10: ...end with .yaml or .yml"}},
    {{{{"shop.yaml", "scenario: shop\ninclude: ${UNSET}\n"}}}, {"shop.yaml:2:10: ...not set"}},
    {{{{"shop.yaml", "scenario: shop\ninclude: shop.yaml\n"}}},
     {"shop.yaml:2:10: ...is this file itself"}},
    {{{{"shop.yaml", SHOP}, {"fleet.yaml", "include: ./shop.yaml\n"}}},
     {"fleet.yaml:1:10: ...includes this file itself"}},
    {{{{"shop.yaml", SHOP}, {"fleet.yaml", "# soon\n\n"}}},
     {"fleet.yaml:1:1: ...the file is empty"}},
    {{{{"shop.yaml", SHOP}, {"fleet.yaml", "- a\n"}}}, {"fleet.yaml:1:1: ...holds keys"}},
    {{{{"shop.yaml", SHOP}, {"fleet.yaml", "a: [\n"}}}, {"fleet.yaml:2:1: ..."}},
    {{{{"shop.yaml", SHOP}, {"fleet.yaml", "restore: {jobs: 2}\nscenario: all\n"}}},
     {"fleet.yaml:2:1: ...names one scenario"}},
    {{{{"shop.yaml", SHOP}, {"fleet.yaml", "\n\nrestore:\n  jobs: many\n"}}},
     {"fleet.yaml:4:9: ...`jobs` expects"}},
    {{{{"shop.yaml", SHOP}, {"fleet.yaml", "backups: {location: '${UNSET}'}\n"}}},
     {"fleet.yaml:1:22: ...`UNSET` is not set"}},
    {{{{"shop.yaml", SHOP "colour: red\n"}, {"fleet.yaml", "restore: {color: red}\n"}}},
     {"shop.yaml:3:1: ...`colour`", "fleet.yaml:1:11: ...`color`"}},
    {{{{"shop.yaml", SHOP},
       {"fleet.yaml", "objects: {bucket: b, checks: [object_count same as copy]}\n"}}},
     {"fleet.yaml:1:31: ...needs `copy`"}},
    {{{{"shop.yaml", SHOP "source: {host: render}\n"}, {"fleet.yaml", "restore: {jobs: 1}\n"}}},
     {"shop.yaml:3:9: ...lacks the key `database`"}},
};

START_TEST(what_is_wrong_is_told_where_it_stands)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(scenario_freep) struct scenario *scenario = NULL;
    cleanup(strings_free) struct strings problems = {0};
    unsetenv("UNSET");
    ck_assert_int_eq(load(scratch, &wrong[_i].files, &scenario, &problems), -1);
    size_t line = 0;
    for (size_t i = 0; i < 4 && wrong[_i].problems[i]; i++) {
        const char *wanted = wrong[_i].problems[i];
        const char *words = strstr(wanted, "...") + 3;
        line += i > 0 && *wanted != '.';
        ck_assert_msg(line < problems.count, "%d: lacks %s", _i, wanted);
        const char *told = problems.items[line];
        ck_assert_msg(strncmp(told, wanted, (size_t)(words - 3 - wanted)) == 0, "%s", told);
        ck_assert_msg(strstr(told, words), "%s", told);
    }
    ck_assert_msg(problems.count == line + 1, "%s", problems.items[problems.count - 1]);
}
END_TEST

/* A hundred bytes must not make a machine read for hours. */
START_TEST(files_cannot_include_without_end)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(strings_free) struct strings problems = {0};
    struct scenario *scenario = NULL;
    for (int i = 0; i < 12; i++) {
        cleanup(free_pointer) char *name = xasprintf("%d.yaml", i);
        cleanup(free_pointer) char *path = scratch_path(scratch, name);
        cleanup(free_pointer) char *text =
            xasprintf(_i == 0 ? "include: %d.yaml\n" : "include: [%d.yaml, %d.yaml, %d.yaml]\n",
                      i + 1, i + 1, i + 1);
        cleanup(free_pointer) char *whole = xasprintf("%s%s", i == 0 ? "scenario: shop\n" : "",
                                                      i == 11 ? "restore: {jobs: 1}\n" : text);
        scratch_write(path, whole, 0644);
    }
    cleanup(free_pointer) char *path = scratch_path(scratch, "0.yaml");
    ck_assert_int_eq(scenario_load(path, &scenario, &problems), -1);
    ck_assert_msg(strstr(strings_first(&problems), _i == 0 ? "8 deep" : "32 at most") ||
                      strstr(strings_first(&problems), "8 deep"),
                  "%s", strings_first(&problems));
}
END_TEST

Suite *scenario_include_suite(void)
{
    Suite *suite = suite_create("scenario/include");
    add_test(suite, what_a_file_says_stands_over_what_it_includes);
    add_test(suite, what_is_included_is_told_though_it_is_wrong);
    add_table_test(suite, what_is_wrong_is_told_where_it_stands, ARRAY_LENGTH(wrong));
    add_table_test(suite, files_cannot_include_without_end, 2);
    return suite;
}
