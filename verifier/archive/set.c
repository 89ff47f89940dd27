#include "archive/set.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists of names ---- */

static void strings_append(struct strings *all, const struct strings *some)
{
    for (size_t i = 0; i < some->count; i++)
        strings_add(all, some->items[i]);
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Sorted, each once: there may be very many. */
static void names_settle(struct strings *names)
{
    size_t kept = 0;
    if (names->count > 0)
        qsort(names->items, names->count, sizeof(*names->items), by_name);
    for (size_t i = 0; i < names->count; i++) {
        if (kept > 0 && strcmp(names->items[kept - 1], names->items[i]) == 0)
            free(names->items[i]);
        else
            names->items[kept++] = names->items[i];
    }
    names->count = kept;
}

static bool names_have(const struct strings *settled, char *name)
{
    return settled->count > 0 &&
           bsearch(&name, settled->items, settled->count, sizeof(*settled->items), by_name) != NULL;
}

/* Where one part creates what another needs, nobody else has to. */
static void roles_join(struct archive *archive)
{
    for (size_t i = 0; i < archive->part_count; i++)
        strings_append(&archive->created_roles, &archive->parts[i].created_roles);
    names_settle(&archive->created_roles);
    for (size_t i = 0; i < archive->part_count; i++) {
        const struct strings *roles = &archive->parts[i].roles;
        for (size_t j = 0; j < roles->count; j++)
            if (!names_have(&archive->created_roles, roles->items[j]))
                strings_add(&archive->roles, roles->items[j]);
    }
    names_settle(&archive->roles);
}

static void extensions_join(struct archive *archive)
{
    size_t count = 0;
    for (size_t i = 0; i < archive->part_count; i++)
        count += archive->parts[i].extension_count;
    archive->extensions = xcalloc(count, sizeof(*archive->extensions));
    for (size_t i = 0; i < archive->part_count; i++)
        for (size_t j = 0; j < archive->parts[i].extension_count; j++) {
            const struct archive_extension *extension = &archive->parts[i].extensions[j];
            archive->extensions[archive->extension_count++] = (struct archive_extension){
                .name = xstrdup(extension->name), .schema = xstrdup(extension->schema)};
        }
}

/* ---- entries ---- */

static int entries_last_id(const struct archive *archive)
{
    int last = 0;
    for (size_t i = 0; i < archive->entry_count; i++)
        if (archive->entries[i].dump_id > last)
            last = archive->entries[i].dump_id;
    return last;
}

/* Moves the ids of a part behind those before it. The ids of a file may be any. */
static int id_moved(int dump_id, int by)
{
    int moved;
    return __builtin_add_overflow(dump_id, by, &moved) ? INT_MAX : moved;
}

static void entries_join(struct archive *archive)
{
    size_t count = 0, dependencies = 0, taken = 0;
    int by = 0;
    for (size_t i = 0; i < archive->part_count; i++) {
        const struct archive *part = &archive->parts[i];
        count += part->entry_count;
        for (size_t j = 0; j < part->entry_count; j++)
            dependencies += part->entries[j].dependency_count;
    }
    archive->entries = xcalloc(count, sizeof(*archive->entries));
    archive->set_dependencies = xcalloc(dependencies, sizeof(*archive->set_dependencies));
    for (size_t i = 0; i < archive->part_count; i++) {
        const struct archive *part = &archive->parts[i];
        for (size_t j = 0; j < part->entry_count; j++) {
            struct archive_entry *entry = &archive->entries[archive->entry_count++];
            *entry = part->entries[j];
            entry->dump_id = id_moved(entry->dump_id, by);
            entry->dependencies = archive->set_dependencies + taken;
            for (size_t k = 0; k < entry->dependency_count; k++)
                entry->dependencies[k] = id_moved(part->entries[j].dependencies[k], by);
            taken += entry->dependency_count;
        }
        by = id_moved(by, entries_last_id(part));
    }
}

/* ---- tables ---- */

/* One table as one part has it. */
struct piece {
    struct archive_table table;
    size_t place; /* among all */
};

static int by_table(const void *left, const void *right)
{
    const struct piece *one = left, *other = right;
    const char *database = one->table.database ? one->table.database : "";
    int order = strcmp(database, other->table.database ? other->table.database : "");
    if (order == 0)
        order = strcmp(one->table.schema, other->table.schema);
    if (order == 0)
        order = strcmp(one->table.name, other->table.name);
    return order != 0 ? order : (one->place > other->place) - (one->place < other->place);
}

static int by_place(const void *left, const void *right)
{
    const struct piece *one = left, *other = right;
    return (one->place > other->place) - (one->place < other->place);
}

static bool is_same_table(const struct piece *one, const struct piece *other)
{
    struct piece copy = *other;
    copy.place = one->place;
    return by_table(one, &copy) == 0;
}

/* Rows from two parts are the rows of one table, of which a fingerprint was not taken together. */
static void piece_join(struct piece *whole, const struct piece *piece)
{
    struct archive_table *table = &whole->table;
    struct archive_table other = piece->table;
    bool created = table->created || other.created;
    bool partitioned = table->partitioned || other.partitioned;
    if (!table->has_data) {
        *table = other;
    } else if (other.has_data) {
        table->totals.rows += other.totals.rows;
        table->totals.bytes += other.totals.bytes;
        if (other.totals.largest_row_bytes > table->totals.largest_row_bytes)
            table->totals.largest_row_bytes = other.totals.largest_row_bytes;
        table->has_fingerprint = false;
    }
    table->created = created;
    table->partitioned = partitioned;
}

static struct piece *pieces_gather(const struct archive *archive, size_t *ret_count)
{
    size_t count = 0;
    for (size_t i = 0; i < archive->part_count; i++)
        count += archive->parts[i].table_count;
    struct piece *pieces = xcalloc(count + 1, sizeof(*pieces));
    int by = 0;
    for (size_t i = 0, place = 0; i < archive->part_count; i++) {
        const struct archive *part = &archive->parts[i];
        for (size_t j = 0; j < part->table_count; j++, place++) {
            pieces[place] = (struct piece){.table = part->tables[j], .place = place};
            if (pieces[place].table.dump_id != 0)
                pieces[place].table.dump_id = id_moved(pieces[place].table.dump_id, by);
        }
        by = id_moved(by, entries_last_id(part));
    }
    *ret_count = count;
    return pieces;
}

static void tables_join(struct archive *archive)
{
    size_t count, kept = 0;
    cleanup(free_pointer) struct piece *pieces = pieces_gather(archive, &count);
    qsort(pieces, count, sizeof(*pieces), by_table);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && is_same_table(&pieces[kept - 1], &pieces[i]))
            piece_join(&pieces[kept - 1], &pieces[i]);
        else
            pieces[kept++] = pieces[i];
    }
    qsort(pieces, kept, sizeof(*pieces), by_place);
    archive->tables = xcalloc(kept, sizeof(*archive->tables));
    for (size_t i = 0; i < kept; i++)
        archive->tables[archive->table_count++] = pieces[i].table;
}

