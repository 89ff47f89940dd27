#include "migrations/migrations.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "migrations/python.h"

enum { FILE_LIMIT_BYTES = 4 << 20 };

void migration_free(struct migration *migration)
{
    free(migration->file);
    free(migration->revision);
    strings_free(&migration->after);
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

int migration_parse(const char *text, size_t length, const char *name,
                    struct migration *ret_migration, struct error *error)
{
    static const char *const names[] = {"revision", "down_revision", "depends_on"};
    struct strings values[ARRAY_LENGTH(names)] = {0};
    int outcome = python_constants(text, length, names, ARRAY_LENGTH(names), values, error);
    if (outcome < 0)
        error_prefix(error, "%s: ", name);
    else if (values[0].count != 1)
        outcome = cannot_verify(error,
                                "%s: it has no `revision = \"...\"` at the left margin: is it a "
                                "migration of Alembic?",
                                name);
    if (outcome == 0) {
        struct migration migration = {.file = xstrdup(name),
                                      .revision = xstrdup(values[0].items[0])};
        for (size_t i = 1; i < ARRAY_LENGTH(names); i++)
            for (size_t j = 0; j < values[i].count; j++)
                strings_add(&migration.after, values[i].items[j]);
        *ret_migration = migration;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        strings_free(&values[i]);
    return outcome;
}

/* --- all of them ------------------------------------------------------------------------------ */

const struct migration *migrations_find(const struct migrations *migrations, const char *revision)
{
    for (size_t i = 0; i < migrations->count; i++)
        if (strcmp(migrations->items[i].revision, revision) == 0)
            return &migrations->items[i];
    return NULL;
}

static bool is_migration(const char *name)
{
    return ends_with(name, ".py") && !starts_with(name, "__init__") && !starts_with(name, ".#");
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static int list_files(const char *directory, struct strings *ret_names, struct error *error)
{
    DIR *entries = opendir(directory);
    if (!entries)
        return cannot_verify(error, "cannot list %s: %s: check alembic.migrations", directory,
                             strerror(errno));
    struct dirent *entry;
    while (errno = 0, (entry = readdir(entries)))
        if (is_migration(entry->d_name))
            strings_add(ret_names, entry->d_name);
    int reason = errno;
    closedir(entries);
    if (reason != 0)
        return cannot_verify(error, "cannot list %s: %s", directory, strerror(reason));
    if (ret_names->count == 0)
        return cannot_verify(error, "%s holds no migrations (*.py): check alembic.migrations",
                             directory);
    qsort(ret_names->items, ret_names->count, sizeof(*ret_names->items), by_name);
    return 0;
}

static int add_file(struct migrations *migrations, const char *directory, const char *name,
                    struct error *error)
{
    cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, name);
    struct buffer content;
    if (file_read(path, FILE_LIMIT_BYTES, &content, error) < 0)
        return -1;
    struct migration migration = {0};
    int outcome = migration_parse(content.data, content.length, name, &migration, error);
    buffer_free(&content);
    if (outcome < 0)
        return -1;
    const struct migration *other = migrations_find(migrations, migration.revision);
    if (other) {
        cannot_verify(error, "%s and %s both have the revision %s: one of them has to go",
                      other->file, name, other->revision);
        migration_free(&migration);
        return -1;
    }
    migrations->items =
        xreallocarray(migrations->items, migrations->count + 1, sizeof(*migrations->items));
    migrations->items[migrations->count++] = migration;
    return 0;
}

/* `depends_on` may name a revision by its beginning. */
static const struct migration *resolve(const struct migrations *migrations, const char *name)
{
    const struct migration *found = migrations_find(migrations, name);
    for (size_t i = 0; !found && i < migrations->count; i++)
        if (starts_with(migrations->items[i].revision, name))
            found = &migrations->items[i];
    return found;
}

static int check_order(const struct migrations *migrations, struct error *error)
{
    for (size_t i = 0; i < migrations->count; i++) {
        const struct migration *migration = &migrations->items[i];
        for (size_t j = 0; j < migration->after.count; j++)
            if (!resolve(migrations, migration->after.items[j]))
                return cannot_verify(error, "%s builds on %s, which no file there has",
                                     migration->file, migration->after.items[j]);
    }
    return 0;
}

int migrations_read(const char *directory, struct migrations *ret_migrations, struct error *error)
{
    cleanup(strings_free) struct strings names = {0};
    cleanup(migrations_free) struct migrations migrations = {0};
    if (list_files(directory, &names, error) < 0)
        return -1;
    int outcome = 0;
    for (size_t i = 0; i < names.count && outcome == 0; i++)
        outcome = add_file(&migrations, directory, names.items[i], error);
    if (outcome == 0)
        outcome = check_order(&migrations, error);
    if (outcome < 0)
        return error_prefix(error, "%s: ", directory);
    *ret_migrations = migrations;
    migrations = (struct migrations){0};
    return 0;
}

/* --- which are applied ------------------------------------------------------------------------ */

/* Marks `at` and everything that it builds on. Each is visited once, so a circle ends. */
static void mark(const struct migrations *migrations, const struct migration *at, bool *applied)
{
    cleanup(free_pointer) const struct migration **waiting =
        xcalloc(migrations->count, sizeof(*waiting));
    size_t count = 0;
    if (!applied[at - migrations->items])
        waiting[count++] = at;
    applied[at - migrations->items] = true;
    while (count > 0) {
        const struct strings *after = &waiting[--count]->after;
        for (size_t i = 0; i < after->count; i++) {
            const struct migration *before = resolve(migrations, after->items[i]);
            if (!before || applied[before - migrations->items])
                continue;
            applied[before - migrations->items] = true;
            waiting[count++] = before;
        }
    }
}

void migrations_pending(const struct migrations *migrations, const struct strings *revisions,
                        struct strings *ret_revisions)
{
    cleanup(free_pointer) bool *applied = xcalloc(migrations->count, sizeof(*applied));
    for (size_t i = 0; i < revisions->count; i++) {
        const struct migration *migration = migrations_find(migrations, revisions->items[i]);
        if (migration)
            mark(migrations, migration, applied);
    }
    for (size_t i = 0; i < migrations->count; i++)
        if (!applied[i])
            strings_add(ret_revisions, migrations->items[i].revision);
}

void migrations_heads(const struct migrations *migrations, struct strings *ret_revisions)
{
    cleanup(free_pointer) bool *built_on = xcalloc(migrations->count, sizeof(*built_on));
    for (size_t i = 0; i < migrations->count; i++) {
        const struct strings *after = &migrations->items[i].after;
        for (size_t j = 0; j < after->count; j++) {
            const struct migration *before = resolve(migrations, after->items[j]);
            if (before)
                built_on[before - migrations->items] = true;
        }
    }
    for (size_t i = 0; i < migrations->count; i++)
        if (!built_on[i])
            strings_add(ret_revisions, migrations->items[i].revision);
}
