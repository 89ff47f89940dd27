/* Dumps made with --load-via-partition-root: a plain one holds the rows of all partitions as rows
 * of the partitioned table, so they can be compared only as a whole. */
#ifndef CHECKS_PARTITIONS_H
#define CHECKS_PARTITIONS_H

#include "archive/archive.h"

/* Does the archive load rows through the partitioned table `label` ("schema.name")? */
bool loads_through_root(const struct archive *archive, const char *label);

/* SQL for the label of the partitioned table at the top of a partition `c` (a row of pg_class), ''
 * for any other table. */
#define PARTITION_ROOT_SQL                                                                         \
    "case when relispartition then (select nspname || '.' || relname from pg_class r join "        \
    "pg_namespace s on s.oid = r.relnamespace where r.oid = pg_partition_root(c.oid)) else '' end"

#endif
