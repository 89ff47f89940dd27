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
    for (size_t i = 0; i < file->part_count; i++) {
        free(file->parts[i].path);
        free(file->parts[i].name);
    }
    free(file->parts);
    *file = (struct backup_file){0};
}

/* --- the files of a set ----------------------------------------------------------------------- */

static struct part_file *part_add(struct backup_file *file, enum backup_part part, const char *name,
                                  int64_t size_bytes, time_t modified)
{
    file->parts = xreallocarray(file->parts, file->part_count + 1, sizeof(*file->parts));
    struct part_file *added = &file->parts[file->part_count++];
    *added = (struct part_file){.part = part,
                                .path = shelf_path(file->shelf, name),
                                .name = xstrdup(name),
                                .size_bytes = size_bytes,
                                .modified = modified};
    return added;
}

/* What lies in a directory. */
struct folder {
    struct backup_file *file;
    bool has_toc; /* a directory-format dump */
    int64_t size_bytes;
    time_t modified;
};

static int folder_entry(void *context, const struct shelf_entry *entry, struct error *error)
{
    struct folder *folder = context;
    enum backup_part part = backup_part_of_file(entry->name);
    folder->has_toc = folder->has_toc || strcmp(entry->name, "toc.dat") == 0;
    if (part == PART_COUNT || entry->kind != SHELF_FILE)
        return 0;
    cleanup(free_pointer) char *name = xasprintf("%s/%s", folder->file->name, entry->name);
    struct part_file *added =
        part_add(folder->file, part, name, entry->size_bytes, entry->modified);
    memcpy(added->etag, entry->etag, sizeof(added->etag));
    folder->size_bytes += entry->size_bytes;
    if (entry->modified > folder->modified)
        folder->modified = entry->modified;
    return shelf_directory(folder->file->shelf) ? file_mark_take(added->path, &added->mark, error)
                                                : 0;
}

static int by_part(const void *left, const void *right)
{
    const struct part_file *one = left;
    const struct part_file *other = right;
    return (int)one->part - (int)other->part;
}

static int parts_are_one_each(const struct backup_file *file, struct error *error)
{
    for (size_t i = 1; i < file->part_count; i++)
        if (file->parts[i].part == file->parts[i - 1].part)
            return cannot_verify(error,
                                 "%s and %s are both the %s of one backup: remove the one that "
                                 "does not belong there",
                                 file->parts[i - 1].path, file->parts[i].path,
                                 backup_part_name(file->parts[i].part));
    return 0;
}

/* Where the directory is a set, takes its parts. One part alone is no set. */
static int folder_look(struct backup_file *file, struct error *error)
{
    struct folder folder = {.file = file};
    if (shelf_list_folder(file->shelf, file->name, folder_entry, &folder, error) < 0)
        return -1;
    if (folder.has_toc || file->part_count < 2) {
        while (file->part_count > 0) {
            struct part_file *last = &file->parts[--file->part_count];
            free(last->path);
            free(last->name);
        }
        return 0;
    }
    qsort(file->parts, file->part_count, sizeof(*file->parts), by_part);
    file->size_bytes = folder.size_bytes;
    file->modified = folder.modified;
    return parts_are_one_each(file, error);
}

/* --- one file, or directory ------------------------------------------------------------------- */

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
    return file->is_directory ? folder_look(file, error) : 0;
}

