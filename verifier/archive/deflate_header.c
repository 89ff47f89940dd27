#include "archive/deflate_header.h"

#include <string.h>

#define LONGEST_CODE      15
#define LENGTH_CODES      19
#define LITERALS_MOST     286
#define DISTANCES_MOST    30
#define END_OF_BLOCK      256
#define LONGEST_META_CODE 7

struct bits {
    const uint8_t *bytes;
    size_t next, count;
    bool missing; /* more were asked for than there are */
};

static unsigned bits_take(struct bits *bits, unsigned count)
{
    unsigned value = 0;
    for (unsigned i = 0; i < count; i++, bits->next++) {
        if (bits->next >= bits->count) {
            bits->missing = true;
            return 0;
        }
        value |= ((bits->bytes[bits->next / 8] >> (bits->next % 8)) & 1U) << i;
    }
    return value;
}

/* Every pattern of bits means something. `one_is_enough`: a code of one symbol, of one bit, or of
 * none, is as good. */
static bool code_is_whole(const uint8_t *lengths, size_t count, bool one_is_enough)
{
    int of_length[LONGEST_CODE + 1] = {0};
    int longest = 0;
    for (size_t i = 0; i < count; i++) {
        of_length[lengths[i]]++;
        if (lengths[i] > longest)
            longest = lengths[i];
    }
    if (longest == 0)
        return one_is_enough;
    int left = 1;
    for (int length = 1; length <= LONGEST_CODE; length++) {
        left = left * 2 - of_length[length];
        if (left < 0)
            return false;
    }
    return left == 0 || (one_is_enough && longest == 1);
}

/* Symbols by length and value: the first code of a length, and where its symbols begin. */
struct meta_code {
    unsigned first[LONGEST_META_CODE + 1], count[LONGEST_META_CODE + 1];
    size_t begin[LONGEST_META_CODE + 1];
    uint8_t symbols[LENGTH_CODES];
};

static void meta_code_make(const uint8_t lengths[LENGTH_CODES], struct meta_code *code)
{
    unsigned next = 0;
    size_t used = 0;
    memset(code, 0, sizeof(*code));
    for (unsigned length = 1; length <= LONGEST_META_CODE; length++) {
        code->first[length] = next;
        code->begin[length] = used;
        for (uint8_t i = 0; i < LENGTH_CODES; i++)
            if (lengths[i] == length)
                code->symbols[used++] = i;
        code->count[length] = (unsigned)(used - code->begin[length]);
        next = (next + code->count[length]) << 1;
    }
}

static int meta_code_take(const struct meta_code *code, struct bits *bits)
{
    unsigned value = 0;
    for (unsigned length = 1; length <= LONGEST_META_CODE && !bits->missing; length++) {
        value = value << 1 | bits_take(bits, 1);
        if (value >= code->first[length] && value - code->first[length] < code->count[length])
            return code->symbols[code->begin[length] + value - code->first[length]];
    }
    return -1;
}

static bool lengths_take(const struct meta_code *code, struct bits *bits, uint8_t *lengths,
                         size_t count)
{
    for (size_t i = 0; i < count;) {
        int symbol = meta_code_take(code, bits);
        if (symbol < 0 || bits->missing)
            return false;
        if (symbol < 16) {
            lengths[i++] = (uint8_t)symbol;
            continue;
        }
        if (symbol == 16 && i == 0)
            return false;
        uint8_t repeated = symbol == 16 ? lengths[i - 1] : 0;
        unsigned times = symbol == 16   ? 3 + bits_take(bits, 2)
                         : symbol == 17 ? 3 + bits_take(bits, 3)
                                        : 11 + bits_take(bits, 7);
        if (times > count - i)
            return false;
        memset(lengths + i, repeated, times);
        i += times;
    }
    return !bits->missing;
}

static bool dynamic_head_check(struct bits *bits)
{
    static const uint8_t order[LENGTH_CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t meta[LENGTH_CODES] = {0};
    uint8_t lengths[LITERALS_MOST + DISTANCES_MOST] = {0};
    size_t literals = 257 + bits_take(bits, 5);
    size_t distances = 1 + bits_take(bits, 5);
    size_t count = 4 + bits_take(bits, 4);
    if (literals > LITERALS_MOST || distances > DISTANCES_MOST)
        return false;
    for (size_t i = 0; i < count; i++)
        meta[order[i]] = (uint8_t)bits_take(bits, 3);
    struct meta_code code;
    if (bits->missing || !code_is_whole(meta, LENGTH_CODES, false))
        return false;
    meta_code_make(meta, &code);
    return lengths_take(&code, bits, lengths, literals + distances) && lengths[END_OF_BLOCK] != 0 &&
           code_is_whole(lengths, literals, true) &&
           code_is_whole(lengths + literals, distances, true);
}

bool deflate_head_check(const uint8_t *bytes, size_t length, unsigned first_bit, bool *ret_last)
{
    enum { STORED, FIXED, DYNAMIC };
    struct bits bits = {.bytes = bytes, .next = first_bit, .count = length * 8};
    *ret_last = bits_take(&bits, 1) == 1;
    unsigned type = bits_take(&bits, 2);
    if (bits.missing)
        return false;
    return type == DYNAMIC ? dynamic_head_check(&bits) : type == STORED || type == FIXED;
}
