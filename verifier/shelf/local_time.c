#include "shelf/local_time.h"

#include <stdbool.h>

/* mktime() changes the fields of a time that does not exist, or not in the half of the year that it
 * was told. */
static bool exists(const struct tm *written, int is_summer, time_t *ret_time)
{
    struct tm parts = *written;
    parts.tm_isdst = is_summer;
    *ret_time = mktime(&parts);
    return parts.tm_mday == written->tm_mday && parts.tm_hour == written->tm_hour &&
           parts.tm_min == written->tm_min;
}

time_t local_time(const struct tm *written)
{
    /* Fields out of range (the 32nd of a month) are put in order first. */
    struct tm ordered = *written;
    ordered.tm_isdst = 0;
    timegm(&ordered);
    time_t summer;
    time_t winter;
    bool in_summer = exists(&ordered, 1, &summer);
    bool in_winter = exists(&ordered, 0, &winter);
    if (in_summer != in_winter)
        return in_summer ? summer : winter;
    /* Twice: the earlier. Never (skipped): the later, which stays within the day at midnight. */
    bool earlier_is_summer = summer < winter;
    return earlier_is_summer == in_summer ? summer : winter;
}
