#include "migrations/migrations.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static char *joined(const struct strings *list)
{
    char *all = xstrdup("");
    for (size_t i = 0; i < list->count; i++) {
        cleanup(free_pointer) char *before = all;
        all = xasprintf("%s%s%s", before, i ? " " : "", list->items[i]);
    }
    return all;
}

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
    {"revision = 'a1'\nclass X:\n  down_revision = 'x'\n  def f(self):\n    revision = 'y'\n", "a1",
     ""},
    {"async def f():\n  revision = 'x'\ndef g(revision='y'): revision = 'z'\nrevision = 'a1'\n",
     "a1", ""},
    {"revision = 'a1'\nif revision == 'x':\n  print(revision)\nop.revision = "
     "'x'\nf(revision='y')\n",
     "a1", ""},
    {"revision = 'a1'\nif TYPE_CHECKING:\n    down_revision: str\n", "a1", ""},
    {"revision = 'a1'\ndown_revision = ''\ndepends_on = \"\"\n", "a1", ""},
    {"down_revision = {'b2'}\nrevision = 'a1'\nprint(revision == 'x')\n", "a1", "b2"},

    {"", NULL, "no `revision"},
    {"down_revision = 'b2'\n", NULL, "no `revision"},
    {"    revision = 'a1'\n", NULL, "`revision` gets its value"},
    {"revision = None\n", NULL, "no `revision"},
    {"revision = ('a1', 'b2')\n", NULL, "no `revision"},
    {"revision = get_revision()\n", NULL, "line 1: the value of `revision` cannot be told"},
    {"revision = f'{x}'\n", NULL, "`revision` cannot be told"},
    {"revision = 'a' 'b'\n", NULL, "`revision` cannot be told"},
    {"revision = 'a' + 'b'\n", NULL, "`revision` cannot be told"},
    {"revision = 'a\\x31'\n", NULL, "`revision` cannot be told"},
    {"revision = 'a1'\n\ndown_revision = BASE\n", NULL, "line 3: the value of `down_revision`"},
    {"revision = 'a1'; down_revision = 'b2'\n", NULL, "cannot be told"},
    {"x = 1; down_revision = 'b2'\nrevision = 'a1'\n", NULL, "line 1: `down_revision` gets its"},
    {"revision = 'a1'\nif x:\n    down_revision = 'b2'\n", NULL, "line 3: `down_revision` gets"},
    {"revision = 'a1'\nif x: down_revision = 'b2'\n", NULL, "`down_revision` gets its value in"},
    {"revision = 'a1'\ntry:\n\tdown_revision: str = 'b2'\n", NULL, "`down_revision` gets"},
    {"revision, down_revision = 'a1', 'b2'\n", NULL, "`revision` gets its value in a way"},
    {"x = revision = 'a1'\n", NULL, "`revision` gets its value in a way"},
    {"revision = 'a1'\nrevision += 'b'\n", NULL, "line 2: `revision` gets its value"},
    {"revision = 'a1'\nfrom .base import down_revision\n", NULL, "`down_revision` gets"},
    {"revision = 'a1'\nfrom .base import (\n  x,\n  depends_on)\n", NULL, "`depends_on` gets"},
    {"revision = 'a1'\nfor down_revision in x:\n  pass\n", NULL, "`down_revision` gets"},
    {"revision = ''\n", NULL, "no `revision"},
    {"revision = 'a1'\ndepends_on = ('b2', '')\n", NULL, "`depends_on` has an empty string"},
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
    cleanup(free_pointer) char *after = joined(&migration.after);
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

static int read_directory(const char *directory, struct migrations *ret_migrations,
                          struct error *error)
{
    cleanup(places_free) struct places places = {.recursive = true};
    strings_add(&places.directories, directory);
    return migrations_read(&places, ret_migrations, error);
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
    ck_assert_int_eq(read_directory(scratch, &migrations, &error), 0);
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
    {{"1"}, "2 3b 3a 4 5"}, {{"5"}, "3b 3a 4"}, {{"unknown"}, "1 2 3b 3a 4 5"},
};

