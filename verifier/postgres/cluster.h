/* The throwaway server: a private cluster that lives in a work directory and dies with its owner.
 *
 * It listens on a unix socket only, in a directory that nobody else may enter, may touch nothing
 * but its own directories (postgres/confinement.h), and is tuned for being thrown away. The
 * postmaster is our direct child and gets SIGQUIT when we die, however we die.
 */
#ifndef POSTGRES_CLUSTER_H
#define POSTGRES_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/process.h"
#include "base/workdir.h"
#include "postgres/address.h"
#include "postgres/connection.h"
#include "postgres/tools.h"

struct cluster;

extern const char cluster_superuser[]; /* the role's name */

/* Where the name of the work directory does not do for a socket in it, makes another one for that;
 * else gives NULL. */
int socket_work_create(const char *work, struct workdir **ret_socket_work, struct error *error);

struct cluster_options {
    const struct tools *tools;
    const char *directory;     /* work directory; the cluster makes what it needs in it */
    const char *socket_parent; /* the same, or that of socket_work_create */
    struct account account;
    int side_by_side;     /* servers that share the machine, this one included */
    int jobs;             /* connections that restore at the same time */
    int64_t backup_bytes; /* of what is to be restored; 0: not known */
    bool outlives_us;     /* the server goes on when we end, for `--keep` */
    bool no_cache;        /* neither use nor keep a ready cluster (postgres/ready_cluster.h) */
    int64_t deadline_ms;
};

/* Makes the cluster and starts the server; returns when it accepts connections, with the first one:
 * to its database `postgres`, as its superuser. */
int cluster_start(const struct cluster_options *options, struct cluster **ret_cluster,
                  struct connection **ret_connection, struct error *error);

/* The address of its database `postgres`, as its superuser. Borrowed. */
const struct address *cluster_address(const struct cluster *cluster);

pid_t cluster_pid(const struct cluster *cluster);

/* How its data directory was made: a clause. Borrowed. */
const char *cluster_origin(const struct cluster *cluster);

/* Which layers hold the server (postgres/confinement.h). Borrowed. */
const struct confined *cluster_confined(const struct cluster *cluster);

/* Stops the server at once (nothing in it is worth a checkpoint) and frees the struct. The files
 * stay for the work directory's removal. Takes NULL. */
void cluster_stop(struct cluster *cluster);
void cluster_stopp(struct cluster **cluster);

/* Frees the struct and lets the server run. */
void cluster_abandon(struct cluster *cluster);

/* The server's log file. Borrowed. */
const char *cluster_log(const struct cluster *cluster);

/* The end of the server's log: what it said before it died. Freed by the caller. */
char *cluster_log_tail(const struct cluster *cluster);

#endif
