/* What earlier nights tell about tonight: which nights count, and what is usual of their numbers.
 *
 * A night is a backup that `verify` found good as the latest one, with every check. Whatever was
 * verified several times counts once, by what was said of it last. Numbers are of any unit.
 */
#ifndef HISTORY_TREND_H
#define HISTORY_TREND_H

#include "history/history.h"

/* A history as a run finds it when its checks begin. */
struct past {
    struct history_entries entries;
    struct strings notices; /* a sentence for each line that could not be read */
    char *path;             /* where it lies, for messages */
    bool failed;            /* it could not be read; the error says why */
    struct error error;
};
void past_read(const struct scenario *scenario, const char *reports, struct past *ret_past);
void past_free(struct past *past); /* takes a zeroed one */

struct nights {
    const struct history_entry **items; /* the newest first; borrowed from the history */
    size_t count;
};

/* The last nights, at most so many, before the backup of that name and time (0: not known). What is
 * dated after `now` does not count. */
void nights_before(const struct history_entries *entries, const char *backup, time_t backup_time,
                   time_t now, size_t most, struct nights *ret_nights);
void nights_free(struct nights *nights);

/* Of so many nights `anomaly for` knows what is usual, and of fewer it does not. */
enum { ANOMALY_NIGHTS = 30, ANOMALY_NIGHTS_LEAST = 7 };

/* Of at least one number. */
long double numbers_mean(const long double *numbers, size_t count);

/* How far from the median a number may be. The spread of a normal distribution is 1.4826 times the
 * median distance from the median (MAD), and five times that is far. Where nights hardly differ, a
 * tenth of the median is near all the same, and so is `least`. */
struct usual {
    long double median;
    long double spread; /* as of a normal distribution */
    long double allowed;
};
void usual_find(const long double *numbers, size_t count, long double least,
                struct usual *ret_usual);
bool usual_holds(const struct usual *usual, long double number);

/* What part of `before` the difference is, in percent; from nothing to something it is infinite. */
long double percent_of(long double difference, long double before);

#endif
