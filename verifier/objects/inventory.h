/* The objects of a store in memory: found by key, compared with another store's, and matched with
 * the references that a database holds. Takes about 100 bytes and the key for each object. */
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

struct objects_measured inventory_measured(const struct inventory *inventory);
/* NULL when there is none. Borrowed. */
const struct object *inventory_find(const struct inventory *inventory, const char *key,
                                    size_t key_length);

enum { NAMED_LIMIT = 10 }; /* how many keys are named; all are counted */

/* How two sets of objects differ. All zero when they are the same. */
struct difference {
    int64_t only_in_first;
    int64_t only_in_second;
    int64_t other_size;
    struct strings named; /* "KEY: in s3://bucket only", printable */
};

void inventory_compare(const struct inventory *first, const char *first_name,
                       const struct inventory *second, const char *second_name,
                       struct difference *ret_difference);
void difference_free(struct difference *difference);

enum reference { REFERENCE_NONE, REFERENCE_FOUND, REFERENCE_MISSING };

/* Looks up what a row refers to: a key, or an http(s) URL of the object (in path or virtual-host
 * style, or behind a name of its own; its query is ignored). An empty value and one of spaces refer
 * to nothing. The object found is remembered as referred to. `bucket` may be NULL. */
enum reference inventory_refer(struct inventory *inventory, const char *bucket, const char *prefix,
                               const char *text, size_t length);

/* Objects that no call of inventory_refer has found; the first ten are named, printable. */
int64_t inventory_orphaned(const struct inventory *inventory, struct strings *ret_named);

/* A key for people: control characters and broken UTF-8 escaped. To be freed by the caller. */
char *key_printable(const char *key, size_t key_length);

#endif