START_TEST(what_is_not_applied)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct error error;
    write_project(scratch);
    cleanup(migrations_free) struct migrations migrations = {0};
    ck_assert_int_eq(read_directory(scratch, &migrations, &error), 0);
    cleanup(strings_free) struct strings revisions = {0};
    for (size_t i = 0; databases[_i].revisions[i]; i++)
        strings_add(&revisions, databases[_i].revisions[i]);
    cleanup(strings_free) struct strings pending = {0};
    migrations_pending(&migrations, &revisions, &pending);
    cleanup(free_pointer) char *text = joined(&pending);
    ck_assert_str_eq(text, databases[_i].pending);
}
END_TEST

static const struct {
    const char *name, *text, *words;
} damages[] = {
    {"again.py", "revision = '1'\n", "both have the revision 1"},
    {"lost.py", "revision = '6'\ndown_revision = '99'\n", "lost.py builds on 99"},
    {"none.py", "x = 1\n", "none.py: it has no `revision"},
    {"one.py", "revision = '1'\ndown_revision = '4'\n", "in a circle: "},
    {"one.py", "revision = '1'\ndepends_on = '1'\n", "in a circle: 1 builds on 1"},
    {"one.py", "revision = '1'\nbranch_labels = ('2',)\n",
     "one.py has the label 2, which is taken"},
    {"one.py", "revision = '1'\ndepends_on = 'nowhere'\n",
     "one.py builds on nowhere, which no file"},
};

START_TEST(a_project_that_contradicts_itself_is_an_error)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct error error;
    write_project(scratch);
    write_file(scratch, damages[_i].name, damages[_i].text);
    struct migrations migrations = {0};
    ck_assert_int_eq(read_directory(scratch, &migrations, &error), -1);
    ck_assert_msg(strstr(error.text, damages[_i].words), "%s", error.text);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
}
END_TEST

START_TEST(a_directory_without_migrations_is_an_error)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct error error;
    struct migrations migrations = {0};
    ck_assert_int_eq(read_directory(scratch, &migrations, &error), -1);
    ck_assert_msg(strstr(error.text, "holds no migrations"), "%s", error.text);
    cleanup(free_pointer) char *nowhere = xasprintf("%s/nowhere", scratch);
    ck_assert_int_eq(read_directory(nowhere, &migrations, &error), -1);
    ck_assert_msg(strstr(error.text, "cannot list "), "%s", error.text);
}
END_TEST

/* Adds the words that `separators` divide. */
static void divide(const char *text, size_t length, const char *separators, struct strings *list)
{
    cleanup(free_pointer) char *copy = xstrndup(text, length);
    char *state = NULL;
    for (char *word = strtok_r(copy, separators, &state); word;
         word = strtok_r(NULL, separators, &state))
        strings_add(list, word);
}

/* "r02:r00,r01+r01" */
static void add_migration(struct migrations *migrations, const char *text)
{
    size_t length = strcspn(text, ":");
    migrations->items =
        xreallocarray(migrations->items, migrations->count + 1, sizeof(*migrations->items));
    struct migration *migration = &migrations->items[migrations->count++];
    *migration = (struct migration){.file = xstrdup(text), .revision = xstrndup(text, length)};
    divide(text + length + 1, strlen(text + length + 1), ",+", &migration->after);
}

