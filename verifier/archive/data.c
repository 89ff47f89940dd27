#include "archive/data.h"

#include <stdlib.h>
#include <string.h>

#include "archive/arena.h"
#include "archive/facts.h"
#include "archive/plain/plain.h"
#include "base/memory.h"

/* ---- tables of the TOC ---- */

static char *arena_string(struct arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = arena_take(arena, size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

static int no_room(struct error *error)
{
    return cannot_verify(error, "it has more tables than this program keeps");
}

static int table_target_set(struct archive *archive, const char *schema, const char *name,
                            struct archive_table *table, struct error *error)
{
    if (schema[0] != '\0' && strcmp(schema, table->schema) != 0)
        table->target_schema = arena_string(archive->arena, schema);
    if (strcmp(name, table->name) != 0)
        table->target_name = arena_string(archive->arena, name);
    return table->target_schema && table->target_name ? 0 : no_room(error);
}

/* What its COPY says: the columns, and the table that it loads. INSERTs come with a comment at
 * most.
 */
static int table_prepare(struct archive *archive, const struct archive_entry *entry,
                         struct archive_table *table, struct error *error)
{
    cleanup(free_pointer) char *schema = NULL, *name = NULL, *columns = NULL;
    *table = (struct archive_table){.schema = entry->schema,
                                    .name = entry->tag,
                                    .target_schema = entry->schema,
                                    .target_name = entry->tag,
                                    .has_data = true,
                                    .dump_id = entry->dump_id};
    if (!entry->copy_statement)
        return root_comment_parse(entry->definition, &schema, &name) < 0
                   ? 0
                   : table_target_set(archive, schema, name, table, error);
    if (copy_statement_parse(entry->copy_statement, &schema, &name, &columns) < 0)
        return bad_backup(error,
                          "the COPY statement of table %s.%s in its table of contents is "
                          "damaged",
                          entry->schema, entry->tag);
    table->columns = arena_string(archive->arena, columns);
    return table->columns ? table_target_set(archive, schema, name, table, error) : no_room(error);
}

int contents_announce(const struct reading *reading, struct error *error)
{
    reading->archive->contents_known = true;
    if (reading->options->contents_known)
        reading->options->contents_known(reading->options->contents_known_context);
    return reading->options->contents_only
               ? cannot_verify(error, "only its table of contents was read")
               : 0;
}

int tables_prepare(struct toc *toc, struct error *error)
{
    struct archive *archive = toc->archive;
    size_t count = 0;
    for (size_t i = 0; i < archive->entry_count; i++)
        count += entry_is_table_data(&archive->entries[i]);
    if (arena_count(archive->arena, count * sizeof(*archive->tables)) < 0 ||
        arena_count(archive->arena, archive->entry_count * sizeof(*toc->table_of)) < 0)
        return no_room(error);
    archive->tables = xcalloc(count, sizeof(*archive->tables));
    toc->table_of = xcalloc(archive->entry_count, sizeof(*toc->table_of));
    for (size_t i = 0; i < archive->entry_count; i++) {
        if (!entry_is_table_data(&archive->entries[i]))
            continue;
        toc->table_of[i] = archive->table_count;
        struct archive_table *table = &archive->tables[archive->table_count++];
        if (table_prepare(archive, &archive->entries[i], table, error) < 0)
            return -1;
    }
    return 0;
}

void table_data_keep(const struct toc *toc, const struct archive_entry *entry,
                     const struct table_data *data)
{
    struct archive *archive = toc->archive;
    struct archive_table *table = &archive->tables[toc->table_of[entry - archive->entries]];
    table->totals = data->totals;
    table->has_fingerprint = data->has_fingerprint;
}

/* One entry for each large object, or (since archive 1.16) a list of oids, one a line. */
static int64_t large_objects_named(const struct archive_entry *entry)
{
    if (strcmp(entry->description, "BLOB") == 0)
        return 1;
    int64_t count = 0;
    if (strcmp(entry->description, "BLOB METADATA") == 0)
        for (const char *at = entry->definition; (at = strchr(at, '\n')) != NULL; at++)
            count++;
    return count;
}

int large_objects_check(const struct toc *toc, struct error *error)
{
    const struct archive *archive = toc->archive;
    int64_t named = 0;
    bool have_data = false;
    for (size_t i = 0; i < archive->entry_count; i++) {
        named += large_objects_named(&archive->entries[i]);
        have_data |= entry_is_large_objects(&archive->entries[i]);
    }
    /* Before 9.0 only their data tells which there are. */
    bool told = archive->version_major > 1 || archive->version_minor >= 12;
    if (!have_data || !told || named == archive->large_object_count)
        return 0;
    return bad_backup(error, "it holds %lld large objects, but its table of contents names %lld",
                      (long long)archive->large_object_count, (long long)named);
}

/* ---- rows ---- */

static int copy_rows_read(bool fingerprint, struct source *source, struct row_totals *ret_totals,
                          struct error *error)
{
    cleanup(rows_freep) struct rows *rows = rows_new(fingerprint);
    for (;;) {
        const uint8_t *bytes;
        size_t length;
        if (source_next(source, &bytes, &length, error) < 0)
            return error_prefix(error, "after row %lld: ", (long long)rows_so_far(rows));
        if (length == 0)
            break;
        rows_feed(rows, bytes, length);
    }
    return rows_finish(rows, ret_totals, error);
}

/* Rows of all tables that the statements name: more than one only by --load-via-partition-root. */
static void add_totals(const struct plain_totals *plain, struct row_totals *ret_totals)
{
    struct row_totals sum = {0};
    for (size_t i = 0; i < plain->table_count; i++) {
        const struct row_totals *one = &plain->tables[i].totals;
        sum.rows += one->rows;
        sum.bytes += one->bytes;
        if (one->largest_row_bytes > sum.largest_row_bytes)
            sum.largest_row_bytes = one->largest_row_bytes;
    }
    *ret_totals = sum;
}

/* In an archive this setting is an entry of its own. Where it is "off", the statements end at the
 * same quotes all the same, since pg_dump doubles both quotes and backslashes then. */
static const char strings_setting[] = "SET standard_conforming_strings = on; ";

static struct plain *inserts_new(void)
{
    struct error never;
    struct plain *plain = plain_new_fragment(false);
    if (plain_feed(plain, strings_setting, strlen(strings_setting), &never) < 0) {
        plain_free(plain);
        return NULL;
    }
    return plain;
}

static int inserts_read(struct source *source, struct row_totals *ret_totals, struct error *error)
{
    cleanup(plain_freep) struct plain *plain = inserts_new();
    if (!plain)
        return cannot_verify(error, "INSERT statements cannot be counted");
    for (;;) {
        const uint8_t *bytes;
        size_t length;
        if (source_next(source, &bytes, &length, error) < 0)
            return -1;
        if (length == 0)
            break;
        if (plain_feed(plain, bytes, length, error) < 0)
            return -1;
    }
    cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
    if (plain_finish(plain, &totals, error) < 0)
        return -1;
    add_totals(totals, ret_totals);
    return 0;
}

int table_data_read(const struct archive_entry *entry, bool fingerprint, struct source *source,
                    struct table_data *ret_data, struct error *error)
{
    struct table_data data = {.has_fingerprint = fingerprint && entry->copy_statement};
    if (entry->copy_statement) {
        if (copy_rows_read(fingerprint, source, &data.totals, error) < 0)
            return -1;
    } else if (inserts_read(source, &data.totals, error) < 0) {
        return -1;
    }
    *ret_data = data;
    return 0;
}

/* ---- rows of a table that is not known yet ---- */

struct both {
    struct rows *rows;
    struct plain *plain; /* NULL once it cannot be INSERTs */
};

static void both_free(struct both *both)
{
    rows_free(both->rows);
    plain_free(both->plain);
}

static int both_feed(struct both *both, struct source *source, struct error *error)
{
    static const char insert[] = "INSERT INTO ";
    struct error ignored;
    bool first = true;
    for (;;) {
        const uint8_t *bytes;
        size_t length;
        if (source_next(source, &bytes, &length, error) < 0)
            return -1;
        if (length == 0)
            return 0;
        size_t begin = length < sizeof(insert) - 1 ? length : sizeof(insert) - 1;
        if (first && both->plain && bytes[0] != '\n' && memcmp(bytes, insert, begin) != 0) {
            plain_free(both->plain);
            both->plain = NULL;
        }
        first = false;
        rows_feed(both->rows, bytes, length);
        if (both->plain && plain_feed(both->plain, bytes, length, &ignored) < 0) {
            plain_free(both->plain);
            both->plain = NULL;
        }
    }
}

int unknown_data_read(bool fingerprint, struct source *source, struct unknown_data *ret_data,
                      struct error *error)
{
    cleanup(both_free) struct both both = {rows_new(fingerprint), inserts_new()};
    if (both_feed(&both, source, error) < 0)
        return -1;
    struct unknown_data data = {0};
    data.is_copy = rows_finish(both.rows, &data.copy, error) == 0;
    cleanup(plain_totals_freep) struct plain_totals *totals = NULL;
    struct error ignored;
    if (both.plain && plain_finish(both.plain, &totals, &ignored) == 0) {
        data.is_inserts = true;
        add_totals(totals, &data.inserts);
    }
    if (!data.is_copy && !data.is_inserts)
        return -1;
    *ret_data = data;
    return 0;
}
