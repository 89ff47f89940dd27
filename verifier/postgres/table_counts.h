/* The tables of a database and how many rows each holds.
 *
 * Ordinary and partitioned tables, without the system's own and temporary ones. A table that an
 * extension brought is listed and not counted: pg_dump leaves its rows out, or takes some of them.
 */
#ifndef POSTGRES_TABLE_COUNTS_H
#define POSTGRES_TABLE_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "postgres/connection.h"

enum { NOT_COUNTED = -1 };

struct table_count {
    char *schema;
    char *name;
    int64_t rows;       /* its own, without those of its children; or NOT_COUNTED */
    int64_t rows_total; /* with those of its children and partitions; or NOT_COUNTED */
    /* Only in a list that comes from a server: */
    unsigned long oid;
    bool is_partitioned;
    bool is_left_out; /* pg_dump does not dump all of its rows, so they are not counted */
};

/* Sorted by schema, then name, as strcmp does; no two are the same. */
struct table_counts {
    struct table_count *items;
    size_t count;
    size_t capacity;
};

/* Lists the tables; nothing is counted. */
int table_counts_list(struct connection *connection, struct table_counts *ret_tables,
                      struct error *error);

/* Fills in `rows_total` of every table from `rows`, by what inherits from what in the database. */
int table_counts_total(struct connection *connection, struct table_counts *tables,
                       struct error *error);

/* Counts every table, in the connection's open transaction, one SELECT a table. A table that cannot
 * be counted stays NOT_COUNTED, and `problems` gets a sentence; the transaction lives on. */
int table_counts_fill(struct connection *connection, struct table_counts *tables,
                      struct strings *problems, struct error *error);

/* Does any table hold a row, or a large object exist? Where nothing was counted the first row that
 * is met tells; a table that cannot be read may hold some. In the connection's open transaction. */
int table_counts_any(struct connection *connection, const struct table_counts *tables,
                     bool *ret_any, struct error *error);

/* NULL: there is none. */
struct table_count *table_counts_find(const struct table_counts *tables, const char *schema,
                                      const char *name);

/* Appends one; the order is the caller's business, who calls table_counts_sort after the last. The
 * table given is valid until the next is added. */
struct table_count *table_counts_add(struct table_counts *tables, const char *schema,
                                     const char *name, int64_t rows, int64_t rows_total);
void table_counts_sort(struct table_counts *tables);
void table_counts_free(struct table_counts *tables); /* takes a zeroed one */

#endif
