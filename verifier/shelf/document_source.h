/* What a manifest tells of the source beside its tables, as fields of a document: used by
 * document.c alone, with whose functions for single values it shares this page. */
#ifndef SHELF_DOCUMENT_SOURCE_H
#define SHELF_DOCUMENT_SOURCE_H

#include "shelf/document.h"

/* Gives `good`, and notes the first value that is not what was wanted. */
bool document_check(struct document *document, const char *key, bool good, const char *wanted);
/* One line of text, as everything is that we write: it ends up in reports. */
bool document_is_line(const json_t *value);

/* The members are a struct collations and a struct surroundings. */
void document_collations_read(struct document *document, const char *key, json_t *value,
                              void *ret_collations);
json_t *document_collations_write(const void *all);
void document_collations_free(void *collations);
void document_surroundings_read(struct document *document, const char *key, json_t *value,
                                void *ret_surroundings);
json_t *document_surroundings_write(const void *all);
void document_surroundings_free(void *surroundings);

#endif
