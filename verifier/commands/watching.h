/* Shows where a chore stands while it is done: as verify does, a live line on a terminal, and
 * elsewhere a plain one now and then.
 *
 * It is drawn by a thread of its own, since a chore is done by the main one, which starts processes
 * and waits for them. Whoever prints something else ends it first.
 */
#ifndef COMMANDS_WATCHING_H
#define COMMANDS_WATCHING_H

#include "commands/options.h"
#include "report/report.h"

struct watching;

/* The facts, borrowed, tell where it stands (chore_begin). NULL with --quiet. */
struct watching *watching_start(const struct common_options *common, const char *scenario,
                                const struct facts *facts, enum report_kind kind);
/* Takes the live line away. Takes NULL. */
void watching_end(struct watching *watching);

#endif
