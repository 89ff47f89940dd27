/* Expectations: what a scenario says about a number, such as `row_count >= 1`.
 *
 *     [warn:] METRIC OP NUMBER
 *     [warn:] METRIC between A and B
 *     [warn:] METRIC same as WHAT
 *     [warn:] change for METRIC OP P%          (or an absolute number)
 *     [warn:] change avg last N for METRIC OP P%              (likewise)
 *     [warn:] anomaly for METRIC
 *
 * OP is one of = != < <= > >=. A query's `expect` is the same without the metric. A metric of the
 * bucket may be one of its copy, or of a part of it: METRIC [of copy] [in PREFIX]; a prefix with
 * blanks stands in quotes. The notation follows SodaCL. Numbers may carry a unit that fits their
 * metric: durations (500ms 90s 30m 26h 30d) for freshness, restore_time and what a migration takes,
 * sizes (10MB 4GiB) for total_size and backup_size, % for changes.
 */
#ifndef SCENARIO_EXPECTATION_H
#define SCENARIO_EXPECTATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"

enum metric {
    METRIC_VALUE,            /* what a query returned; has no name in the notation */
    METRIC_ROW_COUNT,        /* row_count */
    METRIC_FRESHNESS,        /* freshness(column), in seconds */
    METRIC_OBJECT_COUNT,     /* object_count */
    METRIC_TOTAL_SIZE,       /* total_size, in bytes */
    METRIC_MISSING,          /* missing(table.column, ...) */
    METRIC_ORPHANED,         /* orphaned(table.column, ...) */
    METRIC_SEQUENCES_BEHIND, /* sequences behind */
    /* Of a migration that was rehearsed; those of tables for all of them, or of one: (table). */
    METRIC_DURATION,         /* duration, in seconds */
    METRIC_WRITE_BLOCKED,    /* write_blocked, in seconds */
    METRIC_READ_BLOCKED,     /* read_blocked, in seconds */
    METRIC_ROWS_INSERTED,    /* rows_inserted */
    METRIC_ROWS_UPDATED,     /* rows_updated */
    METRIC_ROWS_DELETED,     /* rows_deleted */
    METRIC_TABLES_REWRITTEN, /* tables_rewritten */
    METRIC_LOST_ON_RETURN,   /* lost_on_return: rows */
    /* Of the run itself: */
    METRIC_RESTORE_TIME, /* restore_time, in seconds */
    METRIC_BACKUP_SIZE,  /* backup_size, in bytes */
};

enum comparison {
    COMPARE_EQUAL,
    COMPARE_NOT_EQUAL,
    COMPARE_LESS,
    COMPARE_LESS_OR_EQUAL,
    COMPARE_GREATER,
    COMPARE_GREATER_OR_EQUAL,
    COMPARE_BETWEEN, /* both ends belong to it */
    COMPARE_SAME_AS,
};

/* How many nights `change avg last` may look back. */
enum { AVERAGE_LEAST_NIGHTS = 2, AVERAGE_MOST_NIGHTS = 100 };

/* Where something stands in a scenario file; both count from 1. */
struct mark {
    unsigned line;
    unsigned column;
    const char *file; /* NULL: the scenario's own; else one that it includes, borrowed from it */
};

struct expectation {
    char *text;  /* as the user wrote it, without `warn:`; names the check */
    bool warn;   /* when it does not hold, the check passes with a warning */
    bool change; /* `change ... for`: compares the change against earlier nights, not the number */
    unsigned last_nights; /* `change avg last N for`: against the mean of so many; 0: against the
                             last verified backup */
    bool anomaly;         /* `anomaly for`: is it as usual? There is no comparison then */
    bool percent;         /* the numbers are percent, only with `change` */
    enum metric metric;
    struct strings arguments; /* in parentheses: column, table, or each table.column */
    bool of_copy;             /* `of copy`: of the copy instead of the bucket */
    char *prefix;             /* `in PREFIX`: of the keys that begin so; NULL: of all */
    enum comparison comparison;
    long double low;  /* the number to compare with; long double holds every int64 exactly */
    long double high; /* only for COMPARE_BETWEEN */
    char *same_as;    /* only for COMPARE_SAME_AS: "dump", "copy" */
    struct mark mark;
};

/* Parses one expectation. On -1 `ret_problem` says what is wrong and what would be right (to be
 * freed by the caller) and `ret_offset` at which byte of `text`. `is_query` parses the form without
 * metric. */
int expectation_parse(const char *text, bool is_query, struct expectation *ret, char **ret_problem,
                      size_t *ret_offset);
void expectation_free(struct expectation *expectation); /* its contents; takes a zeroed one */

/* Does the measured number hold? Not for COMPARE_SAME_AS, `change` or `anomaly`, whose other side
 * the caller knows: it compares with `comparison_holds`, or a change with `change_holds`. */
bool expectation_holds(const struct expectation *expectation, long double measured);
bool change_holds(const struct expectation *expectation, long double change);
bool comparison_holds(enum comparison comparison, long double left, long double right);

/* Does it compare with what the history remembers of earlier nights? `change for` of what a backup
 * or a bucket holds does not: the record of the last verified backup tells that. */
bool expectation_asks_history(const struct expectation *expectation);

/* "row_count", "freshness(created_at)", "object_count of copy in shots/", ...: the same for all
 * that ask for the same; to be freed by the caller. */
char *metric_name(const struct expectation *expectation);

/* The same as regular expressions, for who only looks at texts: a metric with what belongs to it
 * (to be freed), and a comparison with a number. They take what the parser takes, and more.
 */
char *metric_regex(enum metric metric);
extern const char comparison_regex[];

#endif
