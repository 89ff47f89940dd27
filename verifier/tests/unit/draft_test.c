/* What `init` writes: statements of pg_dump, patterns of names, and YAML that our own parser reads
 * as the same texts. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "draft/sources.h"
#include "draft/statement.h"
#include "draft/text.h"
#include "draft/write.h"
#include "scenario/scenario.h"
#include "scenario/yaml.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

/* --- YAML ------------------------------------------------------------------------------------- */

static const char *const texts[] = {
    "users",  "yes",      "No",      "null",       "~",        "",        "1e3",     "0x10",
    "#",      "a: b",     "a #b",    "a:",         "- x",      " a",      "a ",      "it's",
    "\"q\"",  "\\n",      "a\nb",    "a\tb",       "[a]",      "{b}",     "*a",      "&a",
    "!t",     "|",        ">",       "%Y",         "@x",       "`x",      "Größe",   "a,b",
    "?",      "? a",      "-",       "2026-11-26", ".inf",     "true",    "<<",      "=",
    "a\177b", "/srv/a b", "S p.T t", "a\302\205b", "a\u2028b", "a\u2029", "\ufeffa", "a\302\237b",
    "\u2027", "\u20ac",   "\ufefe",
};

START_TEST(what_yaml_takes_for_the_end_of_a_line_ends_no_comment)
{
    cleanup(free_pointer) char *comment = comment_text("a\u2028b\302\205c\nd\u2029\u20ac");
    ck_assert_str_eq(comment, "a?b?c?d?\u20ac");
    cleanup(free_pointer) char *cut = comment_text("a\302");
    ck_assert_str_eq(cut, "a\302");
}
END_TEST

START_TEST(a_scalar_is_read_as_the_same_text)
{
    struct problems problems = {0};
    cleanup(free_pointer) char *scalar = yaml_scalar(texts[_i]);
    cleanup(free_pointer) char *file = xasprintf("%s: 1\nvalue: %s # comment\n", scalar, scalar);
    struct node *root = document_load(file, strlen(file), &problems);
    ck_assert_msg(root && problems.count == 0, "%s", file);
    ck_assert_str_eq(root->keys[0].text, texts[_i]);
    ck_assert_str_eq(root->items[1].text, texts[_i]);
    ck_assert(!node_is_null(&root->items[1]));
    document_free(root);
}
END_TEST

/* --- patterns --------------------------------------------------------------------------------- */

static const struct {
    const char *name, *pattern;
} names[] = {
    {"shop_20261122.dump.gz", "shop_%Y%m%d.dump.gz"},
    {"2025-08-12T19:18Z.dir.tar.gz", "%Y-%m-%dT%H:%MZ.dir.tar.gz"},
    {"db_cluster-27-07-2026@08-49-13.backup.gz", "db_cluster-%d-%m-%Y@%H-%M-%S.backup.gz"},
    {"a_2026-11-22_0304.sql", "a_%Y-%m-%d_%H%M.sql"},
    {"20261122T030405Z-x.dump", "%Y%m%dT%H%M%SZ-x.dump"},
    {"50%_2026.11.22.dump", "50%%_%Y.%m.%d.dump"},
    {"x_1793900000.dump", "x_%s.dump"},
    {"a_2026-11-22T0304.sql", "a_%Y-%m-%dT%H%M.sql"},
    {"20261122T0304Z.sql", "%Y%m%dT%H%MZ.sql"},
    {"a_120261122.sql", NULL}, /* a number that a date happens to be in */
    {"latest.dump", NULL},
    {"100%.dump", NULL},
    {"v20269999.dump", NULL},
    {"2026-02-30.dump", NULL},
};

START_TEST(the_date_in_a_name_is_found)
{
    bool is_undated;
    struct strings rivals = {0};
    const struct name_hints none = {0};
    cleanup(free_pointer) char *pattern =
        draft_pattern(names[_i].name, &none, &is_undated, &rivals);
    ck_assert_uint_eq(rivals.count, 0);
    ck_assert_int_eq(is_undated, names[_i].pattern == NULL);
    if (names[_i].pattern)
        ck_assert_str_eq(pattern, names[_i].pattern);
}
END_TEST

/* Names with several dates; what lies beside them, separated by spaces; when it was made, in UTC
 * (0: not known). */
