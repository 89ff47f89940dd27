#include "backup/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* --- reading ---------------------------------------------------------------------------------- */

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

/* Gives `value` when it is what was wanted. */
static bool check(struct document *document, const char *key, bool good, const char *wanted)
{
    if (!good && !*document->problem)
        snprintf(document->problem, sizeof(document->problem), "\"%.60s\" is not %s", key, wanted);
    return good;
}

json_t *document_object(struct document *document, const char *key)
{
    json_t *value = json_object_get(document->root, key);
    return check(document, key, json_is_object(value), "an object") ? value : NULL;
}

/* One line of text, as everything is that we write: it ends up in reports. */
static bool is_line(const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text)
        return false;
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

char *document_text(struct document *document, json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return xstrdup(check(document, key, is_line(value), "a line of text") ? json_string_value(value)
                                                                          : "");
}

int64_t document_number(struct document *document, json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    bool good = json_is_integer(value) && json_integer_value(value) >= 0;
    return check(document, key, good, "a whole number from 0") ? json_integer_value(value) : 0;
}

bool document_bool(struct document *document, json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return check(document, key, json_is_boolean(value), "true or false") && json_is_true(value);
}

time_t document_time(struct document *document, json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
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
    return check(document, key, good, "a time such as 2026-11-22T14:03:05Z") ? time : 0;
}

void document_sha256(struct document *document, json_t *object, const char *key,
                     char ret_hex[SHA256_HEX_SIZE])
{
    const char *text = json_string_value(json_object_get(object, key));
    bool good = text && strlen(text) == SHA256_HEX_SIZE - 1 &&
                strspn(text, "0123456789abcdef") == SHA256_HEX_SIZE - 1;
    ret_hex[0] = '\0';
    if (check(document, key, good, "a SHA-256 of 64 small hexadecimal digits"))
        memcpy(ret_hex, text, SHA256_HEX_SIZE);
}

void document_strings(struct document *document, json_t *object, const char *key,
                      struct strings *ret_list)
{
    const json_t *list = json_object_get(object, key);
    if (!check(document, key, json_is_array(list), "a list"))
        return;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        if (!check(document, key, is_line(value), "a list of lines of text"))
            return;
        strings_add(ret_list, json_string_value(value));
    }
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
static void read_table(struct document *document, const char *schema, const char *name,
                       json_t *value, struct table_counts *tables)
{
    const json_t *rows = json_is_object(value) ? json_object_get(value, "rows") : value;
    const json_t *total = json_is_object(value) ? json_object_get(value, "total") : value;
    if (check(document, name, is_count(rows) && is_count(total), "a number of rows"))
        table_counts_add(tables, schema, name, count_value(rows), count_value(total));
}

void document_tables(struct document *document, json_t *object, const char *key,
                     struct table_counts *ret_tables)
{
    json_t *schemas = json_object_get(object, key);
    const char *schema;
    const char *name;
    json_t *tables;
    json_t *value;
    if (!check(document, key, json_is_object(schemas), "an object"))
        return;
    json_object_foreach(schemas, schema, tables)
    {
        if (!check(document, schema, json_is_object(tables), "an object"))
            return;
        json_object_foreach(tables, name, value)
            read_table(document, schema, name, value, ret_tables);
    }
    table_counts_sort(ret_tables);
}

/* --- writing ---------------------------------------------------------------------------------- */

json_t *document_new(const char *format, int version)
{
    json_t *root = json_object();
    json_object_set_new(root, "format", json_string(format));
    json_object_set_new(root, "version", json_integer(version));
    return root;
}

/* jansson takes UTF-8 and nothing else. */
static json_t *text_value(const char *text)
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

void document_set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, text_value(text ? text : ""));
}

void document_set_time(json_t *object, const char *key, time_t time)
{
    char text[TIME_TEXT_SIZE];
    time_format_utc(time, text);
    json_object_set_new(object, key, json_string(text));
}

void document_set_strings(json_t *object, const char *key, const struct strings *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, text_value(list->items[i]));
    json_object_set_new(object, key, array);
}

static json_t *count_new(int64_t rows)
{
    return rows == NOT_COUNTED ? json_null() : json_integer(rows);
}

static json_t *table_new(const struct table_count *table)
{
    if (table->rows == table->rows_total)
        return count_new(table->rows);
    json_t *both = json_object();
    json_object_set_new(both, "rows", count_new(table->rows));
    json_object_set_new(both, "total", count_new(table->rows_total));
    return both;
}

void document_set_tables(json_t *object, const char *key, const struct table_counts *tables)
{
    json_t *schemas = json_object();
    for (size_t i = 0; i < tables->count; i++) {
        const struct table_count *table = &tables->items[i];
        json_t *schema = json_object_get(schemas, table->schema);
        if (!schema) {
            schema = json_object();
            if (json_object_set_new(schemas, table->schema, schema) < 0)
                continue; /* a name that is no UTF-8 */
        }
        json_object_set_new(schema, table->name, table_new(table));
    }
    json_object_set_new(object, key, schemas);
}

char *document_dump(json_t *root)
{
    cleanup(free_pointer) char *text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return xasprintf("%s\n", text ? text : "");
}
