/* The migrations of an Alembic project: which revisions there are, and which each builds on.
 *
 * The files are read, never run. Of each counts what `alembic revision` writes at the left margin:
 *
 *     """add reports"""
 *     revision: str = "9c1f0a2b3d4e"
 *     down_revision: Union[str, Sequence[str], None] = ("1a2b3c4d5e6f", "6f5e4d3c2b1a")
 *     branch_labels = ("core",)
 *     depends_on = None
 *
 * with or without annotations, the values being None, a string, or a bracketed list of strings. A
 * value written otherwise, and a file without `revision`, is an error: what it stands for is not
 * known. `depends_on` names revisions or labels, and "" nothing, as in Alembic.
 *
 * Source: alembic/script/revision.py.
 */
#ifndef MIGRATIONS_MIGRATIONS_H
#define MIGRATIONS_MIGRATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/memory.h"
#include "migrations/places.h"

struct migration {
    char *file;  /* its path */
    char *title; /* the first line of its docstring, or "" */
    char *revision;
    struct strings labels;
    struct strings after; /* revisions and labels that it builds on, as they are written */
    size_t *before;       /* the places of these among the migrations; NULL before they are known */
};

struct migrations {
    struct migration *items; /* by the paths of their files */
    size_t count;
};

/* cannot_verify: the files cannot be read or there are none, one is not understood, some below the
 * places are not read by Alembic, two have the same revision or label, one builds on a revision
 * that no file has, or they build on each other in a circle. */
int migrations_read(const struct places *places, struct migrations *ret_migrations,
                    struct error *error);
void migrations_free(struct migrations *migrations); /* takes a zeroed one */

/* NULL when there is none. */
const struct migration *migrations_find(const struct migrations *migrations, const char *revision);

/* The revisions that no other builds on. */
void migrations_heads(const struct migrations *migrations, struct strings *ret_revisions);

/* Those that are neither among `revisions` nor before one of them, in the order in which `alembic
 * upgrade heads` applies them: one branch after the other as far as they allow it, and where
 * Alembic goes by the order in which the file system lists files, by their paths. */
void migrations_pending(const struct migrations *migrations, const struct strings *revisions,
                        struct strings *ret_revisions);

/* Is one of `revisions` before another of them? Alembic refuses to go on from such a database. Both
 * are borrowed. */
bool migrations_overlap(const struct migrations *migrations, const struct strings *revisions,
                        const char **ret_earlier, const char **ret_later);

/* What one file says; `name` stands in errors. For migrations_read, and its tests. */
int migration_parse(const char *text, size_t length, const char *name,
                    struct migration *ret_migration, struct error *error);
void migration_free(struct migration *migration);

/* Finds what each builds on. For migrations_read alone. */
int migrations_connect(struct migrations *migrations, struct error *error);

#endif
