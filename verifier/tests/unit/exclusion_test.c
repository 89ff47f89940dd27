/* Exclusions and requirements, asked of archives that are made by hand. */
#include "stages/exclusion.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "stages/grantors.h"
#include "stages/requirements.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static char nothing[] = "";

#define ENTRY(id, kind, in_schema, name)                                                           \
    {                                                                                              \
        .dump_id = (id), .description = (char[]){kind}, .schema = (char[]){in_schema},             \
        .tag = (char[]){name}, .owner = nothing, .definition = nothing                             \
    }

#define DEPENDS(entry, ...)                                                                        \
    do {                                                                                           \
        static int ids_[] = {__VA_ARGS__};                                                         \
        (entry).dependencies = ids_;                                                               \
        (entry).dependency_count = ARRAY_LENGTH(ids_);                                             \
    } while (0)

static const struct {
    const char *names[3];
    const char *left_out; /* dump ids */
    size_t unmatched;
} exclusions[] = {
    {{NULL}, "", 0},
    {{"EXTENSION pg_graphql"}, "1,", 0},
    {{"EXTENSION - pg_graphql"}, "1,", 0},
    {{"EXTENSION pg"}, "", 1},
    {{"SCHEMA auth"}, "2,3,4,8,9,", 0}, /* with what is in it, and what depends on that */
    {{"TABLE public users"}, "6,5,7,8,9,", 0},
    {{"TABLE users"}, "6,3,4,5,7,8,9,", 0}, /* in whatever schema */
    {{"TABLE auth users"}, "3,4,8,9,", 0},
    {{"TABLE DATA public users"}, "5,", 0},
    {{"TABLE DATA public other"}, "", 0}, /* which the archive defines and has no rows of */
    {{"TABLE DATA other"}, "", 0},
    {{"TABLE DATA public another"}, "", 1},
    {{"TABLE public users", "SCHEMA nowhere", "EXTENSION pg_graphql"}, "1,6,5,7,8,9,", 1},
    {{"VIEW public both"}, "8,9,", 0},
    {{""}, "", 1},
};

START_TEST(what_is_named_goes_with_what_needs_it)
{
    struct archive_entry entries[] = {
        ENTRY(1, "EXTENSION", "", "pg_graphql"),
        ENTRY(2, "SCHEMA", "", "auth"),
        ENTRY(9, "VIEW", "public", "upon"),
        ENTRY(8, "VIEW", "public", "both"), /* before what it depends on */
        ENTRY(3, "TABLE", "auth", "users"),
        ENTRY(4, "TABLE DATA", "auth", "users"),
        ENTRY(5, "TABLE DATA", "public", "users"),
        ENTRY(6, "TABLE", "public", "users"),
        ENTRY(7, "INDEX", "public", "users_key"),
        ENTRY(2000000000, "TABLE", "public", "other"),
    };
    DEPENDS(entries[2], 8);
    DEPENDS(entries[3], 6, 3);
    DEPENDS(entries[4], 2);
    DEPENDS(entries[5], 3);
    DEPENDS(entries[6], 6);
    DEPENDS(entries[8], 6, 777); /* 777: not in the archive */
    struct archive archive = {.entries = entries, .entry_count = ARRAY_LENGTH(entries)};
    cleanup(strings_free) struct strings names = {0};
    for (size_t i = 0; i < 3 && exclusions[_i].names[i]; i++)
        strings_add(&names, exclusions[_i].names[i]);
    struct exclusion exclusion;
    exclusion_find(&archive, &names, &exclusion);
    size_t expected = 0;
    for (size_t i = 0; i < archive.entry_count; i++) {
        cleanup(free_pointer) char *id = xasprintf("%d,", entries[i].dump_id);
        bool wanted = strstr(exclusions[_i].left_out, id) != NULL;
        ck_assert_msg(exclusion.left_out[i] == wanted, "entry %s", id);
        expected += wanted;
    }
    ck_assert_uint_eq(exclusion.count, expected);
    ck_assert_uint_eq(exclusion.unmatched.count, exclusions[_i].unmatched);
    exclusion_free(&exclusion);
}
END_TEST

