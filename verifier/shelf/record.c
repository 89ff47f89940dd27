#include "shelf/record.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "shelf/document.h"
#include "shelf/manifest.h"

static const char format[] = "restore-verifier record";

static const struct document_field fields[] = {
    {"backup", DOCUMENT_LINE, offsetof(struct record, backup)},
    {"verified", DOCUMENT_TIME, offsetof(struct record, verified)},
    {"size_bytes", DOCUMENT_NUMBER, offsetof(struct record, size_bytes)},
    {"modified", DOCUMENT_TIME, offsetof(struct record, modified)},
    {"sha256", DOCUMENT_SHA256, offsetof(struct record, sha256)},
    {"program", DOCUMENT_LINE, offsetof(struct record, program)},
    {"server", DOCUMENT_LINE, offsetof(struct record, server)},
    {"checks", DOCUMENT_NUMBER, offsetof(struct record, checks)},
    {"warnings", DOCUMENT_NUMBER, offsetof(struct record, warnings)},
    {"tables", DOCUMENT_TABLES, offsetof(struct record, tables)},
    {"version_tables", DOCUMENT_VERSIONS, offsetof(struct record, versions)},
    {"schema", DOCUMENT_SCHEMA, offsetof(struct record, schema)},
    {"schema_objects", DOCUMENT_DEFINITIONS, offsetof(struct record, definitions)},
    {0},
};

/* Where the backup holds several databases; tables of one field each. */
static const struct document_field one_database[] = {
    {"database", DOCUMENT_LINE, offsetof(struct record, database)}, {0}};
static const struct document_field all_databases[] = {
    {"databases", DOCUMENT_STRINGS, offsetof(struct record, databases)}, {0}};
static const struct document_field failures[] = {
    {"object_failures", DOCUMENT_NUMBER, offsetof(struct record, object_failures)}, {0}};

void record_free(struct record *record)
{
    document_fields_free(fields, record);
    document_fields_free(one_database, record);
    document_fields_free(all_databases, record);
    for (size_t i = 0; i < record->object_count; i++)
        free(record->objects[i].name);
    free(record->objects);
    *record = (struct record){0};
}

void record_metric_add(struct record *record, const char *name, int64_t value)
{
    record->objects =
        xreallocarray(record->objects, record->object_count + 1, sizeof(*record->objects));
    record->objects[record->object_count++] =
        (struct record_metric){.name = xstrdup(name), .value = value};
}

const struct record_metric *record_metric_find(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->object_count; i++)
        if (strcmp(record->objects[i].name, name) == 0)
            return &record->objects[i];
    return NULL;
}

static const char of_database[] = ".verified-";
static const char ending[] = ".json";

/* Names of databases may hold anything; a point would hide where the backup's name ends. */
static void append_encoded(struct buffer *name, const char *database)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    for (; *database; database++)
        if (strchr(plain, *database))
            buffer_append(name, database, 1);
        else
            buffer_printf(name, "%%%02X", (unsigned char)*database);
}

char *record_name(const char *backup, const char *database)
{
    struct buffer name;
    buffer_init(&name, SIZE_MAX / 2);
    buffer_printf(&name, "%s%s", backup, database ? of_database : ".verified");
    if (database)
        append_encoded(&name, database);
    buffer_append_text(&name, ending);
    return buffer_steal(&name);
}

char *record_of_database_backup(const char *name)
{
    const char *found = NULL, *next = name;
    while ((next = strstr(next, of_database)) != NULL)
        found = next++;
    const char *point = found ? strchr(found + 1, '.') : NULL;
    return point && strcmp(point, ending) == 0 ? xstrndup(name, (size_t)(found - name)) : NULL;
}

void record_places_of(struct shelf *backups, const char *backup, const char *scenario,
                      const char *database, const char *reports, struct record_places *ret_places)
{
    cleanup(free_pointer) char *beside = record_name(backup, database);
    *ret_places = (struct record_places){
        .backups = backups,
        .reports = reports ? shelf_of_directory(reports) : NULL,
        .among_reports = reports ? xasprintf("%s.%s", scenario, beside) : NULL,
        .database = database ? xstrdup(database) : NULL,
    };
    ret_places->beside = take(&beside);
}

void record_places(struct shelf *backups, const char *backup, const char *scenario,
                   const char *reports, struct record_places *ret_places)
{
    record_places_of(backups, backup, scenario, NULL, reports, ret_places);
}

void record_places_free(struct record_places *places)
{
    shelf_free(places->reports);
    free(places->beside);
    free(places->among_reports);
    free(places->database);
    *places = (struct record_places){0};
}

