/* The bytes of a backup that lies in a store, in sequence, as archive/ takes them.
 *
 * A thread reads the object once into a bounded ring and runs ahead of whoever pulls. The end is
 * given only when the store has said that all of it came, and was what it holds; anything else is
 * cannot_verify. So a connection that was cut never looks like a backup that was.
 */
#ifndef SHELF_OBJECT_SOURCE_H
#define SHELF_OBJECT_SOURCE_H

#include "archive/archive.h"
#include "shelf/shelf.h"

/* archive_read_stream() on the backup `name`, which has `size_bytes`; both are borrowed. A backup
 * that seems to be bad is read to its end first: where the store then finds that it gave other
 * bytes than it holds, nothing is said about the backup. */
int object_read(struct archive *archive, struct shelf *shelf, const char *name, int64_t size_bytes,
                const struct archive_options *options, struct error *error);

#endif
