#include "shelf/shelf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/clock.h"
#include "base/file.h"
#include "objects/backend.h"
#include "shelf/backup_list.h"
#include "shelf/location.h"
#include "shelf/object_source.h"
#include "tests/unit/archive_builder.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define PATTERN "a_%Y%m%d.dump"

static const struct backup_names named_a = {.patterns = {(char *)(uintptr_t)PATTERN}};

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
    ck_assert_int_eq(
        store_put(shelf_store(shelf), key, key_length, NO_DEADLINE, give_text, &text, NULL, &error),
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
    static const char *const names[] = {"a_20261120.dump",
                                        "a_20261122.dump",
                                        "a_20261121.dump",
                                        "a_20261122.dump.manifest.json",
                                        "a_20261101.dump.next.manifest.json",
                                        "b_20261122.dump",
                                        "a_20260230.dump"};
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(scratch, _i == 1);
    cleanup(backup_list_free) struct backup_list list = {0};
    struct error error;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        ck_assert_int_eq(shelf_write(shelf, names[i], "x", &error), 0);
    ck_assert_int_eq(backup_list_read(shelf, &named_a, &list, &error), 0);
    ck_assert_uint_eq(list.count, 3);
    ck_assert_str_eq(list.backups[0].name, "a_20261122.dump");
    ck_assert_str_eq(list.backups[1].name, "a_20261121.dump");
    ck_assert_str_eq(list.backups[2].name, "a_20261120.dump");
    ck_assert_int_eq(list.backups[0].entry.size_bytes, 1);
    ck_assert_uint_eq(list.companions.count, 2);
    ck_assert_ptr_eq(backup_list_find(&list, "a_20261121.dump"), &list.backups[1]);
    ck_assert_ptr_null(backup_list_find(&list, "a_20261101.dump"));
    struct backup_list none = {0};
    const struct backup_names refused = backup_names_of("%Q");
    ck_assert_int_eq(backup_list_read(shelf, &refused, &none, &error), -1);
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
    {"a_20261122.dump/data.sql", 24, true, SHELF_FOLDER},
    {"a_20261122.dump/data.sql.gz", 27, true, SHELF_FOLDER},
    {"a_20261122.dump/data.txt", 24, false, 0},
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
    ck_assert_msg(backup_list_read(shelf, &named_a, &list, &error) == 0, "%s", error.text);
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
    cleanup(free_pointer) char *location =
        shelf_store(shelf) ? xstrdup(files[_i].location) : path_absolute(files[_i].location);
    ck_assert_str_eq(shelf_location(shelf), location);
    ck_assert_str_eq(name, files[_i].name);
    ck_assert((shelf_store(shelf) != NULL) == starts_with(files[_i].path, "s3://"));
}
END_TEST

/* --- reading an object ------------------------------------------------------------------------ */

static const struct {
    const char *name;
    enum archive_compression around; /* ARCHIVE_UNCOMPRESSED: bare */
    int64_t missing;                 /* bytes at the end that are not there */
    int64_t told;                    /* the size that was listed, less the real one */
    enum fault fault;                /* 0: it is good */
} readings[] = {
    {"bare", ARCHIVE_UNCOMPRESSED, 0, 0, 0},
    {"gzip", ARCHIVE_GZIP, 0, 0, 0},
    {"zstd", ARCHIVE_ZSTD, 0, 0, 0},
    {"bare, cut", ARCHIVE_UNCOMPRESSED, 1, 0, FAULT_BACKUP},
    {"gzip, cut", ARCHIVE_GZIP, 1, 0, FAULT_BACKUP},
    {"bare, cut since it was listed", ARCHIVE_UNCOMPRESSED, 1, 1, FAULT_MACHINE},
    {"gzip, cut since it was listed", ARCHIVE_GZIP, 1, 1, FAULT_MACHINE},
    {"zstd, longer than was listed", ARCHIVE_ZSTD, 0, -1, FAULT_MACHINE},
    {"nothing of it is there", ARCHIVE_GZIP, INT64_MAX, 10, FAULT_MACHINE},
};

static void object_build(enum archive_compression around, struct buffer *ret_object)
{
    struct build build = {.minor = 14, .integer_size = 4, .offset_size = 8, .offsets = true};
    build_archive(&build, ret_object);
    if (around == ARCHIVE_UNCOMPRESSED)
        return;
    struct buffer bare = *ret_object;
    build_compressed(around, true, bare.data, bare.length, ret_object);
    buffer_free(&bare);
}

