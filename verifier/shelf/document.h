/* Small JSON documents that lie beside backups, read as if a stranger had written them.
 *
 * A document is an object that says what it is ("format") and in which version. What else it holds
 * is told by a table of fields, by which it is read, written and freed. The first field that is
 * missing, has another type or is out of range makes the whole document damaged, and a reader need
 * not look until document_end. Fields that are not known are passed over.
 */
#ifndef SHELF_DOCUMENT_H
#define SHELF_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "postgres/collations.h"
#include "postgres/surroundings.h"
#include "postgres/table_counts.h"
#include "postgres/version_table.h"
#include "schema/definitions.h"
#include "schema/totals.h"

/* More is refused: it would cost some twenty times as much memory. */
enum { DOCUMENT_LIMIT_BYTES = 8 * 1024 * 1024 };

/* A member of a struct, as a field of a document. */
struct document_field {
    const char *key; /* NULL ends a table of them */
    enum document_type {
        DOCUMENT_LINE,         /* char *, one line of text; never NULL when read */
        DOCUMENT_NUMBER,       /* int64_t, from 0 */
        DOCUMENT_FLAG,         /* bool */
        DOCUMENT_TIME,         /* time_t: "2026-11-22T14:03:05Z" */
        DOCUMENT_SHA256,       /* char[SHA256_HEX_SIZE] */
        DOCUMENT_STRINGS,      /* struct strings */
        DOCUMENT_TABLES,       /* struct table_counts */
        DOCUMENT_VERSIONS,     /* struct version_states; may be missing: nothing is known then */
        DOCUMENT_SCHEMA,       /* struct schema_totals; may be missing likewise */
        DOCUMENT_DEFINITIONS,  /* struct definitions; may be missing likewise */
        DOCUMENT_COLLATIONS,   /* struct collations; may be missing likewise */
        DOCUMENT_SURROUNDINGS, /* struct surroundings; may be missing likewise */
    } type;
    size_t offset; /* of the member */
};

struct document {
    json_t *root;
    char problem[256]; /* the first thing wrong; "" so far */
};

/* bad_backup: no JSON, or not of this format. cannot_verify: its version is newer than `newest`.
 * `name` stands in errors. */
int document_parse(const char *text, size_t length, const char *name, const char *format,
                   int newest, struct document *ret_document, struct error *error);

/* Fills the members of a zeroed struct from an object: the root, or one that document_object gave.
 * After a problem they are empty values of their type. */
void document_read(struct document *document, json_t *object, const struct document_field *fields,
                   void *ret_struct);
json_t *document_object(struct document *document, const char *key);
int64_t document_number(struct document *document, json_t *object, const char *key);

/* Frees the document. -1 (bad_backup) when a field was not as it must be. */
int document_end(struct document *document, const char *name, struct error *error);

/* For writing. Text that is no UTF-8 is written with ? in place of each byte that is not. */
json_t *document_new(const char *format, int version);
void document_write(json_t *object, const struct document_field *fields, const void *structure);
char *document_dump(json_t *root); /* takes the root; freed by the caller */
json_t *document_text(const char *text);

/* Frees what the members hold. */
void document_fields_free(const struct document_field *fields, void *structure);

#endif
