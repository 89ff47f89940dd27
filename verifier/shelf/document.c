#include "shelf/document.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "shelf/document_source.h"

/* --- values ------------------------------------------------------------------------------------
 */

/* Gives `good`, and notes the first value that is not what was wanted. */
bool document_check(struct document *document, const char *key, bool good, const char *wanted)
{
    if (!good && !*document->problem)
        snprintf(document->problem, sizeof(document->problem), "\"%.60s\" is not %s", key, wanted);
    return good;
}

/* One line of text, as everything is that we write: it ends up in reports. */
bool document_is_line(const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text)
        return false;
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

static void line_read(struct document *document, const char *key, json_t *value, void *ret_line)
{
    bool good = document_check(document, key, document_is_line(value), "a line of text");
    *(char **)ret_line = xstrdup(good ? json_string_value(value) : "");
}

json_t *document_text(const char *text)
{
    json_t *value = json_string(text);
    if (value)
        return value;
    cleanup(free_pointer) char *plain = xstrdup(text);
    for (char *next = plain; *next; next++)
        if ((unsigned char)*next >= 0x80)
            *next = '?';
    return json_string(plain);
}

static json_t *line_write(const void *line)
{
    const char *text = *(char *const *)line;
    return document_text(text ? text : "");
}

static void line_free(void *line)
{
    free(*(char **)line);
}

static void number_read(struct document *document, const char *key, json_t *value, void *ret_number)
{
    bool good = json_is_integer(value) && json_integer_value(value) >= 0;
    *(int64_t *)ret_number = document_check(document, key, good, "a whole number from 0")
                                 ? json_integer_value(value)
                                 : 0;
}

static json_t *number_write(const void *number)
{
    return json_integer(*(const int64_t *)number);
}

static void flag_read(struct document *document, const char *key, json_t *value, void *ret_flag)
{
    *(bool *)ret_flag = document_check(document, key, json_is_boolean(value), "true or false") &&
                        json_is_true(value);
}

static json_t *flag_write(const void *flag)
{
    return json_boolean(*(const bool *)flag);
}

static void time_read(struct document *document, const char *key, json_t *value, void *ret_time)
{
    const char *text = json_string_value(value);
    struct tm parts = {0};
    char again[TIME_TEXT_SIZE] = "";
    time_t time = 0;
    if (text && strlen(text) == strlen("2026-11-22T14:03:05Z") &&
        strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts)) {
        time = timegm(&parts);
        time_format_utc(time, again);
    }
    /* Written back it must be the same: so there is no 30 February, and no year before 1970. */
    bool good = text && time > 0 && strcmp(text, again) == 0;
    *(time_t *)ret_time =
        document_check(document, key, good, "a time such as 2026-11-22T14:03:05Z") ? time : 0;
}

static json_t *time_write(const void *time)
{
    char text[TIME_TEXT_SIZE];
    time_format_utc(*(const time_t *)time, text);
    return json_string(text);
}

static void sha256_read(struct document *document, const char *key, json_t *value, void *ret_hex)
{
    const char *text = json_string_value(value);
    bool good = text && strlen(text) == SHA256_HEX_SIZE - 1 &&
                strspn(text, "0123456789abcdef") == SHA256_HEX_SIZE - 1;
    if (document_check(document, key, good, "a SHA-256 of 64 small hexadecimal digits"))
        memcpy(ret_hex, text, SHA256_HEX_SIZE);
}

static json_t *sha256_write(const void *hex)
{
    return json_string(hex);
}

static void strings_read(struct document *document, const char *key, json_t *value, void *ret_list)
{
    if (!document_check(document, key, json_is_array(value), "a list"))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        if (!document_check(document, key, document_is_line(item), "a list of lines of text"))
            return;
        strings_add(ret_list, json_string_value(item));
    }
}

