#include "dump/gzip_blocks.h"

#include <libdeflate.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"

enum {
    LEVEL = 5,
    RAW_WINDOW = -15, /* deflate without zlib's header and trailer */
    BLOCK_SIZE = 512 * 1024,
    /* What does not compress is stored, with 5 bytes for some KiB; the ending is 5 more. */
    OUTPUT_SIZE = BLOCK_SIZE + BLOCK_SIZE / 64,
    ENDING_SIZE = 5,
};

/* RFC 1952: no name, no time. */
static const unsigned char gzip_header[] = {0x1f, 0x8b, 8 /* deflate */, 0, 0, 0, 0, 0,
                                            0,    3 /* Unix */};

/* What inflate() says in data_type when it is told Z_BLOCK. */
enum { INFLATE_UNUSED_BITS = 7, INFLATE_LAST_BLOCK = 64, INFLATE_AT_BOUNDARY = 128 };

enum { STORED_HEADER_BITS = 3 };

/* A place for one block after another. Only its input belongs to the caller's thread until it is
 * handed over, and all of it again when `done`. */
struct block {
    unsigned char *memory; /* input, output */
    size_t length;
    bool done;
    bool failed;
    size_t output_length;
    uLong crc;
};

/* What a thread works with. */
struct packer {
    struct libdeflate_compressor *compressor;
    z_stream unpacker;
    unsigned char *unpacked;
};

struct gzip_blocks {
    struct compressed_file *file;
    struct block *blocks; /* number n is in blocks[n % block_count] */
    size_t block_count;
    pthread_t *threads;
    int thread_count;
    int threads_wanted;
    pthread_mutex_t lock; /* of what follows, and of `done` */
    pthread_cond_t changed;
    uint64_t handed; /* blocks given to the threads */
    uint64_t taken;  /* blocks that threads have taken */
    bool stop;
    uint64_t written; /* the caller's: blocks in the file */
    uLong crc;
    uint64_t total_bytes;
};

static unsigned char *block_input(const struct block *block)
{
    return block->memory;
}

static unsigned char *block_output(const struct block *block)
{
    return block->memory + BLOCK_SIZE;
}

struct gzip_blocks *gzip_blocks_new(struct compressed_file *file, int threads)
{
    struct gzip_blocks *blocks = xcalloc(1, sizeof(*blocks));
    blocks->file = file;
    blocks->threads_wanted = threads;
    /* Each thread has one at work and one waiting, and one more is being filled or written. */
    blocks->block_count = (size_t)threads * 2 + 1;
    blocks->blocks = xcalloc(blocks->block_count, sizeof(*blocks->blocks));
    blocks->threads = xcalloc((size_t)threads, sizeof(*blocks->threads));
    blocks->crc = crc32_z(0, NULL, 0);
    pthread_mutex_init(&blocks->lock, NULL);
    pthread_cond_init(&blocks->changed, NULL);
    return blocks;
}

/* Unpacks what was packed and compares it. `ret_header`: the bit at which the last of its deflate
 * blocks begins; `ret_unused`: the bits of the last byte that are not used. */
static bool block_unpack(const struct block *block, struct packer *packer, size_t *ret_header,
                         unsigned *ret_unused)
{
    z_stream *stream = &packer->unpacker;
    size_t header = 0;
    if (inflateReset(stream) != Z_OK)
        return false;
    stream->next_in = block_output(block);
    stream->avail_in = (uInt)block->output_length;
    stream->next_out = packer->unpacked;
    stream->avail_out = BLOCK_SIZE;
    for (;;) {
        if (inflate(stream, Z_BLOCK) != Z_OK || !(stream->data_type & INFLATE_AT_BOUNDARY))
            return false;
        if (stream->data_type & INFLATE_LAST_BLOCK)
            break;
        header = (block->output_length - stream->avail_in) * 8 -
                 (size_t)(stream->data_type & INFLATE_UNUSED_BITS);
    }
    *ret_header = header;
    *ret_unused = (unsigned)(stream->data_type & INFLATE_UNUSED_BITS);
    return stream->avail_in == 0 && BLOCK_SIZE - stream->avail_out == block->length &&
           memcmp(packer->unpacked, block_input(block), block->length) == 0;
}

