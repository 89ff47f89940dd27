#include "schema/totals.h"

#include <stdlib.h>
#include <string.h>

#include "archive/plain/plain.h"
#include "base/memory.h"

/* What a digest is made of; borrowed. */
struct item {
    const char *kind, *schema, *name;
    const void *definition;
    size_t length;
};

struct items {
    struct item *all;
    size_t count;
};

static int compare(const void *left, const void *right)
{
    const struct item *one = left, *other = right;
    int order = strcmp(one->kind, other->kind);
    if (order == 0)
        order = strcmp(one->schema, other->schema);
    if (order == 0)
        order = strcmp(one->name, other->name);
    if (order == 0)
        order = (one->length > other->length) - (one->length < other->length);
    return order != 0 ? order : memcmp(one->definition, other->definition, one->length);
}

static void take_plain(struct items *items, const struct plain_totals *plain)
{
    for (size_t i = 0; plain && i < plain->objects.count; i++) {
        const struct plain_object *object = &plain->objects.items[i];
        items->all[items->count++] = (struct item){object->kind, object->schema, object->name,
                                                   &object->digest, sizeof(object->digest)};
    }
}

static size_t plain_count(const struct archive *archive)
{
    return archive->plain ? archive->plain->objects.count : 0;
}

static void gather(const struct archive *archive, struct items *ret_items)
{
    size_t most = archive->entry_count + plain_count(archive);
    for (size_t i = 0; i < archive->part_count; i++)
        most += plain_count(&archive->parts[i]);
    struct items items = {.all = xcalloc(most, sizeof(*items.all))};
    for (size_t i = 0; i < archive->entry_count; i++) {
        const struct archive_entry *entry = &archive->entries[i];
        items.all[items.count++] = (struct item){entry->description, entry->schema, entry->tag,
                                                 entry->definition, strlen(entry->definition)};
    }
    take_plain(&items, archive->plain);
    for (size_t i = 0; i < archive->part_count; i++)
        take_plain(&items, archive->parts[i].plain);
    if (items.count > 0)
        qsort(items.all, items.count, sizeof(*items.all), compare);
    *ret_items = items;
}

/* With the NUL behind each, so that no two lists are one text. */
static void item_hash(struct sha256 *hash, const struct item *item)
{
    sha256_update(hash, item->schema, strlen(item->schema) + 1);
    sha256_update(hash, item->name, strlen(item->name) + 1);
    sha256_update(hash, item->definition, item->length);
    sha256_update(hash, "", 1);
}

void schema_totals_find(const struct archive *archive, struct schema_totals *ret_totals)
{
    struct schema_totals totals = {0};
    struct items items;
    gather(archive, &items);
    for (size_t i = 0; i < items.count;) {
        cleanup(sha256_freep) struct sha256 *hash = sha256_new();
        char hex[SHA256_HEX_SIZE];
        size_t begin = i;
        for (; i < items.count && strcmp(items.all[begin].kind, items.all[i].kind) == 0; i++)
            item_hash(hash, &items.all[i]);
        sha256_final(hash, hex);
        schema_totals_add(&totals, items.all[begin].kind, (int64_t)(i - begin), hex);
    }
    free(items.all);
    *ret_totals = totals;
}

void schema_totals_add(struct schema_totals *totals, const char *kind, int64_t count,
                       const char *sha256)
{
    totals->items = xreallocarray(totals->items, totals->count + 1, sizeof(*totals->items));
    struct schema_total *total = &totals->items[totals->count++];
    *total = (struct schema_total){.kind = xstrdup(kind), .count = count};
    memcpy(total->sha256, sha256, sizeof(total->sha256));
}

void schema_totals_free(struct schema_totals *totals)
{
    for (size_t i = 0; i < totals->count; i++)
        free(totals->items[i].kind);
    free(totals->items);
    *totals = (struct schema_totals){0};
}

const struct schema_total *schema_totals_get(const struct schema_totals *totals, const char *kind)
{
    for (size_t i = 0; i < totals->count; i++)
        if (strcmp(totals->items[i].kind, kind) == 0)
            return &totals->items[i];
    return NULL;
}
