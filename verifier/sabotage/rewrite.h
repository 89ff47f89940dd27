/* A custom archive written again, with something changed and everything that depends on it made to
 * fit: the offsets of data in the table of contents, the compression of the rows.
 *
 * With nothing changed it is the same bytes, without the second table of contents where there is
 * one, and but for how a container was compressed.
 */
#ifndef SABOTAGE_REWRITE_H
#define SABOTAGE_REWRITE_H

#include "base/buffer.h"
#include "sabotage/image.h"

/* The unpacked rows of one table are held in memory while they are changed. */
#define REWRITE_TABLE_LIMIT_BYTES (32LL << 20)

/* All zero changes nothing. */
struct rewriting {
    /* Header and entries; called more than once. */
    void (*alter)(struct image *image, const void *context);
    int missing_id; /* the entry whose data is left out; 0: none */
    int changed_id; /* the one whose data is what `change` makes of it; 0: none */
    int (*change)(const void *context, const struct buffer *rows, struct buffer *ret_rows,
                  struct error *error);
    const char *added_rows; /* of an entry that `alter` added; NULL: none */
    int added_id;
    const void *context;
};

int archive_rewrite(const char *from, enum archive_container container,
                    const struct rewriting *rewriting, const char *to, struct error *error);

#endif