/* libdeflate ends what it writes. The mark of the end is taken away, and an empty stored block
 * fills up the last byte, so that more can follow. */
static bool block_open_end(struct block *block, struct packer *packer)
{
    unsigned char *output = block_output(block);
    size_t header = 0;
    unsigned unused = 0;
    if (!block_unpack(block, packer, &header, &unused) || !(output[header / 8] >> header % 8 & 1))
        return false;
    output[header / 8] &= (unsigned char)~(1U << header % 8);
    output[block->output_length - 1] &= (unsigned char)(0xffU >> unused);
    if (unused < STORED_HEADER_BITS)
        output[block->output_length++] = 0;
    memcpy(output + block->output_length, "\x00\x00\xff\xff", 4);
    block->output_length += 4;
    return true;
}

static bool block_compress(struct block *block, struct packer *packer)
{
    block->crc = libdeflate_crc32(0, block_input(block), block->length);
    block->output_length =
        libdeflate_deflate_compress(packer->compressor, block_input(block), block->length,
                                    block_output(block), OUTPUT_SIZE - ENDING_SIZE);
    return block->output_length > 0 && block_open_end(block, packer);
}

/* The next block to compress; NULL when there will be none. */
static struct block *block_take(struct gzip_blocks *blocks)
{
    pthread_mutex_lock(&blocks->lock);
    while (!blocks->stop && blocks->taken == blocks->handed)
        pthread_cond_wait(&blocks->changed, &blocks->lock);
    struct block *block =
        blocks->stop ? NULL : &blocks->blocks[blocks->taken++ % blocks->block_count];
    pthread_mutex_unlock(&blocks->lock);
    return block;
}

static void *blocks_thread(void *argument)
{
    struct gzip_blocks *blocks = argument;
    struct packer packer = {.compressor = libdeflate_alloc_compressor(LEVEL),
                            .unpacked = xmalloc(BLOCK_SIZE)};
    bool started = inflateInit2(&packer.unpacker, RAW_WINDOW) == Z_OK;
    for (struct block *block; (block = block_take(blocks));) {
        bool compressed = started && packer.compressor && block_compress(block, &packer);
        pthread_mutex_lock(&blocks->lock);
        block->failed = !compressed;
        block->done = true;
        pthread_cond_broadcast(&blocks->changed);
        pthread_mutex_unlock(&blocks->lock);
    }
    if (started)
        inflateEnd(&packer.unpacker);
    libdeflate_free_compressor(packer.compressor);
    free(packer.unpacked);
    return NULL;
}