static const struct {
    const char *name, *others;
    int day, hour; /* of November 2026 */
    const char *pattern;
    size_t rivals;
} several[] = {
    /* By what lies beside it, whenever it was made. */
    {"s_20261101_2026-11-25.x", "s_20261101_2026-11-24.x", 1, 3, "s_20261101_%Y-%m-%d.x", 0},
    {"s_20261101_2026-11-25.x", "s_20261102_2026-11-25.x", 25, 3, "s_%Y%m%d_2026-11-25.x", 0},
    {"s_20261124_2026-11-24.x", "s_20261123_2026-11-23.x", 25, 3, "s_%Y%m%d_%Y-%m-%d.x", 0},
    {"s_20261124_2026-11-24.x", "s_20261124_2026-11-23.x", 25, 3, "s_20261124_%Y-%m-%d.x", 0},
    {"s_20261101_2026-11-25.x", "s_20261002_2026-11-26.x s_20261003_2026-11-27.x", 25, 3,
     "s_20261101_%Y-%m-%d.x", 1},
    /* By when it was made. */
    {"s_20261101_2026-11-25.x", "", 25, 3, "s_20261101_%Y-%m-%d.x", 0},
    {"s_20261101_2026-11-25.x", "s_20261101.x s_20261101_2026-11-25.y", 1, 3,
     "s_%Y%m%d_2026-11-25.x", 0},
    {"p-2026-11-25T0300-v20250101.x", "", 25, 3, "p-%Y-%m-%dT%H%M-v20250101.x", 0},
    {"s_20261125_2026-11-25.x", "", 25, 3, "s_%Y%m%d_%Y-%m-%d.x", 0},
    /* That is not told. */
    {"s_20261101_2026-11-25.x", "", 0, 0, "s_20261101_%Y-%m-%d.x", 1},
    {"s_20261101_2026-11-25.x", "", 12, 3, "s_20261101_%Y-%m-%d.x", 1},
    {"s_20261124_2026-11-25.x", "", 24, 23, "s_20261124_%Y-%m-%d.x", 1},
};

START_TEST(of_several_dates_the_backups_own_is_found)
{
    bool is_undated;
    cleanup(strings_free) struct strings others = {0};
    cleanup(strings_free) struct strings rivals = {0};
    struct tm made = {
        .tm_year = 126, .tm_mon = 10, .tm_mday = several[_i].day, .tm_hour = several[_i].hour};
    const struct name_hints hints = {&others, several[_i].day ? timegm(&made) : 0};
    for (const char *next = several[_i].others; *next; next += *next == ' ') {
        size_t length = strcspn(next, " ");
        strings_addf(&others, "%.*s", (int)length, next);
        next += length;
    }
    strings_add(&others, several[_i].name); /* lies there itself */
    setenv("TZ", "UTC", 1);
    tzset();
    cleanup(free_pointer) char *pattern =
        draft_pattern(several[_i].name, &hints, &is_undated, &rivals);
    ck_assert_str_eq(pattern, several[_i].pattern);
    ck_assert_uint_eq(rivals.count, several[_i].rivals);
}
END_TEST

/* --- statements ------------------------------------------------------------------------------- */

static const struct {
    const char *statement, *table, *parent, *orphans; /* NULL: it is not understood */
} keys[] = {
    {"ALTER TABLE ONLY public.reports\n    ADD CONSTRAINT r_fkey FOREIGN KEY (project_id) "
     "REFERENCES public.projects(id) ON DELETE CASCADE;\n",
     "reports", "projects",
     "select count(*) from public.reports c where c.project_id is not null and not exists (select "
     "from public.projects p where p.id = c.project_id)"},
    {"ALTER TABLE \"S p\".\"a \"\"b(\" ADD CONSTRAINT \"x y\" FOREIGN KEY (\"a,b\", c) REFERENCES "
     "app.t(\"(\", d) DEFERRABLE;",
     "a \"b(", "t",
     "select count(*) from \"S p\".\"a \"\"b(\" c where c.\"a,b\" is not null and c.c is not null "
     "and not exists (select from app.t p where p.\"(\" = c.\"a,b\" and p.d = c.c)"},
    {"ALTER TABLE ONLY public.a ADD CONSTRAINT c FOREIGN KEY (x) REFERENCES public.b(y) NOT VALID;",
     NULL, NULL, NULL},
    {"ALTER TABLE ONLY public.a ADD CONSTRAINT c PRIMARY KEY (x);", NULL, NULL, NULL},
    {"ALTER TABLE ONLY a ADD CONSTRAINT c FOREIGN KEY (x) REFERENCES b(y);", NULL, NULL, NULL},
    {"ALTER TABLE ONLY public.a ADD CONSTRAINT c FOREIGN KEY (x", NULL, NULL, NULL},
    {"ALTER TABLE ONLY public.\"a", NULL, NULL, NULL},
    {"", NULL, NULL, NULL},
};

START_TEST(a_foreign_key_becomes_a_query)
{
    struct foreign_key key = {0};
    int parsed = foreign_key_parse(keys[_i].statement, &key);
    ck_assert_int_eq(parsed, keys[_i].table ? 0 : -1);
    if (parsed == 0) {
        ck_assert_str_eq(key.table, keys[_i].table);
        ck_assert_str_eq(key.parent_table, keys[_i].parent);
        ck_assert_str_eq(key.orphans, keys[_i].orphans);
    }
    foreign_key_free(&key);
}
END_TEST

