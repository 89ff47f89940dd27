#include "backup/gzip_writer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/file.h"
#include "base/memory.h"

enum { BLOCK_SIZE = 256 * 1024, LEVEL = 6, GZIP_WINDOW = 15 + 16 };

struct gzip_writer {
    int descriptor;
    const char *what;
    bool started;
    z_stream stream;
    struct sha256 *hash;
    int64_t size_bytes;
    unsigned char block[BLOCK_SIZE];
};

struct gzip_writer *gzip_writer_new(int descriptor, const char *what)
{
    struct gzip_writer *writer = xcalloc(1, sizeof(*writer));
    writer->descriptor = descriptor;
    writer->what = what;
    writer->hash = sha256_new();
    writer->started = deflateInit2(&writer->stream, LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
                                   Z_DEFAULT_STRATEGY) == Z_OK;
    return writer;
}

/* Compresses what the stream was given, until it wants more (or has ended, with Z_FINISH). */
static int stream_push(struct gzip_writer *writer, int flush, struct error *error)
{
    if (!writer->started)
        return cannot_verify(error, "zlib could not start compressing %s", writer->what);
    do {
        writer->stream.next_out = writer->block;
        writer->stream.avail_out = BLOCK_SIZE;
        if (deflate(&writer->stream, flush) == Z_STREAM_ERROR)
            return cannot_verify(error, "zlib failed while compressing %s", writer->what);
        size_t length = BLOCK_SIZE - writer->stream.avail_out;
        if (write_all(writer->descriptor, writer->block, length, writer->what, error) < 0)
            return -1;
        sha256_update(writer->hash, writer->block, length);
        writer->size_bytes += (int64_t)length;
    } while (writer->stream.avail_out == 0);
    return 0;
}

int gzip_writer_write(struct gzip_writer *writer, const void *bytes, size_t length,
                      struct error *error)
{
    /* zlib counts in 32 bits and does not write through the pointer. */
    const unsigned char *next = bytes;
    while (length > 0) {
        size_t piece = length < BLOCK_SIZE ? length : BLOCK_SIZE;
        writer->stream.next_in = (unsigned char *)(uintptr_t)next;
        writer->stream.avail_in = (unsigned int)piece;
        if (stream_push(writer, Z_NO_FLUSH, error) < 0)
            return -1;
        next += piece;
        length -= piece;
    }
    return 0;
}

int gzip_writer_finish(struct gzip_writer *writer, int64_t *ret_size_bytes,
                       char ret_sha256[SHA256_HEX_SIZE], struct error *error)
{
    writer->stream.next_in = NULL;
    writer->stream.avail_in = 0;
    if (stream_push(writer, Z_FINISH, error) < 0)
        return -1;
    sha256_final(writer->hash, ret_sha256);
    *ret_size_bytes = writer->size_bytes;
    return 0;
}

void gzip_writer_free(struct gzip_writer *writer)
{
    if (!writer)
        return;
    if (writer->started)
        deflateEnd(&writer->stream);
    sha256_free(writer->hash);
    free(writer);
}

void gzip_writer_freep(struct gzip_writer **writer)
{
    gzip_writer_free(*writer);
}
