#include "archive/inflating.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#ifdef WITH_ISAL
#include <isa-l/igzip_lib.h>
#endif

#include "archive/deflate_header.h"
#include "base/memory.h"

#define WINDOW_BYTES (32 * 1024)
#define OUTPUT_BYTES (256 * 1024)
/* Handed out at the end of a block from here on: the rows are counted while they are in the cache.
 */
#define ENOUGH_BYTES (128 * 1024)
/* A block that is longer, which no usual program makes, is zlib's. */
#define INPUT_BYTES (512 * 1024)

enum state {
    IN_HEAD,  /* of a stream */
    AT_BLOCK, /* its first bit is next */
    IN_BLOCK, /* by ISA-L */
    BY_ZLIB,  /* from here to the end of the stream */
    AT_TRAILER,
    AT_END /* of a stream: another may follow */
};

struct inflating {
    struct source source;
    struct source *below;
    struct allowance *allowance;
    enum encoding encoding;
    int rules; /* of enum stream_rules */
    bool fast, started, input_ended, last_block, ended;
    enum state state;
    z_stream zlib;
#ifdef WITH_ISAL
    struct inflate_state isal;
#endif
    uint32_t checksum, stream_bytes;
    unsigned first_bit; /* of the block, in the byte at `begin` */
    int64_t mark;       /* compressed bytes before the block, for messages */
    int64_t received;   /* compressed bytes in all */
    size_t begin, end;  /* of the input that may be needed again, in `input` */
    size_t next;        /* of the input that was not used yet */
    size_t made;        /* behind the window in `output`, not handed out yet */
    size_t summed;      /* of these, those that are in the checksum */
    bool handed;        /* what was made is to be handed out, or was */
    bool failed;        /* what was made comes first */
    struct error failure;
    const uint8_t *run; /* of `below`, what did not fit into `input` yet */
    size_t run_length;
    int64_t block_made, block_handed, to_skip;
    size_t window_length, block_window_length;
    uint8_t block_window[WINDOW_BYTES];
    uint8_t input[INPUT_BYTES];
    uint8_t output[WINDOW_BYTES + OUTPUT_BYTES];
};

static int broken(const struct inflating *inflating, const char *why, struct error *error)
{
    return bad_backup(error, "its gzip stream is damaged near compressed byte %lld: %s",
                      (long long)inflating->mark, why);
}

static int cut_off(const struct inflating *inflating, struct error *error)
{
    return bad_backup(error,
                      "its gzip stream ends at compressed byte %lld before it is complete: it was "
                      "cut off",
                      (long long)inflating->received);
}

/* ---- input ---- */

/* What is in `input` before `begin` is not needed any more. False when there is no room. */
static bool input_make_room(struct inflating *inflating)
{
    if (inflating->end < INPUT_BYTES)
        return true;
    if (inflating->begin == 0)
        return false;
    memmove(inflating->input, inflating->input + inflating->begin,
            inflating->end - inflating->begin);
    inflating->next -= inflating->begin;
    inflating->end -= inflating->begin;
    inflating->begin = 0;
    return true;
}

/* Adds input. Nothing happens when there is no room or no more. */
static int input_more(struct inflating *inflating, struct error *error)
{
    if (inflating->run_length == 0 && !inflating->input_ended) {
        if (source_next(inflating->below, &inflating->run, &inflating->run_length, error) < 0)
            return -1;
        inflating->input_ended = inflating->run_length == 0;
        inflating->received += (int64_t)inflating->run_length;
    }
    if (!input_make_room(inflating))
        return 0;
    size_t length = INPUT_BYTES - inflating->end;
    if (length > inflating->run_length)
        length = inflating->run_length;
    if (length > 0)
        memcpy(inflating->input + inflating->end, inflating->run, length);
    inflating->run += length;
    inflating->run_length -= length;
    inflating->end += length;
    return 0;
}

static int input_at_least(struct inflating *inflating, size_t length, struct error *error)
{
    while (inflating->end - inflating->next < length && !inflating->input_ended)
        if (input_more(inflating, error) < 0)
            return -1;
    return 0;
}

static int64_t position(const struct inflating *inflating)
{
    return inflating->received -
           (int64_t)(inflating->run_length + inflating->end - inflating->next);
}

/* What was used is not needed again. */
static void input_forget(struct inflating *inflating)
{
    inflating->begin = inflating->next;
}

/* ---- output ---- */

