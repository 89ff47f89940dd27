#include "archive/stranger.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/encryption.h"
#include "base/memory.h"

#define BYTES(literal) literal, sizeof(literal) - 1

static bool begins(const uint8_t *head, size_t length, const char *with, size_t with_length)
{
    return length >= with_length && memcmp(head, with, with_length) == 0;
}

static bool contains(const uint8_t *head, size_t length, const char *text)
{
    return memmem(head, length, text, strlen(text)) != NULL;
}

static bool begins_as_text(const uint8_t *head, size_t length, const char *text)
{
    size_t i = 0;
    while (i < length &&
           (isspace(head[i]) || head[i] == 0xef || head[i] == 0xbb || head[i] == 0xbf))
        i++;
    size_t text_length = strlen(text);
    return length - i >= text_length && strncasecmp((const char *)head + i, text, text_length) == 0;
}

/* ---- encrypted ---- */

static int refuse_encrypted(const char *path, const struct encryption *encryption,
                            struct error *error)
{
    const char *by = encryption->decrypt;
    if (name_promise(path) == NAME_PROMISES_DUMP)
        return bad_backup(
            error,
            "it is encrypted with %s, though it is named like a dump: find out who "
            "encrypted it, since somebody may be holding your backups to ransom; if it "
            "is meant to be encrypted, let its name say so (.gpg, .age, .enc)",
            encryption->what);
    return cannot_verify(error,
                         "it is encrypted with %s, which this program does not read: decrypt it "
                         "first%s%s%s, and verify the result with --backup",
                         encryption->what, *by ? " (" : "", by, *by ? ")" : "");
}

/* ---- of another kind, as bytes tell ---- */

static const struct {
    const char *bytes;
    size_t length;
    const char *what;
} wrappings[] = {
    {BYTES("\xfd"
           "7zXZ\0"),
     "xz"},
    {BYTES("BZh"), "bzip2"},
    {BYTES("PK\x03\x04"), "zip"},
    {BYTES("7z\xbc\xaf\x27\x1c"), "7-Zip"},
    {BYTES("\x04\x22\x4d\x18"), "lz4"},
    {BYTES("\x02\x21\x4c\x18"), "lz4"},
    {BYTES("\x1f\x9d"), "compress"},
    {BYTES("\x5d\0\0"), "lzma"},
    {BYTES("LZIP"), "lzip"},
    {BYTES("\x89LZO\0\r\n\x1a\n"), "lzop"},
    {BYTES("Rar!\x1a\x07"), "RAR"},
    {BYTES("\xff\x06\0\0sNaPpY"), "snappy"},
};

static const struct {
    const char *bytes;
    size_t length;
    const char *what;
} other_databases[] = {
    {BYTES("SQLite format 3"), "an SQLite database"},
    {BYTES("PRAGMA foreign_keys=OFF;"), "a dump of SQLite"},
    {BYTES("\x6d\xe2\x99\x81"), "an archive of mongodump (MongoDB)"},
    {BYTES("REDIS0"), "a dump of Redis"},
    {BYTES("XBSTCK01"), "a backup of XtraBackup (MySQL or MariaDB)"},
    {BYTES("TAPE\0\0"), "a backup of SQL Server"},
};

static const struct {
    const char *text, *what;
} other_dumps[] = {
    {"-- MySQL dump", "a dump of MySQL"},
    {"-- MariaDB dump", "a dump of MariaDB"},
    {"-- phpMyAdmin SQL Dump", "a dump of MySQL or MariaDB (by phpMyAdmin)"},
    {"-- Host: localhost    Database:", "a dump of MySQL or MariaDB"},
    {"-- HeidiSQL", "a dump of HeidiSQL"},
    {"-- MyDumper", "a dump of MySQL or MariaDB (by mydumper)"},
    {"-- Adminer ", "SQL that Adminer wrote"},
    {"Navicat ", "SQL that Navicat wrote"},
    {"-- TablePlus ", "SQL that TablePlus wrote"},
};

static int refuse_other_database(const char *what, struct error *error)
{
    return cannot_verify(error,
                         "it is %s, and this program reads what PostgreSQL's pg_dump writes: check "
                         "backups.location and backups.name",
                         what);
}

/* 0: it is not of a kind that bytes tell. */
static int other_kind(const uint8_t *head, size_t length, struct error *error)
{
    for (size_t i = 0; i < ARRAY_LENGTH(wrappings); i++)
        if (begins(head, length, wrappings[i].bytes, wrappings[i].length))
            return cannot_verify(error,
                                 "it is compressed with %s, which this program does not "
                                 "read: unpack it first and verify the result with --backup, or "
                                 "compress with gzip or zstd",
                                 wrappings[i].what);
    for (size_t i = 0; i < ARRAY_LENGTH(other_databases); i++)
        if (begins(head, length, other_databases[i].bytes, other_databases[i].length))
            return refuse_other_database(other_databases[i].what, error);
    if (begins(head, length, BYTES("PGCOPY\n\xff\r\n")))
        return cannot_verify(error, "it holds the rows of one table in COPY's binary format, which "
                                    "is no dump: dump with pg_dump");
    if (begins(head, length, BYTES("UEdETVA")) || begins(head, length, BYTES("H4sI")))
        return cannot_verify(error, "it is encoded in base64: decode it first (base64 --decode), "
                                    "and verify the result with --backup");
    return 0;
}

