#include "archive/gaps.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/plain/plain.h"
#include "archive/toc.h"
#include "base/memory.h"

/* Every kind that pg_dump 9.0 to 18 writes. Sorted. */
static const char *const kinds[] = {
    "ACCESS METHOD",
    "ACL",
    "ACL LANGUAGE",
    "AGGREGATE",
    "BLOB",
    "BLOB COMMENTS",
    "BLOB METADATA",
    "BLOBS",
    "CAST",
    "CHECK CONSTRAINT",
    "COLLATION",
    "COMMENT",
    "CONSTRAINT",
    "CONVERSION",
    "DATABASE",
    "DATABASE PROPERTIES",
    "DEFAULT",
    "DEFAULT ACL",
    "DOMAIN",
    "ENCODING",
    "EVENT TRIGGER",
    "EXTENSION",
    "FK CONSTRAINT",
    "FOREIGN DATA WRAPPER",
    "FOREIGN SERVER",
    "FOREIGN TABLE",
    "FUNCTION",
    "INDEX",
    "INDEX ATTACH",
    "LARGE OBJECT",
    "MATERIALIZED VIEW",
    "MATERIALIZED VIEW DATA",
    "NOT NULL CONSTRAINT",
    "OPERATOR",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "POLICY",
    "PROCEDURAL LANGUAGE",
    "PROCEDURE",
    "PUBLICATION",
    "PUBLICATION TABLE",
    "PUBLICATION TABLES IN SCHEMA",
    "ROW SECURITY",
    "RULE",
    "SCHEMA",
    "SEARCHPATH",
    "SECURITY LABEL",
    "SEQUENCE",
    "SEQUENCE OWNED BY",
    "SEQUENCE SET",
    "SERVER",
    "SHELL TYPE",
    "STATISTICS",
    "STATISTICS DATA",
    "STDSTRINGS",
    "SUBSCRIPTION",
    "SUBSCRIPTION TABLE",
    "TABLE",
    "TABLE ATTACH",
    "TABLE DATA",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
    "TRANSFORM",
    "TRIGGER",
    "TYPE",
    "USER MAPPING",
    "VIEW",
    "WARNING",
};

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool is_known(const char *kind)
{
    return bsearch(&kind, kinds, ARRAY_LENGTH(kinds), sizeof(kinds[0]), compare_texts) != NULL;
}

static int compare_named(const void *left, const void *right)
{
    const struct named *one = left, *other = right;
    int schemas = strcmp(one->schema, other->schema);
    return schemas ? schemas : strcmp(one->name, other->name);
}

/* A list that is sorted before it is asked. */
struct list {
    struct named *items;
    size_t count;
};

static struct list list_new(size_t most)
{
    return (struct list){.items = xcalloc(most, sizeof(struct named))};
}

static void list_free(struct list *list)
{
    free(list->items);
}

static void list_add(struct list *list, const char *schema, const char *name)
{
    list->items[list->count++] =
        (struct named){.schema = *schema ? schema : "public", .name = name};
}

static void list_sort(struct list *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof(*list->items), compare_named);
}

static bool list_has(const struct named *items, size_t count, const struct named *wanted)
{
    return count > 0 && bsearch(wanted, items, count, sizeof(*items), compare_named);
}

/* Whatever of `all` is not in `held`, which is sorted. */
static struct list list_without(const struct list *all, const struct list *held)
{
    struct list rest = list_new(all->count);
    for (size_t i = 0; i < all->count; i++)
        if (!list_has(held->items, held->count, &all->items[i]))
            rest.items[rest.count++] = all->items[i];
    return rest;
}

static struct list entries_of(const struct archive *archive, const char *description)
{
    struct list list = list_new(archive->entry_count);
    for (size_t i = 0; i < archive->entry_count; i++)
        if (strcmp(archive->entries[i].description, description) == 0)
            list_add(&list, archive->entries[i].schema, archive->entries[i].tag);
    return list;
}

static struct list defined_without(const struct archive *archive, const char *definition,
                                   const char *data)
{
    cleanup(list_free) struct list all = entries_of(archive, definition);
    cleanup(list_free) struct list held = entries_of(archive, data);
    list_sort(&held);
    return list_without(&all, &held);
}

static bool has_source(const struct plain_totals *plain, enum plain_source source)
{
    for (size_t i = 0; i < plain->table_count; i++)
        if (plain->tables[i].source == source)
            return true;
    return false;
}

static struct list plain_without_data(const struct plain_totals *plain)
{
    struct list list = list_new(plain->table_count);
    if (!has_source(plain, FROM_COPY) || has_source(plain, FROM_INSERT))
        return list;
    for (size_t i = 0; i < plain->table_count; i++)
        if (plain->tables[i].source == NO_DATA)
            list_add(&list, plain->tables[i].schema, plain->tables[i].name);
    return list;
}

