/* One moment of a database: what pg_dump is going to dump, seen in the same snapshot.
 *
 * A single read-only REPEATABLE READ transaction exports its snapshot for pg_dump --snapshot and
 * tells what the database holds in it. It stays open until snapshot_close: pg_dump needs it to
 * begin, and the locks of the counting keep a TRUNCATE, which no snapshot hides, out until the dump
 * is done. Nothing is written, and no statement of ours runs longer than 10 minutes.
 *
 * Every error is FAULT_MACHINE.
 */
#ifndef POSTGRES_SNAPSHOT_H
#define POSTGRES_SNAPSHOT_H

#include <time.h>

#include "postgres/address.h"
#include "postgres/table_counts.h"
#include "postgres/version_table.h"

struct snapshot;

struct snapshot_contents {
    char *server_version; /* "15.18 (Debian 15.18-0+deb12u1)" */
    char *encoding;       /* "UTF8" */
    int64_t database_bytes;
    bool counted;                   /* the rows of tables were counted */
    bool has_rows;                  /* in a table, or as a large object */
    struct strings extensions;      /* "pg_trgm 1.6" */
    struct strings settings;        /* of its sessions: "search_path=app, public" */
    struct strings revisions;       /* of alembic_version; none where there is no such table */
    struct version_states versions; /* of the tables that were asked for */
    struct table_counts tables;
};

/* What is wanted to be known. */
struct snapshot_question {
    bool count; /* the rows of the tables */
    const struct version_table *version_tables;
    size_t version_table_count;
};

/* Begins the transaction. A server that cannot export a snapshot (a standby before PostgreSQL 10)
 * gives one all the same, whose snapshot_id is NULL. After the deadline it answers no more. */
int snapshot_open(const struct address *database, int64_t deadline_ms,
                  struct snapshot **ret_snapshot, struct error *error);

int snapshot_server_version(const struct snapshot *snapshot);   /* 150018 */
const char *snapshot_id(const struct snapshot *snapshot);       /* for pg_dump; borrowed; or NULL */
const char *snapshot_database(const struct snapshot *snapshot); /* its name; borrowed */
const char *snapshot_user(const struct snapshot *snapshot);     /* likewise */

time_t snapshot_time(const struct snapshot *snapshot); /* just before it was taken */

/* Reads what the database holds. Without a snapshot_id rows are not counted: they would be those of
 * another moment. What could not be looked at is no error but a sentence in `notices`. */
int snapshot_read(struct snapshot *snapshot, const struct snapshot_question *question,
                  struct snapshot_contents *ret_contents, struct strings *notices,
                  struct error *error);

void snapshot_close(struct snapshot *snapshot); /* takes NULL */
void snapshot_closep(struct snapshot **snapshot);
void snapshot_contents_free(struct snapshot_contents *contents); /* takes a zeroed one */

#endif
