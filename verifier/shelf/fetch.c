#include "shelf/fetch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/set.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/new_file.h"
#include "shelf/backup_read.h"

/* --- what is written -------------------------------------------------------------------------- */

struct sink {
    int descriptor;
    const char *path;
    int64_t size_bytes;
};

static int take_bytes(void *context, const void *bytes, size_t length, struct error *error)
{
    struct sink *sink = context;
    sink->size_bytes += (int64_t)length;
    return write_all(sink->descriptor, bytes, length, sink->path, error);
}

static int get(struct shelf *shelf, const char *name, int64_t size_bytes, struct sink *sink,
               struct error *error)
{
    if (shelf_get(shelf, name, take_bytes, sink, error) < 0)
        return -1;
    if (size_bytes >= 0 && sink->size_bytes != size_bytes)
        return cannot_verify(error, "%s has changed while it was fetched: run again", name);
    return 0;
}

/* The file, or each file of a set, while it has no name yet. */
struct fetched {
    struct new_file **files;
    size_t count;
    char *made; /* a directory that was not there before, or NULL */
};

static void fetched_free(struct fetched *fetched)
{
    for (size_t i = 0; i < fetched->count; i++)
        new_file_free(fetched->files[i]);
    if (fetched->made)
        rmdir(fetched->made); /* only when it is empty */
    free(fetched->made);
    free(fetched->files);
}

/* Of a set that lies in a directory, files are named DIRECTORY/FILE. */
static int make_folder(struct fetched *fetched, const char *directory, const char *name,
                       char **ret_folder, struct error *error)
{
    const char *slash = strchr(name, '/');
    if (!slash) {
        *ret_folder = xstrdup(directory);
        return 0;
    }
    cleanup(free_pointer) char *folder = xasprintf("%s/%.*s", directory, (int)(slash - name), name);
    if (mkdir(folder, 0700) == 0)
        fetched->made = xstrdup(folder);
    else if (errno != EEXIST)
        return cannot_verify(error, "cannot make the directory %s: %s", folder, strerror(errno));
    *ret_folder = take(&folder);
    return 0;
}

static int fetch_file(const struct backup_file *backup, const char *name, int64_t size_bytes,
                      const struct fetch_options *options, struct fetched *fetched,
                      struct error *error)
{
    cleanup(free_pointer) char *folder = NULL;
    struct new_file **file = &fetched->files[fetched->count];
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    if (make_folder(fetched, options->directory, name, &folder, error) < 0 ||
        new_file_open(folder, base, NEW_FILE_NAMELESS, file, error) < 0)
        return -1;
    fetched->count++;
    struct sink sink = {.descriptor = new_file_descriptor(*file), .path = new_file_path(*file)};
    if (!options->replace && access(sink.path, F_OK) == 0)
        return cannot_verify(error, "%s exists already: --force replaces it", sink.path);
    return get(backup->shelf, name, size_bytes, &sink, error);
}

static int fetch_files(const struct backup_file *backup, const struct fetch_options *options,
                       struct fetched *fetched, struct error *error)
{
    fetched->files = xcalloc(backup->part_count + 1, sizeof(*fetched->files));
    if (backup->part_count == 0)
        return fetch_file(backup, backup->name, backup->size_bytes, options, fetched, error);
    for (size_t i = 0; i < backup->part_count; i++) {
        const struct part_file *part = &backup->parts[i];
        if (fetch_file(backup, part->name, part->size_bytes, options, fetched, error) < 0)
            return -1;
    }
    return 0;
}

/* --- what it is ------------------------------------------------------------------------------- */

/* An error of the archive names the file as it was opened. */
static void name_in_error(const char *opened, const char *path, struct error *error)
{
    const char *found = strstr(error->text, opened);
    if (!found)
        return;
    cleanup(free_pointer) char *text = xasprintf("%.*s%s%s", (int)(found - error->text),
                                                 error->text, path, found + strlen(opened));
    text_copy(error->text, sizeof(error->text), text);
}