static bool has_copies_only(const struct archive *archive)
{
    bool has_copy = false;
    for (size_t i = 0; i < archive->table_count; i++) {
        if (archive->tables[i].by_inserts)
            return false;
        has_copy = has_copy || archive->tables[i].has_data;
    }
    return has_copy;
}

static struct list created_in_parts(const struct archive *archive)
{
    size_t most = 0;
    for (size_t i = 0; i < archive->part_count; i++)
        most += archive->parts[i].table_count;
    struct list list = list_new(most);
    for (size_t i = 0; i < archive->part_count; i++) {
        const struct archive *part = &archive->parts[i];
        for (size_t j = 0; j < part->table_count && part->part != PART_PLATFORM; j++)
            if (part->tables[j].created)
                list_add(&list, part->tables[j].schema, part->tables[j].name);
    }
    return list;
}

/* Of what the host brings, its tool leaves out the rows of some tables. */
static struct list set_without_data(const struct archive *archive)
{
    cleanup(list_free) struct list held = list_new(archive->table_count);
    if (!has_copies_only(archive))
        return list_new(0);
    cleanup(list_free) struct list all = created_in_parts(archive);
    for (size_t i = 0; i < archive->table_count; i++)
        if (archive->tables[i].has_data)
            list_add(&held, archive->tables[i].schema, archive->tables[i].name);
    list_sort(&held);
    return list_without(&all, &held);
}

/* Of a set, data may also be in a part that is plain SQL. */
static struct list defined_without_data(const struct archive *archive)
{
    cleanup(list_free) struct list defined = defined_without(archive, "TABLE", "TABLE DATA");
    cleanup(list_free) struct list held = list_new(archive->table_count);
    for (size_t i = 0; i < archive->table_count && archive->part_count > 0; i++)
        if (archive->tables[i].has_data)
            list_add(&held, archive->tables[i].schema, archive->tables[i].name);
    list_sort(&held);
    return list_without(&defined, &held);
}

static struct list tables_without_data(const struct archive *archive)
{
    if (archive->plain)
        return plain_without_data(archive->plain);
    if (archive->part_count > 0 && archive->entry_count == 0)
        return set_without_data(archive);
    return defined_without_data(archive);
}

void gaps_find(const struct archive *archive, struct gaps *ret_gaps)
{
    struct list tables = tables_without_data(archive);
    struct list sequences = defined_without(archive, "SEQUENCE", "SEQUENCE SET");
    list_sort(&tables);
    *ret_gaps = (struct gaps){.tables = tables.items,
                              .table_count = tables.count,
                              .sequences = sequences.items,
                              .sequence_count = sequences.count};
    /* Of a set, one part creates them, and another may be an archive, which says it otherwise. */
    if (archive->entry_count == 0 && archive->hollow_large_objects > 0)
        ret_gaps->large_objects = archive->hollow_large_objects;
    for (size_t i = 0; i < archive->entry_count; i++)
        if (!is_known(archive->entries[i].description))
            strings_addf(&ret_gaps->unknown, "%s %s", archive->entries[i].description,
                         archive->entries[i].tag);
}

void gaps_free(struct gaps *gaps)
{
    free(gaps->tables);
    free(gaps->sequences);
    strings_free(&gaps->unknown);
    *gaps = (struct gaps){0};
}

bool gaps_have_table(const struct gaps *gaps, const char *schema, const char *name)
{
    return list_has(gaps->tables, gaps->table_count,
                    &(struct named){.schema = schema, .name = name});
}

bool archive_has_rows(const struct archive *archive)
{
    for (size_t i = 0; i < archive->table_count; i++)
        if (archive->tables[i].totals.rows > 0)
            return true;
    return false;
}

bool entry_is_relation(const struct archive_entry *entry)
{
    static const char *const relations[] = {"TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE"};
    for (size_t i = 0; i < ARRAY_LENGTH(relations); i++)
        if (strcmp(entry->description, relations[i]) == 0)
            return true;
    return false;
}

bool archive_has_relation(const struct archive *archive, const char *name)
{
    const char *dot = strchr(name, '.');
    cleanup(free_pointer) char *first = dot ? xstrndup(name, (size_t)(dot - name)) : NULL;
    const struct named wanted = {.schema = first ? first : "public", .name = dot ? dot + 1 : name};
    for (size_t i = 0; i < archive->entry_count; i++) {
        const struct archive_entry *entry = &archive->entries[i];
        if (entry_is_relation(entry) &&
            compare_named(&wanted, &(struct named){entry->schema, entry->tag}) == 0)
            return true;
    }
    for (size_t i = 0; i < archive->table_count; i++) {
        const struct archive_table *table = &archive->tables[i];
        if (compare_named(&wanted, &(struct named){*table->schema ? table->schema : "public",
                                                   table->name}) == 0)
            return true;
    }
    return false;
}
