/* Sequences that stand behind the rows that they number: the next insert into the restored database
 * would be given a key that a row has. And sequences that are not tied any more to the columns that
 * they number. That is how the source was when it was dumped (a logical replica copies rows and no
 * sequences), so it is no fault of the backup.
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

/* Judges their number by an expectation. */
void sequences_behind(const struct subject *subject, const struct expectation *expectation,
                      struct outcome *outcome);

/* SQL for a sentence, without its stop, about each column that owns a sequence and takes no values
 * from it, or that was serial by the sequence's name and does not own it; for PostgreSQL 10. Of one
 * that the archive ties and that is not tied where it was restored, `every object is there` tells:
 * that is a SEQUENCE OWNED BY. */
extern const char numbering_untied_sql[];

/* Would a sequence in that state give out the key `reached`, or has it passed it? */
bool stands_behind(int64_t last, bool used, int64_t step, int64_t reached);

#endif
