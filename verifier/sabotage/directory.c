/* Damage to a backup in directory format: to one of its files of data. Its table of contents has no
 * checksum, and is not written again. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "sabotage/damage.h"

enum { LEAST_BYTES = 8 };

static int is_file_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Sorted, so that a seed finds the same. */
static int names_read(const char *directory, struct strings *ret_names, struct error *error)
{
    struct dirent **found;
    int count = scandir(directory, &found, is_file_name, alphasort);
    if (count < 0)
        return cannot_verify(error, "cannot read the directory %s: %s", directory, strerror(errno));
    for (int i = 0; i < count; i++) {
        strings_add(ret_names, found[i]->d_name);
        free(found[i]);
    }
    free(found);
    return 0;
}

static int64_t size_of(const char *directory, const char *name)
{
    struct stat status;
    cleanup(free_pointer) char *path = xasprintf("%s/%s", directory, name);
    return stat(path, &status) == 0 ? status.st_size : 0;
}

/* Is it this file of data, whose name says how it is compressed: "3454.dat.gz"? */
static bool is_data(const char *name, const char *file)
{
    return starts_with(name, file) && strchr(".", name[strlen(file)]);
}

/* One with data; NULL: none is large enough. */
static const char *data_choose(struct damage *damage, const struct strings *names)
{
    const char *chosen = NULL;
    uint64_t count = 0;
    for (size_t i = 0; i < names->count; i++)
        if (strstr(names->items[i], ".dat") && strcmp(names->items[i], "toc.dat") != 0 &&
            size_of(damage->from, names->items[i]) >= LEAST_BYTES &&
            damage_random(damage, ++count) == 0)
            chosen = names->items[i];
    return chosen;
}

/* That of a table with rows; NULL: there is none. */
static const char *data_of_table(struct damage *damage, const struct strings *names)
{
    const struct archive_table *table = entries_table(damage, ROWS_REMOVED);
    const struct archive *archive = damage->archive;
    const char *file = NULL;
    for (size_t i = 0; i < archive->entry_count && table; i++)
        if (archive->entries[i].dump_id == table->dump_id)
            file = archive->entries[i].file;
    for (size_t i = 0; i < names->count && file; i++)
        if (is_data(names->items[i], file))
            return names->items[i];
    return NULL;
}

static int data_damage(struct damage *damage, const char *from, const char *to, const char *name,
                       struct error *error)
{
    int64_t size = size_of(damage->from, name);
    bool flipped = damage->order->kind == SABOTAGE_FLIP;
    int64_t offset = damage_middle(damage, flipped ? gzip_data_begin(from) : 0, size - 1);
    switch ((int)damage->order->kind) {
    case SABOTAGE_CUT:
        damage->fact->must = true;
        damage_tell(damage, "%s is cut off behind byte %lld of %lld", name, (long long)offset,
                    (long long)size);
        return file_cut(from, to, offset, error);
    case SABOTAGE_FLIP:
        damage->fact->must |= ends_with(name, ".gz");
        damage_tell(damage, "byte %lld of %s has all its bits flipped", (long long)offset, name);
        damage_remedy(damage, "there is no checksum around these bytes: compress the data with "
                              "gzip");
        return file_copy(from, to, error) < 0 ? -1 : file_flip(to, offset, error);
    default: /* it is missing */
        damage->fact->must = true;
        damage_tell(damage, "%s, the data of a table, is missing", name);
        return 0;
    }
}

static int file_take(struct damage *damage, const char *name, bool chosen, struct error *error)
{
    struct stat status;
    cleanup(free_pointer) char *from = xasprintf("%s/%s", damage->from, name);
    cleanup(free_pointer) char *to = xasprintf("%s/%s", damage->to, name);
    if ((chosen ? data_damage(damage, from, to, name, error) : file_copy(from, to, error)) < 0)
        return -1;
    if (stat(from, &status) < 0)
        return cannot_verify(error, "%s is gone", from);
    return chosen && damage->order->kind == SABOTAGE_MISSING_DATA
               ? 0
               : copy_dress(to, status.st_mtime, error);
}

int directory_damage(struct damage *damage, struct error *error)
{
    cleanup(strings_free) struct strings names = {0};
    enum sabotage_kind kind = damage->order->kind;
    if (kind != SABOTAGE_CUT && kind != SABOTAGE_FLIP && kind != SABOTAGE_MISSING_DATA)
        return damage_not_here(damage, "not tried in directory format: only in custom archives and "
                                       "in plain SQL");
    if (names_read(damage->from, &names, error) < 0)
        return -1;
    const char *chosen =
        kind == SABOTAGE_MISSING_DATA ? data_of_table(damage, &names) : data_choose(damage, &names);
    if (!chosen)
        return damage_not_here(damage, "no table has rows");
    if (mkdir(damage->to, 0700) < 0)
        return cannot_verify(error, "cannot make %s: %s", damage->to, strerror(errno));
    for (size_t i = 0; i < names.count; i++)
        if (file_take(damage, names.items[i], names.items[i] == chosen, error) < 0)
            return -1;
    return DAMAGE_MADE;
}
