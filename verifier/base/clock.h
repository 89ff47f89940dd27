/* Time: deadlines on the monotonic clock, dates on the wall clock, and how both are written.
 *
 * Times of day are `time_t` in seconds since 1970 UTC; durations carry their unit in their name.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Milliseconds of the monotonic clock: differences mean something, the value does not. */
int64_t clock_ms(void);

/* A deadline is a value of clock_ms(); this one never comes. */
#define NO_DEADLINE INT64_MAX
int64_t deadline_after(int64_t timeout_ms); /* saturates */
/* What is left until `deadline_ms`, for poll(2): 0 when it has passed, -1 for NO_DEADLINE. */
int deadline_poll_ms(int64_t deadline_ms);

/* "2026-11-22T14:03:05Z" / "2026-11-22T14:03:05" (what JUnit wants) into at least 24 bytes. */
#define TIME_TEXT_SIZE 32
void time_format_utc(time_t time, char text[TIME_TEXT_SIZE]);
void time_format_junit(time_t time, char text[TIME_TEXT_SIZE]);

/* The zone of local times in this process, and in the programs that it starts: one that exists, or
 * NULL for the one that the process was started with. Only while there is one thread. */
void time_zone_use(const char *zone);
/* Whether there is a zone of that name ("Asia/Tokyo") in TZDIR, or where the C library has them. */
bool time_zone_exists(const char *zone);

/* "1.3 s", "4 min 10 s", "26 h 5 min", "30 d": for people, at most two units. */
#define DURATION_TEXT_SIZE 48
void duration_format(int64_t duration_ms, char text[DURATION_TEXT_SIZE]);

/* "12 B", "1.4 MiB": for people. */
#define SIZE_TEXT_SIZE 32
void size_format(int64_t size_bytes, char text[SIZE_TEXT_SIZE]);

#endif
