#include "stages/platform.h"

#include <string.h>

#include "stages/copy_lines.h"

enum { NAMED_TABLES = 3 };

/* All of it is plain SQL, in several files. */
static bool is_plain_set(const struct archive *archive)
{
    return archive->part_count > 0 && archive->entry_count == 0;
}

static bool is_of_host(const struct archive *archive, const struct archive_table *table)
{
    return table->has_data && !table->created && *table->schema &&
           strcmp(table->schema, "public") != 0 &&
           !strings_contain(&archive->created_schemas, table->schema);
}

int platform_check(const struct archive *archive, struct error *error)
{
    cleanup(strings_free) struct strings named = {0};
    size_t count = 0;
    for (size_t i = 0; i < archive->table_count && is_plain_set(archive); i++) {
        if (!is_of_host(archive, &archive->tables[i]))
            continue;
        cleanup(free_pointer) char *label = archive_table_label(&archive->tables[i]);
        if (count++ < NAMED_TABLES)
            strings_add(&named, label);
    }
    if (count == 0)
        return 0;
    if (count > NAMED_TABLES)
        strings_addf(&named, "%zu more", count - NAMED_TABLES);
    cleanup(free_pointer) char *tables = strings_listed(&named);
    return cannot_verify(error,
                         "the backup has rows of %s, and none of its files creates the schema that "
                         "%s in: it is the host's own; add its definition as the part `platform`, "
                         "such as `supabase db dump --schema auth,storage` writes it",
                         tables, count == 1 ? "this table is" : "these tables are");
}

static int schema_make(const struct archive *archive, const char *name,
                       struct connection *connection, struct error *error)
{
    if (*name == '\0' || strings_contain(&archive->created_schemas, name))
        return 0;
    cleanup(free_pointer) char *quoted = identifier_quote(name);
    return connection_execute(connection, error, "CREATE SCHEMA IF NOT EXISTS %s", quoted);
}

int platform_make(const struct archive *archive, struct connection *connection, struct error *error)
{
    if (!is_plain_set(archive))
        return 0;
    for (size_t i = 0; i < archive->extension_count; i++) {
        const char *schema = archive->extensions[i].schema;
        if (!starts_with(schema, "pg_") && schema_make(archive, schema, connection, error) < 0)
            return -1;
    }
    for (size_t i = 0; i < archive->publications.count; i++) {
        cleanup(free_pointer) char *quoted = identifier_quote(archive->publications.items[i]);
        if (connection_execute(connection, error, "CREATE PUBLICATION %s", quoted) < 0)
            return -1;
    }
    return 0;
}

/* The word behind `beginning`, without its quotes, is one of the extensions. */
static bool is_about(const char *line, const char *beginning, const struct strings *extensions)
{
    const char *name = line + strlen(beginning);
    if (!starts_with(line, beginning))
        return false;
    for (size_t i = 0; i < extensions->count; i++) {
        cleanup(free_pointer) char *quoted = identifier_quote(extensions->items[i]);
        const char *bare = extensions->items[i];
        if ((starts_with(name, quoted) && strchr(" ;", name[strlen(quoted)])) ||
            (starts_with(name, bare) && strchr(" ;", name[strlen(bare)])))
            return true;
    }
    return false;
}

/* pg_dump writes each of these statements as one line. */
static bool extension_blank(char *line, const void *extensions)
{
    static const char *const beginnings[] = {"CREATE EXTENSION IF NOT EXISTS ", "CREATE EXTENSION ",
                                             "COMMENT ON EXTENSION "};
    size_t length = strlen(line);
    for (size_t i = 0; i < ARRAY_LENGTH(beginnings); i++)
        if (is_about(line, beginnings[i], extensions) && ends_with(line, ";\n")) {
            memset(line, ' ', length - strlen(";\n"));
            return true;
        }
    return false;
}

int platform_leave_out(const char *path, const struct strings *extensions, struct error *error)
{
    return copy_lines_blank(path, NULL, extension_blank, extensions, error);
}
