#include "migrations/migrations.h"

#include <string.h>

#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

/* --- one file --------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    const char *revision; /* NULL: an error */
    const char *after;    /* or the error's words */
} files[] = {
    {"revision = 'a1'\ndown_revision = None\n", "a1", ""},
    {"revision: str = \"a1\"\ndown_revision: Union[str, None] = \"b2\"\n", "a1", "b2"},
    {"revision='a1'\ndown_revision=('b2','c3')\ndepends_on = ['d4']", "a1", "b2 c3 d4"},
    {"down_revision: Union[str, Sequence[str], None] = (\n    'b2',  # one\n    'c3',\n)\n"
     "revision: str = 'a1'",
     "a1", "b2 c3"},
    {"\xef\xbb\xbfrevision = u'a1'\r\ndown_revision = r'b2'\r\n", "a1", "b2"},
    {"\"\"\"add users\n\nRevision ID: x\nrevision = 'x'\n\"\"\"\nrevision = 'a1'\n", "a1", ""},
    {"'''it''s \\''' revision'''\nrevision = 'a1'\n", "a1", ""},
    {"# revision = 'x'\nrevision = 'a1'  # revision = 'y'\n", "a1", ""},
    {"revision = 'a1'\ndef upgrade():\n    revision = 'x'\n    down_revision = f'{x}'\n", "a1", ""},
    {"call(\nrevision = 'x'\n)\nrevision = 'a1'\n", "a1", ""},
    {"x = 1 + \\\nrevision\nrevision = 'a1'\n", "a1", ""},
    {"revision = \\\n  'a1'\n", "a1", ""},
    {"revision = 'x'\nrevision = 'a1'\n", "a1", ""},
    {"revision: str\nrevision = 'a1'\n", "a1", ""},
    {"revisions = 'x'\nrevision_of = 'y'\nrevision = 'a1'\n", "a1", ""},
    {"down_revision = {'b2'}\nrevision = 'a1'\nprint(revision == 'x')\n", "a1", "b2"},

    {"", NULL, "no `revision"},
    {"down_revision = 'b2'\n", NULL, "no `revision"},
    {"    revision = 'a1'\n", NULL, "no `revision"},
    {"revision = None\n", NULL, "no `revision"},
    {"revision = ('a1', 'b2')\n", NULL, "no `revision"},
    {"revision = get_revision()\n", NULL, "line 1: the value of `revision` cannot be told"},
    {"revision = f'{x}'\n", NULL, "`revision` cannot be told"},
    {"revision = 'a' 'b'\n", NULL, "`revision` cannot be told"},
    {"revision = 'a' + 'b'\n", NULL, "`revision` cannot be told"},
    {"revision = 'a\\x31'\n", NULL, "`revision` cannot be told"},
    {"revision = 'a1'\n\ndown_revision = BASE\n", NULL, "line 3: the value of `down_revision`"},
    {"revision = 'a1'; down_revision = 'b2'\n", NULL, "cannot be told"},
    {"revision = 'a1\n", NULL, "line 1: a string does not end"},
    {"revision = 'a1'\nx = '''\n\n", NULL, "a string does not end"},
    {"revision = 'a1'\nx = (\n", NULL, "a bracket is not closed"},
    {"revision = 'a1'\n)\n", NULL, "closes nothing"},
};

START_TEST(a_file_is_read_or_is_an_error)
{
    struct migration migration = {0};
    struct error error;
    int outcome =
        migration_parse(files[_i].text, strlen(files[_i].text), "x.py", &migration, &error);
    if (!files[_i].revision) {
        ck_assert_int_eq(outcome, -1);
        ck_assert_int_eq(error.fault, FAULT_MACHINE);
        ck_assert_msg(strstr(error.text, files[_i].after), "%s", error.text);
        ck_assert_msg(strstr(error.text, "x.py: "), "%s", error.text);
        return;
    }
    ck_assert_msg(outcome == 0, "%s", outcome < 0 ? error.text : "");
    ck_assert_str_eq(migration.revision, files[_i].revision);
    cleanup(free_pointer) char *after = xstrdup("");
    for (size_t i = 0; i < migration.after.count; i++) {
        cleanup(free_pointer) char *before = take(&after);
        after = xasprintf("%s%s%s", before, i ? " " : "", migration.after.items[i]);
    }
    ck_assert_str_eq(after, files[_i].after);
    migration_free(&migration);
}
END_TEST

/* --- a directory ------------------------------------------------------------------------------ */

/* 1 - 2 - 3a - 4, with 3b beside 3a and 4 merging both; 5 stands alone and depends on 2. */
static const char *const project[][3] = {
    {"one.py", "1", "None"},     {"two.py", "2", "'1'"},           {"three_a.py", "3a", "'2'"},
    {"three_b.py", "3b", "'2'"}, {"four.py", "4", "('3a', '3b')"}, {"five.py", "5", "None"},
};

static void write_file(const char *directory, const char *name, const char *text)
{
    cleanup(free_pointer) char *path = scratch_path(directory, name);
    scratch_write(path, text, 0644);
}

