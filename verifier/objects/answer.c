#include "objects/answer.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/xmlreader.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "objects/encoding.h"

enum { DEPTH_LIMIT = 8, PATH_SIZE = 256, TEXT_LIMIT = 64 * 1024 };

/* Told of the end of every element: `path` has the names below the root ("Contents/Key"), `text` is
 * the element's own. -1 ends the reading, with `error` filled. */
typedef int element_visitor(void *context, const char *path, struct buffer *text,
                            struct error *error);

struct walk {
    char path[PATH_SIZE];
    size_t lengths[DEPTH_LIMIT + 1]; /* of the path at each depth */
    int depth;                       /* of the open element; the root is 0 */
    struct buffer text;
    element_visitor *visit;
    void *context;
};

static int enter(struct walk *walk, int depth, const char *name, struct error *error)
{
    if (depth > DEPTH_LIMIT)
        return cannot_verify(error, "the answer is nested too deeply");
    size_t length = depth > 1 ? walk->lengths[depth - 1] : 0;
    if (depth > 0) {
        int written =
            snprintf(walk->path + length, PATH_SIZE - length, "%s%s", length > 0 ? "/" : "", name);
        if (written < 0 || (size_t)written >= PATH_SIZE - length)
            return cannot_verify(error, "the answer holds an element with a name too long");
        length += (size_t)written;
    }
    walk->lengths[depth] = length;
    walk->path[length] = '\0';
    walk->depth = depth;
    buffer_clear(&walk->text);
    return 0;
}

static int leave(struct walk *walk, int depth, struct error *error)
{
    walk->path[walk->lengths[depth]] = '\0';
    if (depth > 0 && walk->visit(walk->context, walk->path, &walk->text, error) < 0)
        return -1;
    buffer_clear(&walk->text);
    return 0;
}

static int take_node(struct walk *walk, xmlTextReader *reader, struct error *error)
{
    int depth = xmlTextReaderDepth(reader);
    const char *value;
    switch (xmlTextReaderNodeType(reader)) {
    case XML_READER_TYPE_ELEMENT:
        if (enter(walk, depth, (const char *)xmlTextReaderConstLocalName(reader), error) < 0)
            return -1;
        return xmlTextReaderIsEmptyElement(reader) == 1 ? leave(walk, depth, error) : 0;
    case XML_READER_TYPE_END_ELEMENT:
        return leave(walk, depth, error);
    case XML_READER_TYPE_TEXT:
    case XML_READER_TYPE_CDATA:
    case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
        value = (const char *)xmlTextReaderConstValue(reader);
        if (value && buffer_append_text(&walk->text, value) < 0)
            return cannot_verify(error, "the answer holds a text longer than any it may have");
        return 0;
    case XML_READER_TYPE_DOCUMENT_TYPE:
    case XML_READER_TYPE_ENTITY_REFERENCE:
    case XML_READER_TYPE_ENTITY:
        return cannot_verify(error, "the answer holds a document type or an entity, which no store "
                                    "sends");
    default:
        return 0; /* comments, white space between elements */
    }
}

static void keep_quiet(void *context, xmlErrorPtr problem)
{
    (void)context;
    (void)problem;
}

static void initialize(void)
{
    xmlInitParser();
}

static int walk_answer(const char *xml, size_t length, element_visitor *visit, void *context,
                       struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialize);
    if (length == 0 || length > INT32_MAX)
        return cannot_verify(error, "the answer is empty");
    xmlTextReader *reader =
        xmlReaderForMemory(xml, (int)length, NULL, NULL, XML_PARSE_NONET | XML_PARSE_COMPACT);
    if (!reader)
        return cannot_verify(error, "the answer cannot be read");
    xmlTextReaderSetStructuredErrorHandler(reader, keep_quiet, NULL);
    struct walk walk = {.visit = visit, .context = context};
    buffer_init(&walk.text, TEXT_LIMIT);
    int more;
    int failed = 0;
    while (failed == 0 && (more = xmlTextReaderRead(reader)) == 1)
        failed = take_node(&walk, reader, error);
    if (failed == 0 && more < 0)
        failed = cannot_verify(error, "the answer is no complete XML");
    xmlFreeTextReader(reader);
    buffer_free(&walk.text);
    return failed;
}

int64_t answer_time_ms(const char *text)
{
    struct tm parts = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest)
        return -1;
    int64_t ms = 0;
    if (*rest == '.') {
        int64_t unit = 100;
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            ms += unit * (*rest - '0');
    }
    if (strcmp(rest, "Z") != 0)
        return -1;
    return (int64_t)timegm(&parts) * 1000 + ms;
}

struct page_reader {
    struct listing_page page;
    struct object object; /* the one that is being read; its key is in `key` */
    struct buffer key;
    bool has_key, has_size, has_truncated, encoded;
    size_t capacity;
    size_t *offsets; /* of the keys; pointers only when all are there */
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

/* Some stores quote it as HTTP does, some do not. */
static void read_etag(const char *text, char ret_etag[ETAG_SIZE])
{
    size_t length = strlen(text);
    if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
        text++;
        length -= 2;
    }
    if (length >= ETAG_SIZE) /* no ETag that anybody makes: one that equals no other */
        length = 0;
    memcpy(ret_etag, text, length);
    ret_etag[length] = '\0';
}

