/* Throwaway servers begin as copies of a cluster that initdb made once, which takes a second less
 * than to run it again.
 *
 * A cluster that no server was ever started on is kept as one file, DIRECTORY/NAME, in a directory
 * of the user's:
 *
 *     a line of HEADER_BYTES: what it is, the XXH3 of its key and content, the content's length
 *     the data directory, as tar writes it
 *
 * NAME has the server's version and a digest of the key: of everything that the outcome of initdb
 * depends on. The file is written under another name and renamed, so that nobody meets half of one;
 * each run that finds none makes its own, and waits for nobody. It is used only if it is a regular
 * file of ours that only we can write, younger than READY_CLUSTER_DAYS, with the content that its
 * header tells. Otherwise initdb runs, and a new one takes its place. Nothing here can make a run
 * fail.
 *
 * The directory is $CACHE_DIRECTORY (which systemd makes), $XDG_CACHE_HOME/restore-verifier or
 * ~/.cache/restore-verifier.
 */
#ifndef POSTGRES_READY_CLUSTER_H
#define POSTGRES_READY_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/process.h"
#include "postgres/tools.h"

enum { READY_CLUSTER_DAYS = 7 };

/* Borrowed, all of it. */
struct ready_cluster {
    const struct tools *tools;
    const char *const *initdb;     /* its arguments; ends with NULL */
    const char *data;              /* the data directory of this run */
    const struct account *account; /* whose that is */
    int64_t deadline_ms;
};

/* Fills the empty data directory from the kept cluster. -1 when there is none that can be used, and
 * the error says why; the data directory may hold a part of it then. */
int ready_cluster_copy(const struct ready_cluster *cluster, struct error *error);

/* Keeps the data directory, which no server was started on, for later runs. */
int ready_cluster_keep(const struct ready_cluster *cluster, struct error *error);

/* The directory, whether it is there or not; to be freed by the caller. NULL: nowhere, with the
 * error. */
char *ready_cluster_directory(struct error *error);

/* Removes what is kept, and the directory if it is empty then. Gives the number of clusters. */
int ready_cluster_forget(size_t *ret_count, struct error *error);

#endif
