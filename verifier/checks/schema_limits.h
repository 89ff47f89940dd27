/* What a comparison of two schemas looked at less closely than it sounds. */
#ifndef CHECKS_SCHEMA_LIMITS_H
#define CHECKS_SCHEMA_LIMITS_H

#include "checks/checks.h"
#include "schema/schema.h"

/* As details of the outcome. `schema` is what the backup defines. */
void schema_tell_limits(const struct schema *schema, const struct schema_difference *difference,
                        struct outcome *outcome);

#endif
