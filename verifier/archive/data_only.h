/* Whether a backup holds rows and no table to put them into. */
#ifndef ARCHIVE_DATA_ONLY_H
#define ARCHIVE_DATA_ONLY_H

#include <stdbool.h>

#include "archive/archive.h"

/* Of a backup that was read whole: pg_dump --data-only or --section=data wrote it. */
bool archive_is_data_only(const struct archive *archive);

#endif
