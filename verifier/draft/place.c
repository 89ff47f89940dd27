#include "draft/place.h"

#include <stdlib.h>
#include <string.h>

#include "draft/sources.h"
#include "shelf/companions.h"
#include "shelf/location.h"
#include "shelf/name_pattern.h"

enum { OTHERS_MOST = 200 }; /* names that one with several dates is held against */

/* The best so far of those that lie on a shelf. */
struct choice {
    struct shelf *shelf;
    const struct strings *others; /* what lies there */
    char *name;
    time_t time;
    bool is_dated;
    bool has_parts; /* the directory itself is a backup: toc.dat, or the files of a set */
};

/* What lies beside backups and is none. */
static bool is_beside(const char *name)
{
    static const char *const endings[] = {".json", ".sha256", ".sha256sum", ".md5",  ".asc",
                                          ".sig",  ".log",    ".txt",       ".yaml", ".yml",
                                          ".html", ".xml",    ".jsonl",     ".md"};
    cleanup(free_pointer) char *backup = companion_backup(name);
    bool is = backup || name[0] == '.';
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++)
        is = is || ends_with(name, endings[i]);
    return is;
}

static bool is_backup(const struct choice *choice, const struct shelf_entry *entry)
{
    struct shelf_entry toc;
    struct error ignored;
    if (entry->kind == SHELF_FILE)
        return entry->size_bytes > 0 && !is_beside(entry->name);
    if (entry->kind != SHELF_FOLDER || is_beside(entry->name))
        return false;
    cleanup(free_pointer) char *name = xasprintf("%s/toc.dat", entry->name);
    return shelf_look(choice->shelf, name, &toc, &ignored) == 0;
}

static int look(void *context, const struct shelf_entry *entry, struct error *error)
{
    struct choice *choice = context;
    struct name_date date = {.time = entry->modified};
    const struct name_hints hints = {choice->others, entry->modified};
    cleanup(strings_free) struct strings rivals = {0};
    bool is_undated;
    (void)error;
    choice->has_parts =
        choice->has_parts || strcmp(entry->name, "toc.dat") == 0 ||
        (entry->kind == SHELF_FILE && backup_part_of_file(entry->name) != PART_COUNT);
    if (!is_backup(choice, entry))
        return 0;
    cleanup(free_pointer) char *pattern = draft_pattern(entry->name, &hints, &is_undated, &rivals);
    is_undated = is_undated || rivals.count > 0;
    if (!is_undated)
        name_pattern_match(pattern, entry->name, &date);
    bool is_better = !choice->name || (!is_undated && !choice->is_dated) ||
                     (is_undated != choice->is_dated && date.time > choice->time);
    if (!is_better)
        return 0;
    free(choice->name);
    choice->name = xstrdup(entry->name);
    choice->time = date.time;
    choice->is_dated = !is_undated;
    return 0;
}

static int add_other(void *context, const struct shelf_entry *entry, struct error *error)
{
    struct strings *others = context;
    if (draft_count_dates(entry->name) > 1)
        strings_add(others, entry->name);
    return others->count < OTHERS_MOST ? 0 : cannot_verify(error, "these are enough");
}

/* Only those that have several dates as well: what differs in nothing else from one that has. */
static void find_others(struct shelf *shelf, struct strings *others)
{
    struct error ignored;
    shelf_list(shelf, "", add_other, others, &ignored);
}

/* Chooses among what lies there. 1: it is a backup itself. */
static int choose(const char *location, struct shelf **ret_shelf, char **ret_name,
                  struct error *error)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    const struct store_options options = {.location = location};
    if (shelf_open(&options, &shelf, error) < 0)
        return -1;
    cleanup(strings_free) struct strings others = {0};
    find_others(shelf, &others);
    struct choice choice = {.shelf = shelf, .others = &others};
    int outcome = shelf_list(shelf, "", look, &choice, error);
    if (outcome == 0 && choice.has_parts)
        outcome = 1;
    else if (outcome == 0 && !choice.name)
        outcome = cannot_verify(error,
                                "%s holds no backup: name a file that pg_dump has written, or a "
                                "directory or s3://bucket/prefix with some",
                                location);
    if (outcome == 0) {
        *ret_name = take(&choice.name);
        *ret_shelf = take(&shelf);
    }
    free(choice.name);
    return outcome;
}

/* Is it a file, or an object, of that very name? */
static int is_one(struct shelf *shelf, const char *name, bool *ret_is, struct error *error)
{
    struct shelf_entry entry;
    int looked = shelf_look(shelf, name, &entry, error);
    *ret_is = looked == 0 && entry.kind != SHELF_FOLDER;
    if (looked == 1 && shelf_directory(shelf)) {
        cleanup(free_pointer) char *path = shelf_path(shelf, name);
        return cannot_verify(error, "there is no %s", path);
    }
    return looked < 0 ? -1 : 0;
}

/* A bucket as a whole, or a prefix that says so. */
static bool is_only_a_prefix(const char *path)
{
    return starts_with(path, "s3://") &&
           (!strchr(path + strlen("s3://"), '/') || ends_with(path, "/"));
}

/* The shelf, and the name on it. */
static int place(const char *path, struct shelf **ret_shelf, char **ret_name, struct error *error)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    cleanup(free_pointer) char *name = NULL;
    bool is_file = false;
    if (!is_only_a_prefix(path) && (location_open_file(NULL, path, &shelf, &name, error) < 0 ||
                                    is_one(shelf, name, &is_file, error) < 0))
        return -1;
    int chosen = is_file ? 1 : choose(path, ret_shelf, ret_name, error);
    if (chosen <= 0)
        return chosen;
    if (!name)
        return cannot_verify(
            error, "%s holds the files of a backup: name it without the / behind it", path);
    *ret_shelf = take(&shelf);
    *ret_name = take(&name);
    return 0;
}

int place_find(const char *path, struct shelf **ret_shelf, struct backup_file *ret_backup,
               struct strings *others, struct error *error)
{
    cleanup(shelf_freep) struct shelf *shelf = NULL;
    cleanup(free_pointer) char *name = NULL;
    cleanup(strings_free) struct strings rivals = {0};
    const struct name_hints hints = {.others = others};
    bool is_undated;
    if (place(path, &shelf, &name, error) < 0)
        return -1;
    if (draft_count_dates(name) > 1)
        find_others(shelf, others);
    cleanup(free_pointer) char *pattern = draft_pattern(name, &hints, &is_undated, &rivals);
    const struct backup_names names = backup_names_of(pattern);
    if (backup_stat(shelf, name, &names, ret_backup, error) < 0)
        return -1;
    *ret_shelf = take(&shelf);
    return 0;
}
