#include "archive/custom.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "archive/decoder.h"
#include "archive/facts.h"
#include "archive/pool.h"
#include "archive/toc_field.h"
#include "base/memory.h"

/* ---- the chunks of one stream, as a source ---- */

/* pg_dump writes chunks of 4 KiB or less. Decompressing many of them at a time is faster, by a
 * tenth. */
#define GATHERED_BYTES (64 * 1024)

struct chunk_source {
    struct source source;
    const struct toc *toc;
    struct reader *reader;
    int64_t left; /* of the chunk */
    bool ended;
    uint8_t gathered[GATHERED_BYTES];
};

/* A piece of a chunk; of length 0 at their end. */
static int chunk_piece(struct chunk_source *chunks, int64_t most, const uint8_t **ret_bytes,
                       size_t *ret_length, struct error *error)
{
    struct reader *reader = chunks->reader;
    if (chunks->left == 0 && !chunks->ended) {
        int64_t begin = reader->offset;
        if (toc_integer(chunks->toc, reader, &chunks->left, "the data", error) < 0)
            return -1;
        if (chunks->left < 0)
            return bad_backup(error, "the chunk at byte %lld has the length %lld", (long long)begin,
                              (long long)chunks->left);
        chunks->ended = chunks->left == 0;
    }
    *ret_length = 0;
    if (chunks->ended)
        return 0;
    if (reader_run(reader, chunks->left < most ? chunks->left : most, ret_bytes, ret_length,
                   error) < 0)
        return -1;
    if (*ret_length == 0)
        return bad_backup(error, "it ends at byte %lld, in the middle of the data: it was cut off",
                          (long long)reader->offset);
    chunks->left -= (int64_t)*ret_length;
    return 0;
}

static int chunk_source_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                             struct error *error)
{
    struct chunk_source *chunks = (struct chunk_source *)source;
    size_t used = 0;
    while (used < GATHERED_BYTES) {
        const uint8_t *piece;
        size_t length;
        if (chunk_piece(chunks, (int64_t)(GATHERED_BYTES - used), &piece, &length, error) < 0)
            return -1;
        if (length == 0)
            break;
        memcpy(chunks->gathered + used, piece, length);
        used += length;
    }
    *ret_bytes = chunks->gathered;
    *ret_length = used;
    return 0;
}

static void chunk_source_close(struct source *source)
{
    free(source);
}

struct source *custom_data_open(enum archive_compression compression, const struct toc *toc,
                                struct reader *reader, struct allowance *allowance)
{
    struct chunk_source *chunks = xmalloc(sizeof(*chunks));
    *chunks = (struct chunk_source){
        .source = {chunk_source_next, chunk_source_close}, .toc = toc, .reader = reader};
    switch (compression) {
    case ARCHIVE_GZIP:
        return decoder_new(ENCODING_ZLIB, STREAM_SINGLE, &chunks->source, allowance);
    case ARCHIVE_LZ4:
        return decoder_new(ENCODING_LZ4, STREAM_SINGLE | STREAM_MAY_BE_NOTHING, &chunks->source,
                           allowance);
    case ARCHIVE_ZSTD:
        return decoder_new(ENCODING_ZSTD, STREAM_SINGLE, &chunks->source, allowance);
    case ARCHIVE_UNCOMPRESSED:
        break;
    }
    return &chunks->source;
}

static struct source *chunks_open(struct reading *reading, const struct toc *toc,
                                  struct reader *reader)
{
    return custom_data_open(reading->archive->compression, toc, reader, &reading->allowance);
}

/* ---- a block ---- */

struct block {
    struct archive_entry *entry;
    int64_t begin;
    struct table_data data;
    int64_t large_objects, large_object_bytes;
};

static int large_objects_read(struct reading *reading, const struct toc *toc, struct reader *reader,
                              struct block *block, struct error *error)
{
    for (;;) {
        int64_t oid;
        if (toc_integer(toc, reader, &oid, "the large objects", error) < 0)
            return -1;
        if (oid == 0)
            return 0;
        cleanup(source_closep) struct source *source = chunks_open(reading, toc, reader);
        int64_t length;
        if (source_drain(source, &length, error) < 0)
            return error_prefix(error, "large object %u: ", (uint32_t)oid);
        block->large_objects++;
        block->large_object_bytes += length;
    }
}

static int block_body_read(struct reading *reading, const struct toc *toc, struct reader *reader,
                           struct block *block, struct error *error)
{
    if (entry_is_large_objects(block->entry))
        return large_objects_read(reading, toc, reader, block, error);
    cleanup(source_closep) struct source *source = chunks_open(reading, toc, reader);
    int64_t length;
    if (entry_is_object_comments(block->entry))
        return source_drain(source, &length, error);
    return table_data_read(block->entry, reading->fingerprint, source, &block->data, error);
}

