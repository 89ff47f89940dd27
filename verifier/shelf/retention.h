/* Which backups may go: older than `keep`, and not needed.
 *
 * A backup that is a set of files goes with all of them. One of which some are missing is no backup
 * and proves nothing; what is left of it goes when it is old.
 *
 * A backup is never deleted that is the newest, or the newest that verified, be it for another of
 * the databases in it, by a scenario of its own; and none is while no backup younger than `keep`
 * has verified, since then the old ones may be all there is. So a dump step that stopped a month
 * ago, or writes rubbish, costs disk space and not the last good backup.
 */
#ifndef SHELF_RETENTION_H
#define SHELF_RETENTION_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/backup_names.h"
#include "base/error.h"
#include "base/memory.h"
#include "scenario/scenario.h"
#include "shelf/record.h"
#include "shelf/shelf.h"

struct retained {
    char *name;           /* of a set: of its main part */
    struct strings files; /* all that it consists of */
    bool incomplete;      /* a set of which a part is missing */
    time_t time;          /* at the latest: the end of the day, hour ... that its name tells */
    bool day_only;        /* its name tells no hour */
    time_t modified;
    int64_t size_bytes;
    bool verified;           /* it has a record that speaks of it */
    int64_t object_failures; /* checks of objects that did not pass when it verified */
    char *unproven;          /* why it is not verified, where that is known; or NULL */
    /* Of several databases in one backup, each has a record of its own beside it. */
    struct strings records; /* names of all that lie there */
    char *last_of_other; /* the one by which it is the newest that verified for another scenario's
                            database; or NULL */
};

/* Newest first (backup_list.h). */
struct retained_list {
    struct shelf *shelf; /* borrowed */
    struct retained *items;
    size_t count;
};

/* Lists the regular files on the shelf whose whole name matches; `verified` is false
 * for all of them. Links and directories are passed over with a sentence in `notices`: prune
 * deletes files. */
int retained_list_read(struct shelf *shelf, const struct backup_names *names,
                       struct retained_list *ret_list, struct strings *notices,
                       struct error *error);
/* Looks for the records of all of them. `database` is the scenario's, or NULL. */
void retained_list_prove(struct retained_list *list, const char *scenario, const char *database,
                         const char *reports);
void retained_list_free(struct retained_list *list); /* takes a zeroed one */

/* The record that says that a backup, as it is now, verified: 1 when there is none; -1 when there
 * is one that does not say so (the error tells why). */
int retained_record(struct shelf *shelf, const struct retained *backup, const char *scenario,
                    const char *database, const char *reports, struct record *ret_record,
                    struct error *error);

enum retention {
    RETAIN_YOUNG,           /* not older than `keep` */
    RETAIN_PERIOD,          /* the one that is kept for its day, week, month or year */
    RETAIN_NEWEST,          /* the newest of all that are complete */
    RETAIN_NEWEST_VERIFIED, /* the newest that verified */
    RETAIN_OTHERS_NEWEST,   /* the newest that verified for another database that is in it */
    RETAIN_NOTHING_PROVEN,  /* no backup younger than `keep` has verified */
    RETAIN_NOT,             /* may be deleted */
};

/* One for each of the list. Days begin and end in local time; of several backups of one period the
 * newest that verified is kept for it, or else the newest. */
void retention_decide(const struct retained_list *list, time_t now, const struct keep *keep,
                      enum retention *ret_decisions);

/* "the newest backup", ...: why it stays; "" for RETAIN_YOUNG and RETAIN_NOT. Static. */
const char *retention_words(enum retention decision);

/* Deletes the backup, all of its files, and what lies beside them: manifests and records. */
int retained_delete(struct shelf *shelf, const struct retained *backup, const char *scenario,
                    const char *database, const char *reports, struct error *error);

/* Names of the manifests and records of backups from before `before` that are gone. Best effort. */
void retained_orphans(struct shelf *shelf, const struct backup_names *names, time_t before,
                      struct strings *ret_names);

#endif
