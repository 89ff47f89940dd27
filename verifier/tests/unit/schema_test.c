/* Schemas from tables of contents, what is left out of them, and the difference of two. */
#include "schema/schema.h"

#include <stdlib.h>
#include <string.h>

#include "archive/plain/naming.h"
#include "archive/plain/plain.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "schema/totals.h"
#include "tests/unit/unit.h"

/* ---- definitions ---- */

/* What PostgreSQL prints of one thing before and after a restore, or with other options. */
static const struct {
    const char *one, *other;
    bool is_same;
} definitions[] = {
    {"CREATE TABLE a (b int);", "CREATE TABLE a (\n    b int\n);\n", true},
    {"CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
     "CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character "
     "varying)::text])))",
     true},
    {"a = 'x'::character varying(10)", "a = 'x'", true},
    {"a::timestamp(3) without time zone AND b", "a AND b", true},
    {"a::double precision + 1", "a + 1", true},
    {"a::\"Odd type\".\"x\"[] = b", "a = b", true},
    {"a::numeric(10,2) = b", "a = b", true},
    {"a::numeric(10,2) = b", "a = c", false},
    {"a::text || b", "a::text", false},
    {"\"name\" text", "name text", true},
    {"\"character varying\"(10)", "character varying(10)", true},
    {"CREATE TABLE IF NOT EXISTS a", "CREATE TABLE a", true},
    {"CREATE OR REPLACE VIEW a", "CREATE VIEW a", true},
    {"a OR replace(b)", "a OR b", false},
    {"a OR replace(b)", "a replace(b)", false},
    {"'name'", "\"name\"", false},
    {"nextval('\"a\".\"b\"'::\"regclass\")", "nextval('a.b'::regclass)", true},
    {"'a\"b'", "'ab'", false},
    {"AS 'select ''x'''", "AS $$select 'x'$$", true},
    {"AS $_$a $$ b$_$", "AS 'a $$ b'", true},
    {"AS $1$", "AS '$1$'", false},
    {"E'a\\\\b\\'c'", "'a\\b''c'", true},
    {"a -- a comment\n = 1", "a = 1", true},
    {"'a -- no comment'", "'a'", false},
    {"FROM ('2024-01-01 00:00:00+00')", "FROM ('2024-01-01 02:00:00+02')", true},
    {"FROM ('2024-01-01 00:00:00.5+00')", "FROM ('2023-12-31 18:30:00.5-05:30')", true},
    {"FROM ('2024-01-01 00:00:00+00')", "FROM ('2024-01-01 00:00:00+02')", false},
    {"'1900-01-01 00:00:00+00:19:32'", "'1899-12-31 23:40:28+00'", true},
    {"'2024-01-01 00:00:00+0'", "'2024-01-01 00:00:00+00'", false},
    {"'2024-01-01 00:00:00+00:'", "'2024-01-01 00:00:00+00'", false},
    {"FROM ('2024-01-01 00:00:00')", "FROM ('2024-01-01 02:00:00')", false},
    {"a AND (b OR c)", "a AND (b OR d)", false},
    {"a, b", "b, a", false},
    {"ab c", "a bc", false},
    {"'abc", "'abc'", true}, /* cut: whatever it is, it ends */
    {"$a$ abc", "' abc'", true},
    {"a::", "a", true},
    {"", "  -- nothing\n;", true},
    {"to_tsvector('english'::regconfig, body)",
     "\"to_tsvector\"('\"english\"'::\"regconfig\", \"body\")", true},
    {"DEFAULT 'integer'::regtype", "DEFAULT '\"integer\"'::\"pg_catalog\".\"regtype\"", true},
    {"DEFAULT 'a'::text", "DEFAULT '\"a\"'::\"text\"", false},
    {"CREATE TABLE t (i int) WITH (toast.autovacuum_enabled=off, fillfactor='70')",
     "CREATE TABLE \"t\" (\"i\" int) WITH (toast.\"autovacuum_enabled\"='off', "
     "\"fillfactor\"='70')",
     true},
    {"WITH (security_barrier=true) AS SELECT 'a'", "WITH (security_barrier='true') AS SELECT 'a'",
     true},
    {"WITH (security_barrier=true) AS SELECT 'a'", "WITH (security_barrier='true') AS SELECT a",
     false},
    {"EXCLUDE USING gist (c WITH &&) WHERE (c = 'a')",
     "EXCLUDE USING gist (c WITH &&) WHERE (c = a)", false},
};

