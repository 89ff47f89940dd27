/* The files below a directory of migrations. */
#ifndef MIGRATIONS_FILES_H
#define MIGRATIONS_FILES_H

#include <stdbool.h>

#include "base/error.h"
#include "base/memory.h"

/* Adds the path of every file in `directory` and in those directories below it whose name
 * `is_entered` likes (NULL: in all), through no link, in no order. Paths begin with `directory`. */
int migration_files_list(const char *directory, bool (*is_entered)(const char *name),
                         struct strings *paths, struct error *error);

#endif
