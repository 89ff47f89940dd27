/* What a sync saw, in `.restore-verifier-sync.json` of the copy: one line an object, so that it is
 * read and written line by line however many there are. Keys are percent-encoded in it. */
#ifndef OBJECTS_SYNC_RECORD_H
#define OBJECTS_SYNC_RECORD_H

#include <stdbool.h>

#include "objects/folder.h"
#include "objects/key_table.h"

/* Gives the entries whose file is still as it was recorded (by size and time) their ETags. A record
 * that is missing, or cannot be understood, gives none: contents are compared then. */
void sync_record_read(const struct folder *folder, struct key_table *table);

/* Records the entries that are marked. */
int sync_record_write(const struct folder *folder, const char *source, int64_t began_ms,
                      const struct key_table *table, struct error *error);

/* Was the last sync that was recorded one of that bucket and prefix? */
bool sync_record_is_of(const struct folder *folder, const char *source);

#endif