static struct definition_digest digest_of(const char *sql, bool any_order)
{
    struct definition_digest digest = {0};
    definition_read(&digest, sql, strlen(sql), (struct definition_style){.any_order = any_order});
    return digest;
}

START_TEST(definitions_are_the_same_that_say_the_same)
{
    struct definition_digest one = digest_of(definitions[_i].one, false);
    struct definition_digest other = digest_of(definitions[_i].other, false);
    ck_assert_msg(definition_is_same(&one, &other) == definitions[_i].is_same, "%s\n%s",
                  definitions[_i].one, definitions[_i].other);
}
END_TEST

START_TEST(backslashes_escape_where_they_did_when_it_was_written)
{
    static const char written[] = "CHECK (b ~ '^\\\\d+$')", now[] = "CHECK (b ~ '^\\d+$')";
    struct definition_digest old = {0}, other = {0};
    struct definition_digest found = digest_of(now, false);
    definition_read(&old, written, strlen(written), (struct definition_style){.escapes = true});
    definition_read(&other, written, strlen(written), (struct definition_style){0});
    ck_assert(definition_is_same(&old, &found));
    ck_assert(!definition_is_same(&other, &found));
}
END_TEST

START_TEST(the_roles_of_a_policy_have_no_order)
{
    struct definition_digest one = digest_of("POLICY p TO a, b USING (c)", true);
    struct definition_digest other = digest_of("POLICY p TO b, a USING (c)", true);
    struct definition_digest less = digest_of("POLICY p TO b USING (c)", true);
    ck_assert(definition_is_same(&one, &other));
    ck_assert(!definition_is_same(&one, &less));
}
END_TEST

/* ---- rules ---- */

static const struct {
    const char *kind, *name;
    enum schema_rule rule;
} ruled[] = {
    {"TABLE", "public", RULE_NONE},
    {"SCHEMA", "app", RULE_NONE},
    {"EXTENSION", "plpgsql2", RULE_NONE},
    {"COMMENT", "TABLE users", RULE_NONE},
    {"COMMENT", "SCHEMA public2", RULE_NONE},
    {"TABLE DATA", "users", RULE_DATA},
    {"SEQUENCE SET", "users_id_seq", RULE_DATA},
    {"MATERIALIZED VIEW DATA", "m", RULE_DATA},
    {"STATISTICS DATA", "m", RULE_DATA},
    {"BLOB", "16385", RULE_LARGE_OBJECTS},
    {"BLOBS", "BLOBS", RULE_LARGE_OBJECTS},
    {"BLOB METADATA", "16385..16390", RULE_LARGE_OBJECTS},
    {"BLOB COMMENTS", "BLOB COMMENTS", RULE_LARGE_OBJECTS},
    {"COMMENT", "LARGE OBJECT 16385", RULE_LARGE_OBJECTS},
    {"ENCODING", "ENCODING", RULE_SETTINGS},
    {"STDSTRINGS", "STDSTRINGS", RULE_SETTINGS},
    {"SEARCHPATH", "SEARCHPATH", RULE_SETTINGS},
    {"DATABASE", "shop", RULE_DATABASE},
    {"DATABASE PROPERTIES", "shop", RULE_DATABASE},
    {"COMMENT", "DATABASE shop", RULE_DATABASE},
    {"ACL", "TABLE users", RULE_RIGHTS},
    {"DEFAULT ACL", "DEFAULT PRIVILEGES FOR TABLES", RULE_RIGHTS},
    {"SECURITY LABEL", "TABLE users", RULE_SECURITY_LABELS},
    {"SUBSCRIPTION", "s", RULE_SUBSCRIPTIONS},
    {"COMMENT", "SUBSCRIPTION s", RULE_SUBSCRIPTIONS},
    {"SCHEMA", "public", RULE_OF_EVERY_DATABASE},
    {"COMMENT", "SCHEMA public", RULE_OF_EVERY_DATABASE},
    {"COMMENT", "SCHEMA \"public\"", RULE_OF_EVERY_DATABASE},
    {"COMMENT", "SCHEMA \"public2\"", RULE_NONE},
    {"EXTENSION", "plpgsql", RULE_OF_EVERY_DATABASE},
    {"PROCEDURAL LANGUAGE", "plpgsql", RULE_OF_EVERY_DATABASE},
    {"COMMENT", "EXTENSION pg_trgm", RULE_EXTENSION_COMMENTS},
};

