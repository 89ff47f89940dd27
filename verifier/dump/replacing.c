#include "dump/replacing.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "shelf/record.h"

enum { LISTED_TABLES = 10, LIST_LIMIT_BYTES = 1000 };

static const char all_the_same[] = "--force=empty replaces it all the same";

static bool holds_rows(const struct table_counts *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tables->items[i].rows != 0)
            return true;
    return false;
}

void replaced_read(struct shelf *shelf, const struct shelf_entry *entry, const char *scenario,
                   const char *database, const char *reports, struct replaced *ret_replaced)
{
    struct replaced replaced = {.has_rows = true};
    struct manifest manifest = {0};
    struct record record = {0};
    struct record_places places;
    const struct backup_state state = {
        .name = entry->name, .size_bytes = entry->size_bytes, .modified = entry->modified};
    struct error ignored;
    record_places_of(shelf, entry->name, scenario, database, reports, &places);
    replaced.verified = record_read(&places, &state, &record, &ignored) == 0;
    replaced.has_tables =
        manifest_select(shelf, entry->name, entry->size_bytes, NULL, &manifest, &ignored) == 0;
    struct table_counts *known = replaced.has_tables ? &manifest.tables : &record.tables;
    /* The record of several databases names no tables. */
    if (replaced.has_tables || (replaced.verified && record.databases.count == 0)) {
        replaced.has_rows = holds_rows(known);
        replaced.has_tables = true;
        replaced.tables = *known;
        *known = (struct table_counts){0};
    }
    *ret_replaced = replaced;
    record_places_free(&places);
    manifest_free(&manifest);
    record_free(&record);
}

void replaced_free(struct replaced *replaced)
{
    table_counts_free(&replaced->tables);
}

/* "a, b and 3 more": to be freed by the caller. */
static char *lost_tables(const struct replaced *replaced, const struct manifest *now)
{
    const struct manifest before = {.tables = replaced->tables};
    cleanup(strings_free) struct strings lost = {0};
    struct buffer words;
    manifest_lost_tables(&before, now, &lost);
    buffer_init(&words, LIST_LIMIT_BYTES);
    for (size_t i = 0; i < lost.count && i < LISTED_TABLES; i++)
        buffer_printf(&words, "%s%s", i ? ", " : "", lost.items[i]);
    if (lost.count > LISTED_TABLES)
        buffer_printf(&words, " and %zu more", lost.count - LISTED_TABLES);
    return buffer_steal(&words);
}

static int refuse_empty(const struct replaced *replaced, const char *what, const char *database,
                        struct error *error)
{
    return cannot_verify(error,
                         "the database %s has no %s, and this dump would replace %s%s, which stays "
                         "as it is: check that source.database names the right database; %s",
                         database, what, replaced->path,
                         replaced->verified ? ", a backup that verified" : "", all_the_same);
}

int replacing_check(const struct replaced *replaced, const struct manifest *now,
                    const char *database, struct error *error)
{
    bool had_tables = !replaced->has_tables || replaced->tables.count > 0;
    if (now->has_rows || !had_tables) {
        /* Nothing is lost, or there is something. */
    } else if (now->tables.count == 0) {
        return refuse_empty(replaced, "tables", database, error);
    } else if (replaced->has_rows) {
        return refuse_empty(replaced, "rows", database, error);
    }
    if (!replaced->verified || now->tables.count >= replaced->tables.count)
        return 0;
    cleanup(free_pointer) char *lost = lost_tables(replaced, now);
    return cannot_verify(error,
                         "the database %s has %zu table%s, and this dump would replace %s, a "
                         "backup that verified and has %zu, which stays as it is: it has lost %s; "
                         "if that is intended, %s",
                         database, now->tables.count, now->tables.count == 1 ? "" : "s",
                         replaced->path, replaced->tables.count, lost, all_the_same);
}
