/* What a dump must hold to replace a backup of the same name (--force).
 *
 * A URL that lost its database name, a schema that was dropped: the dump succeeds and holds next to
 * nothing, and the backup that it would replace may be the last good one. So it is looked at before
 * anything is replaced. All errors are FAULT_MACHINE.
 */
#ifndef DUMP_REPLACING_H
#define DUMP_REPLACING_H

#include <stdbool.h>

#include "shelf/manifest.h"
#include "shelf/shelf.h"

/* The backup that is there, as far as its manifest and its record tell. */
struct replaced {
    const char *path;
    bool verified;
    bool has_tables; /* `tables` are known, from the manifest or else from the record */
    bool has_rows;   /* a table holds one; true where nobody counted */
    struct table_counts tables;
};

/* Reads what lies beside the backup `entry`; nothing there is no error. `scenario`, `database` and
 * `reports` as in record_places_of. To be freed. */
void replaced_read(struct shelf *shelf, const struct shelf_entry *entry, const char *scenario,
                   const char *database, const char *reports, struct replaced *ret_replaced);
void replaced_free(struct replaced *replaced); /* takes a zeroed one */

/* May the dump `now`, of that database, replace it? Not when it holds no table or no row and the
 * backup is not known to hold none either; nor when the backup verified and had more tables. Pure.
 */
int replacing_check(const struct replaced *replaced, const struct manifest *now,
                    const char *database, struct error *error);

#endif
