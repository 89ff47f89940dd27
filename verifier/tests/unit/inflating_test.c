#include "archive/inflating.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

/* Hands out `run` bytes at a time, and a block of them of their own, so that reading on is seen. */
struct dripping {
    struct source source;
    const uint8_t *bytes;
    size_t left, run;
};

static int dripping_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                         struct error *error)
{
    (void)error;
    struct dripping *drip = (struct dripping *)source;
    size_t length = drip->left < drip->run ? drip->left : drip->run;
    *ret_bytes = drip->bytes;
    *ret_length = length;
    drip->bytes += length;
    drip->left -= length;
    return 0;
}

static void dripping_close(struct source *source)
{
    (void)source;
}

struct read {
    struct buffer bytes;
    int result;
    struct error error;
};

static void read_all(enum encoding encoding, int rules, bool fast, const void *bytes, size_t length,
                     size_t run, struct read *ret_read)
{
    struct dripping drip = {{dripping_next, dripping_close}, bytes, length, run};
    struct allowance allowance;
    allowance_init(&allowance, 1 << 20);
    cleanup(source_closep) struct source *source =
        inflating_source_new(encoding, rules, fast, &drip.source, &allowance);
    memset(ret_read, 0, sizeof(*ret_read));
    buffer_init(&ret_read->bytes, SIZE_MAX / 2);
    for (;;) {
        const uint8_t *made;
        size_t count;
        ret_read->result = source_next(source, &made, &count, &ret_read->error);
        if (ret_read->result < 0 || count == 0)
            return;
        buffer_append(&ret_read->bytes, made, count);
    }
}

/* What zlib alone says of a whole input; the judge of both. */
static bool zlib_takes(enum encoding encoding, const uint8_t *bytes, size_t length)
{
    static uint8_t out[4 << 20];
    z_stream zlib = {.next_in = (z_const Bytef *)(uintptr_t)bytes, .avail_in = (uInt)length};
    int result = Z_STREAM_END;
    ck_assert_int_eq(inflateInit2(&zlib, encoding == ENCODING_GZIP ? 31 : 15), Z_OK);
    do {
        zlib.next_out = out;
        zlib.avail_out = sizeof(out);
        result = inflate(&zlib, Z_NO_FLUSH);
        if (result == Z_STREAM_END && zlib.avail_in > 0 && encoding == ENCODING_GZIP &&
            *zlib.next_in == 0x1f) {
            inflateReset(&zlib);
            result = Z_OK;
        }
    } while (result == Z_OK);
    inflateEnd(&zlib);
    return result == Z_STREAM_END && zlib.avail_in == 0;
}

static void both_agree(enum encoding encoding, const uint8_t *bytes, size_t length, size_t run)
{
    int rules = encoding == ENCODING_ZLIB ? STREAM_SINGLE : 0;
    struct read fast, slow;
    read_all(encoding, rules, true, bytes, length, run, &fast);
    read_all(encoding, rules, false, bytes, length, run, &slow);
    ck_assert_int_eq(slow.result == 0, zlib_takes(encoding, bytes, length));
    ck_assert_int_eq(fast.result, slow.result);
    if (fast.result < 0)
        ck_assert_str_eq(fast.error.text, slow.error.text);
    ck_assert_uint_eq(fast.bytes.length, slow.bytes.length);
    if (fast.bytes.length > 0)
        ck_assert_mem_eq(fast.bytes.data, slow.bytes.data, fast.bytes.length);
    buffer_free(&fast.bytes);
    buffer_free(&slow.bytes);
}

/* Text that packs, with some that does not. */
static void content_make(struct buffer *buffer, size_t length)
{
    uint32_t seed = 1;
    char line[64];
    while (buffer->length < length) {
        seed = seed * 1664525 + 1013904223;
        int count = snprintf(line, sizeof(line), "%u\tuser%u@example.org\t%c\n", seed >> 7,
                             seed >> 20, (int)(seed >> 25) + 1);
        buffer_append(buffer, line, (size_t)count);
    }
}

