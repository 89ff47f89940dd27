/* What a rehearsed migration is held against: that it succeeds, what the scenario expects of it,
 * and that the way back is one. These are not run in processes of their own: they judge plain data.
 */
#ifndef CHECKS_REHEARSED_H
#define CHECKS_REHEARSED_H

#include "checks/checks.h"
#include "rehearsal/rehearsal.h"

void rehearsed_plan(const struct scenario *scenario, struct plan *ret_plan);

/* Judges what was learned; `plan` is that of the scenario. */
void rehearsed_judge(const struct scenario *scenario, const struct rehearsal *rehearsal,
                     const struct facts *facts, const struct plan *plan, struct outcome *outcomes);

/* "340 ms", "11.9 s", "0 ms": for people. */
#define SPAN_TEXT_SIZE 48
void span_format(int64_t duration_us, char text[SPAN_TEXT_SIZE]);

#endif
