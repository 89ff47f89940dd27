#include "backup/gzip_blocks.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"

enum {
    LEVEL = 5, /* a sixth less work than 6, for files that are 1.5 % larger */
    MEMORY_LEVEL = 8,
    RAW_WINDOW = -15, /* deflate without zlib's header and trailer */
    DICTIONARY_SIZE = 32 * 1024,
    BLOCK_SIZE = 256 * 1024,
    /* What does not compress is stored, with 5 bytes for at most 32 KiB, and the flush is 5 more.
     */
    OUTPUT_SIZE = BLOCK_SIZE + BLOCK_SIZE / 64,
    BLOCKS_PER_THREAD = 3, /* one at work, one waiting, one being filled or written */
};

/* A place for one block after another. Only its input belongs to the caller's thread until it is
 * handed over, and all of it again when `done`. */
struct block {
    unsigned char *memory; /* dictionary, input, output */
    size_t dictionary_length;
    size_t length;
    bool last;
    bool done;
    bool failed;
    size_t output_length;
    uLong crc;
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
    return block->memory + DICTIONARY_SIZE;
}

static unsigned char *block_output(const struct block *block)
{
    return block->memory + DICTIONARY_SIZE + BLOCK_SIZE;
}

struct gzip_blocks *gzip_blocks_new(struct compressed_file *file, int threads)
{
    struct gzip_blocks *blocks = xcalloc(1, sizeof(*blocks));
    blocks->file = file;
    blocks->threads_wanted = threads;
    blocks->block_count = (size_t)threads * BLOCKS_PER_THREAD;
    blocks->blocks = xcalloc(blocks->block_count, sizeof(*blocks->blocks));
    blocks->threads = xcalloc((size_t)threads, sizeof(*blocks->threads));
    blocks->crc = crc32_z(0, NULL, 0);
    pthread_mutex_init(&blocks->lock, NULL);
    pthread_cond_init(&blocks->changed, NULL);
    return blocks;
}

static bool block_compress(struct block *block, z_stream *stream)
{
    unsigned char *input = block_input(block);
    block->crc = crc32_z(crc32_z(0, NULL, 0), input, block->length);
    if (deflateReset(stream) != Z_OK)
        return false;
    if (block->dictionary_length > 0 &&
        deflateSetDictionary(stream, input - block->dictionary_length,
                             (uInt)block->dictionary_length) != Z_OK)
        return false;
    stream->next_in = input;
    stream->avail_in = (uInt)block->length;
    stream->next_out = block_output(block);
    stream->avail_out = OUTPUT_SIZE;
    int outcome = deflate(stream, block->last ? Z_FINISH : Z_SYNC_FLUSH);
    block->output_length = OUTPUT_SIZE - stream->avail_out;
    /* With output to spare everything is out. */
    return outcome == (block->last ? Z_STREAM_END : Z_OK) && stream->avail_in == 0 &&
           stream->avail_out > 0;
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
    z_stream stream = {0};
    bool started = deflateInit2(&stream, LEVEL, Z_DEFLATED, RAW_WINDOW, MEMORY_LEVEL,
                                Z_DEFAULT_STRATEGY) == Z_OK;
    for (struct block *block; (block = block_take(blocks));) {
        bool compressed = started && block_compress(block, &stream);
        pthread_mutex_lock(&blocks->lock);
        block->failed = !compressed;
        block->done = true;
        pthread_cond_broadcast(&blocks->changed);
        pthread_mutex_unlock(&blocks->lock);
    }
    if (started)
        deflateEnd(&stream);
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
    static const unsigned char header[] = {0x1f, 0x8b, Z_DEFLATED, 0, 0, 0, 0, 0, 0, 3 /* Unix */};
    if (block->failed)
        return cannot_verify(error, "zlib failed while compressing %s", blocks->file->what);
    if (blocks->written == 0 &&
        compressed_file_write(blocks->file, header, sizeof(header), error) < 0)
        return -1;
    if (compressed_file_write(blocks->file, block_output(block), block->output_length, error) < 0)
        return -1;
    blocks->crc = crc32_combine(blocks->crc, block->crc, (z_off_t)block->length);
    blocks->total_bytes += block->length;
    blocks->written++;
    block->done = false;
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
        block->memory = xmalloc(DICTIONARY_SIZE + BLOCK_SIZE + OUTPUT_SIZE);
    return block;
}

static int block_hand_over(struct gzip_blocks *blocks, bool last, struct error *error)
{
    if (blocks->thread_count == 0 && threads_start(blocks, error) < 0)
        return -1;
    struct block *block = block_to_fill(blocks);
    block->last = last;
    pthread_mutex_lock(&blocks->lock);
    blocks->handed++;
    pthread_cond_broadcast(&blocks->changed);
    pthread_mutex_unlock(&blocks->lock);
    if (blocks_write(blocks, last ? 0 : blocks->block_count - 1, error) < 0)
        return -1;
    if (last)
        return 0;
    /* The threads only read input, so the end of the block can be copied while one works on it. */
    struct block *next = block_to_fill(blocks);
    next->dictionary_length = DICTIONARY_SIZE;
    next->length = 0;
    memcpy(next->memory, block_input(block) + BLOCK_SIZE - DICTIONARY_SIZE, DICTIONARY_SIZE);
    return 0;
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
        if (block->length == BLOCK_SIZE && block_hand_over(blocks, false, error) < 0)
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
    unsigned char trailer[8];
    if (block_hand_over(blocks, true, error) < 0)
        return -1;
    number_put(trailer, blocks->crc);
    number_put(trailer + 4, blocks->total_bytes);
    return compressed_file_write(blocks->file, trailer, sizeof(trailer), error);
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