START_TEST(each_rule_leaves_out_what_it_is_for)
{
    ck_assert_int_eq(schema_rule_of(ruled[_i].kind, ruled[_i].name), ruled[_i].rule);
    ck_assert_uint_gt(strlen(schema_rule_words(ruled[_i].rule)), 0);
}
END_TEST

/* ---- schemas and their difference ---- */

#define MOST 8

struct row {
    const char *kind, *schema, *name, *definition;
};

static void archive_make(const struct row *rows, struct archive_entry entries[MOST],
                         struct archive *ret_archive)
{
    size_t count = 0;
    for (; count < MOST && rows[count].kind; count++)
        entries[count] =
            (struct archive_entry){.description = (char *)(uintptr_t)rows[count].kind,
                                   .schema = (char *)(uintptr_t)rows[count].schema,
                                   .tag = (char *)(uintptr_t)rows[count].name,
                                   .definition = (char *)(uintptr_t)rows[count].definition};
    *ret_archive = (struct archive){.entries = entries, .entry_count = count};
}

#define TABLE                                                                                      \
    {                                                                                              \
        "TABLE", "public", "t", "CREATE TABLE t (a int);"                                          \
    }
#define INDEX                                                                                      \
    {                                                                                              \
        "INDEX", "public", "i", "CREATE INDEX i ON t (a);"                                         \
    }

static const struct schema_exclusion none;

