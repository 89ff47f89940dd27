/* Bytes pulled through layers: file -> container -> copy -> queue -> member -> block -> rows.
 *
 * A source hands out its bytes run by run, without copying where it can. Each layer pulls from the
 * one below and owns it, so that source_close() on the top closes all. A reader stands on top of a
 * source and reads numbers and strings, knowing at which offset it is.
 */
#ifndef ARCHIVE_SOURCE_H
#define ARCHIVE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

/* The first member of every layer's own struct. */
struct source {
    /* The next run of bytes, valid until the next call; a length of 0 is the end, and stays. */
    int (*next)(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                struct error *error);
    void (*close)(struct source *source);
};

int source_next(struct source *source, const uint8_t **ret_bytes, size_t *ret_length,
                struct error *error);
void source_close(struct source *source); /* takes NULL */
void source_closep(struct source **source);

/* What all layers of one reading share. */
struct allowance {
    /* How many more bytes may come out of decompression. It grows with the file, so a small file
     * that unpacks without end is stopped soon. */
    _Atomic int64_t bytes_left;
};
/* For a backup of that size: what the best compression could honestly hold. */
void allowance_init(struct allowance *allowance, int64_t stored_bytes);
int allowance_take(struct allowance *allowance, size_t bytes, struct error *error);

/* Bytes [begin, end) of the open file `descriptor` (borrowed), by pread. `hash` and `progress` may
 * be NULL; the one is updated, the other added to, as bytes are handed out. A file that ends before
 * `end` has changed while it was read: cannot_verify. */
struct source *file_source_new(int descriptor, const char *path, int64_t begin, int64_t end,
                               struct sha256 *hash, _Atomic int64_t *progress);

/* Hands on what `below` (borrowed, and not closed) has, hashed and counted in the same way. It has
 * to be `length` bytes: a store that gives more or less has not given what it listed. */
struct source *counted_source_new(struct source *below, int64_t length, struct sha256 *hash,
                                  _Atomic int64_t *progress);

/* `first` bytes (copied), then what `rest` (owned) has. */
struct source *prefixed_source_new(const void *first, size_t length, struct source *rest);

/* Hands on what `below` (owned) has, writing it to a new file at `path`, which it never leaves with
 * less than `reserve` free bytes in the file system. */
int copying_source_new(struct source *below, const char *path, struct source **ret_source,
                       struct error *error);

/* Runs `below` (owned) ahead in a thread of its own. */
int queue_source_new(struct source *below, struct source **ret_source, struct error *error);

/* Bytes in memory (borrowed), for tests and for small parts. */
struct source *memory_source_new(const void *bytes, size_t length);

struct reader {
    struct source *source; /* borrowed */
    const uint8_t *next;
    size_t available;
    int64_t offset; /* of `next`, counted from where the source begins, plus `base` */
    bool at_end;    /* nothing is left in the source either */
};

void reader_init(struct reader *reader, struct source *source, int64_t base_offset);

/* Makes `available` more than 0 unless the end is reached. */
int reader_fill(struct reader *reader, struct error *error);

/* All-or-error reads: a source that ends in between is a bad backup that was cut; `what` says in
 * the middle of what. */
int reader_bytes(struct reader *reader, void *ret_bytes, size_t length, const char *what,
                 struct error *error);
int reader_byte(struct reader *reader, uint8_t *ret_byte, const char *what, struct error *error);
int reader_skip(struct reader *reader, int64_t length, const char *what, struct error *error);

/* Takes what is at hand, at most `most` bytes: the run stays valid until the next call. */
int reader_run(struct reader *reader, int64_t most, const uint8_t **ret_bytes, size_t *ret_length,
               struct error *error);

/* The next `length` bytes of `reader` (borrowed) as a source of their own; a reader that ends
 * before is a cut backup. `what` is borrowed. */
struct source *part_source_new(struct reader *reader, int64_t length, const char *what);

/* Reads to the end, for nothing but its checks. */
int source_drain(struct source *source, int64_t *ret_length, struct error *error);

#endif
