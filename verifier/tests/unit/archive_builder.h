/* Archives as no pg_dump at hand writes them: any version, any compression, any sizes of integers.
 */
#ifndef TESTS_UNIT_ARCHIVE_BUILDER_H
#define TESTS_UNIT_ARCHIVE_BUILDER_H

#include "archive/archive.h"
#include "base/buffer.h"

struct build {
    int minor; /* of the version 1.x */
    enum archive_compression compression;
    int integer_size, offset_size;
    bool offsets;
    bool toc_again;    /* behind the blocks, with the offsets */
    bool as_directory; /* the format byte of a toc.dat, and file names instead of offsets */
    int large_objects;
    size_t chunk_bytes; /* 0: 4096 */
};

/* What each of them holds: public.first with three rows, public.second with 1,000, and
 * "large_objects" of 5 bytes each. */
#define BUILT_FIRST_ROWS  3
#define BUILT_SECOND_ROWS 1000

/* The archive, or the toc.dat; buffer_init'ed here. */
void build_archive(const struct build *build, struct buffer *ret_archive);
/* The data of table 1 or 2 as pg_dump writes it. */
void build_rows(int table, struct buffer *ret_rows);
/* One stream of that compression (gzip: a zlib stream, or a gzip member when `gzip_file`). */
void build_compressed(enum archive_compression compression, bool gzip_file, const void *bytes,
                      size_t length, struct buffer *ret_stream);

/* One frame as the zstd program writes it. */
void build_zstd_with_checksum(const void *bytes, size_t length, struct buffer *ret_stream);

/* Puts the bytes into a file without a name; its path is valid while the descriptor is open. */
int memory_file(const void *bytes, size_t length, char ret_path[64]);

#endif
