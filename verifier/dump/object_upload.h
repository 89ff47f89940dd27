/* A new backup on its way into a bucket: there whole or not at all, whenever we are killed.
 *
 * What is written to the descriptor goes through a pipe to a thread that puts it into the store, in
 * parts as it comes. The store makes an object of the parts only when it is told to, which is done
 * by object_upload_complete() alone: until then nothing has the name, and what had it before is as
 * it was. A killed dump leaves parts that no listing shows; see store_sweep().
 */
#ifndef DUMP_OBJECT_UPLOAD_H
#define DUMP_OBJECT_UPLOAD_H

#include <stdint.h>

#include "shelf/shelf.h"

struct object_upload;

/* The process must ignore SIGPIPE. Errors are FAULT_MACHINE. */
int object_upload_start(struct shelf *shelf, const char *name, struct object_upload **ret_upload,
                        struct error *error);

int object_upload_descriptor(const struct object_upload *upload);   /* borrowed; for writing */
const char *object_upload_path(const struct object_upload *upload); /* for messages; borrowed */

/* Everything has been written, `size_bytes` in all: 0 when the store holds just that. */
int object_upload_complete(struct object_upload *upload, int64_t size_bytes, struct error *error);

/* Gives the upload up. When that was the reason why nothing more could be written, `error` gets
 * what the store said. */
void object_upload_abandon(struct object_upload *upload, struct error *error);

void object_upload_free(struct object_upload *upload); /* takes NULL; gives it up */
void object_upload_freep(struct object_upload **upload);

#endif
