#include "archive/data_only.h"

#include <string.h>

static bool creates_table(const struct archive *archive)
{
    for (size_t i = 0; i < archive->entry_count; i++)
        if (strcmp(archive->entries[i].description, "TABLE") == 0)
            return true;
    for (size_t i = 0; i < archive->table_count; i++)
        if (archive->tables[i].created)
            return true;
    return false;
}

bool archive_is_data_only(const struct archive *archive)
{
    bool has_data = false;
    for (size_t i = 0; i < archive->table_count; i++)
        has_data = has_data || archive->tables[i].has_data;
    return has_data && !creates_table(archive);
}
