/* Backups that are sets of files, in a directory (test 0) and in a bucket (test 1). */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shelf/backup_list.h"
#include "shelf/find.h"
#include "shelf/retention.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

static char roles[] = "roles_%F.sql", schema[] = "schema_%F.sql", data[] = "data_%F.sql",
            night[] = "night_%F";
static const struct backup_names supabase = {
    .patterns = {[PART_ROLES] = roles, [PART_SCHEMA] = schema, [PART_DATA] = data}};
static const struct backup_names folders = {.patterns = {night}};

/* What lies on the shelf ("NAME" with its name as content, "NAME?" empty), and what is found. */
static const struct {
    const char *about;
    const struct backup_names *names;
    const char *files[9];
    const char *found; /* the backup, and its parts; NULL: none */
    const char *notice;
} cases[] = {
    {"a whole night",
     &supabase,
     {"data_2026-11-25.sql", "roles_2026-11-25.sql", "schema_2026-11-25.sql", "notes.txt"},
     "data_2026-11-25.sql: roles_2026-11-25.sql schema_2026-11-25.sql data_2026-11-25.sql",
     NULL},
    {"a newer night without its data",
     &supabase,
     {"data_2026-11-25.sql", "roles_2026-11-25.sql", "schema_2026-11-25.sql",
      "roles_2026-11-26.sql", "schema_2026-11-26.sql"},
     "data_2026-11-25.sql: roles_2026-11-25.sql schema_2026-11-25.sql data_2026-11-25.sql",
     "the backup of 2026-11-26 is not complete: data_2026-11-26.sql is missing"},
    {"a newer night with nothing but its data",
     &supabase,
     {"data_2026-11-25.sql", "roles_2026-11-25.sql", "schema_2026-11-25.sql",
      "data_2026-11-26.sql"},
     "data_2026-11-25.sql: roles_2026-11-25.sql schema_2026-11-25.sql data_2026-11-25.sql",
     "the backup of 2026-11-26 is not complete: roles_2026-11-26.sql and schema_2026-11-26.sql "
     "are missing"},
    {"a newer night with an empty part",
     &supabase,
     {"data_2026-11-25.sql", "roles_2026-11-25.sql", "schema_2026-11-25.sql",
      "data_2026-11-26.sql?", "roles_2026-11-26.sql", "schema_2026-11-26.sql"},
     "data_2026-11-25.sql: roles_2026-11-25.sql schema_2026-11-25.sql data_2026-11-25.sql",
     "data_2026-11-26.sql is empty"},
    {"no whole night",
     &supabase,
     {"data_2026-11-25.sql", "roles_2026-11-25.sql"},
     NULL,
     "the backup of 2026-11-25 is not complete: schema_2026-11-25.sql is missing"},
    {"a directory a night",
     &folders,
     {"night_2026-11-25/schema.sql.gz", "night_2026-11-25/data.sql", "night_2026-11-25/roles.sql",
      "night_2026-11-25/README"},
     "night_2026-11-25: night_2026-11-25/roles.sql night_2026-11-25/schema.sql.gz "
     "night_2026-11-25/data.sql",
     NULL},
    {"sections with dashes in a directory",
     &folders,
     {"night_2026-11-25/post-data.dump", "night_2026-11-25/pre-data.dump",
      "night_2026-11-25/data.dump"},
     "night_2026-11-25: night_2026-11-25/pre-data.dump night_2026-11-25/data.dump "
     "night_2026-11-25/post-data.dump",
     NULL},
    {"an empty part in a newer directory",
     &folders,
     {"night_2026-11-25/roles.sql", "night_2026-11-25/data.sql", "night_2026-11-26/roles.sql",
      "night_2026-11-26/data.sql?"},
     "night_2026-11-25: night_2026-11-25/roles.sql night_2026-11-25/data.sql",
     "night_2026-11-26/data.sql is empty"},
};

static void file_put(struct shelf *shelf, const char *scratch, const char *file)
{
    size_t length = strcspn(file, "?");
    cleanup(free_pointer) char *name = xstrndup(file, length);
    struct error error;
    const char *slash = strchr(name, '/');
    if (slash && shelf_directory(shelf)) {
        cleanup(free_pointer) char *folder =
            xasprintf("%s/%.*s", scratch, (int)(slash - name), name);
        cleanup(shelf_freep) struct shelf *inner = shelf_of_directory(folder);
        mkdir(folder, 0755);
        ck_assert_int_eq(shelf_write(inner, slash + 1, file[length] ? "" : name, &error), 0);
        return;
    }
    ck_assert_msg(shelf_write(shelf, name, file[length] ? "" : name, &error) == 0, "%s",
                  error.text);
}

static char *described(const struct backup_file *file)
{
    char *words = xasprintf("%s:", file->name);
    for (size_t i = 0; i < file->part_count; i++) {
        char *longer = xasprintf("%s %s", words, file->parts[i].name);
        free(words);
        words = longer;
    }
    return words;
}

