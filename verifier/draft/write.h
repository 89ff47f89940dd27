/* Writes a scenario file from a draft: commented, and such that it verifies as it is. */
#ifndef DRAFT_WRITE_H
#define DRAFT_WRITE_H

#include "draft/draft.h"

/* The whole file; to be freed by the caller. `schema` is where the JSON Schema of scenarios lies.
 */
char *draft_write(const struct draft *draft, const char *scenario, const char *schema);

/* A name of a scenario that is like `text`: to be freed by the caller. */
char *draft_scenario_name(const char *text);

/* `text` as a value or key of YAML that is read as the same text: bare where no reader takes that
 * for something else, or in double quotes. To be freed by the caller. */
char *yaml_scalar(const char *text);

#endif
