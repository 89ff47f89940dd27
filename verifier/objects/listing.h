/* The objects of a bucket, listed in several ranges at the same time.
 *
 * Source: ListObjectsV2 and ListObjects of the Amazon S3 API reference. A page is believed only
 * when it fits what was asked: the bucket, the start or token that it says it answers, keys in
 * ascending order after the last one, a count that is that of its keys, and a way to go on when
 * there is more. Any other page is asked for again. Stores that know only the first version are
 * listed with it.
 */
#ifndef OBJECTS_LISTING_H
#define OBJECTS_LISTING_H

#include <stdint.h>

#include "base/error.h"
#include "objects/client.h"
#include "objects/store.h"

struct listing_options {
    const char *prefix; /* below the location's */
    int lanes;          /* ranges at the same time */
    int64_t deadline_ms;
    object_visitor *visit;
    void *context;
};

int listing_run(struct client *client, const struct listing_options *options, struct error *error);

#endif
