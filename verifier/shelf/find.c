#include "shelf/find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/stranger.h"
#include "base/buffer.h"
#include "shelf/backup_list.h"
#include "shelf/writing.h"

/* Of names that are nearly like the pattern, so many are mentioned. */
enum { MENTIONED_NAMES = 5 };

void backup_file_free(struct backup_file *file)
{
    free(file->path);
    *file = (struct backup_file){0};
}

/* What there is to know of a file in a directory without opening it. 1: it is no backup, and
 * `notices` says why. */
static int file_read_status(const char *path, struct backup_file *file, struct strings *notices,
                            struct error *error)
{
    struct stat status;
    struct extent extent;
    if (stat(path, &status) < 0) {
        if (errno != ENOENT && errno != ELOOP)
            return cannot_verify(error, "cannot look at %s: %s", path, strerror(errno));
        strings_addf(notices, "%s is gone, or a link to nothing", file->name);
        return 1;
    }
    file->is_directory = S_ISDIR(status.st_mode);
    if (!file->is_directory && !S_ISREG(status.st_mode)) {
        strings_addf(notices, "%s is neither a file nor a directory", file->name);
        return 1;
    }
    if (file_mark_take(path, &file->mark, error) < 0 ||
        extent_measure(path, file->is_directory, &extent, error) < 0)
        return -1;
    file->size_bytes = extent.size_bytes;
    file->modified = extent.modified.tv_sec;
    return 0;
}

/* The same of one in a bucket, where `entry` is all there is. */
static int object_read_status(const struct shelf_entry *entry, struct backup_file *file,
                              struct strings *notices)
{
    if (entry->kind == SHELF_FOLDER) {
        strings_addf(
            notices,
            "%s is a folder, which cannot be read from a bucket: let it be packed with tar",
            file->name);
        return 1;
    }
    file->size_bytes = entry->size_bytes;
    file->modified = entry->modified;
    memcpy(file->etag, entry->etag, sizeof(file->etag));
    return 0;
}

/* `entry`: of one in a bucket. 1: it is no backup, and `notices` says why. */
static int file_look(struct shelf *shelf, const char *name, const struct shelf_entry *entry,
                     const char *pattern, struct backup_file *ret_file, struct strings *notices,
                     struct error *error)
{
    struct backup_file file = {.shelf = shelf, .path = shelf_path(shelf, name)};
    file.name = file.path + strlen(file.path) - strlen(name);
    file.has_name_date = pattern && name_pattern_match(pattern, name, &file.name_date);
    int outcome = shelf_directory(shelf) ? file_read_status(file.path, &file, notices, error)
                                         : object_read_status(entry, &file, notices);
    if (outcome == 0 && (file.name_date.undated || shelf_ignores_dates(shelf)))
        file.name_date = date_of_file(file.modified);
    if (outcome == 0)
        *ret_file = file;
    else
        backup_file_free(&file);
    return outcome;
}

/* A directory of another kind is for the reading to refuse, which says what it is. */
static bool is_stranger(const struct backup_file *file)
{
    struct error ignored;
    return file->is_directory && stranger_directory_check(file->path, &ignored) < 0;
}

static bool is_empty(const struct backup_file *file)
{
    return file->size_bytes == 0 && !is_stranger(file);
}

/* An object is there whole or not at all. */
static int file_written(const struct backup_file *file, bool *ret_writing, struct error *error)
{
    *ret_writing = false;
    return shelf_directory(file->shelf) && !is_stranger(file)
               ? is_being_written(file->path, file->is_directory, ret_writing, error)
               : 0;
}

/* 1: it is no backup, or not yet, and `notices` says why. */
static int file_judge(struct shelf *shelf, const struct listed_backup *listed, const char *pattern,
                      struct backup_file *ret_file, struct strings *notices, struct error *error)
{
    struct backup_file file = {0};
    bool writing = false;
    int outcome = file_look(shelf, listed->name, &listed->entry, pattern, &file, notices, error);
    if (outcome == 0)
        outcome = file_written(&file, &writing, error);
    if (outcome == 0 && (writing || is_empty(&file))) {
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

static int nothing_found(const struct shelf *shelf, const char *pattern,
                         const struct strings *notices, struct error *error)
{
    const char *directory = shelf_location(shelf);
    if (shelf_directory(shelf) && stranger_directory_check(directory, error) < 0)
        return error_prefix(error, "%s holds no backup named like %s: ", directory, pattern);
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

int backup_find(struct shelf *shelf, const char *pattern, struct backup_file *ret_file,
                struct strings *notices, struct error *error)
{
    cleanup(backup_list_free) struct backup_list list = {0};
    if (backup_list_read(shelf, pattern, &list, error) < 0)
        return -1;
    int judged = 1;
    for (size_t i = 0; i < list.count && judged == 1; i++)
        judged = file_judge(shelf, &list.backups[i], pattern, ret_file, notices, error);
    if (judged >= 0)
        near_mention(&list.near, pattern, notices);
    return judged == 1 ? nothing_found(shelf, pattern, notices, error) : judged;
}

int backup_stat(struct shelf *shelf, const char *name, const char *pattern,
                struct backup_file *ret_file, struct error *error)
{
    cleanup(strings_free) struct strings notices = {0};
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    struct backup_file file = {0};
    struct shelf_entry entry;
    bool writing;
    int outcome = shelf_look(shelf, name, &entry, error);
    if (outcome > 0)
        return cannot_verify(error, "there is no backup %s", path);
    if (outcome == 0)
        outcome = file_look(shelf, name, &entry, pattern, &file, &notices, error);
    if (outcome > 0)
        return cannot_verify(error, "%s", notices.items[0]);
    if (outcome < 0)
        return -1;
    if (file_written(&file, &writing, error) < 0)
        outcome = -1;
    else if (writing)
        outcome = cannot_verify(error, "%s is still being written: wait until it is done", path);
    else if (is_empty(&file))
        outcome = bad_backup(error, "%s is empty: run the dump step (restore-verifier dump)", path);
    if (outcome < 0) {
        backup_file_free(&file);
        return -1;
    }
    *ret_file = file;
    return 0;
}

static const char *strong(const char *etag)
{
    return starts_with(etag, "W/") ? etag + 2 : etag;
}

/* Listings and answers about one object tell its time in different precision. */
static bool is_same_object(const struct backup_file *file, const struct shelf_entry *now)
{
    if (now->size_bytes != file->size_bytes)
        return false;
    if (*file->etag && *now->etag)
        return strcasecmp(strong(file->etag), strong(now->etag)) == 0;
    return llabs((long long)now->modified - (long long)file->modified) <= 1;
}

int backup_still_there(const struct backup_file *file, struct error *error)
{
    struct shelf_entry now;
    if (shelf_directory(file->shelf)) {
        if (file_mark_check(file->path, &file->mark, error) < 0)
            return error_prefix(error, "%s: ", file->path);
        return 0;
    }
    int outcome = shelf_look(file->shelf, file->name, &now, error);
    if (outcome < 0)
        return -1;
    if (outcome > 0)
        return cannot_verify(error, "%s: it was deleted while it was read: run again", file->path);
    if (is_same_object(file, &now))
        return 0;
    return cannot_verify(error, "%s: it was replaced while it was read: run again", file->path);
}
