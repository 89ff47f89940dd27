/* Feeds arbitrary text to the plain dump parser, once in one block and once in blocks whose sizes
 * come from the text, and wants the same outcome of both, word for word.
 * `make fuzz` builds and runs it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/plain/plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    int result;
    struct error error;
    struct plain_totals *totals;
};

static struct outcome parse(const uint8_t *data, size_t size, int mode, bool in_blocks)
{
    struct outcome outcome = {.result = 0};
    cleanup(plain_freep) struct plain *plain = mode == 0   ? plain_new(true)
                                               : mode == 1 ? plain_new_fragment(true)
                                                           : plain_new_part(true);
    for (size_t at = 0; at < size && outcome.result == 0;) {
        size_t block = in_blocks ? 1 + data[at] % 7 : size;
        if (block > size - at)
            block = size - at;
        uint8_t *copy = xmalloc(block); /* so that reading beyond its end is seen */
        memcpy(copy, data + at, block);
        outcome.result = plain_feed(plain, copy, block, &outcome.error);
        free(copy);
        at += block;
    }
    if (outcome.result == 0)
        outcome.result = plain_finish(plain, &outcome.totals, &outcome.error);
    return outcome;
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void compare(const struct outcome *one, const struct outcome *other)
{
    must(one->result == other->result);
    if (one->result < 0) {
        must(one->error.fault == other->error.fault);
        must(strcmp(one->error.text, other->error.text) == 0);
        return;
    }
    must(one->totals->table_count == other->totals->table_count);
    must(one->totals->roles.count == other->totals->roles.count);
    must(one->totals->large_objects == other->totals->large_objects);
    for (size_t i = 0; i < one->totals->table_count; i++) {
        const struct plain_table *a = &one->totals->tables[i], *b = &other->totals->tables[i];
        must(strcmp(a->name, b->name) == 0 && strcmp(a->schema, b->schema) == 0);
        must(memcmp(&a->totals, &b->totals, sizeof(a->totals)) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)plain_looks_like((const char *)data, size);
    for (int mode = 0; mode < 3; mode++) {
        struct outcome whole = parse(data, size, mode, false);
        struct outcome blocks = parse(data, size, mode, true);
        compare(&whole, &blocks);
        plain_totals_free(whole.totals);
        plain_totals_free(blocks.totals);
    }
    return 0;
}
