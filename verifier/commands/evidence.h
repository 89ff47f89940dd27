/* What `report` does with evidence (report/evidence.h): writes it, signs it, checks it. Both print
 * and give an exit code. */
#ifndef COMMANDS_EVIDENCE_H
#define COMMANDS_EVIDENCE_H

#include <jansson.h>

#include "commands/pages.h"

/* `period` as period_parse has it; `key` is a file, or NULL: not signed. `written` gets what was
 * written. 2 as well when the history of a scenario could not be read. */
int evidence_write_command(const struct common_options *common, const struct sources *sources,
                           const char *period, const char *key, json_t *written);

/* 0: what could be held against something holds, and that was something. 1: it was changed, or the
 * history was. 2: it could not be checked. Without `key` a signed document is not checked whole. */
int evidence_check_command(const struct common_options *common, const struct sources *sources,
                           const char *path, const char *key);

#endif
