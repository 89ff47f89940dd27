/* The objects of a bucket, listed in several ranges at the same time.
 *
 * The first page tells how dense keys are; the rest is divided into ranges of about a page and a
 * half (ranges.h), and what turns out to be longer is divided again. So the way to a far store is
 * gone a few times, however many pages there are; a near one, which only has more work by many
 * requests, gets few at a time.
 *
 * Source: ListObjectsV2 and ListObjects of the Amazon S3 API reference. A page is believed only
 * when it fits what was asked: the bucket, the start or token that it says it answers, keys in
 * ascending order after the last one, a count that is that of its keys, and a way to go on when
 * there is more. Any other page is asked for again. Stores that know only the first version are
 * listed with it; stores that ignore where to start, by their tokens, one page after the other.
 */
#ifndef OBJECTS_LISTING_H
#define OBJECTS_LISTING_H

#include <stdint.h>

#include "base/error.h"
#include "objects/client.h"
#include "objects/store.h"

struct listing_options {
    const char *prefix; /* below the location's */
    int lanes;          /* ranges at the same time, at most */
    int64_t deadline_ms;
    object_visitor *visit;
    void *context;
};

int listing_run(struct client *client, const struct listing_options *options, struct error *error);

#endif