static const struct {
    const char *name;
    struct row expected[MOST], found[MOST];
    enum schema_depth depth;
    const char *missing, *added, *changed;
    size_t same, rewritten;
} cases[] = {
    {"the same", {TABLE, INDEX}, {INDEX, TABLE}, SCHEMA_DEFINITIONS, "", "", "", 2, 0},
    {"missing", {TABLE, INDEX}, {TABLE}, SCHEMA_DEFINITIONS, "index public i", "", "", 1, 0},
    {"added", {TABLE}, {TABLE, INDEX}, SCHEMA_DEFINITIONS, "", "index public i", "", 1, 0},
    {"another schema",
     {INDEX},
     {{"INDEX", "app", "i", ""}},
     SCHEMA_DEFINITIONS,
     "index public i",
     "index app i",
     "",
     0,
     0},
    {"changed",
     {TABLE, INDEX},
     {TABLE, {"INDEX", "public", "i", "CREATE INDEX i ON t (b);"}},
     SCHEMA_DEFINITIONS,
     "",
     "",
     "index public i",
     1,
     0},
    {"written otherwise",
     {{"VIEW", "", "v", "SELECT (a)"}},
     {{"VIEW", "", "v", "SELECT a::text"}},
     SCHEMA_DEFINITIONS,
     "",
     "",
     "",
     1,
     1},
    {"only names", {INDEX}, {{"INDEX", "public", "i", "x"}}, SCHEMA_NAMES, "", "", "", 1, 0},
    {"operators of one name",
     {{"OPERATOR", "", "+", "a"}, {"OPERATOR", "", "+", "b"}, {"OPERATOR", "", "+", "c"}},
     {{"OPERATOR", "", "+", "c"}, {"OPERATOR", "", "+", "a"}},
     SCHEMA_DEFINITIONS,
     "operator +",
     "",
     "",
     2,
     0},
    {"one of them changed",
     {{"OPERATOR", "", "+", "a"}, {"OPERATOR", "", "+", "b"}},
     {{"OPERATOR", "", "+", "x"}, {"OPERATOR", "", "+", "a"}},
     SCHEMA_DEFINITIONS,
     "",
     "",
     "operator +",
     1,
     0},
    {"options of a user mapping",
     {{"USER MAPPING", "", "m", "OPTIONS (password 'x')"}},
     {{"USER MAPPING", "", "m", ""}},
     SCHEMA_DEFINITIONS,
     "",
     "",
     "",
     1,
     0},
    {"older names",
     {{"CONSTRAINT", "public", "t_pkey", ""},
      {"FUNCTION", "public", "f(mood)", ""},
      {"COMMENT", "public", "EXTENSION x", ""},
      {"TRIGGER", "", "touched", ""}},
     {{"CONSTRAINT", "public", "t t_pkey", ""},
      {"FUNCTION", "public", "f(public.mood)", ""},
      {"TRIGGER", "public", "t touched", ""}},
     SCHEMA_NAMES,
     "",
     "",
     "",
     3,
     0},
    {"older names are not enough for others",
     {{"CONSTRAINT", "public", "t_pkey", ""}, {"FUNCTION", "public", "f(mood)", ""}},
     {{"CONSTRAINT", "public", "t the_t_pkey", ""}, {"FUNCTION", "public", "ff(mood)", ""}},
     SCHEMA_NAMES,
     "constraint public t_pkey, function public f(mood)",
     "constraint public t the_t_pkey, function public ff(mood)",
     "",
     0,
     0},
    {"older names where all is known",
     {{"CONSTRAINT", "public", "t_pkey", ""}},
     {{"CONSTRAINT", "public", "t t_pkey", ""}},
     SCHEMA_DEFINITIONS,
     "constraint public t_pkey",
     "constraint public t t_pkey",
     "",
     0,
     0},
    {"names in quotes",
     {{"COMMENT", "public", "COLUMN \"t\".\"a\"", "x"}, {"COMMENT", "public", "COLUMN t.b", "x"}},
     {{"COMMENT", "public", "COLUMN t.a", "x"}, {"COMMENT", "public", "COLUMN t.c", "x"}},
     SCHEMA_DEFINITIONS,
     "comment public COLUMN t.b",
     "comment public COLUMN t.c",
     "",
     1,
     0},
    {"nothing", {{0}}, {{0}}, SCHEMA_DEFINITIONS, "", "", "", 0, 0},
};

static void is_named(const struct schema_object *const *objects, size_t count, const char *names)
{
    struct buffer words;
    buffer_init(&words, 1000);
    for (size_t i = 0; i < count; i++) {
        cleanup(free_pointer) char *label = schema_object_label(objects[i]);
        buffer_printf(&words, "%s%s", i > 0 ? ", " : "", label);
    }
    ck_assert_msg(strcmp(words.data, names) == 0, "%s: `%s`, not `%s`", cases->name, words.data,
                  names);
    buffer_free(&words);
}

START_TEST(the_difference_of_two_schemas)
{
    struct archive_entry entries[2][MOST];
    struct archive archives[2];
    struct schema schemas[2];
    struct schema_difference difference;
    archive_make(cases[_i].expected, entries[0], &archives[0]);
    archive_make(cases[_i].found, entries[1], &archives[1]);
    for (size_t i = 0; i < 2; i++)
        schema_find(&archives[i], &none, &schemas[i]);
    schema_compare(&schemas[0], &schemas[1], cases[_i].depth, &difference);
    is_named(difference.missing, difference.missing_count, cases[_i].missing);
    is_named(difference.added, difference.added_count, cases[_i].added);
    is_named(difference.changed, difference.changed_count, cases[_i].changed);
    ck_assert_uint_eq(difference.same, cases[_i].same);
    ck_assert_uint_eq(difference.rewritten, cases[_i].rewritten);
    schema_difference_free(&difference);
    schema_difference_free(&difference);
    for (size_t i = 0; i < 2; i++)
        schema_free(&schemas[i]);
}
END_TEST