START_TEST(the_list_is_what_pg_restore_reads)
{
    struct archive_entry entries[] = {ENTRY(10, "TABLE", "public", "a"),
                                      ENTRY(5, "TABLE", "public", "b"),
                                      ENTRY(7, "TABLE", "public", "c")};
    struct archive archive = {.entries = entries, .entry_count = ARRAY_LENGTH(entries)};
    cleanup(strings_free) struct strings names = {0};
    strings_add(&names, "TABLE b");
    struct exclusion exclusion;
    exclusion_find(&archive, &names, &exclusion);
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "list");
    struct error error = {0};
    struct buffer list;
    ck_assert_int_eq(exclusion_write_list(&archive, &exclusion, path, &error), 0);
    ck_assert_int_eq(file_read(path, 1000, &list, &error), 0);
    ck_assert_str_eq(list.data, "10;\n7;\n");
    buffer_free(&list);
    ck_assert_int_eq(exclusion_write_list(&archive, &exclusion, "/nowhere/list", &error), -1);
    exclusion_free(&exclusion);
}
END_TEST

static const struct {
    const char *server_version;
    int header_minor;
    int major;
    const char *pg_dump_version;
    bool has_statistics;
} majors[] = {
    {"15.18 (Debian)", 14, 15, NULL, false},
    {"15.18", 16, 17, "18.6", false},
    {"15.18", 16, 18, "18.6 (Debian 18.6-3)", true},
    {"16.2", 15, 16, "16.2", false},
    {"18.0", 16, 18, "18.6", true},
    {"9.6.24", 12, 9, NULL, false},
    {NULL, 16, 17, NULL, false},
    {NULL, 15, 16, NULL, false},
    {NULL, 14, 12, NULL, false},
    {"odd", 14, 12, NULL, false},
    /* plain SQL has no header */
    {NULL, 0, 0, NULL, false},
    {"15.18", 0, 15, "15.18", false},
    {"15.18", 0, 15, "16.14", false},
    {"15.18", 0, 17, "17.12", false},
    {"15.18", 0, 17, "18.6", false},
    {"18.6", 0, 18, "18.6", false},
};

START_TEST(an_archive_says_which_server_it_needs)
{
    struct archive_entry statistics = {.description = (char[]){"STATISTICS DATA"}};
    struct archive archive = {.version_major = 1,
                              .version_minor = majors[_i].header_minor,
                              .format = majors[_i].header_minor ? ARCHIVE_CUSTOM : ARCHIVE_PLAIN,
                              .entries = &statistics,
                              .entry_count = majors[_i].has_statistics};
    cleanup(free_pointer) char *version =
        majors[_i].server_version ? xstrdup(majors[_i].server_version) : NULL;
    cleanup(free_pointer) char *pg_dump =
        majors[_i].pg_dump_version ? xstrdup(majors[_i].pg_dump_version) : NULL;
    archive.server_version = version;
    archive.pg_dump_version = pg_dump;
    struct required_versions required = required_versions(&archive);
    ck_assert_int_eq(required.server, majors[_i].major);
    static const int readers[] = {[16] = 17, [15] = 16, [14] = 12}; /* of pg_restore */
    ck_assert_int_eq(required.reader, readers[majors[_i].header_minor]);
}
END_TEST

static const struct {
    const char *before, *after;
} grants[] = {
    {"GRANT a TO b;\n", "GRANT a TO b;\n"},
    {"GRANT a TO b GRANTED BY c;\nGRANT d TO e WITH INHERIT TRUE GRANTED BY \"f;\";\n",
     "GRANT a TO b             ;\nGRANT d TO e WITH INHERIT TRUE                ;\n"},
    {"GRANT \" GRANTED BY x\" TO b GRANTED BY c;\n",
     "GRANT \" GRANTED BY x\" TO b             ;\n"},
    {"CREATE ROLE a;\n-- GRANT a TO b GRANTED BY c;\n", NULL},
    {"GRANT a TO b GRANTED BY c", NULL},
    {"\\connect x\nGRANT a TO b GRANTED BY c;\n", NULL},
    {"", NULL},
};