/* ---- what never was a backup ---- */

static int refuse_utf16(const uint8_t *head, size_t length, struct error *error)
{
    if (begins(head, length, BYTES("\xff\xfeP\0G\0D\0M\0P\0")))
        return bad_backup(error,
                          "it is an archive that was turned into UTF-16 on its way (as \">\" does "
                          "in PowerShell), which destroyed it beyond repair: dump again with "
                          "pg_dump --file, or from cmd");
    return bad_backup(error, "it is text in UTF-16, which neither psql nor pg_restore reads: "
                             "PowerShell's \">\" writes such. Dump again with pg_dump --file, or "
                             "from cmd");
}

static const struct {
    const char *bytes;
    size_t length;
    const char *what;
} known_files[] = {
    {BYTES("\x89PNG\r\n"), "a PNG image"},
    {BYTES("\xff\xd8\xff"), "a JPEG image"},
    {BYTES("GIF8"), "a GIF image"},
    {BYTES("%PDF-"), "a PDF document"},
    {BYTES("\x7f"
           "ELF"),
     "a program"},
    {BYTES("-----BEGIN PGP"), "an OpenPGP key or signature"},
};

static int refuse_binary(const char *path, const uint8_t *head, size_t length, struct error *error)
{
    for (size_t i = 0; i < length; i++) {
        if (head[i] == 0)
            continue;
        if (name_promise(path) == NAME_PROMISES_ENCRYPTION)
            return cannot_verify(error, "its name says that it is encrypted, and nothing in it "
                                        "says how: decrypt it first, and verify the result with "
                                        "--backup");
        return bad_backup(error, "it is no backup of pg_dump: neither its beginning nor any other "
                                 "sign is that of an archive or of SQL");
    }
    return bad_backup(error, "it begins with nothing but zeros: it was never written");
}

static const struct {
    const char *begin, *what;
} messages[] = {
    {"version https://git-lfs",
     "it is a Git LFS pointer, not the backup that it points to: run git lfs pull"},
    {"/annex/objects/",
     "it is a git-annex pointer, not the backup that it points to: run git annex get"},
    {"<!doctype html",
     "it is an HTML page, probably an error message that was saved instead of the backup"},
    {"<html", "it is an HTML page, probably an error message that was saved instead of the backup"},
    {"<?xml",
     "it is an XML document, probably an error message that was saved instead of the backup"},
    {"<error>",
     "it is an XML document, probably an error message that was saved instead of the backup"},
    {"{\n  \"format\": \"restore-verifier ",
     "it is what restore-verifier keeps beside a backup, not the backup"},
    {"{", "it is a JSON document, probably an error message that was saved instead of the backup"},
    {"pg_dump: error:", "it holds the error messages of pg_dump instead of a backup"},
    {"pg_dumpall: error:", "it holds the error messages of pg_dumpall instead of a backup"},
};

/* One line of what it says helps to see what happened; the rest of the file is not shown, nor what
 * may be a secret in it. */
static int refuse_text(const uint8_t *head, size_t length, struct error *error)
{
    for (size_t i = 0; i < ARRAY_LENGTH(messages); i++)
        if (begins_as_text(head, length, messages[i].begin))
            return bad_backup(error, "%s", messages[i].what);
    size_t end = 0;
    while (end < length && end < 60 && isprint(head[end]) && !strchr("=@$", head[end]))
        end++;
    return bad_backup(error,
                      "it is text, but not a dump that pg_dump wrote (that begins with \"-- "
                      "PostgreSQL database dump\"); it begins with \"%.*s\"",
                      (int)end, (const char *)head);
}

static bool is_binary(const uint8_t *head, size_t length)
{
    return memchr(head, '\0', length) || head[0] >= 0x80 || head[0] == 0x7f ||
           !(isprint(head[0]) || isspace(head[0]));
}

int stranger_refuse(const char *path, const uint8_t *head, size_t length, struct error *error)
{
    const struct encryption *encryption = encryption_of_head(head, length);
    if (encryption)
        return refuse_encrypted(path, encryption, error);
    if (begins(head, length, BYTES("\xff\xfe")) || begins(head, length, BYTES("\xfe\xff")))
        return refuse_utf16(head, length, error);
    if (other_kind(head, length, error) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LENGTH(known_files); i++)
        if (begins(head, length, known_files[i].bytes, known_files[i].length))
            return bad_backup(error, "it is %s, not a backup", known_files[i].what);
    if (is_binary(head, length))
        return refuse_binary(path, head, length, error);
    for (size_t i = 0; i < ARRAY_LENGTH(other_dumps); i++)
        if (contains(head, length, other_dumps[i].text))
            return refuse_other_database(other_dumps[i].what, error);
    return refuse_text(head, length, error);
}

/* ---- physical backups ---- */

