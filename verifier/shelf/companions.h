/* The files that lie next to a backup: its manifest, and the record of its verification.
 *
 * A new backup's manifest is there before the backup has its name. Where it replaces another backup
 * the old manifest must stay until then, so the new one waits under its second name (manifest.h).
 */
#ifndef SHELF_COMPANIONS_H
#define SHELF_COMPANIONS_H

#include <stdbool.h>

#include "base/error.h"
#include "shelf/manifest.h"

/* The name of the backup that a file belongs to, to be freed by the caller; NULL when it is not
 * named like a companion. */
char *companion_backup(const char *name);

/* Around the moment when the backup `name` gets its name: before it, after it, or instead of it
 * when it failed. `database`: see record_places_of. `replaces`: there is a backup of that name. */
int companions_before(struct shelf *shelf, const char *name, const char *database, bool replaces,
                      const struct manifest *manifest, struct error *error);
int companions_after(struct shelf *shelf, const char *name, bool replaces,
                     const struct manifest *manifest, struct error *error);
void companions_withdraw(struct shelf *shelf, const char *name, bool replaces);

/* Removes what lies next to a backup that is gone. */
int companions_remove(struct shelf *shelf, const char *name, struct error *error);

#endif
