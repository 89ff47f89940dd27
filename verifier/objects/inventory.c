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
    int64_t size_bytes;
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
    if (__builtin_add_overflow(inventory->size_bytes, object->size_bytes, &inventory->size_bytes))
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

struct objects_measured inventory_measured(const struct inventory *inventory, const char *prefix)
{
    struct objects_measured measured = {0};
    for (const struct key_entry *entry = inventory->table.first; entry; entry = entry->next)
        if (object_is_below(&entry->object, prefix)) {
            measured.count++;
            measured.size_bytes += entry->object.size_bytes;
        }
    return measured;
}

const struct object *inventory_find(const struct inventory *inventory, const char *key,
                                    size_t key_length)
{
    const struct key_entry *entry = key_table_find(&inventory->table, key, key_length);
    return entry ? &entry->object : NULL;
}

/* ---- comparison ---- */

__attribute__((format(printf, 3, 4))) static void
name_difference(struct difference *difference, const struct object *object, const char *format, ...)
{
    if (difference->named.count >= NAMED_LIMIT)
        return;
    va_list arguments;
    va_start(arguments, format);
    cleanup(free_pointer) char *how = xvasprintf(format, arguments);
    va_end(arguments);
    cleanup(free_pointer) char *key = key_printable(object->key, object->key_length);
    strings_addf(&difference->named, "%s: %s", key, how);
}

/* One object of the first; `other` is the second's, or NULL. */
static void compare_object(const struct inventory_pair *pair, const struct object *object,
                           const struct object *other, struct difference *difference)
{
    if (other && other->size_bytes == object->size_bytes)
        return;
    bool since = object->modified_ms >= pair->since_ms;
    const char *words = since ? ", changed after the last sync" : "";
    difference->since += since ? 1 : 0;
    if (other) {
        difference->other_size++;
        name_difference(difference, object, "%lld bytes in %s, %lld in %s%s",
                        (long long)object->size_bytes, pair->first_name,
                        (long long)other->size_bytes, pair->second_name, words);
    } else {
        difference->only_in_first++;
        name_difference(difference, object, "in %s only%s", pair->first_name, words);
    }
}

void inventory_compare(const struct inventory_pair *pair, struct difference *ret_difference)
{
    struct difference difference = {0};
    const struct inventory *first = pair->first;
    const struct inventory *second = pair->second;
    for (const struct key_entry *entry = first->table.first; entry; entry = entry->next)
        if (object_is_below(&entry->object, pair->prefix))
            compare_object(pair, &entry->object,
                           inventory_find(second, entry->object.key, entry->object.key_length),
                           &difference);
    for (const struct key_entry *entry = second->table.first; entry; entry = entry->next)
        if (object_is_below(&entry->object, pair->prefix) &&
            !inventory_find(first, entry->object.key, entry->object.key_length)) {
            difference.only_in_second++;
            name_difference(&difference, &entry->object, "in %s only", pair->second_name);
        }
    *ret_difference = difference;
}

void difference_free(struct difference *difference)
{
    strings_free(&difference->named);
}

/* ---- references ---- */

/* A text may be read as several keys: they are looked up one after the other. */
struct lookup {
    struct inventory *inventory;
    const struct reference_rules *rules;
    bool of_interest; /* one of the keys was */
};

static size_t scheme_length(const char *text, size_t length)
{
    return length > 8 && strncasecmp(text, "https://", 8) == 0  ? 8
           : length > 7 && strncasecmp(text, "http://", 7) == 0 ? 7
                                                                : 0;
}

bool reference_is_url(const char *text, size_t length)
{
    return scheme_length(text, length) > 0;
}

/* Where the path of an http(s) URL begins; NULL when the text is none. */
static const char *path_of_url(const char *text, size_t length)
{
    size_t at = scheme_length(text, length);
    while (at > 0 && at < length && !strchr("/?#", text[at]))
        at++;
    return at > 0 && at < length && text[at] == '/' ? text + at : NULL;
}

static bool refer_to(struct lookup *lookup, const char *prefix, const char *key, size_t length)
{
    size_t prefix_length = prefix ? strlen(prefix) : 0;
    if (length <= prefix_length || memcmp(key, prefix ? prefix : "", prefix_length) != 0)
        return false;
    const struct object object = {.key = key + prefix_length, .key_length = length - prefix_length};
    if (!object_is_below(&object, lookup->rules->below))
        return false;
    lookup->of_interest = true;
    struct key_entry *entry =
        key_table_find(&lookup->inventory->table, object.key, object.key_length);
    if (entry)
        entry->marked = true;
    return entry != NULL;
}

