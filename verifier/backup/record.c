#include "backup/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/document.h"
#include "backup/manifest.h"

static const char format[] = "restore-verifier record";

void record_free(struct record *record)
{
    free(record->backup);
    free(record->program);
    free(record->server);
    table_counts_free(&record->tables);
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

void record_places(const char *backup_path, const char *scenario, const char *reports,
                   struct record_places *ret_places)
{
    const char *slash = strrchr(backup_path, '/');
    const char *name = slash ? slash + 1 : backup_path;
    *ret_places = (struct record_places){
        .beside = xasprintf("%s.verified.json", backup_path),
        .among_reports =
            reports ? xasprintf("%s/%s.%s.verified.json", reports, scenario, name) : NULL,
    };
}

void record_places_free(struct record_places *places)
{
    free(places->beside);
    free(places->among_reports);
    *places = (struct record_places){0};
}

char *record_format(const struct record *record)
{
    json_t *root = document_new(format, RECORD_VERSION);
    document_set_text(root, "backup", record->backup);
    document_set_time(root, "verified", record->verified);
    json_object_set_new(root, "size_bytes", json_integer(record->size_bytes));
    document_set_time(root, "modified", record->modified);
    document_set_text(root, "sha256", record->sha256);
    document_set_text(root, "program", record->program);
    document_set_text(root, "server", record->server);
    json_object_set_new(root, "checks", json_integer(record->checks));
    json_object_set_new(root, "warnings", json_integer(record->warnings));
    document_set_tables(root, "tables", &record->tables);
    json_t *objects = json_object();
    for (size_t i = 0; i < record->object_count; i++)
        json_object_set_new(objects, record->objects[i].name,
                            json_integer(record->objects[i].value));
    if (record->object_count > 0)
        json_object_set(root, "objects", objects);
    json_decref(objects);
    return document_dump(root);
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
    json_t *root = document.root;
    record.backup = document_text(&document, root, "backup");
    record.verified = document_time(&document, root, "verified");
    record.size_bytes = document_number(&document, root, "size_bytes");
    record.modified = document_time(&document, root, "modified");
    document_sha256(&document, root, "sha256", record.sha256);
    record.program = document_text(&document, root, "program");
    record.server = document_text(&document, root, "server");
    record.checks = document_number(&document, root, "checks");
    record.warnings = document_number(&document, root, "warnings");
    document_tables(&document, root, "tables", &record.tables);
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
    const char *path = places->beside;
    int written = document_write(path, text, error);
    if (written < 0 && places->among_reports) {
        path = places->among_reports;
        written = document_write(path, text, error);
    }
    if (written < 0)
        return -1;
    *ret_path = xstrdup(path);
    return 0;
}

static int remove_file(const char *path, struct error *error)
{
    /* What is not there can be in a directory that nobody may write, too. */
    if (!path || unlink(path) == 0 || errno == ENOENT || access(path, F_OK) < 0)
        return 0;
    return cannot_verify(error, "cannot remove %s, which says that the backup verified: %s", path,
                         strerror(errno));
}

int record_remove(const struct record_places *places, struct error *error)
{
    int beside = remove_file(places->beside, error);
    return remove_file(places->among_reports, error) < 0 ? -1 : beside;
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

static int read_one(const char *path, const struct backup_state *backup, struct record *ret_record,
                    struct error *error)
{
    struct buffer content;
    struct record record = {0};
    int outcome = path ? document_read(path, &content, error) : 1;
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

int record_read(const struct record_places *places, const struct backup_state *backup,
                struct record *ret_record, struct error *error)
{
    struct error among_reports;
    int outcome = read_one(places->beside, backup, ret_record, error);
    if (outcome == 0)
        return 0;
    int second = read_one(places->among_reports, backup, ret_record, &among_reports);
    if (second == 0 || outcome > 0) {
        if (second < 0)
            *error = among_reports;
        return second;
    }
    return outcome;
}