START_TEST(grantors_of_roles_are_left_out)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "all.sql");
    struct error error = {0};
    struct buffer text;
    scratch_write(path, grants[_i].before, 0600);
    ck_assert_int_eq(grantors_leave_out(path, &error), 0);
    ck_assert_int_eq(file_read(path, 1000, &text, &error), 0);
    ck_assert_str_eq(text.data, grants[_i].after ? grants[_i].after : grants[_i].before);
    buffer_free(&text);
    ck_assert_int_eq(grantors_leave_out("/nowhere/all.sql", &error), -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
}
END_TEST

static const struct {
    char kind[32], tag[32], definition[128];
    const char *reason; /* NULL: an ordinary role will do */
} objects[] = {
    {"TABLE", "t", "CREATE TABLE t ()", NULL},
    {"FUNCTION", "f()", "CREATE FUNCTION f() ... LANGUAGE sql", NULL},
    {"FUNCTION", "f()", "CREATE FUNCTION f() ... LANGUAGE c", "it has the FUNCTION f()"},
    {"EVENT TRIGGER", "e", "", "it has the EVENT TRIGGER e"},
    {"PROCEDURAL LANGUAGE", "plpython3u", "", "it has the PROCEDURAL LANGUAGE plpython3u"},
    {"PROCEDURAL LANGUAGE", "plperl", "", NULL},
    {"PUBLICATION", "p", "CREATE PUBLICATION p FOR ALL TABLES", "it has the PUBLICATION p"},
    {"PUBLICATION", "p", "CREATE PUBLICATION p WITH (...)", NULL},
};

START_TEST(only_some_objects_need_a_superuser)
{
    char kind[32];
    char tag[32];
    char definition[128];
    memcpy(kind, objects[_i].kind, sizeof(kind));
    memcpy(tag, objects[_i].tag, sizeof(tag));
    memcpy(definition, objects[_i].definition, sizeof(definition));
    struct archive_entry entry = {
        .description = kind, .tag = tag, .definition = definition, .schema = nothing};
    struct archive archive = {.format = ARCHIVE_CUSTOM, .entries = &entry, .entry_count = 1};
    cleanup(free_pointer) char *reason = superuser_reason(&archive, NULL);
    ck_assert_pstr_eq(reason, objects[_i].reason);
    archive.format = ARCHIVE_PLAIN;
    cleanup(free_pointer) char *plain = superuser_reason(&archive, NULL);
    ck_assert_ptr_nonnull(plain);
}
END_TEST

static const struct {
    char definition[160];
    const char *options;
} locales[] = {
    {"CREATE DATABASE x WITH ENCODING = 'UTF8' LC_COLLATE = 'C' LC_CTYPE = 'C.UTF-8';",
     "LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' "},
    {"CREATE DATABASE x WITH ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'en_US.UTF-8';",
     "LOCALE_PROVIDER libc LOCALE 'en_US.UTF-8' "},
    {"CREATE DATABASE x WITH LOCALE_PROVIDER = icu LOCALE = 'C' ICU_LOCALE = 'de';",
     "LOCALE_PROVIDER icu LOCALE 'C' ICU_LOCALE 'de' "},
    {"CREATE DATABASE x WITH LOCALE_PROVIDER = icu ICU_LOCALE = 'de' ICU_RULES = '&a < ''b';",
     "LOCALE_PROVIDER icu ICU_LOCALE 'de' ICU_RULES '&a < ''b' "},
    {"CREATE DATABASE x WITH LOCALE_PROVIDER = builtin LOCALE = 'C' BUILTIN_LOCALE = 'C.UTF-8';",
     "LOCALE_PROVIDER builtin LOCALE 'C' BUILTIN_LOCALE 'C.UTF-8' "},
    {"CREATE DATABASE x WITH LC_COLLATE = 'C;", NULL},
    {"CREATE DATABASE x WITH LC_COLLATE = ; DROP", NULL},
    {"CREATE DATABASE x;", NULL},
    {"", NULL},
};

