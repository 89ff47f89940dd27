/* What is no backup, and what was made to hurt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/buffer.h"
#include "base/file.h"
#include "tests/unit/archive_builder.h"
#include "tests/unit/unit.h"

#define LIMIT (64UL << 20)

/* Reads bytes as a backup and expects that to fail. */
static struct error read_bad(const void *bytes, size_t length, int threads)
{
    char path[64];
    int descriptor = memory_file(bytes, length, path);
    struct archive archive = {0};
    struct error error = {0};
    struct archive_options options = {.fingerprint = true, .threads = threads};
    int result = archive_read(&archive, path, &options, &error);
    ck_assert_int_eq(result, -1);
    ck_assert(!archive.complete);
    archive_free(&archive);
    close(descriptor);
    return error;
}

#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
    const char *bytes;
    size_t length;
    enum fault fault;
    const char *says;
} no_backups[] = {
    {BYTES(""), FAULT_BACKUP, "it is empty"},
    {BYTES("\xff\xfeP\0G\0D\0M\0P\0\1\0"), FAULT_BACKUP, "beyond repair"},
    {BYTES("\xff\xfe-\0-\0\r\0\n\0"), FAULT_BACKUP, "UTF-16"},
    {BYTES("\xfe\xff\0-\0-"), FAULT_BACKUP, "UTF-16"},
    {BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:1\n"), FAULT_BACKUP, "git lfs"},
    {BYTES("-- MySQL dump 10.13  Distrib 8.0.31\n"), FAULT_MACHINE, "MySQL"},
    {BYTES("/*!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n"), FAULT_MACHINE,
     "MariaDB"},
    {BYTES("<!DOCTYPE html>\n<html>"), FAULT_BACKUP, "HTML"},
    {BYTES("\n <HTML><body>502"), FAULT_BACKUP, "HTML"},
    {BYTES("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>"), FAULT_BACKUP, "XML"},
    {BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), FAULT_BACKUP, "PNG"},
    {BYTES("\xff\xd8\xff\xe0\0\20JFIF"), FAULT_BACKUP, "JPEG"},
    {BYTES("%PDF-1.7\n"), FAULT_BACKUP, "PDF"},
    {BYTES("SQLite format 3\0\20\0"), FAULT_MACHINE, "SQLite"},
    {BYTES("Salted__12345678"), FAULT_MACHINE, "encrypted"},
    {BYTES("pg_dump: error: connection to server failed\n"), FAULT_BACKUP, "error messages"},
    {BYTES("hello, world\n"), FAULT_BACKUP, "begins with \"hello, world\""},
    {BYTES("select 1;\n"), FAULT_BACKUP, "it is text"},
    {BYTES("\0\0\0\0\0\0\0\0"), FAULT_BACKUP, "zeros"},
    {BYTES("\x81\x82\x83\x00\x01"), FAULT_BACKUP, "no backup"},
    {BYTES("\xfd"
           "7zXZ\0\0"),
     FAULT_MACHINE, "xz"},
    {BYTES("BZh91AY&SY"), FAULT_MACHINE, "bzip2"},
    {BYTES("PK\x03\x04\x14\0"), FAULT_MACHINE, "zip"},
    {BYTES("\x04\x22\x4d\x18\x64\x40"), FAULT_MACHINE, "lz4"},
    {BYTES("PGDMP"), FAULT_BACKUP, "cut off"},
    {BYTES("PGDMP\1\21\0\4\10\1"), FAULT_MACHINE, "1.17"},
    {BYTES("PGDMP\2\0\0\4\10\1"), FAULT_MACHINE, "2.0"},
    {BYTES("PGDMP\1\6\0\4\10\1"), FAULT_MACHINE, "1.6"},
    {BYTES("PGDMP\0\16\0\4\10\1"), FAULT_BACKUP, "never was"},
    {BYTES("PGDMP\1\16\0\0\10\1"), FAULT_BACKUP, "integer has 0 bytes"},
    {BYTES("PGDMP\1\16\0\41\10\1"), FAULT_BACKUP, "integer has 33 bytes"},
    {BYTES("PGDMP\1\16\0\4\0\1"), FAULT_BACKUP, "offset has 0 bytes"},
    {BYTES("PGDMP\1\16\0\4\10\4"), FAULT_BACKUP, "format 4"},
    {BYTES("PGDMP\1\20\0\4\10\1\4"), FAULT_BACKUP, "compression algorithm 4"},
    {BYTES("PGDMP\1\16\0\4\10\1\0\14\0\0\0"), FAULT_BACKUP, "compression level 12"},
    {BYTES("\x1f\x8b"), FAULT_BACKUP, "cut off"},
    {BYTES("\x28\xb5\x2f\xfd"), FAULT_BACKUP, "cut off"},
};