static void check_found(const struct backup_file *file, const char *wanted)
{
    cleanup(free_pointer) char *found = described(file);
    int64_t size_bytes = 0;
    for (size_t i = 0; i < file->part_count; i++) {
        ck_assert_int_eq(file->parts[i].size_bytes, (int64_t)strlen(file->parts[i].name));
        ck_assert_msg(ends_with(file->parts[i].path, file->parts[i].name), "%s",
                      file->parts[i].path);
        size_bytes += file->parts[i].size_bytes;
        ck_assert(i == 0 || file->parts[i - 1].part < file->parts[i].part);
    }
    ck_assert_str_eq(found, wanted);
    ck_assert_int_eq(file->size_bytes, size_bytes);
    ck_assert(file->has_name_date && file->name_date.day == 25);
}

static void find_one(size_t index, bool bucket)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(scratch, bucket);
    cleanup(backup_file_free) struct backup_file file = {0};
    cleanup(strings_free) struct strings notices = {0};
    struct error error = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(cases[index].files) && cases[index].files[i]; i++)
        file_put(shelf, scratch, cases[index].files[i]);
    int found = backup_find(shelf, cases[index].names, &file, &notices, &error);
    ck_assert_msg((found == 0) == (cases[index].found != NULL), "%s: %s", cases[index].about,
                  error.text);
    if (found == 0)
        check_found(&file, cases[index].found);
    else
        ck_assert(error.fault == FAULT_BACKUP && strstr(error.text, cases[index].notice));
    if (cases[index].notice)
        ck_assert_str_eq(notices.items[0], cases[index].notice);
    else
        ck_assert_uint_eq(notices.count, 0);
}

START_TEST(the_latest_whole_set_is_found)
{
    setenv("TZ", "UTC", 1);
    find_one((size_t)_i, false);
    find_one((size_t)_i, true);
}
END_TEST

