/* The migrations that are to come, by the files of the project, before anything runs. */
#ifndef REHEARSAL_PENDING_H
#define REHEARSAL_PENDING_H

#include "rehearsal/rehearsal.h"

/* `applied` is what the tool has written down. What cannot be read is told in the rehearsal as
 * such: the command will say more. */
void pending_find(const struct scenario *scenario, const struct strings *applied,
                  struct rehearsal *rehearsal);

/* How many are to come; -1: not known, or of several histories, of which the command may mean one.
 */
int64_t pending_count(const struct scenario *scenario, const struct strings *applied);

/* Gives the steps the titles of their migrations. */
void pending_name_steps(struct rehearsal *rehearsal);

#endif
