/* A directory as a store: a copy that sync has made, or any other tree of files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "objects/backend.h"
#include "objects/folder.h"

enum { BLOCK_SIZE = 256 * 1024 };

struct directory {
    char *path;
};

static void directory_free(void *self)
{
    struct directory *directory = self;
    free(directory->path);
    free(directory);
}

/* The directory is opened anew by each operation: it may be made, or mounted, in between. */
static struct folder *open_folder(const struct directory *directory, bool create,
                                  struct error *error)
{
    struct folder *folder = NULL;
    return folder_open(directory->path, create, &folder, error) < 0 ? NULL : folder;
}

static void close_folder(struct folder **folder)
{
    folder_free(*folder);
}

static int check_deadline(const struct directory *directory, int64_t deadline_ms,
                          struct error *error)
{
    if (clock_ms() < deadline_ms)
        return 0;
    return cannot_verify(error, "%s: the time is over", directory->path);
}

struct filter {
    const struct directory *directory;
    const char *prefix;
    size_t prefix_length;
    int64_t deadline_ms;
    object_visitor *visit;
    void *context;
};

static int pass_on(void *context, const struct object *object, const char *file_name,
                   struct error *error)
{
    (void)file_name;
    const struct filter *filter = context;
    if (check_deadline(filter->directory, filter->deadline_ms, error) < 0)
        return -1;
    if (object->key_length < filter->prefix_length ||
        memcmp(object->key, filter->prefix, filter->prefix_length) != 0)
        return 0;
    return filter->visit(filter->context, object, error);
}

static int directory_list(void *self, const char *prefix, int64_t deadline_ms,
                          object_visitor *visit, void *context, struct error *error)
{
    struct filter filter = {.directory = self,
                            .prefix = prefix,
                            .prefix_length = strlen(prefix),
                            .deadline_ms = deadline_ms,
                            .visit = visit,
                            .context = context};
    cleanup(close_folder) struct folder *folder = open_folder(self, false, error);
    return folder ? folder_walk(folder, pass_on, &filter, error) : -1;
}

static void describe(int descriptor, struct object *ret_object)
{
    struct stat status;
    if (!ret_object || fstat(descriptor, &status) < 0)
        return;
    *ret_object = (struct object){.size_bytes = status.st_size,
                                  .modified_ms = (int64_t)status.st_mtim.tv_sec * 1000 +
                                                 status.st_mtim.tv_nsec / 1000000};
}

static int send_file(const struct directory *directory, int descriptor, int64_t deadline_ms,
                     object_sink *sink, void *context, struct error *error)
{
    cleanup(free_pointer) char *block = xmalloc(BLOCK_SIZE);
    for (;;) {
        ssize_t length = read(descriptor, block, BLOCK_SIZE);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return cannot_verify(error, "cannot read a file in %s: %s", directory->path,
                                 strerror(errno));
        if (length == 0)
            return 0;
        if (check_deadline(directory, deadline_ms, error) < 0 ||
            sink(context, block, (size_t)length, error) < 0)
            return -1;
    }
}

static int directory_get(void *self, const char *key, size_t key_length, int64_t deadline_ms,
                         object_sink *sink, void *context, struct object *ret_object,
                         struct error *error)
{
    const struct directory *directory = self;
    cleanup(close_folder) struct folder *folder = open_folder(self, false, error);
    cleanup(free_pointer) char *file_name = NULL;
    cleanup(close_descriptor) int descriptor = -1;
    if (!folder || folder_find(folder, key, key_length, &file_name, &descriptor, error) < 0)
        return -1;
    if (descriptor < 0)
        return cannot_verify(error, "there is no file of that key in %s", directory->path);
    if (send_file(directory, descriptor, deadline_ms, sink, context, error) < 0)
        return -1;
    describe(descriptor, ret_object);
    return 0;
}

static int receive_file(const struct directory *directory, int descriptor, int64_t deadline_ms,
                        object_source *source, void *context, struct error *error)
{
    cleanup(free_pointer) char *block = xmalloc(BLOCK_SIZE);
    for (;;) {
        int64_t length = source(context, block, BLOCK_SIZE, error);
        if (length < 0 || check_deadline(directory, deadline_ms, error) < 0)
            return -1;
        if (length == 0)
            break;
        if (write_all(descriptor, block, (size_t)length, directory->path, error) < 0)
            return -1;
    }
    if (fsync(descriptor) < 0)
        return cannot_verify(error, "cannot write a file in %s: %s", directory->path,
                             strerror(errno));
    return 0;
}

static int directory_put(void *self, const char *key, size_t key_length, int64_t deadline_ms,
                         object_source *source, void *context, struct object *ret_object,
                         struct error *error)
{
    cleanup(close_folder) struct folder *folder = open_folder(self, true, error);
    cleanup(free_pointer) char *old_name = NULL;
    cleanup(free_pointer) char *temporary = NULL;
    cleanup(close_descriptor) int old = -1;
    cleanup(close_descriptor) int descriptor = -1;
    if (!folder || folder_find(folder, key, key_length, &old_name, &old, error) < 0 ||
        folder_temporary(folder, &temporary, &descriptor, error) < 0)
        return -1;
    if (receive_file(self, descriptor, deadline_ms, source, context, error) < 0 ||
        folder_place(folder, temporary, key, key_length, old_name, error) < 0) {
        folder_drop(folder, temporary);
        return -1;
    }
    describe(descriptor, ret_object);
    return 0;
}

static int directory_head(void *self, const char *key, size_t key_length, int64_t deadline_ms,
                          bool *ret_found, struct object *ret_object, struct error *error)
{
    (void)deadline_ms;
    cleanup(close_folder) struct folder *folder = open_folder(self, false, error);
    cleanup(free_pointer) char *file_name = NULL;
    cleanup(close_descriptor) int descriptor = -1;
    if (!folder || folder_find(folder, key, key_length, &file_name, &descriptor, error) < 0)
        return -1;
    *ret_found = descriptor >= 0;
    if (*ret_found)
        describe(descriptor, ret_object);
    return 0;
}

static int directory_delete(void *self, const char *key, size_t key_length, int64_t deadline_ms,
                            struct error *error)
{
    (void)deadline_ms;
    cleanup(close_folder) struct folder *folder = open_folder(self, false, error);
    cleanup(free_pointer) char *file_name = NULL;
    cleanup(close_descriptor) int descriptor = -1;
    if (!folder || folder_find(folder, key, key_length, &file_name, &descriptor, error) < 0)
        return -1;
    return descriptor < 0 ? 0 : folder_remove(folder, file_name, error);
}

int directory_open(const char *path, struct store *ret_store, struct error *error)
{
    static const struct backend backend = {.free = directory_free,
                                           .list = directory_list,
                                           .get = directory_get,
                                           .put = directory_put,
                                           .head = directory_head,
                                           .delete = directory_delete};
    if (*path == '\0')
        return cannot_verify(error, "the name of a directory is empty");
    struct directory *directory = xcalloc(1, sizeof(*directory));
    directory->path = xstrdup(path);
    *ret_store = (struct store){.backend = &backend, .self = directory};
    return 0;
}