/* fixtures/migrations/orders.py says what a line is. */
static void assert_order(const char *line)
{
    const char *applied = strchr(line, '|') + 1;
    const char *expected = strchr(applied, '|') + 1;
    cleanup(migrations_free) struct migrations migrations = {0};
    cleanup(strings_free) struct strings words = {0};
    cleanup(strings_free) struct strings revisions = {0};
    cleanup(strings_free) struct strings pending = {0};
    struct error error;
    divide(line, (size_t)(applied - line - 1), " ", &words);
    divide(applied, (size_t)(expected - applied - 1), " ", &revisions);
    for (size_t i = 0; i < words.count; i++)
        add_migration(&migrations, words.items[i]);
    ck_assert_int_eq(migrations_connect(&migrations, &error), 0);
    const char *earlier;
    const char *later;
    bool overlap = migrations_overlap(&migrations, &revisions, &earlier, &later);
    ck_assert_msg(overlap == (strcmp(expected, "overlap") == 0), "%s", line);
    if (overlap)
        return;
    migrations_pending(&migrations, &revisions, &pending);
    cleanup(free_pointer) char *text = joined(&pending);
    ck_assert_msg(strcmp(text, expected) == 0, "%s: found %s", line, text);
}

START_TEST(pending_is_in_the_order_of_alembic)
{
    struct buffer content;
    struct error error;
    ck_assert_int_eq(file_read("fixtures/migrations/orders.txt", 1 << 20, &content, &error), 0);
    cleanup(strings_free) struct strings lines = {0};
    divide(content.data, content.length, "\n", &lines);
    ck_assert_uint_gt(lines.count, 100);
    for (size_t i = 0; i < lines.count; i++)
        assert_order(lines.items[i]);
    buffer_free(&content);
}
END_TEST

/* --- where they lie --------------------------------------------------------------------------- */

static const struct {
    const char *name, *text;
    const char *heads; /* or the words of an error */
    bool good;
} configs[] = {
    {"alembic.ini", "[alembic]\nscript_location = %(here)s/m\n", "base", true},
    {"alembic.ini",
     "# x\n[alembic]\nscript_location: m\n; version_locations = x\n[other]\nscript_location = no\n",
     "base", true},
    {"alembic.ini", "[DEFAULT]\nroot = m\n[alembic]\nscript_location = %(root)s\n", "base", true},
    {"alembic.ini", "[alembic]\nscript_location = m\nversion_locations = m/versions, extra\n",
     "base other", true},
    {"alembic.ini",
     "[alembic]\nscript_location = m\npath_separator = newline\nversion_locations =\n  "
     "m/versions\n  extra\n",
     "base other", true},
    {"alembic.ini",
     "[alembic]\nversion_path_separator = os\nversion_locations = "
     "%(here)s/m/versions:%(here)s/extra\n",
     "base other", true},
    {"alembic.ini", "[alembic]\nscript_location = pack:m\n", "packed", true},
    {"alembic.ini", "[alembic]\nscript_location = deep\nrecursive_version_locations = true\n",
     "second", true},
    {"pyproject.toml",
     "[tool.x]\nscript_location = 'no'\n[tool.alembic]\nscript_location = \"%(here)s/m\" # x\n"
     "[tool.y]\nversion_locations = ['no']\n",
     "base", true},
    {"pyproject.toml", "[tool.alembic]\nversion_locations = [\n  'm/versions',\n  \"extra\",\n]\n",
     "base other", true},
    {"pyproject.toml",
     "[tool.alembic]\nscript_location = 'deep'\nrecursive_version_locations = true\n", "second",
     true},

    {"alembic.ini", "[alembic]\nscript_location = deep\n",
     "second.py is a migration that Alembic does not", false},
    {"alembic.ini", "[alembic]\nx = 1\n", "alembic.ini: it has no `script_location`", false},
    {"alembic.ini", "[alembic]\nscript_location = nowhere:m\n", "names a Python package", false},
    {"alembic.ini", "[alembic]\nscript_location = %(there)s/m\n", "an option that is not there",
     false},
    {"alembic.ini", "[alembic]\nscript_location = %(script_location)s\n", "names itself", false},
    {"alembic.ini", "[alembic]\nscript_location = 50%m\n", "write %% for a single %", false},
    {"alembic.ini", "[alembic]\npath_separator = |\nversion_locations = a\n", "`|` is no separator",
     false},
    {"pyproject.toml", "[tool.x]\n", "no table [tool.alembic]", false},
    {"pyproject.toml", "[tool.alembic]\nscript_location = 1\n", "is not understood", false},
};