/* Reads the files that have no name yet by their descriptors. */
static int read_files(const struct backup_file *backup, const struct fetched *fetched, int threads,
                      struct archive *archive, struct error *error)
{
    const struct archive_options reading = {.threads = threads, .is_part = backup->part_count > 0};
    cleanup(shelf_freep) struct shelf *here = shelf_of_directory("/proc/self/fd");
    cleanup(strings_free) struct strings paths = {0};
    cleanup(free_pointer) struct part_file *parts = xcalloc(fetched->count, sizeof(*parts));
    for (size_t i = 0; i < fetched->count; i++)
        strings_addf(&paths, "/proc/self/fd/%d", new_file_descriptor(fetched->files[i]));
    for (size_t i = 0; i < backup->part_count; i++) {
        parts[i] = backup->parts[i];
        parts[i].path = paths.items[i];
    }
    struct backup_file local = *backup;
    local.shelf = here;
    local.path = paths.items[0];
    local.parts = parts;
    int result = backup_read(archive, &local, &reading, error);
    for (size_t i = 0; result < 0 && i < fetched->count; i++)
        name_in_error(paths.items[i], new_file_path(fetched->files[i]), error);
    return result;
}

/* Is it what the manifest speaks of? */
static int compare(const struct archive *archive, const struct manifest *manifest, const char *name,
                   struct error *error)
{
    const struct archive *main = archive_main(archive);
    if (!manifest)
        return 0;
    if (main->stored_bytes != manifest->size_bytes)
        return bad_backup(error,
                          "%s has %lld bytes, and its manifest says %lld: it is not the file that "
                          "was dumped",
                          name, (long long)main->stored_bytes, (long long)manifest->size_bytes);
    if (strcmp(main->sha256, manifest->sha256) != 0)
        return bad_backup(error,
                          "%s has the SHA-256 %s, and its manifest says %s: it is not the file "
                          "that was dumped",
                          name, main->sha256, manifest->sha256);
    return 0;
}

/* --- a directory-format dump ------------------------------------------------------------------ */

struct folder {
    const struct backup_file *backup;
    const char *target;
};

static int copy_member(void *context, const struct shelf_entry *entry, struct error *error)
{
    const struct folder *folder = context;
    if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
        return 0;
    cleanup(free_pointer) char *name = xasprintf("%s/%s", folder->backup->name, entry->name);
    cleanup(free_pointer) char *path = xasprintf("%s/%s", folder->target, entry->name);
    if (entry->kind == SHELF_FOLDER)
        return cannot_verify(error, "%s is a directory, and no dump has one in it", name);
    cleanup(close_descriptor) int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return cannot_verify(error, "cannot write %s: %s", path, strerror(errno));
    struct sink sink = {.descriptor = file, .path = path};
    if (get(folder->backup->shelf, name, -1, &sink, error) < 0)
        return -1;
    return fsync(file) < 0 ? cannot_verify(error, "cannot write %s: %s", path, strerror(errno)) : 0;
}

