/* Objects by key: a hash table that owns copies of what it holds. Pointers to its entries stay good
 * until it is freed. */
#ifndef OBJECTS_KEY_TABLE_H
#define OBJECTS_KEY_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "objects/store.h"

struct key_entry {
    struct object object;
    char *file_name;         /* owned; NULL unless its user sets it */
    bool marked;             /* its user's */
    bool present;            /* its user's */
    bool listed;             /* its user's */
    struct key_entry *next;  /* in the order of addition */
    struct key_entry *chain; /* the table's own */
    size_t hash;
};

struct key_table {
    struct key_entry **slots;
    size_t slot_count;
    size_t count;
    struct key_entry *first;
    struct key_entry *last;
    unsigned long long seed;
};

void key_table_init(struct key_table *table);
void key_table_free(struct key_table *table); /* takes a zeroed one */

struct key_entry *key_table_find(const struct key_table *table, const char *key, size_t key_length);
/* Gives the entry of that key, and whether it was there before (then it is left as it was). */
struct key_entry *key_table_add(struct key_table *table, const struct object *object,
                                bool *ret_existed);

#endif
