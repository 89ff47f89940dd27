#include "migrations/names.h"

#include <string.h>
#include <sys/stat.h>

#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static const struct {
    enum migration_tool tool;
    const char *path;
    const char *name; /* NULL: it is no migration */
} files[] = {
    {TOOL_DJANGO, "/p/shop/migrations/0001_initial.py", "shop.0001_initial"},
    {TOOL_DJANGO, "shop/migrations/0002_x.py", "shop.0002_x"},
    {TOOL_DJANGO, "/p/shop/migrations/__init__.py", NULL},
    {TOOL_DJANGO, "/p/shop/models.py", NULL},
    {TOOL_DJANGO, "/p/shop/migrations/0001_initial.pyc", NULL},
    {TOOL_DJANGO, "migrations/0001_initial.py", NULL},
    {TOOL_RAILS, "db/migrate/20240501120000_add_users.rb", "20240501120000"},
    {TOOL_RAILS, "db/migrate/001_add_users.rb", "1"},
    {TOOL_RAILS, "db/schema.rb", NULL},
    {TOOL_FLYWAY, "sql/V1__Base.sql", "1"},
    {TOOL_FLYWAY, "sql/V02_01.10.0__Base.sql", "2.1.10"},
    {TOOL_FLYWAY, "sql/R__Views.sql", "R__Views.sql"},
    {TOOL_FLYWAY, "sql/U1__Undo.sql", NULL},
    {TOOL_FLYWAY, "sql/V1_Base.sql", NULL},
    {TOOL_FLYWAY, "sql/Views__x.sql", NULL},
    {TOOL_PRISMA, "prisma/migrations/20240501_init/migration.sql", "20240501_init"},
    {TOOL_PRISMA, "prisma/migrations/migration_lock.toml", NULL},
    {TOOL_PRISMA, "migration.sql", NULL},
    {TOOL_GOOSE, "00002_add.sql", "2"},
    {TOOL_GOOSE, "m/20240501120000_add.go", "20240501120000"},
    {TOOL_GOOSE, "m/00002_add_test.go", NULL},
    {TOOL_GOOSE, "m/main.go", NULL},
    {TOOL_GOLANG_MIGRATE, "m/000010_x.up.sql", "10"},
    {TOOL_GOLANG_MIGRATE, "m/000010_x.down.sql", NULL},
    {TOOL_GOLANG_MIGRATE, "m/0_x.up.sql", "0"},
    {TOOL_KNEX, "m/20240501120000_x.js", "20240501120000_x"},
    {TOOL_KNEX, "m/20240501120000_x.d.ts", NULL},
    {TOOL_KNEX, "m/20240501120000_x.mjs", "20240501120000_x"},
    {TOOL_KNEX, "m/helpers.js", NULL},
};

START_TEST(the_name_of_a_file)
{
    cleanup(free_pointer) char *name = migration_name(files[_i].tool, files[_i].path);
    if (!files[_i].name)
        ck_assert_msg(!name, "%s", name);
    else
        ck_assert_pstr_eq(name, files[_i].name);
}
END_TEST