static int refuse_block(int64_t begin, int type, struct error *error)
{
    return bad_backup(error,
                      "at byte %lld a block should begin, but its type would be %d: it is "
                      "damaged, or something was appended to it",
                      (long long)begin, type);
}

/* Behind a block, a P. Two dumps in one file are made by `>>`. */
static int refuse_archive(struct reader *reader, struct error *error)
{
    char magic[5];
    int64_t begin = reader->offset;
    struct error ignored;
    if (reader_bytes(reader, magic, sizeof(magic), "", &ignored) < 0 ||
        memcmp(magic, "PGDMP", sizeof(magic)) != 0)
        return refuse_block(begin, 'P', error);
    return bad_backup(error,
                      "another archive begins at byte %lld: there are two in one file, of which "
                      "pg_restore would restore only the first; dump each into a file of its own",
                      (long long)begin);
}

/* Type and dump id, which must agree with the table of contents. */
static int block_head_read(const struct toc *toc, struct reader *reader, struct block *block,
                           struct error *error)
{
    static const char what[] = "the beginning of a block";
    int64_t begin = reader->offset;
    uint8_t type;
    int64_t dump_id;
    if (reader_byte(reader, &type, what, error) < 0)
        return -1;
    if (type != BLOCK_DATA && type != BLOCK_LARGE_OBJECTS)
        return refuse_block(begin, type, error);
    if (toc_integer(toc, reader, &dump_id, what, error) < 0)
        return -1;
    block->entry = toc_find(toc, dump_id);
    if (!block->entry || !block->entry->has_data)
        return bad_backup(error,
                          "the block at byte %lld says that it belongs to entry %lld, for which "
                          "the table of contents announces no data",
                          (long long)begin, (long long)dump_id);
    if (block->entry->data_offset >= 0 && block->entry->data_offset != begin)
        return bad_backup(error,
                          "the block of entry %lld is at byte %lld, but the table of contents "
                          "says at byte %lld",
                          (long long)dump_id, (long long)begin,
                          (long long)block->entry->data_offset);
    block->begin = begin;
    if ((type == BLOCK_LARGE_OBJECTS) != entry_is_large_objects(block->entry))
        return bad_backup(error,
                          "the block at byte %lld has the type %d, which is not that of its "
                          "entry (%s)",
                          (long long)begin, type, block->entry->description);
    return 0;
}

static int block_read(struct reading *reading, const struct toc *toc, struct reader *reader,
                      struct block *block, struct error *error)
{
    int64_t begin = reader->offset;
    if (block_head_read(toc, reader, block, error) < 0)
        return -1;
    if (block_body_read(reading, toc, reader, block, error) < 0) {
        cleanup(free_pointer) char *label = entry_label(block->entry);
        return error_prefix(error, "%s (block at byte %lld): ", label, (long long)begin);
    }
    return 0;
}

static void block_keep(const struct toc *toc, const struct block *block)
{
    block->entry->data_offset = block->begin;
    if (entry_is_table_data(block->entry))
        table_data_keep(toc, block->entry, &block->data);
    toc->archive->large_object_count += block->large_objects;
    toc->archive->large_object_bytes += block->large_object_bytes;
}

/* ---- one block after the other ---- */

static int toc_open(struct reading *reading, struct toc *toc, struct reader *reader,
                    struct error *error)
{
    if (toc_read(toc, reading->archive, reader, error) < 0 ||
        facts_gather(reading->archive, error) < 0)
        return -1;
    if (toc->format != TOC_FORMAT_CUSTOM)
        return bad_backup(error, "it is only the table of contents (toc.dat) of a backup in "
                                 "directory format: the directory is needed with all its files");
    return tables_prepare(toc, error);
}

static int blocks_read(struct reading *reading, struct toc *toc, struct reader *reader,
                       struct error *error)
{
    struct error ignored;
    for (;;) {
        if (reader_fill(reader, error) < 0)
            return -1;
        if (reader->at_end)
            return toc_check_all_met(toc, error);
        /* No block begins like this, but an integer does: the number of entries. */
        if (*reader->next == 0 && toc_check_all_met(toc, &ignored) == 0)
            return toc_read_again(toc, reader, error);
        struct block block = {0};
        if (*reader->next == 'P')
            return refuse_archive(reader, error);
        if (block_read(reading, toc, reader, &block, error) < 0 ||
            toc_mark_data(toc, block.entry, error) < 0)
            return -1;
        block_keep(toc, &block);
    }
}

int custom_read(struct reading *reading, struct reader *reader, struct error *error)
{
    cleanup(toc_free) struct toc toc = {0};
    if (toc_open(reading, &toc, reader, error) < 0)
        return -1;
    if (contents_announce(reading, error) < 0 || blocks_read(reading, &toc, reader, error) < 0)
        return -1;
    return large_objects_check(&toc, error);
}

