/* The migrations of an Alembic project: which revisions there are, and which each builds on.
 *
 * The files are read, never run. Of each counts what `alembic revision` writes at the left margin:
 *
 *     revision: str = "9c1f0a2b3d4e"
 *     down_revision: Union[str, Sequence[str], None] = ("1a2b3c4d5e6f", "6f5e4d3c2b1a")
 *     depends_on = None
 *
 * with or without annotations, the values being None, a string, or a bracketed list of strings. A
 * value written otherwise, and a file without `revision`, is an error: what it stands for is not
 * known. As in Alembic, every file named *.py counts, but for __init__.py and `.#...`.
 */
#ifndef MIGRATIONS_MIGRATIONS_H
#define MIGRATIONS_MIGRATIONS_H

#include <stddef.h>

#include "base/error.h"
#include "base/memory.h"

struct migration {
    char *file; /* its name in the directory */
    char *revision;
    struct strings after; /* revisions that it builds on */
};

struct migrations {
    struct migration *items; /* by the names of their files */
    size_t count;
};

/* cannot_verify: the directory cannot be read or holds no migration, a file is not understood, two
 * have the same revision, or one builds on a revision that no file has. */
int migrations_read(const char *directory, struct migrations *ret_migrations, struct error *error);
void migrations_free(struct migrations *migrations); /* takes a zeroed one */

/* NULL when there is none. */
const struct migration *migrations_find(const struct migrations *migrations, const char *revision);

/* The revisions that no other builds on. */
void migrations_heads(const struct migrations *migrations, struct strings *ret_revisions);

/* Those that are neither among `revisions` nor before one of them: not applied yet. */
void migrations_pending(const struct migrations *migrations, const struct strings *revisions,
                        struct strings *ret_revisions);

/* What one file says; `name` stands in errors. For migrations_read, and its tests. */
int migration_parse(const char *text, size_t length, const char *name,
                    struct migration *ret_migration, struct error *error);
void migration_free(struct migration *migration);

#endif
