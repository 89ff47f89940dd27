/* A stretch of days, as evidence is asked for: a year, a quarter, a month, or from one day to
 * another. */
#ifndef HISTORY_PERIOD_H
#define HISTORY_PERIOD_H

#include <time.h>

#include "base/error.h"

enum { PERIOD_NAME_SIZE = 32, DAY_TEXT_SIZE = 16 };

struct period {
    char name[PERIOD_NAME_SIZE]; /* as written; fit for the name of a file */
    time_t from;                 /* the first second, UTC */
    time_t to;                   /* the first second behind it */
};

/* "2026", "2026-Q3", "2026-07", "2026-07-01..2026-09-30" */
int period_parse(const char *text, struct period *ret_period, struct error *error);

/* "2026-07-01" */
void day_format(time_t time, char text[DAY_TEXT_SIZE]);

#endif
