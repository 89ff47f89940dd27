/* One zstd frame, compressed by libzstd's own threads, with a checksum of its content at its end.
 *
 * Where libzstd was built without threads the caller's does the work. See compressor.h.
 */
#ifndef DUMP_ZSTD_FRAME_H
#define DUMP_ZSTD_FRAME_H

#include "dump/compressed_file.h"

struct zstd_frame;

struct zstd_frame *zstd_frame_new(struct compressed_file *file, int threads); /* file: borrowed */
int zstd_frame_write(struct zstd_frame *frame, const void *bytes, size_t length,
                     struct error *error);
int zstd_frame_finish(struct zstd_frame *frame, struct error *error);
void zstd_frame_free(struct zstd_frame *frame); /* takes NULL */

#endif