static void write_project(const char *directory)
{
    for (size_t i = 0; i < ARRAY_LENGTH(project); i++) {
        cleanup(free_pointer) char *text =
            xasprintf("revision = '%s'\ndown_revision = %s\n%s", project[i][1], project[i][2],
                      strcmp(project[i][1], "5") == 0 ? "depends_on = '2'\n" : "");
        write_file(directory, project[i][0], text);
    }
    write_file(directory, "__init__.py", "");
    write_file(directory, ".#one.py", "");
    write_file(directory, "README", "");
}

static char *sorted(struct strings *list)
{
    char *all = xstrdup("");
    for (;;) {
        size_t least = list->count;
        for (size_t i = 0; i < list->count; i++)
            if (*list->items[i] &&
                (least == list->count || strcmp(list->items[i], list->items[least]) < 0))
                least = i;
        if (least == list->count)
            return all;
        cleanup(free_pointer) char *before = all;
        all = xasprintf("%s%s%s", before, *before ? " " : "", list->items[least]);
        list->items[least][0] = '\0';
    }
}

START_TEST(heads_are_what_nothing_builds_on)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct error error;
    write_project(scratch);
    cleanup(migrations_free) struct migrations migrations = {0};
    ck_assert_int_eq(migrations_read(scratch, &migrations, &error), 0);
    ck_assert_uint_eq(migrations.count, ARRAY_LENGTH(project));
    cleanup(strings_free) struct strings heads = {0};
    migrations_heads(&migrations, &heads);
    cleanup(free_pointer) char *text = sorted(&heads);
    ck_assert_str_eq(text, "4 5");
    ck_assert_ptr_null(migrations_find(&migrations, "6"));
}
END_TEST

static const struct {
    const char *revisions[3];
    const char *pending;
} databases[] = {
    {{"4", "5"}, ""},       {{"4"}, "5"},       {{"3a", "3b"}, "4 5"},          {{"3a"}, "3b 4 5"},
    {{"1"}, "2 3a 3b 4 5"}, {{"5"}, "3a 3b 4"}, {{"unknown"}, "1 2 3a 3b 4 5"},
};

START_TEST(what_is_not_applied)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct error error;
    write_project(scratch);
    cleanup(migrations_free) struct migrations migrations = {0};
    ck_assert_int_eq(migrations_read(scratch, &migrations, &error), 0);
    cleanup(strings_free) struct strings revisions = {0};
    for (size_t i = 0; databases[_i].revisions[i]; i++)
        strings_add(&revisions, databases[_i].revisions[i]);
    cleanup(strings_free) struct strings pending = {0};
    migrations_pending(&migrations, &revisions, &pending);
    cleanup(free_pointer) char *text = sorted(&pending);
    ck_assert_str_eq(text, databases[_i].pending);
}
END_TEST

static const struct {
    const char *name, *text, *words;
} damages[] = {
    {"again.py", "revision = '1'\n", "both have the revision 1"},
    {"lost.py", "revision = '6'\ndown_revision = '99'\n", "lost.py builds on 99"},
    {"none.py", "x = 1\n", "none.py: it has no `revision"},
};

START_TEST(a_project_that_contradicts_itself_is_an_error)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct error error;
    write_project(scratch);
    write_file(scratch, damages[_i].name, damages[_i].text);
    struct migrations migrations = {0};
    ck_assert_int_eq(migrations_read(scratch, &migrations, &error), -1);
    ck_assert_msg(strstr(error.text, damages[_i].words), "%s", error.text);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
}
END_TEST

START_TEST(a_circle_ends)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct error error;
    write_file(scratch, "a.py", "revision = 'a'\ndown_revision = 'b'\n");
    write_file(scratch, "b.py", "revision = 'b'\ndown_revision = 'a'\n");
    cleanup(migrations_free) struct migrations migrations = {0};
    cleanup(strings_free) struct strings revisions = {0};
    cleanup(strings_free) struct strings pending = {0};
    strings_add(&revisions, "a");
    ck_assert_int_eq(migrations_read(scratch, &migrations, &error), 0);
    migrations_pending(&migrations, &revisions, &pending);
    ck_assert_uint_eq(pending.count, 0);
}
END_TEST

START_TEST(a_directory_without_migrations_is_an_error)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct error error;
    struct migrations migrations = {0};
    ck_assert_int_eq(migrations_read(scratch, &migrations, &error), -1);
    ck_assert_msg(strstr(error.text, "holds no migrations"), "%s", error.text);
    cleanup(free_pointer) char *nowhere = xasprintf("%s/nowhere", scratch);
    ck_assert_int_eq(migrations_read(nowhere, &migrations, &error), -1);
    ck_assert_msg(strstr(error.text, "check alembic.migrations"), "%s", error.text);
}
END_TEST

Suite *migrations_suite(void)
{
    Suite *suite = suite_create("migrations/migrations");
    add_table_test(suite, a_file_is_read_or_is_an_error, ARRAY_LENGTH(files));
    add_test(suite, heads_are_what_nothing_builds_on);
    add_table_test(suite, what_is_not_applied, ARRAY_LENGTH(databases));
    add_table_test(suite, a_project_that_contradicts_itself_is_an_error, ARRAY_LENGTH(damages));
    add_test(suite, a_circle_ends);
    add_test(suite, a_directory_without_migrations_is_an_error);
    return suite;
}
