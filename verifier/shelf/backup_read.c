#include "shelf/backup_read.h"

#include "archive/set.h"
#include "base/memory.h"
#include "shelf/object_source.h"

static int read_file(struct archive *archive, struct shelf *shelf, const char *path,
                     const char *name, int64_t size_bytes, const struct archive_options *reading,
                     struct error *error)
{
    return shelf_directory(shelf) ? archive_read(archive, path, reading, error)
                                  : object_read(archive, shelf, name, size_bytes, reading, error);
}

static int read_set(struct archive *archive, const struct backup_file *backup,
                    const struct archive_options *reading, struct error *error)
{
    struct archive *parts = xcalloc(backup->part_count, sizeof(*parts));
    struct archive_options options = *reading;
    struct error together;
    size_t count = 0;
    int result = 0;
    options.is_part = true;
    while (count < backup->part_count && result == 0) {
        const struct part_file *file = &backup->parts[count];
        struct archive *part = &parts[count++];
        result = read_file(part, backup->shelf, file->path, file->name, file->size_bytes, &options,
                           error);
        part->part = file->part;
        part->name = xstrdup(file->name);
    }
    int joined = archive_of_set(archive, parts, count, &together);
    if (result == 0 && joined < 0)
        *error = together;
    return result < 0 ? -1 : joined;
}

int backup_read(struct archive *archive, const struct backup_file *backup,
                const struct archive_options *reading, struct error *error)
{
    return backup->part_count > 0 ? read_set(archive, backup, reading, error)
                                  : read_file(archive, backup->shelf, backup->path, backup->name,
                                              backup->size_bytes, reading, error);
}
