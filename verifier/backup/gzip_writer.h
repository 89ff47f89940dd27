/* Compressing a stream into a file, behind an interface that a parallel compressor can take over.
 *
 * Counts and hashes what reaches the file, so that it need not be read again.
 */
#ifndef BACKUP_GZIP_WRITER_H
#define BACKUP_GZIP_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

struct gzip_writer;

/* Writes to `descriptor` from where it stands; `what` names it in errors. Both are borrowed. */
struct gzip_writer *gzip_writer_new(int descriptor, const char *what);
int gzip_writer_write(struct gzip_writer *writer, const void *bytes, size_t length,
                      struct error *error);
/* Ends the stream: call once, after the last write. */
int gzip_writer_finish(struct gzip_writer *writer, int64_t *ret_size_bytes,
                       char ret_sha256[SHA256_HEX_SIZE], struct error *error);
void gzip_writer_free(struct gzip_writer *writer); /* takes NULL; without finish the file is cut */
void gzip_writer_freep(struct gzip_writer **writer);

#endif