static uint8_t *output_end(struct inflating *inflating)
{
    return inflating->output + WINDOW_BYTES + inflating->made;
}

static size_t output_room(const struct inflating *inflating)
{
    return OUTPUT_BYTES - inflating->made;
}

static void output_add(struct inflating *inflating, size_t length)
{
    uint8_t *bytes = output_end(inflating);
    size_t again = inflating->to_skip < (int64_t)length ? (size_t)inflating->to_skip : length;
    inflating->to_skip -= (int64_t)again;
    if (again > 0)
        memmove(bytes, bytes + again, length - again);
    length -= again;
    inflating->made += length;
}

/* Only what stays: a block that zlib takes up again is made anew. */
static void output_sum(struct inflating *inflating)
{
    const uint8_t *bytes = inflating->output + WINDOW_BYTES + inflating->summed;
    size_t length = inflating->made - inflating->summed;
    inflating->checksum = inflating->encoding == ENCODING_GZIP
                              ? libdeflate_crc32(inflating->checksum, bytes, length)
                              : libdeflate_adler32(inflating->checksum, bytes, length);
    inflating->stream_bytes += (uint32_t)length;
    inflating->summed = inflating->made;
}

static size_t window_of_output(const struct inflating *inflating)
{
    size_t length = inflating->window_length + inflating->made;
    return length < WINDOW_BYTES ? length : WINDOW_BYTES;
}

/* The last bytes that were handed out are what the next may refer to. */
static void output_slide(struct inflating *inflating)
{
    size_t length = window_of_output(inflating);
    memmove(inflating->output + WINDOW_BYTES - length, output_end(inflating) - length, length);
    inflating->window_length = length;
    inflating->made = inflating->summed = 0;
    inflating->block_handed += inflating->block_made;
    inflating->block_made = 0;
    inflating->handed = false;
}

/* ---- by zlib ---- */

static int zlib_failed(struct inflating *inflating, int result, struct error *error)
{
    const char *why = inflating->zlib.msg;
    if (result == Z_MEM_ERROR)
        return cannot_verify(error, "no memory left to decompress with");
    return broken(inflating, why ? why : "not a valid stream", error);
}

/* Feeds what input there is. */
static int zlib_run(struct inflating *inflating, size_t *ret_made)
{
    z_stream *zlib = &inflating->zlib;
    zlib->next_in = inflating->input + inflating->next;
    zlib->avail_in = (uInt)(inflating->end - inflating->next);
    zlib->next_out = output_end(inflating);
    zlib->avail_out = (uInt)output_room(inflating);
    int result = inflate(zlib, Z_BLOCK);
    inflating->next = inflating->end - zlib->avail_in;
    *ret_made = output_room(inflating) - zlib->avail_out;
    return result;
}

static bool zlib_at_block(const struct inflating *inflating)
{
    return (inflating->zlib.data_type & 128) != 0;
}

static int head_step(struct inflating *inflating, struct error *error)
{
    if (inflating->next == inflating->end && input_more(inflating, error) < 0)
        return -1;
    if (inflating->next == inflating->end) {
        if (inflating->started || !(inflating->rules & STREAM_MAY_BE_NOTHING))
            return cut_off(inflating, error);
        inflating->ended = true;
        return 0;
    }
    size_t none;
    inflating->started = true;
    int result = zlib_run(inflating, &none);
    if (result != Z_OK && result != Z_BUF_ERROR)
        return zlib_failed(inflating, result, error);
    input_forget(inflating);
    if (!zlib_at_block(inflating))
        return 0;
    inflating->checksum = inflating->encoding == ENCODING_GZIP ? 0 : 1;
    inflating->stream_bytes = 0;
    inflating->window_length = 0;
    inflating->first_bit = 0;
    inflating->state = AT_BLOCK;
    return 0;
}

static int zlib_begin(struct inflating *inflating, struct error *error)
{
    z_stream *zlib = &inflating->zlib;
    inflating->state = BY_ZLIB;
    inflating->next = inflating->begin;
    int result = inflateReset2(zlib, -MAX_WBITS);
    if (result == Z_OK && inflating->block_window_length > 0)
        result = inflateSetDictionary(zlib, inflating->block_window,
                                      (uInt)inflating->block_window_length);
    if (result == Z_OK && inflating->first_bit > 0 && inflating->next < inflating->end)
        result = inflatePrime(zlib, 8 - (int)inflating->first_bit,
                              inflating->input[inflating->next++] >> inflating->first_bit);
    return result == Z_OK ? 0 : zlib_failed(inflating, result, error);
}

