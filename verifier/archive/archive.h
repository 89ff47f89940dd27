/* What a backup made by pg_dump holds, read natively: no server, no PostgreSQL programs.
 *
 * archive_read() goes once over the bytes of a backup, in any of pg_dump's formats, bare or inside
 * gzip or zstd. What kind of file it is, is told from its content, never from its name. On the way
 * it hashes the file, writes an unpacked copy where asked to, checks every block and stream to its
 * end, and counts and fingerprints the rows of every table.
 *
 * It returns 0 only when every byte was read and all of it holds together. Then "the backup is
 * intact" may be said; that it also restores is for pg_restore to show.
 *
 * Nothing in the file is trusted. Memory stays under 64 MiB whatever the backup's size, but for one
 * case: zstd with a long window (pg_dump --compress=zstd:long, zstd --long) needs that window, up
 * to 128 MiB for each thread, as it does in pg_restore. Of a table of contents 40 MiB are kept,
 * which is more than 100,000 entries; a larger one cannot be verified.
 *
 * Bytes that are only counted cost no space. The copy stops before its file system is full. Both
 * stop where a backup unpacks to more than 32 MiB and 32,768 times its size, denser than rows can
 * be: a decompression bomb.
 *
 * What it cannot see: where pg_dump wrote no checksum (data that is uncompressed, or compressed
 * with lz4 or zstd; the table of contents always) another text may stand in place of the first.
 * Only a checksum around the archive tells: a gzip or zstd container, or the SHA-256 in a manifest.
 *
 * Source of the format: PostgreSQL's src/bin/pg_dump, pg_backup_archiver.c (header and table of
 * contents), pg_backup_custom.c, pg_backup_tar.c, pg_backup_directory.c and compress_*.c.
 */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "archive/rows.h"
#include "base/backup_names.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

/* The newest archive version that is understood; PostgreSQL 17 and 18 write it. */
#define ARCHIVE_NEWEST_MAJOR 1
#define ARCHIVE_NEWEST_MINOR 16

enum archive_container {
    ARCHIVE_BARE,
    ARCHIVE_IN_GZIP,
    ARCHIVE_IN_ZSTD,
};

enum archive_format {
    ARCHIVE_UNKNOWN_FORMAT, /* reading failed before it was known */
    ARCHIVE_CUSTOM,         /* pg_dump -Fc */
    ARCHIVE_TAR,            /* pg_dump -Ft */
    ARCHIVE_DIRECTORY,      /* pg_dump -Fd */
    ARCHIVE_DIRECTORY_TAR,  /* a directory-format dump packed with tar, as Render exports it */
    ARCHIVE_PLAIN,          /* SQL text of pg_dump or pg_dumpall */
};

/* How the data inside the archive is compressed, apart from its container. */
enum archive_compression {
    ARCHIVE_UNCOMPRESSED,
    ARCHIVE_GZIP,
    ARCHIVE_LZ4,
    ARCHIVE_ZSTD,
};

/* The numbers are those of the file. */
enum archive_section {
    ARCHIVE_SECTION_NONE = 1,
    ARCHIVE_SECTION_PRE_DATA,
    ARCHIVE_SECTION_DATA,
    ARCHIVE_SECTION_POST_DATA,
};

/* One entry of the table of contents. Strings are never NULL unless said so. */
struct archive_entry {
    int dump_id;
    uint32_t catalog_oid; /* the catalog that the object is in, such as pg_class; 0: none */
    uint32_t oid;         /* the object in it */
    char *description;    /* "TABLE", "TABLE DATA", "EXTENSION", ... */
    char *tag;            /* the object's name */
    char *schema;         /* "" where the object is in none */
    char *owner;          /* "" where it has none */
    char *definition;     /* SQL; "" where it has none */
    char *copy_statement; /* "COPY s.t (a, b) FROM stdin;\n"; NULL where there is none */
    enum archive_section section;
    int *dependencies; /* dump ids */
    size_t dependency_count;
    bool has_data;
    int64_t data_offset; /* in the unpacked file, from the TOC or met; -1: not known */
    char *file;          /* tar and directory: the member with the data; NULL: none */
};

