#include "dump/space.h"

#include "base/clock.h"
#include "base/file.h"
#include "shelf/find.h"

int space_check(struct shelf *shelf, const char *pattern, struct error *error)
{
    const char *directory = shelf_directory(shelf);
    cleanup(backup_file_free) struct backup_file last = {0};
    cleanup(strings_free) struct strings notices = {0};
    struct error ignored;
    const struct backup_names names = backup_names_of(pattern);
    int64_t free_bytes = directory ? free_space_bytes(directory) : -1;
    if (free_bytes < 0 || backup_find(shelf, &names, &last, &notices, &ignored) < 0 ||
        free_bytes >= last.size_bytes)
        return 0;
    char needed[SIZE_TEXT_SIZE];
    char found[SIZE_TEXT_SIZE];
    size_format(last.size_bytes, needed);
    size_format(free_bytes, found);
    return cannot_verify(error,
                         "%s has %s free, and the last backup, %s, takes %s: make room there, or "
                         "choose another backups.location",
                         directory, found, last.name, needed);
}
