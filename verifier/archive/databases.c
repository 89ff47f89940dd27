/* The databases of a plain SQL file, and what was appended to it. */
#include <stdlib.h>
#include <string.h>

#include "archive/archive.h"
#include "archive/plain/plain.h"

static bool is_of_every_server(const char *name)
{
    static const char *const names[] = {"template0", "template1", "postgres"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool is_empty(const struct archive_database *part)
{
    return part->table_count == 0 && part->large_object_count == 0;
}

size_t archive_databases(const struct archive *archive, const struct archive_database **ret_parts)
{
    size_t count = 0;
    for (size_t i = 0; i < archive->database_part_count; i++) {
        const struct archive_database *part = &archive->database_parts[i];
        bool counts = *part->name && !(is_of_every_server(part->name) && is_empty(part));
        if (counts)
            ret_parts[count++] = part;
    }
    return count;
}

void archive_view(const struct archive *archive, const struct archive_database *database,
                  struct archive *ret_view)
{
    struct archive view = *archive;
    view.tables = xcalloc(database->table_count, sizeof(*view.tables));
    view.table_count = 0;
    view.view_of = database->name;
    for (size_t i = 0; i < archive->table_count; i++) {
        const char *name = archive->tables[i].database;
        if (strcmp(name ? name : "", database->name) == 0)
            view.tables[view.table_count++] = archive->tables[i];
    }
    view.large_object_count = database->large_object_count;
    view.hollow_large_objects = database->hollow_large_objects;
    view.database = (char *)(uintptr_t)(*database->name ? database->name : archive->database);
    view.encoding = (char *)(uintptr_t)database->encoding;
    *ret_view = view;
}

void archive_view_free(struct archive *view)
{
    free(view->tables);
    *view = (struct archive){0};
}

static char *appended_words(const struct plain_appended *appended)
{
    if (appended->statements == 0 && appended->dumps == 0)
        return NULL;
    bool one = appended->statements == 1;
    cleanup(free_pointer) char *dumps =
        appended->dumps > 0
            ? xasprintf("it holds %lld dumps of one database, the second of which begins on line "
                        "%lld",
                        (long long)appended->dumps + 1, (long long)appended->dump_line)
            : xstrdup("");
    cleanup(free_pointer) char *statements =
        appended->statements > 0
            ? xasprintf("%s%lld statement%s the end of the dump, %s line %lld (%s)",
                        *dumps ? ", and " : "", (long long)appended->statements,
                        one ? " follows" : "s follow", one ? "on" : "the first on",
                        (long long)appended->line, appended->text)
            : xstrdup("");
    return xasprintf("%s%s", dumps, statements);
}

/* Of a set: of the first file that has something, which is named. */
char *archive_appended(const struct archive *archive)
{
    char *words = archive->plain ? appended_words(&archive->plain->appended) : NULL;
    for (size_t i = 0; i < archive->part_count && !words; i++) {
        cleanup(free_pointer) char *of_part = archive_appended(&archive->parts[i]);
        if (of_part)
            words = xasprintf("%s: %s", archive->parts[i].name, of_part);
    }
    return words;
}

bool archive_appended_changes_rows(const struct archive *archive)
{
    bool changes = archive->plain && archive->plain->appended.changes_rows;
    for (size_t i = 0; i < archive->part_count && !changes; i++)
        changes = archive_appended_changes_rows(&archive->parts[i]);
    return changes;
}