START_TEST(one_of_its_files_stands_for_the_set)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(scratch, _i == 1);
    cleanup(backup_file_free) struct backup_file file = {0}, directory = {0}, none = {0};
    struct error error = {0};
    for (size_t i = 0; i < 5; i++)
        file_put(shelf, scratch, cases[1].files[i]);
    ck_assert_int_eq(backup_stat(shelf, "schema_2026-11-25.sql", &supabase, &file, &error), 0);
    check_found(&file, cases[1].found);
    ck_assert_int_eq(backup_stat(shelf, "schema_2026-11-26.sql", &supabase, &none, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_str_eq(error.text, cases[1].notice);
    for (size_t i = 0; i < 4; i++)
        file_put(shelf, scratch, cases[5].files[i]);
    ck_assert_int_eq(backup_stat(shelf, "night_2026-11-25", NULL, &directory, &error), 0);
    ck_assert_uint_eq(directory.part_count, 3);
    ck_assert_int_eq(backup_stat(shelf, "night_2026-11-24", NULL, &none, &error), -1);
    ck_assert_msg(strstr(error.text, "there is no backup "), "%s", error.text);
}
END_TEST

/* Each file is asked for: of files side by side, and of those in a directory. */
START_TEST(a_set_of_which_a_file_is_another_one_is_not_what_was_found)
{
    static const size_t sets[] = {0, 5};
    for (size_t i = 0; i < ARRAY_LENGTH(sets); i++)
        for (size_t part = 0; part < 3; part++) {
            cleanup(scratch_free) char *scratch = scratch_new();
            cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(scratch, _i == 1);
            cleanup(backup_file_free) struct backup_file file = {0};
            cleanup(strings_free) struct strings notices = {0};
            struct error error = {0};
            for (size_t k = 0; k < ARRAY_LENGTH(cases[0].files) && cases[sets[i]].files[k]; k++)
                file_put(shelf, scratch, cases[sets[i]].files[k]);
            ck_assert_int_eq(backup_find(shelf, cases[sets[i]].names, &file, &notices, &error), 0);
            ck_assert_int_eq(file.part_count, 3);
            ck_assert_msg(backup_still_there(&file, &error) == 0, "%s", error.text);
            cleanup(free_pointer) char *other = xasprintf("%s?", file.parts[part].name);
            file_put(shelf, scratch, other);
            ck_assert_int_eq(backup_still_there(&file, &error), -1);
            ck_assert_int_eq(error.fault, FAULT_MACHINE);
            ck_assert_msg(strstr(error.text, file.parts[part].name) &&
                              strstr(error.text, "while it was read: run again"),
                          "%s", error.text);
        }
}
END_TEST

START_TEST(two_files_of_one_part_are_refused)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(scratch, _i == 1);
    struct backup_file none = {0};
    struct strings notices = {0};
    struct error error = {0};
    file_put(shelf, scratch, "night_2026-11-25/data.sql");
    file_put(shelf, scratch, "night_2026-11-25/data.sql.gz");
    ck_assert_int_eq(backup_find(shelf, &folders, &none, &notices, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_msg(strstr(error.text, "are both the data of one backup"), "%s", error.text);
}
END_TEST

static bool is_there(struct shelf *shelf, const char *name)
{
    struct shelf_entry entry;
    struct error error;
    return shelf_look(shelf, name, &entry, &error) == 0;
}

/* All of it goes, with what lies beside it, and nothing of the others. */
START_TEST(a_set_is_pruned_as_a_whole)
{
    static const char *const gone[] = {"data_2026-11-24.sql", "roles_2026-11-24.sql",
                                       "schema_2026-11-24.sql", "data_2026-11-24.sql.verified.json",
                                       "data_2026-11-24.sql.manifest.json"};
    static const char *const left[] = {"data_2026-11-25.sql", "roles_2026-11-25.sql",
                                       "schema_2026-11-25.sql",
                                       "data_2026-11-25.sql.verified.json"};
    static const char *const half[] = {"roles_2026-11-23.sql"};
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(scratch, _i == 1);
    cleanup(retained_list_free) struct retained_list list = {0};
    cleanup(strings_free) struct strings notices = {0};
    struct error error = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(gone); i++)
        file_put(shelf, scratch, gone[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(left); i++)
        file_put(shelf, scratch, left[i]);
    file_put(shelf, scratch, half[0]);
    ck_assert_int_eq(retained_list_read(shelf, &supabase, &list, &notices, &error), 0);
    ck_assert_uint_eq(list.count, 3);
    ck_assert_str_eq(list.items[1].name, gone[0]);
    ck_assert_uint_eq(list.items[1].files.count, 3);
    ck_assert_int_eq(list.items[1].size_bytes, 19 + 20 + 21);
    ck_assert(!list.items[1].incomplete && list.items[2].incomplete);
    ck_assert_int_eq(retained_delete(shelf, &list.items[1], "s", NULL, NULL, &error), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(gone); i++)
        ck_assert_msg(!is_there(shelf, gone[i]), "%s", gone[i]);
    ck_assert_int_eq(retained_delete(shelf, &list.items[2], "s", NULL, NULL, &error), 0);
    ck_assert(!is_there(shelf, half[0]));
    for (size_t i = 0; i < ARRAY_LENGTH(left); i++)
        ck_assert_msg(is_there(shelf, left[i]), "%s", left[i]);
}
END_TEST

/* The newest that is whole stays, though there is newer rubble. */
START_TEST(rubble_is_not_the_newest_backup)
{
    const time_t now = 1795356185;
    struct retained backups[] = {{.time = now - 40 * 86400, .incomplete = true},
                                 {.time = now - 41 * 86400},
                                 {.time = now - 42 * 86400}};
    struct retained_list list = {.items = backups, .count = ARRAY_LENGTH(backups)};
    enum retention decisions[ARRAY_LENGTH(backups)];
    retention_decide(&list, now, &(struct keep){.young_s = 30 * 86400}, decisions);
    ck_assert_int_eq(decisions[0], RETAIN_NOTHING_PROVEN);
    ck_assert_int_eq(decisions[1], RETAIN_NEWEST);
    ck_assert_int_eq(decisions[2], RETAIN_NOTHING_PROVEN);
}
END_TEST

static const struct {
    const char *name;
    enum backup_part part;
} files[] = {
    {"roles.sql", PART_ROLES},        {"data.sql.gz", PART_DATA},
    {"pre-data.dump", PART_PRE_DATA}, {"post_data.sql.zst", PART_POST_DATA},
    {"globals.sql", PART_GLOBALS},    {"dump.tar", PART_DUMP},
    {"schema", PART_SCHEMA},          {"data.sql.sha256", PART_COUNT},
    {"database.sql", PART_COUNT},     {"backup.dump", PART_COUNT},
    {".data.sql", PART_COUNT},        {"data.sql.manifest.json", PART_COUNT},
};

START_TEST(files_of_a_directory_are_named_after_their_parts)
{
    ck_assert_msg(backup_part_of_file(files[_i].name) == files[_i].part, "%s", files[_i].name);
}
END_TEST

Suite *shelf_sets_suite(void)
{
    Suite *suite = suite_create("shelf/sets");
    add_table_test(suite, the_latest_whole_set_is_found, ARRAY_LENGTH(cases));
    add_table_test(suite, one_of_its_files_stands_for_the_set, 2);
    add_table_test(suite, a_set_of_which_a_file_is_another_one_is_not_what_was_found, 2);
    add_table_test(suite, two_files_of_one_part_are_refused, 2);
    add_table_test(suite, a_set_is_pruned_as_a_whole, 2);
    add_test(suite, rubble_is_not_the_newest_backup);
    add_table_test(suite, files_of_a_directory_are_named_after_their_parts, ARRAY_LENGTH(files));
    return suite;
}
