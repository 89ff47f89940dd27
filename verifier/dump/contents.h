/* The table of contents of an archive that pg_dump is writing, read from what passes by.
 *
 * It stands at the beginning of the archive, and nothing says how long it is: what has come so far
 * is read again each time that it has doubled, until it can be read. */
#ifndef DUMP_CONTENTS_H
#define DUMP_CONTENTS_H

#include <stddef.h>

#include "base/buffer.h"
#include "schema/totals.h"

struct contents {
    struct buffer bytes; /* the beginning of the archive, until it is known */
    size_t tried;        /* how many of them it was read from in vain */
    bool done;           /* it is known, or larger than what is kept */
    struct schema_totals totals;
};

void contents_init(struct contents *contents);
void contents_free(struct contents *contents);

/* The next bytes of the archive. */
void contents_take(struct contents *contents, const void *bytes, size_t length);

/* At the end of the archive. Gives what its table of contents holds, or none where that could not
 * be read: whether the archive is good is not said here. */
void contents_finish(struct contents *contents, struct schema_totals *ret_totals);

#endif