static int finish_object(struct page_reader *reader, struct error *error)
{
    struct listing_page *page = &reader->page;
    if (!reader->has_key || !reader->has_size)
        return cannot_verify(error, "the answer lists an object without its %s",
                             reader->has_key ? "size" : "key");
    if (page->count == reader->capacity) {
        reader->capacity = reader->capacity ? 2 * reader->capacity : 1024;
        page->objects = xreallocarray(page->objects, reader->capacity, sizeof(*page->objects));
        reader->offsets =
            xreallocarray(reader->offsets, reader->capacity, sizeof(*reader->offsets));
    }
    reader->offsets[page->count] = page->keys.length;
    buffer_append(&page->keys, reader->key.data, reader->key.length + 1); /* with its NUL */
    reader->object.key_length = reader->key.length;
    page->objects[page->count++] = reader->object;
    reader->object = (struct object){.modified_ms = -1};
    reader->has_key = reader->has_size = false;
    return 0;
}

static int read_object(struct page_reader *reader, const char *name, const struct buffer *text,
                       struct error *error)
{
    if (strcmp(name, "Key") == 0) {
        if (reader->has_key || text->length == 0)
            return cannot_verify(error, "the answer lists an object with %s",
                                 text->length == 0 ? "an empty key" : "two keys");
        buffer_clear(&reader->key);
        buffer_append(&reader->key, text->data, text->length);
        reader->has_key = true;
    } else if (strcmp(name, "Size") == 0) {
        if (reader->has_size || read_number(text->data, &reader->object.size_bytes) < 0)
            return cannot_verify(error, "the answer lists an object with a size that is none");
        reader->has_size = true;
    } else if (strcmp(name, "ETag") == 0) {
        read_etag(text->data, reader->object.etag);
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

static int read_element(void *context, const char *path, struct buffer *text, struct error *error)
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
        struct object *object = &page->objects[i];
        char *key = page->keys.data + reader->offsets[i];
        long length = reader->encoded ? percent_decode(key, object->key_length, true)
                                      : (long)object->key_length;
        if (length < 0 || length > KEY_LIMIT)
            return cannot_verify(error, "the answer lists a key that is none");
        key[length] = '\0';
        object->key = key;
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

int listing_page_parse(const char *xml, size_t length, struct listing_page *ret_page,
                       struct error *error)
{
    struct page_reader reader = {.page.told_count = -1, .object.modified_ms = -1};
    buffer_init(&reader.key, 4 * KEY_LIMIT);
    buffer_init(&reader.page.keys, length + KEY_LIMIT);
    int failed = walk_answer(xml, length, read_element, &reader, error);
    if (failed == 0)
        failed = finish_page(&reader, error);
    buffer_free(&reader.key);
    free(reader.offsets);
    if (failed < 0)
        listing_page_free(&reader.page);
    else
        *ret_page = reader.page;
    return failed;
}

void listing_page_free(struct listing_page *page)
{
    free(page->objects);
    buffer_free(&page->keys);
    free(page->next_token);
    free(page->token);
    free(page->start_after);
    free(page->marker);
    free(page->bucket);
    *page = (struct listing_page){0};
}

static int read_unfinished(void *context, const char *path, struct buffer *text,
                           struct error *error)
{
    (void)error;
    struct unfinished_list *list = context;
    if (list->count == 0) { /* the one being read, which its end element closes */
        list->items = xcalloc(1, sizeof(*list->items));
        list->items[list->count++].begun_ms = -1;
    }
    struct unfinished *last = &list->items[list->count - 1];
    if (strcmp(path, "Upload/Key") == 0 && !last->key) {
        last->key = xstrndup(text->data, text->length);
    } else if (strcmp(path, "Upload/UploadId") == 0 && !last->id) {
        last->id = xstrndup(text->data, text->length);
    } else if (strcmp(path, "Upload/Initiated") == 0) {
        last->begun_ms = answer_time_ms(text->data);
    } else if (strcmp(path, "Upload") == 0) {
        list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
        list->items[list->count++] = (struct unfinished){.begun_ms = -1};
    }
    return 0;
}

int unfinished_list_parse(const char *xml, size_t length, struct unfinished_list *ret_list,
                          struct error *error)
{
    struct unfinished_list list = {0};
    if (walk_answer(xml, length, read_unfinished, &list, error) < 0) {
        unfinished_list_free(&list);
        return -1;
    }
    *ret_list = list;
    return 0;
}

void unfinished_list_free(struct unfinished_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].key);
        free(list->items[i].id);
    }
    free(list->items);
    *list = (struct unfinished_list){0};
}

static int read_error(void *context, const char *path, struct buffer *text, struct error *error)
{
    (void)error;
    struct error_answer *answer = context;
    if (strcmp(path, "Code") == 0)
        text_copy(answer->code, sizeof(answer->code), text->data);
    else if (strcmp(path, "Message") == 0)
        text_copy(answer->message, sizeof(answer->message), text->data);
    else if (strcmp(path, "Region") == 0)
        text_copy(answer->region, sizeof(answer->region), text->data);
    return 0;
}

void error_answer_parse(const char *xml, size_t length, struct error_answer *ret_answer)
{
    struct error ignored;
    *ret_answer = (struct error_answer){0};
    walk_answer(xml, length, read_error, ret_answer, &ignored);
}

struct wanted {
    const char *name;
    char *text;
};

static int read_wanted(void *context, const char *path, struct buffer *text, struct error *error)
{
    (void)error;
    struct wanted *wanted = context;
    if (strcmp(path, wanted->name) == 0 && !wanted->text)
        wanted->text = xstrndup(text->data, text->length);
    return 0;
}

char *answer_text(const char *xml, size_t length, const char *name)
{
    struct error ignored;
    struct wanted wanted = {.name = name};
    if (walk_answer(xml, length, read_wanted, &wanted, &ignored) < 0) {
        free(wanted.text);
        return NULL;
    }
    return wanted.text;
}