START_TEST(what_was_excluded_is_counted)
{
    static const struct row rows[MOST] = {
        TABLE, INDEX, {"ACL", "public", "TABLE t", ""}, {"TABLE DATA", "public", "t", ""}};
    static const bool excluded[] = {false, true, false, true};
    struct archive_entry entries[MOST];
    struct archive archive;
    struct schema schema;
    archive_make(rows, entries, &archive);
    schema_find(&archive, &(struct schema_exclusion){.entries = excluded}, &schema);
    ck_assert_uint_eq(schema.count, 1);
    ck_assert_str_eq(schema.objects[0].name, "t");
    ck_assert_uint_eq(schema.left_out[RULE_EXCLUDED], 2);
    ck_assert_uint_eq(schema.left_out[RULE_RIGHTS], 1);
    ck_assert_uint_eq(schema.left_out[RULE_DATA], 0);
    schema_free(&schema);
}
END_TEST

/* ---- totals ---- */

START_TEST(totals_tell_kinds_apart)
{
    static const struct row rows[][MOST] = {
        {TABLE, INDEX, {"INDEX", "public", "j", "x"}},
        {{"INDEX", "public", "j", "x"}, INDEX, TABLE},
        {TABLE, INDEX, {"INDEX", "public", "j", "y"}},
    };
    struct archive_entry entries[MOST];
    struct archive archive;
    struct schema_totals totals[3];
    for (size_t i = 0; i < 3; i++) {
        archive_make(rows[i], entries, &archive);
        schema_totals_find(&archive, &totals[i]);
        ck_assert_uint_eq(totals[i].count, 2);
        ck_assert_str_eq(totals[i].items[0].kind, "INDEX");
        ck_assert_int_eq(totals[i].items[0].count, 2);
        ck_assert_str_eq(totals[i].items[1].sha256, totals[0].items[1].sha256);
    }
    ck_assert_str_eq(totals[1].items[0].sha256, totals[0].items[0].sha256);
    ck_assert_str_ne(totals[2].items[0].sha256, totals[0].items[0].sha256);
    ck_assert_ptr_eq(schema_totals_get(&totals[0], "TABLE"), &totals[0].items[1]);
    ck_assert_ptr_null(schema_totals_get(&totals[0], "VIEW"));
    for (size_t i = 0; i < 3; i++)
        schema_totals_free(&totals[i]);
}
END_TEST

/* ---- plain SQL ---- */

static const char plain_sql[] =
    "--\n-- PostgreSQL database dump\n--\n\n"
    "-- Dumped from database version 15.18\n-- Dumped by pg_dump version 15.18\n\n"
    "SET client_encoding = 'UTF8';\n"
    "ALTER TABLE IF EXISTS ONLY public.users DROP CONSTRAINT users_pkey;\n"
    "DROP TABLE IF EXISTS public.users;\n"
    "--\n-- Name: users; Type: TABLE; Schema: public; Owner: me\n--\n\n"
    "CREATE TABLE public.users (\n    id integer -- no comment\n);\n\n\n"
    "ALTER TABLE public.users OWNER TO me;\n\n"
    "--\n-- Name: odd; Type: x; Type: VIEW; Schema: -; Owner: -\n--\n\n"
    "CREATE VIEW a AS SELECT 1;\n\n"
    "--\n-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: me\n--\n\n"
    "COPY public.users (id) FROM stdin;\n1\n\\.\n\n\n"
    "--\n-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: me; Tablespace: x\n"
    "--\n\n"
    "ALTER TABLE ONLY public.users\n    ADD CONSTRAINT users_pkey PRIMARY KEY (id);\n\n"
    "ALTER TABLE public.users CLUSTER ON users_pkey;\n"
    "--\n-- PostgreSQL database dump complete\n--\n\n";

