/* Rows that the archive loads through a partitioned table: of all its tables with
 * --load-via-partition-root, and where pg_dump knows that rows may change their partition (hash
 * partitions of an enum). Which partition they land in is not the archive's to say, so a tree into
 * which rows are loaded so can be compared only as a whole. */
#ifndef CHECKS_PARTITIONS_H
#define CHECKS_PARTITIONS_H

#include "archive/archive.h"

/* Does the archive load rows through this partitioned table? */
bool loads_through_root(const struct archive *archive, const char *schema, const char *name);

/* SQL for schema and name of the partitioned table at the top of a partition `c` (a row of
 * pg_class); nulls for any other table. */
#define PARTITION_ROOT_SQL PARTITION_ROOT_COLUMN("nspname") ", " PARTITION_ROOT_COLUMN("relname")
#define PARTITION_ROOT_COLUMN(column)                                                              \
    "(select " column " from pg_class r join pg_namespace s on s.oid = r.relnamespace where "      \
    "c.relispartition and r.oid = pg_partition_root(c.oid))"

#endif