START_TEST(what_is_no_backup_is_named)
{
    for (int threads = 1; threads <= 2; threads++) {
        struct error error = read_bad(no_backups[_i].bytes, no_backups[_i].length, threads);
        ck_assert_msg(strstr(error.text, no_backups[_i].says) != NULL, "%s", error.text);
        ck_assert_int_eq(error.fault, no_backups[_i].fault);
        ck_assert_msg(starts_with(error.text, "/proc/self/fd/"), "%s", error.text);
    }
}
END_TEST

/* The same inside gzip and zstd: an unpacked stranger is a stranger still. */
START_TEST(what_is_no_backup_is_named_when_packed)
{
    static const enum archive_compression compressions[] = {ARCHIVE_GZIP, ARCHIVE_ZSTD};
    for (size_t i = 0; i < ARRAY_LENGTH(compressions); i++) {
        struct buffer stream;
        build_compressed(compressions[i], true, no_backups[_i].bytes, no_backups[_i].length,
                         &stream);
        struct error error = read_bad(stream.data, stream.length, 2);
        bool twice = no_backups[_i].bytes[0] == '\x1f' || no_backups[_i].bytes[0] == '\x28';
        ck_assert_msg(strstr(error.text, twice ? "twice" : no_backups[_i].says) != NULL, "%s",
                      error.text);
        buffer_free(&stream);
    }
}
END_TEST

