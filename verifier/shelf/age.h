/* When a backup was made.
 *
 * Three witnesses: the date in its name, the creation time in its archive's header (local time of
 * the machine that dumped, whose zone is not written down), and the time its file was modified
 * (which any copy renews). The header's time is taken to be in our zone, as the name's is: both
 * were written by one machine as a rule. Where a choice is left, the older time wins, so that a
 * backup is never taken for younger than it is.
 *
 * - A name with a time of day: that.
 * - A name with only a day: the header's time when it lies in that day; when it lies up to 14 hours
 *   (the zones there are) behind the day, the day's last second; else the start of the day.
 * - The time its file was modified, where the name tells no date that counts (`undated`), is taken
 *   like one in the name.
 * - A name that is not of the pattern: the header's time or the file's, whichever is earlier.
 *
 * When the header is more than 20 hours older than the name (14 for zones, 6 for a dump that is
 * named when it is done), this is an old dump under a new name: the header's time counts then, and
 * the contradiction is told. When it is more than 20 hours newer, that is told too, and the name's
 * time, the older one, counts.
 */
#ifndef SHELF_AGE_H
#define SHELF_AGE_H

#include <time.h>

#include "shelf/find.h"

/* By which the clock of another machine, as a date tells it, may be ahead of ours. */
enum { CLOCK_SKEW_S = 300 };

struct backup_time {
    time_t time;
    const char *known_from;  /* "its name", "its archive header", "its name's day", "its manifest",
                                "the time its file was modified": static */
    char contradiction[256]; /* a sentence without its stop, or "" */
};

/* `creation_local`: the archive header's; NULL when it is not known. Depends on TZ alone. */
struct backup_time backup_time(const struct backup_file *file, const struct tm *creation_local);

/* The same where the header alone is to tell it (`backups.time: header`): the header's time, unless
 * the file is older; of an archive that has none, the file's. */
struct backup_time backup_time_of_header(const struct backup_file *file,
                                         const struct tm *creation_local);

/* The same where a manifest tells when the dump began. It is a moment, not a date in some zone, so
 * it is believed; a name that is more than 20 hours off is told. */
struct backup_time backup_time_of_manifest(const struct backup_file *file, time_t began);

#endif
