#include "archive/plain/objects.h"

#include <stdlib.h>
#include <string.h>

#include "archive/plain/catalog.h"
#include "archive/plain/naming.h"
#include "base/memory.h"

/* The last place of `wanted` in a text of that length; NULL: it is not there. */
static const char *find_last(const char *text, size_t length, const char *wanted)
{
    const char *found = NULL, *next = text;
    while ((next = memmem(next, length - (size_t)(next - text), wanted, strlen(wanted))) != NULL)
        found = next++;
    return found;
}

/* Behind `label`, up to `end`, which moves before the label. NULL: there is no such label. */
static char *field_take(const char *text, const char **end, const char *label)
{
    const char *found = find_last(text, (size_t)(*end - text), label);
    if (!found)
        return NULL;
    const char *value = found + strlen(label);
    char *field = xstrndup(value, (size_t)(*end - value));
    *end = found;
    return field;
}

static const char *name_begin(const char *comment)
{
    static const char *const labels[] = {"Name: ", "Data for Name: ", "Statistics for Name: "};
    for (size_t i = 0; i < ARRAY_LENGTH(labels); i++)
        if (starts_with(comment, labels[i]))
            return comment + strlen(labels[i]);
    return NULL;
}

/* Names may hold anything, so the fields are found from behind. False: it is no such comment, or
 * was too long to be kept. */
static bool comment_read(const char *name, struct plain_object *object)
{
    const char *end = name + strlen(name);
    cleanup(free_pointer) char *owner = field_take(name, &end, "; Owner:");
    cleanup(free_pointer) char *schema = field_take(name, &end, "; Schema: ");
    cleanup(free_pointer) char *kind = field_take(name, &end, "; Type: ");
    if (!owner || !schema || !kind)
        return false;
    object->kind = take(&kind);
    object->schema = strcmp(schema, "-") == 0 ? xstrdup("") : take(&schema);
    object->name = xstrndup(name, (size_t)(end - name));
    return true;
}

static void object_free(struct plain_object *object)
{
    free(object->kind);
    free(object->schema);
    free(object->name);
}

/* Takes it. */
static void object_add(struct plain_objects *objects, const struct plain_object *object)
{
    if (objects->count == objects->capacity) {
        objects->capacity = objects->capacity ? objects->capacity * 2 : 64;
        objects->items = xreallocarray(objects->items, objects->capacity, sizeof(*objects->items));
    }
    objects->items[objects->count++] = *object;
}

/* Where one comment names an object, those do that pg_dump wrote: before the first of them stands
 * what --clean does. */
static void forget_statements(struct plain_objects *objects)
{
    for (size_t i = 0; i < objects->from_statements; i++)
        object_free(&objects->items[i]);
    objects->count -= objects->from_statements;
    objects->unnamed += (int64_t)objects->from_statements;
    objects->from_statements = 0;
}

void plain_objects_comment(struct plain_objects *objects, const char *comment,
                           const struct catalog_name *database)
{
    const char *name = name_begin(comment);
    struct plain_object object = {.in = database};
    /* Of the end of one dump and the beginning of another nothing stands under the last object. */
    if (name || starts_with(comment, "PostgreSQL database "))
        objects->is_under_one = false;
    objects->bytes += name ? strlen(name) : 0;
    if (!name || objects->bytes > PLAIN_MAX_NAME_BYTES || !comment_read(name, &object))
        return;
    forget_statements(objects);
    object_add(objects, &object);
    objects->is_under_one = true;
}

/* Whether a statement makes or changes an object. Owners are nobody's definition; of what is of the
 * server (roles and the like), or is dropped first, no object of the database is made. */
static bool defines(const char *statement)
{
    static const char *const verbs[] = {"CREATE ", "ALTER ", "COMMENT ON "};
    static const char *const others[] = {"ROLE ", "USER ", "GROUP ", "DATABASE ", "TABLESPACE "};
    for (size_t i = 0; i < ARRAY_LENGTH(verbs); i++) {
        if (strncasecmp(statement, verbs[i], strlen(verbs[i])) != 0)
            continue;
        const char *object = statement + strlen(verbs[i]);
        for (size_t j = 0; j < ARRAY_LENGTH(others); j++)
            if (starts_with(object, others[j]) && !starts_with(object, "USER MAPPING "))
                return false;
        return true;
    }
    return false;
}

static bool is_of_owner(const char *statement)
{
    static const char words[] = " OWNER TO ";
    const char *owner = strncasecmp(statement, "ALTER ", strlen("ALTER ")) == 0
                            ? find_last(statement, strlen(statement), words)
                            : NULL;
    return owner && !strpbrk(owner + strlen(words), "'()");
}

static bool is_dropping(const char *statement)
{
    return strncasecmp(statement, "ALTER ", strlen("ALTER ")) == 0 && strstr(statement, " DROP ");
}

/* Of a statement that stands under no comment. */
static void unnamed_statement(struct plain_objects *objects, const char *statement,
                              const struct catalog_name *database)
{
    struct plain_object object = {.in = database, .statements = 1, .is_named_only = true};
    bool named_by_comments = objects->count > objects->from_statements;
    if (is_dropping(statement))
        return;
    if (named_by_comments || objects->bytes > PLAIN_MAX_NAME_BYTES ||
        !statement_names(statement, &object)) {
        objects->unnamed++;
        return;
    }
    objects->bytes += strlen(object.schema) + strlen(object.name);
    object_add(objects, &object);
    objects->from_statements++;
}

void plain_objects_statement(struct plain_objects *objects, const char *statement, bool is_cut,
                             bool escapes, const struct catalog_name *database)
{
    if (!defines(statement) || is_of_owner(statement))
        return;
    if (!objects->is_under_one) {
        unnamed_statement(objects, statement, database);
        return;
    }
    struct plain_object *object = &objects->items[objects->count - 1];
    const struct definition_style style = {.any_order = strcmp(object->kind, "POLICY") == 0,
                                           .escapes = escapes};
    object->statements++;
    object->is_named_only = object->is_named_only || is_cut;
    definition_read(&object->digest, statement, strlen(statement), style);
}

void plain_objects_settle(struct plain_objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        objects->items[i].database = objects->items[i].in->part->name;
}

void plain_objects_free(struct plain_objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        object_free(&objects->items[i]);
    free(objects->items);
    *objects = (struct plain_objects){0};
}
