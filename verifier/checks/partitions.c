#include "checks/partitions.h"

#include <string.h>

bool loads_through_root(const struct archive *archive, const char *label)
{
    if (!*label)
        return false;
    for (size_t i = 0; i < archive->table_count; i++) {
        const struct archive_table *table = &archive->tables[i];
        size_t schema = strlen(table->schema);
        if (table->partitioned && table->totals.rows > 0 &&
            strncmp(label, table->schema, schema) == 0 && label[schema] == '.' &&
            strcmp(label + schema + 1, table->name) == 0)
            return true;
    }
    return false;
}
