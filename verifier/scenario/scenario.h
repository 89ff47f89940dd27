/* A scenario file as validated plain data: what is expected of the backups of one database.
 *
 * The file is YAML 1.1 as libyaml reads it; verifier/man/reference.md documents every key. ${NAME}
 * and
 * ${NAME:-default} are replaced inside values after parsing. A scenario that loads is complete:
 * every default is filled in and every value has been checked, so nothing above this layer
 * validates again.
 */
#ifndef SCENARIO_SCENARIO_H
#define SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/backup_names.h"
#include "base/host_kind.h"
#include "base/memory.h"
#include "base/migration_tool.h"
#include "base/restore_target.h"
#include "scenario/expectation.h"

enum version_wanted {
    VERSION_LISTED, /* revisions by name; of Alembic only */
    VERSION_HEAD,   /* every migration is applied */
    VERSION_KNOWN,  /* the revision is one of the project's */
    VERSION_SAME_AS_DUMP,
    VERSION_SAME_AS_LAST_VERIFIED,
    VERSION_ANY, /* only that none failed */
};

/* What one history of Alembic's migrations must have come to. */
struct alembic_expectation {
    enum version_wanted version;
    bool warn;                 /* another version is a warning */
    struct strings revisions;  /* for VERSION_LISTED */
    struct strings migrations; /* directories, for VERSION_HEAD and VERSION_KNOWN; or ... */
    char *config;              /* ... alembic.ini or pyproject.toml */
    char *table;               /* "alembic_version", as written */
    struct mark mark;          /* of `version` */
    struct mark files_mark;    /* of `migrations` or `config` */
};

/* What another tool's migrations must have come to; that none has failed is always expected. */
struct migrations_expectation {
    enum migration_tool tool;
    enum version_wanted version;
    bool warn;                  /* another version is a warning; that one failed is not */
    struct strings directories; /* for VERSION_HEAD and VERSION_KNOWN */
    char *table;                /* as written, or the tool's own */
    struct mark mark;
    struct mark version_mark;
};

/* What the definitions of the database are held against, or a number of them. */
struct schema_expectation {
    enum schema_reference {
        SCHEMA_AS_DUMP,          /* the manifest */
        SCHEMA_AS_LAST_VERIFIED, /* the record of the last backup that verified */
        SCHEMA_AS_MIGRATIONS,    /* what `migration` makes of an empty database */
        SCHEMA_AS_FILE,          /* what pg_dump --schema-only wrote */
        SCHEMA_GRANTS_AS_FILE,   /* likewise: who may do what */
        SCHEMA_MEASURED,         /* nothing: `number` says what is expected */
    } reference;
    char *file;                /* for SCHEMA_AS_FILE and SCHEMA_GRANTS_AS_FILE */
    struct expectation number; /* for SCHEMA_MEASURED */
    char *text;                /* as written, without `warn:` */
    bool warn;
    struct mark mark;
};

struct schema_expectations {
    struct schema_expectation *items;
    size_t count;
    struct strings ignored; /* "TABLE audit.*": kind and pattern */
};

struct table_expectations {
    char *table; /* "users" or "public.reports", as written */
    struct expectation *expectations;
    size_t count;
    struct mark mark;
};

struct query {
    char *name;
    char *sql;
    struct expectation expect;
    struct mark mark;
};

/* Where a bucket's store is and as whom it is asked. What is NULL is looked for in the environment.
 */
struct store_access {
    char *endpoint;
    char *region;
    char *access_key;
    char *secret_key;
};

struct objects {
    bool present; /* the scenario has an `objects` section */
    char *bucket; /* s3://... or a directory */
    struct store_access access;
    char *copy;
    struct expectation *checks;
    size_t check_count;
    struct mark mark;
};

/* The project's own command that migrates a database: it is rehearsed on a copy of what was
 * restored. Texts may have places of scenario/placeholders.h. */
struct migration_wanted {
    bool present;           /* the scenario has a `migration` section */
    struct strings command; /* none: Alembic's upgrade */
    char *directory; /* to run it in; NULL: with `command` ours, without that of alembic.ini */
    struct strings environment; /* "NAME=value" */
    struct strings back;        /* the way back; none: it is not rehearsed */
    int64_t timeout_ms;         /* of each of the two */
    struct expectation *checks;
    size_t check_count;
    bool tcp;       /* they reach the copy through a port of the loopback device */
    bool superuser; /* they run as one */
    bool network;   /* they have the machine's network */
    struct mark mark;
};

/* A command of the user's own that looks at what was restored, on a copy. Texts may have places. */
struct own_command {
    char *name;
    struct strings run;
    char *directory; /* NULL: ours */
    struct strings environment;
    int64_t timeout_ms;
    struct mark mark;
};

