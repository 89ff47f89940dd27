/* Whether there is room for one more backup: as much as the last one took. */
#ifndef DUMP_SPACE_H
#define DUMP_SPACE_H

#include "base/error.h"
#include "shelf/shelf.h"

/* FAULT_MACHINE, with what is needed and what is there. 0 as well when there is no earlier backup,
 * or nobody can tell, as of a bucket. */
int space_check(struct shelf *shelf, const char *pattern, struct error *error);

#endif
