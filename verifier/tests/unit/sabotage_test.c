#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "sabotage/copy_rows.h"
#include "sabotage/rewrite.h"
#include "sabotage/sabotage.h"
#include "tests/unit/archive_builder.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define LIMIT (64UL << 20)

static struct archive read_good(const char *path)
{
    struct archive archive = {0};
    struct error error;
    struct archive_options options = {.fingerprint = true, .threads = 1};
    int result = archive_read(&archive, path, &options, &error);
    ck_assert_msg(result == 0, "%s: %s", path, result ? error.text : "");
    return archive;
}

static void rewrite(const char *from, enum archive_container container,
                    const struct rewriting *rewriting, const char *to)
{
    struct error error;
    int result = archive_rewrite(from, container, rewriting, to, &error);
    ck_assert_msg(result == 0, "%s", result ? error.text : "");
}

static void ck_same_bytes(const char *one, const char *other)
{
    struct buffer left, right;
    struct error error;
    ck_assert_int_eq(file_read(one, LIMIT, &left, &error), 0);
    ck_assert_int_eq(file_read(other, LIMIT, &right, &error), 0);
    ck_assert_uint_eq(left.length, right.length);
    ck_assert_mem_eq(left.data, right.data, left.length);
    buffer_free(&left);
    buffer_free(&right);
}

static void ck_same_tables(const struct archive *one, const struct archive *other)
{
    ck_assert_uint_eq(one->entry_count, other->entry_count);
    ck_assert_uint_eq(one->table_count, other->table_count);
    ck_assert_int_eq(one->large_object_bytes, other->large_object_bytes);
    for (size_t i = 0; i < one->table_count; i++) {
        ck_assert_str_eq(one->tables[i].name, other->tables[i].name);
        ck_assert_mem_eq(&one->tables[i].totals, &other->tables[i].totals,
                         sizeof(one->tables[i].totals));
    }
}

/* ---- archives written again ---- */

static const struct {
    const char *file;
    bool toc_again; /* which is not written */
} archives[] = {
    {"corpus/001_chinook.dump", false},
    {"corpus/002_northwind.dump", false},
    {"corpus/028_oscy.dump", false},
    {"corpus/031_employees.dump", false},
    {"odd/custom.dump", false},
    {"odd/inserts.dump", false},
    {"odd/no_blobs.dump", false},
    {"odd/pipe.dump", false},
    {"odd/root.dump", false},
    {"odd/schema_only.dump", false},
    {"odd/uncompressed.dump", false},
    {"older/13.alone.dump", false},
    {"older/13.comment.dump", false},
    {"newer/16.stdout.dump", true},
    {"newer/17.stdout.dump", true},
    {"newer/18.stdout.dump", true},
    {"newer/18.statistics.dump", false},
};

START_TEST(unchanged_they_are_the_same)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *to = scratch_path(scratch, "again");
    cleanup(free_pointer) char *from = xasprintf("fixtures/archives/%s", archives[_i].file);
    rewrite(from, ARCHIVE_BARE, &(struct rewriting){0}, to);
    if (!archives[_i].toc_again)
        ck_same_bytes(from, to);
    cleanup(archive_free) struct archive before = read_good(from);
    cleanup(archive_free) struct archive after = read_good(to);
    ck_same_tables(&before, &after);
}
END_TEST

START_TEST(so_are_all_versions_and_compressions)
{
    struct build build = {.minor = 7 + _i / 4,
                          .compression = _i % 4,
                          .integer_size = _i % 3 ? 4 : 8,
                          .offset_size = _i % 2 ? 8 : 4,
                          .offsets = _i % 5 != 0,
                          .large_objects = _i % 2 ? 3 : 0,
                          .chunk_bytes = _i % 3 ? 0 : 100};
    if (build.minor < 15 && build.compression > ARCHIVE_GZIP)
        return;
    struct buffer bytes;
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *from = scratch_path(scratch, "from");
    cleanup(free_pointer) char *to = scratch_path(scratch, "to");
    struct error error;
    build_archive(&build, &bytes);
    ck_assert_int_eq(file_replace(from, bytes.data, bytes.length, &error), 0);
    buffer_free(&bytes);
    rewrite(from, ARCHIVE_BARE, &(struct rewriting){0}, to);
    ck_same_bytes(from, to);
}
END_TEST

