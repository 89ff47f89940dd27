#include "shelf/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/backup_names.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/new_file.h"

struct shelf {
    char *location;
    struct store *store; /* NULL: a directory */
    bool ignores_dates;
    bool expects_dumps;
};

struct shelf *shelf_of_directory(const char *path)
{
    struct shelf *shelf = xcalloc(1, sizeof(*shelf));
    shelf->location = path_absolute(path);
    return shelf;
}

struct shelf *shelf_of_store(struct store *store)
{
    struct shelf *shelf = xcalloc(1, sizeof(*shelf));
    shelf->location = xstrdup(store_name(store));
    shelf->store = store;
    return shelf;
}

int shelf_open(const struct store_options *options, struct shelf **ret_shelf, struct error *error)
{
    struct store *store = NULL;
    if (!starts_with(options->location, "s3://")) {
        *ret_shelf = shelf_of_directory(options->location);
        return 0;
    }
    if (store_open(options, &store, error) < 0)
        return -1;
    *ret_shelf = shelf_of_store(store);
    return 0;
}

void shelf_free(struct shelf *shelf)
{
    if (!shelf)
        return;
    store_free(shelf->store);
    free(shelf->location);
    free(shelf);
}

void shelf_freep(struct shelf **shelf)
{
    shelf_free(*shelf);
}

void shelf_ignore_dates(struct shelf *shelf)
{
    shelf->ignores_dates = true;
}

bool shelf_ignores_dates(const struct shelf *shelf)
{
    return shelf->ignores_dates;
}

void shelf_expect_dumps(struct shelf *shelf)
{
    shelf->expects_dumps = true;
}

bool shelf_expects_dumps(const struct shelf *shelf)
{
    return shelf->expects_dumps;
}

const char *shelf_location(const struct shelf *shelf)
{
    return shelf->location;
}

char *shelf_path(const struct shelf *shelf, const char *name)
{
    const char *slash = shelf->store && ends_with(shelf->location, "/") ? "" : "/";
    return xasprintf("%s%s%s", shelf->location, slash, name);
}

const char *shelf_directory(const struct shelf *shelf)
{
    return shelf->store ? NULL : shelf->location;
}

struct store *shelf_store(const struct shelf *shelf)
{
    return shelf->store;
}

/* --- a directory ------------------------------------------------------------------------------ */

static int directory_open(const struct shelf *shelf, const char *directory, DIR **ret_entries,
                          struct error *error)
{
    DIR *entries = opendir(directory);
    if (!entries && errno == ENOENT && shelf->expects_dumps)
        return cannot_verify(error,
                             "the directory %s does not exist: make the first backup "
                             "(restore-verifier dump), or check backups.location",
                             directory);
    if (!entries && errno == ENOENT)
        return cannot_verify(error, "the directory %s does not exist: check backups.location",
                             directory);
    if (!entries && errno == ENOTDIR)
        return cannot_verify(error, "%s is not a directory: check backups.location", directory);
    if (!entries)
        return cannot_verify(error,
                             "cannot list %s: %s; run this as a user that may read the backups",
                             directory, strerror(errno));
    *ret_entries = entries;
    return 0;
}

static enum shelf_kind kind_of(mode_t mode)
{
    return S_ISREG(mode) ? SHELF_FILE : S_ISDIR(mode) ? SHELF_FOLDER : SHELF_OTHER;
}