static json_t *strings_write(const void *list)
{
    const struct strings *strings = list;
    json_t *array = json_array();
    for (size_t i = 0; i < strings->count; i++)
        json_array_append_new(array, document_text(strings->items[i]));
    return array;
}

static void strings_release(void *list)
{
    strings_free(list);
}

static bool is_count(const json_t *value)
{
    return json_is_null(value) || (json_is_integer(value) && json_integer_value(value) >= 0);
}

static int64_t count_value(const json_t *value)
{
    return json_is_null(value) ? NOT_COUNTED : json_integer_value(value);
}

/* "users": 5, or null where nobody counted, or {"rows": 0, "total": 7} for one with partitions. */
static void table_read(struct document *document, const char *schema, const char *name,
                       json_t *value, struct table_counts *tables)
{
    const json_t *rows = json_is_object(value) ? json_object_get(value, "rows") : value;
    const json_t *total = json_is_object(value) ? json_object_get(value, "total") : value;
    if (document_check(document, name, is_count(rows) && is_count(total), "a number of rows"))
        table_counts_add(tables, schema, name, count_value(rows), count_value(total));
}

static void tables_read(struct document *document, const char *key, json_t *schemas,
                        void *ret_tables)
{
    const char *schema;
    const char *name;
    json_t *tables;
    json_t *value;
    if (!document_check(document, key, json_is_object(schemas), "an object"))
        return;
    json_object_foreach(schemas, schema, tables)
    {
        if (!document_check(document, schema, json_is_object(tables), "an object"))
            return;
        json_object_foreach(tables, name, value)
            table_read(document, schema, name, value, ret_tables);
    }
    table_counts_sort(ret_tables);
}

static json_t *count_json(int64_t rows)
{
    return rows == NOT_COUNTED ? json_null() : json_integer(rows);
}

static json_t *table_value(const struct table_count *table)
{
    if (table->rows == table->rows_total)
        return count_json(table->rows);
    json_t *both = json_object();
    json_object_set_new(both, "rows", count_json(table->rows));
    json_object_set_new(both, "total", count_json(table->rows_total));
    return both;
}

static json_t *tables_write(const void *counts)
{
    const struct table_counts *tables = counts;
    json_t *schemas = json_object();
    for (size_t i = 0; i < tables->count; i++) {
        const struct table_count *table = &tables->items[i];
        json_t *schema = json_object_get(schemas, table->schema);
        if (!schema) {
            schema = json_object();
            if (json_object_set_new(schemas, table->schema, schema) < 0)
                continue; /* a name that is no UTF-8 */
        }
        json_object_set_new(schema, table->name, table_value(table));
    }
    return schemas;
}

static void tables_release(void *tables)
{
    table_counts_free(tables);
}

/* "app.alembic_version": ["9c1f0a2b3d4e"]. Older documents have no such object. */
static void versions_read(struct document *document, const char *key, json_t *value,
                          void *ret_states)
{
    const char *table;
    json_t *versions;
    if (!value || !document_check(document, key, json_is_object(value), "an object"))
        return;
    json_object_foreach(value, table, versions)
        strings_read(document, table, versions, &version_states_add(ret_states, table)->versions);
}

static json_t *versions_write(const void *states)
{
    const struct version_states *all = states;
    json_t *object = json_object();
    for (size_t i = 0; i < all->count; i++)
        json_object_set_new(object, all->items[i].table, strings_write(&all->items[i].versions));
    return object;
}

static void versions_release(void *states)
{
    version_states_free(states);
}

/* "INDEX": {"count": 12, "sha256": "..."}. Older documents have no such object. */
static void schema_read(struct document *document, const char *key, json_t *value, void *ret_totals)
{
    const char *kind;
    json_t *total;
    if (!value || !document_check(document, key, json_is_object(value), "an object"))
        return;
    json_object_foreach(value, kind, total)
    {
        char sha256[SHA256_HEX_SIZE] = "";
        int64_t count;
        if (!document_check(document, kind, json_is_object(total), "an object"))
            return;
        number_read(document, "count", json_object_get(total, "count"), &count);
        sha256_read(document, "sha256", json_object_get(total, "sha256"), sha256);
        schema_totals_add(ret_totals, kind, count, sha256);
    }
}

