#include "sabotage/image.h"

#include <stdlib.h>
#include <string.h>

#include "archive/arena.h"
#include "archive/toc_field.h"
#include "base/memory.h"

enum { OFFSET_SET = 2, OFFSET_BYTES_MOST = 32 };

static const struct {
    bool is_number;
    int since_minor;
} fields[FIELD_COUNT] = {
    [FIELD_ID] = {true, 0},       [FIELD_HAS_DATA] = {true, 0},
    [FIELD_CATALOG] = {false, 8}, [FIELD_OID] = {false, 0},
    [FIELD_TAG] = {false, 0},     [FIELD_DESCRIPTION] = {false, 0},
    [FIELD_SECTION] = {true, 11}, [FIELD_DEFINITION] = {false, 0},
    [FIELD_DROP] = {false, 0},    [FIELD_COPY] = {false, 0},
    [FIELD_SCHEMA] = {false, 0},  [FIELD_TABLESPACE] = {false, 10},
    [FIELD_METHOD] = {false, 14}, [FIELD_RELATION_KIND] = {true, 16},
    [FIELD_OWNER] = {false, 0},   [FIELD_WITH_OIDS] = {false, 9},
};

/* ---- reading ---- */

static int text_read(const struct image *image, struct reader *reader, char **ret_text,
                     struct error *error)
{
    return toc_string(&image->toc, reader, NULL, ret_text, "the table of contents", error);
}

static int number_read(const struct image *image, struct reader *reader, int64_t *ret_number,
                       struct error *error)
{
    return toc_integer(&image->toc, reader, ret_number, "the table of contents", error);
}

static int compression_read(struct image *image, struct reader *reader, struct error *error)
{
    uint8_t algorithm;
    if (image->version[1] < 15) {
        int read = number_read(image, reader, &image->compression_level, error);
        image->compression =
            read == 0 && image->compression_level != 0 ? ARCHIVE_GZIP : ARCHIVE_UNCOMPRESSED;
        return read;
    }
    if (reader_byte(reader, &algorithm, "the header", error) < 0)
        return -1;
    image->compression = algorithm;
    return 0;
}

static int header_read(struct image *image, struct reader *reader, struct error *error)
{
    uint8_t bytes[5 + 3 + 3];
    if (reader_bytes(reader, bytes, sizeof(bytes), "the header", error) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LENGTH(image->version); i++)
        image->version[i] = bytes[5 + i];
    image->toc.integer_size = bytes[8];
    image->toc.offset_size = bytes[9];
    image->toc.format = bytes[10];
    if (memcmp(bytes, "PGDMP", 5) != 0 || image->version[0] != 1 ||
        image->version[1] > ARCHIVE_NEWEST_MINOR || image->toc.format != TOC_FORMAT_CUSTOM ||
        image->toc.integer_size > OFFSET_BYTES_MOST || image->toc.offset_size > OFFSET_BYTES_MOST)
        return cannot_verify(error, "it is no custom archive");
    if (compression_read(image, reader, error) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LENGTH(image->made); i++)
        if (number_read(image, reader, &image->made[i], error) < 0)
            return -1;
    if (text_read(image, reader, &image->database, error) < 0)
        return -1;
    if (image->version[1] < 10)
        return 0;
    return text_read(image, reader, &image->server_version, error) < 0 ||
                   text_read(image, reader, &image->pg_dump_version, error) < 0
               ? -1
               : 0;
}

static int dependencies_read(const struct image *image, struct reader *reader,
                             struct image_entry *entry, struct error *error)
{
    for (;;) {
        char *text;
        if (text_read(image, reader, &text, error) < 0)
            return -1;
        if (!text)
            return 0;
        if (arena_count(image->scratch.arena, sizeof(text)) < 0)
            return toc_too_large(error);
        entry->dependencies = xreallocarray(entry->dependencies, entry->dependency_count + 1,
                                            sizeof(*entry->dependencies));
        entry->dependencies[entry->dependency_count++] = text;
    }
}

static int offset_read(const struct image *image, struct reader *reader, struct image_entry *entry,
                       struct error *error)
{
    uint8_t bytes[1 + OFFSET_BYTES_MOST];
    if (reader_bytes(reader, bytes, 1 + (size_t)image->toc.offset_size, "a data offset", error) < 0)
        return -1;
    entry->offset_state = bytes[0];
    for (int i = 0; i < image->toc.offset_size && i < 8; i++)
        entry->offset |= (int64_t)((uint64_t)bytes[1 + i] << (8 * i));
    return 0;
}

static int entry_read(const struct image *image, struct reader *reader, struct image_entry *entry,
                      struct error *error)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (image->version[1] < fields[i].since_minor)
            continue;
        if ((fields[i].is_number ? number_read(image, reader, &entry->fields[i].number, error)
                                 : text_read(image, reader, &entry->fields[i].text, error)) < 0)
            return -1;
    }
    return dependencies_read(image, reader, entry, error) < 0 ||
                   offset_read(image, reader, entry, error) < 0
               ? -1
               : 0;
}