/* Who is told what a run came to. */
struct notify_wanted {
    bool present;  /* the scenario has a `notify` section */
    char *success; /* URLs, which may hold secrets; NULL: not told */
    char *failure;
    enum notify_format {
        NOTIFY_PING,  /* GET, or POST with what was the matter: healthchecks.io and its like */
        NOTIFY_SLACK, /* {"text": ...} */
        NOTIFY_JSON,  /* see notify/notify.h */
    } format;
    bool format_given;
    struct strings command;     /* of the user's own; none: no command */
    struct strings environment; /* of that: "NAME=value" */
    int64_t timeout_ms;         /* of each attempt */
    struct mark mark;
};

/* How long backups are kept: all that are younger than a time, or one for each of the last days,
 * weeks, months and years that have one. */
enum keep_period { KEEP_DAILY, KEEP_WEEKLY, KEEP_MONTHLY, KEEP_YEARLY, KEEP_PERIOD_COUNT };
struct keep {
    int64_t young_s; /* with periods, what the finest of them spans; 0: no `keep` was given */
    bool by_periods;
    int periods[KEEP_PERIOD_COUNT]; /* how many of each */
};

enum backup_dating {
    DATED_BY_NAME,     /* together with the archive's header: see shelf/age.h */
    DATED_BY_HEADER,   /* the archive's own; of several the latest is the one modified last */
    DATED_BY_MODIFIED, /* when the file was modified */
};

/* All strings are owned by the scenario; NULL where the file says nothing and there is no default.
 */
struct scenario {
    char *path;
    char *name;
    struct mark mark;        /* of the name */
    struct strings included; /* the paths of the files that its keys were taken from too */
    struct {
        enum host_kind host;
        char *database; /* libpq URL, key=value string, or SQLAlchemy URL; may hold a password */
        char *root_certificate; /* a file: TLS is verified with it */
        bool no_counts;         /* `counts: none`: a dump does not count the rows of its tables */
        int64_t timeout_ms;     /* of a dump */
    } source;
    struct {
        char *location; /* a directory, or s3://bucket/prefix */
        struct store_access access;
        struct backup_names names; /* of their files */
        struct mark name_mark;
        enum backup_dating time; /* what tells how old a backup is, and which is the latest */
        char *time_zone;    /* of the names, and of the archives' headers; NULL: the local one */
        char *database;     /* the one to verify, of those in the backup; NULL: the only one */
        bool all_databases; /* or each of them */
        int64_t max_age_s;  /* 0: no limit given */
        struct keep keep;
        bool may_be_empty; /* no tables, or none with a row, is no reason to fail */
        struct mark mark;
    } backups;
    struct {
        char *server; /* NULL: a throwaway server */
        int version;  /* PostgreSQL's major version of a throwaway server; 0: that of the backup */
        int jobs;     /* 0: the number of processors */
        int64_t timeout_ms;
        struct strings exclude;
        bool contents;                       /* compare the contents of every table */
        bool amcheck;                        /* look at every index and every table's pages */
        const struct restore_target *target; /* where one would restore for real; or NULL */
        bool trust; /* the backup's SQL may run on `server` as a superuser */
        struct mark version_mark;
    } restore;
    struct alembic_expectation *alembic;
    size_t alembic_count;
    struct migrations_expectation *migrations;
    size_t migrations_count;
    struct schema_expectations schema;
    struct table_expectations *tables;
    size_t table_count;
    struct query *queries;
    size_t query_count;
    struct objects objects;
    struct expectation *checks; /* of the run itself */
    size_t check_count;
    struct {
        char *location; /* a directory, or s3://bucket/prefix; NULL: where the backups lie */
        bool none;      /* nothing is remembered */
        int64_t keep_s;
    } history;
    struct notify_wanted notify;
    struct migration_wanted migration;
    struct own_command *commands;
    size_t command_count;
};

/* Loads and validates a file. On -1 every problem of the file has been added to `problems`, one
 * line each: "FILE:LINE:COLUMN: what is wrong" (a file that cannot be read: "FILE: why"). Relative
 * paths in the file are taken from the current directory, as a shell would, and made absolute. */
int scenario_load(const char *path, struct scenario **ret_scenario, struct strings *problems);
/* The same for whoever only looks at the backups and their history: variables that are not set do
 * no harm in sections that only a run needs, and leave those out. */
int scenario_load_to_look(const char *path, struct scenario **ret_scenario,
                          struct strings *problems);
/* The files that a file includes, as far as it and they can be read, though they may be wrong. */
void scenario_included(const char *path, struct strings *ret_paths);
/* The tables in which migration tools keep what they have applied. Freed by the caller; the names
 * are borrowed. */
struct version_table *scenario_version_tables(const struct scenario *scenario, size_t *ret_count);
void scenario_free(struct scenario *scenario); /* takes NULL */

/* The name that a file gives its scenario, though the rest of it may be wrong; NULL when it cannot
 * be read, or is no name. To be freed by the caller. */
char *scenario_name_read(const char *path);
void scenario_freep(struct scenario **scenario);

#endif
