/* The history of a scenario: a line for each run (entry.h), kept where the backups lie, so that a
 * machine that is thrown away every night needs to keep nothing.
 *
 * In a directory it is one file, history/SCENARIO.jsonl below that of the backups, or below what
 * `history` names. Lines are appended under a lock (flock), each by one write; a line that a crash
 * cut short is passed over by readers and ends where the next one begins.
 *
 * In a bucket it is an object for each run, history/SCENARIO.TIME-ID.json, because an object cannot
 * be appended to. When there are many, they are put together into one, .jsonl, under a name of its
 * own, and only then removed: whoever reads meanwhile may meet a line twice, which its id tells,
 * and never misses one.
 *
 * Where the place of the backups cannot be written, the history lies among the reports. Lines older
 * than `history_keep` go when a new one comes.
 */
#ifndef HISTORY_HISTORY_H
#define HISTORY_HISTORY_H

#include "base/error.h"
#include "base/memory.h"
#include "history/entry.h"
#include "scenario/scenario.h"

struct history_entries {
    struct history_entry *items; /* the oldest run first */
    size_t count;
    bool torn;    /* the last line of all is damaged: what it said is not known */
    size_t newer; /* lines that a newer version of this program wrote, and that are not known */
};

void history_entries_free(struct history_entries *entries); /* takes a zeroed one */

/* The oldest first, and each run once. */
void history_entries_sort(struct history_entries *entries);

/* The scenario whose history a file of that name is, SCENARIO.jsonl or one of the objects of a
 * bucket; to be freed by the caller. NULL: none. */
char *history_scenario_of(const char *file);
/* Adds the lines of a file that lies anywhere, as history_read does, not sorted. */
int history_file_read(const char *path, struct history_entries *entries, struct strings *notices,
                      struct error *error);

struct history;

/* Nothing is read or sent. `reports` may be NULL. -1: the scenario says `history: none`, or its
 * bucket's place or credentials are not told. */
int history_open(const struct scenario *scenario, const char *reports, struct history **ret_history,
                 struct error *error);
void history_free(struct history *history); /* takes NULL */
void history_freep(struct history **history);

/* `now` is the time from which `history_keep` counts. 1: it went among the reports; the error says
 * why not to where it belongs. */
int history_append(struct history *history, const struct history_entry *entry, time_t now,
                   struct error *error);

/* `notices` gets a sentence for each line that could not be read. No history at all is none of
 * that: there are no entries then. */
int history_read(struct history *history, struct history_entries *ret_entries,
                 struct strings *notices, struct error *error);

/* Where it lies, for messages; freed by the caller. */
char *history_path(const struct history *history);

#endif