/* -1: it is not there, or another run has it; closing it gives it free. */
static int lock_folder(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0 && flock(folder, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        close_descriptor(&folder);
    return folder;
}

/* Takes the place of what a killed run left, and of none that lives. */
static int make_hidden(const char *hidden, int *ret_lock, struct error *error)
{
    cleanup(close_descriptor) int left = lock_folder(hidden);
    if (left < 0 && access(hidden, F_OK) == 0)
        return cannot_verify(error, "another run is fetching it: %s is in use", hidden);
    if (tree_remove(hidden, error) < 0)
        return -1;
    if (mkdir(hidden, 0700) < 0)
        return cannot_verify(error, "cannot make the directory %s: %s", hidden, strerror(errno));
    *ret_lock = lock_folder(hidden);
    return 0;
}

static int fill_folder(const struct backup_file *backup, const struct manifest *manifest,
                       const char *hidden, int threads, struct archive *archive,
                       struct error *error)
{
    const struct archive_options reading = {.threads = threads};
    struct folder folder = {backup, hidden};
    if (shelf_list_folder(backup->shelf, backup->name, copy_member, &folder, error) < 0 ||
        archive_read(archive, hidden, &reading, error) < 0)
        return -1;
    return compare(archive, manifest, backup->name, error) < 0 ||
                   backup_still_there(backup, error) < 0
               ? -1
               : 0;
}

static int fetch_folder(const struct backup_file *backup, const struct manifest *manifest,
                        const struct fetch_options *options, struct archive *archive,
                        struct error *error)
{
    cleanup(free_pointer) char *hidden =
        xasprintf("%s/.%s.partial", options->directory, backup->name);
    cleanup(free_pointer) char *path = xasprintf("%s/%s", options->directory, backup->name);
    struct error ignored;
    if (!options->replace && access(path, F_OK) == 0)
        return cannot_verify(error, "%s exists already: --force replaces it", path);
    cleanup(close_descriptor) int lock = -1;
    if (make_hidden(hidden, &lock, error) < 0)
        return -1;
    int result = fill_folder(backup, manifest, hidden, options->threads, archive, error);
    if (result < 0)
        name_in_error(hidden, path, error);
    if (result == 0)
        result = tree_remove(path, error);
    if (result == 0 && rename(hidden, path) < 0)
        result = cannot_verify(error, "cannot rename %s to %s: %s", hidden, path, strerror(errno));
    tree_remove(hidden, &ignored);
    return result;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int check_room(const struct backup_file *backup, const char *directory, struct error *error)
{
    int64_t free_bytes = free_space_bytes(directory);
    char needed[SIZE_TEXT_SIZE], found[SIZE_TEXT_SIZE];
    if (free_bytes < 0 || free_bytes >= backup->size_bytes)
        return 0;
    size_format(backup->size_bytes, needed);
    size_format(free_bytes, found);
    return cannot_verify(error,
                         "%s has %s free, and %s takes %s: make room there, or name another "
                         "directory",
                         directory, found, backup->name, needed);
}

static int publish(struct fetched *fetched, bool replace, struct error *error)
{
    for (size_t i = 0; i < fetched->count; i++)
        if (new_file_publish(fetched->files[i], replace, error) < 0) {
            while (i-- > 0)
                unlink(new_file_path(fetched->files[i]));
            return -1;
        }
    free(fetched->made);
    fetched->made = NULL;
    return 0;
}

static int fetch_whole(const struct backup_file *backup, const struct manifest *manifest,
                       const struct fetch_options *options, struct archive *archive,
                       struct error *error)
{
    cleanup(fetched_free) struct fetched fetched = {0};
    if (fetch_files(backup, options, &fetched, error) < 0 ||
        read_files(backup, &fetched, options->threads, archive, error) < 0 ||
        compare(archive, manifest, backup->name, error) < 0 ||
        backup_still_there(backup, error) < 0)
        return -1;
    return publish(&fetched, options->replace, error);
}

struct wanted {
    const struct backup_file *backup;
    const struct backup_names *names; /* may be NULL */
};

static bool is_ours(const char *name, const void *context)
{
    const struct wanted *wanted = context;
    const struct backup_file *backup = wanted->backup;
    struct name_date ignored;
    for (size_t i = 0; wanted->names && i < PART_COUNT; i++)
        if (wanted->names->patterns[i] &&
            name_pattern_match(wanted->names->patterns[i], name, &ignored))
            return true;
    for (size_t i = 0; i < backup->part_count; i++)
        if (strcmp(name, backup->parts[i].name) == 0)
            return true;
    return strcmp(name, backup->name) == 0;
}

/* The NAME of .NAME.partial; NULL when it is something else. Caller frees. */
static char *hidden_name_read(const char *hidden)
{
    static const char ending[] = ".partial";
    size_t length = strlen(hidden);
    if (hidden[0] != '.' || !ends_with(hidden, ending) || length < strlen(ending) + 2)
        return NULL;
    return xstrndup(hidden + 1, length - strlen(ending) - 1);
}

static bool is_empty(const char *path)
{
    DIR *entries = opendir(path);
    size_t count = 0;
    while (entries && count < 3 && readdir(entries)) /* . and .. */
        count++;
    if (entries)
        closedir(entries);
    return count < 3;
}

/* One that is empty may have been made by a run that is about to lock it. */
static void folder_sweep(const char *path)
{
    struct error ignored;
    struct stat status;
    cleanup(close_descriptor) int lock = -1;
    if (lstat(path, &status) < 0 || !S_ISDIR(status.st_mode))
        return;
    lock = lock_folder(path);
    if (lock >= 0 && !is_empty(path))
        tree_remove(path, &ignored);
}

/* Best effort. */
static void folders_sweep(const char *directory, const struct wanted *wanted)
{
    DIR *entries = opendir(directory);
    if (!entries)
        return;
    for (struct dirent *entry; (entry = readdir(entries));) {
        cleanup(free_pointer) char *name = hidden_name_read(entry->d_name);
        cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, entry->d_name);
        if (name && is_ours(name, wanted))
            folder_sweep(path);
    }
    closedir(entries);
}

static bool is_in_place(const char *source, const char *name, const char *directory)
{
    struct stat one, other;
    cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, name);
    return stat(source, &one) == 0 && stat(path, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* To put it in the place of itself could only lose it. */
static int refuse_its_own_place(const struct backup_file *backup, const char *directory,
                                struct error *error)
{
    bool is_there = is_in_place(backup->path, backup->name, directory);
    for (size_t i = 0; i < backup->part_count; i++)
        is_there = is_there || is_in_place(backup->parts[i].path, backup->parts[i].name, directory);
    return is_there ? cannot_verify(error, "%s is where %s lies: name another directory", directory,
                                    backup->name)
                    : 0;
}

/* What lies there under its manifest's name would speak of another backup. */
static int drop_manifest(const struct backup_file *backup, const char *directory,
                         struct error *error)
{
    cleanup(free_pointer) char *name = manifest_name(backup->name);
    cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, name);
    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    return cannot_verify(error, "cannot remove %s, which speaks of another backup: %s", path,
                         strerror(errno));
}

static int check_manifest_place(const struct backup_file *backup,
                                const struct fetch_options *options, struct error *error)
{
    cleanup(free_pointer) char *name = manifest_name(backup->name);
    cleanup(free_pointer) char *path = xasprintf("%s/%s", options->directory, name);
    if (options->replace || access(path, F_OK) < 0)
        return 0;
    return cannot_verify(error, "%s exists already: --force replaces it", path);
}

static void withdraw(const struct backup_file *backup, const char *directory)
{
    struct error ignored;
    cleanup(free_pointer) char *whole = xasprintf("%s/%s", directory, backup->name);
    for (size_t i = 0; i < backup->part_count; i++) {
        cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, backup->parts[i].name);
        unlink(path);
    }
    if (backup->part_count == 0 && unlink(whole) < 0)
        tree_remove(whole, &ignored);
}