static void plain_read(const char *text, struct plain_totals **ret_totals)
{
    struct error error;
    cleanup(plain_freep) struct plain *plain = plain_new(false);
    ck_assert_int_eq(plain_feed(plain, text, strlen(text), &error), 0);
    ck_assert_msg(plain_finish(plain, ret_totals, &error) == 0, "%s", error.text);
}

START_TEST(comments_of_plain_sql_name_its_objects)
{
    static const struct row as_archive[MOST] = {
        {"TABLE", "public", "users", "CREATE TABLE public.users (\n    id integer\n);\n"},
        {"VIEW", "", "odd; Type: x", "CREATE VIEW a AS\n SELECT 1;\n"},
        {"CONSTRAINT", "public", "users users_pkey",
         "ALTER TABLE ONLY public.users\n    ADD CONSTRAINT users_pkey PRIMARY KEY (id);\nALTER "
         "TABLE public.users CLUSTER ON users_pkey;\n"},
    };
    cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
    struct archive_entry entries[MOST];
    struct archive archive;
    struct schema schemas[2];
    struct schema_difference difference;
    plain_read(plain_sql, &totals);
    ck_assert_int_eq(totals->objects.unnamed, 0);
    schema_find(&(struct archive){.plain = totals}, &none, &schemas[0]);
    archive_make(as_archive, entries, &archive);
    schema_find(&archive, &none, &schemas[1]);
    ck_assert_uint_eq(schemas[0].left_out[RULE_DATA], 1);
    schema_compare(&schemas[0], &schemas[1], SCHEMA_DEFINITIONS, &difference);
    ck_assert_uint_eq(difference.same, 3);
    ck_assert_uint_eq(difference.changed_count + difference.missing_count, 0);
    schema_difference_free(&difference);
    schema_free(&schemas[0]);
    schema_free(&schemas[1]);
}
END_TEST

/* What a statement defines where no comment tells; NULL: nothing that is known. */
static const struct {
    const char *statement, *label;
} statements[] = {
    {"CREATE TABLE IF NOT EXISTS \"public\".\"a\" (b int)", "table public a"},
    {"CREATE UNLOGGED TABLE a (b int)", "table a"},
    {"CREATE SCHEMA IF NOT EXISTS app", "schema app"},
    {"CREATE EXTENSION IF NOT EXISTS x WITH SCHEMA app", "extension x"},
    {"CREATE OR REPLACE VIEW app.v AS SELECT 1", "view app v"},
    {"CREATE MATERIALIZED VIEW app.m AS SELECT 1", "materialized view app m"},
    {"CREATE SEQUENCE app.s", "sequence app s"},
    {"CREATE TYPE app.t AS ENUM ('a')", "type app t"},
    {"CREATE DOMAIN app.d AS int", "domain app d"},
    {"CREATE OR REPLACE FUNCTION app.f(a int) RETURNS int LANGUAGE sql AS 'x'", "function app f("},
    {"CREATE PROCEDURE app.p() LANGUAGE sql AS 'x'", "procedure app p("},
    {"CREATE UNIQUE INDEX i ON ONLY app.t USING btree (a)", "index app i"},
    {"CREATE INDEX i ON app.t (a)", "index app i"},
    {"CREATE OR REPLACE TRIGGER g BEFORE UPDATE OF b ON app.t FOR EACH ROW", "trigger app t g"},
    {"CREATE CONSTRAINT TRIGGER g AFTER INSERT ON app.t", "trigger app t g"},
    {"CREATE POLICY \"my own\" ON app.t TO x USING (true)", "policy app t my own"},
    {"CREATE RULE r AS ON INSERT TO app.t DO INSTEAD NOTHING", "rule app t r"},
    {"CREATE PUBLICATION p FOR ALL TABLES", "publication p"},
    {"CREATE STATISTICS app.s ON a, b FROM app.t", "statistics app s"},
    {"ALTER TABLE ONLY app.t ADD CONSTRAINT c PRIMARY KEY (a)", "constraint app t c"},
    {"ALTER TABLE ONLY app.t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES b",
     "fk constraint app t c"},
    {"ALTER TABLE app.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", "check constraint app t c"},
    {"ALTER TABLE app.t ENABLE ROW LEVEL SECURITY", "row security app t"},
    {"ALTER TABLE ONLY app.t ALTER COLUMN a SET DEFAULT 1", "default app t a"},
    {"ALTER TABLE ONLY app.t ATTACH PARTITION app.u FOR VALUES IN (1)", "table attach app u"},
    {"ALTER INDEX app.i ATTACH PARTITION app.j", "index attach app j"},
    {"ALTER SEQUENCE app.s OWNED BY app.t.a", "sequence owned by app s"},
    {"ALTER TABLE ONLY app.t ALTER COLUMN a SET STORAGE plain", NULL},
    {"ALTER TABLE app.t CLUSTER ON i", NULL},
    {"ALTER PUBLICATION p ADD TABLE app.t", NULL},
    {"COMMENT ON TABLE app.t IS 'CREATE TABLE x'", NULL},
    {"CREATE OPERATOR app.+ (FUNCTION = f)", NULL},
    {"CREATE TABLE", NULL},
    {"CREATE TABLE app.", NULL},
    {"CREATE TRIGGER g", NULL},
    {"", NULL},
};

