/* The two ways in which lines of a history are kept: in a file, and as objects of a bucket. Used by
 * history.c alone. */
#ifndef HISTORY_LINES_H
#define HISTORY_LINES_H

#include "history/history.h"
#include "shelf/shelf.h"

/* Adds the lines of a text; `path` stands in notices. */
void lines_parse(const char *text, size_t length, const char *path, struct history_entries *entries,
                 struct strings *notices);
/* The lines of entries from `since` on; freed by the caller. */
char *lines_format(const struct history_entries *entries, time_t since);

/* file.c: SCENARIO.jsonl in a directory, which is made by the first line. */
int file_lines_append(struct shelf *shelf, const char *scenario, const struct history_entry *entry,
                      time_t since, struct error *error);
int file_lines_read(struct shelf *shelf, const char *scenario, struct history_entries *entries,
                    struct strings *notices, struct error *error);

/* objects.c */
/* Is that the name of an object of this scenario's history? */
bool object_lines_are_of(const char *name, const char *scenario);
int object_lines_append(struct shelf *shelf, const char *scenario,
                        const struct history_entry *entry, time_t since, struct error *error);
int object_lines_read(struct shelf *shelf, const char *scenario, struct history_entries *entries,
                      struct strings *notices, struct error *error);

/* More is no history. */
enum { LINES_LIMIT_BYTES = 64 << 20 };

#endif
