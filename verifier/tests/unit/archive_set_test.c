/* Files of one backup: each as a part, and together. */
#include <stdlib.h>
#include <string.h>

#include "archive/data_only.h"
#include "archive/gaps.h"
#include "archive/set.h"
#include "base/memory.h"
#include "checks/kinds.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define SETTINGS "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n"
#define RESET    "\nRESET ALL;\n"
#define ROLES                                                                                      \
    SETTINGS "CREATE ROLE \"reader\";\nALTER ROLE \"anon\" SET \"statement_timeout\" TO '3s';\n"
#define SCHEMA                                                                                     \
    SETTINGS "CREATE SCHEMA IF NOT EXISTS \"own\";\n"                                              \
             "CREATE EXTENSION IF NOT EXISTS \"citext\" WITH SCHEMA \"extensions\";\n"             \
             "CREATE TABLE IF NOT EXISTS \"public\".\"a\" (id int);\n"                             \
             "CREATE TABLE IF NOT EXISTS \"public\".\"b\" (id int);\n"                             \
             "CREATE TABLE IF NOT EXISTS \"own\".\"c\" (id int) PARTITION BY LIST (id);\n"         \
             "CREATE SEQUENCE IF NOT EXISTS \"public\".\"a_id_seq\";\n"                            \
             "ALTER PUBLICATION \"live\" OWNER TO \"postgres\";\n"                                 \
             "GRANT SELECT ON TABLE \"public\".\"a\" TO \"reader\", \"anon\";\n"
#define COPY_A "COPY \"public\".\"a\" (\"id\") FROM stdin;\n1\n2\n\\.\n"
#define COPY_B "COPY \"public\".\"b\" (\"id\") FROM stdin;\n\\.\n"
#define SETVAL "SELECT pg_catalog.setval('\"public\".\"a_id_seq\"', 2, true);\n"
#define DATA   "SET session_replication_role = replica;\n\n" SETTINGS COPY_A COPY_B SETVAL

#define INSERTS "INSERT INTO \"public\".\"a\" VALUES (1);\n"

struct written {
    enum backup_part part;
    const char *text;
};

static int part_read(const char *scratch, const struct written *file, struct archive *ret_part,
                     struct error *error)
{
    cleanup(free_pointer) char *name = xasprintf("%s.sql", backup_part_name(file->part));
    cleanup(free_pointer) char *path = scratch_path(scratch, name);
    const struct archive_options options = {.is_part = true, .threads = 1};
    scratch_write(path, file->text, 0644);
    int outcome = archive_read(ret_part, path, &options, error);
    ret_part->part = file->part;
    ret_part->name = take(&name);
    return outcome;
}

static int set_read(const char *scratch, const struct written *files, size_t count,
                    struct archive *ret_archive, struct error *error)
{
    struct archive *parts = xcalloc(count, sizeof(*parts));
    struct error unjoined = {0};
    int outcome = 0;
    size_t read = 0;
    for (; read < count && outcome == 0; read++)
        outcome = part_read(scratch, &files[read], &parts[read], error);
    int joined = archive_of_set(ret_archive, parts, read, &unjoined);
    if (outcome == 0 && joined < 0)
        *error = unjoined;
    return outcome < 0 ? -1 : joined;
}

/* "public.a 2 rows", ... */
static char *tables_told(const struct archive *archive)
{
    cleanup(strings_free) struct strings words = {0};
    for (size_t i = 0; i < archive->table_count; i++) {
        const struct archive_table *table = &archive->tables[i];
        cleanup(free_pointer) char *label = archive_table_label(table);
        strings_addf(&words, "%s %lld%s%s", label, (long long)table->totals.rows,
                     table->has_data ? "" : " no data", table->partitioned ? " partitioned" : "");
    }
    return strings_listed(&words);
}

START_TEST(parts_are_one_backup)
{
    static const struct written files[] = {
        {PART_ROLES, ROLES RESET}, {PART_SCHEMA, SCHEMA RESET}, {PART_DATA, DATA RESET}};
    cleanup(scratch_free) char *scratch = scratch_new();
    struct archive archive = {0};
    struct error error = {0};
    ck_assert_msg(set_read(scratch, files, 3, &archive, &error) == 0, "%s", error.text);
    cleanup(free_pointer) char *tables = tables_told(&archive);
    cleanup(free_pointer) char *roles = strings_listed(&archive.roles);
    cleanup(free_pointer) char *created = strings_listed(&archive.created_roles);
    cleanup(free_pointer) char *schemas = strings_listed(&archive.created_schemas);
    cleanup(free_pointer) char *publications = strings_listed(&archive.publications);
    ck_assert_str_eq(tables, "public.a 2, public.b 0 and own.c 0 no data partitioned");
    ck_assert_str_eq(roles, "anon and postgres");
    ck_assert_str_eq(created, "reader");
    ck_assert_str_eq(schemas, "own");
    ck_assert_str_eq(publications, "live");
    ck_assert_uint_eq(archive.extension_count, 1);
    ck_assert(archive.complete && archive.end == ARCHIVE_END_RESET);
    ck_assert_int_eq(archive.sequence_count, archive.sequence_values);
    ck_assert_int_eq(archive.stored_bytes, (int64_t)strlen(ROLES SCHEMA DATA RESET RESET RESET));
    ck_assert_ptr_eq(archive_main(&archive), &archive.parts[2]);
    struct archive copy = archive;
    archive_free(&copy);
}
END_TEST