START_TEST(paths_that_are_no_files)
{
    static const struct {
        const char *path;
        enum fault fault;
        const char *says;
    } paths[] = {
        {"/nonexistent/backup.dump", FAULT_MACHINE, "No such file"},
        {"/dev/null", FAULT_MACHINE, "neither a file nor a directory"},
        {"fixtures/archives/corpus", FAULT_BACKUP, "without a toc.dat"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        struct archive archive = {0};
        struct error error = {0};
        struct archive_options options = {.threads = 2};
        ck_assert_int_eq(archive_read(&archive, paths[i].path, &options, &error), -1);
        ck_assert_int_eq(error.fault, paths[i].fault);
        ck_assert_msg(strstr(error.text, paths[i].says) != NULL, "%s", error.text);
        archive_free(&archive);
    }
}
END_TEST

/* ---- bombs ---- */

static int64_t cpu_ms(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000 +
           (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
}

static struct error expect_cheap(const struct buffer *bytes)
{
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    ck_assert_uint_le(bytes->length, 4096);
    struct error error = read_bad(bytes->data, bytes->length, 2);
    getrusage(RUSAGE_SELF, &after);
    /* Processor time: the machine may have other work. */
    int64_t took_ms = cpu_ms(&after) - cpu_ms(&before);
    /* The sanitizers' own cost is not what is measured. */
#if !defined(__SANITIZE_ADDRESS__)
    ck_assert_int_lt(took_ms, 1000);
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 64 * 1024);
#else
    (void)took_ms;
#endif
    return error;
}

static void compress_again(struct buffer *bytes, enum archive_compression compression)
{
    struct buffer packed;
    build_compressed(compression, true, bytes->data, bytes->length, &packed);
    buffer_free(bytes);
    *bytes = packed;
}

/* A zstd frame that says 128 KiB of `fill` with 4 bytes, as often as asked for. */
static void endless_zstd(struct buffer *ret_stream, char fill, int blocks)
{
    buffer_init(ret_stream, LIMIT);
    buffer_append(ret_stream, "\x28\xb5\x2f\xfd\0\x38", 6);
    for (int i = 0; i < blocks; i++) {
        buffer_append(ret_stream, "\x02\0\x10", 3);
        buffer_append(ret_stream, &fill, 1);
    }
    buffer_append(ret_stream, "\1\0\0", 3);
}

/* A custom archive whose first block is such a stream: bare of 700 blocks (92 MB), packed of four
 * million (half a terabyte). */
static void bomb_build(struct buffer *ret_bytes, char fill, bool packed)
{
    struct build build = {
        .minor = 16, .compression = ARCHIVE_ZSTD, .integer_size = 4, .offset_size = 8};
    struct buffer archive, stream;
    build_archive(&build, &archive);
    endless_zstd(&stream, fill, packed ? 4000000 : 700);
    /* The head of the first block, type and dump id, is followed by its first chunk. */
    static const char head[] = {1, 0, 3, 0, 0, 0, 0};
    const char *begin = memmem(archive.data + 400, archive.length - 400, head, sizeof(head));
    ck_assert_ptr_nonnull(begin);
    buffer_init(ret_bytes, LIMIT);
    buffer_append(ret_bytes, archive.data, (size_t)(begin - archive.data) + 6);
    uint32_t size = (uint32_t)stream.length;
    char length[5] = {0, (char)size, (char)(size >> 8), (char)(size >> 16), (char)(size >> 24)};
    buffer_append(ret_bytes, length, sizeof(length));
    buffer_append(ret_bytes, stream.data, stream.length);
    buffer_append(ret_bytes, "\0\0\0\0\0", 5);
    buffer_free(&archive);
    buffer_free(&stream);
    if (packed)
        compress_again(ret_bytes, ARCHIVE_ZSTD);
}

START_TEST(bombs_are_cheap)
{
    static const char fills[] = {'\n', '\0', 'x', '\\'};
    struct buffer bytes;
    bomb_build(&bytes, fills[_i % 4], _i >= 4);
    struct error error = expect_cheap(&bytes);
    ck_assert_msg(strstr(error.text, "table public.first") || strstr(error.text, "bomb"), "%s",
                  error.text);
    buffer_free(&bytes);
}
END_TEST

/* Zeros in gzip in zstd: 50 MB that are no backup. */
START_TEST(packed_zeros_are_cheap)
{
    struct buffer bytes;
    size_t length = 50UL << 20;
    char *zeros = calloc(1, length);
    build_compressed(ARCHIVE_ZSTD, true, zeros, length, &bytes);
    free(zeros);
    if (_i == 1)
        compress_again(&bytes, ARCHIVE_GZIP);
    expect_cheap(&bytes);
    buffer_free(&bytes);
}
END_TEST

/* A promise of much: lengths and counts that are not there, and less than nothing. */
START_TEST(promises_cost_nothing)
{
    static const char *const promises[] = {"\0\xff\xff\xff\x7f", "\1\xff\xff\xff\x7f",
                                           "\1\0\0\0\x80", "\1\2\0\0\0"};
    struct build build = {.minor = 14, .integer_size = 4, .offset_size = 8, .offsets = true};
    struct buffer bytes;
    build_archive(&build, &bytes);
    bytes.length = 4000;
    for (size_t i = 11; i + 5 < bytes.length && i < 1200; i += 1) {
        struct buffer damaged;
        buffer_init(&damaged, LIMIT);
        buffer_append(&damaged, bytes.data, bytes.length);
        memcpy(damaged.data + i, promises[_i], 5);
        expect_cheap(&damaged);
        buffer_free(&damaged);
    }
    buffer_free(&bytes);
}
END_TEST

/* ---- the file system ---- */

/* The table of contents names the files with data, and pg_restore opens what it names. */
START_TEST(names_that_lead_out_of_a_directory)
{
    static const char *const names[] = {"../3x", "/3.da", "a/3.d", "4.dat", "3.DAT", "3.da/"};
    static const struct build build = {
        .minor = 14, .integer_size = 4, .offset_size = 8, .as_directory = true};
    char directory[] = "/tmp/archive_test.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    cleanup(free_pointer) char *path = xasprintf("%s/toc.dat", directory);
    struct error error = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct buffer toc;
        build_archive(&build, &toc);
        char *name = memmem(toc.data, toc.length, "3.dat", 5);
        ck_assert_ptr_nonnull(name);
        memcpy(name, names[i], 5);
        ck_assert_int_eq(file_replace(path, toc.data, toc.length, &error), 0);
        buffer_free(&toc);
        struct archive archive = {0};
        struct archive_options options = {.threads = 2};
        ck_assert_int_eq(archive_read(&archive, directory, &options, &error), -1);
        ck_assert_msg(strstr(error.text, "a name that pg_dump does not give"), "%s", error.text);
        ck_assert_int_eq(error.fault, FAULT_BACKUP);
        archive_free(&archive);
    }
    ck_assert_int_eq(tree_remove(directory, &error), 0);
}
END_TEST

