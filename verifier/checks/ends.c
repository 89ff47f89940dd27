/* Files of a set that may have been cut off between two statements, which nothing in them tells. */
#include <inttypes.h>
#include <string.h>

#include "archive/set.h"
#include "base/memory.h"
#include "checks/kinds.h"

enum { NAMED_TABLES = 3 };

static bool names_table(const char *named, const struct archive_table *table)
{
    cleanup(free_pointer) char *label = archive_table_label(table);
    return strcmp(named, table->name) == 0 || strcmp(named, label) == 0;
}

static bool counts_rows(const struct table_expectations *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->expectations[i].metric == METRIC_ROW_COUNT)
            return true;
    return false;
}

/* Does the scenario say how many rows the table has? NULL: any table. */
static bool is_counted(const struct scenario *scenario, const struct archive_table *table)
{
    for (size_t i = 0; i < scenario->table_count; i++)
        if (counts_rows(&scenario->tables[i]) &&
            (!table || names_table(scenario->tables[i].table, table)))
            return true;
    return false;
}

/* A table whose rows may have been cut off: none of the files says a word about them; or they are
 * INSERT statements, and the last ones of the file. A COPY has an end of its own. */
static bool may_be_cut(const struct archive_table *table, const struct archive_table *last)
{
    if (!table->has_data)
        return !table->partitioned;
    return last && last->by_inserts && strcmp(last->name, table->name) == 0 &&
           strcmp(last->schema, table->schema) == 0;
}

static const struct archive_table *last_with_data(const struct archive *data)
{
    const struct archive_table *last = NULL;
    for (size_t i = 0; i < data->table_count; i++)
        if (data->tables[i].has_data)
            last = &data->tables[i];
    return last;
}

/* The tables that a row count has to speak of: "public.a, public.b and 3 more"; "" when it does. */
static char *uncounted_tables(const struct subject *subject, const struct archive *data)
{
    const struct archive *archive = subject->archive;
    const struct archive_table *last = last_with_data(data);
    cleanup(strings_free) struct strings named = {0};
    size_t count = 0;
    for (size_t i = 0; i < archive->table_count; i++) {
        if (!may_be_cut(&archive->tables[i], last) ||
            is_counted(subject->scenario, &archive->tables[i]))
            continue;
        cleanup(free_pointer) char *label = archive_table_label(&archive->tables[i]);
        if (count++ < NAMED_TABLES)
            strings_add(&named, label);
    }
    if (count > NAMED_TABLES)
        strings_addf(&named, "%zu more", count - NAMED_TABLES);
    return strings_listed(&named);
}

/* What would tell whether the data were cut off; NULL when it is there. */
static char *what_tells(const struct subject *subject, const struct archive *data)
{
    if (subject->manifest && data == archive_main(subject->archive))
        return NULL; /* its sha256 is that of the file */
    if (!is_counted(subject->scenario, NULL))
        return xstrdup("can be told only by a row_count under `tables`, or by a manifest");
    cleanup(free_pointer) char *tables = uncounted_tables(subject, data);
    if (*tables)
        return xasprintf("can be told only by a row_count of %s, or by a manifest", tables);
    int64_t unset = subject->archive->sequence_count - subject->archive->sequence_values;
    if (unset > 0)
        return xasprintf("cannot be told: %" PRId64 " sequence%s no value in it", unset,
                         unset == 1 ? " has" : "s have");
    return NULL;
}

bool ends_are_known(const struct subject *subject, struct buffer *words)
{
    const struct archive *archive = subject->archive;
    bool known = true;
    for (size_t i = 0; i < archive->part_count; i++) {
        const struct archive *part = &archive->parts[i];
        if (part->end != ARCHIVE_END_UNKNOWN)
            continue;
        cleanup(free_pointer) char *what =
            part->part == PART_DATA || part->part == PART_DUMP
                ? what_tells(subject, part)
                : xstrdup("cannot be told; leave the comments of pg_dump in it");
        if (!what)
            continue;
        known = false;
        buffer_printf(words, "%s%s has no end mark: whether it was cut off %s",
                      words->length > 0 ? "; " : "", part->name, what);
    }
    return known;
}
