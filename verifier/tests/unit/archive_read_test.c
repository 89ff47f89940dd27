#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/buffer.h"
#include "base/file.h"
#include "tests/unit/archive_builder.h"
#include "tests/unit/unit.h"

#define LIMIT (64UL << 20)

static struct archive read_good(const char *path, int threads)
{
    struct archive archive = {0};
    struct error error;
    struct archive_options options = {.fingerprint = true, .threads = threads};
    int result = archive_read(&archive, path, &options, &error);
    ck_assert_msg(result == 0, "%s: %s", path, result ? error.text : "");
    ck_assert(archive.complete);
    return archive;
}

static const struct archive_table *find_table(const struct archive *archive, const char *label)
{
    const struct archive_table *found = NULL;
    for (size_t i = 0; i < archive->table_count; i++) {
        const struct archive_table *table = &archive->tables[i];
        cleanup(free_pointer) char *whole = archive_table_label(table);
        if (strcmp(whole, label) != 0 && strcmp(table->name, label) != 0)
            continue;
        ck_assert_ptr_null(found);
        found = table;
    }
    return found;
}

/* Every line of the truth is a table of the archive with so many rows, and no table is left. */
static void compare_rows(const struct archive *archive, const char *truth_path)
{
    struct buffer truth;
    struct error error;
    ck_assert_int_eq(file_read(truth_path, LIMIT, &truth, &error), 0);
    size_t lines = 0;
    char *rest = truth.data, *line;
    while ((line = strtok_r(rest, "\n", &rest))) {
        char *tab = strrchr(line, '\t');
        ck_assert_ptr_nonnull(tab);
        *tab = '\0';
        const struct archive_table *table = find_table(archive, line);
        ck_assert_msg(table != NULL, "%s: no table %s", truth_path, line);
        ck_assert_msg(table->totals.rows == atoll(tab + 1), "%s: %s has %lld rows, not %s",
                      truth_path, line, (long long)table->totals.rows, tab + 1);
        lines++;
    }
    if (lines > 0)
        ck_assert_uint_eq(archive->table_count, lines);
    buffer_free(&truth);
}

/* ---- other people's archives ---- */

static const struct {
    const char *file, *rows;
    enum archive_format format;
    int minor;
    enum archive_compression compression;
    const char *server, *pg_dump, *encoding;
    int64_t total;
} corpus[] = {
    {"001_chinook.dump", "001", ARCHIVE_CUSTOM, 13, ARCHIVE_GZIP, "9.6.12",
     "11.2 (Ubuntu 11.2-1.pgdg16.04+1)", "UTF8", 9025},
    {"002_northwind.dump", "002", ARCHIVE_CUSTOM, 14, ARCHIVE_GZIP, "13.3", "13.3", "UTF8", 3368},
    {"008_northwind.tar", "008", ARCHIVE_TAR, 13, ARCHIVE_UNCOMPRESSED, "10.5", "10.5", "UTF8",
     3362},
    {"011_exercises.tar", "011", ARCHIVE_CUSTOM, 12, ARCHIVE_GZIP, "9.5.1", "9.5.1", "UTF8", 4083},
    {"028_oscy.dump", "028", ARCHIVE_CUSTOM, 16, ARCHIVE_GZIP, "17.2", "17.2", "UTF8", 53783},
    {"031_employees.dump", "031", ARCHIVE_CUSTOM, 13, ARCHIVE_GZIP, "10.21", "10.19", "UTF8", 100},
    {"057_disney_psql.sql", "057", ARCHIVE_PLAIN, 0, ARCHIVE_UNCOMPRESSED,
     "11.3 (Ubuntu 11.3-1.pgdg18.04+1)", "11.3 (Ubuntu 11.3-1.pgdg18.04+1)", "UTF8", 1652},
};

