/* Where backups lie, with the small files beside them: a directory, or a bucket under a prefix.
 *
 * Who speaks of a backup names its shelf and its name, and need not know which of the two it is.
 * Only what a directory alone has (links, free space, locks, files without a name) asks for
 * shelf_directory(), and only what has to stream asks for shelf_store(). In a bucket, what lies
 * directly under the prefix counts: a key with one more slash belongs to somebody else, unless it
 * is that of a folder that is a backup. The files in such a folder are named FOLDER/FILE.
 *
 * Errors are cannot_verify unless said otherwise, and name what they are about. A shelf may be used
 * by many threads; the process must ignore SIGPIPE.
 */
#ifndef SHELF_SHELF_H
#define SHELF_SHELF_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/buffer.h"
#include "base/error.h"
#include "objects/store.h"

struct shelf;

/* `options->location` is a directory, which need not exist, or s3://bucket/prefix. Nothing is read
 * or sent. -1 only for a bucket whose place or credentials are not told. */
int shelf_open(const struct store_options *options, struct shelf **ret_shelf, struct error *error);
struct shelf *shelf_of_directory(const char *path);
struct shelf *shelf_of_store(struct store *store); /* owned from then on */
void shelf_free(struct shelf *shelf);              /* takes NULL */
void shelf_freep(struct shelf **shelf);

/* From then on the dates in names do not count on it: backups are as old as their files. */
void shelf_ignore_dates(struct shelf *shelf);
bool shelf_ignores_dates(const struct shelf *shelf);
/* From then on it is known that `dump` fills it, and what is missing there is for that to make. */
void shelf_expect_dumps(struct shelf *shelf);
bool shelf_expects_dumps(const struct shelf *shelf);

const char *shelf_location(const struct shelf *shelf);         /* for messages; borrowed */
char *shelf_path(const struct shelf *shelf, const char *name); /* likewise, of a file; freed by the
                                                                  caller */
const char *shelf_directory(const struct shelf *shelf);        /* NULL: a bucket; borrowed */
struct store *shelf_store(const struct shelf *shelf);          /* NULL: a directory; borrowed */

enum shelf_kind {
    SHELF_FILE,
    SHELF_FOLDER, /* a directory; in a bucket: keys NAME/..., one of which is toc.dat, as the
                     directory format of pg_dump has it, or a part of a set, such as data.sql */
    SHELF_OTHER,  /* a link, a socket ... */
};

struct shelf_entry {
    const char *name;
    enum shelf_kind kind;
    int64_t size_bytes;
    time_t modified;      /* of a link: what it points to; 0: not known */
    char etag[ETAG_SIZE]; /* "" in a directory, and where the store has none */
};

/* Gets each entry whose name begins with `beginning` once, in no order, borrowed. -1 ends it. */
typedef int shelf_visitor(void *context, const struct shelf_entry *entry, struct error *error);
int shelf_list(struct shelf *shelf, const char *beginning, shelf_visitor *visit, void *context,
               struct error *error);

/* The same for what lies right in a folder, by their names in it. */
int shelf_list_folder(struct shelf *shelf, const char *folder, shelf_visitor *visit, void *context,
                      struct error *error);

/* 1: there is nothing of that name. `ret_entry` has no name. */
int shelf_look(struct shelf *shelf, const char *name, struct shelf_entry *ret_entry,
               struct error *error);

/* Gives all bytes of a file; as store_get() does. */
int shelf_get(struct shelf *shelf, const char *name, object_sink *sink, void *context,
              struct error *error);

/* A small file as a whole. 1: there is none. bad_backup: it is no file, or larger than
 * `limit_bytes`. The buffer is freed by the caller after 0. */
int shelf_read(struct shelf *shelf, const char *name, size_t limit_bytes,
               struct buffer *ret_content, struct error *error);
/* In one step, synced with its directory; mode 0600 less the umask. */
int shelf_write(struct shelf *shelf, const char *name, const char *text, struct error *error);
/* Gives a small file another name, in place of what had it. `text` is its content: a bucket cannot
 * rename, so that it is written there before the old one is removed. */
int shelf_rename(struct shelf *shelf, const char *from, const char *to, const char *text,
                 struct error *error);
/* What is not there is no error. */
int shelf_remove(struct shelf *shelf, const char *name, struct error *error);

#endif