static int remove_second(const void *context, const struct buffer *rows, struct buffer *ret_rows,
                         struct error *error)
{
    (void)context;
    (void)error;
    struct row_change change = {.edit = ROW_REMOVED, .row = 1};
    ck_assert_int_eq(copy_rows_edit(&change, rows, ret_rows), 1);
    return 0;
}

START_TEST(a_row_is_taken_out_in_every_compression)
{
    struct build build = {.minor = 16,
                          .compression = _i % 4,
                          .integer_size = 4,
                          .offset_size = 8,
                          .offsets = true,
                          .large_objects = 2};
    struct buffer bytes;
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *from = scratch_path(scratch, "from");
    cleanup(free_pointer) char *to = scratch_path(scratch, "to");
    cleanup(free_pointer) char *gone = scratch_path(scratch, "gone");
    struct error error;
    build_archive(&build, &bytes);
    ck_assert_int_eq(file_replace(from, bytes.data, bytes.length, &error), 0);
    buffer_free(&bytes);
    rewrite(from, ARCHIVE_BARE, &(struct rewriting){.changed_id = 4, .change = remove_second}, to);
    cleanup(archive_free) struct archive after = read_good(to);
    ck_assert_int_eq(after.tables[0].totals.rows, BUILT_FIRST_ROWS);
    ck_assert_int_eq(after.tables[1].totals.rows, BUILT_SECOND_ROWS - 1);
    ck_assert_int_eq(after.large_object_count, 2);
    /* Whereas without the data of a table it is bad. */
    rewrite(from, ARCHIVE_BARE, &(struct rewriting){.missing_id = 3}, gone);
    struct archive bad = {0};
    const struct archive_options options = {.threads = 1};
    ck_assert_int_eq(archive_read(&bad, gone, &options, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_BACKUP);
    ck_assert_ptr_nonnull(strstr(error.text, "the data of 1 of its entries is missing"));
    archive_free(&bad);
}
END_TEST

START_TEST(containers_stay)
{
    static const enum archive_container containers[] = {ARCHIVE_IN_GZIP, ARCHIVE_IN_ZSTD};
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *packed = scratch_path(scratch, "packed");
    cleanup(free_pointer) char *to = scratch_path(scratch, "to");
    struct buffer plain, stream;
    struct error error;
    const char from[] = "fixtures/archives/odd/custom.dump";
    ck_assert_int_eq(file_read(from, LIMIT, &plain, &error), 0);
    build_compressed(_i ? ARCHIVE_ZSTD : ARCHIVE_GZIP, true, plain.data, plain.length, &stream);
    ck_assert_int_eq(file_replace(packed, stream.data, stream.length, &error), 0);
    buffer_free(&plain);
    buffer_free(&stream);
    rewrite(packed, containers[_i], &(struct rewriting){0}, to);
    cleanup(archive_free) struct archive before = read_good(from);
    cleanup(archive_free) struct archive after = read_good(to);
    ck_assert_int_eq(after.container, containers[_i]);
    ck_assert_int_eq(after.unpacked_bytes, before.unpacked_bytes);
    ck_same_tables(&before, &after);
}
END_TEST

/* ---- rows ---- */

static const struct {
    const char *rows;
    struct row_change change;
    const char *changed;
    int64_t row;
} rows[] = {
    {"1\n2\n3\n\\.\n\n\n", {.edit = ROW_REMOVED, .row = 1}, "1\n3\n\\.\n\n\n", 1},
    {"1\n2\n3\n\\.\n\n\n", {.edit = ROWS_REMOVED}, "\\.\n\n\n", 3},
    {"1\n\\.\n\n\n", {.edit = ROW_REMOVED, .row = 1}, "1\n\\.\n\n\n", -1},
    {"\\.\n\n\n", {.edit = ROWS_REMOVED}, "\\.\n\n\n", -1},
    {"1\tone\n2\ttwo\n\\.\n",
     {.edit = ROW_CHANGED, .row = 1, .column = 1},
     "1\tone\n2\tuwo\n\\.\n",
     1},
    {"1\tÄ 9\n", {.edit = ROW_CHANGED, .column = 1}, "1\tÄ 0\n", 0},
    {"1\tzoo\n", {.edit = ROW_CHANGED, .column = 1}, "1\taoo\n", 0},
    /* What is escaped stays as it is, and so does a NULL. */
    {"\\N\n\\n\\tX\n\\nab\n\\.\n", {.edit = ROW_CHANGED}, "\\N\n\\n\\tX\n\\nbb\n\\.\n", 2},
    {"abc\t\\N\n", {.edit = ROW_CHANGED, .column = 1}, "abc\t\\N\n", -1},
    {"abc\n", {.edit = ROW_CHANGED, .column = 1}, "abc\n", -1},
    {"a\n\\.\nb\n", {.edit = ROW_REMOVED, .row = 2}, "a\n\\.\nb\n", -1},
};

START_TEST(one_row_changes)
{
    struct buffer before, after;
    buffer_init(&before, LIMIT);
    buffer_init(&after, LIMIT);
    buffer_append_text(&before, rows[_i].rows);
    ck_assert_int_eq(copy_rows_edit(&rows[_i].change, &before, &after), rows[_i].row);
    ck_assert_str_eq(after.data, rows[_i].changed);
    buffer_free(&before);
    buffer_free(&after);
}
END_TEST

static const char table_sql[] = "CREATE TABLE public.t (\n    id integer NOT NULL,\n"
                                "    name text,\n    tags text[],\n    \"two, words\" text,\n"
                                "    code character varying(10) NOT NULL,\n"
                                "    kind text,\n    parent text,\n"
                                "    CONSTRAINT k CHECK ((kind <> 'x'::text))\n);\n";

static const struct {
    const char *columns;
    size_t start;
    int column;
} columns[] = {
    {"(id, name)", 0, 1},
    {"(id)", 0, -1},
    {"", 0, -1},
    {"(tags)", 0, -1},
    {"(kind)", 0, -1},   /* it has a CHECK */
    {"(parent)", 0, -1}, /* and this a foreign key */
    {"(id, name, code)", 2, 2},
    {"(id, name, code)", 3, 1},
    {"(\"two, words\", id)", 1, 0},
};

START_TEST(a_column_of_texts_is_found)
{
    ck_assert_int_eq(copy_text_column(columns[_i].columns, table_sql,
                                      "FOREIGN KEY (parent) REFERENCES public.t(other)\n",
                                      columns[_i].start),
                     columns[_i].column);
}
END_TEST

/* ---- damage ---- */

static const char *const originals[] = {"odd/custom.dump", "odd/dump.sql",
                                        "corpus/002_northwind.dump"};

static void make(const char *directory, const char *name, enum sabotage_kind kind, uint64_t seed,
                 const char *to, struct sabotage_fact *ret_fact)
{
    struct stat status;
    cleanup(free_pointer) char *path = scratch_path(directory, name);
    struct scenario scenario = {.backups.location = (char *)(uintptr_t)directory};
    ck_assert_int_eq(stat(path, &status), 0);
    const struct sabotage_order order = {.scenario = &scenario,
                                         .kind = kind,
                                         .seed = seed,
                                         .name = name,
                                         .size_bytes = status.st_size,
                                         .modified = status.st_mtime,
                                         .directory = to};
    sabotage_make(&order, ret_fact);
}

/* The same seed gives the same copy, as old as the original; and that stays as it is. */
START_TEST(a_seed_tells_the_damage)
{
    enum sabotage_kind kind = (enum sabotage_kind)(_i / (int)ARRAY_LENGTH(originals));
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *from =
        xasprintf("fixtures/archives/%s", originals[(size_t)_i % ARRAY_LENGTH(originals)]);
    cleanup(free_pointer) char *original = scratch_path(scratch, "backup");
    struct buffer bytes;
    struct error error;
    struct stat before, after, copied;
    ck_assert_int_eq(file_read(from, LIMIT, &bytes, &error), 0);
    ck_assert_int_eq(file_replace(original, bytes.data, bytes.length, &error), 0);
    buffer_free(&bytes);
    ck_assert_int_eq(stat(original, &before), 0);
    struct sabotage_fact first, second;
    cleanup(free_pointer) char *one = scratch_path(scratch, "one");
    cleanup(free_pointer) char *other = scratch_path(scratch, "other");
    make(scratch, "backup", kind, 5, one, &first);
    make(scratch, "backup", kind, 5, other, &second);
    ck_assert_int_eq(first.state, second.state);
    ck_assert_msg(first.state != SABOTAGE_FAILED, "%s", first.error.text);
    ck_assert_str_eq(first.done, second.done);
    ck_assert_str_ne(first.done, "");
    ck_same_bytes(from, original);
    ck_assert_int_eq(stat(original, &after), 0);
    ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    if (first.state != SABOTAGE_MADE)
        return;
    cleanup(free_pointer) char *copy = scratch_path(one, "backup");
    cleanup(free_pointer) char *copy_again = scratch_path(other, "backup");
    ck_same_bytes(copy, copy_again);
    ck_assert_int_eq(stat(copy, &copied), 0);
    ck_assert_int_eq(copied.st_mtime, before.st_mtime);
    ck_assert_int_eq(copied.st_mode & 0777, 0600);
}
END_TEST

/* Wherever it lies: the header of gzip, with its time and name, is spared. */
START_TEST(a_cut_and_a_flipped_byte_in_gzip_always_matter)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "backup");
    bool bare = _i == 2; /* then the archive compresses its data by itself */
    struct build build = {.minor = 14,
                          .integer_size = 4,
                          .offset_size = 8,
                          .offsets = true,
                          .large_objects = bare ? 2 : 0,
                          .compression = bare ? ARCHIVE_GZIP : ARCHIVE_UNCOMPRESSED};
    struct buffer bytes, packed;
    struct error error;
    build_archive(&build, &bytes);
    build_compressed(ARCHIVE_GZIP, true, bytes.data, bytes.length, &packed);
    if (_i == 1) { /* with a name, as gzip writes it */
        struct buffer named;
        static const char name[] = "a name of a backup that is longer than many others.dump";
        buffer_init(&named, LIMIT);
        buffer_append(&named, packed.data, 10);
        named.data[3] |= 8;
        buffer_append(&named, name, sizeof(name));
        buffer_append(&named, packed.data + 10, packed.length - 10);
        buffer_free(&packed);
        packed = named;
    }
    const struct buffer *written = bare ? &bytes : &packed;
    ck_assert_int_eq(file_replace(path, written->data, written->length, &error), 0);
    buffer_free(&bytes);
    buffer_free(&packed);
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct sabotage_fact fact;
        cleanup(free_pointer) char *to = xasprintf("%s/%d", scratch, (int)seed);
        cleanup(free_pointer) char *copy = scratch_path(to, "backup");
        cleanup(archive_free) struct archive archive = {0};
        const struct archive_options options = {.threads = 1};
        make(scratch, "backup", seed % 4 ? SABOTAGE_FLIP : SABOTAGE_CUT, seed, to, &fact);
        ck_assert_int_eq(fact.state, SABOTAGE_MADE);
        ck_assert(fact.must);
        ck_assert_msg(archive_read(&archive, copy, &options, &error) < 0, "%s", fact.done);
        ck_assert_int_eq(error.fault, FAULT_BACKUP);
    }
}
END_TEST

