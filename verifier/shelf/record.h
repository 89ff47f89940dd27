/* The record of a backup that verified: NAME.verified.json beside it, left by `verify` when every
 * check of the scenario passed (or every one but some of objects, which are counted), and read by
 * `prune`, and by `change for`.
 *
 * Where the scenario names one of several databases in the backup, it is
 * NAME.verified-DATABASE.json: it says nothing of the others, whose scenarios leave records of
 * their own.
 *
 * It speaks of the bytes that were verified: of a file of another size, one that was modified
 * since, or one whose manifest has another sha256, it says nothing. Where the backups' place
 * cannot be written it lies among the reports, as SCENARIO.NAME.verified.json. Read with the same
 * mistrust as a manifest.
 *
 * Of a set of files NAME is that of its main part, and so is the sha256, as in a manifest; the size
 * is that of all parts, the time that of the part modified last.
 */
#ifndef SHELF_RECORD_H
#define SHELF_RECORD_H

#include <time.h>

#include "base/error.h"
#include "base/hash.h"
#include "postgres/table_counts.h"
#include "postgres/version_table.h"
#include "schema/definitions.h"
#include "schema/totals.h"
#include "shelf/shelf.h"

enum { RECORD_VERSION = 1 };

struct record {
    char *backup;             /* the file's name */
    char *database;           /* the one that was verified; NULL: all that is in the backup */
    struct strings databases; /* where all of several were verified: their names; else none */
    time_t verified;          /* when the run began */
    int64_t size_bytes;
    time_t modified; /* the file, when it was verified */
    char sha256[SHA256_HEX_SIZE];
    char *program;  /* "restore-verifier 0.1.0" */
    char *server;   /* version of the server that it was restored into */
    int64_t checks; /* that passed */
    int64_t warnings;
    int64_t object_failures;    /* checks of objects that did not pass: they say nothing about it */
    struct table_counts tables; /* restored rows */
    struct version_states versions; /* of the version tables that the scenario names */
    struct definitions definitions; /* every object of it; likewise */
    struct schema_totals schema;    /* of the backup's table of contents; none in older records */
    /* What was measured of the bucket and its copy when their checks last passed, by the text of
     * the metric ("object_count in shots/"); missing from a record means that nothing was. */
    struct record_metric {
        char *name;
        int64_t value;
    } * objects;
    size_t object_count;
};

void record_free(struct record *record); /* what it holds; takes a zeroed one */

void record_metric_add(struct record *record, const char *name, int64_t value);
/* NULL when it was not recorded. Borrowed. */
const struct record_metric *record_metric_find(const struct record *record, const char *name);

/* Where a record may lie. */
struct record_places {
    struct shelf *backups; /* borrowed */
    char *beside;
    struct shelf *reports; /* may be NULL */
    char *among_reports;
    char *database; /* NULL: of all that is in the backup */
};

/* The name of a backup's record, to be freed by the caller; `database` may be NULL. */
char *record_name(const char *backup, const char *database);
/* The backup that a record of one database belongs to, to be freed by the caller; NULL when it is
 * not named like one. */
char *record_of_database_backup(const char *name);

/* `backup` is a name. `reports` is a directory, and may be NULL. */
void record_places(struct shelf *backups, const char *backup, const char *scenario,
                   const char *reports, struct record_places *ret_places);
void record_places_of(struct shelf *backups, const char *backup, const char *scenario,
                      const char *database, const char *reports, struct record_places *ret_places);
void record_places_free(struct record_places *places);

char *record_format(const struct record *record); /* freed by the caller */
int record_parse(const char *text, size_t length, const char *name, struct record *ret_record,
                 struct error *error);

/* Writes beside the backup, or else among the reports; `ret_path`, for messages, says which (freed
 * by the caller). */
int record_write(const struct record *record, const struct record_places *places, char **ret_path,
                 struct error *error);

/* Removes both. -1 when one stays. */
int record_remove(const struct record_places *places, struct error *error);

/* A backup as it lies there now. */
struct backup_state {
    const char *name;
    int64_t size_bytes;
    time_t modified;
};

/* Reads the record of a backup: 1 when there is none; -1 when there is one that does not speak of
 * the backup as it is now, or cannot be read: the error tells why. */
int record_read_named(struct shelf *shelf, const char *name, const struct backup_state *backup,
                      struct record *ret_record, struct error *error);
/* The same for the places where a scenario's record may lie, and it must be of its database. */
int record_read(const struct record_places *places, const struct backup_state *backup,
                struct record *ret_record, struct error *error);

#endif