/* Without it the backup could not be told from one that never had any. */
static int put_manifest(const struct backup_file *backup, const struct manifest *manifest,
                        const char *directory, struct error *error)
{
    cleanup(shelf_freep) struct shelf *here = shelf_of_directory(directory);
    cleanup(free_pointer) char *name = manifest_name(backup->name);
    if (manifest_write(manifest, here, name, error) == 0)
        return 0;
    withdraw(backup, directory);
    return -1;
}

int backup_fetch(const struct backup_file *backup, const struct manifest *manifest,
                 const struct fetch_options *options, struct archive *archive, char **ret_path,
                 struct error *error)
{
    bool is_folder = backup->is_directory && backup->part_count == 0;
    const struct wanted wanted = {backup, options->names};
    if (refuse_its_own_place(backup, options->directory, error) < 0 ||
        check_manifest_place(backup, options, error) < 0)
        return -1;
    new_files_sweep(options->directory, is_ours, &wanted);
    folders_sweep(options->directory, &wanted);
    if (check_room(backup, options->directory, error) < 0 ||
        (is_folder ? fetch_folder(backup, manifest, options, archive, error)
                   : fetch_whole(backup, manifest, options, archive, error)) < 0)
        return -1;
    if ((manifest ? put_manifest(backup, manifest, options->directory, error)
                  : drop_manifest(backup, options->directory, error)) < 0)
        return -1;
    *ret_path = backup->part_count > 0 ? xstrdup(options->directory)
                                       : xasprintf("%s/%s", options->directory, backup->name);
    return 0;
}