START_TEST(corpus_has_its_rows)
{
    cleanup(free_pointer) char *path = xasprintf("fixtures/archives/corpus/%s", corpus[_i].file);
    cleanup(free_pointer) char *truth =
        xasprintf("fixtures/archives/corpus/%s.rows.tsv", corpus[_i].rows);
    for (int threads = 1; threads <= 3; threads++) {
        struct archive archive = read_good(path, threads);
        compare_rows(&archive, truth);
        ck_assert_int_eq(archive.format, corpus[_i].format);
        ck_assert_int_eq(archive.container, ARCHIVE_BARE);
        ck_assert_int_eq(archive.version_minor, corpus[_i].minor);
        ck_assert_int_eq(archive.compression, corpus[_i].compression);
        ck_assert_str_eq(archive.server_version, corpus[_i].server);
        ck_assert_str_eq(archive.pg_dump_version, corpus[_i].pg_dump);
        ck_assert_str_eq(archive.encoding, corpus[_i].encoding);
        ck_assert_str_eq(archive.restore_path, path);
        int64_t total = 0;
        for (size_t i = 0; i < archive.table_count; i++)
            total += archive.tables[i].totals.rows;
        ck_assert_int_eq(total, corpus[_i].total);
        archive_free(&archive);
    }
}
END_TEST

/* ---- what PostgreSQL 16 to 18 write ---- */

static const struct {
    const char *file;
    enum archive_format format;
    int minor;
    enum archive_compression compression;
} newer[] = {
    {"16.stdout.dump", ARCHIVE_CUSTOM, 15, ARCHIVE_ZSTD},
    {"16.lz4.dir.tar.gz", ARCHIVE_DIRECTORY_TAR, 15, ARCHIVE_LZ4},
    {"16.zstd.dir.tar.gz", ARCHIVE_DIRECTORY_TAR, 15, ARCHIVE_ZSTD},
    {"17.stdout.dump", ARCHIVE_CUSTOM, 16, ARCHIVE_ZSTD},
    {"17.lz4.dir.tar.gz", ARCHIVE_DIRECTORY_TAR, 16, ARCHIVE_LZ4},
    {"17.zstd.dir.tar.gz", ARCHIVE_DIRECTORY_TAR, 16, ARCHIVE_ZSTD},
    {"18.stdout.dump", ARCHIVE_CUSTOM, 16, ARCHIVE_ZSTD},
    {"18.lz4.dir.tar.gz", ARCHIVE_DIRECTORY_TAR, 16, ARCHIVE_LZ4},
    {"18.zstd.dir.tar.gz", ARCHIVE_DIRECTORY_TAR, 16, ARCHIVE_ZSTD},
    {"18.statistics.dump", ARCHIVE_CUSTOM, 16, ARCHIVE_LZ4},
};

START_TEST(newer_versions_have_their_rows)
{
    cleanup(free_pointer) char *path = xasprintf("fixtures/archives/newer/%s", newer[_i].file);
    cleanup(free_pointer) char *truth =
        xasprintf("fixtures/archives/newer/%.2s.rows.tsv", newer[_i].file);
    for (int threads = 1; threads <= 2; threads++) {
        struct archive archive = read_good(path, threads);
        compare_rows(&archive, truth);
        ck_assert_int_eq(archive.format, newer[_i].format);
        ck_assert_int_eq(archive.version_minor, newer[_i].minor);
        ck_assert_int_eq(archive.compression, newer[_i].compression);
        ck_assert(strncmp(archive.server_version, newer[_i].file, 2) == 0);
        ck_assert_int_eq(archive.large_object_count, 7);
        ck_assert_int_eq(archive.large_object_bytes, 5);
        archive_free(&archive);
    }
}
END_TEST

/* ---- one database in every format ---- */

static const struct {
    const char *file;
    enum archive_format format;
    enum archive_container container;
    bool copies; /* its rows are those of a COPY */
} odd[] = {
    {"custom.dump", ARCHIVE_CUSTOM, ARCHIVE_BARE, true},
    {"uncompressed.dump", ARCHIVE_CUSTOM, ARCHIVE_BARE, true},
    {"pipe.dump", ARCHIVE_CUSTOM, ARCHIVE_BARE, true},
    {"root.dump", ARCHIVE_CUSTOM, ARCHIVE_BARE, true},
    {"inserts.dump", ARCHIVE_CUSTOM, ARCHIVE_BARE, false},
    {"tar.tar", ARCHIVE_TAR, ARCHIVE_BARE, true},
    {"inserts.tar", ARCHIVE_TAR, ARCHIVE_BARE, false},
    {"directory", ARCHIVE_DIRECTORY, ARCHIVE_BARE, true},
    {"inserts_directory", ARCHIVE_DIRECTORY, ARCHIVE_BARE, false},
    {"render.dir.tar.gz", ARCHIVE_DIRECTORY_TAR, ARCHIVE_IN_GZIP, true},
    {"toc_last.dir.tar", ARCHIVE_DIRECTORY_TAR, ARCHIVE_BARE, false},
};

