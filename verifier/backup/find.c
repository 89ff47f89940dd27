#include "backup/find.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backup/writing.h"
#include "base/buffer.h"

/* Of names that are nearly like the pattern, so many are mentioned. */
enum { MENTIONED_NAMES = 5 };

/* A name that matches. Names decide the order, so that only as many files are looked at as are
 * needed to find a good one. */
struct candidate {
    char *name;
    time_t time;
    time_t modified; /* 0: could not be told */
};

/* What a directory holds for a pattern. */
struct listing {
    struct candidate *matching;
    size_t count;
    struct strings near;
};

static void listing_free(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->matching[i].name);
    free(listing->matching);
    strings_free(&listing->near);
}

static void listing_add(struct listing *listing, int directory, const char *name,
                        const struct name_date *date)
{
    struct stat status;
    bool known = fstatat(directory, name, &status, 0) == 0;
    listing->matching =
        xreallocarray(listing->matching, listing->count + 1, sizeof(*listing->matching));
    listing->matching[listing->count++] = (struct candidate){
        .name = xstrdup(name), .time = date->time, .modified = known ? status.st_mtim.tv_sec : 0};
}

static int newest_first(const void *left, const void *right)
{
    const struct candidate *one = left;
    const struct candidate *other = right;
    if (one->time != other->time)
        return one->time > other->time ? -1 : 1;
    if (one->modified != other->modified)
        return one->modified > other->modified ? -1 : 1;
    return strcmp(other->name, one->name);
}

void backup_file_free(struct backup_file *file)
{
    free(file->path);
    *file = (struct backup_file){0};
}

