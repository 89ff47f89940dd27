#include "archive/decoder.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "archive/inflating.h"
#include "base/memory.h"

#define DECODED_RUN_BYTES (256 * 1024)
/* pg_dump's largest window, that of --compress=zstd:long. A small stream never fills it. */
#define ZSTD_WINDOW_LOG 27

struct decoder {
    struct source source;
    struct source *below;
    struct allowance *allowance;
    enum encoding encoding;
    int rules;      /* of enum stream_rules */
    bool started;   /* a member or frame has begun */
    bool in_stream; /* and has not ended yet */
    bool ended;
    union {
        ZSTD_DStream *zstd;
        LZ4F_dctx *lz4;
    };
    const uint8_t *input;
    size_t input_length;
    int64_t consumed; /* compressed bytes, for messages */
    uint8_t output[DECODED_RUN_BYTES];
};

static const char *const encoding_names[] = {
    [ENCODING_ZSTD] = "zstd",
    [ENCODING_LZ4] = "lz4",
};

static int broken(const struct decoder *decoder, const char *why, struct error *error)
{
    return bad_backup(error, "its %s stream is damaged near compressed byte %lld: %s",
                      encoding_names[decoder->encoding], (long long)decoder->consumed, why);
}

/* Each step uses some input and gives some output (maybe none), and sets `in_stream` to whether the
 * stream goes on. */

static int zstd_step(struct decoder *decoder, size_t *ret_used, size_t *ret_made,
                     struct error *error)
{
    ZSTD_inBuffer input = {decoder->input, decoder->input_length, 0};
    ZSTD_outBuffer output = {decoder->output, sizeof(decoder->output), 0};
    size_t result = ZSTD_decompressStream(decoder->zstd, &output, &input);
    if (ZSTD_isError(result))
        return broken(decoder, ZSTD_getErrorName(result), error);
    *ret_used = input.pos;
    *ret_made = output.pos;
    decoder->in_stream = result != 0;
    return 0;
}

static int lz4_step(struct decoder *decoder, size_t *ret_used, size_t *ret_made,
                    struct error *error)
{
    size_t used = decoder->input_length;
    size_t made = sizeof(decoder->output);
    size_t result =
        LZ4F_decompress(decoder->lz4, decoder->output, &made, decoder->input, &used, NULL);
    if (LZ4F_isError(result))
        return broken(decoder, LZ4F_getErrorName(result), error);
    *ret_used = used;
    *ret_made = made;
    decoder->in_stream = result != 0;
    return 0;
}

static int decoder_step(struct decoder *decoder, size_t *ret_made, struct error *error)
{
    size_t used = 0;
    int result = -1;
    switch (decoder->encoding) {
    case ENCODING_ZLIB:
    case ENCODING_GZIP:
        break; /* inflating.h */
    case ENCODING_ZSTD:
        result = zstd_step(decoder, &used, ret_made, error);
        break;
    case ENCODING_LZ4:
        result = lz4_step(decoder, &used, ret_made, error);
        break;
    }
    if (result < 0)
        return -1;
    decoder->started = true;
    decoder->input += used;
    decoder->input_length -= used;
    decoder->consumed += (int64_t)used;
    if (used == 0 && *ret_made == 0 && decoder->input_length > 0 && decoder->in_stream)
        return broken(decoder, "it does not go on", error);
    return allowance_take(decoder->allowance, *ret_made, error);
}

/* Behind a member: another one, or nothing. */
static int next_member(struct decoder *decoder, struct error *error)
{
    if (decoder->rules & STREAM_SINGLE)
        return broken(decoder, "there are bytes behind its end", error);
    decoder->in_stream = true;
    return 0;
}

static int decoder_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                        struct error *error)
{
    struct decoder *decoder = (struct decoder *)source;
    size_t made = 0;
    while (made == 0 && !decoder->ended) {
        if (decoder->input_length == 0) {
            /* What is left in the library comes out before more is asked for. */
            if (decoder->started && decoder->in_stream && decoder_step(decoder, &made, error) < 0)
                return -1;
            if (made > 0)
                break;
            if (source_next(decoder->below, &decoder->input, &decoder->input_length, error) < 0)
                return -1;
            if (decoder->input_length == 0) {
                bool nothing = !decoder->started && (decoder->rules & STREAM_MAY_BE_NOTHING);
                if (decoder->in_stream && !nothing)
                    return bad_backup(error,
                                      "its %s stream ends at compressed byte %lld before it is "
                                      "complete: it was cut off",
                                      encoding_names[decoder->encoding],
                                      (long long)decoder->consumed);
                decoder->ended = true;
                break;
            }
        }
        if (!decoder->in_stream && next_member(decoder, error) < 0)
            return -1;
        if (decoder_step(decoder, &made, error) < 0)
            return -1;
    }
    *ret_bytes = decoder->output;
    *ret_length = made;
    return 0;
}

static void decoder_close(struct source *source)
{
    struct decoder *decoder = (struct decoder *)source;
    switch (decoder->encoding) {
    case ENCODING_ZLIB:
    case ENCODING_GZIP:
        break;
    case ENCODING_ZSTD:
        ZSTD_freeDStream(decoder->zstd);
        break;
    case ENCODING_LZ4:
        LZ4F_freeDecompressionContext(decoder->lz4);
        break;
    }
    source_close(decoder->below);
    free(decoder);
}

static void must(bool ok)
{
    if (!ok)
        free(xmalloc(SIZE_MAX / 2)); /* only memory can be missing: end as xmalloc ends */
}

struct source *decoder_new(enum encoding encoding, int rules, struct source *below,
                           struct allowance *allowance)
{
    if (encoding == ENCODING_ZLIB || encoding == ENCODING_GZIP)
        return inflating_source_new(encoding, rules, true, below, allowance);
    struct decoder *decoder = xmalloc(sizeof(*decoder));
    memset(decoder, 0, offsetof(struct decoder, output));
    decoder->source = (struct source){decoder_next, decoder_close};
    decoder->below = below;
    decoder->allowance = allowance;
    decoder->encoding = encoding;
    decoder->rules = rules;
    decoder->in_stream = true;
    switch (encoding) {
    case ENCODING_ZLIB:
    case ENCODING_GZIP:
        break;
    case ENCODING_ZSTD:
        decoder->zstd = ZSTD_createDStream();
        must(decoder->zstd != NULL);
        ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
        break;
    case ENCODING_LZ4:
        must(!LZ4F_isError(LZ4F_createDecompressionContext(&decoder->lz4, LZ4F_VERSION)));
        break;
    }
    return &decoder->source;
}
