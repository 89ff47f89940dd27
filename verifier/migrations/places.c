#include "migrations/places.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

enum { DEPTH_LIMIT = 32 };

void places_free(struct places *places)
{
    strings_free(&places->directories);
    *places = (struct places){0};
}

static bool is_migration(const char *name)
{
    return ends_with(name, ".py") && !starts_with(name, "__init__") && !starts_with(name, ".#");
}

static bool is_directory(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode); /* as os.walk, through no link */
}

/* Adds the files right in `directory` to `at_top`, those deeper to `below`; they may be one list.
 */
static int list(const char *directory, int depth, struct strings *at_top, struct strings *below,
                struct error *error)
{
    if (depth > DEPTH_LIMIT)
        return cannot_verify(error, "%s: directories lie too deep in each other", directory);
    DIR *entries = opendir(directory);
    if (!entries)
        return cannot_verify(error, "cannot list %s: %s", directory, strerror(errno));
    int outcome = 0;
    struct dirent *entry;
    while (outcome == 0 && (errno = 0, entry = readdir(entries))) {
        cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (is_directory(path))
            outcome = list(path, depth + 1, below, below, error);
        else if (is_migration(entry->d_name))
            strings_add(at_top, path);
    }
    if (outcome == 0 && errno != 0)
        outcome = cannot_verify(error, "cannot list %s: %s", directory, strerror(errno));
    closedir(entries);
    return outcome;
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
        if (list(places->directories.items[i], 0, &found, below, error) < 0)
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
