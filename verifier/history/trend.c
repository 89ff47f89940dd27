#include "history/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* --- the past --------------------------------------------------------------------------------- */

void past_read(const struct scenario *scenario, const char *reports, struct past *ret_past)
{
    cleanup(history_freep) struct history *history = NULL;
    struct past past = {0};
    past.failed = history_open(scenario, reports, &history, &past.error) < 0;
    if (!past.failed) {
        past.path = history_path(history);
        past.failed = history_read(history, &past.entries, &past.notices, &past.error) < 0;
    }
    *ret_past = past;
}

void past_free(struct past *past)
{
    history_entries_free(&past->entries);
    strings_free(&past->notices);
    free(past->path);
    *past = (struct past){0};
}

/* --- nights ----------------------------------------------------------------------------------- */

static bool is_same_backup(const struct history_entry *one, const struct history_entry *other)
{
    return one->backup_time == other->backup_time && strcmp(one->backup, other->backup) == 0;
}

/* Names may be the same every night, and times are not always known. */
static bool is_before(const struct history_entry *entry, const char *backup, time_t backup_time)
{
    return backup_time > 0 && entry->backup_time > 0 ? entry->backup_time < backup_time
                                                     : strcmp(entry->backup, backup) != 0;
}

static bool is_among(const struct nights *nights, const struct history_entry *entry)
{
    for (size_t i = 0; i < nights->count; i++)
        if (is_same_backup(nights->items[i], entry))
            return true;
    return false;
}

static void add(struct nights *nights, const struct history_entry *entry)
{
    nights->items = xreallocarray(nights->items, nights->count + 1, sizeof(struct history_entry *));
    nights->items[nights->count++] = entry;
}

void nights_before(const struct history_entries *entries, const char *backup, time_t backup_time,
                   time_t now, size_t most, struct nights *ret_nights)
{
    struct nights nights = {0};
    struct nights bad = {0}; /* were red when they were last looked at */
    for (size_t i = entries->count; i-- > 0 && nights.count < most;) {
        const struct history_entry *entry = &entries->items[i];
        bool looked = entry->exit_code == 0 || entry->exit_code == 1;
        if (!history_entry_counts(entry) || history_entry_is_future(entry, now) || !looked ||
            !*entry->backup || !is_before(entry, backup, backup_time) || is_among(&nights, entry) ||
            is_among(&bad, entry))
            continue;
        add(entry->exit_code == 0 ? &nights : &bad, entry);
    }
    nights_free(&bad);
    *ret_nights = nights;
}

void nights_free(struct nights *nights)
{
    free(nights->items);
    *nights = (struct nights){0};
}

/* --- numbers ---------------------------------------------------------------------------------- */

long double numbers_mean(const long double *numbers, size_t count)
{
    long double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += numbers[i];
    return sum / (long double)count;
}

static int by_size(const void *one, const void *other)
{
    long double left = *(const long double *)one, right = *(const long double *)other;
    return (left > right) - (left < right);
}

/* Of numbers that are sorted by it. */
static long double median_of(long double *numbers, size_t count)
{
    qsort(numbers, count, sizeof(*numbers), by_size);
    return (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
}

void usual_find(const long double *numbers, size_t count, long double least,
                struct usual *ret_usual)
{
    static const long double of_normal = 1.4826L, far = 5, near = 0.1L;
    cleanup(free_pointer) long double *sorted = xcalloc(count, sizeof(*sorted));
    memcpy(sorted, numbers, count * sizeof(*sorted));
    const long double median = median_of(sorted, count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = fabsl(numbers[i] - median);
    const long double spread = of_normal * median_of(sorted, count);
    *ret_usual = (struct usual){
        .median = median,
        .spread = spread,
        .allowed = fmaxl(least, fmaxl(far * spread, near * fabsl(median))),
    };
}

bool usual_holds(const struct usual *usual, long double number)
{
    return fabsl(number - usual->median) <= usual->allowed;
}

long double percent_of(long double difference, long double before)
{
    if (before != 0)
        return difference * 100 / before;
    return difference == 0 ? 0 : copysignl(HUGE_VALL, difference);
}
