/* The grantors of roles in a plain dump of a whole cluster.
 *
 * Since version 16 pg_dumpall writes `GRANT a TO b WITH ... GRANTED BY c;`, where c is mostly the
 * first superuser of the cluster that was dumped, or somebody who may grant because of him. A
 * server whose first superuser has another name, such as a throwaway one, refuses that. Nothing
 * that is verified depends on who granted. */
#ifndef STAGES_GRANTORS_H
#define STAGES_GRANTORS_H

#include "base/error.h"

/* Blanks every such ` GRANTED BY c` in the file, which must be a copy of our own. Only up to the
 * first \connect, before which pg_dumpall has dealt with the roles. */
int grantors_leave_out(const char *path, struct error *error);

#endif
