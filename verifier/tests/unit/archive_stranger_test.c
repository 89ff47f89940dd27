/* What is no backup of pg_dump: what it is, and whose fault that is. */
#include "archive/stranger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/data_only.h"
#include "archive/encryption.h"
#include "archive/source.h"
#include "base/buffer.h"
#include "base/file.h"
#include "tests/unit/archive_builder.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define LIMIT (16UL << 20)

static struct error read_named(const char *name, const char *bytes, size_t length,
                               const char *copy_path)
{
    cleanup(source_closep) struct source *source = memory_source_new(bytes, length);
    struct archive archive = {0};
    struct error error = {.text = "no error"};
    struct archive_options options = {.threads = 2, .copy_path = copy_path};
    int result = archive_read_stream(&archive, name, source, (int64_t)length, &options, &error);
    ck_assert_msg(result == -1, "%s was accepted", name);
    archive_free(&archive);
    return error;
}

#define BYTES(literal) literal, sizeof(literal) - 1
#define PKESK          "\x85\x01\x0c\x03\x8f\x1b\x9a\x10\x22\x33\x44\x55\x01\x08\0\xaa\xbb\xcc\xdd\xee\xff"
#define SKESK          "\x8c\x0d\x04\x09\x03\x0a\xbd\x35\xf1\x02\x11\x22\x33\x44\xff\xd2\xc0\x7f\x01\x99"
#define CMS                                                                                        \
    "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80\x30\x80\x02\x01\0\x31\x82\x01"   \
    "\x2a\x30\x82\x01\x26\x02\x01\0\x30"

