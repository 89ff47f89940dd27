/* The objects of a store in memory: found by key, compared with another store's, and matched with
 * the references that a database holds. Takes about 200 bytes and the key for each object. */
#ifndef OBJECTS_INVENTORY_H
#define OBJECTS_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "objects/store.h"

struct inventory;

/* Reads the objects whose keys begin with `prefix`. A key that comes twice is an error. */
int inventory_read(struct store *store, const char *prefix, int64_t deadline_ms,
                   struct inventory **ret_inventory, struct error *error);
void inventory_free(struct inventory *inventory); /* takes NULL */
void inventory_freep(struct inventory **inventory);

/* Those whose keys begin with `prefix`. */
struct objects_measured inventory_measured(const struct inventory *inventory, const char *prefix);
/* NULL when there is none. Borrowed. */
const struct object *inventory_find(const struct inventory *inventory, const char *key,
                                    size_t key_length);

enum { NAMED_LIMIT = 10 }; /* how many keys are named; all are counted */

/* Two sets of objects to compare. All borrowed. */
struct inventory_pair {
    const struct inventory *first;
    const struct inventory *second;
    const char *first_name;
    const char *second_name;
    const char *prefix; /* of the keys to compare; may be empty */
    int64_t since_ms; /* what was modified in `first` since then is named so; INT64_MAX: nothing */
};

/* How they differ. All zero when they are the same. */
struct difference {
    int64_t only_in_first;
    int64_t only_in_second;
    int64_t other_size;
    int64_t since;        /* of the first and of those of another size: modified since `since_ms` */
    struct strings named; /* "KEY: in s3://bucket only", printable */
};

void inventory_compare(const struct inventory_pair *pair, struct difference *ret_difference);
void difference_free(struct difference *difference);

/* How references are meant. Borrowed. */
struct reference_rules {
    const char *bucket; /* its name; NULL for a directory */
    const char *prefix; /* the location's, which keys are given without; NULL: none */
    const char *below;  /* only keys that begin so are of interest; may be empty */
};

enum reference {
    REFERENCE_NONE,      /* an empty value, or one of spaces */
    REFERENCE_ELSEWHERE, /* to no key of interest */
    REFERENCE_FOUND,
    REFERENCE_MISSING,
};

/* Looks up what a row refers to: a key, an http(s) URL of the object (in path or virtual-host
 * style, or behind a name of its own; its query is ignored), or "s3://bucket/key". The object found
 * is remembered as referred to. */
enum reference inventory_refer(struct inventory *inventory, const struct reference_rules *rules,
                               const char *text, size_t length);
/* Is it an http(s) URL, whose host may be any? */
bool reference_is_url(const char *text, size_t length);

/* Objects that no call of inventory_refer has found. */
struct orphans {
    int64_t objects;      /* that there are */
    int64_t count;        /* of which nobody refers to */
    int64_t younger;      /* nobody refers to these either; modified later than `until_ms` */
    struct strings named; /* the first of `count`, printable */
};
void inventory_orphaned(const struct inventory *inventory, const char *prefix, int64_t until_ms,
                        struct orphans *ret_orphans);
void orphans_free(struct orphans *orphans);

/* A key for people: control characters and broken UTF-8 escaped. To be freed by the caller. */
char *key_printable(const char *key, size_t key_length);

#endif
