/* Every object that a backup defines, by kind, schema and name, with a digest of what its
 * definition says: what the record of a backup that verified keeps, so that the next one can be
 * held against it.
 */
#ifndef SCHEMA_DEFINITIONS_H
#define SCHEMA_DEFINITIONS_H

#include "schema/schema.h"

/* More are not kept: the record would grow too large to be read. */
enum { DEFINITIONS_MOST = 30000, DEFINITIONS_MOST_BYTES = 4 * 1024 * 1024 };

struct definition_kept {
    char *kind;
    char *schema;
    char *name;
    struct definition_digest said;
};

struct definitions {
    char *pg_dump; /* the version that wrote the definitions; "" where none tells */
    char *server;
    struct definition_kept *items; /* in the order of struct schema */
    size_t count;                  /* 0: nothing is known */
};

/* None where there are too many. */
void definitions_find(const struct archive *archive, struct definitions *ret_definitions);
void definitions_add(struct definitions *definitions, const char *kind, const char *schema,
                     const char *name, const struct definition_digest *said);
void definitions_free(struct definitions *definitions); /* takes a zeroed one */

/* As a schema, whose strings are borrowed. */
void schema_of_definitions(const struct definitions *definitions, struct schema *ret_schema);

#endif
