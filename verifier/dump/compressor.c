#include "dump/compressor.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/processors.h"
#include "dump/compressed_file.h"
#include "dump/gzip_blocks.h"
#include "dump/zstd_frame.h"

/* A thread packs 90 to 200 MB/s, and pg_dump gives about 270: more threads would only take memory.
 */
enum { THREADS_LIMIT = 8 };

struct compressor {
    struct compressed_file file;
    struct gzip_blocks *gzip; /* one of them is there */
    struct zstd_frame *zstd;
};

static int threads_count(int wanted)
{
    if (wanted <= 0)
        wanted = processors();
    return wanted < THREADS_LIMIT ? wanted : THREADS_LIMIT;
}

struct compressor *compressor_new(enum compression compression, int threads, int descriptor,
                                  const char *what)
{
    struct compressor *compressor = xcalloc(1, sizeof(*compressor));
    compressor->file =
        (struct compressed_file){.descriptor = descriptor, .what = what, .hash = sha256_new()};
    if (compression == COMPRESSION_GZIP)
        compressor->gzip = gzip_blocks_new(&compressor->file, threads_count(threads));
    else
        compressor->zstd = zstd_frame_new(&compressor->file, threads_count(threads));
    return compressor;
}

int compressor_write(struct compressor *compressor, const void *bytes, size_t length,
                     struct error *error)
{
    return compressor->gzip ? gzip_blocks_write(compressor->gzip, bytes, length, error)
                            : zstd_frame_write(compressor->zstd, bytes, length, error);
}

int compressor_finish(struct compressor *compressor, int64_t *ret_size_bytes,
                      char ret_sha256[SHA256_HEX_SIZE], struct error *error)
{
    int finished = compressor->gzip ? gzip_blocks_finish(compressor->gzip, error)
                                    : zstd_frame_finish(compressor->zstd, error);
    if (finished < 0)
        return -1;
    sha256_final(compressor->file.hash, ret_sha256);
    *ret_size_bytes = compressor->file.size_bytes;
    return 0;
}

void compressor_free(struct compressor *compressor)
{
    if (!compressor)
        return;
    gzip_blocks_free(compressor->gzip);
    zstd_frame_free(compressor->zstd);
    sha256_free(compressor->file.hash);
    free(compressor);
}

void compressor_freep(struct compressor **compressor)
{
    compressor_free(*compressor);
}
