/* What a run learned on its way: plain data that the stages write and that checks and reports read.
 *
 * It lies in memory that the main process shares with the scenario's worker, so that a report can
 * be written whatever becomes of the worker. Hence fixed sizes and no pointers. Texts are cut to
 * fit.
 */
#ifndef STAGES_FACTS_H
#define STAGES_FACTS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "base/hash.h"
#include "objects/sync.h"
#include "postgres/restore_watch.h"

enum stage {
    STAGE_FIND,     /* the latest backup is looked for */
    STAGE_READ,     /* it is read whole: hashed, unpacked, its rows counted */
    STAGE_START,    /* a database to restore into is made */
    STAGE_RESTORE,  /* the backup is restored into it */
    STAGE_OBJECTS,  /* the bucket and its copy are listed, beside all of the above */
    STAGE_CHECK,    /* the checks run */
    STAGE_REHEARSE, /* the migration runs on a copy */
    STAGE_STOP,     /* the database is taken away */
    STAGE_COUNT,
};

enum stage_state { STAGE_NOT_REACHED, STAGE_RUNNING, STAGE_DONE, STAGE_FAILED };

struct stage_fact {
    enum stage_state state;
    int64_t started_ms; /* of clock_ms() */
    int64_t duration_ms;
    struct error error; /* for STAGE_FAILED */
};

struct backup_fact {
    char path[PATH_MAX];
    bool given;         /* named on the command line, not found */
    char notices[4096]; /* files that look like backups and are none; a line each */
    int64_t size_bytes;
    char sha256[SHA256_HEX_SIZE];
    time_t modified;         /* its file */
    time_t time;             /* when it was made, as well as that can be told */
    char time_from[64];      /* how that is known: "its name", "its archive header" */
    char contradiction[512]; /* name and header tell different times: a sentence, or "" */
    char format[64];         /* "custom in gzip" */
    char archive_version[16];
    char server_version[128];
    char pg_dump_version[128];
    char database[256];
    char encoding[64];
    char needs[4096]; /* of a restore for real (stages/recipe.h), or "" */
    int64_t table_count;
    int64_t row_count;
};

struct server_fact {
    char version[128];
    char where[PATH_MAX];    /* "throwaway server", or host:port */
    char programs[PATH_MAX]; /* where those of the throwaway server are, or "" */
    char origin[1024];       /* how it was made, or "" */
    char database[128];
    char locale_missing[256];  /* what the database had, where "C" had to serve; or "" */
    char restored_as[256];     /* the role, and why it is a superuser if it is one */
    char confined_by[256];     /* the layers that held server and tools: see base/confine.h */
    char not_confined_by[512]; /* those that this machine does not have, each with why; or "" */
    char guest[128];           /* a database that has to be dropped on somebody's server, or "" */
    int needed_major;          /* of PostgreSQL, that the backup asks for, where an older one has to
                                  serve; or 0 */
    char psql[PATH_MAX];       /* the command that opens the restored database */
    pid_t pid;                 /* of the throwaway server; 0: none */
};

struct restore_fact {
    char how[128];      /* "exited with code 1" */
    char errors[32768]; /* one a line, with its class */
    char first_machine[1024];
    char first_backup[1024];
    char first_machine_reason[1024]; /* in a person's words, or "" */
    char first_backup_reason[1024];
    int harmless_count;
    int machine_count;
    int backup_count;
    char time_spent[1024]; /* by what its statements did, or "" (postgres/restore_times.h) */
    bool by_one_job;       /* several could not fill every table, one could */
    char excluded[8192];   /* archive entries left out on request; a line each */
    int excluded_count;
    int statistics_left_out;      /* archive entries with statistics, for servers before 18 */
    bool amcheck_made;            /* the extension, which no backup brought */
    char amcheck_problem[1024];   /* why it could not be, where the scenario asks for it; or "" */
    char exclude_unmatched[4096]; /* names under restore.exclude that no entry has; a line each */
};

enum manifest_state { MANIFEST_NONE, MANIFEST_READ, MANIFEST_UNREADABLE };

enum { DATABASES_MOST = 500, DATABASE_NAME_SIZE = 256 };

/* The databases of a backup that holds several. */
struct databases_fact {
    char others[4096]; /* restored as well, and not looked at: "crm and blog", or "" */
    bool unnamed;      /* the scenario names one, and the backup does not say which one it is of */
    /* Those that are verified one by one, as `databases: all` asks; 0: there is one to verify. */
    _Atomic size_t count;
    char names[DATABASES_MOST][DATABASE_NAME_SIZE];
};

/* What the dump step left beside the backup. */
struct manifest_fact {
    enum manifest_state state;
    struct error error; /* for MANIFEST_UNREADABLE */
};

/* What stood in the way to the last backup that verified. */
struct previous_fact {
    bool failed;        /* the backups could not be listed */
    struct error error; /* then */
    char problem[1024]; /* with them, or with the newest whose record could not be used; or "" */
};

/* The record that verify leaves beside the backup. */
struct record_fact {
    char path[PATH_MAX]; /* where it was written, or "" */
    char problem[1024];  /* why it could not be written or removed, or "" */
};

/* What a chore does (dump, sync): for who looks on. */
enum chore_step {
    CHORE_NONE,
    CHORE_CONNECT,
    CHORE_COUNT_ROWS,
    CHORE_DUMP,
    CHORE_SYNC,
};

struct chore_fact {
    _Atomic enum chore_step step;
    _Atomic int64_t began_ms;      /* of clock_ms() */
    _Atomic int64_t archive_bytes; /* of CHORE_DUMP */
    struct sync_progress sync;     /* of CHORE_SYNC */
};

struct facts {
    time_t began;
    int64_t began_ms;
    char shard[16]; /* "3/8", of the run's scenarios; "" for none */
    char split[17]; /* a digest of all shards of them */
    struct stage_fact stages[STAGE_COUNT];
    struct backup_fact backup;
    struct databases_fact databases;
    struct server_fact server;
    struct restore_fact restore;
    struct manifest_fact manifest;
    struct previous_fact previous;
    struct record_fact record;
    _Atomic int64_t read_bytes;    /* progress of STAGE_READ */
    struct restore_seen restoring; /* progress of STAGE_RESTORE into a throwaway server */
    struct chore_fact chore;
};

void chore_begin(struct facts *facts, enum chore_step step);

/* "find", "read", "start", "restore", "objects", "check", "rehearse", "stop" */
const char *stage_name(enum stage stage);

void stage_begin(struct facts *facts, enum stage stage);
/* `error` is copied when `outcome` is -1. Gives `outcome` back. */
int stage_end(struct facts *facts, enum stage stage, int outcome, const struct error *error);
/* A stage that has ended turns out to have failed. */
void stage_fail(struct facts *facts, enum stage stage, const struct error *error);

#endif
