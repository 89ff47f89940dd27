/* The stages of a run: find the backup, read it, start a server, restore, and take all away again.
 *
 * They run in the scenario's worker and leave what they learned in the shared facts. A stage that
 * fails ends the way there; the checks say what that means. Reading the backup and starting the
 * server overlap: the reading goes on in a thread, the server's processes are started by the
 * worker's main thread, whose death they follow. The bucket is listed in a thread of its own, and
 * needs no backup.
 */
#ifndef STAGES_STAGES_H
#define STAGES_STAGES_H

#include "archive/archive.h"
#include "postgres/connection.h"
#include "scenario/scenario.h"
#include "shelf/manifest.h"
#include "shelf/record.h"
#include "stages/facts.h"
#include "stages/objects.h"

struct stages_options {
    const char *backup;  /* --backup: this file instead of the latest; or NULL */
    const char *instead; /* a directory that the latest backup is looked for in, instead of where
                            the scenario's lie, where the earlier ones still are; or NULL */
    const char *server;  /* --server, which beats the scenario; or NULL */
    const char *work;    /* work directory, owned by the main process */
    const char *socket_work; /* the same, with a name short enough for a socket */
    const char *reports;     /* directory of reports, where records may lie; or NULL */
    int postgresql;          /* --postgresql, which beats the scenario's version; or 0 */
    int side_by_side;        /* runs that go on at the same time, this one included */
    bool no_cache;           /* run initdb, whatever is kept for its sake */
    bool keep;               /* leave the restored database running */
    bool always_restore;     /* also when the backup was found to be bad */
    bool no_record;          /* nothing is left beside the backup */
    bool no_restore;         /* nobody looks into the restored database */
    /* The expectations under `objects` that are to be checked; borrowed. */
    const struct expectation *const *object_checks;
    size_t object_check_count;
};

struct stages; /* a run's live resources */

/* Finds, reads, starts, restores, as far as that goes, and lists the objects. */
struct stages *stages_run(const struct scenario *scenario, const struct stages_options *options,
                          struct facts *facts);

/* Borrowed. The archive may be incomplete; the database is NULL when none was restored. */
const struct archive *stages_archive(const struct stages *stages);
const struct address *stages_database(const struct stages *stages);

/* Borrowed; NULL when there is none: the backup's manifest, and the record of the last backup
 * before this one that verified (only when the scenario asks for a change). */
const struct manifest *stages_manifest(const struct stages *stages);
const struct record *stages_previous(const struct stages *stages);

/* The bucket and its copy as they were listed; NULL when no check asks for them. Borrowed. */
const struct listed_objects *stages_objects(const struct stages *stages);

/* What a rehearsal needs of a run that restored into a throwaway server. All borrowed. */
struct lent_server {
    struct connection
        *maintenance;             /* as its superuser, to a database that is not the restored one */
    const struct address *server; /* where that is connected */
    const struct address *database; /* the restored one, as the role that only reads */
    const char *log;                /* the server's log file */
    const char *encoding;           /* of the archive; NULL: not said */
    const struct strings *settings; /* of the sessions at the source, as far as they are known */
};
/* -1: there is none, or it is somebody's own. */
int stages_lend(const struct stages *stages, struct lent_server *ret_server, struct error *error);

/* What the checks amount to for the record beside the backup. */
enum proof {
    PROOF_NONE,     /* neither: something was left out or could not be looked at */
    PROOF_VERIFIED, /* every check passed, but for some of objects: the record is written */
    PROOF_BAD,      /* the backup is bad: a record that says otherwise is removed */
};

/* How many checks said what. */
struct checks_told {
    int64_t passed;
    int64_t warnings;        /* of those that passed */
    int64_t object_failures; /* checks of objects that did not */
};

/* Writes or removes the record; the facts tell where, or why not. Where checks of objects did not
 * pass, a record that is there stays as it is. Before stages_stop. */
void stages_record(struct stages *stages, enum proof proof, const struct checks_told *told);

/* Takes the database and the server away, unless they are to be kept, and frees everything. */
void stages_stop(struct stages *stages);

/* For the main process, when a worker died before it could: drops the guest database that the facts
 * tell of. -1 when it stays behind; the error says where. */
int stages_clean_up(const struct scenario *scenario, const struct stages_options *options,
                    const struct facts *facts, struct error *error);

#endif