static const struct {
    const char *name, *bytes;
    size_t length;
    enum fault fault;
    const char *says;
} strangers[] = {
    /* Encrypted, as the name says, or as it does not. */
    {"x.dump.gz.gpg", BYTES(SKESK), FAULT_MACHINE, "encrypted with OpenPGP (gpg), which"},
    {"x.pgp", BYTES(PKESK), FAULT_MACHINE, "gpg --decrypt"},
    {"x.sql.asc", BYTES("-----BEGIN PGP MESSAGE-----\n\njA0E\n"), FAULT_MACHINE, "OpenPGP"},
    {"x.dump.gz.age", BYTES("age-encryption.org/v1\n-> X25519"), FAULT_MACHINE, "with age"},
    {"x.dump.age.20261122", BYTES("-----BEGIN AGE ENCRYPTED FILE-----\n"), FAULT_MACHINE, "age -"},
    {"x.dump.enc", BYTES("Salted__12345678"), FAULT_MACHINE, "openssl enc -d"},
    {"x.ENC", BYTES("U2FsdGVkX19abc\n"), FAULT_MACHINE, "base64"},
    {"x.p7m", BYTES(CMS), FAULT_MACHINE, "S/MIME"},
    {"x.aes", BYTES("AES\2\0\0\x18"), FAULT_MACHINE, "AES Crypt"},
    {"x.vault", BYTES("$ANSIBLE_VAULT;1.1;AES256\n"), FAULT_MACHINE, "Ansible"},
    {"x.zip", BYTES("PK\3\4\x14\0\1\0\0\0"), FAULT_MACHINE, "a zip password"},
    {"a.b/backup-20261122", BYTES(SKESK), FAULT_MACHINE, "decrypt it first"},
    {"encrypted_20261122.dump", BYTES("\x93\x81\xf4\0\1"), FAULT_MACHINE, "its name says that"},
    {"x.dump.gpg", BYTES("\x93\x81\xf4\0\1"), FAULT_MACHINE, "its name says that"},
    {"x.dump.gpg", BYTES("<html>"), FAULT_BACKUP, "HTML"},
    {"x.dump.gpg", BYTES("\0\0\0\0"), FAULT_BACKUP, "zeros"},
    {"x.dump.gpg", BYTES(""), FAULT_BACKUP, "empty"},
    {"x.dump", BYTES("\x93\x81\xf4\0\1"), FAULT_BACKUP, "no backup of pg_dump"},
    {"s3://b.enc/x.dump.gz", BYTES(SKESK), FAULT_BACKUP, "encrypted with OpenPGP (gpg), though"},
    {"/a/x.dump", BYTES(PKESK), FAULT_BACKUP, "find out who"},
    {"x.sql.zst", BYTES("age-encryption.org/v1\n"), FAULT_BACKUP, "encrypted with age"},
    {"x.sql", BYTES("-----BEGIN PGP MESSAGE-----\n"), FAULT_BACKUP, "encrypted"},
    {"x.dir.tar.gz", BYTES("Salted__12345678"), FAULT_BACKUP, "encrypted with openssl"},
    {"x.Backup", BYTES(CMS), FAULT_BACKUP, "encrypted with S/MIME"},
    {"x.dump", BYTES("PK\3\4\x14\0\x09\0\x08\0"), FAULT_BACKUP, "a zip password"},
    /* Wrapped in something else, whatever the name says. */
    {"x.dump.gz",
     BYTES("\xfd"
           "7zXZ\0\0"),
     FAULT_MACHINE, "compressed with xz"},
    {"x.bz2", BYTES("BZh91AY&SY"), FAULT_MACHINE, "bzip2"},
    {"x.dump.lz4", BYTES("\x04\x22\x4d\x18\x64\x40"), FAULT_MACHINE, "lz4"},
    {"x.dump.lz4", BYTES("\x02\x21\x4c\x18\x64\x40"), FAULT_MACHINE, "lz4"},
    {"x.dump", BYTES("PK\3\4\x14\0\0\0\x08\0"), FAULT_MACHINE, "compressed with zip"},
    {"x.7z", BYTES("7z\xbc\xaf\x27\x1c\0\4"), FAULT_MACHINE, "7-Zip"},
    {"x.rar", BYTES("Rar!\x1a\x07\1\0"), FAULT_MACHINE, "RAR"},
    {"x.lzma", BYTES("\x5d\0\0\x80\0"), FAULT_MACHINE, "lzma"},
    {"x.dump", BYTES("UEdETVABDgAECAEB\n"), FAULT_MACHINE, "base64"},
    {"x.dump", BYTES("PGCOPY\n\xff\r\n\0\0\0\0\0"), FAULT_MACHINE, "binary format"},
    /* Of another database. */
    {"x.sql", BYTES("-- MySQL dump 10.13  Distrib 8.0.31\n"), FAULT_MACHINE, "a dump of MySQL"},
    {"x.sql", BYTES("/*!999999\\- enable */ \n-- MariaDB dump 10.19\n"), FAULT_MACHINE, "MariaDB"},
    {"x.sql", BYTES("-- phpMyAdmin SQL Dump\n-- version 5\n"), FAULT_MACHINE, "phpMyAdmin"},
    {"x.sql", BYTES("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n"), FAULT_MACHINE, "SQLite"},
    {"x.dump", BYTES("SQLite format 3\0\20\0"), FAULT_MACHINE, "an SQLite database"},
    {"x.archive", BYTES("\x6d\xe2\x99\x81\x66\0"), FAULT_MACHINE, "MongoDB"},
    {"x.sql", BYTES("-- Adminer 4.8.1 PostgreSQL 15.2 dump\n"), FAULT_MACHINE, "Adminer"},
    {"x.dump", BYTES("REDIS0009\xfa"), FAULT_MACHINE, "Redis"},
    /* What never was a backup. */
    {"x.dump", BYTES("{\"message\": \"Not Found\"}"), FAULT_BACKUP, "JSON"},
    {"x.dump", BYTES("/annex/objects/SHA256E-s1--x\n"), FAULT_BACKUP, "git annex get"},
    {"x.dump", BYTES("<Error><Code>AccessDenied</Code>"), FAULT_BACKUP, "XML"},
    {"x.dump", BYTES("-----BEGIN PGP SIGNATURE-----\n"), FAULT_BACKUP, "key or signature"},
    {"x.dump", BYTES("PASSWORD=geheim\n"), FAULT_BACKUP, "it begins with \"PASSWORD\""},
    {"x.dump", BYTES("sh: 1: pg_dump: not found\n"), FAULT_BACKUP, "\"sh: 1: pg_dump: not found\""},
};

