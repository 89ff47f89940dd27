#include "archive/kind.h"

#include <ctype.h>
#include <string.h>

#include "archive/plain/plain.h"
#include "archive/tar.h"

static bool begins(const uint8_t *head, size_t length, const void *with, size_t with_length)
{
    return length >= with_length && memcmp(head, with, with_length) == 0;
}

#define BEGINS(head, length, literal) begins(head, length, literal, sizeof(literal) - 1)

enum archive_container container_of_head(const uint8_t *head, size_t length)
{
    if (BEGINS(head, length, "\x1f\x8b"))
        return ARCHIVE_IN_GZIP;
    if (BEGINS(head, length, "\x28\xb5\x2f\xfd"))
        return ARCHIVE_IN_ZSTD;
    /* A frame to be skipped, with which parallel compressors begin. */
    if (length >= 4 && (head[0] & 0xf0U) == 0x50 && begins(head + 1, 3, "\x2a\x4d\x18", 3))
        return ARCHIVE_IN_ZSTD;
    return ARCHIVE_BARE;
}

/* ---- what is no backup ---- */

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

static int no_backup_utf16(const uint8_t *head, size_t length, struct error *error)
{
    if (BEGINS(head, length, "\xff\xfeP\0G\0D\0M\0P\0"))
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
    {"\x89PNG\r\n", 6, "a PNG image"},
    {"\xff\xd8\xff", 3, "a JPEG image"},
    {"GIF8", 4, "a GIF image"},
    {"%PDF-", 5, "a PDF document"},
    {"SQLite format 3", 15, "an SQLite database"},
    {"\x7f"
     "ELF",
     4, "a program"},
    {"-----BEGIN PGP", 14, "an encrypted file (OpenPGP)"},
    {"age-encryption.org/", 19, "an encrypted file (age)"},
    {"Salted__", 8, "an encrypted file (OpenSSL)"},
};

static const struct {
    const char *bytes;
    size_t length;
    const char *what;
} other_containers[] = {
    {"\xfd"
     "7zXZ\0",
     6, "xz"},
    {"BZh", 3, "bzip2"},
    {"PK\x03\x04", 4, "zip"},
    {"7z\xbc\xaf\x27\x1c", 6, "7-Zip"},
    {"\x04\x22\x4d\x18", 4, "lz4"},
    {"\x1f\x9d", 2, "compress"},
};

static int no_backup_binary(const uint8_t *head, size_t length, struct error *error)
{
    for (size_t i = 0; i < sizeof(other_containers) / sizeof(other_containers[0]); i++)
        if (begins(head, length, other_containers[i].bytes, other_containers[i].length))
            return cannot_verify(error,
                                 "it is compressed with %s, which this program does not "
                                 "read: unpack it first, or use gzip or zstd",
                                 other_containers[i].what);
    for (size_t i = 0; i < sizeof(known_files) / sizeof(known_files[0]); i++)
        if (begins(head, length, known_files[i].bytes, known_files[i].length))
            return bad_backup(error, "it is %s, not a backup", known_files[i].what);
    for (size_t i = 0; i < length; i++)
        if (head[i] != 0)
            return bad_backup(error, "it is no backup of pg_dump: neither its beginning nor any "
                                     "other sign is that of an archive or of SQL");
    return bad_backup(error, "it begins with nothing but zeros: it was never written");
}

static int no_backup_text(const uint8_t *head, size_t length, struct error *error)
{
    if (BEGINS(head, length, "version https://git-lfs"))
        return bad_backup(error, "it is a Git LFS pointer, not the backup that it points to: run "
                                 "git lfs pull");
    if (begins_as_text(head, length, "<!doctype html") || begins_as_text(head, length, "<html"))
        return bad_backup(error, "it is an HTML page, probably an error message that was saved "
                                 "instead of the backup");
    if (begins_as_text(head, length, "<?xml"))
        return bad_backup(error, "it is an XML document, probably an error message that was saved "
                                 "instead of the backup");
    if (begins_as_text(head, length, "-- MySQL dump") ||
        begins_as_text(head, length, "-- MariaDB dump") ||
        contains(head, length, "-- MySQL dump") || contains(head, length, "-- MariaDB dump"))
        return bad_backup(error, "it is a dump of MySQL or MariaDB, not of PostgreSQL");
    if (begins_as_text(head, length, "pg_dump: error:"))
        return bad_backup(error, "it holds the error messages of pg_dump instead of a backup");
    /* One line of what it says helps to see what happened; the rest of the file is not shown. */
    size_t end = 0;
    while (end < length && end < 60 && isprint(head[end]))
        end++;
    return bad_backup(error,
                      "it is text, but not a dump that pg_dump wrote (that begins with \"-- "
                      "PostgreSQL database dump\"); it begins with \"%.*s\"",
                      (int)end, (const char *)head);
}

/* ---- what is ---- */

/* Whether the table of contents in the first member, a toc.dat, is that of pg_dump -Ft: data that
 * is not compressed. */
static bool tar_is_pg_dumps(const uint8_t *head, size_t length)
{
    const uint8_t *toc = head + TAR_BLOCK_BYTES;
    if (length < TAR_BLOCK_BYTES + 64 || strncmp((const char *)head, "toc.dat", 100) != 0 ||
        memcmp(toc, "PGDMP", 5) != 0)
        return false;
    if (toc[6] >= 15)
        return toc[11] == 0;
    for (size_t i = 0; i <= toc[8] && i < 33; i++)
        if (toc[11 + i] != 0)
            return false;
    return true;
}

int format_of_head(const uint8_t *head, size_t length, enum archive_format *ret_format,
                   struct error *error)
{
    if (length == 0)
        return bad_backup(error, "it is empty");
    if (BEGINS(head, length, "PGDMP"))
        *ret_format = ARCHIVE_CUSTOM;
    else if (length >= TAR_BLOCK_BYTES && tar_header_valid(head))
        *ret_format = tar_is_pg_dumps(head, length) ? ARCHIVE_TAR : ARCHIVE_DIRECTORY_TAR;
    else if (plain_looks_like((const char *)head, length))
        *ret_format = ARCHIVE_PLAIN;
    else if (container_of_head(head, length) != ARCHIVE_BARE)
        return cannot_verify(error, "it is compressed twice: unpack it once");
    else if (BEGINS(head, length, "\xff\xfe") || BEGINS(head, length, "\xfe\xff"))
        return no_backup_utf16(head, length, error);
    else if (memchr(head, '\0', length) || head[0] >= 0x80 || head[0] == 0x7f ||
             !(isprint(head[0]) || isspace(head[0])))
        return no_backup_binary(head, length, error);
    else if (BEGINS(head, length, "BZh") || BEGINS(head, length, "%PDF-") ||
             BEGINS(head, length, "-----BEGIN PGP") || BEGINS(head, length, "age-encryption") ||
             BEGINS(head, length, "GIF8") || BEGINS(head, length, "Salted__"))
        return no_backup_binary(head, length, error);
    else
        return no_backup_text(head, length, error);
    return 0;
}