static void compare_fingerprints(const struct archive *archive, const struct archive *other)
{
    for (size_t i = 0; i < archive->table_count; i++) {
        const struct row_totals *a = &archive->tables[i].totals, *b = &other->tables[i].totals;
        ck_assert(archive->tables[i].has_fingerprint);
        ck_assert_mem_eq(a->fingerprint, b->fingerprint, sizeof(a->fingerprint));
        ck_assert_int_eq(a->largest_row_bytes, b->largest_row_bytes);
        ck_assert_int_eq(a->bytes, b->bytes);
        ck_assert_str_eq(archive->tables[i].columns, other->tables[i].columns);
    }
}

START_TEST(every_format_holds_the_same)
{
    cleanup(free_pointer) char *path = xasprintf("fixtures/archives/odd/%s", odd[_i].file);
    struct archive custom = read_good("fixtures/archives/odd/custom.dump", 1);
    for (int threads = 1; threads <= 2; threads++) {
        struct archive archive = read_good(path, threads);
        compare_rows(&archive, "fixtures/archives/odd/rows.tsv");
        ck_assert_int_eq(archive.format, odd[_i].format);
        ck_assert_int_eq(archive.container, odd[_i].container);
        ck_assert_int_eq(archive.large_object_count, 3);
        ck_assert_int_eq(archive.large_object_bytes, 3005);
        ck_assert_uint_eq(strlen(archive.sha256), 64);
        if (odd[_i].copies)
            compare_fingerprints(&archive, &custom);
        for (size_t i = 0; i < archive.table_count; i++)
            ck_assert(archive.tables[i].has_fingerprint == odd[_i].copies);
        archive_free(&archive);
    }
    archive_free(&custom);
}
END_TEST

struct announced {
    const struct archive *archive;
    int times;
    const char *server_version;
    size_t table_count;
};

static void note_contents(void *context)
{
    struct announced *announced = context;
    announced->times++;
    announced->server_version = announced->archive->server_version;
    announced->table_count = announced->archive->table_count;
}

/* Once, and what was announced stays where it is. */
START_TEST(contents_are_announced_once)
{
    cleanup(free_pointer) char *path = xasprintf("fixtures/archives/odd/%s", odd[_i].file);
    for (int threads = 1; threads <= 3; threads++) {
        struct archive archive = {0};
        struct announced announced = {.archive = &archive};
        struct error error;
        struct archive_options options = {.threads = threads,
                                          .contents_known = note_contents,
                                          .contents_known_context = &announced};
        ck_assert_int_eq(archive_read(&archive, path, &options, &error), 0);
        ck_assert_int_eq(announced.times, 1);
        ck_assert_ptr_eq(announced.server_version, archive.server_version);
        ck_assert_uint_eq(announced.table_count, archive.table_count);
        archive_free(&archive);
    }
}
END_TEST

/* Where nothing else is asked for, no row is read. */
START_TEST(contents_alone)
{
    cleanup(free_pointer) char *path = xasprintf("fixtures/archives/odd/%s", odd[_i].file);
    for (int threads = 1; threads <= 2; threads++) {
        struct archive archive = {0};
        struct error error;
        struct archive_options options = {.threads = threads, .contents_only = true};
        ck_assert_int_eq(archive_read(&archive, path, &options, &error), -1);
        ck_assert_int_eq(error.fault, FAULT_MACHINE);
        ck_assert(archive.contents_known && !archive.complete);
        ck_assert_uint_eq(archive.extension_count, 1);
        for (size_t i = 0; i < archive.table_count; i++)
            ck_assert_int_eq(archive.tables[i].totals.rows, 0);
        archive_free(&archive);
    }
}
END_TEST