/* ---- databases ---- */

static int by_database(const void *left, const void *right)
{
    const struct archive_database *one = left, *other = right;
    return strcmp(one->name, other->name);
}

static size_t databases_gather(const struct archive *archive, struct archive_database **ret_all)
{
    size_t count = 0, taken = 0;
    for (size_t i = 0; i < archive->part_count; i++)
        count += archive->parts[i].database_part_count;
    struct archive_database *all = xcalloc(count, sizeof(*all));
    for (size_t i = 0; i < archive->part_count; i++)
        for (size_t j = 0; j < archive->parts[i].database_part_count; j++) {
            all[taken] = archive->parts[i].database_parts[j];
            all[taken].line = 0; /* of which file? */
            all[taken++].table_count = 0;
        }
    *ret_all = all;
    return count;
}

static void database_join(struct archive_database *whole, const struct archive_database *part)
{
    if (!whole->encoding)
        whole->encoding = part->encoding;
    whole->large_object_count += part->large_object_count;
    whole->hollow_large_objects += part->hollow_large_objects;
}

/* After the tables, of which one may be in several parts. */
static void databases_join(struct archive *archive)
{
    struct archive_database *all;
    size_t count = databases_gather(archive, &all), kept = 0;
    if (count > 0)
        qsort(all, count, sizeof(*all), by_database);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && by_database(&all[kept - 1], &all[i]) == 0)
            database_join(&all[kept - 1], &all[i]);
        else
            all[kept++] = all[i];
    }
    archive->database_parts = all;
    archive->database_part_count = kept;
    for (size_t i = 0; i < archive->table_count && kept > 0; i++) {
        const char *name = archive->tables[i].database;
        const struct archive_database wanted = {.name = name ? name : ""};
        struct archive_database *found = bsearch(&wanted, all, kept, sizeof(*all), by_database);
        if (found)
            found->table_count++;
    }
}

/* ---- all ---- */

