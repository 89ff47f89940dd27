#include "migrations/files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

enum { DEPTH_LIMIT = 32 };

static int list(const char *directory, int depth, bool (*is_entered)(const char *name),
                struct strings *paths, struct error *error)
{
    if (depth > DEPTH_LIMIT)
        return cannot_verify(error, "%s: directories lie too deep in each other", directory);
    DIR *entries = opendir(directory);
    if (!entries)
        return cannot_verify(error, "cannot list %s: %s", directory, strerror(errno));
    int outcome = 0;
    struct dirent *entry;
    while (outcome == 0 && (errno = 0, entry = readdir(entries))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, entry->d_name);
        struct stat status;
        if (lstat(path, &status) < 0)
            outcome = cannot_verify(error, "cannot look at %s: %s", path, strerror(errno));
        else if (!S_ISDIR(status.st_mode))
            strings_add(paths, path);
        else if (!is_entered || is_entered(entry->d_name))
            outcome = list(path, depth + 1, is_entered, paths, error);
    }
    if (outcome == 0 && errno != 0)
        outcome = cannot_verify(error, "cannot list %s: %s", directory, strerror(errno));
    closedir(entries);
    return outcome;
}

int migration_files_list(const char *directory, bool (*is_entered)(const char *name),
                         struct strings *paths, struct error *error)
{
    return list(directory, 0, is_entered, paths, error);
}