START_TEST(another_backup_by_then_is_not_damaged)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *path = scratch_path(scratch, "backup");
    cleanup(free_pointer) char *to = scratch_path(scratch, "to");
    scratch_write(path, "something", 0600);
    struct scenario scenario = {.backups.location = scratch};
    const struct sabotage_order order = {
        .scenario = &scenario, .name = "backup", .size_bytes = 1, .directory = to};
    struct sabotage_fact fact;
    sabotage_make(&order, &fact);
    ck_assert_int_eq(fact.state, SABOTAGE_FAILED);
    ck_assert_int_eq(fact.error.fault, FAULT_MACHINE);
    ck_assert_ptr_nonnull(strstr(fact.error.text, "was replaced"));
    ck_assert(!exists(to));
}
END_TEST

Suite *sabotage_suite(void)
{
    Suite *suite = suite_create("sabotage");
    add_table_test(suite, unchanged_they_are_the_same, ARRAY_LENGTH(archives));
    add_table_test(suite, so_are_all_versions_and_compressions, 10 * 4);
    add_table_test(suite, a_row_is_taken_out_in_every_compression, 4);
    add_table_test(suite, containers_stay, 2);
    add_table_test(suite, one_row_changes, ARRAY_LENGTH(rows));
    add_table_test(suite, a_column_of_texts_is_found, ARRAY_LENGTH(columns));
    add_table_test(suite, a_seed_tells_the_damage,
                   (int)SABOTAGE_OBJECT * (int)ARRAY_LENGTH(originals));
    add_table_test(suite, a_cut_and_a_flipped_byte_in_gzip_always_matter, 3);
    add_test(suite, another_backup_by_then_is_not_damaged);
    return suite;
}
