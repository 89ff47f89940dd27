#include "dump/compressor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

enum { KIB = 1024, BLOCK = 512 * KIB }; /* gzip's blocks */

/* What does not compress, what compresses to nothing, and what repeats from block to block. */
enum content { NOISE, ZEROS, WORDS };

static const struct {
    enum compression compression;
    enum content content;
    int threads;
    size_t length;
    size_t piece;
} streams[] = {
    {COMPRESSION_GZIP, WORDS, 1, 0, 1},
    {COMPRESSION_GZIP, WORDS, 2, 1, 1},
    {COMPRESSION_GZIP, WORDS, 2, 5000, 7},
    {COMPRESSION_GZIP, WORDS, 2, BLOCK - 1, 1000},
    {COMPRESSION_GZIP, WORDS, 2, BLOCK, 1000},
    {COMPRESSION_GZIP, NOISE, 2, BLOCK, BLOCK},
    {COMPRESSION_GZIP, WORDS, 2, BLOCK + 1, BLOCK},
    {COMPRESSION_GZIP, WORDS, 1, 20 * BLOCK, 100000},
    {COMPRESSION_GZIP, NOISE, 3, 20 * BLOCK + 12345, 100000},
    {COMPRESSION_GZIP, ZEROS, 3, 40 * BLOCK, 3 * BLOCK},
    {COMPRESSION_GZIP, WORDS, 8, 60 * BLOCK + 1, 65536},
    {COMPRESSION_GZIP, WORDS, 0, 9 * BLOCK, 65536},
    {COMPRESSION_ZSTD, WORDS, 1, 0, 1},
    {COMPRESSION_ZSTD, WORDS, 2, 1, 1},
    {COMPRESSION_ZSTD, WORDS, 2, 5000, 7},
    {COMPRESSION_ZSTD, NOISE, 2, 20 * BLOCK + 12345, 100000},
    {COMPRESSION_ZSTD, ZEROS, 3, 40 * BLOCK, 3 * BLOCK},
    {COMPRESSION_ZSTD, WORDS, 8, 60 * BLOCK + 1, 65536},
    {COMPRESSION_ZSTD, WORDS, 0, 9 * BLOCK, 65536},
};

static unsigned char *content_make(enum content content, size_t length)
{
    unsigned char *bytes = xcalloc(length + 1, 1);
    uint64_t state = 88172645463325252ULL;
    for (size_t i = 0; i < length && content != ZEROS; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = content == NOISE ? (unsigned char)state : (unsigned char)('a' + state % 9);
        if (content == WORDS && i > 20000 && state % 11 != 0)
            bytes[i] = bytes[i - 20000];
    }
    return bytes;
}

/* Compresses into a file without a name; gives what is in it. */
static unsigned char *compress_all(int number, const unsigned char *bytes, size_t *ret_length)
{
    cleanup(close_descriptor) int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    ck_assert_int_ge(file, 0);
    cleanup(compressor_freep) struct compressor *compressor =
        compressor_new(streams[number].compression, streams[number].threads, file, "a file");
    struct error error;
    for (size_t done = 0; done < streams[number].length;) {
        size_t piece = streams[number].length - done;
        if (piece > streams[number].piece)
            piece = streams[number].piece;
        ck_assert_int_eq(compressor_write(compressor, bytes + done, piece, &error), 0);
        done += piece;
    }
    int64_t size_bytes;
    char sha256[SHA256_HEX_SIZE];
    ck_assert_int_eq(compressor_finish(compressor, &size_bytes, sha256, &error), 0);
    ck_assert_int_eq(lseek(file, 0, SEEK_END), size_bytes);
    unsigned char *compressed = xmalloc((size_t)size_bytes);
    ck_assert_int_eq(pread(file, compressed, (size_t)size_bytes, 0), size_bytes);
    cleanup(sha256_freep) struct sha256 *hash = sha256_new();
    char expected[SHA256_HEX_SIZE];
    sha256_update(hash, compressed, (size_t)size_bytes);
    sha256_final(hash, expected);
    ck_assert_str_eq(sha256, expected);
    *ret_length = (size_t)size_bytes;
    return compressed;
}