START_TEST(needs_are_known)
{
    static const char *const roles[] = {"postgres", "app_owner", "Read Only", "authenticated",
                                        "auditor"};
    struct archive archive = read_good("fixtures/archives/odd/custom.dump", 1);
    ck_assert_uint_eq(archive.roles.count, ARRAY_LENGTH(roles));
    for (size_t i = 0; i < ARRAY_LENGTH(roles); i++)
        ck_assert_msg(strings_contain(&archive.roles, roles[i]), "%s", roles[i]);
    ck_assert_uint_eq(archive.extension_count, 1);
    ck_assert_str_eq(archive.extensions[0].name, "pg_trgm");
    ck_assert_str_eq(archive.extensions[0].schema, "public");
    ck_assert_str_eq(archive.database, "odd");
    ck_assert(archive.has_creation_time);
    ck_assert_int_eq(archive.creation_local.tm_year, 126);
    archive_free(&archive);

    archive = read_good("fixtures/archives/odd/schema_only.dump", 2);
    ck_assert_uint_eq(archive.table_count, 0);
    ck_assert_uint_eq(archive.roles.count, ARRAY_LENGTH(roles));
    archive_free(&archive);
    archive = read_good("fixtures/archives/odd/no_blobs.dump", 2);
    ck_assert_int_eq(archive.large_object_count, 0);
    archive_free(&archive);
    archive = read_good("fixtures/archives/odd/root.dump", 2);
    const struct archive_table *part = find_table(&archive, "parts_low");
    ck_assert_str_eq(part->target_name, "parts");
    ck_assert_str_eq(part->target_schema, "public");
    archive_free(&archive);
}
END_TEST

START_TEST(entries_are_whole)
{
    struct archive archive = read_good("fixtures/archives/odd/custom.dump", 1);
    size_t with_data = 0;
    bool found = false;
    for (size_t i = 0; i < archive.entry_count; i++) {
        const struct archive_entry *entry = &archive.entries[i];
        with_data += entry->has_data;
        ck_assert_int_eq(entry->has_data, entry->data_offset >= 0);
        if (strcmp(entry->description, "POLICY") == 0 && strcmp(entry->tag, "users own") == 0) {
            found = true;
            ck_assert_int_eq(entry->section, ARCHIVE_SECTION_POST_DATA);
            ck_assert_uint_ge(entry->dependency_count, 1);
            ck_assert_str_eq(entry->owner, "app_owner");
            ck_assert_ptr_nonnull(strstr(entry->definition, "CREATE POLICY own"));
        }
    }
    ck_assert(found);
    ck_assert_uint_eq(with_data, 13); /* 12 tables and the large objects */
    archive_free(&archive);
}
END_TEST

/* ---- synthesized archives ---- */

static const enum archive_compression compressions[] = {ARCHIVE_UNCOMPRESSED, ARCHIVE_GZIP,
                                                        ARCHIVE_LZ4, ARCHIVE_ZSTD};

static void check_built(const char *path, const struct build *build, int threads)
{
    struct archive archive = read_good(path, threads);
    ck_assert_int_eq(archive.version_minor, build->minor);
    ck_assert_uint_eq(archive.table_count, 2);
    ck_assert_int_eq(archive.tables[0].totals.rows, BUILT_FIRST_ROWS);
    ck_assert_int_eq(archive.tables[1].totals.rows, BUILT_SECOND_ROWS);
    ck_assert_str_eq(archive.tables[0].columns, "(id, name)");
    ck_assert_int_eq(archive.large_object_count, build->large_objects);
    ck_assert_int_eq(archive.large_object_bytes, build->large_objects * 5);
    ck_assert_str_eq(archive.extensions[0].schema, "tools");
    ck_assert_int_eq(archive.creation_time_as_utc, 1795356185);
    archive_free(&archive);
}

START_TEST(every_version_and_compression)
{
    static const int sizes[][2] = {{4, 8}, {8, 8}, {2, 4}, {4, 16}, {32, 32}, {1, 4}};
    int minor = 7 + _i / 4;
    enum archive_compression compression = compressions[_i % 4];
    if (minor < 15 && compression > ARCHIVE_GZIP)
        return;
    for (size_t k = 0; k < ARRAY_LENGTH(sizes) * 2; k++) {
        struct build build = {.minor = minor,
                              .compression = compression,
                              .integer_size = sizes[k / 2][0],
                              .offset_size = sizes[k / 2][1],
                              .offsets = k % 2 == 0,
                              .chunk_bytes = sizes[k / 2][0] == 1 ? 100 : 0,
                              .large_objects = sizes[k / 2][0] == 1 ? 0 : 3};
        struct buffer bytes;
        char path[64];
        build_archive(&build, &bytes);
        int descriptor = memory_file(bytes.data, bytes.length, path);
        check_built(path, &build, 1);
        check_built(path, &build, 2);
        close(descriptor);
        buffer_free(&bytes);
    }
}
END_TEST

