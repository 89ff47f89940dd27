#include "migrations/names.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "migrations/files.h"

/* --- the name of one file --------------------------------------------------------------------- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool ends_with_one_of(const char *name, const char *const *endings)
{
    for (; *endings; endings++)
        if (ends_with(name, *endings))
            return true;
    return false;
}

/* A number without the zeros before it; NULL when there is none. */
static char *number(const char *text)
{
    size_t length = strspn(text, "0123456789");
    size_t zeros = strspn(text, "0");
    if (length == 0)
        return NULL;
    return zeros == length ? xstrdup("0") : xstrndup(text + zeros, length - zeros);
}

static char *name_without(const char *name, const char *ending)
{
    return xstrndup(name, strlen(name) - strlen(ending));
}

static char *django_name(const char *path)
{
    const char *file = last_part(path);
    static const char directory[] = "migrations/";
    if (!ends_with(file, ".py") || file[0] == '_' ||
        (size_t)(file - path) < sizeof(directory) /* with an app before it */ ||
        strncmp(file - strlen(directory), directory, strlen(directory)) != 0 ||
        file[-(ptrdiff_t)sizeof(directory)] != '/')
        return NULL;
    cleanup(free_pointer) char *app_path =
        xstrndup(path, (size_t)(file - path) - sizeof(directory));
    cleanup(free_pointer) char *stem = name_without(file, ".py");
    return xasprintf("%s.%s", last_part(app_path), stem);
}

/* Parts without zeros before them, and without those that are zero at the end. */
static char *flyway_version(const char *text, size_t length)
{
    cleanup(free_pointer) char *rest = xstrndup(text, length);
    struct strings parts = {0};
    char *state = NULL;
    for (char *part = strtok_r(rest, "._", &state); part; part = strtok_r(NULL, "._", &state)) {
        cleanup(free_pointer) char *digits = number(part);
        strings_add(&parts, digits ? digits : part);
    }
    size_t count = parts.count;
    while (count > 1 && strcmp(parts.items[count - 1], "0") == 0)
        count--;
    char *version = xstrdup(count > 0 ? parts.items[0] : "");
    for (size_t i = 1; i < count; i++) {
        cleanup(free_pointer) char *before = version;
        version = xasprintf("%s.%s", before, parts.items[i]);
    }
    strings_free(&parts);
    return version;
}

static char *flyway_name(const char *file)
{
    const char *separator = strstr(file, "__");
    if (!ends_with(file, ".sql") || !separator)
        return NULL;
    if (starts_with(file, "R__"))
        return xstrdup(file);
    if (file[0] != 'V' || !isdigit((unsigned char)file[1]))
        return NULL;
    return flyway_version(file + 1, (size_t)(separator - file - 1));
}

static char *prisma_name(const char *path)
{
    const char *file = last_part(path);
    if (strcmp(file, "migration.sql") != 0 || file == path)
        return NULL;
    cleanup(free_pointer) char *directory = xstrndup(path, (size_t)(file - path - 1));
    return xstrdup(last_part(directory));
}

static char *numbered_name(const char *file, const char *const *endings)
{
    size_t digits = strspn(file, "0123456789");
    return digits > 0 && file[digits] == '_' && ends_with_one_of(file, endings) ? number(file)
                                                                                : NULL;
}

static char *knex_name(const char *file)
{
    static const char *const endings[] = {".js", ".ts", ".cjs", ".mjs", NULL};
    if (!isdigit((unsigned char)file[0]) || ends_with(file, ".d.ts") ||
        !ends_with_one_of(file, endings))
        return NULL;
    return xstrndup(file, (size_t)(strrchr(file, '.') - file));
}

