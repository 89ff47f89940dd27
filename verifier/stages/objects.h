/* The bucket of a scenario and its copy, listed for the checks that ask for them: once each, beside
 * reading and restoring. Counts and sizes alone are added up while listing, in memory that does not
 * grow; for what is compared key by key, the keys are kept.
 */
#ifndef STAGES_OBJECTS_H
#define STAGES_OBJECTS_H

#include "objects/inventory.h"
#include "objects/store.h"
#include "scenario/scenario.h"

/* One of the two, as it was listed. Of what was not asked for there is nothing. */
struct listed_store {
    char *name;           /* "s3://bucket/prefix" or the directory; NULL: not asked for */
    bool opened;          /* its settings are sound */
    bool failed;          /* it could not be opened or listed */
    struct error error;   /* why */
    struct strings asked; /* prefixes of keys, "" for all */
    struct objects_measured *measured; /* one for each */
    struct inventory *inventory;       /* with all that begins so; NULL: no keys were asked for */
    bool keys;
};

struct listed_objects {
    struct listed_store bucket;
    struct listed_store copy;
    /* How references to the bucket begin, whichever of the two they are looked up in. */
    char *bucket_name; /* NULL for a directory */
    char *key_prefix;  /* NULL for a directory */
    int64_t synced_ms; /* when the last sync began; -1: not known */
};

/* What was measured of the keys that begin with `prefix`, which was asked for. */
struct objects_measured listed_measured(const struct listed_store *store, const char *prefix);

/* Lists what the checks (expectations under `objects`) need. -1 when a store failed: the error is
 * its. The other one is listed all the same. */
int objects_list(const struct objects *objects, const struct expectation *const *checks,
                 size_t check_count, int64_t deadline_ms, struct listed_objects *ret_objects,
                 struct error *error);
void listed_objects_free(struct listed_objects *objects); /* takes a zeroed one */

#endif