/* The rows of one table, as they stand in the backup. */
struct archive_table {
    char *database; /* plain SQL of several databases; else NULL, meaning the only one */
    char *schema;   /* "" where a plain backup names none */
    char *name;
    char *columns; /* column list of its COPY: "(id, name)", "" without columns; NULL: not known,
                      as in plain SQL, or its rows are INSERT statements */
    int dump_id;   /* of its TABLE DATA entry; 0 in plain SQL */
    /* The table that its COPY loads: another one only where pg_dump was given
     * --load-via-partition-root. */
    char *target_schema;
    char *target_name;
    bool partitioned; /* its rows land in its partitions, which a plain dump of PostgreSQL tells */
    bool has_data;    /* be it of no rows; false where plain SQL only creates it */
    bool created;     /* plain SQL: it creates the table itself */
    bool by_inserts;  /* plain SQL: its rows are INSERT statements */
    bool has_fingerprint;     /* false for INSERTs, and when none was asked for */
    struct row_totals totals; /* rows, bytes, largest row, fingerprint */
};

/* One of the databases of a plain SQL file. */
struct archive_database {
    const char *name;     /* "" for the one that psql is started in */
    const char *encoding; /* of its names and rows; NULL: not said */
    int64_t line;         /* where the file connects to it; 0: nowhere */
    size_t table_count;
    int64_t large_object_count;
    int64_t hollow_large_objects; /* of these: created, and not written */
};

struct archive_extension {
    char *name;
    char *schema; /* "" where none is named */
};

struct arena;
struct plain_totals;

/* How it is known that a file is there to its end. */
enum archive_end {
    ARCHIVE_END_SURE,    /* an archive, or plain SQL with pg_dump's last line */
    ARCHIVE_END_RESET,   /* the RESET ALL that `supabase db dump` writes when pg_dump has ended well
                          */
    ARCHIVE_END_UNKNOWN, /* plain SQL without both: a cut between two statements is not seen */
};

struct archive {
    bool complete;       /* all was read, and it is intact */
    bool contents_known; /* its table of contents was read: entries, extensions and roles are there
                          */
    enum archive_end end;

    enum archive_container container;
    enum archive_format format;
    int version_major, version_minor, version_revision; /* of the archive header; 0 in plain SQL */
    enum archive_compression compression;
    char *server_version;  /* "15.18 (Debian 15.18-0+deb12u1)"; NULL: not said */
    char *pg_dump_version; /* likewise */
    char *database;        /* NULL: not said */
    char *encoding;        /* "UTF8"; NULL: not said */

    /* As written: the local time of the machine that dumped, whose zone is in no archive. The
     * time_t takes it as if it were UTC, and so is off by up to 14 hours. */
    bool has_creation_time;
    struct tm creation_local;
    time_t creation_time_as_utc;

    int64_t stored_bytes;   /* of the file as it lies there; of all files of a directory */
    int64_t unpacked_bytes; /* without its container */
    /* Of the file as it lies there. Of a directory: what `sha256sum -- * | sha256sum` gives in it
     * with LC_ALL=C. */
    char sha256[SHA256_HEX_SIZE];

    /* Private: what owns the strings of entries and tables. */
    struct arena *arena;
    struct plain_totals *plain;
    const char *view_of; /* of archive_view: the database that it is about; else NULL */

    struct archive_entry *entries; /* in the order of the file; none in plain SQL */
    size_t entry_count;
    struct archive_table *tables; /* in the order of the entries, or of the plain SQL; a table
                                     whose data comes in several pieces of plain SQL is one */
    size_t table_count;
    struct archive_extension *extensions;
    size_t extension_count;
    struct strings roles;           /* that a restore needs: owners, and those that grants,
                                       policies and default privileges name; without PUBLIC */
    struct strings created_roles;   /* plain SQL: those that it creates itself */
    struct strings created_schemas; /* likewise */
    struct strings publications;    /* plain SQL: that it alters and does not create */
    struct strings tablespaces;     /* plain SQL: those that it needs; pg_restore leaves them out */
    struct strings databases;       /* plain SQL: those that it connects to */
    /* Plain SQL: where its tables are, "" first; else none. */
    struct archive_database *database_parts;
    size_t database_part_count;
    int64_t sequence_count;  /* plain SQL: that it creates, with those of identity columns */
    int64_t sequence_values; /* likewise: that it sets */
    int64_t large_object_count;
    int64_t large_object_bytes;
    int64_t hollow_large_objects; /* plain SQL: that it creates and does not write */

    /* What pg_restore (or psql, for ARCHIVE_PLAIN) is to be given: the backup itself when it can
     * read that as it is, else the unpacked copy; NULL when there is no such file. */
    char *restore_path;
    enum archive_format restore_format; /* ARCHIVE_DIRECTORY for an ARCHIVE_DIRECTORY_TAR */

