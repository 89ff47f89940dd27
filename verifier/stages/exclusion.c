#include "stages/exclusion.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "stages/requirements.h"

enum { LIST_LIMIT_BYTES = 64 * 1024 * 1024 };

char *entry_name(const struct archive_entry *entry)
{
    if (*entry->schema)
        return xasprintf("%s %s %s", entry->description, entry->schema, entry->tag);
    return xasprintf("%s %s", entry->description, entry->tag);
}

static bool is_named(const struct archive_entry *entry, const char *name)
{
    cleanup(free_pointer) char *full = entry_name(entry);
    cleanup(free_pointer) char *brief = xasprintf("%s %s", entry->description, entry->tag);
    if (strcmp(full, name) == 0 || strcmp(brief, name) == 0)
        return true;
    cleanup(free_pointer) char *dashed = xasprintf("%s - %s", entry->description, entry->tag);
    return *entry->schema == '\0' && strcmp(dashed, name) == 0;
}

static void leave_out(struct exclusion *exclusion, size_t index)
{
    if (!exclusion->left_out[index])
        exclusion->count++;
    exclusion->left_out[index] = true;
}

static bool leave_out_named(const struct archive *archive, const char *name,
                            struct exclusion *exclusion)
{
    bool found = false;
    for (size_t i = 0; i < archive->entry_count; i++) {
        if (!is_named(&archive->entries[i], name))
            continue;
        found = true;
        leave_out(exclusion, i);
        if (strcmp(archive->entries[i].description, "SCHEMA") != 0)
            continue;
        for (size_t j = 0; j < archive->entry_count; j++)
            if (strcmp(archive->entries[j].schema, archive->entries[i].tag) == 0)
                leave_out(exclusion, j);
    }
    return found;
}

/* Where the entry with a dump id stands. Sorted by id rather than indexed by it: ids come from the
 * file and may be huge. */
struct place {
    int dump_id;
    size_t index;
};

static int place_compare(const void *left, const void *right)
{
    int a = ((const struct place *)left)->dump_id;
    int b = ((const struct place *)right)->dump_id;
    return (a > b) - (a < b);
}

static struct place *places_sorted(const struct archive *archive)
{
    struct place *places = xcalloc(archive->entry_count, sizeof(*places));
    for (size_t i = 0; i < archive->entry_count; i++)
        places[i] = (struct place){.dump_id = archive->entries[i].dump_id, .index = i};
    qsort(places, archive->entry_count, sizeof(*places), place_compare);
    return places;
}

static bool depends_on_left_out(const struct archive *archive, const struct archive_entry *entry,
                                const struct place *places, const struct exclusion *exclusion)
{
    for (size_t i = 0; i < entry->dependency_count; i++) {
        struct place wanted = {.dump_id = entry->dependencies[i]};
        const struct place *found =
            bsearch(&wanted, places, archive->entry_count, sizeof(*places), place_compare);
        if (found && exclusion->left_out[found->index])
            return true;
    }
    return false;
}

/* Until nothing new is found: entries may stand before what they depend on. */
static void leave_out_dependents(const struct archive *archive, struct exclusion *exclusion)
{
    struct place *places = places_sorted(archive);
    size_t before;
    do {
        before = exclusion->count;
        for (size_t i = 0; i < archive->entry_count; i++)
            if (depends_on_left_out(archive, &archive->entries[i], places, exclusion))
                leave_out(exclusion, i);
    } while (exclusion->count > before);
    free(places);
}

bool exclusion_names_rows(const struct strings *names, const char *schema, const char *table)
{
    cleanup(free_pointer) char *full = xasprintf("TABLE DATA %s %s", schema, table);
    cleanup(free_pointer) char *brief = xasprintf("TABLE DATA %s", table);
    return strings_contain(names, full) || strings_contain(names, brief);
}

/* Of a table that the archive defines and holds no rows of. */
static bool names_rows_of_any(const struct archive *archive, const char *name)
{
    const struct strings names = {.items = (char *[]){(char *)(uintptr_t)name}, .count = 1};
    for (size_t i = 0; i < archive->entry_count; i++)
        if (strcmp(archive->entries[i].description, "TABLE") == 0 &&
            exclusion_names_rows(&names, archive->entries[i].schema, archive->entries[i].tag))
            return true;
    return false;
}

static bool leave_out_extension(const struct archive *archive, const char *name,
                                struct exclusion *exclusion)
{
    static const char beginning[] = "EXTENSION ";
    if (archive->part_count == 0 || archive->entry_count > 0 || !starts_with(name, beginning))
        return false;
    name += strlen(beginning);
    for (size_t i = 0; i < archive->extension_count; i++)
        if (strcmp(archive->extensions[i].name, name) == 0) {
            strings_add(&exclusion->extensions, name);
            return true;
        }
    return false;
}

void exclusion_find(const struct archive *archive, const struct strings *names,
                    struct exclusion *ret_exclusion)
{
    struct exclusion exclusion = {.left_out =
                                      xcalloc(archive->entry_count, sizeof(*exclusion.left_out))};
    for (size_t i = 0; i < names->count; i++)
        if (!leave_out_named(archive, names->items[i], &exclusion) &&
            !leave_out_extension(archive, names->items[i], &exclusion) &&
            !names_rows_of_any(archive, names->items[i]))
            strings_add(&exclusion.unmatched, names->items[i]);
    if (exclusion.count > 0)
        leave_out_dependents(archive, &exclusion);
    *ret_exclusion = exclusion;
}

size_t exclusion_leave_out_statistics(const struct archive *archive, struct exclusion *exclusion)
{
    size_t before = exclusion->count;
    for (size_t i = 0; i < archive->entry_count; i++)
        if (entry_is_statistics(&archive->entries[i]))
            leave_out(exclusion, i);
    return exclusion->count - before;
}

bool exclusion_has_table(const struct archive *archive, const struct exclusion *exclusion,
                         const struct archive_table *table)
{
    if (exclusion->count == 0)
        return false;
    for (size_t i = 0; i < archive->entry_count; i++)
        if (archive->entries[i].dump_id == table->dump_id)
            return exclusion->left_out[i];
    return false;
}

void exclusion_free(struct exclusion *exclusion)
{
    free(exclusion->left_out);
    strings_free(&exclusion->extensions);
    strings_free(&exclusion->unmatched);
    *exclusion = (struct exclusion){0};
}

int exclusion_write_list(const struct archive *archive, const struct exclusion *exclusion,
                         const char *path, struct error *error)
{
    struct buffer list;
    buffer_init(&list, LIST_LIMIT_BYTES);
    for (size_t i = 0; i < archive->entry_count; i++)
        if (!exclusion->left_out[i])
            buffer_printf(&list, "%d;\n", archive->entries[i].dump_id);
    int outcome = list.overflowed ? cannot_verify(error, "the archive has too many entries to list")
                                  : file_replace(path, list.data, list.length, error);
    buffer_free(&list);
    return outcome;
}
