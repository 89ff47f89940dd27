#include "archive/source.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

#define FILE_RUN_BYTES (256 * 1024)

/* The densest honest compression is zstd's of one row repeated: a block of 128 KiB in a few bytes.
 * The fixed part is what a tiny file may cost. */
#define UNPACKED_BYTES_FREE     (32LL << 20)
#define UNPACKED_BYTES_PER_BYTE 32768LL

int source_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                struct error *error)
{
    return source->next(source, ret_bytes, ret_length, error);
}

void source_close(struct source *source)
{
    if (source)
        source->close(source);
}

void source_closep(struct source **source)
{
    source_close(*source);
}

void allowance_init(struct allowance *allowance, int64_t stored_bytes)
{
    int64_t bytes;
    if (__builtin_mul_overflow(stored_bytes, UNPACKED_BYTES_PER_BYTE, &bytes) ||
        __builtin_add_overflow(bytes, UNPACKED_BYTES_FREE, &bytes))
        bytes = INT64_MAX;
    atomic_init(&allowance->bytes_left, bytes);
}

int allowance_take(struct allowance *allowance, size_t bytes, struct error *error)
{
    int64_t left =
        atomic_fetch_sub_explicit(&allowance->bytes_left, (int64_t)bytes, memory_order_relaxed);
    if (left < (int64_t)bytes)
        return bad_backup(error,
                          "it unpacks to more than %lld times its size, which no real "
                          "backup does: take it for a decompression bomb",
                          UNPACKED_BYTES_PER_BYTE);
    return 0;
}

/* ---- a stretch of a file ---- */

struct file_source {
    struct source source;
    int descriptor;
    const char *path;
    int64_t position, end;
    struct sha256 *hash;
    _Atomic int64_t *progress;
    uint8_t buffer[FILE_RUN_BYTES];
};

static int file_source_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                            struct error *error)
{
    struct file_source *file = (struct file_source *)source;
    size_t want = sizeof(file->buffer);
    if (file->end - file->position < (int64_t)want)
        want = (size_t)(file->end - file->position);
    ssize_t length = 0;
    if (want > 0) {
        do
            length = pread(file->descriptor, file->buffer, want, file->position);
        while (length < 0 && errno == EINTR);
        if (length < 0)
            return cannot_verify(error, "cannot read %s: %s", file->path, strerror(errno));
        if (length == 0)
            return cannot_verify(error,
                                 "%s became shorter while it was read: is it still being written?",
                                 file->path);
    }
    file->position += length;
    if (file->hash && length > 0)
        sha256_update(file->hash, file->buffer, (size_t)length);
    if (file->progress)
        atomic_fetch_add_explicit(file->progress, length, memory_order_relaxed);
    *ret_bytes = file->buffer;
    *ret_length = (size_t)length;
    return 0;
}

static void free_source(struct source *source)
{
    free(source);
}

struct source *file_source_new(int descriptor, const char *path, int64_t begin, int64_t end,
                               struct sha256 *hash, _Atomic int64_t *progress)
{
    struct file_source *file = xmalloc(sizeof(*file));
    file->source = (struct source){file_source_next, free_source};
    file->descriptor = descriptor;
    file->path = path;
    file->position = begin;
    file->end = end;
    file->hash = hash;
    file->progress = progress;
    return &file->source;
}

/* ---- what somebody else reads ---- */

struct counted_source {
    struct source source;
    struct source *below;
    int64_t left;
    struct sha256 *hash;
    _Atomic int64_t *progress;
};

static int counted_source_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                               struct error *error)
{
    struct counted_source *counted = (struct counted_source *)source;
    if (source_next(counted->below, ret_bytes, ret_length, error) < 0)
        return -1;
    counted->left -= (int64_t)*ret_length;
    if (counted->left < 0 || (*ret_length == 0 && counted->left > 0))
        return cannot_verify(error, "it was replaced while it was read: run again");
    sha256_update(counted->hash, *ret_bytes, *ret_length);
    if (counted->progress)
        atomic_fetch_add_explicit(counted->progress, (int64_t)*ret_length, memory_order_relaxed);
    return 0;
}

struct source *counted_source_new(struct source *below, int64_t length, struct sha256 *hash,
                                  _Atomic int64_t *progress)
{
    struct counted_source *counted = xmalloc(sizeof(*counted));
    *counted =
        (struct counted_source){{counted_source_next, free_source}, below, length, hash, progress};
    return &counted->source;
}

/* ---- some bytes, then a source ---- */

struct prefixed_source {
    struct source source;
    struct source *rest;
    size_t length;
    bool given;
    uint8_t first[];
};