static int zlib_step(struct inflating *inflating, struct error *error)
{
    size_t made;
    int result = zlib_run(inflating, &made);
    output_add(inflating, made);
    input_forget(inflating);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return zlib_failed(inflating, result, error);
    if (result == Z_STREAM_END) {
        inflating->mark = position(inflating);
        inflating->state = AT_TRAILER;
    } else if (zlib_at_block(inflating)) {
        inflating->mark = position(inflating);
        inflating->handed = inflating->made >= ENOUGH_BYTES;
    } else if (inflating->next == inflating->end && output_room(inflating) > 0) {
        if (input_more(inflating, error) < 0)
            return -1;
        if (inflating->next == inflating->end)
            return cut_off(inflating, error);
    }
    return 0;
}

/* ---- by ISA-L ---- */

#ifdef WITH_ISAL
/* ISA-L is told that every block is the last, so that it stops behind it. */
static void isal_begin(struct inflating *inflating)
{
    struct inflate_state *isal = &inflating->isal;
    isal_inflate_reset(isal);
    isal->crc_flag = ISAL_DEFLATE;
    if (inflating->block_window_length > 0)
        isal_inflate_set_dict(isal, inflating->block_window,
                              (uint32_t)inflating->block_window_length);
    isal->read_in = (uint64_t)(inflating->input[inflating->next++] >> inflating->first_bit) | 1;
    isal->read_in_length = 8 - (int32_t)inflating->first_bit;
    inflating->state = IN_BLOCK;
}

static void isal_block_ended(struct inflating *inflating)
{
    size_t held = (size_t)inflating->isal.read_in_length;
    inflating->next -= (held + 7) / 8;
    inflating->first_bit = (8 - held % 8) % 8;
    bool last = inflating->last_block;
    if (inflating->first_bit > 0 && last)
        inflating->next++;
    input_forget(inflating);
    inflating->mark = position(inflating) + (inflating->first_bit > 0 && !last);
    inflating->state = last ? AT_TRAILER : AT_BLOCK;
    inflating->handed = inflating->made >= ENOUGH_BYTES;
}

static void block_undo(struct inflating *inflating)
{
    inflating->made -= (size_t)inflating->block_made;
    inflating->to_skip = inflating->block_handed;
}

static int isal_step(struct inflating *inflating, struct error *error)
{
    struct inflate_state *isal = &inflating->isal;
    size_t room = output_room(inflating);
    isal->next_in = inflating->input + inflating->next;
    isal->avail_in = (uint32_t)(inflating->end - inflating->next);
    isal->next_out = output_end(inflating);
    isal->avail_out = (uint32_t)room;
    int result = isal_inflate(isal);
    inflating->next = inflating->end - isal->avail_in;
    size_t made = room - isal->avail_out;
    inflating->made += made;
    inflating->block_made += (int64_t)made;
    if (result == ISAL_DECOMP_OK && isal->block_state == ISAL_BLOCK_FINISH) {
        isal_block_ended(inflating);
        return 0;
    }
    if (result == ISAL_DECOMP_OK || result == ISAL_END_INPUT || result == ISAL_OUT_OVERFLOW) {
        if (output_room(inflating) == 0)
            return 0;
        if (inflating->next == inflating->end && input_more(inflating, error) < 0)
            return -1;
        if (inflating->next < inflating->end)
            return 0;
    }
    block_undo(inflating);
    return zlib_begin(inflating, error);
}
#endif

/* ---- a stream ---- */

static int block_begin(struct inflating *inflating, struct error *error)
{
    if (input_at_least(inflating, DEFLATE_HEAD_BYTES, error) < 0)
        return -1;
    inflating->mark = position(inflating) + (inflating->first_bit > 0);
    inflating->block_made = inflating->block_handed = 0;
    inflating->block_window_length = window_of_output(inflating);
    memcpy(inflating->block_window, output_end(inflating) - inflating->block_window_length,
           inflating->block_window_length);
#ifdef WITH_ISAL
    if (inflating->fast &&
        deflate_head_check(inflating->input + inflating->next, inflating->end - inflating->next,
                           inflating->first_bit, &inflating->last_block)) {
        isal_begin(inflating);
        return 0;
    }
#endif
    return zlib_begin(inflating, error);
}

