/* Brings a directory to what a bucket holds: the `copy` of a scenario.
 *
 * Each object goes to a temporary name, is checked against its length and MD5, gets the object's
 * time as its own, and is renamed. Whatever moment it is killed at, the directory holds whole
 * objects only, and the next sync goes on from there. Nothing is written outside the directory,
 * whatever the keys are: file_name.h tells how they become names.
 *
 * An object is copied when the directory has none of that key, or its size, its time or its ETag
 * (as `.restore-verifier-sync.json` recorded it) is another. What the bucket no longer holds stays,
 * unless `delete` asks for its removal; nothing is removed while the bucket is empty, nor from a
 * directory whose last sync was not one of that bucket.
 */
#ifndef OBJECTS_SYNC_H
#define OBJECTS_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "objects/store.h"

/* Where a sync stands, for who looks on: counted while it runs. */
struct sync_progress {
    _Atomic bool listed; /* the bucket, to its end: only then it is known what is to be copied */
    _Atomic int64_t listed_count;
    _Atomic int64_t wanted_count, wanted_bytes; /* new and changed */
    _Atomic int64_t done_count, done_bytes;     /* of these */
};

struct sync_options {
    struct store *bucket;
    const char *copy;               /* directory; made when it is missing */
    bool delete;                    /* remove what the bucket does not hold */
    bool dry_run;                   /* only tell what would be done */
    int transfers;                  /* at the same time; 0: 16 */
    struct sync_progress *progress; /* all zero; may be NULL */
    int64_t deadline_ms;
    /* Told of every object that is copied or deleted (or would be), printable; may be NULL. */
    void (*tell)(void *context, const char *what, const char *key);
    void *context;
};

struct sync_result {
    struct objects_measured bucket;  /* what the bucket holds */
    struct objects_measured copied;  /* new and changed */
    struct objects_measured deleted; /* gone from the bucket, and removed */
    struct objects_measured extra;   /* gone from the bucket, and kept */
};

int sync_run(const struct sync_options *options, struct sync_result *ret_result,
             struct error *error);

/* When the last sync that filled that directory began, in milliseconds since 1970; -1: not known.
 */
int64_t sync_began_ms(const char *copy);

#define SYNC_RECORD ".restore-verifier-sync.json"

#endif
