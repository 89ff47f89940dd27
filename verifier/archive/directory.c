#include "archive/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/members.h"
#include "archive/pool.h"
#include "archive/stranger.h"
#include "base/memory.h"

#define FILES_MOST      2000000
#define FILE_NAMES_MOST (32UL << 20) /* bytes, with what is kept of each */

struct file {
    char *name;
    struct member_name member;
    int64_t size;
    char sha256[SHA256_HEX_SIZE];
    struct archive_entry *entry; /* of a data file */
    struct table_data data;
};

struct directory {
    struct reading *reading;
    const char *path;
    int descriptor;
    struct file *files; /* sorted by name */
    size_t count;
    size_t name_bytes;
    struct toc toc;
    struct oid_list met, listed;
};

static void directory_free(struct directory *directory)
{
    for (size_t i = 0; i < directory->count; i++)
        free(directory->files[i].name);
    free(directory->files);
    toc_free(&directory->toc);
    oid_list_free(&directory->met);
    oid_list_free(&directory->listed);
    close_descriptor(&directory->descriptor);
}

/* ---- which files there are ---- */

static int compare_files(const void *left, const void *right)
{
    const struct file *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static int file_add(struct directory *directory, const char *name, int64_t size,
                    struct error *error)
{
    directory->name_bytes += strlen(name) + sizeof(struct file);
    if (directory->count == FILES_MOST || directory->name_bytes > FILE_NAMES_MOST)
        return cannot_verify(error, "%s holds more files than this program keeps track of",
                             directory->path);
    if ((directory->count & (directory->count - 1)) == 0)
        directory->files = xreallocarray(
            directory->files, directory->count ? directory->count * 2 : 1, sizeof(struct file));
    directory->files[directory->count++] =
        (struct file){.name = xstrdup(name), .member = member_classify(name), .size = size};
    return 0;
}

static int file_look(struct directory *directory, const char *name, struct error *error)
{
    struct stat status;
    if (fstatat(directory->descriptor, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return cannot_verify(error, "cannot look at %s in %s: %s", name, directory->path,
                             strerror(errno));
    if (S_ISREG(status.st_mode))
        return file_add(directory, name, status.st_size, error);
    if (member_classify(name).kind != MEMBER_OTHER)
        return bad_backup(error, "%s in it is no regular file", name);
    return 0;
}

static void close_listing(DIR **listing)
{
    if (*listing)
        closedir(*listing);
}

static int files_list(struct directory *directory, struct error *error)
{
    int descriptor = openat(directory->descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup(close_listing) DIR *listing = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (!listing) {
        close_descriptor(&descriptor);
        return cannot_verify(error, "cannot list %s: %s", directory->path, strerror(errno));
    }
    for (;;) {
        errno = 0;
        const struct dirent *found = readdir(listing);
        if (!found && errno != 0)
            return cannot_verify(error, "cannot list %s: %s", directory->path, strerror(errno));
        if (!found)
            break;
        if (file_look(directory, found->d_name, error) < 0)
            return -1;
    }
    if (directory->count > 0)
        qsort(directory->files, directory->count, sizeof(struct file), compare_files);
    return 0;
}

/* ---- one file ---- */

struct open_file {
    int descriptor;
    struct sha256 *hash;
    struct source *source; /* decompressed */
};

static void open_file_close(struct open_file *open_file)
{
    source_close(open_file->source);
    sha256_free(open_file->hash);
    close_descriptor(&open_file->descriptor);
}

static int file_open(struct directory *directory, const struct file *file,
                     struct open_file *open_file, struct error *error)
{
    open_file->descriptor =
        openat(directory->descriptor, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    if (open_file->descriptor < 0 || fstat(open_file->descriptor, &status) < 0)
        return cannot_verify(error, "cannot open %s: %s", file->name, strerror(errno));
    if (!S_ISREG(status.st_mode) || status.st_size != file->size)
        return cannot_verify(error, "%s changed meanwhile: is it still being written?", file->name);
    open_file->hash = sha256_new();
    struct source *raw = file_source_new(open_file->descriptor, file->name, 0, file->size,
                                         open_file->hash, directory->reading->progress);
    open_file->source = member_open(directory->reading, file->member.compression, raw);
    return 0;
}

static int content_read(struct directory *directory, struct file *file, struct source *source,
                        struct error *error)
{
    int64_t length;
    switch (file->member.kind) {
    case MEMBER_TOC:
        return member_toc_read(directory->reading, &directory->toc, source, error);
    case MEMBER_DATA:
        return table_data_read(file->entry, directory->reading->fingerprint, source, &file->data,
                               error);
    case MEMBER_LARGE_OBJECT_LIST:
        return object_list_read(source, &directory->listed, error);
    case MEMBER_LARGE_OBJECT:
        if (source_drain(source, &length, error) < 0)
            return -1;
        file->data.totals.bytes = length;
        return 0;
    case MEMBER_RESTORE_SCRIPT:
    case MEMBER_OTHER:
        break;
    }
    return source_drain(source, &length, error);
}

static int file_content_read(struct directory *directory, struct file *file, struct error *error)
{
    cleanup(open_file_close) struct open_file open_file = {.descriptor = -1};
    if (file_open(directory, file, &open_file, error) < 0)
        return -1;
    if (content_read(directory, file, open_file.source, error) < 0) {
        if (!file->entry)
            return error_prefix(error, "%s: ", file->name);
        cleanup(free_pointer) char *label = entry_label(file->entry);
        return error_prefix(error, "%s (%s): ", label, file->name);
    }
    sha256_final(open_file.hash, file->sha256);
    return 0;
}

/* ---- all files ---- */

/* The table of contents first: it says what the others are. */
static int toc_find_and_read(struct directory *directory, struct error *error)
{
    struct file *toc = NULL;
    for (size_t i = 0; i < directory->count; i++) {
        if (directory->files[i].member.kind != MEMBER_TOC)
            continue;
        if (toc)
            return bad_backup(error, "it holds both %s and %s", toc->name,
                              directory->files[i].name);
        toc = &directory->files[i];
    }
    if (!toc && stranger_directory_check(directory->path, error) < 0)
        return -1;
    if (!toc)
        return bad_backup(error, "it is a directory without a toc.dat, so no backup of pg_dump");
    return file_content_read(directory, toc, error);
}

static int entries_assign(struct directory *directory, struct error *error)
{
    for (size_t i = 0; i < directory->count; i++) {
        struct file *file = &directory->files[i];
        if (file->member.kind == MEMBER_LARGE_OBJECT &&
            oid_list_add(&directory->met, file->member.number, error) < 0)
            return -1;
        if (file->member.kind != MEMBER_DATA)
            continue;
        file->entry = toc_find(&directory->toc, file->member.number);
        if (!file->entry || !file->entry->has_data || !entry_is_table_data(file->entry))
            return bad_backup(error,
                              "it holds a data file %s, for which the table of contents "
                              "announces no data",
                              file->name);
        if (toc_mark_data(&directory->toc, file->entry, error) < 0)
            return -1;
    }
    return 0;
}

/* The lists first, one after the other: they share `listed`. */
static int lists_read(struct directory *directory, struct error *error)
{
    for (size_t i = 0; i < directory->count; i++)
        if (directory->files[i].member.kind == MEMBER_LARGE_OBJECT_LIST &&
            file_content_read(directory, &directory->files[i], error) < 0)
            return -1;
    if (object_lists_compare(&directory->met, &directory->listed, error) < 0)
        return -1;
    const struct archive *archive = directory->reading->archive;
    for (size_t i = 0; i < archive->entry_count; i++)
        if (entry_is_large_objects(&archive->entries[i]))
            directory->toc.data_seen[i] = true;
    return toc_check_all_met(&directory->toc, error);
}

struct work {
    struct directory *directory;
    struct file **files;
};

static int work_one(void *context, size_t i, struct error *error)
{
    struct work *work = context;
    return file_content_read(work->directory, work->files[i], error);
}

static int compare_sizes(const void *left, const void *right)
{
    const struct file *const *a = left, *const *b = right;
    return ((*a)->size < (*b)->size) - ((*a)->size > (*b)->size);
}

static int contents_read(struct directory *directory, struct error *error)
{
    cleanup(free_pointer) struct file **files = xcalloc(directory->count, sizeof(*files));
    size_t count = 0;
    for (size_t i = 0; i < directory->count; i++)
        if (directory->files[i].sha256[0] == '\0')
            files[count++] = &directory->files[i];
    qsort(files, count, sizeof(struct file *), compare_sizes);
    struct work work = {directory, files};
    if (pool_run(count, directory->reading->threads, work_one, &work, error) < 0)
        return -1;
    struct archive *archive = directory->reading->archive;
    for (size_t i = 0; i < directory->count; i++) {
        const struct file *file = &directory->files[i];
        if (file->member.kind == MEMBER_DATA)
            table_data_keep(&directory->toc, file->entry, &file->data);
        if (file->member.kind == MEMBER_LARGE_OBJECT) {
            archive->large_object_count++;
            archive->large_object_bytes += file->data.totals.bytes;
        }
    }
    return large_objects_check(&directory->toc, error);
}

/* What `sha256sum -- * | sha256sum` says. */
static void hash_listing(struct directory *directory)
{
    struct sha256 *hash = sha256_new();
    for (size_t i = 0; i < directory->count; i++) {
        const struct file *file = &directory->files[i];
        if (file->name[0] == '.')
            continue; /* as the shell does */
        sha256_update(hash, file->sha256, strlen(file->sha256));
        sha256_update(hash, "  ", 2);
        sha256_update(hash, file->name, strlen(file->name));
        sha256_update(hash, "\n", 1);
    }
    sha256_final(hash, directory->reading->archive->sha256);
    sha256_free(hash);
}

int directory_read(struct reading *reading, const char *path, struct error *error)
{
    cleanup(directory_free) struct directory directory = {.reading = reading, .path = path};
    directory.descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory.descriptor < 0)
        return cannot_verify(error, "cannot open it: %s", strerror(errno));
    if (files_list(&directory, error) < 0)
        return -1;
    struct archive *archive = reading->archive;
    for (size_t i = 0; i < directory.count; i++)
        archive->stored_bytes += directory.files[i].size;
    archive->unpacked_bytes = archive->stored_bytes;
    allowance_init(&reading->allowance, archive->stored_bytes);
    if (toc_find_and_read(&directory, error) < 0 || entries_assign(&directory, error) < 0 ||
        lists_read(&directory, error) < 0 || contents_read(&directory, error) < 0)
        return -1;
    hash_listing(&directory);
    return 0;
}

bool directory_is_backup(const char *path)
{
    static const char *const names[] = {"toc.dat", "toc.dat.gz", "toc.dat.lz4", "toc.dat.zst"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        cleanup(free_pointer) char *file = xasprintf("%s/%s", path, names[i]);
        struct stat status;
        if (stat(file, &status) == 0 && S_ISREG(status.st_mode))
            return true;
    }
    return false;
}
