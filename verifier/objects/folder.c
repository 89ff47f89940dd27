#include "objects/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "objects/file_name.h"

#define TEMPORARY OWN_NAMES "-part."

enum { DIRECTORY_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static char *printable_name(const char *file_name)
{
    char *printable = xstrdup(file_name);
    for (char *c = printable; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return printable;
}

static int explain(const struct folder *folder, const char *what, const char *file_name,
                   struct error *error)
{
    int reason = errno;
    cleanup(free_pointer) char *printable = printable_name(file_name);
    return cannot_verify(error, "cannot %s %s/%s: %s%s", what, folder->path, printable,
                         strerror(reason),
                         reason == ENOSPC ? ": make room there, or choose another place" : "");
}

/* ---- opening ---- */

static int make_directory(const char *path, struct error *error)
{
    cleanup(free_pointer) char *partial = xstrdup(path);
    for (char *slash = partial; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        mkdir(partial, 0777); /* what fails shows at the end */
        *slash = '/';
    }
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return cannot_verify(error, "cannot make the directory %s: %s", path, strerror(errno));
    return 0;
}

/* Whether a file that is there is found under its name in capitals, too. */
static bool finds_capitals(const struct folder *folder, const char *name)
{
    struct stat status;
    struct stat other;
    cleanup(free_pointer) char *capitals = xstrdup(name);
    for (char *c = capitals; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return fstatat(folder->descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstatat(folder->descriptor, capitals, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
           status.st_ino == other.st_ino && status.st_dev == other.st_dev;
}

static int probe_case(struct folder *folder, struct error *error)
{
    char *name = NULL;
    int descriptor;
    if (folder_temporary(folder, &name, &descriptor, error) < 0)
        return -1;
    folder->folds_case = finds_capitals(folder, name);
    close(descriptor);
    folder_drop(folder, name);
    free(name);
    return 0;
}

int folder_open(const char *path, bool create, struct folder **ret_folder, struct error *error)
{
    if (create && make_directory(path, error) < 0)
        return -1;
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return cannot_verify(error, "cannot open the directory %s: %s", path, strerror(errno));
    struct folder *folder = xcalloc(1, sizeof(*folder));
    folder->path = xstrdup(path);
    folder->descriptor = descriptor;
    pthread_mutex_init(&folder->placing, NULL);
    if (create && probe_case(folder, error) < 0) {
        folder_free(folder);
        return -1;
    }
    /* A copy that sync has made can be told without writing into it. */
    if (!create)
        folder->folds_case = finds_capitals(folder, OWN_NAMES "-sync.json");
    *ret_folder = folder;
    return 0;
}

void folder_free(struct folder *folder)
{
    if (!folder)
        return;
    close(folder->descriptor);
    pthread_mutex_destroy(&folder->placing);
    free(folder->path);
    free(folder);
}

/* ---- paths ---- */

/* Opens a directory below, part by part, making those that are missing where that is asked. A file
 * in the way of a directory to be made gives way under the name "%~". */
static int open_part(const struct folder *folder, int parent, const char *name, bool create)
{
    (void)folder;
    int descriptor = openat(parent, name, DIRECTORY_FLAGS);
    if (descriptor >= 0 || !create || (errno != ENOENT && errno != ENOTDIR))
        return descriptor;
    struct stat status;
    if (errno == ENOTDIR) {
        cleanup(free_pointer) char *aside = xasprintf("%s%%~", name);
        if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode)) {
            errno = ENOTDIR;
            return -1;
        }
        if (renameat(parent, name, parent, aside) < 0)
            return -1;
    }
    if (mkdirat(parent, name, 0777) < 0 && errno != EEXIST)
        return -1;
    return openat(parent, name, DIRECTORY_FLAGS);
}

/* Opens the directory that holds `file_name`; `ret_last` points to its last part. -1 with errno. */
static int open_parent(const struct folder *folder, const char *file_name, bool create,
                       const char **ret_last)
{
    int current = fcntl(folder->descriptor, F_DUPFD_CLOEXEC, 0);
    while (current >= 0) {
        size_t length = strcspn(file_name, "/");
        if (file_name[length] == '\0') {
            *ret_last = file_name;
            return current;
        }
        cleanup(free_pointer) char *name = xstrndup(file_name, length);
        /* Names of keys have no such parts; those that others wrote might. */
        bool leaves = length == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        int below = -1;
        errno = EINVAL;
        if (!leaves)
            below = open_part(folder, current, name, create);
        int reason = errno;
        close(current);
        errno = reason;
        current = below;
        file_name += length + 1;
    }
    return -1;
}

/* ---- walking ---- */

struct walk {
    struct folder *folder;
    struct strings pending; /* directories, relative */
    folder_visitor *visit;
    void *context;
    struct buffer key;
};

static int visit_file(struct walk *walk, const char *file_name, const struct stat *status,
                      struct error *error)
{
    key_of_file_name(file_name, walk->folder->folds_case, &walk->key, NULL);
    struct object object = {.key = walk->key.data,
                            .key_length = walk->key.length,
                            .size_bytes = status->st_size,
                            .modified_ms = (int64_t)status->st_mtim.tv_sec * 1000 +
                                           status->st_mtim.tv_nsec / 1000000};
    return walk->visit(walk->context, &object, file_name, error);
}

static int walk_entry(struct walk *walk, int descriptor, const char *directory, const char *name,
                      struct error *error)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        (*directory == '\0' && starts_with(name, OWN_NAMES)))
        return 0;
    cleanup(free_pointer) char *file_name =
        *directory ? xasprintf("%s/%s", directory, name) : xstrdup(name);
    struct stat status;
    if (fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : explain(walk->folder, "look at", file_name, error);
    if (S_ISDIR(status.st_mode)) {
        strings_add(&walk->pending, file_name);
        return 0;
    }
    if (S_ISREG(status.st_mode))
        return visit_file(walk, file_name, &status, error);
    cleanup(free_pointer) char *printable = printable_name(file_name);
    return cannot_verify(
        error,
        "%s/%s is neither a file nor a directory, so that the objects of %s cannot "
        "be known: put a file in its place, or remove it",
        walk->folder->path, printable, walk->folder->path);
}

static int walk_directory(struct walk *walk, const char *directory, struct error *error)
{
    const char *last = "";
    int parent = open_parent(walk->folder, directory, false, &last);
    int descriptor = parent < 0 ? -1 : openat(parent, *last ? last : ".", DIRECTORY_FLAGS);
    if (parent >= 0)
        close(parent);
    if (descriptor < 0)
        return errno == ENOENT ? 0 : explain(walk->folder, "open", directory, error);
    DIR *stream = fdopendir(descriptor);
    if (!stream) {
        close(descriptor);
        return explain(walk->folder, "open", directory, error);
    }
    int failed = 0;
    const struct dirent *entry;
    while (failed == 0 && (errno = 0, entry = readdir(stream)))
        failed = walk_entry(walk, descriptor, directory, entry->d_name, error);
    if (failed == 0 && errno != 0)
        failed = explain(walk->folder, "list", directory, error);
    closedir(stream);
    return failed;
}

int folder_walk(struct folder *folder, folder_visitor *visit, void *context, struct error *error)
{
    struct walk walk = {.folder = folder, .visit = visit, .context = context};
    buffer_init(&walk.key, 64 * 1024);
    int failed = walk_directory(&walk, "", error);
    while (failed == 0 && walk.pending.count > 0) {
        cleanup(free_pointer) char *directory = walk.pending.items[--walk.pending.count];
        failed = walk_directory(&walk, directory, error);
    }
    strings_free(&walk.pending);
    buffer_free(&walk.key);
    return failed;
}

/* ---- single files ---- */

/* A regular file of that very path: its descriptor, or -1 with errno. */
static int open_file(const struct folder *folder, const char *file_name)
{
    const char *last;
    int parent = open_parent(folder, file_name, false, &last);
    if (parent < 0)
        return -1;
    int descriptor = openat(parent, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int reason = errno;
    struct stat status;
    close(parent);
    if (descriptor >= 0 && (fstat(descriptor, &status) < 0 || !S_ISREG(status.st_mode))) {
        close(descriptor);
        descriptor = -1;
        reason = ENOENT;
    }
    errno = reason;
    return descriptor;
}

static bool is_absent(int reason)
{
    return reason == ENOENT || reason == ENOTDIR || reason == EISDIR || reason == ENAMETOOLONG ||
           reason == EINVAL;
}

static bool stands_for(const struct folder *folder, const char *file_name, const char *key,
                       size_t key_length)
{
    struct buffer read;
    buffer_init(&read, 64 * 1024);
    key_of_file_name(file_name, folder->folds_case, &read, NULL);
    bool same = read.length == key_length && memcmp(read.data, key, key_length) == 0;
    buffer_free(&read);
    return same;
}

int folder_find(struct folder *folder, const char *key, size_t key_length, char **ret_file_name,
                int *ret_descriptor, struct error *error)
{
    cleanup(free_pointer) char *name = file_name_of_key(key, key_length, folder->folds_case);
    /* As sync writes it, beside a folder, and as another program may have written it. */
    char *names[] = {xstrdup(name), xasprintf("%s%%~", name), xstrndup(key, key_length)};
    size_t count = stands_for(folder, names[2], key, key_length) ? 3 : 2;
    int failed = 0;
    *ret_descriptor = -1;
    *ret_file_name = NULL;
    for (size_t i = 0; i < count && *ret_descriptor < 0 && failed == 0; i++) {
        *ret_descriptor = open_file(folder, names[i]);
        if (*ret_descriptor >= 0)
            *ret_file_name = take(&names[i]);
        else if (!is_absent(errno))
            failed = explain(folder, "open", names[i], error);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        free(names[i]);
    return failed;
}

int folder_temporary(struct folder *folder, char **ret_name, int *ret_descriptor,
                     struct error *error)
{
    unsigned long long number = __atomic_add_fetch(&folder->numbers, 1, __ATOMIC_RELAXED);
    char *name = xasprintf(TEMPORARY "%d.%llu", (int)getpid(), number);
    unlinkat(folder->descriptor, name, 0); /* of a killed run whose pid came again */
    int descriptor =
        openat(folder->descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        explain(folder, "write", name, error);
        free(name);
        return -1;
    }
    *ret_name = name;
    *ret_descriptor = descriptor;
    return 0;
}

void folder_drop(struct folder *folder, const char *temporary)
{
    unlinkat(folder->descriptor, temporary, 0);
}

static int place(struct folder *folder, const char *temporary, const char *file_name)
{
    const char *last;
    int parent = open_parent(folder, file_name, true, &last);
    if (parent < 0)
        return -1;
    cleanup(free_pointer) char *aside = xasprintf("%s%%~", last);
    struct stat status;
    /* Where it once gave way to a folder, it stays. */
    bool gives_way =
        !ends_with(last, "%~") && fstatat(parent, aside, &status, AT_SYMLINK_NOFOLLOW) == 0;
    int failed = gives_way ? renameat(folder->descriptor, temporary, parent, aside)
                           : renameat(folder->descriptor, temporary, parent, last);
    if (failed < 0 && (errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST))
        failed = renameat(folder->descriptor, temporary, parent, aside);
    int reason = errno;
    close(parent);
    errno = reason;
    return failed;
}

int folder_place(struct folder *folder, const char *temporary, const char *key, size_t key_length,
                 const char *file_name, struct error *error)
{
    cleanup(free_pointer) char *own_name = file_name_of_key(key, key_length, folder->folds_case);
    /* One in another program's writing stays where it is; one of ours may have given way. */
    const char *name = own_name;
    if (file_name && strncmp(file_name, own_name, strlen(own_name)) != 0)
        name = file_name;
    pthread_mutex_lock(&folder->placing);
    int failed = place(folder, temporary, name);
    int reason = errno;
    pthread_mutex_unlock(&folder->placing);
    errno = reason;
    return failed < 0 ? explain(folder, "write", name, error) : 0;
}

int folder_sweep(struct folder *folder, struct error *error)
{
    int descriptor = openat(folder->descriptor, ".", DIRECTORY_FLAGS);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (!stream)
        return explain(folder, "list", ".", error);
    const struct dirent *entry;
    while ((entry = readdir(stream)))
        if (starts_with(entry->d_name, TEMPORARY))
            unlinkat(descriptor, entry->d_name, 0);
    closedir(stream);
    return 0;
}

/* Removes the directories on the way to a file that is gone, from below, until one is in use. */
static void prune(const struct folder *folder, const char *file_name)
{
    cleanup(free_pointer) char *directory = xstrdup(file_name);
    for (char *slash; (slash = strrchr(directory, '/'));) {
        *slash = '\0';
        const char *last;
        int parent = open_parent(folder, directory, false, &last);
        int removed = parent < 0 ? -1 : unlinkat(parent, last, AT_REMOVEDIR);
        if (parent >= 0)
            close(parent);
        if (removed < 0)
            return;
    }
}

int folder_remove(struct folder *folder, const char *file_name, struct error *error)
{
    const char *last;
    int parent = open_parent(folder, file_name, false, &last);
    int failed = parent < 0 ? -1 : unlinkat(parent, last, 0);
    int reason = errno;
    if (parent >= 0)
        close(parent);
    errno = reason;
    if (failed < 0 && !is_absent(reason))
        return explain(folder, "remove", file_name, error);
    pthread_mutex_lock(&folder->placing);
    prune(folder, file_name);
    pthread_mutex_unlock(&folder->placing);
    return 0;
}