char *record_format(const struct record *record)
{
    json_t *root = document_new(format, RECORD_VERSION);
    document_write(root, fields, record);
    if (record->database)
        document_write(root, one_database, record);
    if (record->databases.count > 0)
        document_write(root, all_databases, record);
    if (record->object_failures > 0)
        document_write(root, failures, record);
    json_t *objects = json_object();
    for (size_t i = 0; i < record->object_count; i++)
        json_object_set_new(objects, record->objects[i].name,
                            json_integer(record->objects[i].value));
    if (record->object_count > 0)
        json_object_set(root, "objects", objects);
    json_decref(objects);
    return document_dump(root);
}

static void parse_optional(struct document *document, const struct document_field *field,
                           struct record *record)
{
    if (json_object_get(document->root, field->key))
        document_read(document, document->root, field, record);
}

static void parse_objects(struct document *document, struct record *record)
{
    if (!json_object_get(document->root, "objects")) /* no bucket, or none was measured yet */
        return;
    json_t *objects = document_object(document, "objects");
    const char *name;
    json_t *value;
    json_object_foreach(objects, name, value)
        record_metric_add(record, name, document_number(document, objects, name));
}

int record_parse(const char *text, size_t length, const char *name, struct record *ret_record,
                 struct error *error)
{
    struct document document;
    if (document_parse(text, length, name, format, RECORD_VERSION, &document, error) < 0)
        return -1;
    struct record record = {0};
    document_read(&document, document.root, fields, &record);
    parse_optional(&document, one_database, &record);
    parse_optional(&document, all_databases, &record);
    parse_optional(&document, failures, &record);
    parse_objects(&document, &record);
    if (document_end(&document, name, error) < 0) {
        record_free(&record);
        return -1;
    }
    *ret_record = record;
    return 0;
}

int record_write(const struct record *record, const struct record_places *places, char **ret_path,
                 struct error *error)
{
    cleanup(free_pointer) char *text = record_format(record);
    struct shelf *shelf = places->backups;
    const char *name = places->beside;
    int written = shelf_write(shelf, name, text, error);
    if (written < 0 && places->reports) {
        shelf = places->reports;
        name = places->among_reports;
        written = shelf_write(shelf, name, text, error);
    }
    if (written < 0)
        return -1;
    *ret_path = shelf_path(shelf, name);
    return 0;
}

static int remove_one(struct shelf *shelf, const char *name, struct error *error)
{
    if (!shelf || shelf_remove(shelf, name, error) == 0)
        return 0;
    return error_prefix(error, "a record says that the backup verified, and ");
}

int record_remove(const struct record_places *places, struct error *error)
{
    int beside = remove_one(places->backups, places->beside, error);
    return remove_one(places->reports, places->among_reports, error) < 0 ? -1 : beside;
}

/* Does it speak of these bytes? */
static int record_check(const struct record *record, const struct backup_state *backup,
                        const char *path, struct error *error)
{
    if (strcmp(record->backup, backup->name) != 0)
        return cannot_verify(error, "%s is about %s", path, record->backup);
    if (record->size_bytes != backup->size_bytes || record->modified != backup->modified)
        return cannot_verify(error,
                             "the backup was changed after it verified: %s is about other "
                             "bytes",
                             path);
    return 0;
}

int record_read_named(struct shelf *shelf, const char *name, const struct backup_state *backup,
                      struct record *ret_record, struct error *error)
{
    struct buffer content;
    struct record record = {0};
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    int outcome = shelf_read(shelf, name, DOCUMENT_LIMIT_BYTES, &content, error);
    if (outcome != 0)
        return outcome;
    outcome = record_parse(content.data, content.length, path, &record, error);
    buffer_free(&content);
    if (outcome == 0)
        outcome = record_check(&record, backup, path, error);
    if (outcome == 0)
        *ret_record = record;
    else
        record_free(&record);
    return outcome;
}

static bool same_database(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static int read_one(const struct record_places *places, struct shelf *shelf, const char *name,
                    const struct backup_state *backup, struct record *ret_record,
                    struct error *error)
{
    struct record record = {0};
    int outcome = shelf ? record_read_named(shelf, name, backup, &record, error) : 1;
    if (outcome != 0)
        return outcome;
    if (!same_database(record.database, places->database)) {
        record_free(&record);
        return cannot_verify(error, "%s is about another database", name);
    }
    *ret_record = record;
    return 0;
}

int record_read(const struct record_places *places, const struct backup_state *backup,
                struct record *ret_record, struct error *error)
{
    struct error among_reports;
    int outcome = read_one(places, places->backups, places->beside, backup, ret_record, error);
    if (outcome == 0)
        return 0;
    int second = read_one(places, places->reports, places->among_reports, backup, ret_record,
                          &among_reports);
    if (second == 0 || outcome > 0) {
        if (second < 0)
            *error = among_reports;
        return second;
    }
    return outcome;
}