/* What is in the directory, what is applied, and what follows; lists are divided by blanks. */
static const struct {
    enum migration_tool tool;
    const char *paths, *applied, *pending, *unknown;
} projects[] = {
    {TOOL_RAILS, "3_c.rb 1_a.rb 10_j.rb", "1 3 10", "", ""},
    {TOOL_RAILS, "3_c.rb 10_j.rb", "1 3 10", "", ""},
    {TOOL_RAILS, "1_a.rb 3_c.rb 10_j.rb", "1", "3 10", ""},
    {TOOL_RAILS, "1_a.rb 3_c.rb", "1 3 10", "", "10"},
    {TOOL_FLYWAY, "V1__a.sql V1_10__b.sql V1.9__c.sql R__v.sql", "1", "1.9 1.10 R__v.sql", ""},
    {TOOL_FLYWAY, "V1__a.sql V2__b.sql V3__c.sql", "2_(baseline)", "3", ""},
    {TOOL_GOOSE, "1_a.sql 2_b.go", "1", "2", ""},
    {TOOL_GOLANG_MIGRATE, "1_a.up.sql 1_a.down.sql 2_b.up.sql 12_c.up.sql", "2", "12", ""},
    {TOOL_GOLANG_MIGRATE, "1_a.up.sql 2_b.up.sql", "3", "", "3"},
    {TOOL_KNEX, "1_a.js 2_b.ts", "1_a 2_b", "", ""},
    {TOOL_PRISMA, "1_a/migration.sql 2_b/migration.sql", "1_a 3_c", "2_b", "3_c"},
    {TOOL_DJANGO, "shop/migrations/0001_a.py shop/migrations/0002_b.py",
     "auth.0001_initial shop.0001_a", "shop.0002_b", ""},
    {TOOL_DJANGO, "shop/migrations/0001_a.py", "shop.0001_a shop.0002_b shopping.0001_x", "",
     "shop.0002_b"},
    {TOOL_DJANGO, "shop/migrations/0001_squashed_0003_c.py shop/migrations/0004_d.py",
     "shop.0001_a shop.0002_b shop.0003_c", "shop.0004_d", ""},
    {TOOL_DJANGO, "shop/migrations/0001_squashed_0003_c.py", "shop.0001_a shop.0002_b",
     "shop.0001_squashed_0003_c", ""},
};

static void divide(const char *text, struct strings *list)
{
    cleanup(free_pointer) char *copy = xstrdup(text);
    char *state = NULL;
    for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
        char *blank = strstr(word, "_(");
        if (blank)
            *blank = ' ';
        strings_add(list, word);
    }
}

static void write_files(const char *directory, const char *paths)
{
    cleanup(strings_free) struct strings list = {0};
    divide(paths, &list);
    for (size_t i = 0; i < list.count; i++) {
        cleanup(free_pointer) char *path = scratch_path(directory, list.items[i]);
        for (char *slash = strchr(path + strlen(directory) + 1, '/'); slash;
             slash = strchr(slash + 1, '/')) {
            *slash = '\0';
            mkdir(path, 0755);
            *slash = '/';
        }
        scratch_write(path, "", 0644);
    }
}

static void assert_list(const struct strings *list, const char *expected)
{
    cleanup(free_pointer) char *text = xstrdup("");
    for (size_t i = 0; i < list->count; i++) {
        cleanup(free_pointer) char *before = text;
        text = xasprintf("%s%s%s", before, i ? " " : "", list->items[i]);
    }
    ck_assert_str_eq(text, expected);
}

START_TEST(files_against_what_is_applied)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(strings_free) struct strings names = {0};
    cleanup(strings_free) struct strings applied = {0};
    cleanup(strings_free) struct strings pending = {0};
    cleanup(strings_free) struct strings unknown = {0};
    struct error error;
    write_files(scratch, projects[_i].paths);
    divide(projects[_i].applied, &applied);
    ck_assert_int_eq(migration_names_read(projects[_i].tool, scratch, &names, &error), 0);
    migration_names_pending(projects[_i].tool, &names, &applied, &pending);
    migration_names_unknown(projects[_i].tool, &names, &applied, &unknown);
    assert_list(&pending, projects[_i].pending);
    assert_list(&unknown, projects[_i].unknown);
}
END_TEST

START_TEST(a_directory_without_migrations_is_an_error)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(strings_free) struct strings names = {0};
    struct error error;
    write_files(scratch, "README env/x.py");
    ck_assert_int_eq(migration_names_read(TOOL_RAILS, scratch, &names, &error), -1);
    ck_assert_msg(strstr(error.text, "named like a migration of rails"), "%s", error.text);
    cleanup(free_pointer) char *nowhere = scratch_path(scratch, "nowhere");
    ck_assert_int_eq(migration_names_read(TOOL_RAILS, nowhere, &names, &error), -1);
    ck_assert_msg(strstr(error.text, "cannot list "), "%s", error.text);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
}
END_TEST

Suite *migration_names_suite(void)
{
    Suite *suite = suite_create("migrations/names");
    add_table_test(suite, the_name_of_a_file, ARRAY_LENGTH(files));
    add_table_test(suite, files_against_what_is_applied, ARRAY_LENGTH(projects));
    add_test(suite, a_directory_without_migrations_is_an_error);
    return suite;
}
