#include "stages/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "objects/sync.h"
#include "shelf/location.h"

static int copy_open(const struct objects *objects, struct store **ret_store, struct error *error)
{
    if (access(objects->copy, F_OK) < 0 && errno == ENOENT)
        return cannot_verify(error, "there is no copy in %s: run `restore-verifier sync` first",
                             objects->copy);
    return store_open(&(struct store_options){.location = objects->copy}, ret_store, error);
}

/* --- what is needed --------------------------------------------------------------------------- */

static void ask(struct listed_store *store, const char *prefix, bool keys)
{
    if (!strings_contain(&store->asked, prefix))
        strings_add(&store->asked, prefix);
    store->keys = store->keys || keys;
}

/* Whoever looks at references has to know how those to the bucket begin, and opens it for that. */
static void ask_for(struct listed_objects *listed, const struct objects *objects,
                    const struct expectation *check)
{
    bool same = check->comparison == COMPARE_SAME_AS;
    bool references = check->metric == METRIC_MISSING || check->metric == METRIC_ORPHANED;
    bool both = same || (check->metric == METRIC_MISSING && objects->copy);
    const char *prefix = check->prefix ? check->prefix : "";
    if (!listed->bucket.name && (references || !check->of_copy))
        listed->bucket.name = xstrdup(objects->bucket);
    if (!listed->copy.name && (both || check->of_copy))
        listed->copy.name = xstrdup(objects->copy);
    if (!check->of_copy)
        ask(&listed->bucket, prefix, same || references);
    if (both || check->of_copy)
        ask(&listed->copy, prefix, same || references);
}

/* --- listing ---------------------------------------------------------------------------------- */

static int list(struct listed_store *listed, struct store *store, int64_t deadline_ms,
                struct error *error)
{
    listed->opened = true;
    if (listed->asked.count == 0)
        return 0;
    listed->measured = xcalloc(listed->asked.count, sizeof(*listed->measured));
    if (!listed->keys)
        return store_measure(store, &listed->asked, deadline_ms, listed->measured, error);
    cleanup(free_pointer) char *common = prefix_common(&listed->asked);
    if (inventory_read(store, common, deadline_ms, &listed->inventory, error) < 0)
        return -1;
    for (size_t i = 0; i < listed->asked.count; i++)
        listed->measured[i] = inventory_measured(listed->inventory, listed->asked.items[i]);
    return 0;
}

static int list_bucket(struct listed_objects *listed, const struct objects *objects,
                       int64_t deadline_ms, struct error *error)
{
    cleanup(store_freep) struct store *store = NULL;
    const struct store_options options = store_options_for(objects->bucket, &objects->access);
    if (store_open(&options, &store, error) < 0)
        return -1;
    if (store_bucket(store)) {
        listed->bucket_name = xstrdup(store_bucket(store));
        listed->key_prefix = xstrdup(store_prefix(store));
    }
    return list(&listed->bucket, store, deadline_ms, error);
}

static int list_copy(struct listed_objects *listed, const struct objects *objects,
                     int64_t deadline_ms, struct error *error)
{
    cleanup(store_freep) struct store *store = NULL;
    if (copy_open(objects, &store, error) < 0)
        return -1;
    listed->synced_ms = sync_began_ms(objects->copy);
    return list(&listed->copy, store, deadline_ms, error);
}

int objects_list(const struct objects *objects, const struct expectation *const *checks,
                 size_t check_count, int64_t deadline_ms, struct listed_objects *ret_objects,
                 struct error *error)
{
    struct listed_objects listed = {.synced_ms = -1};
    struct listed_store *bucket = &listed.bucket;
    struct listed_store *copy = &listed.copy;
    for (size_t i = 0; i < check_count; i++)
        ask_for(&listed, objects, checks[i]);
    if (bucket->name)
        bucket->failed = list_bucket(&listed, objects, deadline_ms, &bucket->error) < 0;
    if (copy->name)
        copy->failed = list_copy(&listed, objects, deadline_ms, &copy->error) < 0;
    if (bucket->failed || copy->failed)
        *error = bucket->failed ? bucket->error : copy->error;
    *ret_objects = listed;
    return bucket->failed || copy->failed ? -1 : 0;
}

struct objects_measured listed_measured(const struct listed_store *store, const char *prefix)
{
    for (size_t i = 0; i < store->asked.count; i++)
        if (strcmp(store->asked.items[i], prefix) == 0)
            return store->measured[i];
    abort(); /* what is not asked for is not known, and zero would be a lie */
}

static void listed_store_free(struct listed_store *store)
{
    free(store->name);
    strings_free(&store->asked);
    free(store->measured);
    inventory_free(store->inventory);
}

void listed_objects_free(struct listed_objects *objects)
{
    listed_store_free(&objects->bucket);
    listed_store_free(&objects->copy);
    free(objects->bucket_name);
    free(objects->key_prefix);
    *objects = (struct listed_objects){0};
}