/* Four bytes, in the order of the format. */
static int trailer_word(struct inflating *inflating, uint32_t *ret_word, struct error *error)
{
    uint32_t word = 0;
    if (input_at_least(inflating, sizeof(word), error) < 0)
        return -1;
    if (inflating->end - inflating->next < sizeof(word))
        return cut_off(inflating, error);
    const uint8_t *bytes = inflating->input + inflating->next;
    for (unsigned i = 0; i < sizeof(word); i++)
        word |= (uint32_t)bytes[i] << (inflating->encoding == ENCODING_GZIP ? 8 * i : 24 - 8 * i);
    inflating->next += sizeof(word);
    input_forget(inflating);
    *ret_word = word;
    return 0;
}

static int trailer_check(struct inflating *inflating, struct error *error)
{
    uint32_t word;
    output_sum(inflating);
    if (trailer_word(inflating, &word, error) < 0)
        return -1;
    if (word != inflating->checksum)
        return broken(inflating, "incorrect data check", error);
    if (inflating->encoding == ENCODING_GZIP) {
        if (trailer_word(inflating, &word, error) < 0)
            return -1;
        if (word != inflating->stream_bytes)
            return broken(inflating, "incorrect length check", error);
    }
    inflating->state = AT_END;
    inflating->handed = inflating->made > 0;
    return 0;
}

static int wrapper_bits(const struct inflating *inflating)
{
    return inflating->encoding == ENCODING_GZIP ? MAX_WBITS + 16 : MAX_WBITS;
}

/* Behind a stream: another one, or nothing. */
static int stream_after(struct inflating *inflating, struct error *error)
{
    if (input_at_least(inflating, 1, error) < 0)
        return -1;
    inflating->ended = inflating->next == inflating->end;
    if (inflating->ended)
        return 0;
    inflating->mark = position(inflating);
    if (inflating->rules & STREAM_SINGLE)
        return broken(inflating, "there are bytes behind its end", error);
    if (inflating->encoding == ENCODING_GZIP && inflating->input[inflating->next] != 0x1f)
        return broken(inflating, "there are bytes behind its end that are no gzip", error);
    inflateReset2(&inflating->zlib, wrapper_bits(inflating));
    inflating->state = IN_HEAD;
    return 0;
}

static int step(struct inflating *inflating, struct error *error)
{
    switch (inflating->state) {
    case IN_HEAD:
        return head_step(inflating, error);
    case AT_BLOCK:
        return block_begin(inflating, error);
    case IN_BLOCK:
#ifdef WITH_ISAL
        return isal_step(inflating, error);
#endif
    case BY_ZLIB:
        return zlib_step(inflating, error);
    case AT_TRAILER:
        return trailer_check(inflating, error);
    case AT_END:
        return stream_after(inflating, error);
    }
    return cannot_verify(error, "a gzip stream is in no known state");
}

/* What was made before a stream breaks is handed out before that is told. */
static int inflating_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                          struct error *error)
{
    struct inflating *inflating = (struct inflating *)source;
    output_slide(inflating);
    while (!inflating->failed && !inflating->ended && !inflating->handed &&
           output_room(inflating) > 0)
        inflating->failed = step(inflating, &inflating->failure) < 0;
    if (inflating->failed && inflating->made == 0) {
        *error = inflating->failure;
        return -1;
    }
    output_sum(inflating);
    *ret_bytes = inflating->output + WINDOW_BYTES;
    *ret_length = inflating->made;
    return allowance_take(inflating->allowance, inflating->made, error);
}

static void inflating_close(struct source *source)
{
    struct inflating *inflating = (struct inflating *)source;
    inflateEnd(&inflating->zlib);
    source_close(inflating->below);
    free(inflating);
}

struct source *inflating_source_new(enum encoding encoding, int rules, bool fast,
                                    struct source *below, struct allowance *allowance)
{
    struct inflating *inflating = xmalloc(sizeof(*inflating));
    memset(inflating, 0, offsetof(struct inflating, block_window));
    inflating->source = (struct source){inflating_next, inflating_close};
    inflating->below = below;
    inflating->allowance = allowance;
    inflating->encoding = encoding;
    inflating->rules = rules;
    inflating->fast = fast;
#ifdef WITH_ISAL
    isal_inflate_init(&inflating->isal);
#endif
    if (inflateInit2(&inflating->zlib, wrapper_bits(inflating)) != Z_OK)
        free(xmalloc(SIZE_MAX / 2)); /* only memory can be missing: end as xmalloc ends */
    return &inflating->source;
}