/* ---- several blocks at once ---- */

struct stretch {
    int64_t begin, end;
    struct block block;
};

struct parallel {
    struct reading *reading;
    const struct toc *toc;
    int descriptor;
    const char *path;
    int64_t size;
    struct sha256 *hash;
    struct stretch *stretches;
};

static int compare_begins(const void *left, const void *right)
{
    const struct stretch *a = left, *b = right;
    return (a->begin > b->begin) - (a->begin < b->begin);
}

static int compare_lengths(const void *left, const void *right)
{
    const struct stretch *a = left, *b = right;
    int64_t x = a->end - a->begin, y = b->end - b->begin;
    return (x < y) - (x > y);
}

/* The stretches of the file that the blocks cover by the offsets; false when these cannot be true,
 * which a reading in sequence explains better. */
static bool stretches_plan(const struct toc *toc, int64_t blocks_begin, int64_t size,
                           struct stretch *stretches, size_t count)
{
    const struct archive *archive = toc->archive;
    size_t k = 0;
    for (size_t i = 0; i < archive->entry_count; i++)
        if (archive->entries[i].has_data)
            stretches[k++] = (struct stretch){.begin = archive->entries[i].data_offset};
    qsort(stretches, count, sizeof(*stretches), compare_begins);
    if (stretches[0].begin != blocks_begin)
        return false;
    for (size_t i = 0; i < count; i++) {
        stretches[i].end = i + 1 < count ? stretches[i + 1].begin : size;
        if (stretches[i].end <= stretches[i].begin)
            return false;
    }
    return true;
}

static int hash_file(struct parallel *parallel, struct error *error)
{
    cleanup(source_closep) struct source *file = file_source_new(
        parallel->descriptor, parallel->path, 0, parallel->size, parallel->hash, NULL);
    int64_t length;
    return source_drain(file, &length, error);
}

/* Hashing is a piece of work like a block: the first, so that it is not what is left at the end. */
static int stretch_read(void *context, size_t i, struct error *error)
{
    struct parallel *parallel = context;
    if (i == 0)
        return hash_file(parallel, error);
    struct stretch *stretch = &parallel->stretches[i - 1];
    cleanup(source_closep) struct source *file =
        file_source_new(parallel->descriptor, parallel->path, stretch->begin, stretch->end, NULL,
                        parallel->reading->progress);
    struct reader reader;
    reader_init(&reader, file, stretch->begin);
    if (block_read(parallel->reading, parallel->toc, &reader, &stretch->block, error) < 0)
        return -1;
    if (reader.offset == stretch->end)
        return 0;
    if (reader_fill(&reader, error) < 0)
        return -1;
    if (!reader.at_end && *reader.next == 'P')
        return refuse_archive(&reader, error);
    return bad_backup(error,
                      "%lld bytes are left over before byte %lld, which belong to no "
                      "block",
                      (long long)(stretch->end - reader.offset), (long long)stretch->end);
}

static int stretches_read(struct parallel *parallel, struct toc *toc, size_t count,
                          struct error *error)
{
    /* The longest first, so that no thread ends long after the others. */
    qsort(parallel->stretches, count, sizeof(*parallel->stretches), compare_lengths);
    if (pool_run(count + 1, parallel->reading->threads, stretch_read, parallel, error) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (toc_mark_data(toc, parallel->stretches[i].block.entry, error) < 0)
            return -1;
        block_keep(toc, &parallel->stretches[i].block);
    }
    return toc_check_all_met(toc, error);
}

int custom_read_parallel(struct reading *reading, int descriptor, const char *path, int64_t size,
                         struct sha256 *hash, bool *ret_done, struct error *error)
{
    cleanup(source_closep) struct source *file =
        file_source_new(descriptor, path, 0, size, NULL, NULL);
    cleanup(toc_free) struct toc toc = {0};
    struct reader reader;
    reader_init(&reader, file, 0);
    *ret_done = true;
    if (toc_open(reading, &toc, &reader, error) < 0)
        return -1;
    size_t count = 0;
    for (size_t i = 0; i < reading->archive->entry_count; i++)
        count += reading->archive->entries[i].has_data;
    cleanup(free_pointer) struct stretch *stretches = xcalloc(count, sizeof(*stretches));
    if (count < 2 || !toc.every_offset_known ||
        !stretches_plan(&toc, reader.offset, size, stretches, count)) {
        *ret_done = false;
        return 0;
    }
    /* Not before it is certain that what was announced stays: another reading would begin anew. */
    if (contents_announce(reading, error) < 0)
        return -1;
    if (reading->progress)
        atomic_fetch_add(reading->progress, reader.offset);
    struct parallel parallel = {reading, &toc, descriptor, path, size, hash, stretches};
    if (stretches_read(&parallel, &toc, count, error) < 0)
        return -1;
    return large_objects_check(&toc, error);
}
