/* Local time as people write it, turned into a moment. */
#ifndef SHELF_LOCAL_TIME_H
#define SHELF_LOCAL_TIME_H

#include <stdbool.h>
#include <time.h>

/* The moment of a local date and time (TZ; tm_isdst is ignored). An hour that comes twice is the
 * earlier one; one that summer time skips is taken as if it had not been skipped. */
time_t local_time(const struct tm *written);
bool local_time_comes_twice(const struct tm *written);

#endif
