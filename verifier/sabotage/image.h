/* The header and the table of contents of an archive, with every field as it stands in the file, so
 * that they can be written again: unchanged to the same bytes.
 *
 * Source of the format: archive/toc.h. Versions differ only in which fields an entry has.
 */
#ifndef SABOTAGE_IMAGE_H
#define SABOTAGE_IMAGE_H

#include "archive/toc.h"
#include "sabotage/stream.h"

/* In the order of the file. */
enum image_field {
    FIELD_ID,
    FIELD_HAS_DATA,
    FIELD_CATALOG,
    FIELD_OID,
    FIELD_TAG,
    FIELD_DESCRIPTION,
    FIELD_SECTION,
    FIELD_DEFINITION,
    FIELD_DROP,
    FIELD_COPY,
    FIELD_SCHEMA,
    FIELD_TABLESPACE,
    FIELD_METHOD,
    FIELD_RELATION_KIND,
    FIELD_OWNER,
    FIELD_WITH_OIDS,
    FIELD_COUNT,
};

struct image_entry {
    /* A text is NULL where there is none. */
    union {
        int64_t number;
        char *text;
    } fields[FIELD_COUNT];
    char **dependencies;
    size_t dependency_count;
    uint8_t offset_state;
    int64_t offset;
    bool left_out; /* of what is written, with its data */
};

struct image {
    struct archive scratch; /* owns the strings */
    struct toc toc;         /* the sizes of numbers */
    int version[3];
    enum archive_compression compression;
    int64_t compression_level; /* before 1.15 */
    int64_t made[7];           /* seconds, minutes, hours, day, month from 0, year from 1900, dst */
    char *database;
    char *server_version;
    char *pg_dump_version;
    struct image_entry *entries;
    size_t count;
};

/* Of a custom archive that `reader` stands at the beginning of. image_free in every case. Errors as
 * of toc_read, whose checks are not made again: it has been read before. */
int image_read(struct image *image, struct reader *reader, struct error *error);
void image_free(struct image *image); /* takes a zeroed one */

/* All but what is left out. */
int image_write(const struct image *image, struct outlet *outlet, struct error *error);

/* NULL: there is none. */
struct image_entry *image_find(const struct image *image, int64_t dump_id);

/* A new entry at the end; its texts are borrowed. */
struct image_entry *image_add(struct image *image);

/* An integer as the archive has them. */
int image_write_integer(const struct image *image, struct outlet *outlet, int64_t number,
                        struct error *error);

#endif
