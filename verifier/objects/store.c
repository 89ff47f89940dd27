#include "objects/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "objects/backend.h"

int store_open(const struct store_options *options, struct store **ret_store, struct error *error)
{
    struct store opened = {0};
    int failed = starts_with(options->location, "s3://")
                     ? s3_open(options, &opened, error)
                     : directory_open(options->location, &opened, error);
    if (failed < 0)
        return -1;
    opened.name = xstrdup(options->location);
    struct store *store = xmalloc(sizeof(*store));
    *store = opened;
    *ret_store = store;
    return 0;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    store->backend->free(store->self);
    free(store->name);
    free(store);
}

void store_freep(struct store **store)
{
    store_free(*store);
}

const char *store_name(const struct store *store)
{
    return store->name;
}

const char *store_bucket(const struct store *store)
{
    return store->bucket;
}

const char *store_prefix(const struct store *store)
{
    return store->prefix;
}

static int check_key(const struct store *store, size_t key_length, struct error *error)
{
    if (key_length > 0 && key_length <= KEY_LIMIT)
        return 0;
    return cannot_verify(error, "%s: a key has 1 to %d bytes, this one has %zu", store->name,
                         KEY_LIMIT, key_length);
}

int store_list(struct store *store, const char *prefix, int64_t deadline_ms, object_visitor *visit,
               void *context, struct error *error)
{
    return store->backend->list(store->self, prefix, deadline_ms, visit, context, error);
}

int store_get(struct store *store, const char *key, size_t key_length, int64_t deadline_ms,
              object_sink *sink, void *context, struct object *ret_object, struct error *error)
{
    if (check_key(store, key_length, error) < 0)
        return -1;
    return store->backend->get(store->self, key, key_length, deadline_ms, sink, context, ret_object,
                               error);
}

int store_put(struct store *store, const char *key, size_t key_length, int64_t deadline_ms,
              object_source *source, void *context, struct object *ret_object, struct error *error)
{
    if (check_key(store, key_length, error) < 0)
        return -1;
    return store->backend->put(store->self, key, key_length, deadline_ms, source, context,
                               ret_object, error);
}

int store_head(struct store *store, const char *key, size_t key_length, int64_t deadline_ms,
               bool *ret_found, struct object *ret_object, struct error *error)
{
    if (check_key(store, key_length, error) < 0)
        return -1;
    return store->backend->head(store->self, key, key_length, deadline_ms, ret_found, ret_object,
                                error);
}

int store_delete(struct store *store, const char *key, size_t key_length, int64_t deadline_ms,
                 struct error *error)
{
    if (check_key(store, key_length, error) < 0)
        return -1;
    return store->backend->delete (store->self, key, key_length, deadline_ms, error);
}

/* ---- measuring ---- */

bool object_is_below(const struct object *object, const char *prefix)
{
    size_t length = strlen(prefix);
    return object->key_length >= length && memcmp(object->key, prefix, length) == 0;
}

char *prefix_common(const struct strings *prefixes)
{
    char *common = xstrdup(prefixes->count > 0 ? prefixes->items[0] : "");
    for (size_t i = 1; i < prefixes->count; i++) {
        size_t length = 0;
        while (common[length] != '\0' && common[length] == prefixes->items[i][length])
            length++;
        common[length] = '\0';
    }
    return common;
}

struct measuring {
    const struct strings *prefixes;
    struct objects_measured *measured; /* one for each */
};

static int add_up(void *context, const struct object *object, struct error *error)
{
    const struct measuring *measuring = context;
    for (size_t i = 0; i < measuring->prefixes->count; i++) {
        struct objects_measured *measured = &measuring->measured[i];
        if (!object_is_below(object, measuring->prefixes->items[i]))
            continue;
        measured->count++;
        if (__builtin_add_overflow(measured->size_bytes, object->size_bytes, &measured->size_bytes))
            return cannot_verify(error, "the sizes of the objects add up to more than can be");
    }
    return 0;
}

int store_measure(struct store *store, const struct strings *prefixes, int64_t deadline_ms,
                  struct objects_measured *ret_measured, struct error *error)
{
    size_t size = prefixes->count * sizeof(*ret_measured);
    cleanup(free_pointer) struct objects_measured *measured = xcalloc(1, size);
    struct measuring measuring = {.prefixes = prefixes, .measured = measured};
    cleanup(free_pointer) char *common = prefix_common(prefixes);
    if (store_list(store, common, deadline_ms, add_up, &measuring, error) < 0)
        return -1;
    memcpy(ret_measured, measured, size);
    return 0;
}
