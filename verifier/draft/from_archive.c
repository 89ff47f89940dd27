/* A draft from what a backup holds: tables and rows, and of archives, whose tables of contents have
 * the definitions, columns and foreign keys as well. */
#include <stdlib.h>
#include <string.h>

#include "draft/sources.h"
#include "draft/statement.h"
#include "postgres/table_counts.h"

static struct draft_table *find(struct draft *draft, const char *schema, const char *name)
{
    return (struct draft_table *)(uintptr_t)draft_table(draft, schema, name);
}

static void take_tables(const struct archive *archive, struct draft *draft)
{
    for (size_t i = 0; i < archive->table_count; i++) {
        const struct archive_table *from = &archive->tables[i];
        struct draft_table *table = draft_add_table(draft, from->schema, from->name);
        table->rows = from->has_data || from->totals.rows > 0 ? from->totals.rows : NOT_COUNTED;
        draft->has_rows = draft->has_rows || from->totals.rows > 0;
    }
}

/* "ALTER TABLE ONLY public.parts ATTACH PARTITION public.parts_2024 ...": the tag of the entry is
 * the partition's name. */
static void take_entry(const struct archive_entry *entry, struct draft *draft,
                       struct strings *present)
{
    bool is_table = strcmp(entry->description, "TABLE") == 0;
    bool is_attachment = strcmp(entry->description, "TABLE ATTACH") == 0;
    struct draft_table *table =
        is_table || is_attachment ? find(draft, entry->schema, entry->tag) : NULL;
    if (table && is_table)
        statement_columns(entry->definition, table);
    else if (table)
        table->is_partition = true;
    else if (strcmp(entry->description, "SCHEMA") == 0 ||
             strcmp(entry->description, "EXTENSION") == 0 ||
             strcmp(entry->description, "EVENT TRIGGER") == 0 ||
             strcmp(entry->description, "PUBLICATION") == 0)
        strings_addf(present, "%s %s", entry->description, entry->tag);
}

/* Types that are not PostgreSQL's own are written with their schema. */
static bool has_own_type(const struct draft *draft, const struct foreign_key *key)
{
    const struct draft_table *table = draft_table(draft, key->schema, key->table);
    for (size_t i = 0; table && i < key->columns.count; i++) {
        const struct draft_column *column = draft_column(table, key->columns.items[i]);
        if (!column || strchr(column->type, '.'))
            return true;
    }
    return !table;
}

static void take_keys(const struct archive *archive, struct draft *draft)
{
    for (size_t i = 0; i < archive->entry_count; i++) {
        const struct archive_entry *entry = &archive->entries[i];
        struct foreign_key key = {0};
        if (strcmp(entry->description, "FK CONSTRAINT") != 0 ||
            foreign_key_parse(entry->definition, &key) < 0)
            continue;
        draft_add_key(draft, entry->definition, !has_own_type(draft, &key));
        foreign_key_free(&key);
    }
}

void draft_of_archive(const struct archive *archive, struct draft *ret_draft)
{
    struct draft draft = {.has_rows = archive->large_object_count > 0,
                          .host = HOST_SELF_HOSTED,
                          .size_bytes = archive->stored_bytes};
    cleanup(strings_free) struct strings present = {0};
    size_t count = archive->database_part_count;
    cleanup(free_pointer) const struct archive_database **databases =
        xcalloc(count + 1, sizeof(*databases));
    count = archive_databases(archive, databases);
    for (size_t i = 0; count > 1 && i < count; i++)
        strings_add(&draft.databases, databases[i]->name);
    draft.database = archive->database ? xstrdup(archive->database) : NULL;
    draft.server_version = archive->server_version ? xstrdup(archive->server_version) : NULL;
    for (size_t i = 0; i < archive->extension_count; i++)
        if (strcmp(archive->extensions[i].name, "plpgsql") != 0)
            strings_add(&draft.extensions, archive->extensions[i].name);
    take_tables(archive, &draft);
    for (size_t i = 0; i < archive->entry_count; i++)
        take_entry(&archive->entries[i], &draft, &present);
    take_keys(archive, &draft);
    draft_leave_out_platform(&draft, &present);
    draft_find_migrations(&draft);
    *ret_draft = draft;
}
