#include "objects/inventory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/utf8.h"
#include "objects/encoding.h"
#include "objects/key_table.h"

struct inventory {
    struct key_table table;
    struct objects_measured measured;
    const char *name; /* of the store, while it is read */
};

static int add_object(void *context, const struct object *object, struct error *error)
{
    struct inventory *inventory = context;
    bool existed;
    key_table_add(&inventory->table, object, &existed);
    if (existed) {
        cleanup(free_pointer) char *key = key_printable(object->key, object->key_length);
        return cannot_verify(error, "%s holds `%.300s` twice", inventory->name, key);
    }
    inventory->measured.count++;
    if (__builtin_add_overflow(inventory->measured.size_bytes, object->size_bytes,
                               &inventory->measured.size_bytes))
        return cannot_verify(error, "the sizes of the objects add up to more than can be");
    return 0;
}

int inventory_read(struct store *store, const char *prefix, int64_t deadline_ms,
                   struct inventory **ret_inventory, struct error *error)
{
    struct inventory *inventory = xcalloc(1, sizeof(*inventory));
    key_table_init(&inventory->table);
    inventory->name = store_name(store);
    if (store_list(store, prefix, deadline_ms, add_object, inventory, error) < 0) {
        inventory_free(inventory);
        return -1;
    }
    inventory->name = NULL;
    *ret_inventory = inventory;
    return 0;
}

void inventory_free(struct inventory *inventory)
{
    if (!inventory)
        return;
    key_table_free(&inventory->table);
    free(inventory);
}

void inventory_freep(struct inventory **inventory)
{
    inventory_free(*inventory);
}

struct objects_measured inventory_measured(const struct inventory *inventory)
{
    return inventory->measured;
}

const struct object *inventory_find(const struct inventory *inventory, const char *key,
                                    size_t key_length)
{
    const struct key_entry *entry = key_table_find(&inventory->table, key, key_length);
    return entry ? &entry->object : NULL;
}

/* ---- comparison ---- */

static void name_difference(struct difference *difference, const struct object *object,
                            const char *how)
{
    if (difference->named.count >= NAMED_LIMIT)
        return;
    cleanup(free_pointer) char *key = key_printable(object->key, object->key_length);
    strings_addf(&difference->named, "%s: %s", key, how);
}

static void name_missing(struct difference *difference, const struct object *object,
                         const char *where)
{
    cleanup(free_pointer) char *how = xasprintf("in %s only", where);
    name_difference(difference, object, how);
}

static void compare_sizes(struct difference *difference, const struct object *first,
                          const char *first_name, const struct object *second,
                          const char *second_name)
{
    if (first->size_bytes == second->size_bytes)
        return;
    difference->other_size++;
    cleanup(free_pointer) char *how =
        xasprintf("%lld bytes in %s, %lld in %s", (long long)first->size_bytes, first_name,
                  (long long)second->size_bytes, second_name);
    name_difference(difference, first, how);
}

void inventory_compare(const struct inventory *first, const char *first_name,
                       const struct inventory *second, const char *second_name,
                       struct difference *ret_difference)
{
    struct difference difference = {0};
    for (const struct key_entry *entry = first->table.first; entry; entry = entry->next) {
        const struct object *object = &entry->object;
        const struct object *other = inventory_find(second, object->key, object->key_length);
        if (other) {
            compare_sizes(&difference, object, first_name, other, second_name);
        } else {
            difference.only_in_first++;
            name_missing(&difference, object, first_name);
        }
    }
    for (const struct key_entry *entry = second->table.first; entry; entry = entry->next)
        if (!inventory_find(first, entry->object.key, entry->object.key_length)) {
            difference.only_in_second++;
            name_missing(&difference, &entry->object, second_name);
        }
    *ret_difference = difference;
}

void difference_free(struct difference *difference)
{
    strings_free(&difference->named);
}

/* ---- references ---- */

