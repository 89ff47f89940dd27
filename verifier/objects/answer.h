/* What an S3 store answers: XML, as the Amazon S3 API reference describes it.
 *
 * Read with libxml2's pull reader; a document type, an entity or anything from a network is
 * refused. Answers come from outside: callers cap their length, and what is missing or contradicts
 * itself is an error.
 */
#ifndef OBJECTS_ANSWER_H
#define OBJECTS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "objects/store.h"

/* Uploads in parts that were begun and neither completed nor given up. */
struct unfinished_list {
    struct unfinished {
        char *key;
        char *id;
        int64_t begun_ms; /* -1: not said */
    } * items;
    size_t count;
};

int unfinished_list_parse(const char *xml, size_t length, struct unfinished_list *ret_list,
                          struct error *error);
void unfinished_list_free(struct unfinished_list *list); /* takes a zeroed one */

/* An <Error>. Empty where the answer does not say. */
struct error_answer {
    char code[64];
    char message[256];
    char region[64]; /* the bucket's */
};
void error_answer_parse(const char *xml, size_t length, struct error_answer *ret_answer);

/* The text of the first element `name`, which is below the root; NULL when there is none or the
 * answer cannot be read. To be freed by the caller. */
char *answer_text(const char *xml, size_t length, const char *name);

/* "2026-11-22T14:03:05.123Z"; -1 when it is not one. */
int64_t answer_time_ms(const char *text);

#endif
