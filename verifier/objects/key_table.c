#include "objects/key_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/memory.h"

enum { FIRST_SLOTS = 1024 };

void key_table_init(struct key_table *table)
{
    *table = (struct key_table){.slot_count = FIRST_SLOTS};
    table->slots = xcalloc(table->slot_count, sizeof(*table->slots));
    /* Keys come from outside: nobody shall choose which of them collide. */
    if (getrandom(&table->seed, sizeof(table->seed), GRND_NONBLOCK) < 0)
        table->seed = (unsigned long long)(size_t)table->slots;
}

void key_table_free(struct key_table *table)
{
    for (struct key_entry *entry = table->first, *next; entry; entry = next) {
        next = entry->next;
        free(entry->file_name);
        free(entry);
    }
    free(table->slots);
    *table = (struct key_table){0};
}

static struct key_entry *find(const struct key_table *table, size_t hash, const char *key,
                              size_t key_length)
{
    struct key_entry *entry = table->slots[hash % table->slot_count];
    while (entry && (entry->hash != hash || entry->object.key_length != key_length ||
                     memcmp(entry->object.key, key, key_length) != 0))
        entry = entry->chain;
    return entry;
}

struct key_entry *key_table_find(const struct key_table *table, const char *key, size_t key_length)
{
    return find(table, XXH3_64bits_withSeed(key, key_length, table->seed), key, key_length);
}

static void grow(struct key_table *table)
{
    free(table->slots);
    table->slot_count *= 2;
    table->slots = xcalloc(table->slot_count, sizeof(*table->slots));
    for (struct key_entry *entry = table->first; entry; entry = entry->next) {
        struct key_entry **slot = &table->slots[entry->hash % table->slot_count];
        entry->chain = *slot;
        *slot = entry;
    }
}

struct key_entry *key_table_add(struct key_table *table, const struct object *object,
                                bool *ret_existed)
{
    size_t hash = XXH3_64bits_withSeed(object->key, object->key_length, table->seed);
    struct key_entry *entry = find(table, hash, object->key, object->key_length);
    *ret_existed = entry != NULL;
    if (entry)
        return entry;
    if (table->count >= table->slot_count)
        grow(table);
    entry = xcalloc(1, sizeof(*entry) + object->key_length + 1);
    char *key = (char *)(entry + 1);
    memcpy(key, object->key, object->key_length);
    entry->object = *object;
    entry->object.key = key;
    entry->hash = hash;
    struct key_entry **slot = &table->slots[hash % table->slot_count];
    entry->chain = *slot;
    *slot = entry;
    if (table->last)
        table->last->next = entry;
    else
        table->first = entry;
    table->last = entry;
    table->count++;
    return entry;
}