/* With zlib's own decoder, which checks the trailer; the file is one member and nothing more. */
static void gzip_check(unsigned char *compressed, size_t compressed_length,
                       const unsigned char *bytes, size_t length)
{
    cleanup(free_pointer) unsigned char *found = xmalloc(length + 1);
    z_stream stream = {.next_in = compressed,
                       .avail_in = (uInt)compressed_length,
                       .next_out = found,
                       .avail_out = (uInt)length + 1};
    ck_assert_int_eq(inflateInit2(&stream, 15 + 16), Z_OK);
    ck_assert_int_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
    ck_assert_uint_eq(stream.avail_in, 0);
    ck_assert_uint_eq(stream.total_out, length);
    ck_assert_int_eq(memcmp(found, bytes, length), 0);
    inflateEnd(&stream);
}

static void zstd_check(const unsigned char *compressed, size_t compressed_length,
                       const unsigned char *bytes, size_t length)
{
    cleanup(free_pointer) unsigned char *found = xmalloc(length + 1);
    ck_assert_uint_eq(ZSTD_decompress(found, length + 1, compressed, compressed_length), length);
    ck_assert_int_eq(memcmp(found, bytes, length), 0);
    /* RFC 8878: bit 2 of the byte behind the magic number says that there is a checksum. */
    ck_assert_uint_ne(compressed[4] & 4, 0);
    ck_assert_uint_eq(ZSTD_findFrameCompressedSize(compressed, compressed_length),
                      compressed_length);
}

START_TEST(what_goes_in_comes_out)
{
    size_t length = streams[_i].length;
    size_t compressed_length = 0;
    cleanup(free_pointer) unsigned char *bytes = content_make(streams[_i].content, length);
    cleanup(free_pointer) unsigned char *compressed = compress_all(_i, bytes, &compressed_length);
    if (streams[_i].compression == COMPRESSION_GZIP)
        gzip_check(compressed, compressed_length, bytes, length);
    else
        zstd_check(compressed, compressed_length, bytes, length);
    if (streams[_i].content == NOISE)
        ck_assert_uint_lt(compressed_length, length + length / 500 + 64);
}
END_TEST

/* What the blocks cost, against one stream of zlib's of the same level: the dictionary is what
 * keeps it low. */
START_TEST(blocks_cost_hardly_anything)
{
    int number = 10;
    size_t length = streams[number].length;
    size_t compressed_length = 0;
    ck_assert_int_eq(streams[number].compression, COMPRESSION_GZIP);
    cleanup(free_pointer) unsigned char *bytes = content_make(WORDS, length);
    free(compress_all(number, bytes, &compressed_length));
    uLongf whole_length = compressBound(length);
    cleanup(free_pointer) unsigned char *whole = xmalloc(whole_length);
    ck_assert_int_eq(compress2(whole, &whole_length, bytes, length, 5), Z_OK);
    ck_assert_uint_lt(compressed_length, whole_length + whole_length / 25);
}
END_TEST

/* Given up at any point, with threads at work, it ends and leaves no memory; a disk that is full is
 * told, at the latest at the end. */
START_TEST(it_can_be_given_up_and_tells_of_a_full_disk)
{
    enum { LENGTH = 4000000 };
    cleanup(close_descriptor) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cleanup(free_pointer) unsigned char *bytes = content_make(NOISE, LENGTH);
    cleanup(compressor_freep) struct compressor *compressor =
        compressor_new(_i ? COMPRESSION_ZSTD : COMPRESSION_GZIP, 3, full, "a file");
    struct compressor *unused =
        compressor_new(_i ? COMPRESSION_ZSTD : COMPRESSION_GZIP, 3, full, "a file");
    compressor_freep(&unused);
    struct error error = {0};
    int outcome = compressor_write(compressor, bytes, LENGTH, &error);
    if (outcome == 0) {
        int64_t size_bytes;
        char sha256[SHA256_HEX_SIZE];
        outcome = compressor_finish(compressor, &size_bytes, sha256, &error);
    }
    ck_assert_int_eq(outcome, -1);
    ck_assert_int_eq(error.fault, FAULT_MACHINE);
    ck_assert_ptr_nonnull(strcasestr(error.text, "no space left"));
}
END_TEST

Suite *backup_compressor_suite(void)
{
    Suite *suite = suite_create("dump/compressor");
    add_table_test(suite, what_goes_in_comes_out, ARRAY_LENGTH(streams));
    add_test(suite, blocks_cost_hardly_anything);
    add_table_test(suite, it_can_be_given_up_and_tells_of_a_full_disk, 2);
    return suite;
}
