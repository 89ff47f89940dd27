#include "checks/partitions.h"

#include <string.h>

/* Plain SQL only tells that a table with rows is partitioned. */
static bool is_routed(const struct archive_table *table)
{
    return (table->partitioned && table->totals.rows > 0) ||
           strcmp(table->name, table->target_name) != 0 ||
           strcmp(table->schema, table->target_schema) != 0;
}

bool loads_through_root(const struct archive *archive, const char *schema, const char *name)
{
    for (size_t i = 0; i < archive->table_count && *name; i++) {
        const struct archive_table *table = &archive->tables[i];
        if (strcmp(table->target_name, name) == 0 && strcmp(table->target_schema, schema) == 0 &&
            is_routed(table))
            return true;
    }
    return false;
}
