/* Plain SQL dumps, as pg_dump and pg_dumpall write them: which tables, with how many rows, which
 * roles and extensions they need, and whether they are complete to their end.
 *
 * A push parser in constant memory: feed it the file (decompressed) in blocks of any size, in
 * order. It splits statements as psql does (psqlscan.l of PostgreSQL 15), because psql will run
 * them, and knows the statements that pg_dump.c, dumputils.c and pg_dumpall.c write. What it does
 * not know is an error and never zero rows:
 *
 * - Bad backup: the file is cut (in a quote, a statement, the rows of a table, or before the line
 *   `-- PostgreSQL database dump complete`, for pg_dumpall `... cluster dump complete`), or it is
 *   damaged. Also a psql command that no dump contains, such as `\!`:
 *   psql would run it (CVE-2025-8714). Only `\restrict`, `\unrestrict`, `\connect NAME`, and the
 *   form that pg_dumpall uses for names such as my-app, `\encoding SQL_ASCII` with
 *   `\connect -reuse-previous=on "dbname='my-app'"`, are allowed, each on a line of its own.
 * - Cannot verify: it is SQL, but its rows cannot be counted (`INSERT ... SELECT`, `DO`, `DELETE`),
 *   or it is beyond the limits below.
 *
 * Behind its end may stand what somebody appended: other dumps, which must be whole as well, and
 * statements. Both are counted as far as they can be, and told of (struct plain_appended). What may
 * stand before the beginning is the same as what may stand in a dump.
 *
 * Commands are found where a psql finds them that meets no error. A psql that goes on after an
 * error can read the rows of a failed COPY as commands: restore with ON_ERROR_STOP and as somebody
 * who may do nothing. This parser is no sandbox.
 *
 * Texts are in the dump's own encoding, NUL-terminated; identifiers without their quotes.
 */
#ifndef ARCHIVE_PLAIN_PLAIN_H
#define ARCHIVE_PLAIN_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/plain/grants.h"
#include "archive/plain/lines.h"
#include "archive/plain/objects.h"
#include "archive/rows.h"
#include "base/error.h"
#include "base/memory.h"

#define PLAIN_MAX_TABLES     1000000
#define PLAIN_MAX_NAME_BYTES (32 << 20) /* of all tables, roles, extensions, databases together */

enum plain_source {
    NO_DATA,     /* created, and the dump holds no data statement for it: 0 rows */
    FROM_COPY,   /* also for a COPY of 0 rows */
    FROM_INSERT, /* counted from INSERT ... VALUES: no fingerprint; bytes are those between a row's
                    parentheses */
};

struct plain_table {
    const char *database; /* of the last \connect, or "" before any; borrowed from the totals */
    char *schema;         /* as written, or the first of the search_path */
    char *name;
    enum plain_source source;
    bool created;     /* by CREATE TABLE: else it has to be there before */
    bool partitioned; /* rows that are loaded here land in its partitions
                         (--load-via-partition-root): do not count it with ONLY */
    struct row_totals totals;
};

struct plain_extension {
    const char *database; /* as above */
    char *name;
    char *schema; /* NULL when not stated */
};

/* A database that the file connects to or creates, or the one that psql is started in. */
struct plain_database {
    const char *name; /* borrowed from the totals; "" for the latter */
    char *encoding;   /* the first client_encoding that is set in it, or NULL */
    size_t table_count;
    int64_t large_objects;
    int64_t hollow_large_objects; /* of these: created, and not written */
    int64_t line;                 /* of the first \connect to it; 0: none */
};

/* What follows the end of a dump. */
struct plain_appended {
    int64_t statements; /* but for those of other dumps */
    int64_t line;       /* of the first of them */
    char *text;         /* its beginning, without data; NULL: none */
    int64_t dumps;      /* that go into a database that a dump before them filled */
    int64_t dump_line;  /* of the first of them */
    /* Some of that may change rows that were counted, or add some that were not. */
    bool changes_rows;
};

struct plain_totals {
    struct plain_table *tables; /* in the order of the file; no foreign tables, no views */
    size_t table_count;
    struct plain_extension *extensions;
    size_t extension_count;
    struct strings roles; /* owners, grantees and the like that the dump does not create */
    struct strings created_roles;
    struct strings created_schemas;
    struct strings publications; /* that it alters and does not create */
    struct strings tablespaces;  /* likewise: that it uses and does not create */
    struct strings databases;    /* of \connect and CREATE DATABASE, in the order of the file */
    /* "" first, then those of `databases` in the same order */
    struct plain_database *database_parts;
    size_t database_part_count;
    struct plain_appended appended;
    int64_t large_objects;        /* created, in all databases */
    int64_t hollow_large_objects; /* likewise, of which nothing is written */
    int64_t sequences;            /* created, with those of identity columns */
    int64_t sequence_values;      /* set */
    bool cluster;                 /* written by pg_dumpall */
    char *encoding;               /* the first client_encoding, or NULL */
    char *dumped_from;            /* "15.20 (Debian 15.20-0+deb12u1)", or NULL (pg_dumpall -g) */
    char *dumped_by;
    char *started; /* "2019-05-25 19:32:36 +07": only in dumps made with --verbose, or NULL */
    struct plain_lines lines; /* that older versions do not know */
    char *trailer; /* the comment that ended the file; NULL for a fragment, or a part without */
    bool reset;    /* the last statement was RESET ALL */
    struct plain_objects objects;
    struct plain_grants grants;
};
void plain_totals_free(struct plain_totals *totals); /* takes NULL */
void plain_totals_freep(struct plain_totals **totals);

struct plain; /* a running parse */

struct plain *plain_new(bool fingerprint);
/* For a file that is one of several (base/backup_names.h), such as those of `supabase db dump`. Its
 * comments may have been taken away, and with them beginning and trailer: then `trailer` is NULL,
 * and that the file was cut between two statements is not seen. One that has the beginning has to
 * have the trailer. */
struct plain *plain_new_part(bool fingerprint);
/* For SQL that is a part of a dump: an archive made with --inserts holds the data of each table as
 * INSERT statements. Neither beginning nor trailer are expected. What the strings mean is set
 * elsewhere in the archive, so first feed it the SQL of the TOC entries ENCODING and STDSTRINGS; a
 * backslash in '...' is refused as long as standard_conforming_strings is not set. */
struct plain *plain_new_fragment(bool fingerprint);
void plain_free(struct plain *plain); /* takes NULL */
void plain_freep(struct plain **plain);

/* After a failure, only plain_free. Errors name lines (counted from 1), not the file: prefix them.
 */
int plain_feed(struct plain *plain, const void *bytes, size_t length, struct error *error);
int plain_finish(struct plain *plain, struct plain_totals **ret_totals, struct error *error);

/* Whether a file that begins with `head` (some KiB, at least 512 bytes unless it is shorter) is a
 * plain dump of pg_dump or pg_dumpall. Dumps of MySQL and MariaDB, and UTF-16, are not. */
bool plain_looks_like(const char *head, size_t length);

#endif