static void packed(enum encoding encoding, int level, int strategy, int flush, size_t length,
                   struct buffer *stream)
{
    struct buffer content;
    buffer_init(&content, SIZE_MAX / 2);
    if (length > 0)
        content_make(&content, length);
    size_t room = content.length * 2 + 1024;
    cleanup(free_pointer) uint8_t *out = xmalloc(room);
    z_stream zlib = {.next_out = out, .avail_out = (uInt)room};
    ck_assert_int_eq(
        deflateInit2(&zlib, level, Z_DEFLATED, encoding == ENCODING_GZIP ? 31 : 15, 8, strategy),
        Z_OK);
    zlib.next_in = (z_const Bytef *)content.data;
    zlib.avail_in = (uInt)content.length / 2;
    deflate(&zlib, flush);
    zlib.avail_in += (uInt)(content.length - content.length / 2);
    ck_assert_int_eq(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    buffer_append(stream, out, zlib.total_out);
    deflateEnd(&zlib);
    buffer_free(&content);
}

static const struct {
    enum encoding encoding;
    int level, strategy, flush, members;
    size_t length;
} streams[] = {
    {ENCODING_ZLIB, 6, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 1, 600},
    {ENCODING_ZLIB, 1, Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH, 1, 300},
    {ENCODING_ZLIB, 9, Z_FIXED, Z_PARTIAL_FLUSH, 1, 300},
    {ENCODING_ZLIB, 0, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 1, 200},
    {ENCODING_ZLIB, 6, Z_HUFFMAN_ONLY, Z_NO_FLUSH, 1, 300},
    {ENCODING_ZLIB, 6, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 1, 0},
    {ENCODING_GZIP, 6, Z_DEFAULT_STRATEGY, Z_FULL_FLUSH, 1, 600},
    {ENCODING_GZIP, 9, Z_RLE, Z_NO_FLUSH, 1, 300},
    {ENCODING_GZIP, 6, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 3, 150},
    {ENCODING_GZIP, 6, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 2, 0},
};

static void stream_make(int i, struct buffer *stream)
{
    buffer_init(stream, SIZE_MAX / 2);
    for (int k = 0; k < streams[i].members; k++)
        packed(streams[i].encoding, streams[i].level, streams[i].strategy, streams[i].flush,
               streams[i].length, stream);
}

START_TEST(every_bit_flipped)
{
    struct buffer stream;
    stream_make(_i, &stream);
    uint8_t *bytes = (uint8_t *)stream.data;
    both_agree(streams[_i].encoding, bytes, stream.length, 1);
    for (size_t bit = 0; bit < stream.length * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        both_agree(streams[_i].encoding, bytes, stream.length, bit % 3 == 0 ? 1 : stream.length);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buffer_free(&stream);
}
END_TEST

START_TEST(cut_at_every_byte_and_followed_by_rubbish)
{
    struct buffer stream;
    stream_make(_i, &stream);
    for (size_t length = 0; length < stream.length; length++)
        both_agree(streams[_i].encoding, (uint8_t *)stream.data, length, 7);
    size_t whole = stream.length;
    buffer_append(&stream, "\x1f\x8brubbish", 9);
    both_agree(streams[_i].encoding, (uint8_t *)stream.data, whole + 1, 3);
    both_agree(streams[_i].encoding, (uint8_t *)stream.data, whole + 9, 4096);
    both_agree(streams[_i].encoding, (uint8_t *)stream.data + 2, whole - 2, 4096);
    buffer_free(&stream);
}
END_TEST

/* Many blocks, whose windows and hand-outs cross; damaged here and there. */
START_TEST(large_streams)
{
    enum { PLACES = 9 };
    struct buffer stream;
    buffer_init(&stream, SIZE_MAX / 2);
    packed(ENCODING_GZIP, _i, Z_DEFAULT_STRATEGY, Z_NO_FLUSH, 1 << 20, &stream);
    uint8_t *bytes = (uint8_t *)stream.data;
    static const size_t runs[] = {4093, 65536, 262144, SIZE_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(runs); i++)
        both_agree(ENCODING_GZIP, bytes, stream.length, runs[i]);
    for (size_t k = 1; k < PLACES; k++) {
        size_t at = stream.length / PLACES * k + k;
        bytes[at] ^= 0x10;
        both_agree(ENCODING_GZIP, bytes, stream.length, runs[k % 4]);
        bytes[at] ^= 0x10;
        both_agree(ENCODING_GZIP, bytes, at, runs[k % 4]);
    }
    buffer_free(&stream);
}
END_TEST

Suite *inflating_suite(void)
{
    Suite *suite = suite_create("archive/inflating");
    add_table_test(suite, every_bit_flipped, ARRAY_LENGTH(streams));
    add_table_test(suite, cut_at_every_byte_and_followed_by_rubbish, ARRAY_LENGTH(streams));
    add_table_test(suite, large_streams, 10);
    return suite;
}
