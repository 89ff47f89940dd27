/* What a new scenario is written from: what a database or a backup holds, as plain data.
 *
 * draft_of_database() and draft_of_archive() fill it, draft_write() makes a scenario file of it.
 * Names are as they are stored; what of them a scenario cannot name is left out by who writes.
 */
#ifndef DRAFT_DRAFT_H
#define DRAFT_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/host_kind.h"
#include "base/memory.h"
#include "base/migration_tool.h"

enum { AGE_NOT_KNOWN = -1 };

struct draft_column {
    char *name;
    char *type; /* as SQL writes it: "timestamp with time zone", "public.citext" */
    /* The newest value of a timestamp against now; AGE_NOT_KNOWN as well where there is none, it is
     * from the future, or finding it would take long. */
    int64_t age_s;
};

struct draft_table {
    char *schema; /* "": not known, as in some plain SQL */
    char *name;
    int64_t rows;       /* with those of partitions; NOT_COUNTED: not known */
    bool is_estimate;   /* as the statistics of the server have it */
    bool is_unreadable; /* the user who asked may not read it */
    bool is_partition;  /* its rows belong to another table of the list */
    bool is_left_out;   /* an extension's own, or the host's */
    struct draft_column *columns;
    size_t column_count;
};

/* A foreign key, as pg_dump writes it: "ALTER TABLE ONLY s.t ADD CONSTRAINT ...". */
struct draft_key {
    char *definition;
    bool is_plain; /* its columns are of types that PostgreSQL itself has, as far as is known */
};

struct draft_migrations {
    enum migration_tool tool;
    char *table; /* as a scenario names it */
};

struct draft {
    char *origin; /* for the head of the file: "the database shop on db.example.com:5432" */
    enum host_kind host;
    char *database;            /* its name; NULL: not known */
    char *server_version;      /* likewise */
    int64_t size_bytes;        /* of the database, or of the backup */
    bool is_supabase;          /* it holds what Supabase puts into every database */
    bool has_rows;             /* in a table, or as a large object */
    struct strings exclusions; /* for restore.exclude */
    struct strings extensions; /* "pg_trgm 1.6" */
    struct strings databases;  /* of a backup of several; else none */
    struct draft_table *tables;
    size_t table_count;
    struct draft_key *keys;
    size_t key_count;
    struct draft_migrations migrations[TOOL_COUNT];
    size_t migration_count;

    /* Of a backup: where it lies, and what its kind are named. NULL: it is to be made by `dump`. */
    char *location;
    char *pattern;
    bool is_undated;       /* the pattern tells no date, or not surely that of the backup */
    struct strings rivals; /* patterns that describe its name as well */
    bool has_header;       /* the archive tells when it was made */
    int64_t backup_age_s;
    bool has_manifest;
};

/* Both copy. */
struct draft_table *draft_add_table(struct draft *draft, const char *schema, const char *name);
struct draft_column *draft_add_column(struct draft_table *table, const char *name,
                                      const char *type);
void draft_add_key(struct draft *draft, const char *definition, bool is_plain);

/* By what else is in the draft: which migration tools keep their tables there; what Supabase has
 * put there, of which `present` names what there is ("SCHEMA auth"), and whose tables are then left
 * out. */
void draft_find_migrations(struct draft *draft);
void draft_leave_out_platform(struct draft *draft, const struct strings *present);

const struct draft_column *draft_column(const struct draft_table *table, const char *name);
const struct draft_table *draft_table(const struct draft *draft, const char *schema,
                                      const char *name);

/* Is it a point in time that is written with each row, by its type and name? */
bool draft_tells_freshness(const struct draft_column *column);

void draft_free(struct draft *draft); /* what it holds; takes a zeroed one */

#endif
