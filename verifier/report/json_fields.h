/* Keys of JSON documents for programs. What is not known has no key: a reader must not take "" or 0
 * for something seen. */
#ifndef REPORT_JSON_FIELDS_H
#define REPORT_JSON_FIELDS_H

#include <jansson.h>
#include <stdio.h>
#include <time.h>

/* Cleaned (text.h); at most `size` bytes are read. */
void json_set_text(json_t *object, const char *key, const char *text, size_t size);
#define json_set_array(object, key, array) json_set_text(object, key, array, sizeof(array))

void json_set_time(json_t *object, const char *key, time_t time); /* 0: not known */

/* What every command prints: {"version", "exit_code", "scenarios"}. Takes `scenarios`. */
void json_print_scenarios(json_t *scenarios, int exit_code, FILE *stream);

#endif