char *migration_name(enum migration_tool tool, const char *path)
{
    static const char *const ruby[] = {".rb", NULL};
    static const char *const goose[] = {".sql", ".go", NULL};
    static const char *const up[] = {".up.sql", NULL};
    const char *file = last_part(path);
    switch (tool) {
    case TOOL_DJANGO:
        return django_name(path);
    case TOOL_RAILS:
        return numbered_name(file, ruby);
    case TOOL_FLYWAY:
        return flyway_name(file);
    case TOOL_PRISMA:
        return prisma_name(path);
    case TOOL_GOOSE:
        return ends_with(file, "_test.go") ? NULL : numbered_name(file, goose);
    case TOOL_GOLANG_MIGRATE:
        return numbered_name(file, up);
    case TOOL_KNEX:
        return knex_name(file);
    case TOOL_ALEMBIC:
    case TOOL_COUNT:
        break;
    }
    return NULL;
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool is_entered(const char *name)
{
    return name[0] != '.' && strcmp(name, "node_modules") != 0;
}

/* Numbers as numbers, "2.1" before "2.10"; what is no number behind them, by its bytes. */
static int compare(const char *left, const char *right)
{
    while (isdigit((unsigned char)*left) && isdigit((unsigned char)*right)) {
        size_t one = strspn(left, "0123456789");
        size_t other = strspn(right, "0123456789");
        int order = one != other ? (one < other ? -1 : 1) : strncmp(left, right, one);
        if (order != 0)
            return order;
        left += one;
        right += other;
        if (*left != '.' || *right != '.')
            break;
        left++;
        right++;
    }
    return strcmp(left, right);
}

static int by_order(const void *left, const void *right)
{
    return compare(*(char *const *)left, *(char *const *)right);
}

int migration_names_read(enum migration_tool tool, const char *directory, struct strings *ret_names,
                         struct error *error)
{
    /* Django's names need the directory above, also of `.`. */
    cleanup(free_pointer) char *real = realpath(directory, NULL);
    cleanup(strings_free) struct strings paths = {0};
    if (migration_files_list(real ? real : directory, is_entered, &paths, error) < 0)
        return -1;
    for (size_t i = 0; i < paths.count; i++) {
        cleanup(free_pointer) char *name =
            last_part(paths.items[i])[0] == '.' ? NULL : migration_name(tool, paths.items[i]);
        if (name && !strings_contain(ret_names, name))
            strings_add(ret_names, name);
    }
    if (ret_names->count == 0)
        return cannot_verify(error, "%s holds no file that is named like a migration of %s",
                             directory, migration_tool_name(tool));
    qsort(ret_names->items, ret_names->count, sizeof(*ret_names->items), by_order);
    return 0;
}

/* --- against what is applied ------------------------------------------------------------------ */

static const char baseline[] = " (baseline)";

/* "app.0001_squashed_0010_names" stands for those of the app from 0001 to 0010. */
static bool is_squash_of(const char *name, const char *migration)
{
    static const char word[] = "_squashed_";
    const char *squashed = strstr(name, word);
    const char *dot = strchr(name, '.');
    if (!squashed || !dot || dot > squashed ||
        strncmp(name, migration, (size_t)(dot - name + 1)) != 0)
        return false;
    const char *own = migration + (dot - name + 1);
    size_t digits = strspn(own, "0123456789");
    const char *last = squashed + strlen(word);
    return digits == strspn(dot + 1, "0123456789") && digits == strspn(last, "0123456789") &&
           strncmp(own, dot + 1, digits) >= 0 && strncmp(own, last, digits) <= 0;
}

/* It is written down only when Django has run once more after the last of them was applied. */
static bool is_squashed_of(const char *name, const struct strings *applied)
{
    const char *squashed = strstr(name, "_squashed_");
    for (size_t i = 0; i < applied->count && squashed; i++) {
        const char *dot = strchr(applied->items[i], '.');
        if (is_squash_of(name, applied->items[i]) && dot &&
            strncmp(dot + 1, squashed + strlen("_squashed_"), strspn(dot + 1, "0123456789")) == 0)
            return true;
    }
    return false;
}

/* A tool may only know how far it has come. */
static bool is_covered(enum migration_tool tool, const char *name, const struct strings *applied)
{
    for (size_t i = 0; i < applied->count; i++) {
        const char *item = applied->items[i];
        if (tool == TOOL_GOLANG_MIGRATE && compare(name, item) <= 0)
            return true;
        if (tool == TOOL_FLYWAY && ends_with(item, baseline)) {
            cleanup(free_pointer) char *version = name_without(item, baseline);
            if (isdigit((unsigned char)name[0]) && compare(name, version) <= 0)
                return true;
        }
    }
    return tool == TOOL_DJANGO && is_squashed_of(name, applied);
}

void migration_names_pending(enum migration_tool tool, const struct strings *names,
                             const struct strings *applied, struct strings *ret_pending)
{
    for (size_t i = 0; i < names->count; i++)
        if (!strings_contain(applied, names->items[i]) &&
            !is_covered(tool, names->items[i], applied))
            strings_add(ret_pending, names->items[i]);
}

static bool is_squashed(const struct strings *names, const char *migration)
{
    for (size_t i = 0; i < names->count; i++)
        if (is_squash_of(names->items[i], migration))
            return true;
    return false;
}

/* Of Django's apps, whether one has files here. */
static bool has_app(const struct strings *names, const char *migration)
{
    const char *dot = strchr(migration, '.');
    cleanup(free_pointer) char *app = xstrndup(migration, dot ? (size_t)(dot - migration + 1) : 0);
    for (size_t i = 0; i < names->count && *app; i++)
        if (starts_with(names->items[i], app))
            return true;
    return false;
}

void migration_names_unknown(enum migration_tool tool, const struct strings *names,
                             const struct strings *applied, struct strings *ret_unknown)
{
    const char *newest = NULL;
    for (size_t i = 0; i < applied->count; i++) {
        const char *item = applied->items[i];
        if (tool != TOOL_DJANGO)
            newest = newest && compare(newest, item) > 0 ? newest : item;
        else if (has_app(names, item) && !strings_contain(names, item) && !is_squashed(names, item))
            strings_add(ret_unknown, item);
    }
    if (newest && !ends_with(newest, baseline) && !strings_contain(names, newest))
        strings_add(ret_unknown, newest);
}