/* The same of one in a bucket, where `entry` is all there is. */
static int object_read_status(const struct shelf_entry *entry, struct backup_file *file,
                              struct strings *notices, struct error *error)
{
    file->is_directory = entry->kind == SHELF_FOLDER;
    if (file->is_directory && folder_look(file, error) < 0)
        return -1;
    if (file->is_directory && file->part_count > 0)
        return 0;
    if (file->is_directory) {
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

static bool names_match(const struct backup_names *names, const char *name,
                        struct name_date *ret_date)
{
    for (size_t i = 0; names && i < PART_COUNT; i++)
        if (names->patterns[i] && name_pattern_match(names->patterns[i], name, ret_date))
            return true;
    return false;
}

/* `entry`: of one in a bucket. 1: it is no backup, and `notices` says why. */
static int file_look(struct shelf *shelf, const char *name, const struct shelf_entry *entry,
                     const struct backup_names *names, struct backup_file *ret_file,
                     struct strings *notices, struct error *error)
{
    struct backup_file file = {.shelf = shelf, .path = shelf_path(shelf, name)};
    file.name = file.path + strlen(file.path) - strlen(name);
    file.has_name_date = names_match(names, name, &file.name_date);
    int outcome = shelf_directory(shelf) ? file_read_status(file.path, &file, notices, error)
                                         : object_read_status(entry, &file, notices, error);
    if (outcome == 0 && (file.name_date.undated || shelf_ignores_dates(shelf)))
        file.name_date = date_of_file(file.modified);
    if (outcome == 0)
        *ret_file = file;
    else
        backup_file_free(&file);
    return outcome;
}

/* A directory of another kind is for the reading to refuse, which says what it is. */
static bool is_stranger(const char *path, bool is_directory)
{
    struct error ignored;
    return is_directory && stranger_directory_check(path, &ignored) < 0;
}

/* The set of which all parts were listed: each is looked at as a file is. */
static int set_look(struct shelf *shelf, const struct listed_backup *listed,
                    const struct backup_names *names, struct backup_file *ret_file,
                    struct strings *notices, struct error *error)
{
    struct backup_file set = {.shelf = shelf, .path = shelf_path(shelf, listed->name)};
    set.name = set.path + strlen(set.path) - strlen(listed->name);
    set.has_name_date = true;
    set.name_date = listed->date;
    int outcome = 0;
    for (size_t i = 0; i < listed->part_count && outcome == 0; i++) {
        const struct listed_part *part = &listed->parts[i];
        struct backup_file file = {0};
        outcome = file_look(shelf, part->name, &part->entry, names, &file, notices, error);
        if (outcome == 0 && file.part_count > 0) {
            strings_addf(notices, "%s is a directory, and a part of a set is a file", part->name);
            outcome = 1;
        }
        if (outcome == 0) {
            struct part_file *added =
                part_add(&set, part->part, part->name, file.size_bytes, file.modified);
            added->mark = file.mark;
            memcpy(added->etag, file.etag, sizeof(added->etag));
            set.size_bytes += file.size_bytes;
            if (file.modified > set.modified)
                set.modified = file.modified;
        }
        backup_file_free(&file);
    }
    if (outcome == 0)
        *ret_file = set;
    else
        backup_file_free(&set);
    return outcome;
}

static bool is_part_of_set(const struct listed_backup *listed)
{
    return listed->parts->part != PART_WHOLE;
}

static int listed_look(struct shelf *shelf, const struct listed_backup *listed,
                       const struct backup_names *names, struct backup_file *ret_file,
                       struct strings *notices, struct error *error)
{
    if (!is_part_of_set(listed))
        return file_look(shelf, listed->name, &listed->entry, names, ret_file, notices, error);
    if (listed->missing.count == 0)
        return set_look(shelf, listed, names, ret_file, notices, error);
    cleanup(free_pointer) char *missing = strings_listed(&listed->missing);
    strings_addf(notices, "the backup of %04d-%02d-%02d is not complete: %s %s missing",
                 listed->date.year, listed->date.month, listed->date.day, missing,
                 listed->missing.count == 1 ? "is" : "are");
    return 1;
}

/* What of a backup is empty, or still being written, borrowed from it: NULL when nothing is. An
 * object is there whole or not at all. */
struct unready {
    const char *path;
    bool writing;
};

static int path_look(const struct backup_file *file, const char *path, int64_t size_bytes,
                     bool is_directory, struct unready *unready, struct error *error)
{
    if (unready->path || is_stranger(path, is_directory))
        return 0;
    if (shelf_directory(file->shelf) &&
        is_being_written(path, is_directory, &unready->writing, error) < 0)
        return -1;
    if (unready->writing || size_bytes == 0)
        unready->path = path;
    return 0;
}

static int unready_find(const struct backup_file *file, struct unready *ret_unready,
                        struct error *error)
{
    *ret_unready = (struct unready){0};
    if (file->part_count == 0)
        return path_look(file, file->path, file->size_bytes, file->is_directory, ret_unready,
                         error);
    for (size_t i = 0; i < file->part_count; i++) {
        const struct part_file *part = &file->parts[i];
        if (path_look(file, part->path, part->size_bytes, false, ret_unready, error) < 0)
            return -1;
    }
    return 0;
}

/* 1: it is no backup, or not yet, and `notices` says why. */
static int file_judge(struct shelf *shelf, const struct listed_backup *listed,
                      const struct backup_names *names, struct backup_file *ret_file,
                      struct strings *notices, struct error *error)
{
    struct backup_file file = {0};
    struct unready unready = {0};
    int outcome = listed_look(shelf, listed, names, &file, notices, error);
    if (outcome == 0)
        outcome = unready_find(&file, &unready, error);
    if (outcome == 0 && unready.path) {
        strings_addf(notices, "%s is %s", unready.path + (file.name - file.path),
                     unready.writing ? "still being written" : "empty");
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

/* "a_%F.sql", "a_%F.sql and b_%F.sql" */
static char *names_words(const struct backup_names *names)
{
    struct strings patterns = {0};
    for (size_t i = 0; i < PART_COUNT; i++)
        if (names->patterns[i])
            strings_add(&patterns, names->patterns[i]);
    char *words = strings_listed(&patterns);
    strings_free(&patterns);
    return words;
}

/* The pattern that a name is nearly like. */
static const char *near_pattern(const struct backup_names *names, const char *name)
{
    for (size_t i = 0; i < PART_COUNT; i++)
        if (names->patterns[i] && name_pattern_near(names->patterns[i], name))
            return names->patterns[i];
    return "";
}

static void near_mention(struct strings *near, const struct backup_names *names,
                         const char *pattern, struct strings *notices)
{
    if (near->count > 0)
        qsort(near->items, near->count, sizeof(*near->items), by_name_backwards);
    for (size_t i = 0; i < near->count && i < MENTIONED_NAMES; i++)
        strings_addf(notices, "%s is no backup: it is not named like %s", near->items[i],
                     near_pattern(names, near->items[i]));
    if (near->count > MENTIONED_NAMES)
        strings_addf(notices, "%zu more files are not named like %s", near->count - MENTIONED_NAMES,
                     pattern);
}

static const char *advice(const struct shelf *shelf)
{
    return shelf_expects_dumps(shelf) ? "run the dump step (restore-verifier dump)"
                                      : "find out why there is none";
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
    bad_backup(error, "no backup in %s is named like %s%s%s: %s, or check backups.name", directory,
               pattern, words.data, words.length > 0 ? ")" : "", advice(shelf));
    buffer_free(&words);
    return -1;
}

int backup_find(struct shelf *shelf, const struct backup_names *names, struct backup_file *ret_file,
                struct strings *notices, struct error *error)
{
    cleanup(backup_list_free) struct backup_list list = {0};
    cleanup(free_pointer) char *pattern = names_words(names);
    if (backup_list_read(shelf, names, &list, error) < 0)
        return -1;
    int judged = 1;
    for (size_t i = 0; i < list.count && judged == 1; i++)
        judged = file_judge(shelf, &list.backups[i], names, ret_file, notices, error);
    if (judged >= 0)
        near_mention(&list.near, names, pattern, notices);
    return judged == 1 ? nothing_found(shelf, pattern, notices, error) : judged;
}

/* One file of a set stands for all of it. 1: it is no part of a set. */
static int set_of_part(struct shelf *shelf, const char *name, const struct backup_names *names,
                       struct backup_file *ret_file, struct strings *notices, struct error *error)
{
    cleanup(backup_list_free) struct backup_list list = {0};
    struct name_date date;
    if (!names || !backup_names_are_a_set(names) || !names_match(names, name, &date))
        return 1;
    if (backup_list_read(shelf, names, &list, error) < 0)
        return -1;
    const struct listed_backup *listed = backup_list_find(&list, name);
    if (!listed)
        return 1;
    int outcome = listed_look(shelf, listed, names, ret_file, notices, error);
    return outcome > 0 ? cannot_verify(error, "%s", notices->items[0]) : outcome;
}

static int given_look(struct shelf *shelf, const char *name, const struct backup_names *names,
                      struct backup_file *ret_file, struct error *error)
{
    cleanup(strings_free) struct strings notices = {0};
    struct shelf_entry entry;
    int outcome = set_of_part(shelf, name, names, ret_file, &notices, error);
    if (outcome <= 0)
        return outcome;
    bool found = true;
    outcome = shelf_look(shelf, name, &entry, error);
    if (outcome > 0) { /* a folder in a bucket is nothing by itself */
        found = false;
        entry = (struct shelf_entry){.kind = SHELF_FOLDER};
        outcome = shelf_store(shelf) ? 0 : 1;
    }
    if (outcome == 0)
        outcome = file_look(shelf, name, &entry, names, ret_file, &notices, error);
    if (outcome <= 0)
        return outcome;
    cleanup(free_pointer) char *path = shelf_path(shelf, name);
    if (found && notices.count > 0)
        return cannot_verify(error, "%s", notices.items[0]);
    return cannot_verify(error, "there is no backup %s", path);
}

int backup_stat(struct shelf *shelf, const char *name, const struct backup_names *names,
                struct backup_file *ret_file, struct error *error)
{
    struct backup_file file = {0};
    struct unready unready = {0};
    int outcome = given_look(shelf, name, names, &file, error);
    if (outcome < 0)
        return -1;
    if (unready_find(&file, &unready, error) < 0)
        outcome = -1;
    else if (unready.writing && file.is_directory)
        outcome = cannot_verify(error,
                                "%s holds no toc.dat, which pg_dump writes last: it is no backup "
                                "in directory format, so name a file in it, or is still being "
                                "written",
                                unready.path);
    else if (unready.writing)
        outcome =
            cannot_verify(error, "%s is still being written: wait until it is done", unready.path);
    else if (unready.path)
        outcome = bad_backup(error, "%s is empty: %s", unready.path,
                             shelf_expects_dumps(shelf) ? advice(shelf) : "find out what wrote it");
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
static bool is_same_object(const struct part_file *file, const struct shelf_entry *now)
{
    if (now->size_bytes != file->size_bytes)
        return false;
    if (*file->etag && *now->etag)
        return strcasecmp(strong(file->etag), strong(now->etag)) == 0;
    return llabs((long long)now->modified - (long long)file->modified) <= 1;
}

static int part_still_there(struct shelf *shelf, const struct part_file *file, struct error *error)
{
    struct shelf_entry now;
    if (shelf_directory(shelf)) {
        if (file_mark_check(file->path, &file->mark, error) < 0)
            return error_prefix(error, "%s: ", file->path);
        return 0;
    }
    int outcome = shelf_look(shelf, file->name, &now, error);
    if (outcome < 0)
        return -1;
    if (outcome > 0)
        return cannot_verify(error, "%s: it was deleted while it was read: run again", file->path);
    if (is_same_object(file, &now))
        return 0;
    return cannot_verify(error, "%s: it was replaced while it was read: run again", file->path);
}

int backup_still_there(const struct backup_file *file, struct error *error)
{
    struct part_file whole = {.path = file->path,
                              .name = (char *)(uintptr_t)file->name,
                              .size_bytes = file->size_bytes,
                              .modified = file->modified,
                              .mark = file->mark};
    memcpy(whole.etag, file->etag, sizeof(whole.etag));
    if (file->part_count == 0)
        return part_still_there(file->shelf, &whole, error);
    for (size_t i = 0; i < file->part_count; i++)
        if (part_still_there(file->shelf, &file->parts[i], error) < 0)
            return -1;
    return 0;
}
