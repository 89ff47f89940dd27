#include "schema/definitions.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void definitions_add(struct definitions *definitions, const char *kind, const char *schema,
                     const char *name, const struct definition_digest *said)
{
    if ((definitions->count & (definitions->count + 1)) == 0) /* doubled each time */
        definitions->items = xreallocarray(definitions->items, 2 * definitions->count + 2,
                                           sizeof(*definitions->items));
    definitions->items[definitions->count++] = (struct definition_kept){
        .kind = xstrdup(kind), .schema = xstrdup(schema), .name = xstrdup(name), .said = *said};
}

/* Of the names alone, which may be long: those of functions have their arguments. */
static bool is_too_much(const struct schema *schema)
{
    size_t bytes = 0;
    for (size_t i = 0; i < schema->count; i++)
        bytes += strlen(schema->objects[i].schema) + strlen(schema->objects[i].name);
    return schema->count > DEFINITIONS_MOST || bytes > DEFINITIONS_MOST_BYTES;
}

void definitions_find(const struct archive *archive, struct definitions *ret_definitions)
{
    cleanup(schema_free) struct schema schema = {0};
    struct definitions definitions = {
        .pg_dump = xstrdup(archive->pg_dump_version ? archive->pg_dump_version : ""),
        .server = xstrdup(archive->server_version ? archive->server_version : "")};
    schema_find_all(archive, &schema);
    size_t count = is_too_much(&schema) ? 0 : schema.count;
    for (size_t i = 0; i < count; i++) {
        const struct schema_object *object = &schema.objects[i];
        const struct definition_digest said = schema_object_said(object);
        definitions_add(&definitions, object->kind, object->schema, object->name, &said);
    }
    *ret_definitions = definitions;
}

void definitions_free(struct definitions *definitions)
{
    for (size_t i = 0; i < definitions->count; i++) {
        free(definitions->items[i].kind);
        free(definitions->items[i].schema);
        free(definitions->items[i].name);
    }
    free(definitions->items);
    free(definitions->pg_dump);
    free(definitions->server);
    *definitions = (struct definitions){0};
}

void schema_of_definitions(const struct definitions *definitions, struct schema *ret_schema)
{
    struct schema schema = {.objects = xcalloc(definitions->count, sizeof(*schema.objects))};
    for (size_t i = 0; i < definitions->count; i++) {
        const struct definition_kept *object = &definitions->items[i];
        schema.objects[schema.count++] =
            (struct schema_object){.kind = object->kind,
                                   .schema = object->schema,
                                   .name = object->name,
                                   .has_definition = !schema_kind_is_named_only(object->kind),
                                   .exact = object->said};
    }
    schema_sort(&schema);
    *ret_schema = schema;
}
