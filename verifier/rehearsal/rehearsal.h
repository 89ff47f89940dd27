/* A migration rehearsed: the user's own command runs on a copy of what was restored, and is
 * watched.
 *
 * What is learned lies in memory that the main process shares with the worker, as facts do: fixed
 * sizes, no pointers, texts cut to fit. Times are microseconds; those of intervals count from when
 * the command began.
 */
#ifndef REHEARSAL_REHEARSAL_H
#define REHEARSAL_REHEARSAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "scenario/scenario.h"
#include "stages/stages.h"

enum {
    REHEARSED_TABLES = 20000, /* more are refused */
    REHEARSED_INTERVALS = 1000,
    REHEARSED_STEPS = 500,
    REHEARSED_PENDING = 500,
    REHEARSED_DURING = 3,
    REHEARSED_NAME = 256,
    REHEARSED_TEXT = 400,
};

/* One run of a command. */
struct rehearsed_command {
    bool ran; /* it was started, and has ended */
    bool overdue;
    int exit_code; /* -1: a signal ended it */
    char how[128];
    int64_t duration_us;
    bool connected;         /* it came to the copy */
    bool has_network;       /* the machine's, asked for or not to be taken away */
    int64_t left_running;   /* processes, which we ended */
    char first_error[1024]; /* that the server told it, or "" */
    char last_lines[4096];
};

struct rehearsed_table {
    char name[REHEARSED_NAME]; /* "public.users" */
    bool was_there, is_there;
    bool of_tool; /* a migration tool keeps what is applied in it: counted for nothing */
    bool rewritten;
    int64_t rows_before, rows_after;
    int64_t inserted, updated, deleted;
    int64_t write_blocked_us, read_blocked_us; /* the longest time */
    int64_t different;                         /* rows, after the way back, or after a failure */
};

struct rehearsed_statement {
    char text[REHEARSED_TEXT]; /* without the values in it */
    int64_t duration_us;
};

struct rehearsed_interval {
    char table[REHEARSED_NAME];
    bool reading; /* not even reading went */
    char mode[32];
    int64_t from_us, to_us;
    struct rehearsed_statement taker;
    struct rehearsed_statement during[REHEARSED_DURING];
    int64_t during_more;
};

/* A migration, by its revision; or else one of the longest statements. */
struct rehearsed_step {
    char name[REHEARSED_TEXT];
    char title[REHEARSED_NAME]; /* of a migration whose file is known; or "" */
    int64_t duration_us;
};

/* A migration that was not applied before, by the files of the project. */
struct rehearsed_pending {
    char name[REHEARSED_NAME]; /* its revision, or what its tool calls it */
    char title[REHEARSED_NAME];
    char warnings[1024]; /* lines: what its file alone shows (migrations/warnings.h) */
};

/* The copy against the restored database. */
struct rehearsed_difference {
    bool known;
    int64_t objects;   /* of the schema: gone, new or changed */
    char listed[8192]; /* lines: "- INDEX public.i" */
    int64_t rows;
};

struct rehearsal {
    char role[128];
    bool superuser;
    struct rehearsed_command command;
    struct rehearsed_command again; /* after a failure */
    struct rehearsed_command back;
    char back_problem[1024]; /* why the way back could not be tried, or "" */
    char revision_before[REHEARSED_NAME], revision_after[REHEARSED_NAME]; /* "": not known */
    char revision_back[REHEARSED_NAME];
    int64_t size_before, size_after, wal_bytes, temporary_bytes;
    int64_t transactions; /* that changed something and committed */
    char unheeded[1024];  /* why a command that exited with 0 has not done its work, or "" */
    bool changed_nothing; /* as far as is seen */
    bool unheeded_probe;  /* only questions failed, which a tool may well ask */
    bool rows_known;
    bool observed;                       /* by event triggers too */
    int64_t sample_count, sample_gap_us; /* the largest distance of two */
    struct rehearsed_difference after_failure, after_back;
    char unsound[4096];   /* lines, of what was not before */
    char gone[8192];      /* lines: "table public.x", "column public.t.c" */
    size_t pending_count; /* in the order in which they are applied */
    struct rehearsed_pending pending[REHEARSED_PENDING];
    char pending_problem[1024]; /* why they are not known; or "" */
    int64_t pending_left;       /* after the command; -1: not known */
    size_t step_count;
    bool steps_are_migrations;
    struct rehearsed_step steps[REHEARSED_STEPS];
    size_t interval_count;
    int64_t intervals_left_out;                               /* shorter ones */
    struct rehearsed_interval intervals[REHEARSED_INTERVALS]; /* the longest first */
    char log[PATH_MAX]; /* of what the commands printed, or "" */
    size_t table_count;
    struct rehearsed_table tables[REHEARSED_TABLES];
};

struct rehearsal_order {
    const struct scenario *scenario;
    const struct lent_server *server;
    const char *log_path; /* where what the commands print goes */
};

/* Rehearses: the command, and where it failed the same again, or else the way back. `rehearsal` is
 * all zero. -1: it could not be done, or could not be watched; what is known until then is filled
 * in.
 */
int rehearsal_run(const struct rehearsal_order *order, struct rehearsal *rehearsal,
                  struct error *error);

/* NULL: none. */
const struct rehearsed_table *rehearsal_table(const struct rehearsal *rehearsal, const char *name);

/* How many of its tables were rewritten. */
int64_t rehearsal_rewritten(const struct rehearsal *rehearsal);

#endif