static int refuse_physical(const char *what, const char *check, struct error *error)
{
    return cannot_verify(error,
                         "it is %s: a physical backup, which holds the files of a whole server and "
                         "is nothing for pg_restore; check it with %s, and dump each database with "
                         "pg_dump for this program to verify",
                         what, check);
}

static const char base_backup[] = "a base backup, as pg_basebackup makes it";
static const char verify_base_backup[] = "pg_verifybackup";

int stranger_member_check(const char *name, struct error *error)
{
    static const char *const files[] = {"backup_label", "tablespace_map", "PG_VERSION",
                                        "global/pg_control"};
    cleanup(free_pointer) char *path = xasprintf("/%s", name);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        cleanup(free_pointer) char *file = xasprintf("/%s", files[i]);
        if (ends_with(path, file))
            return refuse_physical(base_backup, verify_base_backup, error);
    }
    const char *last = strrchr(path, '/') + 1;
    bool wal = strlen(last) == 24 && strspn(last, "0123456789ABCDEF") == 24;
    return wal ? refuse_physical("an archive of WAL files, as pg_wal.tar is", verify_base_backup,
                                 error)
               : 0;
}

/* ---- directories ---- */

enum { ENTRIES_LOOKED_AT = 1000 };

static void close_listing(DIR **listing)
{
    if (*listing)
        closedir(*listing);
}

static bool holds(int directory, const char *pattern);

static bool holds_in(int directory, const char *name, const char *rest)
{
    if (!*rest)
        return faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    cleanup(close_descriptor) int inner =
        openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return inner >= 0 && holds(inner, rest + 1);
}

/* Whether something in the directory is named like "a/b", in which parts may be patterns of
 * fnmatch(3). */
static bool holds(int directory, const char *pattern)
{
    size_t length = strcspn(pattern, "/");
    cleanup(free_pointer) char *part = xstrndup(pattern, length);
    const char *rest = pattern + length;
    if (!strpbrk(part, "*?["))
        return holds_in(directory, part, rest);
    int descriptor = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup(close_listing) DIR *listing = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (!listing)
        close_descriptor(&descriptor);
    const struct dirent *found;
    for (int i = 0; listing && i < ENTRIES_LOOKED_AT && (found = readdir(listing)); i++)
        if (fnmatch(part, found->d_name, FNM_PERIOD) == 0 &&
            holds_in(directory, found->d_name, rest))
            return true;
    return false;
}

/* A directory that holds all of `files` is `what`. Without `check` it is none of PostgreSQL's. */
static const struct {
    const char *files[3];
    const char *what, *check;
} directories[] = {
    {{"PG_VERSION", "global"}, base_backup, verify_base_backup},
    {{"base.tar*"}, "a base backup in tar files, as pg_basebackup makes it", verify_base_backup},
    {{"backup/*/backup.info", "archive"}, "a repository of pgBackRest", "pgbackrest verify"},
    {{"*/backup.info", "archive.info"}, "a repository of pgBackRest", "pgbackrest verify"},
    {{"backup.manifest", "pg_data"}, "a backup of pgBackRest", "pgbackrest verify"},
    {{"base", "wals"}, "a repository of Barman", "barman check-backup"},
    {{"*/base", "*/wals"}, "a repository of Barman", "barman check-backup"},
    {{"backup.info", "data"}, "a backup of Barman", "barman check-backup"},
    {{"basebackups_*"}, "a repository of WAL-G", "wal-g wal-verify"},
    {{"*/basebackups_*"}, "a repository of WAL-G", "wal-g wal-verify"},
    {{"backups/*/pg_probackup.conf"}, "a repository of pg_probackup", "pg_probackup validate"},
    {{"pg_rman.ini"}, "a repository of pg_rman", "pg_rman validate"},
    {{"config", "snapshots", "keys"}, "a repository of restic", NULL},
    {{"README", "config", "nonce"}, "a repository of Borg", NULL},
    {{"kopia.repository*"}, "a repository of Kopia", NULL},
    {{"duplicity-*"}, "a repository of duplicity", NULL},
    {{"xtrabackup_checkpoints"}, "a backup of XtraBackup (MySQL or MariaDB)", ""},
    {{"ibdata1"}, "a data directory of MySQL or MariaDB", ""},
    {{"*-schema-create.sql*"}, "a dump of mydumper (MySQL or MariaDB)", ""},
    {{"*.bson*"}, "a dump of mongodump (MongoDB)", ""},
    {{"*/*.bson*"}, "a dump of mongodump (MongoDB)", ""},
};

int stranger_directory_check(const char *path, struct error *error)
{
    cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; descriptor >= 0 && i < ARRAY_LENGTH(directories); i++) {
        bool all = true;
        for (size_t k = 0; k < 3 && directories[i].files[k]; k++)
            all = all && holds(descriptor, directories[i].files[k]);
        const char *check = directories[i].check;
        if (!all)
            continue;
        if (check && *check)
            return refuse_physical(directories[i].what, check, error);
        if (check)
            return refuse_other_database(directories[i].what, error);
        return cannot_verify(error,
                             "it is %s, which this program does not read: restore the backup out "
                             "of it first, and verify the result with --backup",
                             directories[i].what);
    }
    return 0;
}
