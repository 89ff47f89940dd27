#include "sabotage/rewrite.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "archive/custom.h"
#include "archive/toc_field.h"
#include "base/memory.h"

/* As pg_dump's. */
enum { CHUNK_BYTES = 4096 };

/* The offsets are known only behind the data: so all is written twice, first to nowhere. */
struct pass {
    const struct rewriting *rewriting;
    struct inlet inlet;
    struct outlet outlet;
    struct image image;
    size_t next; /* the entry after that of the last block: as a rule the next one's */
};

static void pass_close(struct pass *pass)
{
    image_free(&pass->image);
    inlet_close(&pass->inlet);
    outlet_close(&pass->outlet);
}

/* ---- compressing the data of one table ---- */

static size_t room_for(enum archive_compression compression, size_t length)
{
    switch (compression) {
    case ARCHIVE_GZIP:
        return compressBound((uLong)length);
    case ARCHIVE_LZ4:
        return LZ4F_compressFrameBound(length, NULL);
    case ARCHIVE_ZSTD:
        return ZSTD_compressBound(length);
    case ARCHIVE_UNCOMPRESSED:
        break;
    }
    return length;
}

/* 0 when it fails: none of them makes nothing of something. */
static size_t compress_rows(enum archive_compression compression, const struct buffer *rows,
                            char *to, size_t room)
{
    size_t made = 0;
    uLongf zlib_made = (uLongf)room;
    switch (compression) {
    case ARCHIVE_GZIP:
        return compress((Bytef *)to, &zlib_made, (const Bytef *)rows->data, (uLong)rows->length) ==
                       Z_OK
                   ? (size_t)zlib_made
                   : 0;
    case ARCHIVE_LZ4:
        made = LZ4F_compressFrame(to, room, rows->data, rows->length, NULL);
        return LZ4F_isError(made) ? 0 : made;
    case ARCHIVE_ZSTD:
        made = ZSTD_compress(to, room, rows->data, rows->length, 3);
        return ZSTD_isError(made) ? 0 : made;
    case ARCHIVE_UNCOMPRESSED:
        break;
    }
    memcpy(to, rows->data, rows->length);
    return rows->length;
}

static int rows_write(struct pass *pass, const struct buffer *rows, struct error *error)
{
    const struct image *image = &pass->image;
    size_t room = room_for(image->compression, rows->length);
    cleanup(free_pointer) char *bytes = xmalloc(room + 1);
    size_t made = compress_rows(image->compression, rows, bytes, room);
    if (made == 0)
        return cannot_verify(error, "the rows cannot be compressed again");
    for (size_t at = 0; at < made; at += CHUNK_BYTES) {
        size_t length = made - at < CHUNK_BYTES ? made - at : CHUNK_BYTES;
        if (image_write_integer(image, &pass->outlet, (int64_t)length, error) < 0 ||
            outlet_write(&pass->outlet, bytes + at, length, error) < 0)
            return -1;
    }
    return image_write_integer(image, &pass->outlet, 0, error);
}

/* ---- blocks ---- */

static int integer_copy(struct pass *pass, bool keep, int64_t *ret_integer, struct error *error)
{
    if (toc_integer(&pass->image.toc, &pass->inlet.reader, ret_integer, "a block", error) < 0)
        return -1;
    return keep ? image_write_integer(&pass->image, &pass->outlet, *ret_integer, error) : 0;
}

static int chunks_copy(struct pass *pass, bool keep, struct error *error)
{
    for (;;) {
        int64_t left;
        if (integer_copy(pass, keep, &left, error) < 0)
            return -1;
        if (left <= 0)
            return 0;
        while (left > 0) {
            const uint8_t *bytes;
            size_t length;
            if (reader_run(&pass->inlet.reader, left, &bytes, &length, error) < 0)
                return -1;
            if (length == 0)
                return bad_backup(error, "it ends in the middle of a block");
            if (keep && outlet_write(&pass->outlet, bytes, length, error) < 0)
                return -1;
            left -= (int64_t)length;
        }
    }
}

static int objects_copy(struct pass *pass, bool keep, struct error *error)
{
    for (;;) {
        int64_t oid;
        if (integer_copy(pass, keep, &oid, error) < 0)
            return -1;
        if (oid == 0)
            return 0;
        if (chunks_copy(pass, keep, error) < 0)
            return -1;
    }
}

static int rows_gather(struct pass *pass, struct buffer *rows, struct error *error)
{
    cleanup(source_closep) struct source *source = custom_data_open(
        pass->image.compression, &pass->image.toc, &pass->inlet.reader, &pass->inlet.allowance);
    for (;;) {
        const uint8_t *bytes;
        size_t length;
        if (source_next(source, &bytes, &length, error) < 0)
            return -1;
        if (length == 0)
            return 0;
        if (buffer_append(rows, bytes, length) < 0)
            return cannot_verify(error, "the rows of a table are more than was counted");
    }
}

static int data_change(struct pass *pass, struct error *error)
{
    struct buffer rows, changed;
    buffer_init(&rows, REWRITE_TABLE_LIMIT_BYTES * 2);
    buffer_init(&changed, REWRITE_TABLE_LIMIT_BYTES * 2);
    int outcome = rows_gather(pass, &rows, error);
    if (outcome == 0)
        outcome = pass->rewriting->change(pass->rewriting->context, &rows, &changed, error);
    if (outcome == 0)
        outcome = rows_write(pass, &changed, error);
    buffer_free(&rows);
    buffer_free(&changed);
    return outcome;
}

