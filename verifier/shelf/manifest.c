#include "shelf/manifest.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "shelf/document.h"

static const char format[] = "restore-verifier manifest";

static const struct document_field fields[] = {
    {"backup", DOCUMENT_LINE, offsetof(struct manifest, backup)},
    {"size_bytes", DOCUMENT_NUMBER, offsetof(struct manifest, size_bytes)},
    {"sha256", DOCUMENT_SHA256, offsetof(struct manifest, sha256)},
    {"began", DOCUMENT_TIME, offsetof(struct manifest, began)},
    {"ended", DOCUMENT_TIME, offsetof(struct manifest, ended)},
    {"program", DOCUMENT_LINE, offsetof(struct manifest, program)},
    {"pg_dump", DOCUMENT_LINE, offsetof(struct manifest, pg_dump)},
    {"schema", DOCUMENT_SCHEMA, offsetof(struct manifest, schema)},
    {0},
};

static const struct document_field source_fields[] = {
    {"host", DOCUMENT_LINE, offsetof(struct manifest, host)},
    {"server", DOCUMENT_LINE, offsetof(struct manifest, server)},
    {"encoding", DOCUMENT_LINE, offsetof(struct manifest, encoding)},
    {"database_bytes", DOCUMENT_NUMBER, offsetof(struct manifest, database_bytes)},
    {"extensions", DOCUMENT_STRINGS, offsetof(struct manifest, extensions)},
    {"settings", DOCUMENT_STRINGS_IF_ANY, offsetof(struct manifest, settings)},
    {"alembic", DOCUMENT_STRINGS, offsetof(struct manifest, revisions)},
    {"version_tables", DOCUMENT_VERSIONS, offsetof(struct manifest, versions)},
    {"counted", DOCUMENT_FLAG, offsetof(struct manifest, counted)},
    {"tables", DOCUMENT_TABLES, offsetof(struct manifest, tables)},
    {0},
};

void manifest_free(struct manifest *manifest)
{
    document_fields_free(fields, manifest);
    document_fields_free(source_fields, manifest);
    *manifest = (struct manifest){0};
}

char *manifest_name(const char *backup)
{
    return xasprintf("%s.manifest.json", backup);
}

char *manifest_next_name(const char *backup)
{
    return xasprintf("%s.next.manifest.json", backup);
}

char *manifest_format(const struct manifest *manifest)
{
    json_t *root = document_new(format, MANIFEST_VERSION);
    json_t *source = json_object();
    document_write(root, fields, manifest);
    document_write(source, source_fields, manifest);
    json_object_set_new(root, "source", source);
    return document_dump(root);
}

int manifest_parse(const char *text, size_t length, const char *name, struct manifest *ret_manifest,
                   struct error *error)
{
    struct document document;
    if (document_parse(text, length, name, format, MANIFEST_VERSION, &document, error) < 0)
        return -1;
    struct manifest manifest = {0};
    document_read(&document, document.root, fields, &manifest);
    document_read(&document, document_object(&document, "source"), source_fields, &manifest);
    if (document_end(&document, name, error) < 0) {
        manifest_free(&manifest);
        return -1;
    }
    *ret_manifest = manifest;
    return 0;
}

int manifest_read(struct shelf *shelf, const char *name, struct manifest *ret_manifest,
                  struct error *error)
{
    struct buffer content;
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    int outcome = shelf_read(shelf, name, DOCUMENT_LIMIT_BYTES, &content, error);
    if (outcome != 0)
        return outcome;
    outcome = manifest_parse(content.data, content.length, path, ret_manifest, error);
    buffer_free(&content);
    return outcome;
}

static bool fits(const struct manifest *manifest, int64_t size_bytes, const char *sha256)
{
    return manifest->size_bytes == size_bytes && (!sha256 || strcmp(manifest->sha256, sha256) == 0);
}

int manifest_select(struct shelf *shelf, const char *backup, int64_t size_bytes, const char *sha256,
                    struct manifest *ret_manifest, struct error *error)
{
    cleanup(free_pointer) char *name = manifest_name(backup);
    cleanup(free_pointer) char *next_name = manifest_next_name(backup);
    cleanup(manifest_free) struct manifest manifest = {0};
    cleanup(manifest_free) struct manifest next = {0};
    int outcome = manifest_read(shelf, name, &manifest, error);
    struct error ignored;
    struct manifest *chosen = &manifest;
    if ((outcome != 0 || !fits(&manifest, size_bytes, sha256)) &&
        manifest_read(shelf, next_name, &next, &ignored) == 0 && fits(&next, size_bytes, sha256)) {
        chosen = &next;
        outcome = 0;
    }
    if (outcome != 0)
        return outcome;
    *ret_manifest = *chosen;
    *chosen = (struct manifest){0};
    return 0;
}

/* Hundreds of thousands of tables: a manifest that could not be read again helps nobody. */
static char *manifest_text(const struct manifest *manifest)
{
    cleanup(free_pointer) char *text = manifest_format(manifest);
    if (strlen(text) <= DOCUMENT_LIMIT_BYTES)
        return take(&text);
    struct manifest shorter = *manifest;
    shorter.counted = false;
    shorter.tables = (struct table_counts){0};
    return manifest_format(&shorter);
}

int manifest_write(const struct manifest *manifest, struct shelf *shelf, const char *name,
                   struct error *error)
{
    cleanup(free_pointer) char *text = manifest_text(manifest);
    return shelf_write(shelf, name, text, error);
}

int manifest_rename(const struct manifest *manifest, struct shelf *shelf, const char *from,
                    const char *to, struct error *error)
{
    cleanup(free_pointer) char *text = manifest_text(manifest);
    return shelf_rename(shelf, from, to, text, error);
}

void manifest_lost_tables(const struct manifest *before, const struct manifest *now,
                          struct strings *ret_labels)
{
    for (size_t i = 0; i < before->tables.count; i++) {
        const struct table_count *table = &before->tables.items[i];
        if (!table_counts_find(&now->tables, table->schema, table->name))
            strings_addf(ret_labels, "%s.%s", table->schema, table->name);
    }
}
