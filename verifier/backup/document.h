/* Small JSON documents that lie beside backups, read as if a stranger had written them.
 *
 * A document is an object that says what it is ("format") and in which version. A reader asks for
 * its fields one after the other; the first that is missing, has another type or is out of range
 * makes the whole document damaged, and the reader need not look until document_end.
 */
#ifndef BACKUP_DOCUMENT_H
#define BACKUP_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "postgres/table_counts.h"

/* More is refused: it would cost some twenty times as much memory. */
enum { DOCUMENT_LIMIT_BYTES = 8 * 1024 * 1024 };

struct document {
    json_t *root;
    char problem[256]; /* the first thing wrong; "" so far */
};

/* bad_backup: no JSON, or not of this format. cannot_verify: its version is newer than `newest`.
 * `name` stands in errors. */
int document_parse(const char *text, size_t length, const char *name, const char *format,
                   int newest, struct document *ret_document, struct error *error);

/* Frees it. -1 (bad_backup) when a field was not as it must be. */
int document_end(struct document *document, const char *name, struct error *error);

/* A field of an object (the root, or one that document_object gave). After a problem they give an
 * empty value of their type. */
json_t *document_object(struct document *document, const char *key);
char *document_text(struct document *document, json_t *object, const char *key); /* to be freed */
int64_t document_number(struct document *document, json_t *object, const char *key); /* >= 0 */
bool document_bool(struct document *document, json_t *object, const char *key);
time_t document_time(struct document *document, json_t *object, const char *key);
void document_sha256(struct document *document, json_t *object, const char *key,
                     char ret_hex[SHA256_HEX_SIZE]);
void document_strings(struct document *document, json_t *object, const char *key,
                      struct strings *ret_list);
void document_tables(struct document *document, json_t *object, const char *key,
                     struct table_counts *ret_tables);

/* For writing. Text that is no UTF-8 is written with ? in place of each byte that is not. */
json_t *document_new(const char *format, int version);
void document_set_text(json_t *object, const char *key, const char *text);
void document_set_time(json_t *object, const char *key, time_t time);
void document_set_strings(json_t *object, const char *key, const struct strings *list);
void document_set_tables(json_t *object, const char *key, const struct table_counts *tables);
char *document_dump(json_t *root); /* takes the root; freed by the caller */

#endif