START_TEST(statements_name_what_they_define)
{
    struct plain_object object = {0};
    bool names = statement_names(statements[_i].statement, &object);
    ck_assert_msg(names == (statements[_i].label != NULL), "%s", statements[_i].statement);
    if (!names)
        return;
    cleanup(free_pointer) char *label = schema_object_label(
        &(struct schema_object){.kind = object.kind, .schema = object.schema, .name = object.name});
    ck_assert_str_eq(label, statements[_i].label);
    free(object.kind);
    free(object.schema);
    free(object.name);
}
END_TEST

START_TEST(what_no_comment_names_is_read_from_statements)
{
    static const char text[] = "--\n-- PostgreSQL database dump\n--\n\n"
                               "CREATE TABLE public.a (b int);\n"
                               "ALTER TABLE public.a OWNER TO me;\n"
                               "CREATE ROLE me;\n"
                               "INSERT INTO public.a VALUES (1);\n"
                               "COMMENT ON TABLE public.a IS 'x';\n"
                               "SELECT pg_catalog.set_config('search_path', '', false);\n"
                               "%s--\n-- PostgreSQL database dump complete\n--\n\n";
    static const char named[] = "--\n-- Name: v; Type: VIEW; Schema: public; Owner: -\n--\n";
    for (int with = 0; with < 2; with++) {
        cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
        cleanup(free_pointer) char *whole = xasprintf(text, with ? named : "");
        struct schema schema;
        plain_read(whole, &totals);
        schema_find(&(struct archive){.plain = totals}, &none, &schema);
        /* Where comments name objects, what stands before them is none. */
        ck_assert_uint_eq(schema.count, with ? 0 : 1);
        ck_assert_int_eq(schema.unnamed, with ? 2 : 1);
        ck_assert_int_eq(schema.hollow, with ? 1 : 0);
        schema_free(&schema);
    }
}
END_TEST

Suite *schema_suite(void)
{
    Suite *suite = suite_create("schema");
    add_table_test(suite, definitions_are_the_same_that_say_the_same, ARRAY_LENGTH(definitions));
    add_test(suite, backslashes_escape_where_they_did_when_it_was_written);
    add_test(suite, the_roles_of_a_policy_have_no_order);
    add_table_test(suite, each_rule_leaves_out_what_it_is_for, ARRAY_LENGTH(ruled));
    add_table_test(suite, the_difference_of_two_schemas, ARRAY_LENGTH(cases));
    add_test(suite, what_was_excluded_is_counted);
    add_test(suite, totals_tell_kinds_apart);
    add_test(suite, comments_of_plain_sql_name_its_objects);
    add_table_test(suite, statements_name_what_they_define, ARRAY_LENGTH(statements));
    add_test(suite, what_no_comment_names_is_read_from_statements);
    return suite;
}
