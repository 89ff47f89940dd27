#include "checks/schema_limits.h"

#include <inttypes.h>

void schema_tell_limits(const struct schema *schema, const struct schema_difference *difference,
                        struct outcome *outcome)
{
    if (difference->rewritten > 0)
        outcome_detail(outcome,
                       "%zu definition%s the same in another text: with other casts and "
                       "parentheses, quotes or time zones",
                       difference->rewritten, difference->rewritten == 1 ? " says" : "s say");
    if (difference->only_named > 0)
        outcome_detail(outcome, "of %zu object%s only the name was compared",
                       difference->only_named, difference->only_named == 1 ? "" : "s");
    if (schema->hollow > 0)
        outcome_detail(outcome,
                       "%" PRId64 " object%s named in the backup and defined nowhere in it: a tool "
                       "made comments of %s",
                       schema->hollow, schema->hollow == 1 ? " is" : "s are",
                       schema->hollow == 1 ? "its statement" : "their statements");
    if (schema->unnamed > 0)
        outcome_detail(outcome,
                       "%" PRId64 " statement%s not compared: nothing tells which object %s",
                       schema->unnamed, schema->unnamed == 1 ? " was" : "s were",
                       schema->unnamed == 1 ? "it is of" : "they are of");
}