static void expect_stranger(int i, const char *bytes, size_t length)
{
    struct error error = read_named(strangers[i].name, bytes, length, NULL);
    ck_assert_msg(strstr(error.text, strangers[i].says) != NULL, "%s: %s", strangers[i].name,
                  error.text);
    ck_assert_msg(error.fault == strangers[i].fault, "%s: %s", strangers[i].name, error.text);
    ck_assert_msg(starts_with(error.text, strangers[i].name), "%s", error.text);
    ck_assert_ptr_null(strstr(error.text, "geheim"));
}

START_TEST(a_stranger_is_named_and_blamed)
{
    expect_stranger(_i, strangers[_i].bytes, strangers[_i].length);
}
END_TEST

START_TEST(a_stranger_in_gzip_is_a_stranger_still)
{
    struct buffer packed;
    build_compressed(ARCHIVE_GZIP, true, strangers[_i].bytes, strangers[_i].length, &packed);
    expect_stranger(_i, packed.data, packed.length);
    buffer_free(&packed);
}
END_TEST

START_TEST(noise_is_not_encrypted)
{
    unsigned seed = 7;
    int found = 0;
    for (int i = 0; i < 20000; i++) {
        uint8_t head[64];
        for (size_t k = 0; k < sizeof(head); k++)
            head[k] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
        found += encryption_of_head(head, sizeof(head)) != NULL;
    }
    ck_assert_int_le(found, 8);
}
END_TEST

/* ---- tar ---- */

static void tar_add(struct buffer *tar, const char *name, char type, const char *content)
{
    char block[512] = {0};
    size_t length = type == '0' || type == 'x' || type == 'S' ? strlen(content) : 0;
    snprintf(block, 100, "%s", name);
    snprintf(block + 100, 8, "0000644");
    snprintf(block + 124, 12, "%011o", (unsigned)length);
    block[156] = type;
    if (length == 0)
        snprintf(block + 157, 100, "%s", content);
    memset(block + 148, ' ', 8);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(block); i++)
        sum += (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum);
    buffer_append(tar, block, sizeof(block));
    memset(block, 0, sizeof(block));
    buffer_append(tar, content, length);
    buffer_append(tar, block, (512 - length % 512) % 512);
}

struct member {
    const char *name;
    char type;
    const char *content;
};

static void tar_build(const struct member members[4], struct buffer *ret_tar)
{
    static const char end[1024] = {0};
    buffer_init(ret_tar, LIMIT);
    for (size_t i = 0; i < 4 && members[i].name; i++)
        tar_add(ret_tar, members[i].name, members[i].type, members[i].content);
    buffer_append(ret_tar, end, sizeof(end));
}

static const struct {
    struct member members[4];
    enum fault fault;
    const char *says;
} tars[] = {
    {{{"backup_label", '0', "START WAL"}}, FAULT_MACHINE, "physical backup"},
    {{{"./", '5', ""}, {"./PG_VERSION", '0', "15"}}, FAULT_MACHINE, "pg_verifybackup"},
    {{{"data/", '5', ""}, {"data/global/pg_control", '0', "15"}}, FAULT_MACHINE, "base backup"},
    {{{"000000010000000000000002", '0', "wal"}}, FAULT_MACHINE, "WAL files"},
    {{{"x/", '5', ""}, {"x/shop.sql", '0', "--"}}, FAULT_MACHINE, "(x/shop.sql) is one, unpack"},
    {{{"empty/", '5', ""}}, FAULT_BACKUP, "without a toc.dat"},
    {{{"3454.dat", '0', "\\.\n"}}, FAULT_BACKUP, "without a toc.dat"},
    /* Hostile: nothing of these may reach the machine. */
    {{{"toc.dat", '2', "/etc/passwd"}}, FAULT_BACKUP, "no regular file"},
    {{{"toc.dat", '1', "/etc/passwd"}}, FAULT_BACKUP, "no regular file"},
    {{{"b/3454.dat", '2', "../../x"}}, FAULT_BACKUP, "no regular file"},
    {{{"b/3454.dat", '6', ""}}, FAULT_BACKUP, "no regular file"},
    {{{"b/3454.dat", '3', ""}}, FAULT_BACKUP, "no regular file"},
    {{{"toc.dat", 'S', "x"}}, FAULT_MACHINE, "packed with holes"},
    {{{"../../3454.dat", '0', "\\.\n"}, {"/etc/3455.dat", '0', "\\.\n"}},
     FAULT_BACKUP,
     "more than one backup"},
    {{{"../../etc/3454.dat", '0', "\\.\n"}}, FAULT_BACKUP, "without a toc.dat"},
    {{{"x", 'x', "26 path=../../../3454.dat\n"}, {"y", '0', "\\.\n"}},
     FAULT_BACKUP,
     "without a toc.dat"},
    {{{"3454.dat", '0', "\\.\n"}, {"3454.dat", '0', "\\.\n"}}, FAULT_BACKUP, "3454.dat twice"},
    {{{"blobs.toc", '0', "1 ../../etc/passwd\n"}}, FAULT_BACKUP, "pg_dump does not write"},
    {{{"blobs.toc", '0', "1 /etc/passwd\n"}}, FAULT_BACKUP, "pg_dump does not write"},
};