/* Where the path of an http(s) URL begins; NULL when the text is none. */
static const char *path_of_url(const char *text, size_t length)
{
    size_t scheme = length > 8 && strncasecmp(text, "https://", 8) == 0  ? 8
                    : length > 7 && strncasecmp(text, "http://", 7) == 0 ? 7
                                                                         : 0;
    return scheme > 0 ? memchr(text + scheme, '/', length - scheme) : NULL;
}

static bool refer_to(struct inventory *inventory, const char *prefix, const char *key,
                     size_t length)
{
    size_t prefix_length = prefix ? strlen(prefix) : 0;
    if (length <= prefix_length || memcmp(key, prefix ? prefix : "", prefix_length) != 0)
        return false;
    struct key_entry *entry =
        key_table_find(&inventory->table, key + prefix_length, length - prefix_length);
    if (entry)
        entry->marked = true;
    return entry != NULL;
}

/* A path of a URL may begin with the bucket's name. */
static bool refer_to_path(struct inventory *inventory, const char *bucket, const char *prefix,
                          const char *path, size_t length)
{
    size_t bucket_length = bucket ? strlen(bucket) : 0;
    if (bucket_length > 0 && length > bucket_length + 1 &&
        memcmp(path, bucket, bucket_length) == 0 && path[bucket_length] == '/' &&
        refer_to(inventory, prefix, path + bucket_length + 1, length - bucket_length - 1))
        return true;
    return refer_to(inventory, prefix, path, length);
}

static bool refer_to_url(struct inventory *inventory, const char *bucket, const char *prefix,
                         const char *path, size_t length)
{
    const char *query = memchr(path, '?', length);
    const char *fragment = memchr(path, '#', query ? (size_t)(query - path) : length);
    if (fragment || query)
        length = (size_t)((fragment ? fragment : query) - path);
    cleanup(free_pointer) char *decoded = xstrndup(path, length);
    long decoded_length = percent_decode(decoded, length, false);
    return (decoded_length > 0 &&
            refer_to_path(inventory, bucket, prefix, decoded, (size_t)decoded_length)) ||
           refer_to_path(inventory, bucket, prefix, path, length);
}

enum reference inventory_refer(struct inventory *inventory, const char *bucket, const char *prefix,
                               const char *text, size_t length)
{
    size_t blank = 0;
    while (blank < length && strchr(" \t\r\n", text[blank]) && text[blank] != '\0')
        blank++;
    if (blank == length)
        return REFERENCE_NONE;
    bool found = refer_to(inventory, prefix, text, length);
    const char *path = found ? NULL : path_of_url(text, length);
    if (path)
        found =
            refer_to_url(inventory, bucket, prefix, path + 1, length - (size_t)(path + 1 - text));
    else if (!found && text[0] == '/')
        found = refer_to_path(inventory, bucket, prefix, text + 1, length - 1);
    /* Without the location's prefix, as rows may hold it that know nothing of it. */
    if (!found && !path && prefix && *prefix)
        found = refer_to(inventory, NULL, text, length);
    return found ? REFERENCE_FOUND : REFERENCE_MISSING;
}

int64_t inventory_orphaned(const struct inventory *inventory, struct strings *ret_named)
{
    int64_t count = 0;
    for (const struct key_entry *entry = inventory->table.first; entry; entry = entry->next) {
        if (entry->marked)
            continue;
        if (count++ >= NAMED_LIMIT)
            continue;
        cleanup(free_pointer) char *key =
            key_printable(entry->object.key, entry->object.key_length);
        strings_add(ret_named, key);
    }
    return count;
}

char *key_printable(const char *key, size_t key_length)
{
    struct buffer text;
    buffer_init(&text, 4 * key_length + 4);
    for (size_t at = 0; at < key_length;) {
        uint32_t code;
        size_t length = utf8_decode(key + at, key_length - at, &code);
        bool shown = length > 0 && !is_control(code);
        if (shown)
            buffer_append(&text, key + at, length);
        else
            buffer_printf(&text, "\\x%02x", (unsigned char)key[at]);
        at += shown ? length : 1;
    }
    return buffer_steal(&text);
}