    /* A backup that is a set of files: what each holds, in the order in which they are restored,
     * and which of them the set is known by. All of the above is then what they hold together
     * (set.h). None for one file or directory. */
    enum backup_part part; /* of a file of a set; else PART_WHOLE */
    char *name;            /* likewise; else NULL */
    struct archive *parts;
    size_t part_count;
    size_t main_part;
    int *set_dependencies; /* private: of the entries */
};

#define CONTENTS_PLAIN_MOST (64LL * 1024 * 1024)

struct archive_options {
    /* Where the unpacked copy goes while reading: a path where nothing is yet, in a directory that
     * the caller owns and removes. It becomes a file, or a directory for ARCHIVE_DIRECTORY_TAR. It
     * is written only where pg_restore cannot read the backup as it is. NULL: no copy. */
    const char *copy_path;
    bool always_copy; /* write it for other backups as well (not for directories) */
    bool fingerprint; /* else only count: faster */
    /* End, with -1, as soon as the table of contents is known. Plain SQL has none: it is read
     * whole, unless more than CONTENTS_PLAIN_MOST of it is stored. */
    bool contents_only;
    bool is_part; /* one file of a set: plain SQL may have no beginning and no trailer */
    int threads;  /* that may work at once; 0: one for each processor */
    _Atomic int64_t *progress_bytes; /* bytes of the stored file done so far; may be NULL */
    int64_t progress_before;         /* what that begins with: other files of the backup */
    /* Called by archive_read's own thread when the table of contents is known, so that a server can
     * be chosen while the rows are still being read; not for plain SQL, which has none. May be
     * NULL. */
    void (*contents_known)(void *context);
    void *contents_known_context;
};

/* Reads the backup at `path`, a file or a directory. `archive` must be all zero and needs
 * archive_free() in every case: after a failure it holds what was read up to there (`complete` is
 * false then, and counts must not be used), so that a report can still name the versions.
 *
 * bad_backup: what is wrong, and where (table, offset). cannot_verify: the file cannot be opened or
 * read or changed meanwhile, there is no room for the copy, its version is newer than
 * ARCHIVE_NEWEST. */
int archive_read(struct archive *archive, const char *path, const struct archive_options *options,
                 struct error *error);

/* The same for a backup that lies elsewhere, as `stored_bytes` bytes that `bytes` gives in
 * sequence, once. `name` stands in errors. What pg_restore is to be given is always the copy, so
 * that options->copy_path is needed to restore. `bytes` is borrowed and may be left in the middle.
 */
struct source;
int archive_read_stream(struct archive *archive, const char *name, struct source *bytes,
                        int64_t stored_bytes, const struct archive_options *options,
                        struct error *error);

/* Only the table of contents of a custom archive whose first `length` bytes are there: 1 when it
 * goes on behind these. `archive` must be all zero and needs archive_free() in every case; it is
 * not `complete`. */
int archive_read_contents(struct archive *archive, const void *bytes, size_t length,
                          struct error *error);

void archive_free(struct archive *archive); /* what it holds, not the struct; then all zero */

/* The databases that a plain SQL file is a backup of, in its order, borrowed: all that it connects
 * to or creates, but for template0, template1 and postgres where there is nothing in them. Gives
 * their number; `ret_parts` has a place for each of the archive's parts. */
size_t archive_databases(const struct archive *archive, const struct archive_database **ret_parts);

/* What the archive holds of one of them: `ret_view` has only its tables and large objects, and its
 * name and encoding. It borrows all from the archive but the list of tables: archive_view_free. */
void archive_view(const struct archive *archive, const struct archive_database *database,
                  struct archive *ret_view);
void archive_view_free(struct archive *view); /* takes a zeroed one */

/* What plain SQL holds behind the end of its dump, as a sentence that begins with a small letter,
 * to be freed by the caller; NULL: nothing. */
char *archive_appended(const struct archive *archive);
/* Did that perhaps change rows, so that what is restored cannot be held against the file? */
bool archive_appended_changes_rows(const struct archive *archive);

/* Words: "custom", "tar", "directory", "directory in tar", "plain"; "none", "gzip", "lz4", "zstd"
 */
const char *archive_format_name(enum archive_format format);
const char *archive_compression_name(enum archive_compression compression);
const char *archive_container_name(enum archive_container container); /* "none", "gzip", "zstd" */

/* The tables that hold rows, as a person would name them: "public.users". Caller frees. */
char *archive_table_label(const struct archive_table *table);

#endif
