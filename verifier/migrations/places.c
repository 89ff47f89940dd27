#include "migrations/places.h"

#include <stdlib.h>
#include <string.h>

#include "migrations/files.h"

void places_free(struct places *places)
{
    strings_free(&places->directories);
    *places = (struct places){0};
}

static bool is_migration(const char *name)
{
    return ends_with(name, ".py") && !starts_with(name, "__init__") && !starts_with(name, ".#");
}

/* Adds the files right in `directory` to `at_top`, those deeper to `below`; they may be one list.
 */
static int list(const char *directory, struct strings *at_top, struct strings *below,
                struct error *error)
{
    cleanup(strings_free) struct strings paths = {0};
    if (migration_files_list(directory, NULL, &paths, error) < 0)
        return -1;
    for (size_t i = 0; i < paths.count; i++) {
        const char *inside = paths.items[i] + strlen(directory) + 1;
        const char *slash = strrchr(inside, '/');
        if (is_migration(slash ? slash + 1 : inside))
            strings_add(slash ? below : at_top, paths.items[i]);
    }
    return 0;
}

static int by_path(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void sort(struct strings *paths)
{
    if (paths->count > 0)
        qsort(paths->items, paths->count, sizeof(*paths->items), by_path);
}

/* Adds those that are not there yet under another path. */
static void add_new(struct strings *files, struct strings *known, const struct strings *found)
{
    for (size_t i = 0; i < found->count; i++) {
        cleanup(free_pointer) char *real = realpath(found->items[i], NULL);
        const char *path = real ? real : found->items[i];
        if (strings_contain(known, path))
            continue;
        strings_add(known, path);
        strings_add(files, found->items[i]);
    }
}

int places_list(const struct places *places, struct strings *ret_files, struct strings *ret_unread,
                struct error *error)
{
    cleanup(strings_free) struct strings known = {0};
    cleanup(strings_free) struct strings deeper = {0};
    for (size_t i = 0; i < places->directories.count; i++) {
        cleanup(strings_free) struct strings found = {0};
        struct strings *below = places->recursive ? &found : &deeper;
        if (list(places->directories.items[i], &found, below, error) < 0)
            return -1;
        sort(&found);
        add_new(ret_files, &known, &found);
    }
    if (ret_files->count == 0)
        return cannot_verify(error, "%s holds no migrations (*.py)",
                             strings_first(&places->directories));
    sort(&deeper);
    add_new(ret_unread, &known, &deeper);
    return 0;
}
