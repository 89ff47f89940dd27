/* Feeds arbitrary bytes to the readers of what an S3 store answers. A page of a listing is read
 * once in one block and once in blocks whose sizes come from the bytes, and wants the same of both.
 * `make fuzz` builds and runs it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "objects/answer.h"
#include "objects/listing_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    int result;
    struct listing_page page;
    struct error error;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static struct outcome read_page(const uint8_t *data, size_t size, bool in_blocks)
{
    struct outcome outcome = {0};
    struct page_reader *reader = page_reader_new();
    for (size_t at = 0; at < size;) {
        size_t block = in_blocks ? 1 + data[at] % 17 : size;
        if (block > size - at)
            block = size - at;
        char *copy = xmalloc(block); /* so that reading beyond its end is seen */
        memcpy(copy, data + at, block);
        page_reader_feed(reader, copy, block);
        free(copy);
        at += block;
    }
    outcome.result = page_reader_finish(reader, &outcome.page, &outcome.error);
    page_reader_free(reader);
    return outcome;
}

static void compare(const struct outcome *one, const struct outcome *other)
{
    must(one->result == other->result);
    if (one->result < 0) {
        must(strcmp(one->error.text, other->error.text) == 0 && one->error.text[0] != '\0');
        return;
    }
    must(one->page.count == other->page.count && one->page.truncated == other->page.truncated);
    for (size_t i = 0; i < one->page.count; i++) {
        struct object a = listing_page_object(&one->page, i);
        struct object b = listing_page_object(&other->page, i);
        must(a.key_length > 0 && a.key_length <= KEY_LIMIT && a.size_bytes >= 0);
        must(a.key_length == b.key_length && memcmp(a.key, b.key, a.key_length) == 0);
        must(a.size_bytes == b.size_bytes && a.modified_ms == b.modified_ms);
        must(strcmp(a.etag, b.etag) == 0);
    }
}

static void read_others(const char *xml, size_t size)
{
    struct error error;
    struct unfinished_list list = {0};
    struct error_answer answer;
    if (unfinished_list_parse(xml, size, &list, &error) == 0)
        unfinished_list_free(&list);
    error_answer_parse(xml, size, &answer);
    free(answer_text(xml, size, "UploadId"));
    cleanup(free_pointer) char *text = xstrndup(xml, size);
    must(answer_time_ms(text) >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = read_page(data, size, false);
    struct outcome blocks = read_page(data, size, true);
    compare(&whole, &blocks);
    listing_page_free(&whole.page);
    listing_page_free(&blocks.page);
    read_others((const char *)data, size);
    return 0;
}