/* -1 with errno: nothing of that name, or it cannot be told. */
static int file_look(int directory, const char *path, struct shelf_entry *entry)
{
    struct stat status;
    if (fstatat(directory, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    *entry = (struct shelf_entry){.kind = kind_of(status.st_mode), .size_bytes = status.st_size};
    bool known = !S_ISLNK(status.st_mode) || fstatat(directory, path, &status, 0) == 0;
    entry->modified = known ? status.st_mtim.tv_sec : 0;
    return 0;
}

static int directory_list(const struct shelf *shelf, const char *directory, const char *beginning,
                          shelf_visitor *visit, void *context, struct error *error)
{
    DIR *entries = NULL;
    if (directory_open(shelf, directory, &entries, error) < 0)
        return -1;
    int outcome = 0;
    struct dirent *found;
    while (outcome == 0 && (errno = 0, (found = readdir(entries)))) {
        struct shelf_entry entry = {.kind = SHELF_OTHER};
        if (!starts_with(found->d_name, beginning) ||
            (file_look(dirfd(entries), found->d_name, &entry) < 0 && errno == ENOENT))
            continue;
        entry.name = found->d_name;
        outcome = visit(context, &entry, error);
    }
    if (outcome == 0 && errno != 0)
        outcome = cannot_verify(error, "cannot list %s: %s", directory, strerror(errno));
    closedir(entries);
    return outcome;
}

static int file_get(const char *path, object_sink *sink, void *context, struct error *error)
{
    enum { BLOCK_SIZE = 256 * 1024 };
    cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    cleanup(free_pointer) char *block = xmalloc(BLOCK_SIZE);
    if (descriptor < 0)
        return cannot_verify(error, "cannot open %s: %s", path, strerror(errno));
    ssize_t length;
    while ((length = read(descriptor, block, BLOCK_SIZE)) != 0) {
        if (length < 0 && errno != EINTR)
            return cannot_verify(error, "cannot read %s: %s", path, strerror(errno));
        if (length > 0 && sink(context, block, (size_t)length, error) < 0)
            return -1;
    }
    return 0;
}

static int file_take(const char *path, size_t limit_bytes, struct buffer *ret_content,
                     struct error *error)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? 1
                   : cannot_verify(error, "cannot look at %s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode)) /* opening a fifo would wait for ever */
        return bad_backup(error, "%s is no file", path);
    if (status.st_size > (off_t)limit_bytes)
        return bad_backup(error, "%s is damaged: it has %lld bytes", path,
                          (long long)status.st_size);
    return file_read(path, limit_bytes, ret_content, error);
}

static int file_write(const char *directory, const char *name, const char *text,
                      struct error *error)
{
    cleanup(new_file_freep) struct new_file *file = NULL;
    if (new_file_open(directory, name, NEW_FILE_NAMELESS, &file, error) < 0 ||
        write_all(new_file_descriptor(file), text, strlen(text), new_file_path(file), error) < 0)
        return -1;
    return new_file_publish(file, true, error);
}

static int file_remove(const char *path, struct error *error)
{
    /* What is not there can be in a directory that nobody may write, too. */
    if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR || access(path, F_OK) < 0)
        return 0;
    return cannot_verify(error, "cannot remove %s: %s", path, strerror(errno));
}

/* --- a bucket --------------------------------------------------------------------------------- */

/* The store itself gives up on what does not move. */
static const int64_t patience = NO_DEADLINE;

struct bucket_listing {
    shelf_visitor *visit;
    void *context;
    size_t folder_length;   /* of the name of the folder that is listed, with its slash; or 0 */
    struct strings folders; /* that were given */
};

static bool is_of_a_folder(const char *file)
{
    return strcmp(file, "toc.dat") == 0 || backup_part_of_file(file) != PART_COUNT;
}

/* A key is no string: one with a NUL or another slash in it names no file here. */
static int bucket_entry(void *context, const struct object *object, struct error *error)
{
    struct bucket_listing *listing = context;
    struct shelf_entry entry = {.size_bytes = object->size_bytes,
                                .modified = (time_t)(object->modified_ms / 1000)};
    if (strlen(object->key) != object->key_length)
        return 0;
    const char *key = object->key + listing->folder_length;
    const char *slash = strchr(key, '/');
    if (slash && (slash == key || listing->folder_length > 0 || !is_of_a_folder(slash + 1)))
        return 0;
    cleanup(free_pointer) char *name = xstrndup(key, strcspn(key, "/"));
    if (slash && strings_contain(&listing->folders, name))
        return 0;
    if (slash)
        strings_add(&listing->folders, name);
    memcpy(entry.etag, object->etag, sizeof(entry.etag));
    entry.name = name;
    entry.kind = slash ? SHELF_FOLDER : SHELF_FILE;
    return listing->visit(listing->context, &entry, error);
}

static int bucket_look(struct shelf *shelf, const char *name, struct shelf_entry *ret_entry,
                       struct error *error)
{
    bool found = false;
    struct object object;
    if (store_head(shelf->store, name, strlen(name), patience, &found, &object, error) < 0)
        return -1;
    if (!found)
        return 1;
    *ret_entry = (struct shelf_entry){.kind = SHELF_FILE,
                                      .size_bytes = object.size_bytes,
                                      .modified = (time_t)(object.modified_ms / 1000)};
    memcpy(ret_entry->etag, object.etag, sizeof(ret_entry->etag));
    return 0;
}

/* Says of which file, where the store only names its bucket. */
static int bucket_failed(const struct shelf *shelf, const char *what, const char *name,
                         struct error *error)
{
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    return error_prefix(error, "cannot %s %s: ", what, path);
}

struct small_file {
    struct buffer content;
    const char *path;
};

static int small_file_take(void *context, const void *bytes, size_t length, struct error *error)
{
    struct small_file *file = context;
    if (buffer_append(&file->content, bytes, length) == 0)
        return 0;
    return bad_backup(error, "%s is damaged: it has more than %zu bytes", file->path,
                      file->content.limit);
}

static int bucket_read(struct shelf *shelf, const char *name, size_t limit_bytes,
                       struct buffer *ret_content, struct error *error)
{
    struct shelf_entry entry;
    int looked = bucket_look(shelf, name, &entry, error);
    if (looked < 0)
        return bucket_failed(shelf, "read", name, error);
    if (looked > 0)
        return looked;
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    struct small_file file = {.path = path};
    buffer_init(&file.content, limit_bytes);
    if (store_get(shelf->store, name, strlen(name), patience, small_file_take, &file, NULL, error) <
        0) {
        buffer_free(&file.content);
        return error->fault == FAULT_BACKUP ? -1 : bucket_failed(shelf, "read", name, error);
    }
    if ((int64_t)file.content.length != entry.size_bytes) {
        buffer_free(&file.content);
        return cannot_verify(error, "%s has another size than the store says", path);
    }
    *ret_content = file.content;
    return 0;
}

struct text_left {
    const char *text;
    size_t length;
};

static int64_t text_give(void *context, void *bytes, size_t size, struct error *error)
{
    (void)error;
    struct text_left *left = context;
    size_t length = left->length < size ? left->length : size;
    memcpy(bytes, left->text, length);
    left->text += length;
    left->length -= length;
    return (int64_t)length;
}

static int bucket_write(struct shelf *shelf, const char *name, const char *text,
                        struct error *error)
{
    struct text_left left = {text, strlen(text)};
    if (store_put(shelf->store, name, strlen(name), patience, text_give, &left, NULL, error) < 0)
        return bucket_failed(shelf, "write", name, error);
    return 0;
}

static int bucket_remove(struct shelf *shelf, const char *name, struct error *error)
{
    struct error ignored;
    struct shelf_entry entry;
    /* What is not there need not be removed by somebody who may not. */
    if (store_delete(shelf->store, name, strlen(name), patience, error) == 0 ||
        bucket_look(shelf, name, &entry, &ignored) > 0)
        return 0;
    return bucket_failed(shelf, "remove", name, error);
}

/* --- either ----------------------------------------------------------------------------------- */

int shelf_list(struct shelf *shelf, const char *beginning, shelf_visitor *visit, void *context,
               struct error *error)
{
    struct bucket_listing listing = {.visit = visit, .context = context};
    if (!shelf->store)
        return directory_list(shelf, shelf->location, beginning, visit, context, error);
    int outcome = store_list(shelf->store, beginning, patience, bucket_entry, &listing, error);
    strings_free(&listing.folders);
    return outcome;
}

int shelf_list_folder(struct shelf *shelf, const char *folder, shelf_visitor *visit, void *context,
                      struct error *error)
{
    cleanup(free_pointer) char *path = shelf_path(shelf, folder);
    cleanup(free_pointer) char *prefix = xasprintf("%s/", folder);
    struct bucket_listing listing = {
        .visit = visit, .context = context, .folder_length = strlen(prefix)};
    if (!shelf->store)
        return directory_list(shelf, path, "", visit, context, error);
    return store_list(shelf->store, prefix, patience, bucket_entry, &listing, error);
}

int shelf_look(struct shelf *shelf, const char *name, struct shelf_entry *ret_entry,
               struct error *error)
{
    if (shelf->store)
        return bucket_look(shelf, name, ret_entry, error);
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    if (file_look(AT_FDCWD, path, ret_entry) == 0)
        return 0;
    return errno == ENOENT || errno == ENOTDIR
               ? 1
               : cannot_verify(error, "cannot look at %s: %s", path, strerror(errno));
}

int shelf_get(struct shelf *shelf, const char *name, object_sink *sink, void *context,
              struct error *error)
{
    if (shelf->store)
        return store_get(shelf->store, name, strlen(name), patience, sink, context, NULL, error);
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    return file_get(path, sink, context, error);
}

int shelf_read(struct shelf *shelf, const char *name, size_t limit_bytes,
               struct buffer *ret_content, struct error *error)
{
    if (shelf->store)
        return bucket_read(shelf, name, limit_bytes, ret_content, error);
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    return file_take(path, limit_bytes, ret_content, error);
}

int shelf_write(struct shelf *shelf, const char *name, const char *text, struct error *error)
{
    if (shelf->store)
        return bucket_write(shelf, name, text, error);
    return file_write(shelf->location, name, text, error);
}

int shelf_rename(struct shelf *shelf, const char *from, const char *to, const char *text,
                 struct error *error)
{
    if (shelf->store)
        return shelf_write(shelf, to, text, error) < 0 ? -1 : shelf_remove(shelf, from, error);
    cleanup(free_pointer) char *old = shelf_path(shelf, from);
    cleanup(free_pointer) char *new = shelf_path(shelf, to);
    if (rename(old, new) < 0)
        return cannot_verify(error, "cannot rename %s to %s: %s", old, new, strerror(errno));
    return 0;
}

int shelf_remove(struct shelf *shelf, const char *name, struct error *error)
{
    if (shelf->store)
        return bucket_remove(shelf, name, error);
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    return file_remove(path, error);
}