static int prefixed_source_next(struct source *source, const uint8_t **ret_bytes,
                                size_t *ret_length, struct error *error)
{
    struct prefixed_source *prefixed = (struct prefixed_source *)source;
    if (prefixed->given || prefixed->length == 0)
        return source_next(prefixed->rest, ret_bytes, ret_length, error);
    prefixed->given = true;
    *ret_bytes = prefixed->first;
    *ret_length = prefixed->length;
    return 0;
}

static void prefixed_source_close(struct source *source)
{
    struct prefixed_source *prefixed = (struct prefixed_source *)source;
    source_close(prefixed->rest);
    free(prefixed);
}

struct source *prefixed_source_new(const void *first, size_t length, struct source *rest)
{
    struct prefixed_source *prefixed = xmalloc(sizeof(*prefixed) + length);
    *prefixed = (struct prefixed_source){
        .source = {prefixed_source_next, prefixed_source_close}, .rest = rest, .length = length};
    if (length > 0)
        memcpy(prefixed->first, first, length);
    return &prefixed->source;
}

/* ---- bytes in memory ---- */

struct memory_source {
    struct source source;
    const void *bytes;
    size_t length;
};

static int memory_source_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                              struct error *error)
{
    (void)error;
    struct memory_source *memory = (struct memory_source *)source;
    *ret_bytes = memory->bytes;
    *ret_length = memory->length;
    memory->length = 0;
    return 0;
}

struct source *memory_source_new(const void *bytes, size_t length)
{
    struct memory_source *memory = xmalloc(sizeof(*memory));
    *memory = (struct memory_source){{memory_source_next, free_source}, bytes, length};
    return &memory->source;
}

/* ---- a part of what a reader reads ---- */

struct part_source {
    struct source source;
    struct reader *reader;
    int64_t left;
    const char *what;
};

static int part_source_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                            struct error *error)
{
    struct part_source *part = (struct part_source *)source;
    if (part->left == 0) {
        *ret_length = 0;
        return 0;
    }
    if (reader_run(part->reader, part->left, ret_bytes, ret_length, error) < 0)
        return -1;
    if (*ret_length == 0)
        return bad_backup(error, "it ends at byte %lld, in the middle of %s: it was cut off",
                          (long long)part->reader->offset, part->what);
    part->left -= (int64_t)*ret_length;
    return 0;
}

struct source *part_source_new(struct reader *reader, int64_t length, const char *what)
{
    struct part_source *part = xmalloc(sizeof(*part));
    *part = (struct part_source){{part_source_next, free_source}, reader, length, what};
    return &part->source;
}

/* ---- the reader ---- */

void reader_init(struct reader *reader, struct source *source, int64_t base_offset)
{
    *reader = (struct reader){.source = source, .offset = base_offset};
}

int reader_fill(struct reader *reader, struct error *error)
{
    if (reader->available > 0 || reader->at_end)
        return 0;
    if (source_next(reader->source, &reader->next, &reader->available, error) < 0)
        return -1;
    reader->at_end = reader->available == 0;
    return 0;
}

int reader_run(struct reader *reader, int64_t most, const uint8_t **ret_bytes, size_t *ret_length,
               struct error *error)
{
    if (reader_fill(reader, error) < 0)
        return -1;
    size_t length = reader->available;
    if ((int64_t)length > most)
        length = (size_t)most;
    *ret_bytes = reader->next;
    *ret_length = length;
    if (length == 0)
        return 0;
    reader->next += length;
    reader->available -= length;
    reader->offset += (int64_t)length;
    return 0;
}

int reader_bytes(struct reader *reader, void *ret_bytes, size_t length, const char *what,
                 struct error *error)
{
    uint8_t *to = ret_bytes;
    while (length > 0) {
        const uint8_t *bytes;
        size_t run;
        if (reader_run(reader, (int64_t)length, &bytes, &run, error) < 0)
            return -1;
        if (run == 0)
            return bad_backup(error, "it ends at byte %lld, in the middle of %s: it was cut off",
                              (long long)reader->offset, what);
        if (to) {
            memcpy(to, bytes, run);
            to += run;
        }
        length -= run;
    }
    return 0;
}

int reader_byte(struct reader *reader, uint8_t *ret_byte, const char *what, struct error *error)
{
    return reader_bytes(reader, ret_byte, 1, what, error);
}

int reader_skip(struct reader *reader, int64_t length, const char *what, struct error *error)
{
    return reader_bytes(reader, NULL, (size_t)length, what, error);
}

int source_drain(struct source *source, int64_t *ret_length, struct error *error)
{
    int64_t total = 0;
    for (;;) {
        const uint8_t *bytes;
        size_t length;
        if (source_next(source, &bytes, &length, error) < 0)
            return -1;
        if (length == 0)
            break;
        total += (int64_t)length;
    }
    *ret_length = total;
    return 0;
}