START_TEST(the_columns_of_a_table_are_found)
{
    struct draft draft = {0};
    struct draft_table *table = draft_add_table(&draft, "public", "t");
    statement_columns("CREATE TABLE public.\"t (\" (\n    id integer NOT NULL,\n    \"a, \"\"b\" "
                      "numeric(10,2) DEFAULT 1 NOT NULL,\n    note character varying(20) DEFAULT "
                      "',(x'::character varying,\n    at timestamp with time zone,\n    m "
                      "public.mood,\n    CONSTRAINT c CHECK ((id > 0))\n);\n",
                      table);
    static const char *const expected[][2] = {{"id", "integer"},
                                              {"a, \"b", "numeric(10,2)"},
                                              {"note", "character varying(20)"},
                                              {"at", "timestamp with time zone"},
                                              {"m", "public.mood"}};
    ck_assert_uint_eq(table->column_count, ARRAY_LENGTH(expected));
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        ck_assert_str_eq(table->columns[i].name, expected[i][0]);
        ck_assert_str_eq(table->columns[i].type, expected[i][1]);
    }
    statement_columns("CREATE TABLE public.\"t", table);
    statement_columns("CREATE TABLE public.t (", table);
    statement_columns("CREATE TABLE public.t PARTITION OF x", table);
    ck_assert_uint_eq(table->column_count, ARRAY_LENGTH(expected));
    draft_free(&draft);
}
END_TEST

/* --- the whole file --------------------------------------------------------------------------- */

/* Everything that a draft may have, under every name. */
static void fill(struct draft *draft, const char *name)
{
    draft->origin = xasprintf("the database %s", name);
    draft->host = HOST_SUPABASE;
    draft->size_bytes = 1;
    draft->has_rows = true;
    strings_add(&draft->extensions, name);
    strings_add(&draft->exclusions, "SCHEMA auth");
    for (size_t i = 0; i < 40; i++) {
        cleanup(free_pointer) char *own = xasprintf("%s%zu", name, i);
        struct draft_table *table = draft_add_table(draft, i % 2 ? "public" : name, own);
        table->rows = (int64_t)(i * i * i);
        draft_add_column(table, "created_at", "timestamp with time zone")->age_s =
            (int64_t)i * 1800;
        draft_add_column(table, "avatar_url", "text");
    }
    draft_add_table(draft, "public", name)->is_unreadable = true;
    struct draft_table *versions = draft_add_table(draft, "public", "alembic_version");
    draft_add_column(versions, "version_num", "text");
    versions->rows = 1;
    struct draft_table *django = draft_add_table(draft, "app", "django_migrations");
    draft_add_column(django, "app", "text");
    draft_find_migrations(draft);
}

START_TEST(a_draft_is_a_scenario)
{
    struct draft draft = {0};
    fill(&draft, texts[_i]);
    cleanup(free_pointer) char *file = draft_write(&draft, "mine", "/x.json");
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "mine.yaml");
    struct scenario *scenario = NULL;
    struct strings problems = {0};
    struct error error;
    setenv("DATABASE_URL", "postgresql://x/y", 1);
    ck_assert_int_eq(file_replace(path, file, strlen(file), &error), 0);
    int loaded = scenario_load(path, &scenario, &problems);
    ck_assert_msg(loaded == 0, "%s\n%s", strings_first(&problems), file);
    ck_assert_uint_ge(scenario->table_count, 1); /* some names no scenario can name */
    ck_assert_uint_eq(scenario->alembic_count, 1);
    ck_assert_uint_eq(scenario->migrations_count, 1);
    ck_assert_str_eq(scenario->migrations[0].table, "app.django_migrations");
    ck_assert_ptr_null(strstr(file, "    - freshness(created_at) < 26h # the newest is 18 h"));
    scenario_free(scenario);
    strings_free(&problems);
    draft_free(&draft);
}
END_TEST

Suite *draft_suite(void)
{
    Suite *suite = suite_create("draft");
    add_test(suite, what_yaml_takes_for_the_end_of_a_line_ends_no_comment);
    add_table_test(suite, a_scalar_is_read_as_the_same_text, ARRAY_LENGTH(texts));
    add_table_test(suite, the_date_in_a_name_is_found, ARRAY_LENGTH(names));
    add_table_test(suite, of_several_dates_the_backups_own_is_found, ARRAY_LENGTH(several));
    add_table_test(suite, a_foreign_key_becomes_a_query, ARRAY_LENGTH(keys));
    add_test(suite, the_columns_of_a_table_are_found);
    add_table_test(suite, a_draft_is_a_scenario, ARRAY_LENGTH(texts));
    return suite;
}
