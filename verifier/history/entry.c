#include "history/entry.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/memory.h"
#include "shelf/age.h"
#include "shelf/document.h"

static const char format[] = "restore-verifier history";

#define FIELD(member) offsetof(struct history_entry, member)

static const struct document_field fields[] = {
    {"id", DOCUMENT_LINE, FIELD(id)},
    {"command", DOCUMENT_LINE, FIELD(command)},
    {"began", DOCUMENT_TIME, FIELD(began)},
    {"exit_code", DOCUMENT_NUMBER, FIELD(exit_code)},
    {"headline", DOCUMENT_LINE, FIELD(headline)},
    {"checks", DOCUMENT_NUMBER, FIELD(checks)},
    {"passed", DOCUMENT_NUMBER, FIELD(passed)},
    {"warnings", DOCUMENT_NUMBER, FIELD(warnings)},
    {"failed", DOCUMENT_NUMBER, FIELD(failed)},
    {"errors", DOCUMENT_NUMBER, FIELD(errors)},
    {"skipped", DOCUMENT_NUMBER, FIELD(skipped)},
    {"program", DOCUMENT_LINE, FIELD(program)},
    {"server", DOCUMENT_LINE, FIELD(server)},
    {"backup", DOCUMENT_LINE, FIELD(backup)},
    {"given", DOCUMENT_FLAG, FIELD(given)},
    {"size_bytes", DOCUMENT_NUMBER, FIELD(backup_size_bytes)},
    {"tables", DOCUMENT_TABLES, FIELD(tables)},
    {"tables_left_out", DOCUMENT_NUMBER, FIELD(tables_left_out)},
    {"version_tables", DOCUMENT_VERSIONS, FIELD(versions)},
    {"schema", DOCUMENT_SCHEMA, FIELD(schema)},
    {0},
};

/* What is not always known; tables of one field each. */
static const struct document_field time_of_backup[] = {
    {"backup_time", DOCUMENT_TIME, FIELD(backup_time)}, {0}};
static const struct document_field sha256[] = {{"sha256", DOCUMENT_SHA256, FIELD(sha256)}, {0}};
static const struct document_field contents_compared[] = {
    {"contents_compared", DOCUMENT_FLAG, FIELD(contents_compared)}, {0}};

void named_numbers_add(struct named_numbers *numbers, const char *name, int64_t value)
{
    numbers->items = xreallocarray(numbers->items, numbers->count + 1, sizeof(*numbers->items));
    numbers->items[numbers->count++] = (struct named_number){.name = xstrdup(name), .value = value};
}

const int64_t *named_numbers_find(const struct named_numbers *numbers, const char *name)
{
    for (size_t i = 0; i < numbers->count; i++)
        if (strcmp(numbers->items[i].name, name) == 0)
            return &numbers->items[i].value;
    return NULL;
}

static void named_numbers_free(struct named_numbers *numbers)
{
    for (size_t i = 0; i < numbers->count; i++)
        free(numbers->items[i].name);
    free(numbers->items);
}

void history_entry_free(struct history_entry *entry)
{
    document_fields_free(fields, entry);
    named_numbers_free(&entry->stages);
    named_numbers_free(&entry->objects);
    free(entry->line);
    *entry = (struct history_entry){0};
}

void history_entry_name(struct history_entry *entry)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        random = (uint64_t)(uintptr_t)entry ^ (uint64_t)entry->began;
    free(entry->id);
    entry->id = xasprintf("%016" PRIx64, random);
}

bool history_entry_counts(const struct history_entry *entry)
{
    return strcmp(entry->command, "verify") == 0 && !entry->given;
}

bool history_entry_is_future(const struct history_entry *entry, time_t now)
{
    return entry->began > now + CLOCK_SKEW_S;
}

/* With those of its partitions: the table that has them is the one that people ask for. */
static int by_rows(const void *one, const void *other)
{
    int64_t rows = ((const struct table_count *)one)->rows_total;
    int64_t others = ((const struct table_count *)other)->rows_total;
    return (rows < others) - (rows > others);
}