START_TEST(the_locale_is_read_from_the_database)
{
    char definition[160];
    memcpy(definition, locales[_i].definition, sizeof(definition));
    struct archive_entry entries[] = {ENTRY(1, "TABLE", "public", "LC_COLLATE = 'no'"),
                                      ENTRY(2, "DATABASE", "", "x")};
    entries[1].definition = definition;
    struct archive archive = {.entries = entries, .entry_count = 2};
    cleanup(free_pointer) char *options = required_locale(&archive);
    ck_assert_pstr_eq(options, locales[_i].options);
}
END_TEST

static const struct {
    char kind[16], tag[16], definition[80];
    bool creates;
} schemas[] = {
    {"COMMENT", "SCHEMA public", "COMMENT ON SCHEMA public IS 'CREATE SCHEMA public';", false},
    {"SCHEMA", "publicity", "CREATE SCHEMA publicity;\n", false},
    {"SCHEMA", "public", "CREATE SCHEMA public;\n", true},
    {"SCHEMA", "public", "\nCREATE SCHEMA \"public\";\n", true},
    /* what pg_dump since 15 writes for one that is the database's own no longer */
    {"SCHEMA", "public", "-- *not* creating schema, since initdb creates it\n", false},
    {"SCHEMA", "public", "-- *not* creating schema\nCREATE SCHEMA public;\n", true},
    {"SCHEMA", "public", "", false},
};

START_TEST(the_public_schema_is_found)
{
    char kind[16], tag[16], definition[80];
    memcpy(kind, schemas[_i].kind, sizeof(kind));
    memcpy(tag, schemas[_i].tag, sizeof(tag));
    memcpy(definition, schemas[_i].definition, sizeof(definition));
    struct archive_entry entries[] = {ENTRY(1, "TABLE", "public", "t"), ENTRY(2, "", "", "")};
    entries[1].description = kind;
    entries[1].tag = tag;
    entries[1].definition = definition;
    struct archive archive = {.entries = entries, .entry_count = ARRAY_LENGTH(entries)};
    ck_assert_int_eq(creates_public_schema(&archive), schemas[_i].creates);
}
END_TEST

START_TEST(statistics_are_left_out_for_old_servers)
{
    struct archive_entry entries[] = {ENTRY(1, "TABLE", "public", "t"),
                                      ENTRY(2, "STATISTICS DATA", "public", "t"),
                                      ENTRY(3, "STATISTICS", "public", "t")};
    struct archive archive = {.entries = entries, .entry_count = ARRAY_LENGTH(entries)};
    struct exclusion exclusion;
    exclusion_find(&archive, &(struct strings){0}, &exclusion);
    ck_assert_uint_eq(exclusion_leave_out_statistics(&archive, &exclusion), 1);
    ck_assert_uint_eq(exclusion.count, 1);
    ck_assert(exclusion.left_out[1]);
    exclusion_free(&exclusion);
}
END_TEST

Suite *exclusion_suite(void)
{
    Suite *suite = suite_create("stages/exclusion");
    add_table_test(suite, what_is_named_goes_with_what_needs_it, ARRAY_LENGTH(exclusions));
    add_test(suite, the_list_is_what_pg_restore_reads);
    add_table_test(suite, grantors_of_roles_are_left_out, ARRAY_LENGTH(grants));
    add_table_test(suite, an_archive_says_which_server_it_needs, ARRAY_LENGTH(majors));
    add_table_test(suite, only_some_objects_need_a_superuser, ARRAY_LENGTH(objects));
    add_table_test(suite, the_locale_is_read_from_the_database, ARRAY_LENGTH(locales));
    add_table_test(suite, the_public_schema_is_found, ARRAY_LENGTH(schemas));
    add_test(suite, statistics_are_left_out_for_old_servers);
    return suite;
}
