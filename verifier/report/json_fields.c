#include "report/json_fields.h"

#include "base/clock.h"
#include "base/memory.h"
#include "report/text.h"
#include "shelf/document.h"

void json_set_text(json_t *object, const char *key, const char *text, size_t size)
{
    cleanup(free_pointer) char *clean = text_clean(text, size, TEXT_BLOCK);
    if (clean[0] != '\0')
        json_object_set_new(object, key, json_string(clean));
}

void json_set_time(json_t *object, const char *key, time_t time)
{
    char text[TIME_TEXT_SIZE];
    if (time == 0)
        return;
    time_format_utc(time, text);
    json_object_set_new(object, key, json_string(text));
}

void json_set_strings(json_t *object, const char *key, const struct strings *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        cleanup(free_pointer) char *clean = text_line(list->items[i]);
        json_array_append_new(array, json_string(clean));
    }
    json_object_set_new(object, key, array);
}

void json_set_seconds(json_t *object, const char *key, int64_t duration_ms)
{
    json_object_set_new(object, key, json_real((double)duration_ms / 1000));
}

json_t *json_scenario(const char *name, int exit_code)
{
    json_t *object = json_object();
    cleanup(free_pointer) char *clean = text_line(name);
    json_object_set_new(object, "scenario", json_string(clean));
    json_object_set_new(object, "exit_code", json_integer(exit_code));
    return object;
}

json_t *json_frame(const char *command, int exit_code)
{
    cleanup(free_pointer) char *format = xasprintf("restore-verifier %s", command);
    json_t *document = document_new(format, JSON_OUTPUT_VERSION);
    json_object_set_new(document, "verifier_version", json_string(PROGRAM_VERSION));
    json_object_set_new(document, "exit_code", json_integer(exit_code));
    return document;
}

void json_print_document(json_t *document, FILE *stream)
{
    json_dumpf(document, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    fputc('\n', stream);
    json_decref(document);
}

void json_print_scenarios(const char *command, json_t *scenarios, int exit_code, FILE *stream)
{
    json_t *document = json_frame(command, exit_code);
    json_object_set_new(document, "scenarios", scenarios);
    json_print_document(document, stream);
}
