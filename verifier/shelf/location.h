/* The stores of a scenario: the shelf that its backups lie on, and others with the same access. */
#ifndef SHELF_LOCATION_H
#define SHELF_LOCATION_H

#include "scenario/scenario.h"
#include "shelf/shelf.h"

/* How a store is opened that the scenario describes. Borrowed from both. */
struct store_options store_options_for(const char *location, const struct store_access *access);

/* Where and as whom a bucket is asked for backups: as `backups` says; when that names neither an
 * endpoint nor a region nor keys, as `objects` says, if those lie in a bucket too; and what is not
 * said is looked for in the environment (store.h). Borrowed from the scenario and `location`. */
struct store_options location_options(const struct scenario *scenario, const char *location);

/* The shelf of backups.location. Errors as of shelf_open. */
int location_open(const struct scenario *scenario, struct shelf **ret_shelf, struct error *error);

/* The shelf that `path`, a file, a directory or s3://bucket/key, lies on, and its name there (freed
 * by the caller). `scenario` may be NULL: then the environment alone tells as whom. */
int location_open_file(const struct scenario *scenario, const char *path, struct shelf **ret_shelf,
                       char **ret_name, struct error *error);

#endif
