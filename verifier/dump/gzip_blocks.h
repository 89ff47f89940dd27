/* One gzip member, compressed in blocks by several threads.
 *
 * The stream is cut into blocks of 512 KiB. libdeflate, which is twice as fast as zlib, packs each
 * by itself; zlib unpacks it again, and it is written only when that gives the same bytes. Made to
 * end at a byte without being the last, one behind the other they are one deflate stream, which
 * every gunzip reads. The checksums of the blocks are combined. Sources: RFC 1951, RFC 1952, the
 * manuals of libdeflate and zlib. See compressor.h.
 */
#ifndef DUMP_GZIP_BLOCKS_H
#define DUMP_GZIP_BLOCKS_H

#include "dump/compressed_file.h"

struct gzip_blocks;

struct gzip_blocks *gzip_blocks_new(struct compressed_file *file, int threads); /* file: borrowed */
int gzip_blocks_write(struct gzip_blocks *blocks, const void *bytes, size_t length,
                      struct error *error);
int gzip_blocks_finish(struct gzip_blocks *blocks, struct error *error);
void gzip_blocks_free(struct gzip_blocks *blocks); /* takes NULL; ends the threads */

#endif