static void expect_built(const struct buffer *bytes, const struct build *build, const char *says)
{
    char path[64];
    int descriptor = memory_file(bytes->data, bytes->length, path);
    struct archive_options options = {.threads = 2};
    struct archive archive = {0};
    struct error error = {0};
    if (says) {
        ck_assert_int_eq(archive_read(&archive, path, &options, &error), -1);
        ck_assert_int_eq(error.fault, FAULT_BACKUP);
        ck_assert_msg(strstr(error.text, says) != NULL, "%s", error.text);
    } else {
        check_built(path, build, 1);
        check_built(path, build, 2);
    }
    archive_free(&archive);
    close(descriptor);
}

/* What `pg_dump -Fc > FILE` leaves since version 16: a second table of contents at the end. */
START_TEST(a_table_of_contents_behind_the_data)
{
    struct build build = {.minor = 15 + _i,
                          .compression = ARCHIVE_GZIP,
                          .integer_size = 4,
                          .offset_size = 8,
                          .large_objects = 3};
    struct buffer once, twice;
    build_archive(&build, &once);
    build.toc_again = true;
    build_archive(&build, &twice);
    expect_built(&twice, &build, NULL);

    size_t length = twice.length;
    for (twice.length = once.length + 1; twice.length < length; twice.length++)
        expect_built(&twice, &build, "second table of contents");
    char *tag = memmem(twice.data + once.length, length - once.length, "second", strlen("second"));
    tag[0] = 'S';
    expect_built(&twice, &build, "entry 4 is not the one of the first");
    tag[0] = 's';
    twice.data[length - 1]++; /* of the offset of the last entry, which has none */
    expect_built(&twice, &build, "data offset");
    twice.data[length - 1]--;
    expect_built(&twice, &build, NULL);
    buffer_append(&twice, "", 1);
    expect_built(&twice, &build, "goes on behind its end");

    /* Behind the first half only: what is missing is the data, not a table of contents. */
    memmove(twice.data + once.length - 20, twice.data + once.length, length - once.length);
    twice.length = length - 20;
    expect_built(&twice, &build, "");
    buffer_free(&once);
    buffer_free(&twice);
}
END_TEST

static void write_file(const char *directory, const char *name, const char *suffix,
                       const struct buffer *bytes)
{
    struct error error;
    cleanup(free_pointer) char *path = xasprintf("%s/%s%s", directory, name, suffix);
    ck_assert_int_eq(file_replace(path, bytes->data, bytes->length, &error), 0);
}

static void write_compressed(const char *directory, const char *name,
                             enum archive_compression compression, const char *bytes, size_t length)
{
    static const char *const suffixes[] = {"", ".gz", ".lz4", ".zst"};
    struct buffer stream;
    build_compressed(compression, true, bytes, length, &stream);
    write_file(directory, name, suffixes[compression], &stream);
    buffer_free(&stream);
}

/* pg_dump writes no frame where it has nothing to compress, such as an empty large object. */
START_TEST(nothing_compressed_in_a_directory)
{
    static const char *const suffixes[] = {".lz4", ".zst"};
    struct build build = {.minor = 16,
                          .compression = compressions[2 + _i],
                          .integer_size = 4,
                          .offset_size = 8,
                          .as_directory = true,
                          .large_objects = 1};
    char directory[] = "/tmp/archive_test.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    struct buffer bytes;
    build_archive(&build, &bytes);
    write_file(directory, "toc.dat", "", &bytes);
    for (int table = 1; table <= 2; table++) {
        buffer_free(&bytes);
        build_rows(table, &bytes);
        write_compressed(directory, table == 1 ? "3.dat" : "4.dat", build.compression, bytes.data,
                         bytes.length);
    }
    write_compressed(directory, "blobs_5.toc", ARCHIVE_UNCOMPRESSED, "16001 blob_16001.dat\n", 21);
    buffer_clear(&bytes);
    write_file(directory, "blob_16001.dat", suffixes[_i], &bytes);
    struct archive archive = read_good(directory, 2);
    ck_assert_int_eq(archive.large_object_count, 1);
    ck_assert_int_eq(archive.large_object_bytes, 0);
    archive_free(&archive);

    write_file(directory, "3.dat", suffixes[_i], &bytes); /* a table's data has its end at least */
    struct archive_options options = {.threads = 2};
    struct error error = {0};
    struct archive damaged = {0};
    ck_assert_int_eq(archive_read(&damaged, directory, &options, &error), -1);
    ck_assert_int_eq(error.fault, FAULT_BACKUP);
    ck_assert_ptr_nonnull(strstr(error.text, "\\."));
    archive_free(&damaged);
    buffer_free(&bytes);
    ck_assert_int_eq(tree_remove(directory, &error), 0);
}
END_TEST