static struct image_entry *entry_of_block(struct pass *pass, int64_t dump_id)
{
    struct image *image = &pass->image;
    for (size_t i = 0; i < image->count; i++) {
        size_t index = (pass->next + i) % image->count;
        if (image->entries[index].fields[FIELD_ID].number != dump_id)
            continue;
        pass->next = index + 1;
        return &image->entries[index];
    }
    return NULL;
}

static int head_write(struct pass *pass, uint8_t type, struct image_entry *entry,
                      struct error *error)
{
    entry->offset = pass->outlet.offset;
    return outlet_write(&pass->outlet, &type, 1, error) < 0 ||
                   image_write_integer(&pass->image, &pass->outlet, entry->fields[FIELD_ID].number,
                                       error) < 0
               ? -1
               : 0;
}

static int block_copy(struct pass *pass, struct error *error)
{
    const struct rewriting *rewriting = pass->rewriting;
    uint8_t type;
    int64_t dump_id;
    if (reader_byte(&pass->inlet.reader, &type, "a block", error) < 0 ||
        integer_copy(pass, false, &dump_id, error) < 0)
        return -1;
    struct image_entry *entry = entry_of_block(pass, dump_id);
    if (!entry || (type != BLOCK_DATA && type != BLOCK_LARGE_OBJECTS))
        return bad_backup(error, "a block of it cannot be told");
    bool keep = !entry->left_out && dump_id != rewriting->missing_id;
    if (keep && head_write(pass, type, entry, error) < 0)
        return -1;
    if (keep && dump_id == rewriting->changed_id)
        return data_change(pass, error);
    return type == BLOCK_LARGE_OBJECTS ? objects_copy(pass, keep, error)
                                       : chunks_copy(pass, keep, error);
}

static int added_write(struct pass *pass, struct error *error)
{
    const struct rewriting *rewriting = pass->rewriting;
    struct image_entry *entry =
        rewriting->added_rows ? image_find(&pass->image, rewriting->added_id) : NULL;
    struct buffer rows;
    if (!entry)
        return 0;
    buffer_init(&rows, REWRITE_TABLE_LIMIT_BYTES);
    buffer_append_text(&rows, rewriting->added_rows);
    int outcome =
        head_write(pass, BLOCK_DATA, entry, error) < 0 ? -1 : rows_write(pass, &rows, error);
    buffer_free(&rows);
    return outcome;
}

/* Up to the end, or to a second table of contents, which begins as no block does. */
static int blocks_copy(struct pass *pass, struct error *error)
{
    struct reader *reader = &pass->inlet.reader;
    for (;;) {
        if (reader_fill(reader, error) < 0)
            return -1;
        if (reader->at_end || *reader->next == 0)
            return added_write(pass, error);
        if (block_copy(pass, error) < 0)
            return -1;
    }
}

/* ---- both passes ---- */

/* `offsets` has one for each entry. */
static void offsets_take(const struct image *image, int64_t *offsets)
{
    for (size_t i = 0; i < image->count; i++)
        offsets[i] = image->entries[i].offset;
}

static void offsets_give(struct image *image, const int64_t *offsets)
{
    for (size_t i = 0; i < image->count; i++)
        image->entries[i].offset = offsets[i];
}

/* Where the data of an entry is missing nobody can know its place. */
static void offset_forget(struct image *image, int dump_id)
{
    enum { OFFSET_NOT_SET = 1 };
    struct image_entry *entry = dump_id ? image_find(image, dump_id) : NULL;
    if (entry)
        entry->offset_state = OFFSET_NOT_SET;
}

static int pass_run(struct pass *pass, const char *from, enum archive_container container,
                    const char *to, int64_t **offsets, struct error *error)
{
    const struct rewriting *rewriting = pass->rewriting;
    if (inlet_open(&pass->inlet, from, container, error) < 0 ||
        image_read(&pass->image, &pass->inlet.reader, error) < 0 ||
        outlet_open(&pass->outlet, to, container, error) < 0)
        return -1;
    if (rewriting->alter)
        rewriting->alter(&pass->image, rewriting->context);
    offset_forget(&pass->image, rewriting->missing_id);
    if (*offsets)
        offsets_give(&pass->image, *offsets);
    else
        *offsets = xcalloc(pass->image.count, sizeof(**offsets));
    if (image_write(&pass->image, &pass->outlet, error) < 0 || blocks_copy(pass, error) < 0)
        return -1;
    offsets_take(&pass->image, *offsets);
    return outlet_finish(&pass->outlet, error);
}

int archive_rewrite(const char *from, enum archive_container container,
                    const struct rewriting *rewriting, const char *to, struct error *error)
{
    const char *const targets[] = {NULL, to};
    cleanup(free_pointer) int64_t *offsets = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        cleanup(pass_close) struct pass pass = {.rewriting = rewriting};
        if (pass_run(&pass, from, container, targets[i], &offsets, error) < 0)
            return error_prefix(error, "%s: ", from);
    }
    return 0;
}
