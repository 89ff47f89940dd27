/* Which object a statement defines, read from the statement itself. */
#ifndef ARCHIVE_PLAIN_NAMING_H
#define ARCHIVE_PLAIN_NAMING_H

#include "archive/plain/objects.h"

/* Fills kind, schema and name, to be freed, as pg_dump would have named the object; of a function
 * only what stands before its arguments: "touch(". False: it is none of the statements that are
 * known, or is a part of the definition of another object. */
bool statement_names(const char *statement, struct plain_object *object);

#endif
