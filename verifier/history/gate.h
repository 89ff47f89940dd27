/* Was a scenario's backup verified, lately enough, and did it pass? By its history alone. */
#ifndef HISTORY_GATE_H
#define HISTORY_GATE_H

#include <stdbool.h>

#include "history/history.h"

/* How long ago the last verification may be, unless somebody says otherwise. */
enum { GATE_MAX_AGE_S = 48 * 60 * 60 };

struct gate_limits {
    int64_t max_age_s;        /* of the verification */
    int64_t max_backup_age_s; /* of the backup that verified; 0: none */
    int64_t rto_ms;           /* how long restoring may have taken; 0: none */
};

enum gate_state {
    GATE_PROVEN,
    GATE_RED,        /* the last verification that could look found something bad */
    GATE_SLOW,       /* restoring took too long */
    GATE_OLD,        /* the last verification is too long ago */
    GATE_OLD_BACKUP, /* that was not long ago, and the backup is old */
    GATE_NEVER,      /* there is none */
    GATE_UNKNOWN, /* what a newer version of this program found, or the last run, cannot be read */
};

struct gate {
    enum gate_state state;
    const struct history_entry *last;   /* verification that could look; NULL: none; borrowed */
    const struct history_entry *proven; /* the last that passed; likewise */
    size_t unseeing;                    /* later ones that could not look at the backup */
    size_t future;                      /* lines that are dated in the future, and do not count */
    size_t newer;                       /* lines that only a newer version can read */
    bool torn;                          /* the last line of all is damaged */
    int64_t restore_ms;
};

/* What counts are runs of `verify` with every check, on the latest backup. Those that could not
 * look at it neither prove anything nor find anything bad. */
void gate_judge(const struct history_entries *entries, const struct gate_limits *limits, time_t now,
                struct gate *ret_gate);

/* How long restoring took in the nights before `night` that passed: the median of the last 30. 0
 * when there are fewer than five, or `night` is NULL. */
int64_t restore_usual_ms(const struct history_entries *entries, const struct history_entry *night);

/* 0 proven, 1 red or too slow, 2 too long ago, never, or not known */
int gate_exit_code(enum gate_state state);

/* "proven", "red", "slow", "old", "old backup", "never", "unknown": static */
const char *gate_word(enum gate_state state);

#endif
