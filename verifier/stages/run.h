/* A run's live resources: what the files of this folder share. Others use stages.h. */
#ifndef STAGES_RUN_H
#define STAGES_RUN_H

#include <pthread.h>

#include "postgres/cluster.h"
#include "postgres/connection.h"
#include "postgres/restore.h"
#include "shelf/find.h"
#include "shelf/manifest.h"
#include "shelf/record.h"
#include "stages/objects.h"
#include "stages/requirements.h"
#include "stages/stages.h"

/* What is given to pg_restore or psql: the backup, or one file of a set. */
struct restore_source {
    enum backup_part part;         /* PART_WHOLE: no set */
    const struct archive *archive; /* borrowed */
    char *copy_path;               /* where it is unpacked to, in the work directory */
    bool always_copy;              /* the account that restores cannot read it where it lies */
    char *path;                    /* NULL: it cannot be restored */
    enum archive_format format;
    char *list_path; /* the entries to restore; NULL: all */
};

/* The reading of the backup, in a thread of its own. */
struct backup_reading {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool contents_known; /* the archive's table of contents has been read, or never will be */
    struct required_versions required; /* all 0 when the archive does not say */
    int outcome;
    struct error error;
    struct archive_options options;
};

struct stages {
    const struct scenario *scenario;
    const struct stages_options *options;
    struct facts *facts;
    struct account account; /* who servers and tools run as */
    char *barrier; /* a directory above their work directories that it cannot pass; or NULL */
    int jobs;
    struct shelf *shelf; /* where the backup lies */
    struct backup_file backup;
    struct backup_reading reading;
    struct archive archive;
    struct archive view; /* of it, the database that is verified; `has_view`: it holds others too */
    bool has_view;
    struct manifest manifest;       /* where the facts say that it was read */
    struct strings source_settings; /* that sessions of its database have, as the manifest tells */
    bool has_previous;
    struct record previous;         /* of the last backup before this one that verified */
    struct restore_source *sources; /* in the order in which they are restored */
    size_t source_count;
    bool is_restorable;                 /* all of them have a path */
    enum archive_format restore_format; /* plain when a part with a database in it is */
    struct restore_result of_server;    /* of the parts that are about roles */
    struct tools *tools;                /* of the server that we start; NULL on somebody's */
    struct tools *client;               /* pg_restore and psql that are not beside it; or NULL */
    struct cluster *cluster;            /* NULL on somebody's server */
    struct address server;              /* where `maintenance` is connected */
    struct restore_watch *watch;    /* while it is being restored into a throwaway one; or NULL */
    struct connection *maintenance; /* to a database of the server that is not the restored one */
    char *database_name;
    bool drop_public;        /* the archive brings its own schema public */
    bool drop_plpgsql;       /* likewise */
    bool by_superuser;       /* on a throwaway server: the restoring role is one */
    struct address database; /* the restored one, as the user that checks it */
    bool has_database;       /* restored, ready to be checked */
    pthread_t listing;
    struct listed_objects objects; /* written by that thread until listing_finish */
};

/* The pg_restore and psql that restore. Borrowed. */
static inline const struct tools *stages_client(const struct stages *stages)
{
    return stages->client ? stages->client : stages->tools;
}

/* Each runs one stage and records it in the facts. */

/* Starts reading; reading_finish waits for its end and must be called once after it. */
void reading_start(struct stages *stages);
/* Waits until it is known which PostgreSQL the archive requires. */
struct required_versions reading_required_versions(struct stages *stages);
int reading_finish(struct stages *stages);

/* Lists the objects that the checks ask for, if any do. It starts after the reading has, which for
 * a moment makes the whole process somebody else. */
void listing_start(struct stages *stages);
void listing_finish(struct stages *stages);

/* After reading: the manifest of the backup, and the record of the one before it, if there is need
 * of it. What fails is told by the checks that ask for them. */
void manifest_stage(struct stages *stages);
void previous_stage(struct stages *stages);

/* Starts the throwaway server or connects to the given one. */
int server_start(struct stages *stages, struct error *error);

/* Finds out which of the backup's databases are to be verified, before it is restored: the facts
 * name them, or what they are looked at through is `view`. Cannot verify: the scenario does not say
 * which one, or it names another. */
int databases_choose(struct stages *stages, struct error *error);

/* Makes the database and restores the archive into it. */
int restore_stage(struct stages *stages, struct error *error);

struct exclusion;
/* Leaves out: by a list for pg_restore for each source, or by changing copies of plain SQL. */
int sources_exclude(struct stages *stages, const struct exclusion *exclusion, struct error *error);
/* Restores what belongs into a database, one file after the other, as the user of the address.
 * After an error psql has stopped, and nothing behind it fits any more; pg_restore has gone on, and
 * so do the files behind it. */
int sources_restore(const struct stages *stages, const struct address *database, int jobs,
                    int64_t deadline_ms, struct restore_result *ret_result, struct error *error);
/* Restores what is about roles, once for the server, whatever becomes of the database. On
 * somebody's server it would stay, and is not to be restored. */
int sources_restore_server(struct stages *stages, int64_t deadline_ms, struct error *error);
/* Is one of them restored from where it lies, where it may be replaced meanwhile? */
bool sources_are_in_place(const struct stages *stages);
/* Is it a dump of a whole cluster, which is restored into a throwaway server? */
bool sources_are_of_cluster(const struct stages *stages);

#endif