/* With every signal blocked: they are for the caller's thread. Fewer than wanted will do. */
static int threads_start(struct gzip_blocks *blocks, struct error *error)
{
    sigset_t all;
    sigset_t before;
    int reason = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (reason == 0 && blocks->thread_count < blocks->threads_wanted) {
        reason =
            pthread_create(&blocks->threads[blocks->thread_count], NULL, blocks_thread, blocks);
        blocks->thread_count += reason == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (blocks->thread_count == 0)
        return cannot_verify(error, "cannot start a thread to compress %s: %s", blocks->file->what,
                             strerror(reason));
    return 0;
}

static bool block_wait(struct gzip_blocks *blocks, const struct block *block, bool wait)
{
    pthread_mutex_lock(&blocks->lock);
    while (wait && !block->done)
        pthread_cond_wait(&blocks->changed, &blocks->lock);
    bool done = block->done;
    pthread_mutex_unlock(&blocks->lock);
    return done;
}

static int block_write(struct gzip_blocks *blocks, struct block *block, struct error *error)
{
    if (block->failed)
        return cannot_verify(error,
                             "compressing %s failed: what was packed does not unpack to the same: "
                             "this machine's memory is short, or bad",
                             blocks->file->what);
    if (blocks->written == 0 &&
        compressed_file_write(blocks->file, gzip_header, sizeof(gzip_header), error) < 0)
        return -1;
    if (compressed_file_write(blocks->file, block_output(block), block->output_length, error) < 0)
        return -1;
    blocks->crc = crc32_combine(blocks->crc, block->crc, (z_off_t)block->length);
    blocks->total_bytes += block->length;
    blocks->written++;
    block->done = false;
    block->length = 0;
    return 0;
}

/* Writes what is compressed, in order. It waits until at most `most` blocks are left. */
static int blocks_write(struct gzip_blocks *blocks, uint64_t most, struct error *error)
{
    while (blocks->written < blocks->handed) {
        struct block *block = &blocks->blocks[blocks->written % blocks->block_count];
        if (!block_wait(blocks, block, blocks->handed - blocks->written > most))
            return 0;
        if (block_write(blocks, block, error) < 0)
            return -1;
    }
    return 0;
}

/* The block that is being filled: `handed` counts those before it. */
static struct block *block_to_fill(struct gzip_blocks *blocks)
{
    struct block *block = &blocks->blocks[blocks->handed % blocks->block_count];
    if (!block->memory)
        block->memory = xmalloc(BLOCK_SIZE + OUTPUT_SIZE);
    return block;
}

/* `most`: of the blocks handed over, so many need not be written yet. */
static int block_hand_over(struct gzip_blocks *blocks, uint64_t most, struct error *error)
{
    if (blocks->thread_count == 0 && threads_start(blocks, error) < 0)
        return -1;
    pthread_mutex_lock(&blocks->lock);
    blocks->handed++;
    pthread_cond_broadcast(&blocks->changed);
    pthread_mutex_unlock(&blocks->lock);
    return blocks_write(blocks, most, error);
}

int gzip_blocks_write(struct gzip_blocks *blocks, const void *bytes, size_t length,
                      struct error *error)
{
    const unsigned char *next = bytes;
    while (length > 0) {
        struct block *block = block_to_fill(blocks);
        size_t room = BLOCK_SIZE - block->length;
        size_t piece = length < room ? length : room;
        memcpy(block_input(block) + block->length, next, piece);
        block->length += piece;
        next += piece;
        length -= piece;
        if (block->length == BLOCK_SIZE &&
            block_hand_over(blocks, blocks->block_count - 1, error) < 0)
            return -1;
    }
    return 0;
}

static void number_put(unsigned char *bytes, uint64_t number)
{
    for (size_t i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(number >> (8 * i));
}

int gzip_blocks_finish(struct gzip_blocks *blocks, struct error *error)
{
    /* An empty block with the mark of the end, and the trailer. */
    unsigned char ending[2 + 8] = {0x03, 0x00};
    if (block_to_fill(blocks)->length > 0 ? block_hand_over(blocks, 0, error) < 0
                                          : blocks_write(blocks, 0, error) < 0)
        return -1;
    if (blocks->written == 0 &&
        compressed_file_write(blocks->file, gzip_header, sizeof(gzip_header), error) < 0)
        return -1;
    number_put(ending + 2, blocks->crc);
    number_put(ending + 6, blocks->total_bytes);
    return compressed_file_write(blocks->file, ending, sizeof(ending), error);
}

void gzip_blocks_free(struct gzip_blocks *blocks)
{
    if (!blocks)
        return;
    pthread_mutex_lock(&blocks->lock);
    blocks->stop = true;
    pthread_cond_broadcast(&blocks->changed);
    pthread_mutex_unlock(&blocks->lock);
    for (int i = 0; i < blocks->thread_count; i++)
        pthread_join(blocks->threads[i], NULL);
    for (size_t i = 0; i < blocks->block_count; i++)
        free(blocks->blocks[i].memory);
    pthread_cond_destroy(&blocks->changed);
    pthread_mutex_destroy(&blocks->lock);
    free(blocks->threads);
    free(blocks->blocks);
    free(blocks);
}
