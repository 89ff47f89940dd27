#include "shelf/local_time.h"

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

/* The two moments that a local time can be. */
struct moments {
    time_t summer, winter;
    bool in_summer, in_winter; /* whether it exists */
};

static struct moments moments_of(const struct tm *written)
{
    /* Fields out of range (the 32nd of a month) are put in order first. */
    struct tm ordered = *written;
    struct moments moments;
    ordered.tm_isdst = 0;
    timegm(&ordered);
    moments.in_summer = exists(&ordered, 1, &moments.summer);
    moments.in_winter = exists(&ordered, 0, &moments.winter);
    return moments;
}

time_t local_time(const struct tm *written)
{
    struct moments moments = moments_of(written);
    if (moments.in_summer != moments.in_winter)
        return moments.in_summer ? moments.summer : moments.winter;
    /* Twice: the earlier. Never (skipped): the later, which stays within the day at midnight. */
    bool earlier_is_summer = moments.summer < moments.winter;
    return earlier_is_summer == moments.in_summer ? moments.summer : moments.winter;
}

bool local_time_comes_twice(const struct tm *written)
{
    struct moments moments = moments_of(written);
    return moments.in_summer && moments.in_winter && moments.summer != moments.winter;
}
