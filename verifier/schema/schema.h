/* A schema: the objects that a table of contents defines, each with its name and a digest of its
 * definition, and the difference of two. Pure: whatever has a table of contents can be compared,
 * be it that of a backup, of a database that was restored, or of another backup.
 */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/archive.h"
#include "archive/definition.h"
#include "schema/rules.h"

/* Strings are borrowed from the archive that it was found in. */
struct schema_object {
    const char *kind;               /* "TABLE", "FK CONSTRAINT": as pg_restore -l prints it */
    const char *schema;             /* "" where it is in none */
    const char *name;               /* the tag: "users", "users users_pkey", "touch(integer)" */
    bool has_definition;            /* false: only its name is known */
    const char *definition;         /* of plain SQL not kept: NULL */
    bool escapes;                   /* in it (struct definition_style) */
    struct definition_digest exact; /* of that text; of plain SQL of what it says */
};

/* What its definition says (archive/definition.h). */
struct definition_digest schema_object_said(const struct schema_object *object);

struct schema {
    struct schema_object *objects; /* sorted by kind, schema, name, and digest */
    size_t count;
    size_t left_out[SCHEMA_RULE_COUNT];
    /* Of plain SQL: */
    int64_t unnamed; /* statements that define something, and nothing tells what */
    int64_t hollow;  /* names of objects that nothing defines: a tool made comments of it */
};

/* What was left out of a restore; all zero: nothing. */
struct schema_exclusion {
    const bool *entries;              /* one for each entry of the archive; or NULL */
    const struct strings *extensions; /* of plain SQL; or NULL */
};

/* Of a backup that was read. */
void schema_find(const struct archive *archive, const struct schema_exclusion *exclusion,
                 struct schema *ret_schema);
/* All of it. */
void schema_find_all(const struct archive *archive, struct schema *ret_schema);
void schema_free(struct schema *schema); /* takes a zeroed one */

/* For one that is made otherwise. */
void schema_sort(struct schema *schema);

/* By kind, schema and name, as strcmp. Some names are SQL, and pg_dump has an option for quotes in
 * it: these do not count. Nor is an end of a line another than a blank. */
int schema_object_compare(const struct schema_object *one, const struct schema_object *other);

/* "index public users_email_idx", for messages. Freed by the caller. */
char *schema_object_label(const struct schema_object *object);

/* How far two schemas can be compared. */
enum schema_depth {
    SCHEMA_NAMES,       /* kinds and names, where other versions wrote them: some are alike that are
                           not the same */
    SCHEMA_DEFINITIONS, /* all */
};

struct schema_difference {
    /* Borrowed from the two. */
    const struct schema_object **missing; /* in the first only */
    size_t missing_count;
    const struct schema_object **added; /* in the second only */
    size_t added_count;
    const struct schema_object **changed; /* of the first: the second defines it otherwise */
    size_t changed_count;
    size_t same;
    size_t rewritten;  /* of these: they say the same in another text */
    size_t only_named; /* of these: their definitions were not compared, where they should be */
};

void schema_compare(const struct schema *expected, const struct schema *found,
                    enum schema_depth depth, struct schema_difference *ret_difference);
void schema_difference_free(struct schema_difference *difference); /* takes a zeroed one */

#endif
