/* Names of backup files as strftime patterns: bugspark_%Y%m%d.dump.gz
 *
 * Understood: %Y %y %m %d %e %j %H %M %S %F %R %T %s %z %a %u %%. Each has the width that strftime
 * gives it (%Y four digits, %j three, %s ten, %z a sign and four digits, %e two with a space in
 * front, %a three letters, %u one digit, the others two), so a name matches in one way or in none.
 * A pattern that tells the day may say more of the time of day, but its hours before its minutes
 * before its seconds: %M without %H is refused. One that does not (latest.dump.gz, a rotation over
 * %a) names backups that replace each other, and tells no date.
 *
 * Times in names are local time (TZ), as date(1) writes them, unless the pattern has %z, or the
 * letter Z right after the time (Render's %Y-%m-%dT%H:%MZ.dir.tar.gz), or is %s. An hour that comes
 * twice when summer time ends is taken as the earlier one: a backup then looks older, never
 * younger.
 *
 * Source: POSIX strftime. The century of %y is strptime's: 69 to 99 are in the 1900s.
 */
#ifndef SHELF_NAME_PATTERN_H
#define SHELF_NAME_PATTERN_H

#include <stdbool.h>
#include <time.h>

#include "base/error.h"

/* What a name says: some moment from `time` on, before `end` (a second, a minute, an hour or a day
 * later). */
struct name_date {
    time_t time;
    time_t end;
    bool has_time;    /* it tells the hour at least; else `time` is the start of its day */
    bool undated;     /* the pattern does not tell the day: `time` and `end` never come */
    bool comes_twice; /* its local time does, since clocks were set back; `time` is the earlier */
    int year, month, day; /* as it is written; of %s: in local time */
};

/* Refuses what cannot be understood, naming the conversion and what to write instead. The other
 * functions want a pattern that passed here; with another one nothing matches. */
int name_pattern_check(const char *pattern, struct error *error);

/* Whether the whole name matches and its date is a real one (no 30 February, no year before 1970).
 */
bool name_pattern_match(const char *pattern, const char *name, struct name_date *ret_date);

/* The name of a backup made at `time`: to be freed by the caller. It is as strftime writes it and
 * matches its own pattern. */
int name_pattern_format(const char *pattern, time_t time, char **ret_name, struct error *error);

/* Whether a name that does not match looks as if it were meant to: for mentioning only. It begins
 * like the pattern (at least three letters before its first conversion; a dot in front does not
 * count), or is a matching name with something behind it, or, when the pattern begins with
 * less, begins and ends like it. Checksums, signatures and manifests that lie next to a matching
 * name
 * (.sha256, .asc, .json ...) are not meant. */
bool name_pattern_near(const char *pattern, const char *name);

#endif
