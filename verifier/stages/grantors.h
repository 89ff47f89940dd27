/* What a plain dump of a whole cluster, or of its roles, says that fits no other server.
 *
 * Since version 16 pg_dumpall writes `GRANT a TO b WITH ... GRANTED BY c;`, where c is mostly the
 * first superuser of the cluster that was dumped, or somebody who may grant because of him. A
 * server whose first superuser has another name, such as a throwaway one, refuses that. Nothing
 * that is verified depends on who granted. */
#ifndef STAGES_GRANTORS_H
#define STAGES_GRANTORS_H

#include "base/error.h"

/* Lets the tablespaces that the file creates, which must be a copy of our own, lie in the server's
 * own directory: their places are on the server that was dumped. The restoring session needs
 * allow_in_place_tablespaces. */
int tablespaces_bring_here(const char *path, struct error *error);

/* Blanks every such ` GRANTED BY c` in the file, which must be a copy of our own. Only up to the
 * first \connect, before which pg_dumpall has dealt with the roles. */
int grantors_leave_out(const char *path, struct error *error);

#endif
