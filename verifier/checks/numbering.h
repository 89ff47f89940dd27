/* Sequences that stand behind the rows that they number: the next insert into the restored database
 * would be given a key that a row has. That is how the source was when it was dumped (a logical
 * replica copies rows and no sequences), so it is no fault of the backup.
 *
 * Looked at are integer columns that alone are unique and take their values from a sequence, as
 * their default or as an identity; sequences that begin again at their end are not.
 */
#ifndef CHECKS_NUMBERING_H
#define CHECKS_NUMBERING_H

#include "checks/checks.h"
#include "postgres/connection.h"

/* A detail for each, and in `ret_words` a sentence without its stop, to be freed; NULL: none stands
 * behind. -1: the outcome says why it could not be told. */
int numbering_check(struct connection *connection, struct outcome *outcome, char **ret_words);

/* Would a sequence in that state give out the key `reached`, or has it passed it? */
bool stands_behind(int64_t last, bool used, int64_t step, int64_t reached);

#endif
