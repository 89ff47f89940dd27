#include "shelf/age.h"

#include <stdio.h>

#include "shelf/local_time.h"

/* What zones can do to a time without one, and how long a dump may take that is named at its end.
 */
enum { ZONES_S = 14 * 3600, SLACK_S = ZONES_S + 6 * 3600 };

/* The numbers of a header may be any. */
static bool is_plausible(const struct tm *creation)
{
    return creation && creation->tm_year >= 70 && creation->tm_year < 8100 &&
           creation->tm_mon >= 0 && creation->tm_mon < 12 && creation->tm_mday >= 1 &&
           creation->tm_mday <= 31 && creation->tm_hour >= 0 && creation->tm_hour < 24 &&
           creation->tm_min >= 0 && creation->tm_min < 60 && creation->tm_sec >= 0 &&
           creation->tm_sec <= 60;
}

static void date_write(const struct tm *date, char *text, size_t size)
{
    snprintf(text, size, "%04d-%02d-%02d", date->tm_year + 1900, date->tm_mon + 1, date->tm_mday);
}

static void contradiction_write(const struct backup_file *file, const struct tm *creation,
                                struct backup_time *result)
{
    char made[64];
    date_write(creation, made, sizeof(made));
    snprintf(result->contradiction, sizeof(result->contradiction),
             "%s %04d-%02d-%02d, but the archive in it was made %s",
             file->name_date.undated ? "modified" : "named", file->name_date.year,
             file->name_date.month, file->name_date.day, made);
}

static const char of_file[] = "the time its file was modified";

static struct backup_time time_without_name(const struct backup_file *file,
                                            const struct tm *creation)
{
    time_t created = creation ? local_time(creation) : file->modified;
    if (creation && created <= file->modified)
        return (struct backup_time){.time = created, .known_from = "its archive header"};
    return (struct backup_time){.time = file->modified, .known_from = of_file};
}

static struct backup_time time_from_name(const struct name_date *name)
{
    return (struct backup_time){.time = name->time,
                                .known_from = name->undated    ? of_file
                                              : name->has_time ? "its name"
                                                               : "its name's day"};
}

struct backup_time backup_time(const struct backup_file *file, const struct tm *creation_local)
{
    const struct tm *creation = is_plausible(creation_local) ? creation_local : NULL;
    const struct name_date *name = &file->name_date;
    if (!file->has_name_date)
        return time_without_name(file, creation);
    struct backup_time result = time_from_name(name);
    if (!creation)
        return result;
    time_t created = local_time(creation);
    if (created < name->time - SLACK_S) {
        result = (struct backup_time){.time = created, .known_from = "its archive header"};
        contradiction_write(file, creation, &result);
    } else if (created >= name->end + SLACK_S) {
        contradiction_write(file, creation, &result);
    } else if (!name->has_time && created >= name->time && created < name->end + ZONES_S) {
        result.known_from = "its archive header";
        result.time = created < name->end ? created : name->end - 1;
    }
    return result;
}

struct backup_time backup_time_of_header(const struct backup_file *file,
                                         const struct tm *creation_local)
{
    return time_without_name(file, is_plausible(creation_local) ? creation_local : NULL);
}

struct backup_time backup_time_of_manifest(const struct backup_file *file, time_t began)
{
    const struct name_date *name = &file->name_date;
    struct backup_time result = {.time = began, .known_from = "its manifest"};
    struct tm date;
    char made[64];
    if (!file->has_name_date || name->undated ||
        (began >= name->time - SLACK_S && began < name->end + SLACK_S))
        return result;
    date_write(localtime_r(&began, &date), made, sizeof(made));
    snprintf(result.contradiction, sizeof(result.contradiction),
             "named %04d-%02d-%02d, but its manifest says that it was made %s", name->year,
             name->month, name->day, made);
    return result;
}
