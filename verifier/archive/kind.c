#include "archive/kind.h"

#include <string.h>

#include "archive/plain/plain.h"
#include "archive/stranger.h"
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

int format_of_head(const char *path, const uint8_t *head, size_t length,
                   enum archive_format *ret_format, struct error *error)
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
    else
        return stranger_refuse(path, head, length, error);
    return 0;
}
