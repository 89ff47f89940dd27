/* One line of a scenario's history: what one run of `verify`, `dump` or `sync` came to.
 *
 * A line is a JSON object without line feeds, {"format": "restore-verifier history", ...}, so that
 * it can be read with jq as well as by us. Times are UTC, durations seconds, sizes bytes. What a
 * run did not learn is empty. Read with the same mistrust as a manifest (shelf/document.h).
 */
#ifndef HISTORY_ENTRY_H
#define HISTORY_ENTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "base/hash.h"
#include "postgres/table_counts.h"
#include "postgres/version_table.h"
#include "schema/totals.h"

/* Of a database with more, the largest are remembered. */
enum { HISTORY_VERSION = 1, HISTORY_MOST_TABLES = 200 };

/* Numbers by name, in the order in which they were added. */
struct named_numbers {
    struct named_number {
        char *name;
        int64_t value;
    } * items;
    size_t count;
};

void named_numbers_add(struct named_numbers *numbers, const char *name, int64_t value);
/* NULL: there is none. Borrowed. */
const int64_t *named_numbers_find(const struct named_numbers *numbers, const char *name);

struct history_entry {
    char *line;    /* as it was read, without its line feed; NULL: it was not */
    char *id;      /* of this run alone */
    char *command; /* "verify" */
    time_t began;
    int64_t duration_ms;
    int64_t exit_code;
    char *headline; /* what was the matter, in a sentence */
    int64_t checks; /* their number, and that of each verdict; `passed` with those that warned */
    int64_t passed;
    int64_t warnings;
    int64_t failed;
    int64_t errors;
    int64_t skipped;
    char *program; /* "restore-verifier 0.1.0" */
    char *server;  /* the version of the server that it was restored into, or "" */
    char *backup;  /* its file's name, or "" when none was found */
    bool given;    /* the backup was named on the command line, and need not be the latest */
    time_t backup_time;
    int64_t backup_size_bytes;
    char sha256[SHA256_HEX_SIZE]; /* or "" */
    struct named_numbers stages;  /* how long each took, in milliseconds */
    bool contents_compared;       /* all rows, value for value, and not only counted */
    /* Only of a backup that verified: */
    struct table_counts tables;
    int64_t tables_left_out; /* how many more there are, with fewer rows */
    struct version_states versions;
    struct schema_totals schema;
    struct named_numbers objects; /* by the text of the metric */
};

void history_entry_free(struct history_entry *entry); /* what it holds; takes a zeroed one */

/* Is it a verification of the latest backup, by every check? */
bool history_entry_counts(const struct history_entry *entry);
/* Is it dated later than clocks of several machines differ? */
bool history_entry_is_future(const struct history_entry *entry, time_t now);

/* Fills the id. */
void history_entry_name(struct history_entry *entry);
/* Keeps the largest tables, when there are more than HISTORY_MOST_TABLES. */
void history_entry_cut(struct history_entry *entry);

/* With a line feed at its end; freed by the caller. What was read is given as it was, byte for
 * byte, so that its digest stays. */
char *history_entry_format(const struct history_entry *entry);
/* `name` stands in errors, which are those of document_parse. */
int history_entry_parse(const char *text, size_t length, const char *name,
                        struct history_entry *ret_entry, struct error *error);

#endif