START_TEST(directories_of_every_compression)
{
    enum archive_compression compression = compressions[_i];
    for (int minor = 15; minor <= 16; minor++) {
        struct build build = {.minor = minor,
                              .compression = compression,
                              .integer_size = 4,
                              .offset_size = 8,
                              .as_directory = true,
                              .large_objects = 1};
        char directory[] = "/tmp/archive_test.XXXXXX";
        ck_assert_ptr_nonnull(mkdtemp(directory));
        struct buffer bytes;
        build_archive(&build, &bytes);
        write_file(directory, "toc.dat", "", &bytes);
        buffer_free(&bytes);
        for (int table = 1; table <= 2; table++) {
            build_rows(table, &bytes);
            write_compressed(directory, table == 1 ? "3.dat" : "4.dat", compression, bytes.data,
                             bytes.length);
            buffer_free(&bytes);
        }
        write_compressed(directory, "blob_16001.dat", compression, "hello", 5);
        write_compressed(directory, minor >= 16 ? "blobs_5.toc" : "blobs.toc", compression,
                         "16001 blob_16001.dat\n", 21);
        check_built(directory, &build, 2);
        struct error error;
        ck_assert_int_eq(tree_remove(directory, &error), 0);
    }
}
END_TEST

/* ---- containers and copies ---- */

struct wrapped {
    struct buffer stream; /* as stored */
    struct buffer plain;  /* what is in it */
};

static void wrap(const char *path, int way, struct wrapped *wrapped)
{
    struct error error;
    ck_assert_int_eq(file_read(path, LIMIT, &wrapped->plain, &error), 0);
    const char *bytes = wrapped->plain.data;
    size_t length = wrapped->plain.length, half = length / 3;
    enum archive_compression compression = way < 2 ? ARCHIVE_GZIP : ARCHIVE_ZSTD;
    if (way % 2 == 0) {
        build_compressed(compression, true, bytes, length, &wrapped->stream);
        return;
    }
    struct buffer second;
    build_compressed(compression, true, bytes, half, &wrapped->stream);
    build_compressed(compression, true, bytes + half, length - half, &second);
    buffer_append(&wrapped->stream, second.data, second.length);
    buffer_free(&second);
}

static const char *const wrapped_files[] = {"custom.dump", "tar.tar", "dump.sql"};

