/* Feeds arbitrary bytes to both readers of deflate: the one by ISA-L must hand out the same bytes,
 * and end with the same words, as the one by zlib; and both take what zlib alone takes. The first
 * byte chooses the format and in which pieces the rest comes. `make fuzz` builds and runs it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "archive/inflating.h"
#include "base/buffer.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUTPUT_MOST = 1 << 22 };

struct pieces {
    struct source source;
    const uint8_t *bytes;
    size_t left, size;
    uint8_t *copy; /* of the last one, so that reading beyond its end is seen */
};

struct outcome {
    int result;
    struct buffer bytes;
    struct error error;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static int pieces_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                       struct error *error)
{
    (void)error;
    struct pieces *pieces = (struct pieces *)source;
    size_t length = pieces->left < pieces->size ? pieces->left : pieces->size;
    free(pieces->copy);
    pieces->copy = xmalloc(length + 1);
    memcpy(pieces->copy, pieces->bytes, length);
    pieces->bytes += length;
    pieces->left -= length;
    *ret_bytes = pieces->copy;
    *ret_length = length;
    return 0;
}

static void pieces_close(struct source *source)
{
    free(((struct pieces *)source)->copy);
}

static void read_all(enum encoding encoding, bool fast, const uint8_t *data, size_t size,
                     size_t piece, struct outcome *ret_outcome)
{
    struct pieces pieces = {{pieces_next, pieces_close}, data, size, piece, NULL};
    struct allowance allowance;
    const uint8_t *made;
    size_t count;
    allowance_init(&allowance, INT64_MAX);
    buffer_init(&ret_outcome->bytes, OUTPUT_MOST);
    cleanup(source_closep) struct source *source = inflating_source_new(
        encoding, encoding == ENCODING_ZLIB ? STREAM_SINGLE : 0, fast, &pieces.source, &allowance);
    do {
        ret_outcome->result = source_next(source, &made, &count, &ret_outcome->error);
        if (ret_outcome->result == 0)
            buffer_append(&ret_outcome->bytes, made, count);
    } while (ret_outcome->result == 0 && count > 0 && !ret_outcome->bytes.overflowed);
}

/* Of one stream without anything behind it. */
static bool zlib_takes(const uint8_t *data, size_t size)
{
    static uint8_t out[1 << 16];
    z_stream zlib = {.next_in = (z_const Bytef *)(uintptr_t)data, .avail_in = (uInt)size};
    int result;
    must(inflateInit(&zlib) == Z_OK);
    do {
        zlib.next_out = out;
        zlib.avail_out = sizeof(out);
        result = inflate(&zlib, Z_NO_FLUSH);
    } while (result == Z_OK);
    inflateEnd(&zlib);
    return result == Z_STREAM_END && zlib.avail_in == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum encoding encoding = data[0] & 1 ? ENCODING_GZIP : ENCODING_ZLIB;
    size_t piece = data[0] & 2 ? size : 1 + (data[0] >> 2);
    struct outcome fast = {0}, slow = {0};
    read_all(encoding, true, data + 1, size - 1, piece, &fast);
    read_all(encoding, false, data + 1, size - 1, piece, &slow);
    bool whole = !fast.bytes.overflowed && !slow.bytes.overflowed;
    if (whole) {
        must(fast.result == slow.result && fast.bytes.length == slow.bytes.length);
        must(memcmp(fast.bytes.data, slow.bytes.data, fast.bytes.length) == 0);
        must(fast.result == 0 || strcmp(fast.error.text, slow.error.text) == 0);
    }
    if (whole && encoding == ENCODING_ZLIB)
        must((slow.result == 0) == zlib_takes(data + 1, size - 1));
    buffer_free(&fast.bytes);
    buffer_free(&slow.bytes);
    return 0;
}
