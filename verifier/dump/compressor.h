/* Compressing a stream into a file, with all processors.
 *
 * Compression happens in threads of its own; everything else (writing, hashing, errors) in the
 * caller's. Memory does not depend on the length of the stream, and hardly on the number of
 * threads: under 40 MiB at the limit of 8 threads. Counts and hashes what reaches the file, so that
 * it need not be read again.
 */
#ifndef DUMP_COMPRESSOR_H
#define DUMP_COMPRESSOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

enum compression {
    COMPRESSION_GZIP, /* one plain gzip member: gzip_blocks.h */
    COMPRESSION_ZSTD, /* one zstd frame with a checksum of its content: zstd_frame.h */
};

struct compressor;

/* Writes to `descriptor` from where it stands; `what` names it in errors. Both are borrowed.
 * `threads`: how many compress; 0: as many as there are processors for us. */
struct compressor *compressor_new(enum compression compression, int threads, int descriptor,
                                  const char *what);
/* Both: FAULT_MACHINE, mostly a full disk, which may be told some megabytes late. */
int compressor_write(struct compressor *compressor, const void *bytes, size_t length,
                     struct error *error);
/* Ends the stream: call once, after the last write. */
int compressor_finish(struct compressor *compressor, int64_t *ret_size_bytes,
                      char ret_sha256[SHA256_HEX_SIZE], struct error *error);
void compressor_free(
    struct compressor *compressor); /* takes NULL; without finish the file is cut */
void compressor_freep(struct compressor **compressor);

#endif
