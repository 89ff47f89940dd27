/* The bucket and its copy: how many objects, how many bytes, and whether both hold the same. */
#include "checks/listed.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "checks/kinds.h"
#include "checks/session.h"

bool listed_is_there(const struct listed_store *store, struct outcome *outcome)
{
    if (store->failed)
        outcome_from_error(outcome, &store->error);
    return !store->failed;
}

const struct listed_store *listed_of(const struct subject *subject,
                                     const struct expectation *expectation)
{
    return expectation->of_copy ? &subject->objects->copy : &subject->objects->bucket;
}

const char *listed_prefix(const struct expectation *expectation)
{
    return expectation->prefix ? expectation->prefix : "";
}

char *objects_value_name(const struct expectation *expectation)
{
    cleanup(free_pointer) char *metric = metric_name(expectation);
    return xasprintf("objects: %s%s", expectation->change ? "change for " : "", metric);
}

int64_t listed_number(const struct listed_store *store, const struct expectation *expectation)
{
    struct objects_measured measured = listed_measured(store, listed_prefix(expectation));
    return expectation->metric == METRIC_TOTAL_SIZE ? measured.size_bytes : measured.count;
}

void objects_number(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct expectation *expectation = parameter;
    const struct listed_store *store = listed_of(subject, expectation);
    if (!listed_is_there(store, outcome))
        return;
    int64_t number = listed_number(store, expectation);
    char size[SIZE_TEXT_SIZE];
    size_format(number, size);
    cleanup(free_pointer) char *text =
        expectation->metric == METRIC_TOTAL_SIZE ? xstrdup(size) : xasprintf("%" PRId64, number);
    cleanup(free_pointer) char *name = objects_value_name(expectation);
    session_judge(expectation, name, (long double)number, text, outcome);
    outcome_detail(outcome, "of %s", store->name);
}

void objects_change(const struct subject *subject, const void *parameter, struct outcome *outcome)
{
    const struct expectation *expectation = parameter;
    const struct listed_store *store = listed_of(subject, expectation);
    if (!listed_is_there(store, outcome))
        return;
    cleanup(free_pointer) char *metric = metric_name(expectation);
    cleanup(free_pointer) char *name = objects_value_name(expectation);
    const struct record_metric *before =
        subject->previous ? record_metric_find(subject->previous, metric) : NULL;
    const struct change change = {.value_name = name,
                                  .unit = expectation->metric == METRIC_TOTAL_SIZE ? "bytes"
                                                                                   : "objects",
                                  .now = listed_number(store, expectation),
                                  .before = before ? before->value : 0,
                                  .has_before = before != NULL};
    change_judge(subject, expectation, &change, outcome);
}

/* --- the same as the copy --------------------------------------------------------------------- */

static void add_count(struct buffer *words, int64_t count, const char *where, const char *name)
{
    if (count > 0)
        buffer_printf(words, "%s%" PRId64 " %s%s", words->length ? ", " : "", count, where, name);
}

static void tell_difference(const struct expectation *expectation,
                            const struct inventory_pair *pair, const struct difference *difference,
                            struct outcome *outcome)
{
    struct buffer words;
    buffer_init(&words, sizeof(outcome->message));
    add_count(&words, difference->only_in_first, "only in ", pair->first_name);
    add_count(&words, difference->only_in_second, "only in ", pair->second_name);
    add_count(&words, difference->other_size, "of another size", "");
    int64_t all = difference->only_in_first + difference->only_in_second + difference->other_size;
    if (difference->since > 0)
        buffer_printf(&words,
                      "; %" PRId64 " of these changed after the last sync: run sync right before "
                      "verify",
                      difference->since);
    disagree(expectation, words.data, outcome);
    buffer_free(&words);
    if (all > (int64_t)difference->named.count)
        outcome_detail(outcome, "%" PRId64 " objects differ, the first %zu:", all,
                       difference->named.count);
    for (size_t i = 0; i < difference->named.count; i++)
        outcome_detail(outcome, "%s", difference->named.items[i]);
    if (difference->only_in_second > 0)
        outcome_detail(outcome,
                       "sync keeps in %s what was deleted from %s; sync --delete removes it there",
                       pair->second_name, pair->first_name);
}

void objects_same_as_copy(const struct subject *subject, const void *parameter,
                          struct outcome *outcome)
{
    const struct expectation *expectation = parameter;
    const struct listed_objects *objects = subject->objects;
    if (!listed_is_there(&objects->bucket, outcome) || !listed_is_there(&objects->copy, outcome))
        return;
    const struct inventory_pair pair = {
        .first = objects->bucket.inventory,
        .second = objects->copy.inventory,
        .first_name = objects->bucket.name,
        .second_name = objects->copy.name,
        .prefix = listed_prefix(expectation),
        .since_ms = objects->synced_ms >= 0 ? objects->synced_ms : INT64_MAX,
    };
    struct objects_measured measured = listed_measured(&objects->bucket, pair.prefix);
    char size[SIZE_TEXT_SIZE];
    size_format(measured.size_bytes, size);
    cleanup(difference_free) struct difference difference;
    inventory_compare(&pair, &difference);
    cleanup(free_pointer) char *metric = objects_value_name(expectation);
    cleanup(free_pointer) char *name = xasprintf("%s other than in copy", metric);
    int64_t all = difference.only_in_first + difference.only_in_second + difference.other_size;
    outcome_value(outcome, name, "%" PRId64, all);
    if (all > 0)
        tell_difference(expectation, &pair, &difference, outcome);
    else
        outcome_pass(outcome, "%" PRId64 " object%s, %s", measured.count,
                     measured.count == 1 ? "" : "s", size);
    /* Which may be right, and may be a wrong prefix. */
    if (all == 0 && measured.count == 0)
        outcome_warn(outcome, "there is no object%s%s, neither in %s nor in %s",
                     *pair.prefix ? " in " : "", pair.prefix, pair.first_name, pair.second_name);
}