static json_t *schema_write(const void *all)
{
    const struct schema_totals *totals = all;
    json_t *object = json_object();
    for (size_t i = 0; i < totals->count; i++) {
        json_t *total = json_object();
        json_object_set_new(total, "count", json_integer(totals->items[i].count));
        json_object_set_new(total, "sha256", json_string(totals->items[i].sha256));
        json_object_set_new(object, totals->items[i].kind, total);
    }
    return object;
}

static void schema_release(void *totals)
{
    schema_totals_free(totals);
}

/* "0123456789abcdef0123456789abcdef" */
static bool digest_parse(const char *text, struct definition_digest *ret_digest)
{
    char *end;
    if (strlen(text) != 32 || strspn(text, "0123456789abcdef") != 32)
        return false;
    cleanup(free_pointer) char *first = xstrndup(text, 16);
    ret_digest->words[0] = strtoull(first, &end, 16);
    ret_digest->words[1] = strtoull(text + 16, &end, 16);
    return true;
}

/* ["public", "users_email_idx", "0123..."] */
static void object_read(struct document *document, const char *kind, json_t *value,
                        struct definitions *definitions)
{
    const char *words[3];
    struct definition_digest said;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        words[i] = json_string_value(json_array_get(value, i));
    if (document_check(document, kind,
                       words[0] && words[1] && words[2] && digest_parse(words[2], &said),
                       "lists of schema, name and digest"))
        definitions_add(definitions, kind, words[0], words[1], &said);
}

static void definitions_read(struct document *document, const char *key, json_t *value,
                             void *ret_definitions)
{
    struct definitions *definitions = ret_definitions;
    const char *kind;
    json_t *objects;
    size_t i;
    json_t *object;
    if (!value || !document_check(document, key, json_is_object(value), "an object"))
        return;
    line_read(document, "pg_dump", json_object_get(value, "pg_dump"), &definitions->pg_dump);
    line_read(document, "server", json_object_get(value, "server"), &definitions->server);
    json_object_foreach(json_object_get(value, "kinds"), kind, objects)
        json_array_foreach(objects, i, object) object_read(document, kind, object, definitions);
}

static json_t *definitions_write(const void *all)
{
    const struct definitions *definitions = all;
    json_t *value = json_object();
    json_t *kinds = json_object();
    for (size_t i = 0; i < definitions->count; i++) {
        const struct definition_kept *object = &definitions->items[i];
        json_t *objects = json_object_get(kinds, object->kind);
        if (!objects) {
            objects = json_array();
            json_object_set_new(kinds, object->kind, objects);
        }
        cleanup(free_pointer) char *digest =
            xasprintf("%016" PRIx64 "%016" PRIx64, object->said.words[0], object->said.words[1]);
        json_t *item = json_array();
        json_array_append_new(item, document_text(object->schema));
        json_array_append_new(item, document_text(object->name));
        json_array_append_new(item, json_string(digest));
        json_array_append_new(objects, item);
    }
    json_object_set_new(value, "pg_dump", line_write(&definitions->pg_dump));
    json_object_set_new(value, "server", line_write(&definitions->server));
    json_object_set_new(value, "kinds", kinds);
    return value;
}

static void definitions_release(void *definitions)
{
    definitions_free(definitions);
}

