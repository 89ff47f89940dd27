#include "tests/unit/archive_builder.h"

#include <check.h>
#include <lz4frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define LIMIT (64UL << 20)

static void put_byte(struct buffer *to, int byte)
{
    char c = (char)byte;
    buffer_append(to, &c, 1);
}

static void put_integer(const struct build *build, struct buffer *to, int64_t value)
{
    put_byte(to, value < 0);
    uint64_t magnitude = (uint64_t)(value < 0 ? -value : value);
    for (int i = 0; i < build->integer_size; i++)
        put_byte(to, i < 8 ? (int)(magnitude >> (8 * i) & 0xff) : 0);
}

static void put_string(const struct build *build, struct buffer *to, const char *text)
{
    put_integer(build, to, text ? (int64_t)strlen(text) : -1);
    if (text)
        buffer_append_text(to, text);
}

static void put_header(const struct build *build, struct buffer *to)
{
    static const int when[] = {5, 3, 14, 22, 10, 126, 0}; /* 2026-11-22 14:03:05 */
    buffer_append_text(to, "PGDMP");
    put_byte(to, 1);
    put_byte(to, build->minor);
    put_byte(to, 0);
    put_byte(to, build->integer_size);
    put_byte(to, build->offset_size);
    put_byte(to, build->as_directory ? 3 : 1);
    if (build->minor >= 15)
        put_byte(to, (int)build->compression);
    else
        put_integer(build, to, build->compression == ARCHIVE_UNCOMPRESSED ? 0 : -1);
    for (size_t i = 0; i < sizeof(when) / sizeof(when[0]); i++)
        put_integer(build, to, when[i]);
    put_string(build, to, "built");
    if (build->minor < 10)
        return;
    put_string(build, to, "17.2");
    put_string(build, to, "17.2");
}

struct built_entry {
    const char *tag, *description, *definition, *copy;
    int section;
    int id;
    bool has_data;
};

static void put_offset(const struct build *build, struct buffer *to,
                       const struct built_entry *entry, int64_t offset)
{
    if (build->as_directory) {
        char name[32] = "";
        if (entry->has_data && entry->id == 5)
            snprintf(name, sizeof(name), build->minor >= 16 ? "blobs_5.toc" : "blobs.toc");
        else if (entry->has_data)
            snprintf(name, sizeof(name), "%d.dat", entry->id);
        put_string(build, to, name);
        return;
    }
    bool set = entry->has_data && build->offsets;
    put_byte(to, !entry->has_data ? 3 : set ? 2 : 1);
    for (int i = 0; i < build->offset_size; i++)
        put_byte(to, set && i < 8 ? (int)(offset >> (8 * i) & 0xff) : 0);
}

static void put_entry(const struct build *build, struct buffer *to, const struct built_entry *entry,
                      int64_t offset)
{
    put_integer(build, to, entry->id);
    put_integer(build, to, entry->has_data);
    if (build->minor >= 8)
        put_string(build, to, "0");
    put_string(build, to, "0");
    put_string(build, to, entry->tag);
    put_string(build, to, entry->description);
    if (build->minor >= 11)
        put_integer(build, to, entry->section);
    put_string(build, to, entry->definition);
    put_string(build, to, "");
    put_string(build, to, entry->copy);
    put_string(build, to, entry->section == 3 && entry->copy ? "public" : NULL);
    if (build->minor >= 10)
        put_string(build, to, NULL);
    if (build->minor >= 14)
        put_string(build, to, NULL);
    if (build->minor >= 16)
        put_integer(build, to, 0);
    put_string(build, to, "owner");
    if (build->minor >= 9)
        put_string(build, to, "false");
    put_string(build, to, build->minor >= 8 ? "1" : "4000000000"); /* an oid */
    put_string(build, to, NULL);
    put_offset(build, to, entry, offset);
}

static void put_chunks(const struct build *build, struct buffer *to, const char *bytes,
                       size_t length)
{
    struct buffer stream;
    build_compressed(build->compression, false, bytes, length, &stream);
    size_t most = build->chunk_bytes ? build->chunk_bytes : 4096;
    for (size_t at = 0; at < stream.length; at += most) {
        size_t part = stream.length - at < most ? stream.length - at : most;
        put_integer(build, to, (int64_t)part);
        buffer_append(to, stream.data + at, part);
    }
    put_integer(build, to, 0);
    buffer_free(&stream);
}

static void put_large_objects(const struct build *build, struct buffer *to)
{
    put_byte(to, 3);
    put_integer(build, to, 5);
    for (int i = 1; i <= build->large_objects; i++) {
        put_integer(build, to, 16000 + i);
        put_chunks(build, to, "hello", 5);
    }
    put_integer(build, to, 0);
}

static void put_blocks(const struct build *build, struct buffer *to, int64_t begins[5])
{
    for (int table = 1; table <= 2; table++) {
        struct buffer rows;
        build_rows(table, &rows);
        begins[table] = (int64_t)to->length;
        put_byte(to, 1);
        put_integer(build, to, 2 + table);
        put_chunks(build, to, rows.data, rows.length);
        buffer_free(&rows);
    }
    begins[3] = (int64_t)to->length;
    if (build->large_objects == 0)
        return;
    put_large_objects(build, to);
    begins[4] = (int64_t)to->length;
    if (build->minor >= 12)
        return;
    static const char comments[] = "COMMENT ON LARGE OBJECT 16001 IS 'first';\n";
    put_byte(to, 1);
    put_integer(build, to, 6);
    put_chunks(build, to, comments, strlen(comments));
}

