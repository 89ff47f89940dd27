/* Reading the files. What the revisions amount to together is in graph.c. */
#include "migrations/migrations.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "migrations/python.h"

enum { FILE_LIMIT_BYTES = 4 << 20 };

void migration_free(struct migration *migration)
{
    free(migration->file);
    free(migration->title);
    free(migration->revision);
    strings_free(&migration->labels);
    strings_free(&migration->after);
    free(migration->before);
    *migration = (struct migration){0};
}

void migrations_free(struct migrations *migrations)
{
    for (size_t i = 0; i < migrations->count; i++)
        migration_free(&migrations->items[i]);
    free(migrations->items);
    *migrations = (struct migrations){0};
}

/* --- one file --------------------------------------------------------------------------------- */

enum { REVISION, DOWN_REVISION, DEPENDS_ON, BRANCH_LABELS, NAME_COUNT };
static const char *const names[NAME_COUNT] = {"revision", "down_revision", "depends_on",
                                              "branch_labels"};

static bool is_revision(const struct strings *values)
{
    return values->count == 1 && *values->items[0];
}

/* "" alone stands for nothing. */
static int add_names(struct strings *list, const struct strings *values, const char *name,
                     struct error *error)
{
    for (size_t i = 0; i < values->count; i++)
        if (*values->items[i])
            strings_add(list, values->items[i]);
        else if (values->count > 1)
            return cannot_verify(error, "`%s` has an empty string among others", name);
    return 0;
}

static int fill(struct migration *migration, const struct strings *values, struct error *error)
{
    if (!is_revision(&values[REVISION]))
        return cannot_verify(error, "it has no `revision = \"...\"` at the left margin: is it a "
                                    "migration of Alembic?");
    migration->revision = xstrdup(values[REVISION].items[0]);
    if (add_names(&migration->after, &values[DOWN_REVISION], names[DOWN_REVISION], error) < 0 ||
        add_names(&migration->after, &values[DEPENDS_ON], names[DEPENDS_ON], error) < 0)
        return -1;
    return add_names(&migration->labels, &values[BRANCH_LABELS], names[BRANCH_LABELS], error);
}

int migration_parse(const char *text, size_t length, const char *name,
                    struct migration *ret_migration, struct error *error)
{
    struct strings values[NAME_COUNT] = {0};
    struct migration migration = {0};
    int outcome = python_constants(text, length, names, NAME_COUNT, values, error);
    if (outcome == 0)
        outcome = fill(&migration, values, error);
    for (size_t i = 0; i < NAME_COUNT; i++)
        strings_free(&values[i]);
    if (outcome < 0) {
        migration_free(&migration);
        return error_prefix(error, "%s: ", name);
    }
    migration.file = xstrdup(name);
    migration.title = python_title(text, length);
    *ret_migration = migration;
    return 0;
}

/* --- all of them ------------------------------------------------------------------------------ */

static int parse_file(const char *path, struct migration *ret_migration, struct error *error)
{
    struct buffer content;
    if (file_read(path, FILE_LIMIT_BYTES, &content, error) < 0)
        return -1;
    int outcome = migration_parse(content.data, content.length, path, ret_migration, error);
    buffer_free(&content);
    return outcome;
}

static int add_file(struct migrations *migrations, const char *path, struct error *error)
{
    struct migration migration = {0};
    if (parse_file(path, &migration, error) < 0)
        return -1;
    const struct migration *other = migrations_find(migrations, migration.revision);
    if (other) {
        cannot_verify(error, "%s and %s both have the revision %s: one of them has to go",
                      other->file, path, other->revision);
        migration_free(&migration);
        return -1;
    }
    migrations->items =
        xreallocarray(migrations->items, migrations->count + 1, sizeof(*migrations->items));
    migrations->items[migrations->count++] = migration;
    return 0;
}

/* Not every file that lies deeper is a migration. One that is would never be applied. */
static int refuse_unread(const struct strings *unread, struct error *error)
{
    for (size_t i = 0; i < unread->count; i++) {
        struct migration migration = {0};
        struct error ignored;
        if (parse_file(unread->items[i], &migration, &ignored) < 0)
            continue;
        migration_free(&migration);
        return cannot_verify(error,
                             "%s is a migration that Alembic does not read: set "
                             "recursive_version_locations, or move it",
                             unread->items[i]);
    }
    return 0;
}

int migrations_read(const struct places *places, struct migrations *ret_migrations,
                    struct error *error)
{
    cleanup(strings_free) struct strings files = {0};
    cleanup(strings_free) struct strings unread = {0};
    cleanup(migrations_free) struct migrations migrations = {0};
    if (places_list(places, &files, &unread, error) < 0)
        return -1;
    for (size_t i = 0; i < files.count; i++)
        if (add_file(&migrations, files.items[i], error) < 0)
            return -1;
    if (refuse_unread(&unread, error) < 0 || migrations_connect(&migrations, error) < 0)
        return -1;
    *ret_migrations = migrations;
    migrations = (struct migrations){0};
    return 0;
}
