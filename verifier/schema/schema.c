#include "schema/schema.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "archive/plain/plain.h"
#include "base/memory.h"

static void object_add(struct schema *schema, const struct schema_object *object)
{
    schema->objects[schema->count++] = *object;
}

static bool is_in_any_order(const char *kind)
{
    return strcmp(kind, "POLICY") == 0;
}

/* Most definitions are the same text, so that what they say need not be known. */
struct definition_digest schema_object_said(const struct schema_object *object)
{
    struct definition_digest said = {0};
    if (!object->definition)
        return object->exact;
    definition_read(&said, object->definition, strlen(object->definition),
                    (struct definition_style){.any_order = is_in_any_order(object->kind),
                                              .escapes = object->escapes});
    return said;
}

/* ---- archives ---- */

/* An archive says once how its strings are to be read. */
static bool strings_escape(const struct archive *archive)
{
    for (size_t i = 0; i < archive->entry_count; i++)
        if (strcmp(archive->entries[i].description, "STDSTRINGS") == 0)
            return strstr(archive->entries[i].definition, "'off'") != NULL;
    return false;
}

static void entry_add(struct schema *schema, const struct archive_entry *entry, bool escapes,
                      bool excluded)
{
    enum schema_rule rule =
        excluded ? RULE_EXCLUDED : schema_rule_of(entry->description, entry->tag);
    struct schema_object object = {.kind = entry->description,
                                   .schema = entry->schema,
                                   .name = entry->tag,
                                   .has_definition = !schema_kind_is_named_only(entry->description),
                                   .definition = entry->definition,
                                   .escapes = escapes};
    schema->left_out[rule]++;
    if (rule != RULE_NONE)
        return;
    object.exact = definition_exact(entry->definition);
    object_add(schema, &object);
}

/* ---- plain SQL ---- */

static bool is_excluded(const struct plain_object *plain, const struct schema_exclusion *exclusion)
{
    return exclusion->extensions && strcmp(plain->kind, "EXTENSION") == 0 &&
           strings_contain(exclusion->extensions, plain->name);
}

static void plain_object_add(struct schema *schema, const struct plain_object *plain,
                             const struct schema_exclusion *exclusion)
{
    enum schema_rule rule =
        is_excluded(plain, exclusion) ? RULE_EXCLUDED : schema_rule_of(plain->kind, plain->name);
    struct schema_object object = {.kind = plain->kind,
                                   .schema = plain->schema,
                                   .name = plain->name,
                                   .exact = plain->digest,
                                   .has_definition = !plain->is_named_only &&
                                                     !schema_kind_is_named_only(plain->kind)};
    schema->left_out[rule]++;
    if (rule == RULE_NONE && plain->statements > 0)
        object_add(schema, &object);
    else if (rule == RULE_NONE)
        schema->hollow++;
}

static void plain_add(struct schema *schema, const struct archive *archive,
                      const struct schema_exclusion *exclusion)
{
    const struct plain_totals *plain = archive->plain;
    for (size_t i = 0; i < plain->objects.count; i++)
        if (!archive->view_of || strcmp(archive->view_of, plain->objects.items[i].database) == 0)
            plain_object_add(schema, &plain->objects.items[i], exclusion);
    schema->unnamed += plain->objects.unnamed;
}

/* ---- sorted ---- */

/* The comments of plain SQL have names on one line: pg_dump writes blanks for the ends of lines. */
static int on_one_line(char c)
{
    return c == '\n' || c == '\r' ? ' ' : (unsigned char)c;
}

/* `ignored`: characters that do not count. */
static int compare_names(const char *one, const char *other, const char *ignored)
{
    for (;; one++, other++) {
        one += strspn(one, ignored);
        other += strspn(other, ignored);
        int order = on_one_line(*one) - on_one_line(*other);
        if (order != 0 || *one == '\0')
            return order;
    }
}

int schema_object_compare(const struct schema_object *one, const struct schema_object *other)
{
    int order = strcmp(one->kind, other->kind);
    if (order == 0)
        order = compare_names(one->schema, other->schema, "");
    return order != 0 ? order : compare_names(one->name, other->name, "\"");
}

static int compare_objects(const void *left, const void *right)
{
    const struct schema_object *one = left, *other = right;
    int order = schema_object_compare(one, other);
    return order != 0 ? order : memcmp(&one->exact, &other->exact, sizeof(one->exact));
}

void schema_sort(struct schema *schema)
{
    if (schema->count > 0)
        qsort(schema->objects, schema->count, sizeof(*schema->objects), compare_objects);
}

/* A plain file may hold one object twice: in two dumps, or in two files of a set. */
static void settle(struct schema *schema, bool once)
{
    size_t kept = 0;
    schema_sort(schema);
    for (size_t i = 0; i < schema->count; i++)
        if (!once || kept == 0 ||
            compare_objects(&schema->objects[kept - 1], &schema->objects[i]) != 0)
            schema->objects[kept++] = schema->objects[i];
    schema->count = kept;
}

void schema_find(const struct archive *archive, const struct schema_exclusion *exclusion,
                 struct schema *ret_schema)
{
    size_t most = archive->entry_count + (archive->plain ? archive->plain->objects.count : 0);
    bool has_plain = archive->plain != NULL;
    for (size_t i = 0; i < archive->part_count; i++)
        if (archive->parts[i].plain) {
            most += archive->parts[i].plain->objects.count;
            has_plain = true;
        }
    struct schema schema = {.objects = xcalloc(most, sizeof(*schema.objects))};
    const bool escapes = strings_escape(archive);
    for (size_t i = 0; i < archive->entry_count; i++)
        entry_add(&schema, &archive->entries[i], escapes,
                  exclusion->entries && exclusion->entries[i]);
    if (archive->plain)
        plain_add(&schema, archive, exclusion);
    for (size_t i = 0; i < archive->part_count; i++)
        if (archive->parts[i].plain)
            plain_add(&schema, &archive->parts[i], exclusion);
    settle(&schema, has_plain);
    *ret_schema = schema;
}

void schema_free(struct schema *schema)
{
    free(schema->objects);
    *schema = (struct schema){0};
}

void schema_find_all(const struct archive *archive, struct schema *ret_schema)
{
    static const struct schema_exclusion none = {0};
    schema_find(archive, &none, ret_schema);
}

char *schema_object_label(const struct schema_object *object)
{
    char *label = xasprintf("%s %s%s%s", object->kind, object->schema, *object->schema ? " " : "",
                            object->name);
    for (size_t i = 0; i < strlen(object->kind); i++)
        label[i] = (char)tolower((unsigned char)label[i]);
    return label;
}
