/* Fitting plain SQL to a psql and a server that are older than the pg_dump that wrote it.
 *
 * Without ON_ERROR_STOP psql would pass over what they do not know, and over everything else. So
 * those lines are blanked that change nothing of what is restored: archive/plain/lines.h.
 */
#ifndef STAGES_FITTING_H
#define STAGES_FITTING_H

#include "stages/run.h"

/* Blanks them in the copy of each file of the backup, which is made where there is none. Before the
 * restore. */
int fit_plain(struct stages *stages, struct error *error);

#endif