/* 0: gzip, 1: two gzip members, 2: zstd, 3: two zstd frames */
START_TEST(containers_unpack_to_the_same)
{
    cleanup(free_pointer) char *path = xasprintf("fixtures/archives/odd/%s", wrapped_files[_i / 4]);
    struct wrapped wrapped;
    wrap(path, _i % 4, &wrapped);
    char stored[64];
    int descriptor = memory_file(wrapped.stream.data, wrapped.stream.length, stored);
    struct archive bare = read_good(path, 1);
    for (int threads = 1; threads <= 2; threads++) {
        char directory[] = "/tmp/archive_test.XXXXXX";
        ck_assert_ptr_nonnull(mkdtemp(directory));
        cleanup(free_pointer) char *copy = xasprintf("%s/copy", directory);
        _Atomic int64_t progress = 0;
        struct archive archive = {0};
        struct error error;
        struct archive_options options = {.fingerprint = true,
                                          .threads = threads,
                                          .copy_path = copy,
                                          .progress_bytes = &progress};
        ck_assert_int_eq(archive_read(&archive, stored, &options, &error), 0);
        ck_assert_int_eq(archive.container, _i % 4 < 2 ? ARCHIVE_IN_GZIP : ARCHIVE_IN_ZSTD);
        ck_assert_int_eq(archive.format, bare.format);
        ck_assert_int_eq(progress, archive.stored_bytes);
        ck_assert_int_eq(archive.unpacked_bytes, (int64_t)wrapped.plain.length);
        ck_assert_str_eq(archive.restore_path, copy);
        ck_assert_uint_eq(archive.table_count, bare.table_count);
        for (size_t i = 0; i < bare.table_count; i++)
            ck_assert_int_eq(archive.tables[i].totals.rows, bare.tables[i].totals.rows);
        struct buffer copied;
        ck_assert_int_eq(file_read(copy, LIMIT, &copied, &error), 0);
        ck_assert_uint_eq(copied.length, wrapped.plain.length);
        ck_assert_mem_eq(copied.data, wrapped.plain.data, copied.length);
        buffer_free(&copied);
        archive_free(&archive);
        ck_assert_int_eq(tree_remove(directory, &error), 0);
    }
    archive_free(&bare);
    close(descriptor);
    buffer_free(&wrapped.stream);
    buffer_free(&wrapped.plain);
}
END_TEST

START_TEST(a_packed_directory_is_unpacked)
{
    char directory[] = "/tmp/archive_test.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    cleanup(free_pointer) char *copy = xasprintf("%s/copy", directory);
    struct archive archive = {0};
    struct error error;
    struct archive_options options = {.fingerprint = true, .threads = 2, .copy_path = copy};
    ck_assert_int_eq(
        archive_read(&archive, "fixtures/archives/odd/render.dir.tar.gz", &options, &error), 0);
    ck_assert_str_eq(archive.restore_path, copy);
    ck_assert_int_eq(archive.restore_format, ARCHIVE_DIRECTORY);
    struct archive unpacked = read_good(copy, 1);
    struct archive original = read_good("fixtures/archives/odd/directory", 1);
    ck_assert_str_eq(unpacked.sha256, original.sha256);
    compare_fingerprints(&archive, &original);
    archive_free(&unpacked);
    archive_free(&original);
    archive_free(&archive);
    ck_assert_int_eq(tree_remove(directory, &error), 0);
}
END_TEST

START_TEST(hashes_are_those_of_sha256sum)
{
    static const struct {
        const char *path, *command;
    } files[] = {
        {"fixtures/archives/odd/custom.dump", "sha256sum fixtures/archives/odd/custom.dump"},
        {"fixtures/archives/odd/tar.tar", "sha256sum fixtures/archives/odd/tar.tar"},
        {"fixtures/archives/odd/directory",
         "cd fixtures/archives/odd/directory && LC_ALL=C && sha256sum -- * | sha256sum"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        char line[SHA256_HEX_SIZE] = "";
        FILE *pipe = popen(files[i].command, "r");
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), pipe));
        pclose(pipe);
        for (int threads = 1; threads <= 2; threads++) {
            struct archive archive = read_good(files[i].path, threads);
            ck_assert_str_eq(archive.sha256, line);
            archive_free(&archive);
        }
    }
}
END_TEST

Suite *archive_read_suite(void)
{
    Suite *suite = suite_create("archive read");
    add_table_test(suite, corpus_has_its_rows, ARRAY_LENGTH(corpus));
    add_table_test(suite, every_format_holds_the_same, ARRAY_LENGTH(odd));
    add_table_test(suite, contents_are_announced_once, ARRAY_LENGTH(odd));
    add_table_test(suite, contents_alone, ARRAY_LENGTH(odd));
    add_test(suite, needs_are_known);
    add_test(suite, entries_are_whole);
    add_table_test(suite, every_version_and_compression, 10 * 4);
    add_table_test(suite, newer_versions_have_their_rows, ARRAY_LENGTH(newer));
    add_table_test(suite, a_table_of_contents_behind_the_data, 2);
    add_table_test(suite, directories_of_every_compression, 4);
    add_table_test(suite, nothing_compressed_in_a_directory, 2);
    add_table_test(suite, containers_unpack_to_the_same, ARRAY_LENGTH(wrapped_files) * 4);
    add_test(suite, a_packed_directory_is_unpacked);
    add_test(suite, hashes_are_those_of_sha256sum);
    return suite;
}