/* Read with a place for a copy, into which nothing but files of ours may come. */
START_TEST(a_tar_of_another_kind_and_hostile_ones)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *inner = scratch_path(scratch, "work");
    ck_assert_int_eq(mkdir(inner, 0700), 0);
    cleanup(free_pointer) char *copy = scratch_path(inner, "copy");
    struct buffer tar;
    tar_build(tars[_i].members, &tar);
    struct error error = read_named("x.tar", tar.data, tar.length, copy);
    buffer_free(&tar);
    ck_assert_msg(strstr(error.text, tars[_i].says) != NULL, "%s", error.text);
    ck_assert_int_eq(error.fault, tars[_i].fault);
    static const char *const outside[] = {"3454.dat", "etc", "work/3454.dat", "work/etc", "x"};
    for (size_t i = 0; i < ARRAY_LENGTH(outside); i++) {
        cleanup(free_pointer) char *path = scratch_path(scratch, outside[i]);
        ck_assert_msg(!exists(path), "%s", path);
    }
    cleanup(free_pointer) char *link = scratch_path(copy, "toc.dat");
    ck_assert(!exists(link));
}
END_TEST

/* ---- directories ---- */

static const struct {
    const char *files; /* made with touch, their directories with mkdir -p */
    enum fault fault;
    const char *says;
} directories[] = {
    {"PG_VERSION global/pg_control base/1/1259", FAULT_MACHINE, "base backup, as pg_basebackup"},
    {"base.tar.gz pg_wal.tar.gz backup_manifest", FAULT_MACHINE, "pg_verifybackup"},
    {"base.tar", FAULT_MACHINE, "in tar files"},
    {"backup/main/backup.info archive/main/archive.info", FAULT_MACHINE, "pgBackRest"},
    {"base/20261122T000000/backup.info wals/xlog.db", FAULT_MACHINE, "Barman"},
    {"main/base/1/x main/wals/x", FAULT_MACHINE, "Barman"},
    {"backup.info data/PG_VERSION", FAULT_MACHINE, "Barman"},
    {"basebackups_005/x wal_005/x", FAULT_MACHINE, "WAL-G"},
    {"pg/basebackups_005/x", FAULT_MACHINE, "WAL-G"},
    {"backups/a/pg_probackup.conf wal/a/x", FAULT_MACHINE, "pg_probackup"},
    {"config data/x index/x keys/x snapshots/x", FAULT_MACHINE, "restic"},
    {"shop/users.bson shop/users.metadata.json", FAULT_MACHINE, "MongoDB"},
    {"xtrabackup_checkpoints ibdata1", FAULT_MACHINE, "XtraBackup"},
    {"readme.txt", FAULT_BACKUP, "without a toc.dat"},
    {"3454.dat.gz", FAULT_BACKUP, "without a toc.dat"},
};

