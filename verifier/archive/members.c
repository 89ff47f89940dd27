#include "archive/members.h"

#include <stdlib.h>
#include <string.h>

#include "archive/decoder.h"
#include "archive/facts.h"
#include "base/memory.h"

/* 8 MiB each for those met and those listed. */
#define LARGE_OBJECTS_MOST (2UL << 20)

/* ---- names ---- */

static const struct {
    const char *suffix;
    enum archive_compression compression;
} suffixes[] = {{"", ARCHIVE_UNCOMPRESSED},
                {".gz", ARCHIVE_GZIP},
                {".lz4", ARCHIVE_LZ4},
                {".zst", ARCHIVE_ZSTD}};

/* Digits without leading zero up to 2^32 - 1; the rest of the text, or NULL. */
static const char *number_parse(const char *text, uint32_t *ret_number)
{
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 10 || text[0] == '0')
        return NULL;
    uint64_t number = strtoull(text, NULL, 10);
    if (number > UINT32_MAX)
        return NULL;
    *ret_number = (uint32_t)number;
    return text + length;
}

static const char *behind(const char *text, const char *prefix)
{
    return starts_with(text, prefix) ? text + strlen(prefix) : NULL;
}

/* Kind and number; the rest is the suffix of the compression, NULL when it is none of ours. */
static const char *name_parse(const char *name, struct member_name *member)
{
    const char *rest;
    if ((rest = behind(name, "toc.dat")) != NULL) {
        member->kind = MEMBER_TOC;
        return rest;
    }
    if ((rest = behind(name, "blobs.toc")) != NULL) {
        member->kind = MEMBER_LARGE_OBJECT_LIST;
        return rest;
    }
    if ((rest = behind(name, "blobs_")) != NULL) {
        member->kind = MEMBER_LARGE_OBJECT_LIST;
        rest = number_parse(rest, &member->number);
        return rest ? behind(rest, ".toc") : NULL;
    }
    if ((rest = behind(name, "blob_")) != NULL) {
        member->kind = MEMBER_LARGE_OBJECT;
        rest = number_parse(rest, &member->number);
        return rest ? behind(rest, ".dat") : NULL;
    }
    member->kind = MEMBER_DATA;
    rest = number_parse(name, &member->number);
    return rest ? behind(rest, ".dat") : NULL;
}

struct member_name member_classify(const char *name)
{
    if (strcmp(name, "restore.sql") == 0)
        return (struct member_name){.kind = MEMBER_RESTORE_SCRIPT};
    struct member_name member = {0};
    const char *suffix = name_parse(name, &member);
    if (suffix)
        for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++)
            if (strcmp(suffix, suffixes[i].suffix) == 0) {
                member.compression = suffixes[i].compression;
                return member;
            }
    return (struct member_name){.kind = MEMBER_OTHER};
}

/* ---- contents ---- */

struct source *member_open(struct reading *reading, enum archive_compression compression,
                           struct source *below)
{
    switch (compression) {
    case ARCHIVE_GZIP:
        return decoder_new(ENCODING_GZIP, 0, below, &reading->allowance);
    case ARCHIVE_LZ4:
        return decoder_new(ENCODING_LZ4, STREAM_MAY_BE_NOTHING, below, &reading->allowance);
    case ARCHIVE_ZSTD:
        return decoder_new(ENCODING_ZSTD, STREAM_MAY_BE_NOTHING, below, &reading->allowance);
    case ARCHIVE_UNCOMPRESSED:
        break;
    }
    return below;
}

int member_toc_read(struct reading *reading, struct toc *toc, struct source *source,
                    struct error *error)
{
    struct reader reader;
    reader_init(&reader, source, 0);
    if (toc_read(toc, reading->archive, &reader, error) < 0 ||
        facts_gather(reading->archive, error) < 0 || tables_prepare(toc, error) < 0)
        return -1;
    if (contents_announce(reading, error) < 0 || reader_fill(&reader, error) < 0)
        return -1;
    if (!reader.at_end)
        return bad_backup(error, "it goes on behind its end, at byte %lld",
                          (long long)reader.offset);
    if (toc->format != TOC_FORMAT_TAR)
        return bad_backup(error, "it is the table of contents of another format (%d)", toc->format);
    return 0;
}

/* ---- large objects ---- */

int oid_list_add(struct oid_list *list, uint32_t oid, struct error *error)
{
    if (list->count == LARGE_OBJECTS_MOST)
        return cannot_verify(error,
                             "it has more than the %lu large objects that this program "
                             "keeps track of in this format",
                             LARGE_OBJECTS_MOST);
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->oids = xreallocarray(list->oids, list->capacity, sizeof(*list->oids));
    }
    list->oids[list->count++] = oid;
    return 0;
}

void oid_list_free(struct oid_list *list)
{
    free(list->oids);
    *list = (struct oid_list){0};
}

static int object_line_read(const char *line, struct oid_list *list, struct error *error)
{
    uint32_t oid;
    const char *rest = number_parse(line, &oid);
    cleanup(free_pointer) char *expected = rest ? xasprintf(" blob_%u.dat", oid) : NULL;
    if (!rest || strcmp(rest, expected) != 0)
        return bad_backup(error,
                          "its list of large objects has the line \"%.60s\", which pg_dump "
                          "does not write",
                          line);
    return oid_list_add(list, oid, error);
}

int object_list_read(struct source *source, struct oid_list *list, struct error *error)
{
    char line[64];
    size_t used = 0;
    for (;;) {
        const uint8_t *bytes;
        size_t length;
        if (source_next(source, &bytes, &length, error) < 0)
            return -1;
        if (length == 0)
            break;
        for (size_t i = 0; i < length; i++) {
            bool end = bytes[i] == '\n';
            if (!end && (bytes[i] == '\0' || used == sizeof(line) - 1))
                return bad_backup(error, "its list of large objects is damaged");
            line[used++] = (char)(end ? '\0' : bytes[i]);
            if (end && object_line_read(line, list, error) < 0)
                return -1;
            if (end)
                used = 0;
        }
    }
    if (used > 0)
        return bad_backup(error, "its list of large objects ends in the middle of a line");
    return 0;
}

static int compare_oids(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void oid_list_sort(struct oid_list *list)
{
    if (list->count > 1)
        qsort(list->oids, list->count, sizeof(*list->oids), compare_oids);
}

int object_lists_compare(struct oid_list *met, struct oid_list *listed, struct error *error)
{
    oid_list_sort(met);
    oid_list_sort(listed);
    for (size_t i = 0; i < met->count || i < listed->count; i++) {
        bool have_met = i < met->count, have_listed = i < listed->count;
        if (have_met && i > 0 && met->oids[i] == met->oids[i - 1])
            return bad_backup(error, "it holds the large object %u twice", met->oids[i]);
        if (have_met && have_listed && met->oids[i] == listed->oids[i])
            continue;
        if (have_listed && (!have_met || listed->oids[i] < met->oids[i]))
            return bad_backup(error, "the large object %u, which its list announces, is missing",
                              listed->oids[i]);
        return bad_backup(error, "it holds the large object %u, which no list announces",
                          met->oids[i]);
    }
    return 0;
}
