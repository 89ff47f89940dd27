/* Where the migrations of an Alembic project lie.
 *
 * Either the directories are named, and everything below them counts, or Alembic's own
 * configuration names them: `script_location`, `version_locations`, their separator
 * (`path_separator`, `version_path_separator`) and `recursive_version_locations`, in the section
 * [alembic] of alembic.ini or [tool.alembic] of pyproject.toml. Relative directories there are
 * taken from the directory of the file, in which Alembic is usually called.
 *
 * Source: alembic/script/base.py and the tutorial's description of alembic.ini.
 */
#ifndef MIGRATIONS_PLACES_H
#define MIGRATIONS_PLACES_H

#include <stdbool.h>

#include "base/error.h"
#include "base/memory.h"

struct places {
    struct strings directories;
    bool recursive; /* directories below those count too */
};

void places_free(struct places *places); /* takes a zeroed one */

/* cannot_verify: the file cannot be read, or does not say where the migrations are. */
int places_from_config(const char *path, struct places *ret_places, struct error *error);

/* The files of migrations: every *.py, but for __init__*.py and `.#...`, sorted by path, each once.
 * `ret_unread` are those below the directories that do not count, because they lie deeper and the
 * places are not recursive.
 *
 * cannot_verify: a directory cannot be listed, or there is no file at all. */
int places_list(const struct places *places, struct strings *ret_files, struct strings *ret_unread,
                struct error *error);

#endif