/* The main part's, or the first that is told. */
static char *told(const struct archive *archive, size_t offset)
{
    const struct archive *parts = archive->parts;
    const char *text = NULL;
    for (size_t i = 0; i <= archive->part_count && !text; i++) {
        const struct archive *part = &parts[i == 0 ? archive->main_part : i - 1];
        memcpy(&text, (const char *)part + offset, sizeof(text));
    }
    return text ? xstrdup(text) : NULL;
}

static void versions_take(struct archive *archive)
{
    const struct archive *parts = archive->parts;
    const struct archive *first = &parts[archive->main_part];
    archive->container = first->container;
    archive->format = archive->restore_format = first->format;
    archive->compression = first->compression;
    archive->version_major = first->version_major;
    archive->version_minor = first->version_minor;
    archive->version_revision = first->version_revision;
    archive->server_version = told(archive, offsetof(struct archive, server_version));
    archive->pg_dump_version = told(archive, offsetof(struct archive, pg_dump_version));
    archive->database = told(archive, offsetof(struct archive, database));
    archive->encoding = told(archive, offsetof(struct archive, encoding));
    archive->has_creation_time = first->has_creation_time;
    archive->creation_local = first->creation_local;
    archive->creation_time_as_utc = first->creation_time_as_utc;
}

static void sums_take(struct archive *archive)
{
    cleanup(sha256_freep) struct sha256 *hash = sha256_new();
    archive->complete = true;
    for (size_t i = 0; i < archive->part_count; i++) {
        const struct archive *part = &archive->parts[i];
        const char *slash = strrchr(part->name, '/');
        cleanup(free_pointer) char *line =
            xasprintf("%s  %s\n", part->sha256, slash ? slash + 1 : part->name);
        sha256_update(hash, line, strlen(line));
        archive->complete = archive->complete && part->complete;
        archive->stored_bytes += part->stored_bytes;
        archive->unpacked_bytes += part->unpacked_bytes;
        archive->sequence_count += part->sequence_count;
        archive->sequence_values += part->sequence_values;
        archive->large_object_count += part->large_object_count;
        archive->hollow_large_objects += part->hollow_large_objects;
        archive->large_object_bytes += part->large_object_bytes;
        strings_append(&archive->tablespaces, &part->tablespaces);
        strings_append(&archive->databases, &part->databases);
        strings_append(&archive->created_schemas, &part->created_schemas);
        strings_append(&archive->publications, &part->publications);
        if (part->end > archive->end)
            archive->end = part->end;
    }
    names_settle(&archive->tablespaces);
    names_settle(&archive->databases);
    names_settle(&archive->created_schemas);
    names_settle(&archive->publications);
    sha256_final(hash, archive->sha256);
    if (!archive->complete)
        archive->sha256[0] = '\0';
}

static size_t main_find(const struct archive *parts, size_t count)
{
    bool has[PART_COUNT] = {false};
    for (size_t i = 0; i < count; i++)
        has[parts[i].part] = true;
    enum backup_part wanted = backup_part_main(has);
    size_t found = 0;
    while (found + 1 < count && parts[found].part != wanted)
        found++;
    return found;
}

/* `supabase db dump` writes RESET ALL behind each file, once pg_dump has ended well. */
static int ends_agree(const struct archive *archive, struct error *error)
{
    const struct archive *marked = NULL, *unmarked = NULL;
    for (size_t i = 0; i < archive->part_count; i++) {
        const struct archive *part = &archive->parts[i];
        if (part->end == ARCHIVE_END_RESET)
            marked = part;
        if (part->end == ARCHIVE_END_UNKNOWN && part->complete)
            unmarked = part;
    }
    if (!marked || !unmarked)
        return 0;
    return bad_backup(error,
                      "%s was cut off: it lacks the last line of a file of `supabase db dump`, "
                      "\"RESET ALL;\", which %s has; make a new backup",
                      unmarked->name, marked->name);
}

int archive_of_set(struct archive *archive, struct archive *parts, size_t count,
                   struct error *error)
{
    archive->parts = parts;
    archive->part_count = count;
    archive->main_part = main_find(parts, count);
    versions_take(archive);
    sums_take(archive);
    roles_join(archive);
    extensions_join(archive);
    entries_join(archive);
    tables_join(archive);
    databases_join(archive);
    if (ends_agree(archive, error) == 0)
        return 0;
    archive->complete = false;
    return -1;
}

const struct archive *archive_main(const struct archive *archive)
{
    return archive->part_count > 0 ? &archive->parts[archive->main_part] : archive;
}