#define BEGIN "--\n-- PostgreSQL database dump\n--\n\n" SETTINGS
#define END   "--\n-- PostgreSQL database dump complete\n--\n"

/* What is asked of a file that is the whole backup. */
static char *seen(const struct archive *archive)
{
    const struct archive_database *databases[4];
    cleanup(strings_free) struct strings words = {0};
    cleanup(gaps_free) struct gaps gaps;
    cleanup(free_pointer) char *appended = archive_appended(archive);
    if (appended)
        strings_add(&words, appended);
    if (archive_appended_changes_rows(archive))
        strings_add(&words, "changes rows");
    gaps_find(archive, &gaps);
    for (size_t i = 0; i < gaps.table_count; i++)
        strings_addf(&words, "no rows of %s.%s", gaps.tables[i].schema, gaps.tables[i].name);
    if (archive_is_data_only(archive))
        strings_add(&words, "data only");
    ck_assert_uint_le(archive->database_part_count, ARRAY_LENGTH(databases));
    size_t count = archive_databases(archive, databases);
    for (size_t i = 0; i < count; i++)
        strings_addf(&words, "%s with %zu", databases[i]->name, databases[i]->table_count);
    return strings_listed(&words);
}

static const struct {
    struct written files[3];
    const char *seen;
} together[] = {
    {{{PART_ROLES, ROLES}, {PART_SCHEMA, SCHEMA}, {PART_DATA, DATA}}, "no rows of own.c"},
    {{{PART_PLATFORM, SETTINGS "CREATE TABLE own.c (id int);\n"},
      {PART_SCHEMA, SETTINGS "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\n"},
      {PART_DATA, DATA}},
     ""},
    {{{PART_PLATFORM, SETTINGS},
      {PART_SCHEMA, SETTINGS "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\n"},
      {PART_DATA, SETTINGS INSERTS}},
     ""},
    {{{PART_ROLES, ROLES}, {PART_PLATFORM, SETTINGS}, {PART_DATA, DATA}}, "data only"},
    {{{PART_ROLES, ROLES},
      {PART_SCHEMA, SETTINGS "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\n"},
      {PART_DATA, BEGIN COPY_A COPY_B END "DELETE FROM a;\n"}},
     "data.sql: 1 statement follows the end of the dump, on line 16 (DELETE FROM a) and changes "
     "rows"},
    {{{PART_GLOBALS, ROLES "\\connect template1\n"},
      {PART_SCHEMA, BEGIN "\\connect shop\nCREATE TABLE a (id int);\n" END},
      {PART_DATA, BEGIN "\\connect shop\n" COPY_A COPY_B END}},
     "shop with 2"},
};

START_TEST(what_holds_for_one_file_holds_for_parts)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct archive archive = {0};
    struct error error = {0};
    ck_assert_msg(set_read(scratch, together[_i].files, 3, &archive, &error) == 0, "%s",
                  error.text);
    cleanup(free_pointer) char *words = seen(&archive);
    ck_assert_str_eq(words, together[_i].seen);
    archive_free(&archive);
}
END_TEST

static const struct {
    const char *about;
    struct written files[3];
    const char *error; /* NULL: it is read */
} cuts[] = {
    {"nothing has an end mark",
     {{PART_ROLES, ROLES}, {PART_SCHEMA, SCHEMA}, {PART_DATA, DATA}},
     NULL},
    {"the data lack what the others have",
     {{PART_ROLES, ROLES RESET}, {PART_SCHEMA, SCHEMA RESET}, {PART_DATA, DATA}},
     "data.sql was cut off: it lacks the last line of a file of `supabase db dump`, \"RESET "
     "ALL;\", "
     "which schema.sql has"},
    {"the roles lack it",
     {{PART_ROLES, ROLES}, {PART_SCHEMA, SCHEMA RESET}, {PART_DATA, DATA RESET}},
     "roles.sql was cut off"},
    {"in a COPY",
     {{PART_ROLES, ROLES RESET},
      {PART_SCHEMA, SCHEMA RESET},
      {PART_DATA, SETTINGS "COPY \"public\".\"a\" (\"id\") FROM stdin;\n1\n"}},
     "in the data of table public.a, behind row 1"},
    {"in a statement",
     {{PART_ROLES, ROLES RESET},
      {PART_SCHEMA, SETTINGS "CREATE TABLE \"a\" (id"},
      {PART_DATA, DATA}},
     "the dump is cut: it ends on line 3"},
    {"behind \\restrict",
     {{PART_ROLES, "\\restrict abc\n" ROLES}, {PART_SCHEMA, SCHEMA}, {PART_DATA, DATA}},
     "without the \\unrestrict"},
    {"a header without its trailer",
     {{PART_ROLES, ROLES},
      {PART_SCHEMA, SCHEMA},
      {PART_DATA,
       "SET session_replication_role = replica;\n\n--\n-- PostgreSQL database dump\n--\n" SETTINGS
           COPY_A RESET}},
     "without the line \"-- PostgreSQL database dump complete\""},
    {"a psql command",
     {{PART_ROLES, ROLES "\\! id\n"}, {PART_SCHEMA, SCHEMA}, {PART_DATA, DATA}},
     "the psql command \\!"},
};

