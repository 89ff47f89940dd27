/* What is in a database: its tables with their rows, and what in it is not as sound as it looks.
 * Read as the role that only reads (postgres/reader.h). */
#ifndef REHEARSAL_TABLES_H
#define REHEARSAL_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "postgres/connection.h"

struct table {
    uint32_t oid;
    char *schema, *name;
    char *label;        /* "public.users" */
    char *columns;      /* for SQL, separated by commas; without generated ones */
    uint32_t file_node; /* another one: its rows were written anew, or taken away at once */
    bool has_rows;      /* by itself: not partitioned, not foreign, no view */
    bool computed;      /* a materialized view, whose rows come from others */
    int64_t rows;       /* then */
};

struct table_column {
    uint32_t table;
    char *name;
};

/* An index, or a table for large values, with the table that it is of. */
struct table_part {
    uint32_t oid;
    uint32_t table;
};

struct tables {
    struct table *items; /* by their oids */
    size_t count;
    struct table_column *columns;
    size_t column_count;
    struct table_part *parts; /* by their oids */
    size_t part_count;
    struct strings unsound; /* "the index public.i is not valid" */
};

/* Within a transaction of the reader's. */
int tables_read(struct connection *connection, struct tables *ret_tables, struct error *error);
void tables_free(struct tables *tables); /* takes a zeroed one */

/* NULL: none. */
const struct table *tables_find(const struct tables *tables, uint32_t oid);
const struct table *tables_find_label(const struct tables *tables, const char *label);

/* That whose rows a lock on the relation keeps from others; NULL: none. */
const struct table *tables_of_relation(const struct tables *tables, uint32_t oid);

bool tables_have_column(const struct tables *tables, uint32_t table, const char *name);

/* Statements' work on the rows of one table, also of those that were rolled back. */
struct row_work {
    uint32_t oid;
    int64_t inserted, updated, deleted;
};

/* Servers before 15 count through a process that needs a network, which ours have not. */
#define ROW_WORK_LEAST_VERSION 150000

/* Of every table, by their oids, since the database was made. Freed by the caller. */
int row_work_read(struct connection *connection, struct row_work **ret_work, size_t *ret_count,
                  struct error *error);

#endif
