#include "report/gate_words.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "report/text.h"

static char *ago(time_t now, time_t then)
{
    char text[DURATION_TEXT_SIZE];
    duration_format((int64_t)(now > then ? now - then : 0) * 1000, text);
    return xstrdup(text);
}

static char *restored_in(const struct gate *gate)
{
    char text[DURATION_TEXT_SIZE];
    if (gate->restore_ms == INT64_MAX)
        return xstrdup("in a time that is not on record");
    duration_format(gate->restore_ms, text);
    return xasprintf("in %s", text);
}

static char *last_proven(const struct gate *gate, time_t now)
{
    if (!gate->proven)
        return xstrdup("none before it passed");
    cleanup(free_pointer) char *age = ago(now, gate->proven->began);
    return xasprintf("the last that passed was %s ago", age);
}

static char *limit_words(int64_t limit_ms)
{
    char text[DURATION_TEXT_SIZE];
    duration_format(limit_ms, text);
    return xstrdup(text);
}

static char *message_of(const struct gate *gate, const struct gate_limits *limits, time_t now,
                        const char *path)
{
    const struct history_entry *last = gate->last;
    if (!last)
        return xasprintf("no verification that could look at a backup is on record in %s: run "
                         "`restore-verifier verify`",
                         path);
    cleanup(free_pointer) char *age = ago(now, last->began);
    cleanup(free_pointer) char *backup_age = ago(now, last->backup_time);
    cleanup(free_pointer) char *restored = restored_in(gate);
    cleanup(free_pointer) char *proven = last_proven(gate, now);
    cleanup(free_pointer) char *most =
        limit_words(gate->state == GATE_SLOW         ? limits->rto_ms
                    : gate->state == GATE_OLD_BACKUP ? limits->max_backup_age_s * 1000
                                                     : limits->max_age_s * 1000);
    switch (gate->state) {
    case GATE_PROVEN:
        return xasprintf("verified %s ago: %s, restored %s", age, last->backup, restored);
    case GATE_RED:
        return xasprintf("the last verification, %s ago, did not pass: %s; %s", age, last->headline,
                         proven);
    case GATE_SLOW:
        return xasprintf("restoring %s took too long: it was done %s, and at most %s is asked for",
                         last->backup, restored, most);
    case GATE_OLD:
        return xasprintf("last verified %s ago, and at most %s is asked for: has the nightly run "
                         "stopped?",
                         age, most);
    case GATE_OLD_BACKUP:
        return xasprintf("%s, which verified %s ago, is %s old, and at most %s is asked for: has "
                         "the dump stopped?",
                         last->backup, age, backup_age, most);
    case GATE_UNKNOWN:
        if (gate->newer == 0)
            return xasprintf("cannot tell: the last line of %s is damaged, and may have said "
                             "something else than the one before: run `restore-verifier verify`",
                             path);
        return xasprintf("cannot tell: a newer version of this program wrote %zu line%s of %s, "
                         "which may say something else than the last that can be read: update the "
                         "program here",
                         gate->newer, gate->newer == 1 ? "" : "s", path);
    case GATE_NEVER:
        break;
    }
    return xstrdup("");
}

/* What else a person should know. */
static char *with_notes(char *message, const struct gate *gate)
{
    char *noted = message;
    if (gate->unseeing > 0) {
        noted = xasprintf("%s (%zu later run%s could not look at the backup)", message,
                          gate->unseeing, gate->unseeing == 1 ? "" : "s");
        free(message);
        message = noted;
    }
    if (gate->future > 0) {
        noted = xasprintf("%s (%zu line%s of the history %s dated in the future and %s not count: "
                          "look at the clocks)",
                          message, gate->future, gate->future == 1 ? "" : "s",
                          gate->future == 1 ? "is" : "are", gate->future == 1 ? "does" : "do");
        free(message);
    }
    return noted;
}

char *gate_sentence(const struct gate *gate, const struct gate_limits *limits, time_t now,
                    const char *path)
{
    cleanup(free_pointer) char *sentence = with_notes(message_of(gate, limits, now, path), gate);
    /* A history holds what backups and servers said. */
    return text_line(sentence);
}