static void put_toc(const struct build *build, struct buffer *to, const int64_t begins[5],
                    const char *oids)
{
    const struct built_entry entries[] = {
        {"ENCODING", "ENCODING", "SET client_encoding = 'UTF8';\n", NULL, 2, 1, false},
        {"pg_trgm", "EXTENSION", "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA tools;\n",
         NULL, 2, 2, false},
        {"first", "TABLE DATA", "", "COPY public.first (id, name) FROM stdin;\n", 3, 3, true},
        {"second", "TABLE DATA", "", "COPY public.second (id) FROM stdin;\n", 3, 4, true},
        {"BLOBS", "BLOBS", "", NULL, 3, 5, true},
        {"16001..", "BLOB METADATA", oids, NULL, 2, 6, false},
    };
    const struct built_entry comments = {"BLOB COMMENTS", "BLOB COMMENTS", "", NULL, 3, 6, true};
    size_t count = build->large_objects ? 6 : 4;
    put_integer(build, to, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        put_entry(build, to, i == 5 && build->minor < 12 ? &comments : &entries[i],
                  i >= 2 ? begins[i - 1] : 0);
}

void build_archive(const struct build *build, struct buffer *ret_archive)
{
    buffer_init(ret_archive, LIMIT);
    struct buffer oids;
    buffer_init(&oids, LIMIT);
    for (int i = 1; i <= build->large_objects; i++)
        buffer_printf(&oids, "%d\n", 16000 + i);
    /* Twice: the offsets are known only after the first time; the length does not depend on them.
     */
    int64_t begins[5] = {0};
    for (int pass = 0; pass < 2; pass++) {
        buffer_clear(ret_archive);
        put_header(build, ret_archive);
        put_toc(build, ret_archive, begins, oids.data);
        if (!build->as_directory)
            put_blocks(build, ret_archive, begins);
        struct build with_offsets = *build;
        with_offsets.offsets = true;
        if (build->toc_again)
            put_toc(&with_offsets, ret_archive, begins, oids.data);
    }
    buffer_free(&oids);
}

void build_rows(int table, struct buffer *ret_rows)
{
    buffer_init(ret_rows, LIMIT);
    if (table == 1)
        buffer_append_text(ret_rows, "1\tone\n2\t\\N\n3\tback\\\\slash\\n\n");
    else
        for (int i = 0; i < BUILT_SECOND_ROWS; i++)
            buffer_printf(ret_rows, "%d\n", i * 7919);
    buffer_append_text(ret_rows, "\\.\n\n\n");
}

static size_t zlib_compress(bool gzip_file, const void *bytes, size_t length, char *to, size_t room)
{
    z_stream stream = {0};
    ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, gzip_file ? 31 : 15, 8, 0), Z_OK);
    stream.next_in = (z_const Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)to;
    stream.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t made = room - stream.avail_out;
    deflateEnd(&stream);
    return made;
}

void build_compressed(enum archive_compression compression, bool gzip_file, const void *bytes,
                      size_t length, struct buffer *ret_stream)
{
    buffer_init(ret_stream, LIMIT);
    size_t room = length + length / 4 + 4096;
    char *to = malloc(room);
    size_t made = 0;
    LZ4F_preferences_t lz4 = {.frameInfo.contentChecksumFlag = LZ4F_noContentChecksum};
    switch (compression) {
    case ARCHIVE_UNCOMPRESSED:
        memcpy(to, bytes, length);
        made = length;
        break;
    case ARCHIVE_GZIP:
        made = zlib_compress(gzip_file, bytes, length, to, room);
        break;
    case ARCHIVE_LZ4:
        made = LZ4F_compressFrame(to, room, bytes, length, &lz4);
        ck_assert(!LZ4F_isError(made));
        break;
    case ARCHIVE_ZSTD:
        made = ZSTD_compress(to, room, bytes, length, 3);
        ck_assert(!ZSTD_isError(made));
        break;
    }
    buffer_append(ret_stream, to, made);
    free(to);
}

void build_zstd_with_checksum(const void *bytes, size_t length, struct buffer *ret_stream)
{
    buffer_init(ret_stream, LIMIT);
    size_t room = ZSTD_compressBound(length);
    char *to = malloc(room);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t made = ZSTD_compress2(context, to, room, bytes, length);
    ck_assert(!ZSTD_isError(made));
    buffer_append(ret_stream, to, made);
    ZSTD_freeCCtx(context);
    free(to);
}

int memory_file(const void *bytes, size_t length, char ret_path[64])
{
    int descriptor = memfd_create("backup", MFD_CLOEXEC);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, bytes, length), (ssize_t)length);
    snprintf(ret_path, 64, "/proc/self/fd/%d", descriptor);
    return descriptor;
}
