/* Damaged copies of a backup, to see whether the alarm goes off.
 *
 * Each kind of damage is one that has happened to somebody: a copy that was cut short, a bit that
 * flipped on a disk, rows that were deleted before the archive was written again, another night
 * under tonight's name. A copy lies alone in a directory, under the name and with the manifest of
 * the backup, so that it is found as tonight's would be. The backup itself is only read.
 *
 * What is damaged is chosen by a seed: the same seed damages the same backup in the same way.
 */
#ifndef SABOTAGE_SABOTAGE_H
#define SABOTAGE_SABOTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "scenario/scenario.h"

enum sabotage_kind {
    SABOTAGE_CUT,
    SABOTAGE_FLIP,
    SABOTAGE_MISSING_DATA,
    SABOTAGE_ROW_REMOVED,
    SABOTAGE_ROW_CHANGED,
    SABOTAGE_EMPTIED,
    SABOTAGE_INDEX,
    SABOTAGE_CONSTRAINT,
    SABOTAGE_TRIGGER,
    SABOTAGE_POLICY,
    SABOTAGE_VIEW,
    SABOTAGE_SEQUENCE,
    SABOTAGE_SEQUENCE_SET,
    SABOTAGE_OLDER,
    SABOTAGE_OTHER_DATABASE,
    SABOTAGE_OTHER_MANIFEST,
    SABOTAGE_OBJECT, /* of the bucket: never made */
    SABOTAGE_COUNT,
};

/* "one row removed": the same in every night. */
const char *sabotage_name(enum sabotage_kind kind);

/* From 0 to below - 1; `below` is at least 1. The same state gives the same numbers everywhere. */
uint64_t sabotage_random(uint64_t *state, uint64_t below);

struct sabotage_order {
    const struct scenario *scenario;
    enum sabotage_kind kind;
    uint64_t seed;
    const char *origin;    /* a directory that the backup was fetched into; NULL: where the
                              scenario's backups lie */
    const char *name;      /* of the backup there */
    int64_t size_bytes;    /* with these it was found to be good: as something else it is */
    time_t modified;       /* not damaged */
    const char *directory; /* where the damaged copy goes, made here */
};

enum sabotage_state { SABOTAGE_NOT_TRIED, SABOTAGE_MADE, SABOTAGE_NOT_HERE, SABOTAGE_FAILED };

/* What became of it; it may lie in shared memory. */
struct sabotage_fact {
    enum sabotage_state state;
    /* Every scenario must notice it. Else only what somebody expects of the data could. */
    bool must;
    bool right_as_error; /* an error that names it is as good as a failure */
    char done[1024];     /* "row 17 of public.projects is gone"; or why it does not apply */
    char remedy[2048];   /* what would have noticed it, or "" */
    struct error error;  /* for SABOTAGE_FAILED */
};

void sabotage_make(const struct sabotage_order *order, struct sabotage_fact *ret_fact);

/* Fetches the backup of that name, with its manifest, from where the scenario's lie into a
 * directory, which is made. */
int sabotage_fetch(const struct scenario *scenario, const char *name, const char *directory,
                   struct error *error);

#endif