static int directory_open(const char *directory, DIR **ret_entries, struct error *error)
{
    DIR *entries = opendir(directory);
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

static int directory_list(const char *directory, const char *pattern, struct listing *listing,
                          struct error *error)
{
    DIR *entries = NULL;
    if (directory_open(directory, &entries, error) < 0)
        return -1;
    int outcome = 0;
    struct dirent *entry;
    while (errno = 0, (entry = readdir(entries))) {
        struct name_date date;
        if (name_pattern_match(pattern, entry->d_name, &date))
            listing_add(listing, dirfd(entries), entry->d_name, &date);
        else if (name_pattern_near(pattern, entry->d_name))
            strings_add(&listing->near, entry->d_name);
    }
    if (errno != 0)
        outcome = cannot_verify(error, "cannot list %s: %s", directory, strerror(errno));
    closedir(entries);
    if (listing->count > 0)
        qsort(listing->matching, listing->count, sizeof(*listing->matching), newest_first);
    return outcome;
}

/* What there is to know without opening it. 1: it is no backup, and `notices` says why. */
static int file_read_status(const char *path, const char *pattern, struct backup_file *ret_file,
                            struct strings *notices, struct error *error)
{
    struct stat status;
    struct extent extent;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (stat(path, &status) < 0) {
        if (errno != ENOENT && errno != ELOOP)
            return cannot_verify(error, "cannot look at %s: %s", path, strerror(errno));
        strings_addf(notices, "%s is gone, or a link to nothing", name);
        return 1;
    }
    bool is_directory = S_ISDIR(status.st_mode);
    if (!is_directory && !S_ISREG(status.st_mode)) {
        strings_addf(notices, "%s is neither a file nor a directory", name);
        return 1;
    }
    if (extent_measure(path, is_directory, &extent, error) < 0)
        return -1;
    struct backup_file file = {.path = xstrdup(path),
                               .is_directory = is_directory,
                               .size_bytes = extent.size_bytes,
                               .modified = extent.modified.tv_sec,
                               .device = status.st_dev,
                               .inode = status.st_ino};
    file.name = file.path + (name - path);
    file.has_name_date = pattern && name_pattern_match(pattern, name, &file.name_date);
    *ret_file = file;
    return 0;
}

/* 1: it is no backup, or not yet, and `notices` says why. */
static int file_judge(const char *path, const char *pattern, struct backup_file *ret_file,
                      struct strings *notices, struct error *error)
{
    struct backup_file file = {0};
    bool writing = false;
    int outcome = file_read_status(path, pattern, &file, notices, error);
    if (outcome == 0)
        outcome = is_being_written(path, file.is_directory, &writing, error);
    if (outcome == 0 && (writing || file.size_bytes == 0)) {
        strings_addf(notices, "%s is %s", file.name, writing ? "still being written" : "empty");
        outcome = 1;
    }
    if (outcome == 0)
        *ret_file = file;
    else
        backup_file_free(&file);
    return outcome;
}

static int by_name_backwards(const void *left, const void *right)
{
    return strcmp(*(char *const *)right, *(char *const *)left);
}

static void near_mention(struct strings *near, const char *pattern, struct strings *notices)
{
    if (near->count > 0)
        qsort(near->items, near->count, sizeof(*near->items), by_name_backwards);
    for (size_t i = 0; i < near->count && i < MENTIONED_NAMES; i++)
        strings_addf(notices, "%s is no backup: it is not named like %s", near->items[i], pattern);
    if (near->count > MENTIONED_NAMES)
        strings_addf(notices, "%zu more files are not named like %s", near->count - MENTIONED_NAMES,
                     pattern);
}

static int nothing_found(const char *directory, const char *pattern, const struct strings *notices,
                         struct error *error)
{
    struct buffer words;
    buffer_init(&words, 1000);
    for (size_t i = 0; i < notices->count && i <= MENTIONED_NAMES; i++)
        if (buffer_printf(&words, "%s%s", i == 0 ? " (" : "; ", notices->items[i]) < 0)
            break;
    bad_backup(
        error,
        "no backup in %s is named like %s%s%s: run the dump step (restore-verifier dump), or "
        "check backups.name",
        directory, pattern, words.data, words.length > 0 ? ")" : "");
    buffer_free(&words);
    return -1;
}

int backup_find(const char *directory, const char *pattern, struct backup_file *ret_file,
                struct strings *notices, struct error *error)
{
    cleanup(listing_free) struct listing listing = {0};
    if (name_pattern_check(pattern, error) < 0 ||
        directory_list(directory, pattern, &listing, error) < 0)
        return -1;
    int judged = 1;
    for (size_t i = 0; i < listing.count && judged == 1; i++) {
        cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, listing.matching[i].name);
        judged = file_judge(path, pattern, ret_file, notices, error);
    }
    if (judged >= 0)
        near_mention(&listing.near, pattern, notices);
    return judged == 1 ? nothing_found(directory, pattern, notices, error) : judged;
}

/* "dir/" names the directory. */
static char *without_slash(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return xstrndup(path, length);
}

int backup_stat(const char *given, const char *pattern, struct backup_file *ret_file,
                struct error *error)
{
    cleanup(free_pointer) char *path = without_slash(given);
    cleanup(strings_free) struct strings notices = {0};
    struct backup_file file = {0};
    bool writing;
    struct stat status;
    if (stat(path, &status) < 0 && errno == ENOENT)
        return cannot_verify(error, "there is no backup %s", path);
    int outcome = file_read_status(path, pattern, &file, &notices, error);
    if (outcome > 0)
        return cannot_verify(error, "%s", notices.items[0]);
    if (outcome < 0)
        return -1;
    if (is_being_written(path, file.is_directory, &writing, error) < 0)
        outcome = -1;
    else if (writing)
        outcome = cannot_verify(error, "%s is still being written: wait until it is done", path);
    else if (file.size_bytes == 0)
        outcome = bad_backup(error, "%s is empty: run the dump step (restore-verifier dump)", path);
    if (outcome < 0) {
        backup_file_free(&file);
        return -1;
    }
    *ret_file = file;
    return 0;
}