void history_entry_cut(struct history_entry *entry)
{
    struct table_counts *tables = &entry->tables;
    if (tables->count <= HISTORY_MOST_TABLES)
        return;
    qsort(tables->items, tables->count, sizeof(*tables->items), by_rows);
    entry->tables_left_out = (int64_t)(tables->count - HISTORY_MOST_TABLES);
    for (; tables->count > HISTORY_MOST_TABLES; tables->count--) {
        free(tables->items[tables->count - 1].schema);
        free(tables->items[tables->count - 1].name);
    }
    table_counts_sort(tables);
}

/* --- writing ---------------------------------------------------------------------------------- */

static json_t *seconds(int64_t duration_ms)
{
    return json_real((double)duration_ms / 1000);
}

char *history_entry_format(const struct history_entry *entry)
{
    if (entry->line)
        return xasprintf("%s\n", entry->line);
    json_t *root = document_new(format, HISTORY_VERSION);
    json_t *stages = json_object();
    json_t *objects = json_object();
    document_write(root, fields, entry);
    json_object_set_new(root, "seconds", seconds(entry->duration_ms));
    if (entry->backup_time > 0)
        document_write(root, time_of_backup, entry);
    if (*entry->sha256)
        document_write(root, sha256, entry);
    if (entry->contents_compared)
        document_write(root, contents_compared, entry);
    for (size_t i = 0; i < entry->stages.count; i++)
        json_object_set_new(stages, entry->stages.items[i].name,
                            seconds(entry->stages.items[i].value));
    for (size_t i = 0; i < entry->objects.count; i++)
        json_object_set_new(objects, entry->objects.items[i].name,
                            json_integer(entry->objects.items[i].value));
    json_object_set_new(root, "stages", stages);
    json_object_set_new(root, "objects", objects);
    cleanup(free_pointer) char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(root);
    return xasprintf("%s\n", text ? text : "{}");
}

/* --- reading ---------------------------------------------------------------------------------- */

static void complain(struct document *document, const char *key, const char *wanted)
{
    if (!*document->problem)
        snprintf(document->problem, sizeof(document->problem), "\"%.60s\" is not %s", key, wanted);
}

static int64_t milliseconds(struct document *document, const char *key, const json_t *value)
{
    static const double most = 1e9;
    double number = json_number_value(value);
    if (json_is_number(value) && number >= 0 && number < most)
        return (int64_t)(number * 1000 + 0.5);
    complain(document, key, "a number of seconds");
    return 0;
}

static void read_numbers(struct document *document, struct history_entry *entry)
{
    const char *name;
    json_t *value;
    json_t *stages = document_object(document, "stages");
    json_t *objects = document_object(document, "objects");
    entry->duration_ms =
        milliseconds(document, "seconds", json_object_get(document->root, "seconds"));
    json_object_foreach(stages, name, value)
        named_numbers_add(&entry->stages, name, milliseconds(document, name, value));
    json_object_foreach(objects, name, value)
        named_numbers_add(&entry->objects, name, document_number(document, objects, name));
}

static void read_optional(struct document *document, const struct document_field *field,
                          struct history_entry *entry)
{
    if (json_object_get(document->root, field->key))
        document_read(document, document->root, field, entry);
}

int history_entry_parse(const char *text, size_t length, const char *name,
                        struct history_entry *ret_entry, struct error *error)
{
    struct document document;
    if (document_parse(text, length, name, format, HISTORY_VERSION, &document, error) < 0)
        return -1;
    struct history_entry entry = {0};
    document_read(&document, document.root, fields, &entry);
    read_numbers(&document, &entry);
    read_optional(&document, time_of_backup, &entry);
    read_optional(&document, sha256, &entry);
    read_optional(&document, contents_compared, &entry);
    if (document_end(&document, name, error) < 0) {
        history_entry_free(&entry);
        return -1;
    }
    entry.line = xstrndup(text, length);
    *ret_entry = entry;
    return 0;
}
