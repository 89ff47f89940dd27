#include "report/json_fields.h"

#include "base/clock.h"
#include "base/memory.h"
#include "report/text.h"

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

void json_print_scenarios(json_t *scenarios, int exit_code, FILE *stream)
{
    json_t *whole = json_pack("{ss si so}", "version", PROGRAM_VERSION, "exit_code", exit_code,
                              "scenarios", scenarios);
    json_dumpf(whole, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    fputc('\n', stream);
    json_decref(whole);
}
