/* Damage to the bytes of a file, whatever they mean. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "postgres/tools.h"
#include "sabotage/damage.h"
#include "sabotage/stream.h"

int file_cut(const char *from, const char *to, int64_t length, struct error *error)
{
    cleanup(inlet_close) struct inlet inlet = {0};
    cleanup(outlet_close) struct outlet outlet = {0};
    if (inlet_open(&inlet, from, ARCHIVE_BARE, error) < 0 ||
        outlet_open(&outlet, to, ARCHIVE_BARE, error) < 0)
        return -1;
    while (length > 0) {
        const uint8_t *bytes;
        size_t run;
        if (reader_run(&inlet.reader, length, &bytes, &run, error) < 0)
            return -1;
        if (run == 0)
            break;
        if (outlet_write(&outlet, bytes, run, error) < 0)
            return -1;
        length -= (int64_t)run;
    }
    return outlet_finish(&outlet, error);
}

int file_copy(const char *from, const char *to, struct error *error)
{
    return file_cut(from, to, INT64_MAX, error);
}

int64_t damage_middle(struct damage *damage, int64_t begin, int64_t end)
{
    int64_t length = end > begin ? end - begin : 0;
    return begin + length / 4 + (int64_t)damage_random(damage, (uint64_t)(length / 2) + 1);
}

int damage_cut(struct damage *damage, struct error *error)
{
    int64_t size = damage->archive->stored_bytes;
    int64_t length = damage_middle(damage, 0, size);
    /* A cut between two statements of plain SQL is not seen where nothing tells its end. */
    damage->fact->must |=
        damage->archive->container != ARCHIVE_BARE || damage->archive->end == ARCHIVE_END_SURE;
    damage_tell(damage, "cut off behind byte %lld of %lld", (long long)length, (long long)size);
    damage_remedy(damage, "dump without --no-comments, so that the last line tells the end");
    return file_cut(damage->from, damage->to, length, error);
}

int file_flip(const char *path, int64_t offset, struct error *error)
{
    cleanup(close_descriptor) int descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    uint8_t byte;
    if (descriptor < 0 || pread(descriptor, &byte, 1, offset) != 1)
        return cannot_verify(error, "cannot read %s: %s", path, strerror(errno));
    byte = (uint8_t)~byte; /* all bits, of which some mean something wherever it is */
    if (pwrite(descriptor, &byte, 1, offset) != 1)
        return cannot_verify(error, "cannot write %s: %s", path, strerror(errno));
    return 0;
}

int64_t gzip_data_begin(const char *path)
{
    enum { EXTRA = 4, NAME = 8, COMMENT = 16, HEADER_CRC = 2, FIXED_BYTES = 10 };
    uint8_t head[1024] = {0};
    cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = descriptor < 0 ? -1 : pread(descriptor, head, sizeof(head) - 1, 0);
    if (length < FIXED_BYTES || head[0] != 0x1f || head[1] != 0x8b)
        return 0;
    const uint8_t *at = head + FIXED_BYTES;
    const uint8_t *end = head + sizeof(head) - 1;
    if (head[3] & EXTRA)
        at += 2 + at[0] + 256 * at[1];
    for (int flag = NAME; flag <= COMMENT; flag *= 2)
        if (head[3] & flag && at < end)
            at += strlen((const char *)at) + 1;
    return (at < end ? at : end) - head + (head[3] & HEADER_CRC ? 2 : 0);
}

/* The data of a table, in a bare custom archive; where none is known, the whole file. */
static void stretch_choose(struct damage *damage, int64_t *ret_begin, int64_t *ret_end)
{
    const struct archive *archive = damage->archive;
    *ret_begin = archive->container == ARCHIVE_IN_GZIP ? gzip_data_begin(damage->from) : 0;
    *ret_end = archive->stored_bytes;
    if (archive->format != ARCHIVE_CUSTOM || archive->container != ARCHIVE_BARE)
        return;
    /* The table of contents, in front of all data, has no checksum. */
    int64_t first = archive->stored_bytes;
    for (size_t i = 0; i < archive->entry_count; i++)
        if (archive->entries[i].data_offset > 0 && archive->entries[i].data_offset < first)
            first = archive->entries[i].data_offset;
    if (first < archive->stored_bytes)
        *ret_begin = first;
}

int damage_flip(struct damage *damage, struct error *error)
{
    const struct archive *archive = damage->archive;
    int64_t begin, end;
    stretch_choose(damage, &begin, &end);
    if (end - begin < 8)
        return damage_not_here(damage, "it has too few bytes");
    int64_t offset = damage_middle(damage, begin, end - 1);
    damage->fact->must |=
        archive->container == ARCHIVE_IN_GZIP ||
        (archive->format == ARCHIVE_CUSTOM && archive->compression == ARCHIVE_GZIP);
    damage_tell(damage, "byte %lld of %lld has all its bits flipped", (long long)offset,
                (long long)archive->stored_bytes);
    damage_remedy(damage, "there is no checksum around these bytes: compress the backup with gzip, "
                          "or with zstd and its checksum");
    return file_copy(damage->from, damage->to, error) < 0 ||
                   file_flip(damage->to, offset, error) < 0
               ? -1
               : DAMAGE_MADE;
}

int copy_dress(const char *path, time_t modified, struct error *error)
{
    struct account account;
    const struct timespec times[] = {{.tv_sec = modified}, {.tv_sec = modified}};
    if (server_account(&account, error) < 0)
        return -1;
    if ((geteuid() == 0 && lchown(path, account.uid, account.gid) < 0) ||
        utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0)
        return cannot_verify(error, "cannot set the owner and time of %s: %s", path,
                             strerror(errno));
    return 0;
}
