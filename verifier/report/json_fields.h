/* What --format json prints, for programs. Each command prints one document of its own format,
 * which output.schema.json describes; durations are seconds, sizes bytes, times UTC as ISO 8601 has
 * them. What is not known has no key: a reader must not take "" or 0 for something seen. */
#ifndef REPORT_JSON_FIELDS_H
#define REPORT_JSON_FIELDS_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/memory.h"

/* Of the documents: raised when a key goes, or says something else than before. */
enum { JSON_OUTPUT_VERSION = 1 };

/* Cleaned (text.h); at most `size` bytes are read. */
void json_set_text(json_t *object, const char *key, const char *text, size_t size);
#define json_set_array(object, key, array) json_set_text(object, key, array, sizeof(array))

void json_set_time(json_t *object, const char *key, time_t time); /* 0: not known */

void json_set_seconds(json_t *object, const char *key, int64_t duration_ms);
void json_set_strings(json_t *object, const char *key, const struct strings *list);

/* What an element of "scenarios" begins with: {"scenario", "exit_code"}. */
json_t *json_scenario(const char *name, int exit_code);

/* What every document begins with: {"format", "version", "verifier_version", "exit_code"}. */
json_t *json_frame(const char *command, int exit_code);
void json_print_document(json_t *document, FILE *stream); /* takes it */

/* A frame with "scenarios", which is taken. */
void json_print_scenarios(const char *command, json_t *scenarios, int exit_code, FILE *stream);

#endif
