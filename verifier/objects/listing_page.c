#include "objects/listing_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "objects/answer.h"
#include "objects/encoding.h"
#include "objects/xml_walk.h"

enum {
    PAGE_LIMIT = 32 * 1024 * 1024, /* 1,000 of the longest keys take a sixth of it */
    FIRST_CAPACITY = 128,
};

struct page_reader {
    struct xml_walk *walk;
    size_t length; /* of what has been fed */
    struct listing_page page;
    size_t capacity;
    struct listed_object object; /* the one that is being read */
    bool has_key, has_size, has_etag, has_truncated, encoded;
};

static int read_number(const char *text, int64_t *ret_number)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < 0 || *text < '0' || *text > '9')
        return -1;
    *ret_number = number;
    return 0;
}

/* Some stores quote it as HTTP does, some do not. One that is longer than any that anybody makes
 * becomes one that equals no other. */
static void read_etag(struct page_reader *reader, const struct buffer *text)
{
    const char *etag = text->data;
    size_t length = text->length;
    if (length >= 2 && etag[0] == '"' && etag[length - 1] == '"') {
        etag++;
        length -= 2;
    }
    if (length >= ETAG_SIZE)
        length = 0;
    reader->object.etag = reader->page.texts.length;
    buffer_append(&reader->page.texts, etag, length);
    buffer_append(&reader->page.texts, "", 1);
    reader->has_etag = true;
}

static int finish_object(struct page_reader *reader, struct error *error)
{
    struct listing_page *page = &reader->page;
    if (!reader->has_key || !reader->has_size)
        return cannot_verify(error, "the answer lists an object without its %s",
                             reader->has_key ? "size" : "key");
    if (!reader->has_etag) {
        reader->object.etag = page->texts.length;
        buffer_append(&page->texts, "", 1);
    }
    if (page->count == reader->capacity) {
        reader->capacity = reader->capacity ? 2 * reader->capacity : FIRST_CAPACITY;
        page->objects = xreallocarray(page->objects, reader->capacity, sizeof(*page->objects));
    }
    page->objects[page->count++] = reader->object;
    reader->object = (struct listed_object){.modified_ms = -1};
    reader->has_key = reader->has_size = reader->has_etag = false;
    return 0;
}

static int read_object(struct page_reader *reader, const char *name, const struct buffer *text,
                       struct error *error)
{
    if (strcmp(name, "Key") == 0) {
        if (reader->has_key || text->length == 0)
            return cannot_verify(error, "the answer lists an object with %s",
                                 text->length == 0 ? "an empty key" : "two keys");
        reader->object.key = reader->page.texts.length;
        reader->object.key_length = text->length;
        buffer_append(&reader->page.texts, text->data, text->length + 1); /* with its NUL */
        reader->has_key = true;
    } else if (strcmp(name, "Size") == 0) {
        if (reader->has_size || read_number(text->data, &reader->object.size_bytes) < 0)
            return cannot_verify(error, "the answer lists an object with a size that is none");
        reader->has_size = true;
    } else if (strcmp(name, "ETag") == 0) {
        read_etag(reader, text);
    } else if (strcmp(name, "LastModified") == 0) {
        reader->object.modified_ms = answer_time_ms(text->data);
    }
    return 0;
}

static int read_flag(struct page_reader *reader, const char *text, struct error *error)
{
    bool yes = strcmp(text, "true") == 0;
    if (reader->has_truncated || (!yes && strcmp(text, "false") != 0))
        return cannot_verify(error, "the answer does not tell whether it is the last one");
    reader->page.truncated = yes;
    reader->has_truncated = true;
    return 0;
}

