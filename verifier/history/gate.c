#include "history/gate.h"

#include <stdlib.h>

#include "base/memory.h"

static void take_in(const struct history_entry *entry, struct gate *gate)
{
    if (entry->exit_code != 0 && entry->exit_code != 1) {
        gate->unseeing++;
        return;
    }
    gate->last = entry;
    gate->unseeing = 0;
    if (entry->exit_code == 0)
        gate->proven = entry;
}

static bool is_slow(const struct gate_limits *limits, const struct gate *gate)
{
    return limits->rto_ms > 0 && gate->restore_ms > limits->rto_ms;
}

static enum gate_state state_of(const struct gate_limits *limits, time_t now,
                                const struct gate *gate)
{
    const struct history_entry *last = gate->last;
    if (!last)
        return GATE_NEVER;
    if (last->exit_code != 0)
        return GATE_RED;
    if (now - last->began > limits->max_age_s)
        return GATE_OLD;
    if (limits->max_backup_age_s > 0 && now - last->backup_time > limits->max_backup_age_s)
        return GATE_OLD_BACKUP;
    if (is_slow(limits, gate))
        return GATE_SLOW;
    return gate->newer > 0 || gate->torn ? GATE_UNKNOWN : GATE_PROVEN;
}

void gate_judge(const struct history_entries *entries, const struct gate_limits *limits, time_t now,
                struct gate *ret_gate)
{
    struct gate gate = {.newer = entries->newer, .torn = entries->torn};
    for (size_t i = 0; i < entries->count; i++) {
        const struct history_entry *entry = &entries->items[i];
        if (!history_entry_counts(entry))
            continue;
        if (history_entry_is_future(entry, now))
            gate.future++;
        else
            take_in(entry, &gate);
    }
    const int64_t *restore =
        gate.proven ? named_numbers_find(&gate.proven->stages, "restore") : NULL;
    /* How long it took is not known, and may be too long. */
    gate.restore_ms = restore ? *restore : INT64_MAX;
    gate.state = state_of(limits, now, &gate);
    *ret_gate = gate;
}

static int by_size(const void *one, const void *other)
{
    int64_t left = *(const int64_t *)one, right = *(const int64_t *)other;
    return (left > right) - (left < right);
}

int64_t restore_usual_ms(const struct history_entries *entries, const struct history_entry *night)
{
    enum { NIGHTS_MOST = 30, NIGHTS_LEAST = 5 };
    int64_t times[NIGHTS_MOST];
    size_t count = 0;
    for (size_t i = night ? (size_t)(night - entries->items) : 0; i-- > 0 && count < NIGHTS_MOST;) {
        const struct history_entry *entry = &entries->items[i];
        const int64_t *restore = named_numbers_find(&entry->stages, "restore");
        if (history_entry_counts(entry) && entry->exit_code == 0 && restore)
            times[count++] = *restore;
    }
    if (count < NIGHTS_LEAST)
        return 0;
    qsort(times, count, sizeof(*times), by_size);
    return times[count / 2];
}

static const struct {
    const char *word;
    int exit_code;
} states[] = {
    [GATE_PROVEN] = {"proven", 0},
    [GATE_RED] = {"red", 1},
    [GATE_SLOW] = {"slow", 1},
    [GATE_OLD] = {"old", 2},
    [GATE_OLD_BACKUP] = {"old backup", 2},
    [GATE_NEVER] = {"never", 2},
    [GATE_UNKNOWN] = {"unknown", 2},
};

int gate_exit_code(enum gate_state state)
{
    return states[state].exit_code;
}

const char *gate_word(enum gate_state state)
{
    return states[state].word;
}
