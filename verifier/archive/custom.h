/* The custom format: header, table of contents, then a block for each entry with data.
 *
 * A block is a type byte, the entry's dump id, and chunks: an integer with the length, the bytes;
 * the length 0 ends them. A block of large objects has, before the chunks of each, its oid; the oid
 * 0 ends them. The chunks of one table or large object hold one compressed stream.
 */
#ifndef ARCHIVE_CUSTOM_H
#define ARCHIVE_CUSTOM_H

#include "archive/data.h"

/* The types of blocks. */
#define BLOCK_DATA          1
#define BLOCK_LARGE_OBJECTS 3

/* Reads all from `reader`, which stands at the beginning, to its end. */
int custom_read(struct reading *reading, struct reader *reader, struct error *error);

/* What the chunks of one table or large object hold, unpacked; `reader` (borrowed) stands at the
 * first of them, and behind the last when the end was reached. */
struct source *custom_data_open(enum archive_compression compression, const struct toc *toc,
                                struct reader *reader, struct allowance *allowance);

/* The same by several threads, for an open file (borrowed) of `size` bytes that is bare and has the
 * offsets of all blocks in its table of contents. `ret_done` tells whether that was so; where it
 * was not, nothing has been done, and custom_read() has to. Updates `hash` with all bytes. */
int custom_read_parallel(struct reading *reading, int descriptor, const char *path, int64_t size,
                         struct sha256 *hash, bool *ret_done, struct error *error);

#endif