static int read_element(void *context, const char *path, const struct buffer *text,
                        struct error *error)
{
    struct page_reader *reader = context;
    struct listing_page *page = &reader->page;
    if (strncmp(path, "Contents/", 9) == 0)
        return read_object(reader, path + 9, text, error);
    if (strcmp(path, "Contents") == 0)
        return finish_object(reader, error);
    if (strcmp(path, "IsTruncated") == 0)
        return read_flag(reader, text->data, error);
    if (strcmp(path, "KeyCount") == 0)
        return read_number(text->data, &page->told_count) < 0
                   ? cannot_verify(error, "the answer counts its keys with what is no number")
                   : 0;
    if (strcmp(path, "EncodingType") == 0)
        reader->encoded = strcmp(text->data, "url") == 0;
    static const struct {
        const char *path;
        size_t offset;
    } texts[] = {
        {"NextContinuationToken", offsetof(struct listing_page, next_token)},
        {"ContinuationToken", offsetof(struct listing_page, token)},
        {"StartAfter", offsetof(struct listing_page, start_after)},
        {"Marker", offsetof(struct listing_page, marker)},
        {"Name", offsetof(struct listing_page, bucket)},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        char **field = (char **)(void *)((char *)page + texts[i].offset);
        if (strcmp(path, texts[i].path) == 0 && !*field)
            *field = xstrndup(text->data, text->length);
    }
    return 0;
}

/* The encoding may be told after the keys, so they are decoded at the end. */
static int decode_keys(struct page_reader *reader, struct error *error)
{
    struct listing_page *page = &reader->page;
    for (size_t i = 0; i < page->count; i++) {
        struct listed_object *object = &page->objects[i];
        char *key = page->texts.data + object->key;
        long length = reader->encoded ? percent_decode(key, object->key_length, true)
                                      : (long)object->key_length;
        if (length < 0 || length > KEY_LIMIT)
            return cannot_verify(error, "the answer lists a key that is none");
        key[length] = '\0';
        object->key_length = (size_t)length;
    }
    return 0;
}

static int finish_page(struct page_reader *reader, struct error *error)
{
    const struct listing_page *page = &reader->page;
    if (!reader->has_truncated)
        return cannot_verify(error, "the answer does not tell whether it is the last one");
    if (page->told_count >= 0 && (size_t)page->told_count != page->count)
        return cannot_verify(error, "the answer tells of %lld keys and lists %zu",
                             (long long)page->told_count, page->count);
    return decode_keys(reader, error);
}

struct page_reader *page_reader_new(void)
{
    struct page_reader *reader = xcalloc(1, sizeof(*reader));
    reader->walk = xml_walk_new(read_element, reader);
    reader->page.told_count = -1;
    reader->object.modified_ms = -1;
    /* Each object's texts are shorter than what the answer says of it, but for two NULs. */
    buffer_init(&reader->page.texts, 2 * (size_t)PAGE_LIMIT);
    return reader;
}

void page_reader_feed(struct page_reader *reader, const char *bytes, size_t length)
{
    reader->length += length;
    if (reader->length <= PAGE_LIMIT)
        xml_walk_feed(reader->walk, bytes, length);
}

int page_reader_finish(struct page_reader *reader, struct listing_page *ret_page,
                       struct error *error)
{
    if (reader->length > PAGE_LIMIT)
        return cannot_verify(error, "the answer is longer than any it may be");
    if (xml_walk_end(reader->walk, error) < 0 || finish_page(reader, error) < 0)
        return -1;
    *ret_page = reader->page;
    reader->page = (struct listing_page){0};
    return 0;
}

void page_reader_free(struct page_reader *reader)
{
    if (!reader)
        return;
    xml_walk_free(reader->walk);
    listing_page_free(&reader->page);
    free(reader);
}

const char *listing_page_key(const struct listing_page *page, size_t index, size_t *ret_length)
{
    *ret_length = page->objects[index].key_length;
    return page->texts.data + page->objects[index].key;
}

struct object listing_page_object(const struct listing_page *page, size_t index)
{
    const struct listed_object *listed = &page->objects[index];
    struct object object = {.key = page->texts.data + listed->key,
                            .key_length = listed->key_length,
                            .size_bytes = listed->size_bytes,
                            .modified_ms = listed->modified_ms};
    text_copy(object.etag, sizeof(object.etag), page->texts.data + listed->etag);
    return object;
}

void listing_page_free(struct listing_page *page)
{
    free(page->objects);
    buffer_free(&page->texts);
    free(page->next_token);
    free(page->token);
    free(page->start_after);
    free(page->marker);
    free(page->bucket);
    *page = (struct listing_page){0};
}