START_TEST(what_was_cut_is_seen)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    struct archive archive = {0};
    struct error error = {0};
    int outcome = set_read(scratch, cuts[_i].files, 3, &archive, &error);
    ck_assert_msg((outcome == 0) == !cuts[_i].error, "%s: %s", cuts[_i].about, error.text);
    ck_assert(archive.complete == (outcome == 0));
    if (outcome < 0)
        ck_assert_msg(error.fault == FAULT_BACKUP && strstr(error.text, cuts[_i].error), "%s: %s",
                      cuts[_i].about, error.text);
    archive_free(&archive);
}
END_TEST

/* A file that is not said to be a part needs its beginning. */
START_TEST(alone_it_is_refused)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "data.sql");
    const struct archive_options options = {.threads = 1};
    struct archive archive = {0};
    struct error error = {0};
    scratch_write(path, DATA RESET, 0644);
    ck_assert_int_eq(archive_read(&archive, path, &options, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_BACKUP);
    ck_assert_msg(strstr(error.text, "one of the files of `supabase db dump`"), "%s", error.text);
    archive_free(&archive);
}
END_TEST

/* What the scenario counts ("a b"), and what is said then of data without an end mark. */
static const struct {
    const char *data;
    const char *counted;
    bool manifest;
    const char *words; /* NULL: nothing */
} ends[] = {
    {DATA, "", false,
     "data.sql has no end mark: whether it was cut off can be told only by a "
     "row_count under `tables`, or by a manifest"},
    {DATA, "public.b", false, NULL},
    {DATA, "", true, NULL},
    {SETTINGS COPY_A, "a", false, "can be told only by a row_count of public.b, or by a manifest"},
    {SETTINGS COPY_A, "b", false, "cannot be told: 1 sequence has no value in it"},
    {SETTINGS COPY_A SETVAL, "b", false, NULL},
    {SETTINGS INSERTS SETVAL, "b", false, "can be told only by a row_count of public.a, or"},
    {SETTINGS INSERTS SETVAL, "a", false, "can be told only by a row_count of public.b, or"},
    {SETTINGS INSERTS SETVAL, "a b", false, NULL},
    {SETTINGS INSERTS, "a b", true, NULL},
};

static void count_tables(const char *counted, struct scenario *scenario,
                         struct table_expectations tables[2], struct expectation *expectation)
{
    *expectation = (struct expectation){.metric = METRIC_ROW_COUNT};
    scenario->tables = tables;
    for (const char *at = counted; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        tables[scenario->table_count++] = (struct table_expectations){
            .table = xstrndup(at, length), .expectations = expectation, .count = 1};
        at += length;
    }
}

START_TEST(what_would_tell_the_end_is_said)
{
    const struct written files[] = {{PART_SCHEMA, SCHEMA}, {PART_DATA, ends[_i].data}};
    cleanup(scratch_free) char *scratch = scratch_new();
    struct archive archive = {0};
    struct error error = {0};
    struct expectation expectation;
    struct table_expectations tables[2];
    struct scenario scenario = {0};
    struct manifest manifest = {0};
    ck_assert_msg(set_read(scratch, files, 2, &archive, &error) == 0, "%s", error.text);
    archive.parts[0].end = ARCHIVE_END_SURE;
    count_tables(ends[_i].counted, &scenario, tables, &expectation);
    const struct subject subject = {.scenario = &scenario,
                                    .archive = &archive,
                                    .manifest = ends[_i].manifest ? &manifest : NULL};
    struct buffer words;
    buffer_init(&words, 1024);
    bool known = ends_are_known(&subject, &words);
    ck_assert_msg(known == !ends[_i].words, "%d: %s", _i, words.data);
    ck_assert_msg(known || strstr(words.data, ends[_i].words), "%d: %s", _i, words.data);
    buffer_free(&words);
    for (size_t i = 0; i < scenario.table_count; i++)
        free(tables[i].table);
    archive_free(&archive);
}
END_TEST

Suite *archive_set_suite(void)
{
    Suite *suite = suite_create("archive/set");
    add_test(suite, parts_are_one_backup);
    add_table_test(suite, what_holds_for_one_file_holds_for_parts, ARRAY_LENGTH(together));
    add_table_test(suite, what_was_cut_is_seen, ARRAY_LENGTH(cuts));
    add_test(suite, alone_it_is_refused);
    add_table_test(suite, what_would_tell_the_end_is_said, ARRAY_LENGTH(ends));
    return suite;
}
