/* What the dump step knew about a backup: NAME.manifest.json next to it.
 *
 * It is written before the backup gets its name, so that a backup of `dump` never lacks it. Killed
 * in between, a dump leaves a manifest without a backup: that is harmless, the next dump of that
 * name replaces it, and `prune` takes it away when it is old. A dump that replaces a backup
 * (--force) writes NAME.next.manifest.json first and renames it afterwards: whichever moment it is
 * killed at, one of the two belongs to the backup that is there, and its sha256 tells which. The
 * next such dump gives that one its first name before it writes another (companions.h).
 *
 * The file is JSON, UTF-8, and holds nothing secret: no host, user or password. It is read as if a
 * stranger had written it: at most 8 MiB, every field of its own type, an unknown version refused,
 * fields that are not known passed over.
 */
#ifndef SHELF_MANIFEST_H
#define SHELF_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "postgres/table_counts.h"
#include "postgres/version_table.h"
#include "schema/totals.h"
#include "shelf/shelf.h"

/* The version that is written; lower ones are understood as well. */
enum { MANIFEST_VERSION = 1 };

/* Strings are never NULL in a manifest that was read. */
struct manifest {
    char *backup; /* the name of the file it was made for */
    int64_t size_bytes;
    char sha256[SHA256_HEX_SIZE];
    time_t began; /* when the snapshot was taken: what was written later is not in the backup */
    time_t ended;
    char *program;                  /* "restore-verifier 0.1.0" */
    char *pg_dump;                  /* its version */
    char *host;                     /* "self-hosted", "render", ...: the kind, not the name */
    char *server;                   /* version of the server */
    char *encoding;                 /* of the database */
    int64_t database_bytes;         /* size of the database on its server */
    bool counted;                   /* rows were counted, in the snapshot of the dump */
    struct strings extensions;      /* "pg_trgm 1.6" */
    struct strings settings;        /* of its sessions, "search_path=app, public"; older: none */
    struct strings revisions;       /* of alembic_version */
    struct version_states versions; /* of the tables that the scenario names */
    struct table_counts tables;
    /* What the table of contents held that pg_dump wrote; none in older manifests. */
    struct schema_totals schema;
    bool has_rows; /* only of a dump that is being made: in a table, or as a large object */
};

void manifest_free(struct manifest *manifest); /* what it holds; takes a zeroed one */

/* Their names beside the backup of that name: to be freed by the caller. */
char *manifest_name(const char *backup);
char *manifest_next_name(const char *backup);

/* As text; ends with a newline. */
char *manifest_format(const struct manifest *manifest);

/* `name` stands in errors. bad_backup: it is damaged, says what is wrong. cannot_verify: a newer
 * program wrote it. */
int manifest_parse(const char *text, size_t length, const char *name, struct manifest *ret_manifest,
                   struct error *error);

/* Reads the file `name`. 1 when there is no such file; -1 as manifest_parse, and cannot_verify when
 * it cannot be read. */
int manifest_read(struct shelf *shelf, const char *name, struct manifest *ret_manifest,
                  struct error *error);

/* Reads the manifest of a backup of that size and, unless NULL, sha256. Where a replacement was
 * interrupted, so that there are two, it is the one that fits. Returns as manifest_read does; 0
 * does not say that it fits. */
int manifest_select(struct shelf *shelf, const char *backup, int64_t size_bytes, const char *sha256,
                    struct manifest *ret_manifest, struct error *error);

/* Writes it as the file `name`, in one step. */
int manifest_write(const struct manifest *manifest, struct shelf *shelf, const char *name,
                   struct error *error);

/* Gives the file `from`, which holds it, the name `to`, in place of what had that. */
int manifest_rename(const struct manifest *manifest, struct shelf *shelf, const char *from,
                    const char *to, struct error *error);

/* Names of tables ("public.users") that `before` has and `now` has not. */
void manifest_lost_tables(const struct manifest *before, const struct manifest *now,
                          struct strings *ret_labels);

#endif