static const struct {
    void (*read)(struct document *document, const char *key, json_t *value, void *ret_member);
    json_t *(*write)(const void *member);
    void (*free)(void *member); /* NULL: it holds nothing */
} types[] = {
    [DOCUMENT_LINE] = {line_read, line_write, line_free},
    [DOCUMENT_NUMBER] = {number_read, number_write, NULL},
    [DOCUMENT_FLAG] = {flag_read, flag_write, NULL},
    [DOCUMENT_TIME] = {time_read, time_write, NULL},
    [DOCUMENT_SHA256] = {sha256_read, sha256_write, NULL},
    [DOCUMENT_STRINGS] = {strings_read, strings_write, strings_release},
    [DOCUMENT_TABLES] = {tables_read, tables_write, tables_release},
    [DOCUMENT_VERSIONS] = {versions_read, versions_write, versions_release},
    [DOCUMENT_SCHEMA] = {schema_read, schema_write, schema_release},
    [DOCUMENT_DEFINITIONS] = {definitions_read, definitions_write, definitions_release},
    [DOCUMENT_COLLATIONS] = {document_collations_read, document_collations_write,
                             document_collations_free},
    [DOCUMENT_SURROUNDINGS] = {document_surroundings_read, document_surroundings_write,
                               document_surroundings_free},
};

void document_fields_free(const struct document_field *fields, void *structure)
{
    for (; fields->key; fields++)
        if (types[fields->type].free)
            types[fields->type].free((char *)structure + fields->offset);
}

/* --- reading -----------------------------------------------------------------------------------
 */

static int parse_version(json_t *root, const char *name, const char *format, int newest,
                         struct error *error)
{
    const char *found = json_string_value(json_object_get(root, "format"));
    const json_t *version = json_object_get(root, "version");
    if (!found || strcmp(found, format) != 0 || !json_is_integer(version) ||
        json_integer_value(version) < 1)
        return bad_backup(error,
                          "%s is damaged: it does not say that it is a %s, and of which "
                          "version",
                          name, format);
    if (json_integer_value(version) > newest)
        return cannot_verify(error,
                             "%s was written by a newer version of this program (its version is "
                             "%lld, and %d is understood): update the program here",
                             name, (long long)json_integer_value(version), newest);
    return 0;
}

int document_parse(const char *text, size_t length, const char *name, const char *format,
                   int newest, struct document *ret_document, struct error *error)
{
    json_error_t reason;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &reason);
    if (!root)
        return bad_backup(error, "%s is damaged: line %d, column %d: %s", name, reason.line,
                          reason.column, reason.text);
    if (parse_version(root, name, format, newest, error) < 0) {
        json_decref(root);
        return -1;
    }
    *ret_document = (struct document){.root = root};
    return 0;
}

int document_end(struct document *document, const char *name, struct error *error)
{
    json_decref(document->root);
    document->root = NULL;
    if (!*document->problem)
        return 0;
    return bad_backup(error, "%s is damaged: %s", name, document->problem);
}

json_t *document_object(struct document *document, const char *key)
{
    json_t *value = json_object_get(document->root, key);
    return document_check(document, key, json_is_object(value), "an object") ? value : NULL;
}

int64_t document_number(struct document *document, json_t *object, const char *key)
{
    int64_t number;
    number_read(document, key, json_object_get(object, key), &number);
    return number;
}

void document_read(struct document *document, json_t *object, const struct document_field *fields,
                   void *ret_struct)
{
    for (; fields->key; fields++)
        types[fields->type].read(document, fields->key, json_object_get(object, fields->key),
                                 (char *)ret_struct + fields->offset);
}

/* --- writing -----------------------------------------------------------------------------------
 */

json_t *document_new(const char *format, int version)
{
    json_t *root = json_object();
    json_object_set_new(root, "format", json_string(format));
    json_object_set_new(root, "version", json_integer(version));
    return root;
}

void document_write(json_t *object, const struct document_field *fields, const void *structure)
{
    for (; fields->key; fields++)
        json_object_set_new(object, fields->key,
                            types[fields->type].write((const char *)structure + fields->offset));
}

char *document_dump(json_t *root)
{
    cleanup(free_pointer) char *text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return xasprintf("%s\n", text ? text : "");
}
