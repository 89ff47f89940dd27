#include "backup/shelf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "backup/backup_list.h"
#include "backup/location.h"
#include "backup/object_source.h"
#include "base/clock.h"
#include "tests/unit/archive_builder.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define PATTERN "a_%Y%m%d.dump"

enum { BOTH = 2 }; /* kinds of shelves */

static int64_t give_text(void *context, void *bytes, size_t size, struct error *error)
{
    (void)error;
    const char **text = context;
    size_t length = strlen(*text) < size ? strlen(*text) : size;
    memcpy(bytes, *text, length);
    *text += length;
    return (int64_t)length;
}

/* A key of any bytes, as only a store has it. */
static void key_put(struct shelf *shelf, const char *key, size_t key_length, const char *text)
{
    struct error error;
    ck_assert_int_eq(store_put(shelf_store(shelf), key, key_length, NO_DEADLINE, give_text, &text,
                               NULL, &error),
                     0);
}

START_TEST(a_small_file_is_written_read_renamed_and_removed)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(scratch, _i == 1);
    struct shelf_entry entry;
    struct buffer content;
    struct error error;
    ck_assert_int_eq(shelf_read(shelf, "f", 10, &content, &error), 1);
    ck_assert_int_eq(shelf_look(shelf, "f", &entry, &error), 1);
    ck_assert_int_eq(shelf_remove(shelf, "f", &error), 0);
    ck_assert_int_eq(shelf_write(shelf, "f", "first", &error), 0);
    ck_assert_int_eq(shelf_write(shelf, "f", "second", &error), 0);
    ck_assert_int_eq(shelf_look(shelf, "f", &entry, &error), 0);
    ck_assert_int_eq(entry.size_bytes, 6);
    ck_assert_int_eq(entry.kind, SHELF_FILE);
    ck_assert_int_gt(entry.modified, 1700000000);
    ck_assert_int_eq(shelf_read(shelf, "f", 5, &content, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_BACKUP);
    ck_assert_int_eq(shelf_rename(shelf, "f", "g", "second", &error), 0);
    ck_assert_int_eq(shelf_read(shelf, "f", 10, &content, &error), 1);
    ck_assert_int_eq(shelf_read(shelf, "g", 6, &content, &error), 0);
    ck_assert_str_eq(content.data, "second");
    buffer_free(&content);
    cleanup(free_pointer) char *path = shelf_path(shelf, "g");
    cleanup(free_pointer) char *expected = xasprintf("%s/g", scratch);
    ck_assert_str_eq(path, expected);
    ck_assert_int_eq(shelf_remove(shelf, "g", &error), 0);
    ck_assert_int_eq(shelf_look(shelf, "g", &entry, &error), 1);
}
END_TEST

/* The same names on both kinds, and what is made of them. */
START_TEST(a_list_holds_what_the_pattern_describes)
{
    static const char *const names[] = {"a_20261120.dump", "a_20261122.dump",
                                        "a_20261121.dump", "a_20261122.dump.manifest.json",
                                        "a_20261101.dump.next.manifest.json",
                                        "b_20261122.dump", "a_20260230.dump"};
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(scratch, _i == 1);
    cleanup(backup_list_free) struct backup_list list = {0};
    struct error error;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        ck_assert_int_eq(shelf_write(shelf, names[i], "x", &error), 0);
    ck_assert_int_eq(backup_list_read(shelf, PATTERN, &list, &error), 0);
    ck_assert_uint_eq(list.count, 3);
    ck_assert_str_eq(list.backups[0].name, "a_20261122.dump");
    ck_assert_str_eq(list.backups[1].name, "a_20261121.dump");
    ck_assert_str_eq(list.backups[2].name, "a_20261120.dump");
    ck_assert_int_eq(list.backups[0].entry.size_bytes, 1);
    ck_assert_uint_eq(list.companions.count, 2);
    ck_assert(backup_list_has(&list, "a_20261121.dump"));
    ck_assert(!backup_list_has(&list, "a_20261101.dump"));
    struct backup_list none = {0};
    ck_assert_int_eq(backup_list_read(shelf, "%Q", &none, &error), -1);
}
END_TEST

/* Keys that are no names of files, of which a string would see only the beginning. */
static const struct {
    const char *key;
    size_t length;
    bool listed;
    enum shelf_kind kind;
} keys[] = {
    {"a_20261122.dump", 15, true, SHELF_FILE},
    {"a_20261122.dump\0", 16, false, 0},
    {"a_20261122.dump\0.gz", 19, false, 0},
    {"a_20261122.dump/", 16, false, 0},
    {"a_20261122.dump/toc.dat", 23, true, SHELF_FOLDER},
    {"a_20261122.dump/toc.dat\0", 24, false, 0},
    {"a_20261122.dump/1.dat.gz", 24, false, 0},
    {"a_20261122.dump/deeper/toc.dat", 30, false, 0},
    {"/a_20261122.dump", 16, false, 0},
    {"/toc.dat", 8, false, 0},
    {"a_20261122.dump\n", 16, false, 0},
    {"deeper/a_20261122.dump", 22, false, 0},
};

START_TEST(only_keys_right_below_the_prefix_count)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(scratch, true);
    cleanup(backup_list_free) struct backup_list list = {0};
    struct error error;
    key_put(shelf, keys[_i].key, keys[_i].length, "x");
    ck_assert_msg(backup_list_read(shelf, PATTERN, &list, &error) == 0, "%s", error.text);
    ck_assert_uint_eq(list.count, keys[_i].listed);
    if (list.count > 0) {
        ck_assert_str_eq(list.backups[0].name, "a_20261122.dump");
        ck_assert_int_eq(list.backups[0].entry.kind, keys[_i].kind);
    }
}
END_TEST

static const struct {
    const char *path;
    const char *location; /* NULL: refused */
    const char *name;
} files[] = {
    {"a.dump", ".", "a.dump"},
    {"/a.dump", "/", "a.dump"},
    {"dir/a.dump", "dir", "a.dump"},
    {"dir//", ".", "dir"},
    {"s3://bucket/a.dump", "s3://bucket", "a.dump"},
    {"s3://bucket/deep/er/a.dump", "s3://bucket/deep/er", "a.dump"},
    {"s3://bucket", NULL, NULL},
    {"s3://bucket/", NULL, NULL},
    {"s3://bucket/prefix/", NULL, NULL},
};

START_TEST(a_path_is_taken_apart)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    cleanup(free_pointer) char *name = NULL;
    struct error error = {0};
    setenv("S3_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    setenv("S3_ACCESS_KEY", "a", 1);
    setenv("S3_SECRET_KEY", "b", 1);
    int outcome = location_open_file(NULL, files[_i].path, &shelf, &name, &error);
    ck_assert_msg(outcome == (files[_i].location ? 0 : -1), "%s", error.text);
    if (outcome < 0) {
        ck_assert_int_eq(error.fault, FAULT_MACHINE);
        return;
    }
    ck_assert_str_eq(shelf_location(shelf), files[_i].location);
    ck_assert_str_eq(name, files[_i].name);
    ck_assert((shelf_store(shelf) != NULL) == starts_with(files[_i].path, "s3://"));
}
END_TEST