START_TEST(alembics_own_file_says_where_migrations_are)
{
    static const char *const directories[] = {"m",
                                              "m/versions",
                                              "extra",
                                              "deep",
                                              "deep/versions",
                                              "deep/versions/2026",
                                              "src",
                                              "src/pack",
                                              "src/pack/m",
                                              "src/pack/m/versions"};
    cleanup(scratch_free) char *scratch = scratch_new();
    for (size_t i = 0; i < ARRAY_LENGTH(directories); i++) {
        cleanup(free_pointer) char *path = scratch_path(scratch, directories[i]);
        ck_assert_int_eq(mkdir(path, 0755), 0);
    }
    write_file(scratch, "m/versions/base.py", "revision = 'base'\n");
    write_file(scratch, "m/env.py", "no migration");
    write_file(scratch, "extra/other.py", "revision = 'other'\n");
    write_file(scratch, "deep/versions/first.py", "revision = 'first'\n");
    write_file(scratch, "deep/versions/2026/second.py",
               "revision = 'second'\ndown_revision = 'first'\n");
    write_file(scratch, "src/pack/m/versions/packed.py", "revision = 'packed'\n");
    write_file(scratch, configs[_i].name, configs[_i].text);
    cleanup(free_pointer) char *path = scratch_path(scratch, configs[_i].name);
    cleanup(places_free) struct places places = {0};
    cleanup(migrations_free) struct migrations migrations = {0};
    struct error error = {.text = ""};
    int outcome = places_from_config(path, &places, &error);
    if (outcome == 0)
        outcome = migrations_read(&places, &migrations, &error);
    ck_assert_msg(configs[_i].good == (outcome == 0), "%s", error.text);
    if (!configs[_i].good) {
        ck_assert_msg(strstr(error.text, configs[_i].heads), "%s", error.text);
        return;
    }
    cleanup(strings_free) struct strings heads = {0};
    migrations_heads(&migrations, &heads);
    cleanup(free_pointer) char *text = sorted(&heads);
    ck_assert_str_eq(text, configs[_i].heads);
}
END_TEST

START_TEST(titles_and_labels)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    write_file(scratch, "a.py",
               "# x\n\"\"\"  add the users\r\n\nRevision ID: a\n\"\"\"\nrevision = 'a'\n"
               "branch_labels = ('core',)\n");
    write_file(scratch, "b.py", "revision = 'b'\ndepends_on = 'core'\n");
    cleanup(migrations_free) struct migrations migrations = {0};
    struct error error;
    ck_assert_int_eq(read_directory(scratch, &migrations, &error), 0);
    ck_assert_str_eq(migrations_find(&migrations, "a")->title, "add the users");
    ck_assert_str_eq(migrations_find(&migrations, "b")->title, "");
    cleanup(strings_free) struct strings heads = {0};
    migrations_heads(&migrations, &heads);
    ck_assert_uint_eq(heads.count, 1);
    ck_assert_str_eq(heads.items[0], "b");
}
END_TEST

Suite *migrations_suite(void)
{
    Suite *suite = suite_create("migrations/migrations");
    add_table_test(suite, a_file_is_read_or_is_an_error, ARRAY_LENGTH(files));
    add_test(suite, heads_are_what_nothing_builds_on);
    add_table_test(suite, what_is_not_applied, ARRAY_LENGTH(databases));
    add_table_test(suite, a_project_that_contradicts_itself_is_an_error, ARRAY_LENGTH(damages));
    add_test(suite, a_directory_without_migrations_is_an_error);
    add_table_test(suite, alembics_own_file_says_where_migrations_are, ARRAY_LENGTH(configs));
    add_test(suite, titles_and_labels);
    add_test(suite, pending_is_in_the_order_of_alembic);
    return suite;
}
