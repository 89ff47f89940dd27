/* Dividing the keys of a bucket into ranges that can be listed at the same time.
 *
 * A range is (after, until]. Wherever it is divided, each key is in exactly one of the parts, so a
 * bad choice costs time and never a count. The places are guessed from the last page that was seen:
 * how far it reached tells how dense keys are there, and its characters are those that other keys
 * will have too. Keys are taken for paths whose parts are numbers or spread evenly (UUIDs, hashes).
 */
#ifndef OBJECTS_RANGES_H
#define OBJECTS_RANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "objects/listing_page.h"
#include "objects/store.h"

/* A key or a place between keys. */
struct place {
    char bytes[KEY_LIMIT + 1];
    size_t length;
};
void place_set(struct place *place, const char *bytes, size_t length);
/* The order of keys in a listing: that of their bytes. */
int key_compare(const char *left, size_t left_length, const char *right, size_t right_length);

struct listed_range {
    struct place after;   /* what has been listed ends here: the last key of the last page */
    bool bounded;         /* `until` means something */
    struct place until;   /* the last that belongs to the range */
    struct place begin;   /* where the last page began: `after`, before it */
    size_t common;        /* bytes that the last page's keys have in common */
    size_t prefix_length; /* what all keys begin with */
    bool symbols[128];    /* ASCII characters of the parts in which the last page's keys differ */
    size_t page_count;    /* keys on the last page */
};

/* Notes what a page holds: at least one key. */
void range_note_page(struct listed_range *range, const struct listing_page *page);

/* How many pages like the last one the rest of the range will fill, guessed from how far that one
 * reached; infinite when the range is not bounded. */
double range_pages_left(const struct listed_range *range);

/* Writes at most `wanted` places to divide the rest of the range at, in ascending order, each after
 * `after` and before `until`, and not nearer to each other than a page seems to be wide. Gives
 * their number. */
size_t range_split(const struct listed_range *range, size_t wanted, struct place *ret_places);

#endif