START_TEST(a_directory_of_another_kind)
{
    cleanup(scratch_free) char *scratch = scratch_new();
    cleanup(free_pointer) char *command =
        xasprintf("cd %s && for f in %s; do mkdir -p $(dirname $f) && echo x > $f; done", scratch,
                  directories[_i].files);
    ck_assert_int_eq(system(command), 0);
    struct archive archive = {0};
    struct archive_options options = {.threads = 2};
    struct error error = {.text = "no error"};
    ck_assert_int_eq(archive_read(&archive, scratch, &options, &error), -1);
    ck_assert_msg(strstr(error.text, directories[_i].says) != NULL, "%s", error.text);
    ck_assert_int_eq(error.fault, directories[_i].fault);
    archive_free(&archive);
}
END_TEST

/* ---- rows without tables ---- */

#define PLAIN_BEGIN "--\n-- PostgreSQL database dump\n--\n\n"
#define PLAIN_END   "\n--\n-- PostgreSQL database dump complete\n--\n\n"
#define ROWS        "COPY public.t (a) FROM stdin;\n1\n\\.\n"

START_TEST(a_data_only_dump_is_known)
{
    static const struct {
        const char *sql;
        bool data_only;
    } dumps[] = {
        {ROWS, true},
        {"INSERT INTO public.t VALUES (1);\nSELECT pg_catalog.setval('public.s', 1, true);\n",
         true},
        {"CREATE TABLE public.t (a int);\n" ROWS, false},
        {"CREATE TABLE IF NOT EXISTS public.t (a int);\n" ROWS, false},
        {"CREATE TABLE public.t (a int);\n", false},
        {"CREATE TABLE public.u ();\n" ROWS, false}, /* incomplete, and the restore says so */
        {"CREATE EXTENSION pg_trgm;\n", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(dumps); i++) {
        cleanup(free_pointer) char *text =
            xasprintf("%s%s%s", PLAIN_BEGIN, dumps[i].sql, PLAIN_END);
        cleanup(source_closep) struct source *source = memory_source_new(text, strlen(text));
        struct archive archive = {0};
        struct error error = {.text = ""};
        struct archive_options options = {.threads = 1};
        int result =
            archive_read_stream(&archive, "x.sql", source, (int64_t)strlen(text), &options, &error);
        ck_assert_msg(result == 0, "%s", error.text);
        ck_assert_msg(archive_is_data_only(&archive) == dumps[i].data_only, "%s", dumps[i].sql);
        archive_free(&archive);
    }
}
END_TEST

/* The builder's archives have no entries but those with rows. */
START_TEST(an_archive_of_rows_alone_is_known)
{
    struct build build = {.minor = 14, .integer_size = 4, .offset_size = 8};
    struct buffer built;
    char path[64];
    build_archive(&build, &built);
    int descriptor = memory_file(built.data, built.length, path);
    buffer_free(&built);
    const char *const paths[] = {path, "fixtures/archives/odd/custom.dump",
                                 "fixtures/archives/odd/directory"};
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        struct archive archive = {0};
        struct error error = {.text = ""};
        struct archive_options options = {.threads = 1};
        int result = archive_read(&archive, paths[i], &options, &error);
        ck_assert_msg(result == 0, "%s", error.text);
        ck_assert_msg(archive_is_data_only(&archive) == (i == 0), "%s", paths[i]);
        archive_free(&archive);
    }
    close(descriptor);
}
END_TEST

Suite *archive_stranger_suite(void)
{
    Suite *suite = suite_create("archive/stranger");
    add_table_test(suite, a_stranger_is_named_and_blamed, ARRAY_LENGTH(strangers));
    add_table_test(suite, a_stranger_in_gzip_is_a_stranger_still, ARRAY_LENGTH(strangers));
    add_test(suite, noise_is_not_encrypted);
    add_table_test(suite, a_tar_of_another_kind_and_hostile_ones, ARRAY_LENGTH(tars));
    add_table_test(suite, a_directory_of_another_kind, ARRAY_LENGTH(directories));
    add_test(suite, a_data_only_dump_is_known);
    add_test(suite, an_archive_of_rows_alone_is_known);
    return suite;
}