struct image_entry *image_add(struct image *image)
{
    image->entries = xreallocarray(image->entries, image->count + 1, sizeof(*image->entries));
    struct image_entry *entry = &image->entries[image->count++];
    *entry = (struct image_entry){0};
    return entry;
}

int image_read(struct image *image, struct reader *reader, struct error *error)
{
    int64_t count;
    *image = (struct image){.scratch.arena = arena_new(TOC_LIMIT_BYTES)};
    image->toc.archive = &image->scratch;
    if (header_read(image, reader, error) < 0 || number_read(image, reader, &count, error) < 0)
        return -1;
    for (int64_t i = 0; i < count; i++) {
        if (arena_count(image->scratch.arena, sizeof(struct image_entry)) < 0)
            return toc_too_large(error);
        if (entry_read(image, reader, image_add(image), error) < 0)
            return -1;
    }
    return 0;
}

void image_free(struct image *image)
{
    for (size_t i = 0; i < image->count; i++)
        free(image->entries[i].dependencies);
    free(image->entries);
    arena_free(image->scratch.arena);
    *image = (struct image){0};
}

struct image_entry *image_find(const struct image *image, int64_t dump_id)
{
    for (size_t i = 0; i < image->count; i++)
        if (image->entries[i].fields[FIELD_ID].number == dump_id)
            return &image->entries[i];
    return NULL;
}

/* ---- writing ---- */

int image_write_integer(const struct image *image, struct outlet *outlet, int64_t number,
                        struct error *error)
{
    uint8_t bytes[1 + OFFSET_BYTES_MOST] = {number < 0};
    uint64_t magnitude = number < 0 ? -(uint64_t)number : (uint64_t)number;
    for (int i = 0; i < image->toc.integer_size && i < 8; i++)
        bytes[1 + i] = (uint8_t)(magnitude >> (8 * i));
    return outlet_write(outlet, bytes, 1 + (size_t)image->toc.integer_size, error);
}

static int text_write(const struct image *image, struct outlet *outlet, const char *text,
                      struct error *error)
{
    size_t length = text ? strlen(text) : 0;
    if (image_write_integer(image, outlet, text ? (int64_t)length : -1, error) < 0)
        return -1;
    return length > 0 ? outlet_write(outlet, text, length, error) : 0;
}

static int header_write(const struct image *image, struct outlet *outlet, struct error *error)
{
    const uint8_t bytes[] = {'P',
                             'G',
                             'D',
                             'M',
                             'P',
                             (uint8_t)image->version[0],
                             (uint8_t)image->version[1],
                             (uint8_t)image->version[2],
                             (uint8_t)image->toc.integer_size,
                             (uint8_t)image->toc.offset_size,
                             image->toc.format};
    const uint8_t algorithm = (uint8_t)image->compression;
    if (outlet_write(outlet, bytes, sizeof(bytes), error) < 0 ||
        (image->version[1] < 15
             ? image_write_integer(image, outlet, image->compression_level, error)
             : outlet_write(outlet, &algorithm, 1, error)) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LENGTH(image->made); i++)
        if (image_write_integer(image, outlet, image->made[i], error) < 0)
            return -1;
    if (text_write(image, outlet, image->database, error) < 0)
        return -1;
    if (image->version[1] < 10)
        return 0;
    return text_write(image, outlet, image->server_version, error) < 0 ||
                   text_write(image, outlet, image->pg_dump_version, error) < 0
               ? -1
               : 0;
}

static int offset_write(const struct image *image, struct outlet *outlet,
                        const struct image_entry *entry, struct error *error)
{
    uint8_t bytes[1 + OFFSET_BYTES_MOST] = {entry->offset_state};
    for (int i = 0; i < image->toc.offset_size && i < 8 && entry->offset_state == OFFSET_SET; i++)
        bytes[1 + i] = (uint8_t)((uint64_t)entry->offset >> (8 * i));
    return outlet_write(outlet, bytes, 1 + (size_t)image->toc.offset_size, error);
}

static int entry_write(const struct image *image, struct outlet *outlet,
                       const struct image_entry *entry, struct error *error)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (image->version[1] < fields[i].since_minor)
            continue;
        if ((fields[i].is_number
                 ? image_write_integer(image, outlet, entry->fields[i].number, error)
                 : text_write(image, outlet, entry->fields[i].text, error)) < 0)
            return -1;
    }
    for (size_t i = 0; i < entry->dependency_count; i++)
        if (text_write(image, outlet, entry->dependencies[i], error) < 0)
            return -1;
    return text_write(image, outlet, NULL, error) < 0 ||
                   offset_write(image, outlet, entry, error) < 0
               ? -1
               : 0;
}

int image_write(const struct image *image, struct outlet *outlet, struct error *error)
{
    int64_t count = 0;
    for (size_t i = 0; i < image->count; i++)
        count += !image->entries[i].left_out;
    if (header_write(image, outlet, error) < 0 ||
        image_write_integer(image, outlet, count, error) < 0)
        return -1;
    for (size_t i = 0; i < image->count; i++)
        if (!image->entries[i].left_out &&
            entry_write(image, outlet, &image->entries[i], error) < 0)
            return -1;
    return 0;
}
