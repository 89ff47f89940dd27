/* What the stages of a scenario's run usually take, by its history: for the time left. */
#ifndef COMMANDS_USUAL_H
#define COMMANDS_USUAL_H

#include "report/report.h"
#include "scenario/scenario.h"

/* The medians of the last verifications. False: there are none, or the history lies in a bucket,
 * for which no run waits. */
bool usual_times_read(const struct scenario *scenario, const char *reports,
                      struct usual_times *ret_usual);

#endif
