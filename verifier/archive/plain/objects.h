/* Which objects the statements of a plain dump define, as the comments tell that pg_dump writes
 * before each of them:
 *
 *     -- Name: users; Type: TABLE; Schema: public; Owner: bugspark
 *
 * What stands below is the definition of that object, up to the next such comment. The text of a
 * statement is not kept, only what it says (archive/definition.h).
 *
 * Where a file has no such comments, as those of `supabase db dump`, what is created is read from
 * the statements as far as they are known (naming.h): then only kinds and names are known. */
#ifndef ARCHIVE_PLAIN_OBJECTS_H
#define ARCHIVE_PLAIN_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/definition.h"

struct catalog_name;

struct plain_object {
    const char *database; /* as of a plain_table; known when the totals are */
    char *kind;           /* "TABLE"; of data "TABLE DATA" */
    char *schema;         /* "" where it is in none */
    char *name;           /* pg_dump writes spaces for line breaks in it */
    struct definition_digest digest;
    size_t statements;  /* that define it; without any, a tool made comments of them */
    bool is_named_only; /* a statement is longer than what is looked at, or no comment told it */
    const struct catalog_name *in;
};

struct plain_objects {
    struct plain_object *items; /* in the order of the file */
    size_t count;
    size_t capacity;
    size_t bytes;           /* of names */
    size_t from_statements; /* of the first objects: those that no comment told */
    bool is_under_one;      /* a statement that comes now is about the last of them */
    int64_t unnamed;        /* statements that define something, of which no comment tells what */
};

/* A comment between statements, in a database. */
void plain_objects_comment(struct plain_objects *objects, const char *comment,
                           const struct catalog_name *database);
/* A statement that has ended; `is_cut`: only its beginning is given. */
void plain_objects_statement(struct plain_objects *objects, const char *statement, bool is_cut,
                             bool escapes, const struct catalog_name *database);
/* Once the databases are in the totals: which of them each object is in. */
void plain_objects_settle(struct plain_objects *objects);
void plain_objects_free(struct plain_objects *objects); /* takes a zeroed one */

#endif
