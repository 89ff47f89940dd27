#include "commands/usual.h"

#include <stdlib.h>
#include <string.h>

#include "history/history.h"

enum { NIGHTS = 5 };

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static int64_t median(int64_t *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return count > 0 ? values[count / 2] : 0;
}

/* One that came to its end: what was restored, and checked. */
static bool tells_times(const struct history_entry *entry)
{
    return strcmp(entry->command, "verify") == 0 && !entry->given &&
           named_numbers_find(&entry->stages, stage_name(STAGE_CHECK)) != NULL &&
           named_numbers_find(&entry->stages, stage_name(STAGE_RESTORE)) != NULL;
}

static void take_medians(const struct history_entry *const *nights, size_t count,
                         struct usual_times *ret_usual)
{
    int64_t values[NIGHTS] = {0};
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        size_t known = 0;
        for (size_t i = 0; i < count; i++) {
            const int64_t *ms = named_numbers_find(&nights[i]->stages, stage_name(stage));
            if (ms)
                values[known++] = *ms;
        }
        ret_usual->stages_ms[stage] = median(values, known);
    }
    for (size_t i = 0; i < count; i++)
        values[i] = nights[i]->backup_size_bytes;
    ret_usual->backup_size_bytes = median(values, count);
}

bool usual_times_read(const struct scenario *scenario, const char *reports,
                      struct usual_times *ret_usual)
{
    struct error ignored;
    struct history_entries entries = {0};
    cleanup(strings_free) struct strings notices = {0};
    cleanup(history_freep) struct history *history = NULL;
    if (scenario->history.none || history_open(scenario, reports, &history, &ignored) < 0)
        return false;
    cleanup(free_pointer) char *path = history_path(history);
    if (starts_with(path, "s3://") || history_read(history, &entries, &notices, &ignored) < 0)
        return false;
    const struct history_entry *nights[NIGHTS];
    size_t count = 0;
    for (size_t i = entries.count; i > 0 && count < NIGHTS; i--)
        if (tells_times(&entries.items[i - 1]))
            nights[count++] = &entries.items[i - 1];
    if (count > 0)
        take_medians(nights, count, ret_usual);
    history_entries_free(&entries);
    return count > 0;
}