/* To be unpacked into a copy, since pg_restore cannot read it where it lies. */
START_TEST(an_object_is_read_as_a_file_is)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(shelf_freep) struct shelf *shelf = scratch_shelf(scratch, true);
    cleanup(free_pointer) char *path = scratch_path(scratch, "a.dump");
    cleanup(free_pointer) char *copy = scratch_path(scratch, "copy");
    struct buffer object;
    struct error error = {0};
    object_build(readings[_i].around, &object);
    size_t there = readings[_i].missing < (int64_t)object.length
                       ? object.length - (size_t)readings[_i].missing
                       : 0;
    if (there > 0)
        ck_assert_int_eq(file_replace(path, object.data, there, &error), 0);
    _Atomic int64_t progress = 0;
    struct archive archive = {0};
    struct archive_options options = {
        .fingerprint = true, .threads = 2, .copy_path = copy, .progress_bytes = &progress};
    int outcome = object_read(&archive, shelf, "a.dump", (int64_t)there + readings[_i].told,
                              &options, &error);
    ck_assert_msg(outcome == (readings[_i].fault ? -1 : 0), "%s: %s", readings[_i].name,
                  error.text);
    if (outcome < 0) {
        ck_assert_msg(error.fault == readings[_i].fault, "%s: %s", readings[_i].name, error.text);
        ck_assert_msg(starts_with(error.text, path), "%s", error.text);
        ck_assert(!archive.complete);
    } else {
        struct archive same = {0};
        options.copy_path = NULL;
        ck_assert_int_eq(progress, (int64_t)there);
        ck_assert_int_eq(archive_read(&same, path, &options, &error), 0);
        ck_assert_str_eq(archive.sha256, same.sha256);
        ck_assert_int_eq(archive.stored_bytes, same.stored_bytes);
        ck_assert_int_eq(archive.tables[1].totals.rows, BUILT_SECOND_ROWS);
        ck_assert_mem_eq(archive.tables[1].totals.fingerprint, same.tables[1].totals.fingerprint,
                         sizeof(same.tables[1].totals.fingerprint));
        ck_assert_str_eq(archive.restore_path, copy);
        archive_free(&same);
        ck_assert_int_eq(archive_read(&same, copy, &options, &error), 0);
        archive_free(&same);
    }
    archive_free(&archive);
    buffer_free(&object);
}
END_TEST

/* A store that gives the beginning of an object and then nothing, or wrong bytes. */
struct strange {
    struct buffer object;
    bool stalls; /* until it is told to end */
    bool lies;   /* a bit is wrong, which it finds out at the end */
    bool told;
};

static int strange_get(void *self, const char *key, size_t key_length, int64_t deadline_ms,
                       object_sink *sink, void *context, struct object *ret_object,
                       struct error *error)
{
    (void)key;
    (void)key_length;
    (void)deadline_ms;
    (void)ret_object;
    struct strange *strange = self;
    size_t half = strange->object.length / 2;
    if (strange->lies)
        strange->object.data[half] ^= 1;
    if (sink(context, strange->object.data, half, error) < 0)
        return -1;
    while (strange->stalls) {
        usleep(10000);
        if (sink(context, "", 0, error) < 0) {
            strange->told = true;
            return -1;
        }
    }
    if (sink(context, strange->object.data + half, strange->object.length - half, error) < 0)
        return -1;
    return strange->lies ? cannot_verify(error, "the MD5 is another one") : 0;
}

static void strange_free(void *self)
{
    (void)self;
}

static struct shelf *strange_shelf(struct strange *strange)
{
    static const struct backend backend = {.get = strange_get, .free = strange_free};
    struct store *store = xcalloc(1, sizeof(*store));
    *store = (struct store){.backend = &backend, .self = strange, .name = xstrdup("s3://strange")};
    return shelf_of_store(store);
}

START_TEST(a_store_that_gives_wrong_bytes_is_no_bad_backup)
{
    struct strange strange = {.lies = true};
    object_build(_i ? ARCHIVE_GZIP : ARCHIVE_UNCOMPRESSED, &strange.object);
    cleanup(shelf_freep) struct shelf *shelf = strange_shelf(&strange);
    struct archive archive = {0};
    struct archive_options options = {.threads = 1};
    struct error error;
    ck_assert_int_eq(
        object_read(&archive, shelf, "a.dump", (int64_t)strange.object.length, &options, &error),
        -1);
    ck_assert_msg(error.fault == FAULT_MACHINE && strstr(error.text, "MD5"), "%s", error.text);
    archive_free(&archive);
    buffer_free(&strange.object);
}
END_TEST

START_TEST(a_reading_that_ends_early_does_not_wait_for_the_store)
{
    struct strange strange = {.stalls = true};
    object_build(ARCHIVE_UNCOMPRESSED, &strange.object);
    cleanup(shelf_freep) struct shelf *shelf = strange_shelf(&strange);
    struct archive archive = {0};
    struct archive_options options = {.threads = 1, .copy_path = "/nonexistent/copy"};
    struct error error;
    int64_t began_ms = clock_ms();
    ck_assert_int_eq(
        object_read(&archive, shelf, "a.dump", (int64_t)strange.object.length, &options, &error),
        -1);
    ck_assert_msg(error.fault == FAULT_MACHINE && strstr(error.text, "/nonexistent"), "%s",
                  error.text);
    ck_assert(strange.told);
    ck_assert_int_lt(clock_ms() - began_ms, 2000);
    archive_free(&archive);
    buffer_free(&strange.object);
}
END_TEST

Suite *backup_shelf_suite(void)
{
    Suite *suite = suite_create("shelf/shelf");
    add_table_test(suite, a_small_file_is_written_read_renamed_and_removed, BOTH);
    add_table_test(suite, a_list_holds_what_the_pattern_describes, BOTH);
    add_table_test(suite, only_keys_right_below_the_prefix_count, ARRAY_LENGTH(keys));
    add_table_test(suite, a_path_is_taken_apart, ARRAY_LENGTH(files));
    add_table_test(suite, an_object_is_read_as_a_file_is, ARRAY_LENGTH(readings));
    add_table_test(suite, a_store_that_gives_wrong_bytes_is_no_bad_backup, 2);
    add_test(suite, a_reading_that_ends_early_does_not_wait_for_the_store);
    return suite;
}