START_TEST(directories_with_traps)
{
    static const struct {
        const char *name, *says;
        int kind; /* 0: file, 1: fifo, 2: link to a file, 3: missing, 4: such a link in its place */
    } traps[] = {
        {"9999.dat.gz", "announces no data", 0},
        {"3454.dat.lz4", "twice", 0},
        {"toc.dat.gz", "both", 0},
        {"blob_7.dat", "no list announces", 0},
        {"9998.dat", "no regular file", 1},
        {"9998.dat", "no regular file", 2},
        {"3454.dat.gz", "missing", 3},
        {"blob_100001.dat.gz", "missing", 3},
        {"blobs.toc", "no list announces", 3},
        {"toc.dat", "without a toc.dat", 3},
        {"toc.dat", "no regular file", 4},
        {"3454.dat.gz", "no regular file", 4},
        {"blobs.toc", "no regular file", 4},
        {"blob_100001.dat.gz", "no regular file", 4},
    };
    char directory[] = "/tmp/archive_test.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    cleanup(free_pointer) char *copy =
        xasprintf("cp fixtures/archives/odd/directory/* %s/", directory);
    ck_assert_int_eq(system(copy), 0);
    cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, traps[_i].name);
    struct error error = {0};
    if (traps[_i].kind == 0)
        ck_assert_int_eq(file_replace(path, "x", 1, &error), 0);
    else if (traps[_i].kind == 1)
        ck_assert_int_eq(mkfifo(path, 0600), 0);
    if (traps[_i].kind >= 3)
        ck_assert_int_eq(unlink(path), 0);
    if (traps[_i].kind == 2 || traps[_i].kind == 4)
        ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    struct archive archive = {0};
    struct archive_options options = {.fingerprint = true, .threads = 2};
    ck_assert_int_eq(archive_read(&archive, directory, &options, &error), -1);
    ck_assert_msg(strstr(error.text, traps[_i].says) != NULL, "%s", error.text);
    ck_assert_int_eq(error.fault, FAULT_BACKUP);
    archive_free(&archive);
    ck_assert_int_eq(tree_remove(directory, &error), 0);
}
END_TEST

START_TEST(a_copy_never_overwrites)
{
    char directory[] = "/tmp/archive_test.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    cleanup(free_pointer) char *path = xasprintf("%s/copy", directory);
    struct error error = {0};
    ck_assert_int_eq(file_replace(path, "mine", 4, &error), 0);
    struct archive archive = {0};
    struct archive_options options = {.threads = 2, .copy_path = path, .always_copy = true};
    ck_assert_int_eq(archive_read(&archive, "fixtures/archives/odd/custom.dump", &options, &error),
                     -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    archive_free(&archive);
    ck_assert_int_eq(tree_remove(directory, &error), 0);
}
END_TEST

Suite *archive_hostile_suite(void)
{
    Suite *suite = suite_create("archive hostile");
    add_table_test(suite, what_is_no_backup_is_named, ARRAY_LENGTH(no_backups));
    add_table_test(suite, what_is_no_backup_is_named_when_packed, ARRAY_LENGTH(no_backups));
    add_test(suite, paths_that_are_no_files);
    add_table_test(suite, bombs_are_cheap, 8);
    add_table_test(suite, packed_zeros_are_cheap, 2);
    add_table_test(suite, promises_cost_nothing, 4);
    add_test(suite, names_that_lead_out_of_a_directory);
    add_table_test(suite, directories_with_traps, 14);
    add_test(suite, a_copy_never_overwrites);
    return suite;
}