/* A path of a URL may begin with the bucket's name. */
static bool refer_to_path(struct lookup *lookup, const char *path, size_t length)
{
    const char *bucket = lookup->rules->bucket;
    size_t bucket_length = bucket ? strlen(bucket) : 0;
    if (bucket_length > 0 && length > bucket_length + 1 &&
        memcmp(path, bucket, bucket_length) == 0 && path[bucket_length] == '/' &&
        refer_to(lookup, lookup->rules->prefix, path + bucket_length + 1,
                 length - bucket_length - 1))
        return true;
    return refer_to(lookup, lookup->rules->prefix, path, length);
}

/* Some write a blank as `+`, and some put the key behind the host as it is. */
static bool refer_to_url(struct lookup *lookup, const char *path, size_t length)
{
    size_t end = 0;
    while (end < length && path[end] != '?' && path[end] != '#')
        end++;
    for (int plus_is_space = 0; plus_is_space <= 1; plus_is_space++) {
        cleanup(free_pointer) char *decoded = xstrndup(path, end);
        long decoded_length = percent_decode(decoded, end, plus_is_space);
        if (decoded_length > 0 && refer_to_path(lookup, decoded, (size_t)decoded_length))
            return true;
    }
    return refer_to_path(lookup, path, end) || refer_to_path(lookup, path, length);
}

/* "s3://bucket/key": the one bucket's alone, and not encoded. */
static bool refer_to_uri(struct lookup *lookup, const char *text, size_t length)
{
    const char *bucket = lookup->rules->bucket;
    size_t scheme = strlen("s3://");
    size_t key = bucket ? scheme + strlen(bucket) + 1 : 0;
    return bucket && length > key && strncasecmp(text, "s3://", scheme) == 0 &&
           memcmp(text + scheme, bucket, strlen(bucket)) == 0 && text[key - 1] == '/' &&
           refer_to(lookup, lookup->rules->prefix, text + key, length - key);
}

static bool refer_to_any(struct lookup *lookup, const char *text, size_t length)
{
    const char *prefix = lookup->rules->prefix;
    const char *path = path_of_url(text, length);
    if (refer_to(lookup, prefix, text, length) || refer_to_uri(lookup, text, length))
        return true;
    if (path)
        return refer_to_url(lookup, path + 1, length - (size_t)(path + 1 - text));
    if (text[0] == '/' && refer_to_path(lookup, text + 1, length - 1))
        return true;
    /* Without the location's prefix, as rows may hold it that know nothing of it. */
    return prefix && *prefix && refer_to(lookup, NULL, text, length);
}

enum reference inventory_refer(struct inventory *inventory, const struct reference_rules *rules,
                               const char *text, size_t length)
{
    struct lookup lookup = {.inventory = inventory, .rules = rules};
    size_t blank = 0;
    while (blank < length && strchr(" \t\r\n", text[blank]) && text[blank] != '\0')
        blank++;
    if (blank == length)
        return REFERENCE_NONE;
    if (refer_to_any(&lookup, text, length))
        return REFERENCE_FOUND;
    /* A text that is no key at all is missed wherever keys of any kind are. */
    return lookup.of_interest || *rules->below == '\0' ? REFERENCE_MISSING : REFERENCE_ELSEWHERE;
}

void inventory_orphaned(const struct inventory *inventory, const char *prefix, int64_t until_ms,
                        struct orphans *ret_orphans)
{
    struct orphans orphans = {0};
    for (const struct key_entry *entry = inventory->table.first; entry; entry = entry->next) {
        const struct object *object = &entry->object;
        if (!object_is_below(object, prefix))
            continue;
        orphans.objects++;
        if (entry->marked)
            continue;
        if (object->modified_ms > until_ms) {
            orphans.younger++;
        } else if (orphans.count++ < NAMED_LIMIT) {
            cleanup(free_pointer) char *key = key_printable(object->key, object->key_length);
            strings_add(&orphans.named, key);
        }
    }
    *ret_orphans = orphans;
}

void orphans_free(struct orphans *orphans)
{
    strings_free(&orphans->named);
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
